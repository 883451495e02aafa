"""Rule text from values: it parses to what it was made from, whatever strings stand in it."""

from __future__ import annotations

import pytest

from scanner import data
from scanner.language.conditions import ConditionParser
from scanner.language.digest import shape
from scanner.language.form import Form
from scanner.language.pack import load_pack
from scanner.model.condition import Leaf, Logic, Mark, Path
from scanner.model.rule import RuleTest
from scanner.model.values import ABSENT, Unknown, UnreadTail
from scanner.text import load_yaml, plain
from scanner.workbench.flow import WIDTH, condition_text, in_short, inline_test, value_text

ACR = load_pack(data.policies() / "acr")
MARK = Mark("f", 1, 1)


class Definitions(dict):
    def condition(self, name, _mark):
        return self[name]

    def parameters_of(self, _name):
        return frozenset()


def parsed(text, rule):
    (node,), source = load_yaml(text, "f")
    form = Form(source)
    parser = ConditionParser(form, {**ACR.parameters, **rule.parameters}, Definitions(ACR.definitions))
    condition = parser.parse(node)
    assert not form.errors, [str(error) for error in form.errors]
    return condition


@pytest.mark.parametrize("rule", [rule for rule in ACR.rules if rule.check], ids=lambda rule: rule.id)
def test_conditions_of_the_shipped_pack_come_back(rule):
    """Each condition written as text and parsed again decides by the same shape."""
    for condition in (rule.when, rule.check):
        if condition is not None:
            assert shape(parsed(condition_text(condition), rule)) == shape(condition)


@pytest.mark.parametrize(
    "value",
    [
        "", " ", "yes", "No", "null", "~", "1.10", "007", "1e3", "a: b", "a #b", "- a", "{a}", "[a]", "a, b", "*a", "&a", "!a",
        "%a", "@a", "`a", "it's", 'say "no"', "back\\slash", "line\nbreak", "tab\t", "\x07", "\x85", "\u2028", "\ufeff",
        "ключ", "👍", "\U000e0001", "?", "?a", ": a", "a:", "#", "<<", "=", "$hidden x", "/subscriptions/s", "*.azurecr.io/*",
        "trailing ", 0, -7, 3.5, 1e20, 1e-7, True, False, None, [], {}, ["a", {"b c": [1, None]}], {"null": 1, "1": 2, "a: b": 3},
        Unknown('403 "no"'), [UnreadTail("page 2: 429")], {"<<": 1},
    ],
    ids=repr,
)  # fmt: skip
def test_values_come_back(value):
    """Every value of a test is read back as it was, whatever YAML would make of it unquoted."""
    (node,), _ = load_yaml(f"[{{name: {value_text(value)}, next: 1}}]", "f", tags=True)
    assert plain(node) == [{"name": value, "next": 1}]


def test_odd_keys_and_negated_spellings_are_written_as_a_rule_writes_them():
    """A key with a dot stands in brackets; `not equals` of one place is the `notEquals` that it was."""
    leaf = Leaf(Path("", ("tags", "cost.center", "x-y")), "equals", "a", ABSENT, True, MARK)
    assert condition_text(leaf) == "{field: \"tags['cost.center'].x-y\", equals: a, caseSensitive: true}"
    assert condition_text(Logic("not", (leaf,), MARK)).startswith(
        "{field: \"tags['cost.center'].x-y\", notEquals: a"
    )
    apart = Logic("not", (leaf,), Mark("f", 1, 9))
    assert condition_text(apart).startswith("{not: {field: ")


def test_long_conditions_are_cut_in_depth():
    """What does not fit on a line shows its outer levels and stays on one line."""
    leaf = Leaf(
        Path("", ("properties", "x")), "in", tuple(f"value{n}" for n in range(30)), ABSENT, False, MARK
    )
    deep = Logic("allOf", (Logic("anyOf", (leaf, leaf), MARK), leaf), MARK)
    assert in_short(deep) == "{allOf: [{...}, {...}]}"
    assert len(in_short(leaf)) == WIDTH
    assert in_short(leaf).endswith("...")


def test_a_test_comes_back():
    """A long inline test is written in block style and means what it meant."""
    rows = [{"principalId": f"p{n}", "via": {"scope": "/subscriptions/s", "note": "a: b"}} for n in range(4)]
    test = RuleTest(
        "name this: `x` dropped", {"properties": {"a": None}}, {"access": [*rows, UnreadTail("429")], "locks": []},
        {"names": ("a", "b")}, "2026-01-01T00:00:00Z", "fail", "is 7", 3, MARK,
    )  # fmt: skip
    (node,), _ = load_yaml("tests:\n" + inline_test(test), "f", tags=True)
    assert plain(node)["tests"] == [
        {
            "name": "name this: `x` dropped", "resource": {"properties": {"a": None}},
            "related": {"access": [*rows, UnreadTail("429")], "locks": []}, "params": {"names": ["a", "b"]},
            "now": "2026-01-01T00:00:00Z", "expect": "fail", "messageContains": "is 7", "findings": 3,
        }
    ]  # fmt: skip
    assert inline_test(test).count("\n") > 5
