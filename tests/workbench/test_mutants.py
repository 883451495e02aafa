"""Mutants: each of the twelve kinds of mistakes is made, once, and as a rule could be written."""

from __future__ import annotations

import pickle
from collections import Counter

import pytest

from scanner import data
from scanner.engine.evaluate import rule_values
from scanner.language.digest import shape
from scanner.language.pack import load_pack
from scanner.model.condition import Leaf, Logic
from scanner.model.values import ABSENT
from scanner.workbench.mutants import MOST_MEMBERS, Misread, mutants
from tests.workbench.packs import PACK, load

RULES = "properties.networkRuleSet.ipRules"
LEAF = "{field: properties.publicNetworkAccess, equals: Disabled}"


def made(folder, check, **parts):
    """(kind, before, after) of each mutant of a check."""
    pack, rule = load(folder, check=f"assert: {check}", **parts)
    found = mutants(rule, rule_values(pack, rule, pack.values))
    return [(mutant.operator, mutant.before, mutant.after) for mutant in found]


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        (LEAF, {
            ("swap operator", "{field: properties.publicNetworkAccess, notEquals: Disabled}"),
            ("change text", "{field: properties.publicNetworkAccess, equals: Disabled-changed}"),
        }),
        ("{field: properties.publicNetworkAccess, notEquals: Disabled}", {
            ("remove not", "{field: properties.publicNetworkAccess, equals: Disabled}"),
            ("change text", "{field: properties.publicNetworkAccess, equals: Disabled-changed}"),
        }),
        ("{field: properties.adminUserEnabled, equals: false, default: false}", {
            ("flip boolean", "{field: properties.adminUserEnabled, equals: true, default: false}"),
            ("flip boolean", "{field: properties.adminUserEnabled, equals: false, default: true}"),
            ("drop default", "{field: properties.adminUserEnabled, equals: false}"),
        }),
        ("{field: properties.policies.retentionPolicy.days, less: 7}", {
            ("swap operator", "{not: {field: properties.policies.retentionPolicy.days, less: 7}}"),
            ("swap operator", "{field: properties.policies.retentionPolicy.days, lessOrEquals: 7}"),
            ("change number", "{field: properties.policies.retentionPolicy.days, less: 6}"),
            ("change number", "{field: properties.policies.retentionPolicy.days, less: 8}"),
        }),
        ("{field: sku.name, in: [Basic, Standard, Premium]}", {
            ("swap operator", "{field: sku.name, notIn: [Basic, Standard, Premium]}"),
            ("drop in", "{field: sku.name, in: [Standard, Premium]}"),
            ("drop in", "{field: sku.name, in: [Basic, Premium]}"),
            ("drop in", "{field: sku.name, in: [Basic, Standard]}"),
        }),
        (f"{{count: {{of: {RULES}}}, less: 1}}", {
            ("swap operator", f"{{count: {{of: {RULES}}}, greaterOrEquals: 1}}"),
            ("swap operator", f"{{count: {{of: {RULES}}}, lessOrEquals: 1}}"),
            ("change number", f"{{count: {{of: {RULES}}}, less: 0}}"),
            ("change number", f"{{count: {{of: {RULES}}}, less: 2}}"),
        }),
        (f"{{none: {{of: {RULES}, as: r, where: {{field: $r.value, cidrPrefixLess: [8, 20]}}}}}}", {
            ("swap none, some, every", f"{{some: {{of: {RULES}, as: r, where: {{field: $r.value, cidrPrefixLess: [8, 20]}}}}}}"),
            ("swap none, some, every", f"{{every: {{of: {RULES}, as: r, where: {{field: $r.value, cidrPrefixLess: [8, 20]}}}}}}"),
            ("drop where", f"{{none: {{of: {RULES}, as: r, where: {{field: $r, exists: true}}}}}}"),
            ("swap operator", "{not: {field: $r.value, cidrPrefixLess: [8, 20]}}"),
            ("change number", "{field: $r.value, cidrPrefixLess: [7, 20]}"),
            ("change number", "{field: $r.value, cidrPrefixLess: [9, 20]}"),
            ("change number", "{field: $r.value, cidrPrefixLess: [8, 19]}"),
            ("change number", "{field: $r.value, cidrPrefixLess: [8, 21]}"),
        }),
        ("{field: name, matches: '^acr'}", {("swap operator", '{field: name, notMatches: "^acr"}')}),
        ("{field: name, like: 'acr*'}", {
            ("swap operator", "{field: name, notLike: acr*}"), ("change text", "{field: name, like: acr-changed*}"),
        }),
        ("{param: names, exists: true}", {("flip boolean", "{param: names, exists: false}")}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_the_mistakes_of_one_condition(tmp_path, check, expected):
    """Exactly these, each written as rule text."""
    found = made(tmp_path, check)
    assert {(kind, after) for kind, _, after in found} == expected
    assert len(found) == len(expected)


def test_the_mistakes_of_groups_and_of_when(tmp_path):
    """allOf and anyOf change places, each branch is dropped, a written `not` is removed, `when` is dropped."""
    check = f"{{allOf: [{LEAF}, {{not: {{anyOf: [{LEAF}, {{ref: isPremium}}]}}}}]}}"
    kinds = Counter(kind for kind, *_ in made(tmp_path, check, when="{ref: isPremium}"))
    assert kinds["drop when"] == 1
    assert kinds["swap allOf and anyOf"] == 2
    assert kinds["drop branch"] == 4
    assert kinds["remove not"] == 1


def test_a_count_never_compares_with_less_than_nothing(tmp_path):
    """A count's number stays one that a rule may write; its `where` is dropped."""
    check = f"{{count: {{of: {RULES}, as: r, where: {{field: $r.value, exists: true}}}}, equals: 0}}"
    found = made(tmp_path, check)
    assert [after for kind, _, after in found if kind == "change number"] == [
        f"{{count: {{of: {RULES}, as: r, where: {{field: $r.value, exists: true}}}}, equals: 1}}"
    ]
    assert ("drop where", f"{{count: {{of: {RULES}, as: r}}, equals: 0}}") in {
        (kind, after) for kind, _, after in found
    }


def test_parameters_are_one_off_wherever_they_are_read(tmp_path):
    """A number is one more and one less, whoever gave it; nothing else changes."""
    pack, rule = load(
        tmp_path, check="assert: {field: properties.policies.retentionPolicy.days, less: {param: limit}}"
    )
    found = [mutant for mutant in mutants(rule, pack.values) if "limit" in mutant.what]
    assert [mutant.values({"limit": 3, "names": None})["limit"] for mutant in found] == [2, 4]
    assert all(mutant.rule is rule and mutant.values({"limit": None}) == {"limit": None} for mutant in found)
    assert all(mutant.given == {} for mutant in found)


def test_a_list_parameter_lacks_a_member_where_a_test_gives_one(tmp_path):
    """Nobody declared the list: the tests' list lacks its last member, and is what the comparison starts from."""
    check = "assert: {field: name, in: {param: names}}"
    tests = "[{name: a, resource: {name: b}, params: {names: [a, b]}, expect: pass}]"
    _, rule = load(tmp_path, check=check, tests=tests)
    (found,) = [
        mutant for mutant in mutants(rule, {"limit": 5, "names": None}) if mutant.operator == "drop in"
    ]
    assert found.given == {"names": ("a", "b")}
    assert found.values({"names": ("x", "y", "z")}) == {"names": ("x", "y")}
    assert found.values({"names": None}) == {"names": None}
    _, rule = load(tmp_path, check=check)
    assert not [
        mutant for mutant in mutants(rule, {"limit": 5, "names": None}) if mutant.operator == "drop in"
    ]
    (found,) = [
        mutant for mutant in mutants(rule, {"limit": 5, "names": ("q",)}) if mutant.operator == "drop in"
    ]
    assert found.given == {}


def test_a_boolean_parameter_is_flipped(tmp_path):
    """The other knob than the one that was set."""
    main = PACK.replace(
        "definitions:", "  strict: {type: boolean, default: true, description: a flag}\ndefinitions:"
    )
    pack, rule = load(
        tmp_path, check="assert: {field: properties.adminUserEnabled, equals: {param: strict}}", main=main
    )
    (found,) = [mutant for mutant in mutants(rule, pack.values) if "strict" in mutant.what]
    assert found.values({"strict": True}) == {"strict": False}


def test_a_definition_changes_for_the_rule_alone(tmp_path):
    """All places of the rule that name the definition change together; the pack's own condition stays as it is."""
    pack, rule = load(tmp_path, check="assert: {anyOf: [{ref: isPremium}, {not: {ref: isPremium}}]}")
    before = repr(pack.definitions)
    (found,) = [mutant for mutant in mutants(rule, {}) if "Premium-changed" in mutant.after]
    assert repr(shape(found.rule.check)).count("Premium-changed") == 2
    assert repr(pack.definitions) == before
    assert found.mark.file.endswith("pack.yaml")


def test_equal_conditions_at_two_places_change_one_at_a_time(tmp_path):
    """A mutant is one mistake: the same text somewhere else stays."""
    _, rule = load(tmp_path, check=f"assert: {{anyOf: [{LEAF}, {LEAF}]}}")
    changed = [mutant for mutant in mutants(rule, {}) if mutant.operator == "change text"]
    assert [repr(shape(one.rule.check)).count("Disabled-changed") for one in changed] == [1, 1]


def test_a_very_long_list_gives_a_bounded_number(tmp_path):
    """Every member is dropped by one mutant; of a list of a thousand each drops a run."""
    names = [f"name{number}" for number in range(1000)]
    _, rule = load(tmp_path, check=f"assert: {{field: name, in: [{', '.join(names)}]}}")
    checks = [one.rule.check for one in mutants(rule, {}) if one.operator == "drop in"]
    dropped = [set(names) - set(check.operand) for check in checks if isinstance(check, Leaf)]
    assert len(dropped) == MOST_MEMBERS
    assert set().union(*dropped) == set(names)
    assert {len(one) for one in dropped} == {5}


def test_a_misread_parameter():
    """One off, the opposite, without a member; what has another kind or no such member stays."""
    values = {"a": 3, "b": True, "c": ("x", "y", "z"), "d": None}
    assert Misread("a", "number", -1)(values)["a"] == 2
    assert Misread("b", "boolean")(values)["b"] is False
    assert Misread("c", "array")(values)["c"] == ("x", "y")
    assert Misread("c", "array", 2, 0)(values)["c"] == ("z",)
    assert Misread("c", "array", 1, 9)(values) == values
    assert Misread("c", "array")({"c": ()}) == {"c": ()}
    assert Misread("d", "array")(values) is values
    assert Misread("b", "number")(values) is values


def test_each_member_of_a_declared_list_is_left_out(tmp_path):
    """A list of the pack lacks each member in turn; one that only tests give lacks its last."""
    main = PACK.replace("default: null", "default: [a, b, c]")
    check = "{field: name, in: {param: names}}"
    assert [after for _, _, after in made(tmp_path, check, main=main)][-3:] == [
        "names without a", "names without b", "names without c",
    ]  # fmt: skip
    tests = "[{name: a, resource: {name: a}, params: {names: [a, b]}, expect: pass}]"
    assert made(tmp_path, check, tests=tests)[-1][2] == "names without b"


def test_mutants_survive_a_trip_to_another_process(tmp_path):
    """What was absent is absent there as well, and a misread parameter is misread."""
    pack, rule = load(tmp_path, check=f"assert: {LEAF}")
    for mutant in mutants(rule, rule_values(pack, rule, pack.values)):
        other = pickle.loads(pickle.dumps(mutant))
        assert other == mutant
        leaves = other.rule.check.children[0] if isinstance(other.rule.check, Logic) else other.rule.check
        assert isinstance(leaves, Leaf)
        assert leaves.default is ABSENT


def test_the_shipped_pack():
    """Every rule that decides something has mutants, each another rule; manual rules have none; no mutant is the rule."""
    pack = load_pack(data.policies() / "acr")
    kinds: Counter[str] = Counter()
    for rule in pack.rules:
        found = list(mutants(rule, rule_values(pack, rule, pack.values)))
        assert bool(found) == (rule.check is not None), rule.id
        kinds.update(mutant.operator for mutant in found)
        own = repr((shape(rule.when), shape(rule.check)))
        shapes = [
            repr((shape(one.rule.when), shape(one.rule.check))) for one in found if one.rule is not rule
        ]
        assert own not in shapes
        assert len(set(shapes)) == len(shapes)
        assert all(one.mark.line for one in found)
        assert not any(isinstance(one.rule.check, Logic) and not one.rule.check.children for one in found)
    assert len(kinds) == 12
    assert sum(kinds.values()) > 2000
