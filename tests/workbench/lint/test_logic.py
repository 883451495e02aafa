"""Conditions by bounded enumeration, lists included."""

from __future__ import annotations

import pytest

from tests.workbench.lint.bench import MAIN, codes, lint

CASES = {
    "no element is two things": (
        "assert: {none: {of: properties.networkRuleSet.ipRules, as: r, where: {allOf: [{field: $r.value, equals: a}, {field: $r.value, equals: b}]}}}",
        "LOG001",
    ),
    "some and none of one list": (
        "assert: {allOf: [{some: {of: related.webhooks, as: w, where: {field: $w.name, equals: a}}}, {none: {of: related.webhooks, as: w, where: {field: $w.name, equals: A}}}]}",
        "LOG002",
    ),
    "every of a list that is not empty is some": (
        "assert: {anyOf: [{some: {of: related.webhooks, as: w, where: {field: $w.name, equals: a}}}, {allOf: [{every: {of: related.webhooks, as: w, where: {field: $w.name, equals: a}, whenEmpty: fail}}, {field: sku.name, equals: Premium}]}]}",
        "LOG003",
    ),
    "a count below none": (
        (
            "when: {count: {of: related.webhooks, as: w, where: {allOf: [{field: $w.name, equals: a}, {field: $w.name, equals: b}]}}, greater: 0}\n"
            "assert: {field: properties.adminUserEnabled, equals: false, default: false}"
        ),
        "LOG004",
    ),
    "a branch within a list": (
        "assert: {none: {of: properties.networkRuleSet.ipRules, as: r, where: {anyOf: [{field: $r.value, equals: a}, {allOf: [{field: $r.value, equals: A}, {field: $r.action, equals: Allow}]}]}}}",
        "LOG003",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_lists_are_tried_too(case, tmp_path):
    """Empty lists, one element and two decide what a condition on lists can be."""
    piece, code = CASES[case]
    found = codes(lint(tmp_path, f"{piece}\nmessage: no\n"))
    assert code in found
    assert not found & ({"LOG001", "LOG002", "LOG003", "LOG004"} - {code})


def test_too_many_combinations_are_told_as_a_sample(tmp_path):
    """Where only a sample was tried, what never happened in it says so, and no part is called dead."""
    asked = ", ".join(
        f"{{field: $g.{name}, in: [a, b, c]}}, {{field: $g.{name}, like: 'b*'}}"
        for name in ("via.role", "via.scope", "principalId", "until", "via.assignmentId")
    )
    never = "{field: $g.principalId, equals: x}, {field: $g.principalId, equals: y}"
    piece = f"assert: {{none: {{of: related.access, as: g, where: {{allOf: [{asked}, {never}]}}}}}}\nmessage: no\n"
    report = lint(tmp_path, piece)
    said = next(one for one in report.problems if one.code == "LOG001")
    assert "in a sample of access" in said.what
    assert "LOG003" not in codes(report)


def test_rules_that_are_off_are_nobodys_double(tmp_path):
    """A strict rule that a profile may switch on does not double the mild one."""
    double = "severity: high\n---\nid: ACME102\nname: other\n{off}assert: {{field: properties.adminUserEnabled, equals: false, default: false}}\nmessage: no\n"
    for name in ("on", "off"):
        (tmp_path / name).mkdir()
    assert "LOG005" in codes(lint(tmp_path / "on", double.format(off="")))
    off = double.format(off="enabled: false\ndisabledReason: A profile asks for it\n")
    assert not codes(lint(tmp_path / "off", off)) & {"LOG005", "LOG006"}


def test_a_definition_is_judged_by_all_who_use_it(tmp_path):
    """A part that decides nothing in one rule and something in another is not told; in all of them it is, once."""
    main = f"{MAIN}definitions:\n  closed: {{anyOf: [{{field: name, equals: a}}, {{field: sku.name, equals: Premium}}]}}\n"
    dead = "assert: {allOf: [{ref: closed}, {field: name, equals: a}]}\nmessage: no\n"
    live = "assert: {ref: closed}\nmessage: no\n"
    second = "---\nid: ACME102\nname: other\ntitle: Other\n"
    told = {}
    for name, piece in {"both": dead + second + dead, "one": dead + second + live, "alone": dead}.items():
        (tmp_path / name).mkdir()
        report = lint(tmp_path / name, piece, main=main)
        told[name] = [
            one.mark.line for one in report.problems if one.code == "LOG003" and "pack.yaml" in one.mark.file
        ]
    assert told == {"both": [5], "one": [], "alone": [5]}


SOME = "{{some: {{of: related.webhooks, as: w, where: {{field: $w.name, equals: {}}}}}}}"


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("{count: {of: related.webhooks}, greater: 30}", "in a sample of webhooks"),
        (
            "{allOf: [{field: name, like: 'prod-*'}, {field: name, like: '*-weu'}, {field: name, likeAny: ['*x*']}]}",
            "several patterns of name",
        ),
        ("{allOf: [{field: name, contains: ab}, {field: name, contains: cd}]}", "several patterns of name"),
    ],
)
def test_what_more_trying_could_show_is_a_warning(condition, words, tmp_path):
    """Conditions that need longer lists or texts of several patterns are not called impossible, and nothing in them dead."""
    (said,) = [
        one
        for one in lint(tmp_path, f"assert: {condition}\nmessage: no\n").problems
        if one.code.startswith("LOG")
    ]
    assert (said.code, said.level) == ("LOG002", "warning")
    assert words in said.what
    assert "a test that shows the contrary" in said.advice


@pytest.mark.parametrize(
    ("condition", "resource", "related"),
    [
        (
            "{count: {of: related.webhooks}, greater: 30}",
            "{}",
            f"{{webhooks: [{', '.join(f'{{name: w{number}}}' for number in range(31))}]}}",
        ),
        (
            "{allOf: [{field: name, like: 'prod-*'}, {field: name, like: '*-weu'}, {field: name, likeAny: ['*x*']}]}",
            "{name: prod-x-weu}",
            "{}",
        ),
    ],
)
def test_a_test_that_shows_the_contrary_is_believed(condition, resource, related, tmp_path):
    """What a test of the rule brings about is possible, whatever was tried."""
    tests = f"tests:\n  - {{name: it can, resource: {resource}, related: {related}, expect: pass}}\n"
    told = codes(lint(tmp_path, f"assert: {condition}\nmessage: no\n{tests}"))
    assert not {one for one in told if one.startswith("LOG")}


def test_two_conditions_on_a_list_are_decided(tmp_path):
    """Two elements show all that two conditions on a list can be together: that stays an error."""
    both = f"{{allOf: [{SOME.format('a')}, {{none: {{of: related.webhooks, as: w, where: {{field: $w.name, equals: a}}}}}}]}}"
    (said,) = [
        one for one in lint(tmp_path, f"assert: {both}\nmessage: no\n").problems if one.code == "LOG002"
    ]
    assert said.level == "error"
