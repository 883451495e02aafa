"""Two rules side by side: what can become what, with an example that really shows it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scanner import data
from scanner.engine.evaluate import rule_values
from scanner.engine.judge import judge
from scanner.language.pack import load_pack
from scanner.model.condition import NOWHERE
from scanner.model.rule import RuleTest
from scanner.workbench.bounded.compare import compare, differ
from scanner.workbench.bounded.moves import Side
from scanner.workbench.unit import case_of
from tests.workbench.bounded.making import pack_of, side

ACR = load_pack(data.policies() / "acr")
PREMIUM = "assert: {field: sku.name, equals: Premium}\n"
EITHER = "assert: {field: sku.name, in: [Premium, Standard]}\n"


def verdict(pack, rule, case):
    """The engine's letter for an example."""
    test = RuleTest("example", case.resource, case.related, case.params, case.now, "pass", "", None, NOWHERE)
    return judge(rule, case_of(pack, rule, test)).verdict.letter


def both(tmp_path, one, other, shared=""):
    pack = pack_of(tmp_path, one, other, shared=shared)
    return pack, *pack.rules


def test_a_wider_rule_is_loosened(tmp_path):
    """Standard was refused and is taken: fail to pass, with the registry that shows it."""
    pack, old, new = both(tmp_path, PREMIUM, EITHER)
    moves = compare(side(pack, old), side(pack, new))
    assert set(moves.found) == {("F", "P")}
    assert moves.loosened
    assert moves.complete
    case = moves.found["F", "P"]
    assert case.resource["sku"]["name"] == "Standard"
    assert (verdict(pack, old, case), verdict(pack, new, case)) == ("F", "P")


def test_a_narrower_rule_is_not_loosened(tmp_path):
    """The other way round only more fails."""
    pack, old, new = both(tmp_path, EITHER, PREMIUM)
    moves = compare(side(pack, old), side(pack, new))
    assert set(moves.found) == {("P", "F")}
    assert not moves.loosened


def test_a_narrower_when_is_loosened(tmp_path):
    """What failed is no longer asked."""
    pack, old, new = both(
        tmp_path,
        "assert: {field: properties.adminUserEnabled, equals: false}\n",
        "when: {field: sku.name, equals: Premium}\nassert: {field: properties.adminUserEnabled, equals: false}\n",
    )
    moves = compare(side(pack, old), side(pack, new))
    assert ("F", "N") in moves.found
    assert moves.loosened


def test_reading_less_is_loosened(tmp_path):
    """A rule that passes what could not be read, where it was undecided before, is loosened."""
    closed = "{field: properties.publicNetworkAccess, equals: Disabled}"
    deny = "{field: properties.networkRuleSet.defaultAction, equals: Deny}"
    pack, old, new = both(tmp_path, f"assert: {{allOf: [{closed}, {deny}]}}\n", f"assert: {closed}\n")
    assert {("U", "P"), ("F", "P")} <= set(compare(side(pack, old), side(pack, new)).found)


def test_an_equal_rule_in_other_words_is_the_same(tmp_path):
    """De Morgan, another order and a default that says what absence says already change nothing."""
    one = "failIf: {anyOf: [{field: sku.name, notEquals: Premium}, {field: properties.adminUserEnabled, equals: true}]}\n"
    other = "assert: {allOf: [{field: properties.adminUserEnabled, notEquals: true, default: false}, {field: sku.name, equals: premium}]}\n"
    pack, old, new = both(tmp_path, one, other)
    assert compare(side(pack, old), side(pack, new)).same
    assert differ(old, new, side(pack, old).values, side(pack, new).values) == (None, True)


def test_each_side_keeps_its_parameters(tmp_path):
    """The same text with a larger limit is loosened; the limit is where the example stands."""
    shared = "parameters: {most: {type: integer, default: 3, description: most}}\n"
    body = (
        "assert: {field: properties.policies.retentionPolicy.days, lessOrEquals: {param: most}, default: 1}\n"
    )
    pack, old, _ = both(tmp_path, body, PREMIUM, shared)
    before = side(pack, old)
    moves = compare(before, Side(old, {**before.values, "most": 5}))
    assert set(moves.found) == {("F", "P")}
    assert moves.found["F", "P"].resource["properties"]["policies"]["retentionPolicy"]["days"] in (4, 5)


def test_a_mutant_that_reads_another_number_differs(tmp_path):
    """Values that differ by a number stand for a rule that reads the number shifted."""
    shared = "parameters: {most: {type: integer, default: 3, description: most}}\n"
    body = (
        "assert: {field: properties.policies.retentionPolicy.days, lessOrEquals: {param: most}, default: 1}\n"
    )
    pack, rule, _ = both(tmp_path, body, PREMIUM, shared)
    values = side(pack, rule).values
    found, complete = differ(rule, rule, values, {**values, "most": 4}, pack.parameters)
    assert complete
    assert found is not None


@pytest.mark.parametrize("rule", [rule for rule in ACR.rules if rule.check], ids=lambda rule: rule.id)
def test_a_shipped_rule_equals_itself_and_not_its_opposite(rule):
    """No rule differs from itself; with `when` dropped or its check turned round it differs, and the engine says so too."""
    pack, values = ACR, rule_values(ACR, rule, ACR.values)
    declared = {**pack.parameters, **rule.parameters}
    assert differ(rule, rule, values, values, declared)[0] is None
    if rule.when is None:
        return
    wider = replace(rule, when=None)
    found, _ = differ(rule, wider, values, values, declared)
    assert found is not None
    assert verdict(pack, rule, found) != verdict(pack, wider, found)
