"""Counting by configuration gives what evaluating one by one gives, whatever the bodies look like."""

from __future__ import annotations

from collections import Counter

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner import data, pipeline
from scanner.cli.options import pack_from
from scanner.engine.counting import count, folded, reads
from scanner.engine.estate import Estate
from scanner.engine.evaluate import Options
from scanner.inventory import snapshot
from scanner.inventory.record import ListPart, from_record, to_record
from scanner.language.pack import load_pack
from scanner.language.tailor import tailor
from scanner.model.condition import NOWHERE, Leaf, Logic, Param, Path
from scanner.model.resource import Inventory, Origin, Resource, SourceRun
from scanner.model.values import ABSENT
from scanner.types import all_types
from tests.engine.building import CONTRIBUTOR, NOW, PULL, REGISTRIES, SUB, assignment
from tests.engine.test_lanes import bodies

PACK = load_pack(data.policies() / "acr")
GROUPS = [
    f"{SUB}/resourceGroups/a",
    f"{SUB}/resourceGroups/b",
    "/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/a",
]


class Lines(ListPart):
    """A part that streams its records, as a snapshot's file does."""

    def lines(self):
        return iter([orjson.dumps(to_record(row)) for row in self])

    def resource(self, line):
        return from_record(orjson.loads(line))


def json_odd(strategy):
    """Mostly a proper value; sometimes null or another JSON type."""
    return st.one_of(
        strategy, strategy, strategy, st.sampled_from([None, "text", 5, True, 1, 0, [], {}, [{}]])
    )


def inventory(part, *others):
    runs = [SourceRun("saved", kind, "complete") for kind in all_types() if not kind.startswith("acrscan/")]
    parts = {REGISTRIES.lower(): part}
    for row in others:
        parts[row.type.lower()] = ListPart(row.type, [item for item in others if item.type == row.type])
    return Inventory(parts, tuple(runs), "0" * 64, NOW)


def tallied(found, options):
    return pipeline.scan(PACK, found, now=NOW, words="t", options=options).tallies


@st.composite
def registries(draw):
    rows = []
    for number in range(draw(st.integers(1, 5))):
        body = draw(bodies(json_odd))
        name = draw(st.sampled_from(["acr", "oneacr", "x-y"])) + str(number)
        identifier = f"{draw(st.sampled_from(GROUPS))}/providers/{REGISTRIES}/{name}"
        version = draw(st.sampled_from(["2025-11-01", "2017-10-01", "2026-01-01-preview", None]))
        unread = {"/properties/policies": "403"} if draw(st.integers(0, 9)) == 0 else {}
        record = {
            "id": identifier,
            "type": REGISTRIES,
            "name": name,
            "location": "",
            "apiVersion": version,
            "body": {**body, "name": name, "id": identifier},
            "unread": unread,
            "hidden": {},
            "origin": {
                "source": draw(st.sampled_from(["saved", "arm"])),
                "where": "",
                "line": None,
                "column": None,
                "collectedAt": None,
            },
        }
        rows.append(from_record(orjson.loads(orjson.dumps(record))))
    return rows


def plain(number, **body):
    """A registry of a name made from a number."""
    name = f"acr{number:03d}"
    identifier = f"{GROUPS[0]}/providers/{REGISTRIES}/{name}"
    content = {
        "id": identifier,
        "name": name,
        "sku": {"name": "Basic"},
        "properties": {"loginServer": "x"},
        **body,
    }
    return Resource(identifier, REGISTRIES, name, content, origin=Origin("arm"))


def twin(row):
    """The same configuration under another name."""
    name = f"{row.name}9"
    body = {**row.body, "id": f"{row.id}9", "name": name}
    return Resource(
        f"{row.id}9", row.type, name, body, "", row.api_version, row.unread, row.hidden, row.origin
    )


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(registries(), st.booleans())
def test_counting_equals_evaluating(rows, roles):
    """Odd types, missing and null keys, versions, unread places, inherited roles: the same verdict counts."""
    others = [assignment(CONTRIBUTOR, SUB), assignment(PULL, GROUPS[0], number=2)] if roles else []
    twins = [twin(row) for row in rows]
    found = inventory(Lines(REGISTRIES, [*rows, *twins]), *others)
    quick = tallied(found, Options(details=False, check_every=0))
    slow = tallied(found, Options(details=False, check_every=1))
    assert quick.verdicts == slow.verdicts
    assert quick.resources == slow.resources


def test_alike_configurations_are_judged_once(monkeypatch):
    """Two hundred registries of one configuration cost one full judgement."""
    from scanner.engine import counting  # noqa: PLC0415

    judged: Counter[str] = Counter()
    original = counting._Counter.judge

    def spy(self, resource):
        judged[resource.type] += 1
        return original(self, resource)

    monkeypatch.setattr(counting._Counter, "judge", spy)
    rows = [plain(number) for number in range(200)]
    list(count(PACK, Estate(inventory(Lines(REGISTRIES, rows)), now=NOW), NOW))
    assert judged[REGISTRIES] == 1


def test_a_snapshot_counts_like_its_scan(tmp_path):
    """The sample estate, through a real snapshot folder."""
    from scanner.inventory import saved  # noqa: PLC0415
    from tests.golden import ROOT  # noqa: PLC0415

    estate = saved.collect([ROOT / "tests" / "estate" / "answers"], now=NOW)
    snapshot.write(estate, tmp_path / "night", tool_version="1", started=NOW, ended=NOW)
    quick = tallied(snapshot.collect(tmp_path / "night"), Options(details=False, check_every=0))
    assert quick.verdicts == tallied(estate, Options()).verdicts


def test_parameters_fold():
    """What parameters alone decide disappears, and with it the paths behind it."""
    name = Leaf(Path("", ("name",)), "equals", "x", ABSENT, False, NOWHERE)
    declared = Leaf(Param("p"), "exists", True, ABSENT, False, NOWHERE)
    both = Logic("allOf", (declared, name), NOWHERE)
    assert folded(both, {"p": None}) is False
    assert folded(Logic("not", (both,), NOWHERE), {"p": None}) is True
    assert folded(both, {"p": ("a",)}) == Logic("allOf", (name,), NOWHERE)
    tags = next(rule for rule in PACK.rules if rule.id == "ACR506")
    assert "tags" not in reads([(tags, {"requiredTags": None})], REGISTRIES, {})
    assert "tags" in reads([(tags, {"requiredTags": ("owner",)})], REGISTRIES, {})


@pytest.mark.parametrize("params", [{}, {"ACR506.requiredTags": "[owner]"}])
def test_rules_that_read_tags_are_judged_in_full(params):
    """With required tags declared the tags decide, so no configuration hides them."""
    pack = tailor(pack_from(None), [], params)
    rows = [plain(number, tags={"owner": "a"} if number else {}) for number in range(3)]
    found = inventory(Lines(REGISTRIES, rows))
    quick = pipeline.scan(
        pack, found, now=NOW, words="t", options=Options(details=False, check_every=0)
    ).tallies
    slow = pipeline.scan(
        pack, found, now=NOW, words="t", options=Options(details=False, check_every=1)
    ).tallies
    assert quick.verdicts == slow.verdicts
    if params:
        assert {verdict.value: number for verdict, number in quick.of_rule("ACR506").items() if number} == {
            "pass": 2,
            "fail": 1,
        }
