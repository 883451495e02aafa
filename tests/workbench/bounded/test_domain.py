"""The bounded domain says what the engine says, over every row; and it reaches what can be reached."""

from __future__ import annotations

import random

import pytest

from scanner import data
from scanner.engine.evaluate import rule_values
from scanner.engine.judge import judge
from scanner.language.pack import load_pack
from scanner.model.condition import NOWHERE, Quantifier
from scanner.model.rule import RuleTest
from scanner.workbench.bounded.build import domain
from scanner.workbench.bounded.compare import example, letters
from scanner.workbench.bounded.questions import domain_of, reachable
from scanner.workbench.unit import case_of
from tests.workbench.bounded.making import rule_of

ACR = load_pack(data.policies() / "acr")
DECIDABLE = [rule for rule in ACR.rules if rule.check is not None]


def agree(pack, rule, made, rows):
    """How many of the rows were compared with the engine; each must have its letter there."""
    values = rule_values(pack, rule, pack.values)
    found = letters(made, 0)
    compared = 0
    for row in rows:
        if not made.possible >> row & 1:
            continue
        expected = next(letter for letter, mask in found.items() if mask >> row & 1)
        case = example(made, row, values)
        test = RuleTest("row", case.resource, case.related, case.params, case.now, "pass", "", None, NOWHERE)
        letter = judge(rule, case_of(pack, rule, test)).verdict.letter
        assert ("U" if letter == "E" else letter) == expected, case
        compared += 1
    return compared


@pytest.mark.parametrize("unread", [False, True], ids=["read", "unread"])
@pytest.mark.parametrize("rule", DECIDABLE, ids=lambda rule: rule.id)
def test_rows_agree_with_the_engine(rule, unread):
    """Random rows of each shipped rule's domain get the engine's verdict, what could not be read included."""
    values = rule_values(ACR, rule, ACR.values)
    made = domain([rule], [values], {**ACR.parameters, **rule.parameters}, free=True, unread=unread)
    dice = random.Random(7)
    rows = [dice.randrange(made.space.size) for _ in range(12)]
    assert agree(ACR, rule, made, rows) > 0


SHAPES = {
    "count": "assert: {count: {of: properties.networkRuleSet.ipRules, as: r, where: {field: $r.value, like: '10.*'}}, lessOrEquals: 3}",
    "count all": "assert: {count: {of: related.webhooks}, notEquals: 1}",
    "map": "assert: {every: {of: identity.userAssignedIdentities, as: i, where: {field: $i.key, like: '*/a'}, whenEmpty: fail}}",
    "map key": "failIf: {field: tags, containsKey: owner}",
    "nested": "assert: {none: {of: related.privateEndpoints, as: e, where: {some: {of: $e.privateDnsZoneGroups, as: g, where: {field: $g.name, equals: x}}}}}",
    "outer": "assert: {every: {of: related.replications, as: r, where: {field: $r.location, equals: {fieldRef: location}}, whenEmpty: pass}}",
    "same list": "assert: {none: {of: related.replications, as: r, where: {some: {of: related.replications, as: o, where: {allOf: [{field: $o.location, equals: {fieldRef: $r.location}}, {field: $o.name, notEquals: {fieldRef: $r.name}}]}}}}}",
    "list itself": "assert: {anyOf: [{field: properties.networkRuleSet.ipRules, empty: true}, {none: {of: properties.networkRuleSet.ipRules, as: r, where: {field: $r.action, equals: Allow, default: Allow}}}]}",
    "below": "assert: {anyOf: [{field: properties.encryption, exists: false}, {field: properties.encryption.status, equals: enabled}]}",
    "numbers": "assert: {allOf: [{field: properties.policies.retentionPolicy.days, less: 7, default: 1}, {field: properties.policies.retentionPolicy.days, greaterOrEquals: 2, default: 7}]}",
    "days": "when: {field: systemData.createdAt, exists: true}\nassert: {field: systemData.createdAt, newerThanDays: 90}",
    "pattern": "assert: {field: name, matches: '^acr[a-z]{3}[0-9]+(prod|dev)$'}",
    "form": "assert: {field: name, format: registryName}",
    "range": "assert: {every: {of: properties.networkRuleSet.ipRules, as: r, where: {field: $r.value, cidrWithin: [10.0.0.0/8]}}}",
    "within": "assert: {field: id, idWithin: [/subscriptions/00000000-0000-0000-0000-000000000001]}",
    "sensitive": "assert: {field: name, equals: Contoso, caseSensitive: true}",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_row_of_small_rules_agrees(tmp_path, shape):
    """Each kind of condition, on every row of its domain, decides as in the engine, and some rows pass and fail."""
    pack, rule = rule_of(tmp_path, SHAPES[shape] + "\n")
    values = rule_values(pack, rule, pack.values)
    for unread in (False, True):
        made = domain([rule], [values], {}, free=True, unread=unread)
        found = letters(made, 0)
        assert found["P"]
        assert found["F"]
        assert agree(pack, rule, made, range(min(made.space.size, 400))) > 1


def test_counts_reach_their_border(tmp_path):
    """A count that allows 5 is tried with 5 and 6 elements."""
    pack, rule = rule_of(tmp_path, "assert: {count: {of: related.webhooks}, lessOrEquals: 5}\n")
    made = domain_of(rule, rule_values(pack, rule, pack.values), {})
    lengths = {len(rep.bounds) for axis in made.space.axes for rep in axis.reps}
    assert {5, 6} <= lengths


def test_nothing_stands_below_what_is_absent(tmp_path):
    """Rows in which a parent is absent and its child is not are no cases."""
    pack, rule = rule_of(tmp_path, SHAPES["below"] + "\n")
    made = domain_of(rule, rule_values(pack, rule, pack.values), {})
    assert made.possible.bit_count() < made.space.size
    cases = [example(made, row, {}).resource for row in range(made.space.size) if made.possible >> row & 1]
    assert len({repr(case) for case in cases}) == len(cases)


def test_conditions_that_hang_together_are_met(tmp_path):
    """Ten conditions on one element at once: far too many combinations, yet elements on purpose meet all of them."""
    fields = ["via.role", "via.scope", "principalId", "until", "via.assignmentId", "via.roleDefinitionId"]
    asked = ", ".join(
        f"{{field: $g.{name}, in: [a, b, c]}}, {{field: $g.{name}, like: 'b*'}}" for name in fields
    )
    pack, rule = rule_of(
        tmp_path, f"failIf: {{some: {{of: related.access, as: g, where: {{allOf: [{asked}]}}}}}}\n"
    )
    made = domain_of(rule, rule_values(pack, rule, pack.values), {})
    assert not made.complete
    assert letters(made, 0)["F"]
    assert made.short == ["access"]


def test_outcomes_that_no_case_brings_about(tmp_path):
    """A list that `when` has found filled is never empty in the check, and both truths of its elements are reached."""
    body = """
when: {some: {of: related.webhooks, as: w, where: {field: $w.name, equals: a}}}
assert: {none: {of: related.webhooks, as: w, where: {field: $w.name, equals: b}}}
"""
    pack, rule = rule_of(tmp_path, body)
    found = reachable(domain_of(rule, rule_values(pack, rule, pack.values), {}))
    assert found[id(rule.check)] == {"true", "false", "filled"}
    assert found[id(rule.when)] == {"true", "false", "empty", "filled"}
    assert isinstance(rule.check, Quantifier)
    assert found[id(rule.check.where)] == {"true", "false"}
