"""What only every case answers: nothing is claimed from a sample, and a sample that shows nothing is not the last word."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scanner import data
from scanner.engine.evaluate import rule_values
from scanner.language.pack import load_pack
from scanner.model.condition import Logic
from scanner.workbench.bounded import thorough
from scanner.workbench.bounded.axes import Limits
from scanner.workbench.bounded.compare import differ
from scanner.workbench.bounded.moves import Example
from scanner.workbench.bounded.thorough import Reach, apart, declared_in
from scanner.workbench.coverage import covered, sites
from scanner.workbench.mutants import mutants
from tests.workbench.packs import load

ACR = load_pack(data.policies() / "acr")
RULES = "properties.networkRuleSet.ipRules"
FEW = Limits(elements=2, pairs=2, rows=4, whole=True)


def parts(pack, rule, mutant):
    """The arguments of `apart` for a mutant."""
    values = rule_values(pack, rule, pack.values)
    return rule, mutant.rule, values, mutant.values(values), declared_in(pack, rule)


def shipped(identifier):
    return next(rule for rule in ACR.rules if rule.id == identifier)


def same():
    """A mutant of ACR712 that is the rule itself: absent content matches nothing, as empty content does."""
    rule = shipped("ACR712")
    values = rule_values(ACR, rule, ACR.values)
    return parts(ACR, rule, [one for one in mutants(rule, values) if one.operator == "drop default"][-1])


def test_a_sample_that_shows_nothing_leads_to_every_case(monkeypatch):
    """ACR712 has too many cases for the quick look; what patience finds then is the answer."""
    assert differ(*same()) == (None, False)
    for answer in ((None, True), (Example({}), True)):
        asked: list[tuple[Limits, ...]] = []

        def patient(*_, answer=answer, asked=asked):
            asked.append(_[5:])
            return answer if _[5:] else (None, False)

        monkeypatch.setattr(thorough, "differ", patient)
        assert apart(*same()) == answer
        assert asked == [(), (thorough.THOROUGH,)]


def test_too_many_cases_are_no_answer(monkeypatch):
    """Where even patience does not try every case, nothing is known: neither the rule itself nor another one."""
    monkeypatch.setattr(thorough, "THOROUGH", FEW)
    assert apart(*same()) == (None, False)


def test_a_difference_that_a_sample_shows_needs_no_more(monkeypatch):
    """An example is an example, whatever was not tried."""
    rule = shipped("ACR712")
    values = rule_values(ACR, rule, ACR.values)
    other = next(one for one in mutants(rule, values) if one.operator == "remove not")
    monkeypatch.setattr(thorough, "THOROUGH", FEW)
    assert apart(*parts(ACR, rule, other))[0] is not None


def impossible(pack, rule):
    """The outcomes that no case brings about, in the order of the rule."""
    reach = Reach(pack)
    return [
        one
        for condition, wanted in sites(rule)
        for one in wanted
        if reach.impossible(rule, condition, one) is not False
    ]


@pytest.mark.parametrize(
    ("when", "check", "expected"),
    [
        ("", "assert: {field: sku.name, equals: Premium}", []),
        ("", f"assert: {{none: {{of: {RULES}, as: r, where: {{field: $r.value, equals: a}}}}}}", []),
        (
            f"{{some: {{of: {RULES}, as: r, where: {{field: $r.value, equals: a}}}}}}",
            f"assert: {{none: {{of: {RULES}, as: q, where: {{field: $q.value, equals: b}}}}}}",
            ["empty"],
        ),
        (
            "{field: sku.name, equals: Premium}",
            "assert: {anyOf: [{field: sku.name, equals: Premium}, {field: properties.adminUserEnabled, equals: false}]}",
            ["false", "false"],
        ),
    ],
)
def test_what_no_case_brings_about(tmp_path, when, check, expected):
    """An outcome is impossible where `when` or another part rules it out in every case, and only there."""
    pack, rule = load(tmp_path, check=check, when=when)
    assert impossible(pack, rule) == expected


def test_what_is_not_known_is_not_impossible(tmp_path, monkeypatch):
    """With Azure's semantics, with too many cases, and of a condition that nobody asked: None."""
    pack, rule = load(tmp_path, check="assert: {field: sku.name, equals: Premium}")
    azure = replace(rule, semantics="azure")
    assert Reach(pack).impossible(azure, azure.check, "true") is None
    assert Reach(pack).impossible(rule, Logic("allOf", (rule.check,), rule.mark), "true") is None
    monkeypatch.setattr(thorough, "THOROUGH", FEW)
    found = covered(ACR, replace(shipped("ACR503"), tests=()), Reach(ACR).impossible)
    assert {one for site in found.sites for one in site.unsure} >= {"true", "false"}
    assert all("too many to try" in problem.advice for problem in found.problems())
    assert [site.impossible for site in found.sites if site.impossible] == [
        ("empty",)
    ]  # known without the check


@pytest.mark.parametrize("identifier", ["ACR206", "ACR303"])
def test_the_outcomes_of_the_shipped_pack_that_no_test_can_reach(identifier):
    """A list that `when` demands to hold something is never empty in the check."""
    found = covered(ACR, shipped(identifier), Reach(ACR).impossible)
    assert [site.impossible for site in found.sites if site.impossible] == [("empty",)]
    assert found.seen == found.branches
