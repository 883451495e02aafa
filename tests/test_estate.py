"""The sample estate: its files are what its builder writes, and its stories come out of a scan as its README tells them."""

from __future__ import annotations

import re

import pytest

from scanner import data
from scanner.model.finding import LETTERS, Verdict
from tests.estate import build
from tests.golden import sample_scan

SCAN = sample_scan()
FOUND = {
    (finding.rule, finding.resource_name) for finding in SCAN.findings if finding.verdict is Verdict.FAIL
}
AFFECTED = {
    (finding.rule, other.rsplit("/", 1)[-1]) for finding in SCAN.findings for other in finding.affected
}
README = (data.estate() / "README.md").read_text("utf-8")


def verdict(rule, registry):
    """The verdict of a rule on a registry, from the scan's lines."""
    for line in SCAN.resources:
        if line.name == registry and rule in SCAN.header.order[line.type]:
            return LETTERS[line.letters[SCAN.header.order[line.type].index(rule)]]
    raise AssertionError((rule, registry))


def test_the_files_are_what_the_builder_writes(tmp_path):
    """Nobody edits answers by hand."""
    build.write(tmp_path)
    written = {path.name: path.read_text() for path in (tmp_path / "answers").iterdir()}
    assert written == {path.name: path.read_text() for path in (data.estate() / "answers").iterdir()}
    assert (tmp_path / "principals.json").read_text() == (data.estate() / "principals.json").read_text()


def test_the_readme_names_every_registry():
    """One story each."""
    told = re.findall(r"^\| (harbour\w+) \|", README, re.MULTILINE)
    assert told == [item["name"] for item in build.ESTATE]


@pytest.mark.parametrize(
    ("rule", "registry", "expected"),
    [
        ("ACR101", "harbourlegacy", Verdict.FAIL),
        ("ACR101", "harbourdev", Verdict.PASS),
        ("ACR103", "harbourlegacy", Verdict.FAIL),
        ("ACR103", "harbourdev", Verdict.NOT_APPLICABLE),
        ("ACR201", "harbourcore", Verdict.PASS),
        ("ACR201", "harbourpending", Verdict.PASS),
        ("ACR201", "harbouredge", Verdict.FAIL),
        ("ACR201", "harbourops", Verdict.PASS),
        ("ACR201", "harbourdev", Verdict.NOT_APPLICABLE),
        ("ACR201", "harbourfresh", Verdict.FAIL),
        ("ACR205", "harbourcore", Verdict.PASS),
        ("ACR205", "harbourpending", Verdict.FAIL),
        ("ACR206", "harbourcore", Verdict.PASS),
        ("ACR305", "harbourcore", Verdict.PASS),
        ("ACR306", "harbourcore", Verdict.PASS),
        ("ACR109", "harbourabac", Verdict.FAIL),
        ("ACR110", "harbourabac", Verdict.FAIL),
        ("ACR110", "harbourcore", Verdict.PASS),
        ("ACR102", "harbourcore", Verdict.PASS),
        ("ACR307", "harbourtrust", Verdict.FAIL),
        ("ACR309", "harbourtrust", Verdict.FAIL),
        ("ACR405", "harbourgeo", Verdict.FAIL),
        ("ACR410", "harbourtokens", Verdict.FAIL),
        ("ACR504", "harbourcore", Verdict.PASS),
        ("ACR504", "harbourlegacy", Verdict.FAIL),
        ("ACR505", "harbourcore", Verdict.PASS),
        ("ACR511", "harbourbroken", Verdict.FAIL),
        ("ACR501", "harbourcore", Verdict.PASS),
        ("ACR501", "harbourdev", Verdict.FAIL),
        ("ACR213", "harbourdev", Verdict.NOT_APPLICABLE),
        ("ACR213", "harbourbuild", Verdict.UNKNOWN),
        ("ACR701", "harbourbuild", Verdict.FAIL),
    ],
)
def test_registry_stories(rule, registry, expected):
    """Each verdict the README promises."""
    assert verdict(rule, registry) is expected


@pytest.mark.parametrize(
    "pair",
    [
        ("ACR118", "partner"),
        ("ACR120", "partner-all"),
        ("ACR124", "ci"),
        ("ACR303", "harbourops"),
        ("ACR311", "hub"),
        ("ACR403", "harbourlegacy"),
        ("ACR703", "web"),
        ("ACR705", "web"),
        ("ACR706", "pool1"),
        ("ACR712", "web"),
        ("ACR510", "shop-waiver"),
        ("ACR301", "Containers"),
    ],
)
def test_stories_of_children(pair):
    """Tokens, scope maps, tasks, pools, plans and exemptions fail where they should."""
    assert pair in FOUND


def test_inherited_causes_are_one_finding():
    """The deployer's Contributor and the sweeper's wildcard: one finding each, naming the registries below."""
    deployer = [item for item in SCAN.findings if item.rule == "ACR104" and build.DEPLOYER in item.element]
    assert len(deployer) == 1
    assert len(deployer[0].affected) == 7
    assert {("ACR104", "harbourtokens"), ("ACR105", "harbourtokens")} <= FOUND | AFFECTED


def test_settling_is_told():
    """The registry that was opened five minutes before fails as settling."""
    (found,) = [
        item for item in SCAN.findings if (item.rule, item.resource_name) == ("ACR201", "harbourfresh")
    ]
    assert found.qualifier == "settling"


def test_no_disagreement_and_no_error():
    """With every pass re-decided by the reference lane, nothing is an error."""
    assert SCAN.tallies.total()[Verdict.ERROR] == 0


def test_nothing_unread_passes():
    """The refused tokens show as partial, with the command that grants the right."""
    tokens = next(run for run in SCAN.header.runs if run.collection.endswith("/tokens"))
    assert tokens.state == "partial"
    assert tokens.problems[0].fix.startswith("az role assignment create")
