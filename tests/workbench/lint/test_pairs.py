"""Pairs of rules: tests tell them apart without any trying, and never apart where one fails with the other."""

from __future__ import annotations

from itertools import permutations

import pytest

from scanner.engine.judge import judge
from scanner.workbench.lint import pairs
from tests.workbench.lint.bench import RULE, codes, context, lint, write

TESTS = RULE[RULE.index("tests:") :]
PREMIUM = (
    "tests:\n  - {name: cheap, resource: {sku: {name: Basic}, properties: {adminUserEnabled: false}}, expect: fail, messageContains: x}\n"
    "  - {name: dear, resource: {sku: {name: Premium}, properties: {adminUserEnabled: true}}, expect: pass}\n"
    '  - {name: not read, resource: {sku: !unknown "403"}, expect: unknown}\n'
)
ADMIN = "{field: properties.adminUserEnabled, equals: false, default: false}"
WIDER = f"assert: {{allOf: [{ADMIN}, {{field: sku.name, equals: Premium}}]}}\nmessage: x\n"


def second(piece):
    """The clean rule, and another one."""
    return f"severity: high\n---\nid: ACME102\nname: other\ntitle: Other\n{piece}"


@pytest.fixture
def apart(tmp_path):
    """Which of two rules are told apart from the other, by id."""

    def work(piece):
        write(tmp_path, second(piece))
        made = context(tmp_path)
        assert not made.reading.errors, made.reading.errors
        rules = list(made.pack.rules)
        tried = pairs._Tried(made, rules)
        return {
            (one.id[-1], other.id[-1]) for one, other in permutations(rules, 2) if tried.apart(one, other)
        }

    return work


def refuse(*given):
    raise AssertionError(given)


def test_tests_of_either_tell_rules_apart(apart):
    """A resource on which one fails and the other passes, each way."""
    assert apart(f"assert: {{field: sku.name, equals: Premium}}\nmessage: x\n{PREMIUM}") == {
        ("1", "2"),
        ("2", "1"),
    }


def test_tests_are_laid_over_each_other(apart):
    """Where each test alone leaves the other rule failing, both together do not."""
    one = PREMIUM.replace(", properties: {adminUserEnabled: true}", "").replace(
        ", properties: {adminUserEnabled: false}", ""
    )
    assert apart(f"assert: {{field: sku.name, equals: Premium}}\nmessage: x\n{one}") == {
        ("1", "2"),
        ("2", "1"),
    }


def test_a_rule_that_fails_wherever_another_does_is_not_told_apart_from_it(apart):
    """The wider rule fails on its own as well; the narrower one never does without it."""
    tests = PREMIUM.replace("adminUserEnabled: true", "adminUserEnabled: false")
    assert apart(WIDER + tests) == {("2", "1")}


def test_the_same_rule_is_never_told_apart(apart):
    """Whatever its tests are."""
    assert apart(f"assert: {ADMIN}\nmessage: is true\n{TESTS}") == set()


def test_parameters_of_tests_are_tried(apart):
    """A rule that does not apply by default is seen where its test switches it on; the other keeps its own values."""
    wanted = (
        "parameters:\n  strict: {type: boolean, default: false, description: Be strict}\n"
        "when: {param: strict, equals: true}\nassert: {field: sku.name, equals: Premium}\nmessage: x\n"
    )
    tests = PREMIUM.replace("expect:", "params: {strict: true}, expect:")
    assert apart(wanted + tests) == {("1", "2"), ("2", "1")}


def test_what_tests_tell_apart_is_not_enumerated(tmp_path, monkeypatch):
    """Rules with good tests cost no enumeration of pairs."""
    monkeypatch.setattr(pairs, "fails_where", refuse)
    piece = f"assert: {{field: sku.name, equals: Premium}}\nmessage: x\n{PREMIUM}"
    assert not codes(lint(tmp_path, second(piece))) & {"LOG005", "LOG006"}


def test_many_tests_cost_little(apart, monkeypatch):
    """Rules that are never told apart are looked at a bounded number of times, however many tests they have."""
    looked = []

    def counted(*given):
        looked.append(1)
        return judge(*given)

    monkeypatch.setattr(pairs, "judge", counted)
    extra = "".join(
        f"  - {{name: on {number}, resource: {{properties: {{adminUserEnabled: true}}}}, expect: fail, messageContains: is true}}\n"
        for number in range(200)
    )
    assert apart(f"assert: {ADMIN}\nmessage: is true\n{TESTS}{extra}") == set()
    assert 0 < len(looked) <= 2 * 2 * 2 * pairs._MOST**2
