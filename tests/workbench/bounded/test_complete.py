"""What a comparison that calls itself complete did not find does not exist: random rules, tried on random registries."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from scanner.engine.judge import judge
from scanner.model.condition import NOWHERE, Logic
from scanner.model.rule import RuleTest
from scanner.workbench.bounded.compare import compare
from scanner.workbench.bounded.moves import Side
from scanner.workbench.unit import case_of
from tests.workbench.bounded.making import pack_of, side

ELEMENTS = [
    {key: value for key, value in (("value", value), ("action", action)) if value}
    for value in (None, "a", "b", "c", "z")
    for action in (None, "Allow")
]
RULES = "properties.networkRuleSet.ipRules"


class Writer:
    """Writes conditions over one list by chance."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.named = 0

    def of_element(self, name, depth):
        """A condition on an element."""
        pick = self.chance.choice
        leaves = (
            f"{{field: ${name}.value, equals: {pick('abc')}}}",
            f"{{field: ${name}.action, equals: Allow}}",
            f"{{field: ${name}.value, exists: {pick(('true', 'false'))}}}",
            f"{{field: ${name}.value, in: [a, {pick('bc')}]}}",
            f"{{field: ${name}.value, notEquals: {pick('abc')}}}",
        )
        if not depth or self.chance.random() < 0.6:
            return pick(leaves)
        return self.joined(self.of_element(name, depth - 1), self.of_element(name, depth - 1))

    def joined(self, one, other):
        """Two conditions put together, or the opposite of one."""
        kind = self.chance.choice(("allOf", "anyOf", "not"))
        return f"{{not: {one}}}" if kind == "not" else f"{{{kind}: [{one}, {other}]}}"

    def condition(self, depth=2):
        """A condition on a registry."""
        if depth and self.chance.random() < 0.5:
            return self.joined(self.condition(depth - 1), self.condition(depth - 1))
        if self.chance.random() < 0.2:
            return f"{{field: sku.name, equals: {self.chance.choice(('Basic', 'Premium'))}}}"
        self.named += 1
        name = f"x{self.named}"
        inner = f"of: {RULES}, as: {name}, where: {self.of_element(name, 1)}"
        kind = self.chance.choice(("some", "none", "every", "count"))
        if kind == "count":
            return f"{{count: {{{inner}}}, {self.chance.choice(('greater', 'less', 'equals'))}: {self.chance.choice((1, 2, 3))}}}"
        return f"{{{kind}: {{{inner}{', whenEmpty: pass' if kind == 'every' else ''}}}}}"

    def registry(self):
        """A registry with up to five elements in the list."""
        found = [self.chance.choice(ELEMENTS) for _ in range(self.chance.choice((0, 1, 2, 3, 4, 5)))]
        tier = self.chance.choice(("Basic", "Premium", "Standard"))
        return {"sku": {"name": tier}, "properties": {"networkRuleSet": {"ipRules": found}}}


def letter(pack, rule, resource):
    test = RuleTest("one", resource, {}, {}, "", "pass", "", None, NOWHERE)
    return judge(rule, case_of(pack, rule, test)).verdict.letter


@pytest.mark.parametrize("seed", range(12))
def test_nothing_was_overlooked(tmp_path, seed):
    """Every pair of verdicts that a random registry shows was found, where the comparison says that it is complete."""
    writer = Writer(seed)
    bodies = [f"assert: {writer.condition()}\n" for _ in range(8)]
    pack = pack_of(tmp_path, *bodies)
    for one, other in zip(pack.rules[::2], pack.rules[1::2], strict=True):
        moves = compare(side(pack, one), side(pack, other), unread=False)
        for resource in (writer.registry() for _ in range(60)):
            pair = letter(pack, one, resource), letter(pack, other, resource)
            assert pair[0] == pair[1] or pair in moves.found or not moves.complete


def some(*values):
    parts = [f"{{some: {{of: {RULES}, as: x{at}, where: {{field: $x{at}.value, equals: {value}}}}}}}" for at, value in enumerate(values)]  # fmt: skip
    return f"assert: {{allOf: [{', '.join(parts)}]}}\n"


@pytest.mark.parametrize("number", [2, 3, 4, 6, 9])
def test_as_many_elements_as_are_asked_for(tmp_path, number):
    """A list that must hold many different elements is made, complete or called a sample."""
    values = [f"10.0.0.{at}" for at in range(number)]
    pack = pack_of(tmp_path, some(*values), some(*values[:-1], "10.9.9.9"))
    moves = compare(side(pack, pack.rules[0]), side(pack, pack.rules[1]))
    assert set(moves.found) >= {("P", "F"), ("F", "P")}
    assert moves.complete or "a sample" in moves.note
    case = moves.found["P", "F"].resource["properties"]["networkRuleSet"]["ipRules"]
    assert {one.get("value") for one in case} >= set(values)


@pytest.mark.parametrize(("number", "more"), [(9, ""), (40, ""), (200, "sku.name")])
def test_many_conditions_at_once(tmp_path, number, more):
    """With more combinations than can be tried, a row in which all hold is aimed at: what got looser is found, as a sample."""
    leaves = [f"{{field: tags.k{at}, equals: v{at}}}" for at in range(number)]
    when = f"when: {{field: {more}, equals: Premium}}\n" if more else ""
    one, other = (
        f"{when}assert: {{allOf: [{', '.join(leaves)}, {{anyOf: [{{field: tags.last, equals: {value}}}, {{field: tags.first, equals: {value}}}]}}]}}\n"
        for value in ("Z", "Y")
    )
    pack = pack_of(tmp_path, one, other)
    moves = compare(side(pack, pack.rules[0]), side(pack, pack.rules[1]))
    assert set(moves.found) >= {("P", "F"), ("F", "P")}
    assert not moves.complete
    assert "a sample" in moves.note
    for pair, case in moves.found.items():
        if "U" not in pair:
            assert (
                letter(pack, pack.rules[0], case.resource),
                letter(pack, pack.rules[1], case.resource),
            ) == pair


def test_a_count_beside_another_question_is_a_sample(tmp_path):
    """How many elements both need together is not worked out: that is said, and mixed lists are tried."""
    counted = f"{{count: {{of: {RULES}, as: x, where: {{field: $x.action, equals: Allow}}}}, greater: 1}}"
    one, other = (
        f"assert: {{allOf: [{counted}, {{some: {{of: {RULES}, as: y, where: {{field: $y.value, equals: {value}}}}}}}]}}\n"
        for value in "ab"
    )
    pack = pack_of(tmp_path, one, other)
    moves = compare(side(pack, pack.rules[0]), side(pack, pack.rules[1]))
    assert ("P", "F") in moves.found
    assert not moves.complete


BEYOND = [
    pytest.param('{field: tags.a, matches: "^(a|b){1,50}$"}', '{field: tags.a, matches: "^(a|b){1,51}$"}', id="patterns"),
    pytest.param(f"{{count: {{of: {RULES}}}, less: 100}}", f"{{count: {{of: {RULES}}}, less: 1000}}", id="long lists"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), BEYOND)
def test_what_is_beyond_the_domain_is_never_called_alike(tmp_path, one, other):
    """Texts of fifty characters and lists of a hundred elements are not tried: such a change is a sample, and no proof."""
    pack = pack_of(tmp_path, f"assert: {one}\n", f"assert: {other}\n")
    moves = compare(side(pack, pack.rules[0]), side(pack, pack.rules[1]))
    assert moves.found or not moves.complete
    assert compare(side(pack, pack.rules[0]), side(pack, pack.rules[0])).same


def test_a_text_that_fits_two_patterns(tmp_path):
    """One that begins and ends as wanted is put together of both: the rule can pass, and less is asked without either."""
    both = "assert: {allOf: [{field: tags.a, like: prod-*}, {field: tags.a, like: '*-eu'}]}\n"
    pack = pack_of(
        tmp_path, both, "assert: {field: tags.a, like: prod-*}\n", "assert: {field: tags.a, like: '*-eu'}\n"
    )
    whole, one, other = (side(pack, rule) for rule in pack.rules)
    assert set(compare(whole, one, unread=False).found) == {("F", "P")}
    assert set(compare(one, other, unread=False).found) == {("P", "F"), ("F", "P")}
    assert whole.rule.check is not None
    never = replace(whole.rule, check=Logic("not", (whole.rule.check,), NOWHERE))
    assert ("P", "F") in compare(whole, Side(never, whole.values)).found


@pytest.mark.parametrize("days", [0, 1, 10_000_000, 10**15])
def test_days_beyond_the_calendar(tmp_path, days):
    """A limit that no calendar reaches is compared like any other."""
    bodies = [
        f"assert: {{field: properties.creationDate, newerThanDays: {number}}}\n" for number in (30, days)
    ]
    pack = pack_of(tmp_path, *bodies)
    moves = compare(side(pack, pack.rules[0]), side(pack, pack.rules[1]))
    assert (("F", "P") in moves.found) is (days > 30)
