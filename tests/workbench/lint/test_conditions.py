"""Logic by inspection: what makes each check speak, what it must stay silent on, and where it points."""

from __future__ import annotations

import pytest

from tests.workbench.lint.bench import MAIN, codes, lint

ACTION = "properties.networkRuleSet.defaultAction"
SAY = "\nmessage: The registry is open"


def found(tmp_path, condition, *, key="assert", extra="", main=MAIN):
    """The logic checks that speak of a condition."""
    report = lint(tmp_path, f"{key}: {condition}{SAY}{extra}", main=main)
    assert not [one for one in report.problems if one.level == "error" and not one.code.startswith("LOG")]
    return sorted(code for code in codes(report) if code.startswith("LOG"))


@pytest.mark.parametrize(
    ("condition", "spoken"),
    [
        (f"{{field: {ACTION}, notEquals: Allow}}", True),
        (f"{{field: {ACTION}, notIn: [Allow]}}", True),
        (f"{{field: {ACTION}, notLike: A*}}", True),
        (f"{{field: {ACTION}, notMatches: ^A.*$}}", True),
        (f"{{not: {{field: {ACTION}, equals: Allow}}}}", True),
        (f"{{not: {{field: {ACTION}, equals: Allow, default: Allow}}}}", False),
        (f"{{field: {ACTION}, equals: Deny}}", False),
        (f"{{not: {{field: {ACTION}, exists: true}}}}", False),
        ("{not: {field: sku.name, equals: Classic}}", False),
        (f"{{allOf: [{{field: {ACTION}, exists: true}}, {{field: {ACTION}, notEquals: Allow}}]}}", False),
        (
            f"{{anyOf: [{{field: properties.networkRuleSet, exists: false}}, {{field: {ACTION}, notEquals: Allow}}]}}",
            False,
        ),
        (
            "{none: {of: properties.networkRuleSet.ipRules, as: r, where: {field: $r.action, notEquals: Allow}}}",
            False,
        ),
        (
            "{some: {of: properties.networkRuleSet.ipRules, as: r, where: {field: $r.action, notEquals: Allow}}}",
            True,
        ),
        (
            f"{{allOf: [{{field: sku.name, equals: Basic}}, {{anyOf: [{{field: {ACTION}, notEquals: Allow}}]}}]}}",
            True,
        ),
    ],
)
def test_a_negated_operator_where_absence_passes(tmp_path, condition, spoken):
    """LOG007 speaks where absence lets the rule pass, not where it fails it, is answered, or cannot be."""
    assert ("LOG007" in found(tmp_path, condition)) is spoken


def test_fail_if_is_no_negation_of_its_author(tmp_path):
    """`failIf` reads as it is written: the negation that the language adds is nobody's puzzle."""
    assert found(tmp_path, f"{{field: {ACTION}, equals: Allow}}", key="failIf") == []
    assert found(tmp_path, f"{{not: {{field: {ACTION}, equals: Deny}}}}", key="failIf") == []
    doubled = f"{{not: {{not: {{field: {ACTION}, equals: Deny}}}}}}"
    assert found(tmp_path, doubled, key="failIf") == ["LOG007"]


def test_a_definition_is_told_once_at_its_place(tmp_path):
    """Two rules that use one definition: one problem, in pack.yaml, with that file's line."""
    main = f"{MAIN}definitions:\n  closed: {{field: {ACTION}, notEquals: Allow}}\n"
    piece = f"assert: {{ref: closed}}{SAY}\n---\nid: ACME102\nname: other\ntitle: Other\nassert: {{ref: closed}}{SAY}"
    problems = [one for one in lint(tmp_path, piece, main=main).problems if one.code == "LOG007"]
    assert [(one.mark.file.rsplit("/")[-1], one.mark.line) for one in problems] == [("pack.yaml", 5)]
    assert "closed: {field" in problems[0].excerpt


def test_a_definition_that_counts_both_ways_is_not_told(tmp_path):
    """Where a rule compares two verdicts, absence favours neither."""
    main = f"{MAIN}definitions:\n  closed: {{field: {ACTION}, notEquals: Allow}}\n"
    condition = "{anyOf: [{allOf: [{ref: closed}, {field: sku.name, equals: Basic}]}, {not: {ref: closed}}]}"
    assert found(tmp_path, condition, main=main) == []


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        (f"{{field: {ACTION}, equals: Deny, default: Deny}}", ["LOG009"]),
        (f"{{field: {ACTION}, equals: Deny, default: allow}}", ["LOG008"]),
        (f"{{field: {ACTION}, notEquals: Allow, default: allow}}", []),
        ("{field: properties.loginServer, equals: x, default: y}", ["LOG008"]),
        ("{field: properties.loginServer, equals: x, default: x}", ["LOG008"]),  # always there
        ("{field: properties.creationDate, equals: x, default: x}", []),
    ],
)
def test_defaults_against_the_api(tmp_path, condition, wanted):
    """LOG009 compares without regard to case, and only where the specification documents a default; LOG008 is about use."""
    assert found(tmp_path, condition) == wanted


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("^[a-z]+$", []),
        ("(?i)^[a-z]+$", []),
        ("^(a|b)$", []),
        ("^a$|^b$", []),
        ("^a|b$", ["LOG011"]),
        ("^a", ["LOG011"]),
        ("a$", ["LOG011"]),
        ("^a\\$", ["LOG011"]),
        ("^a[|]b$", []),
        ("(a", ["LOG012"]),
        ("^(a)\\1$", ["LOG012"]),
        ("^(?=a).*$", ["LOG012"]),
    ],
)
def test_patterns(tmp_path, pattern, wanted):
    """Anchors count in each alternative; what the linear-time engine refuses is an error of its own."""
    assert found(tmp_path, f"{{field: name, matches: '{pattern}'}}") == wanted


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("{field: name, like: a}", ["LOG013"]),
        ("{field: name, like: '*a*'}", ["LOG013"]),
        ("{field: name, like: 'a*'}", []),
        ("{field: name, likeAny: ['*a*']}", []),
        ("{field: name, in: [a, A]}", ["LOG014"]),
        ("{field: name, in: [a, A], caseSensitive: true}", []),
        ("{field: name, in: [a, a], caseSensitive: true}", ["LOG014"]),
        ("{field: name, likeAny: ['a*', 'A*']}", ["LOG014"]),
        ("{not: {field: name, in: [a, b]}}", []),
        ("{count: {of: properties.networkRuleSet.ipRules}, less: 0}", ["LOG002", "LOG015"]),
        ("{count: {of: properties.networkRuleSet.ipRules}, less: 1}", []),
        ("{count: {of: properties.networkRuleSet.ipRules}, greaterOrEquals: 0}", ["LOG001", "LOG015"]),
        ("{count: {of: properties.networkRuleSet.ipRules}, lessOrEquals: 0}", []),
        (
            "{none: {of: properties.networkRuleSet.ipRules, as: r, where: {field: $r.value, cidrPrefixLess: 0}}}",
            ["LOG001", "LOG015"],
        ),
        ("{field: properties.creationDate, equals: 2026-11-25}", ["LOG016"]),
        ("{field: properties.creationDate, equals: 2026-11-26}", []),
        ("{field: properties.creationDate, equals: 2020-13-45}", []),
        ("{field: name, equals: 2020-01-01-registry}", []),
        ("{field: name, in: [2020-01-01, now]}", ["LOG016"]),
        (
            "{every: {of: properties.networkRuleSet.ipRules, as: r, where: {field: $r.value, exists: true}}}",
            ["LOG010"],
        ),
        (
            "{every: {of: properties.networkRuleSet.ipRules, as: r, whenEmpty: fail, where: {field: $r.value, exists: true}}}",
            [],
        ),
    ],
)
def test_operands(tmp_path, condition, wanted):
    """LOG010 and LOG013 to LOG016, each at its edge."""
    assert found(tmp_path, condition) == wanted


def test_a_parameter_whose_bounds_leave_nothing(tmp_path):
    """A threshold by parameter is judged by its maximum, not by its default."""
    local = "\nparameters:\n  limit: {{type: integer, minimum: 0, {}default: 0, description: How many}}"
    condition = "{count: {of: properties.networkRuleSet.ipRules}, less: {param: limit}}"
    assert found(tmp_path, condition, extra=local.format("maximum: 0, ")) == ["LOG002", "LOG015"]
    assert found(tmp_path, condition, extra=local.format("")) == []


def test_the_caret_stands_under_the_operand(tmp_path):
    """A problem points at what is wrong, and its region ends where that ends."""
    report = lint(tmp_path, "assert: {field: name, in: [alpha, beta, Alpha]}" + SAY)
    (problem,) = report.problems
    line = problem.excerpt.splitlines()[0].removeprefix("  | ")
    assert line[problem.mark.column - 1 : problem.end_column - 1] == "Alpha"
