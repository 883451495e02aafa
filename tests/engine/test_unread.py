"""Targets that were not read themselves: each rule says so about the place, and nobody takes silence for a pass."""

from __future__ import annotations

from scanner import pipeline
from scanner.data import policies
from scanner.engine.evaluate import Options
from scanner.inventory.making import make
from scanner.inventory.record import ListPart
from scanner.language.pack import load_pack
from scanner.language.tailor import select
from scanner.model.finding import Verdict
from scanner.model.resource import Inventory, Origin, Problem, SourceRun

NOW = "2026-11-25T02:00:00Z"
SUB = "/subscriptions/11111111-1111-4111-8111-111111111111"
R = "Microsoft.ContainerRegistry/registries"
TOKENS = f"{R}/tokens"


def registry(name):
    identifier = f"{SUB}/resourceGroups/rg/providers/{R}/{name}"
    raw = {
        "id": identifier,
        "name": name,
        "sku": {"name": "Premium"},
        "properties": {"loginServer": f"{name}.azurecr.io"},
    }
    return make(R, identifier, raw, Origin("azure"), "2025-11-01")


def token(home, name):
    identifier = f"{home.id}/tokens/{name}"
    raw = {"id": identifier, "name": name, "properties": {"status": "disabled"}}
    return make(TOKENS, identifier, raw, Origin("azure"), "2025-11-01")


def scanned(problems, tokens=(), rule="ACR118", details=True, kind=TOKENS):
    a, b = registry("a"), registry("b")
    held = [token({"a": a, "b": b}[home], name) for home, name in tokens]
    state = "complete" if not problems else "partial" if held else "failed"
    runs = [SourceRun("azure", R, "complete", 2)]
    runs += [SourceRun("azure", kind, state, len(held), tuple(problems))]
    parts = {R.lower(): ListPart(R, [a, b])}
    if held:
        parts[TOKENS.lower()] = ListPart(TOKENS, held)
    pack = load_pack(policies() / "acr")
    return pipeline.scan(
        select(pack, (rule,), ()),
        Inventory(parts, tuple(runs), "", NOW),
        now=NOW,
        words="test",
        options=Options(details=details, check_every=1 if details else 0),
    )


def test_a_registry_whose_tokens_were_refused_is_unknown():
    place = registry("b").id
    scan = scanned([Problem(place, "403 AuthorizationFailed", 403)], [("a", "old")])
    (finding,) = scan.findings
    assert (finding.verdict, finding.resource, finding.severity) == (Verdict.UNKNOWN, place, "high")
    assert finding.message == "tokens of b not read: 403 AuthorizationFailed"
    assert scan.tallies.of_rule("ACR118")[Verdict.UNKNOWN] == 1
    assert scan.tallies.of_rule("ACR118")[Verdict.NOT_APPLICABLE] == 1
    assert scan.tallies.resources == {TOKENS: 1}, "a place is no resource"


def test_where_nothing_at_all_was_read_the_rule_is_unknown_and_not_skipped():
    scan = scanned([Problem("", "403")])
    (finding,) = scan.findings
    assert finding.resource == "/"
    assert finding.message == "tokens of the whole scope not read: 403"
    (card,) = [card for card in scan.header.rules if card.id == "ACR118"]
    assert card.not_evaluated == ""


def test_one_row_for_each_place_in_the_order_of_ids():
    places = [registry("b").id, SUB, registry("a").id.upper(), registry("a").id]
    scan = scanned(
        [Problem(place, f"reason {number}") for number, place in enumerate(places)], [("a", "x"), ("b", "x")]
    )
    assert [item.resource.lower() for item in scan.findings] == [
        SUB,
        registry("a").id.lower(),
        registry("b").id.lower(),
    ]


def test_counting_gives_the_same_numbers():
    problems = [Problem(registry("b").id, "403", 403)]
    full, quick = (scanned(problems, [("a", "old")], details=details) for details in (True, False))
    assert full.tallies.verdicts == quick.tallies.verdicts


def test_what_a_user_left_out_on_purpose_is_not_unknown():
    assert not list(scanned([Problem(registry("b").id, "not asked for (patterns)", chosen=True)]).findings)


def test_a_complete_collection_has_no_such_rows():
    assert not list(scanned([]).findings)


def test_a_resource_that_is_there_tells_its_own_story():
    """A registry that was lost is a resource without content: its rows say so, no further ones do."""
    scan = scanned([], rule="ACR101")
    problem = Problem(registry("a").id, "scope lost")
    again = scanned([problem], rule="ACR101", kind=R)
    assert len(list(again.findings)) == len(list(scan.findings))
