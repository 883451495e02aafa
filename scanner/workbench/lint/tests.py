"""Inline tests by inspection: whether a rule has those that show a wrong change, and whether what they feed it can occur."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from scanner import types
from scanner.engine.relations import relations_for
from scanner.model.condition import Path
from scanner.model.finding import Verdict
from scanner.model.rule import RuleTest
from scanner.model.values import Unknown, UnreadTail
from scanner.text import Mapping as MappingNode
from scanner.text import Node, Scalar, Sequence, nearest
from scanner.workbench.lint.check import Check
from scanner.workbench.lint.context import PackContext, RuleContext
from scanner.workbench.lint.walk import leaves
from scanner.workbench.problem import Problem

_OFF = "  - {name: switched off, resource: {properties: {adminUserEnabled: false}}, expect: pass}\n"
_UNSET = "  - {name: not set, resource: {properties: {}}, expect: pass}\n"
_ON = "  - {name: switched on, resource: {properties: {adminUserEnabled: true}}, expect: fail, messageContains: is true}\n"
_UNREAD = (
    '  - {name: not read, resource: {properties: {adminUserEnabled: !unknown "403"}}, expect: unknown}\n'
)
_ALL = f"tests:\n{_OFF}{_UNSET}{_ON}{_UNREAD}"

TEST001 = Check(
    "TEST001",
    "error",
    "A rule has tests",
    "A rule that decides something and has no test. Manual rules need none, nor do imported ones: what Azure says is their test.",
    "Nobody knows whether it ever fails.",
    "tests: []",
    _ALL,
)
TEST002 = Check(
    "TEST002",
    "error",
    "A rule has a test that passes and one that fails",
    "No test expects `pass`, or none expects `fail`.",
    "A rule that passes everything passes all of its passing tests.",
    f"tests:\n{_OFF}{_UNSET}{_UNREAD}",
    _ALL,
)
TEST003 = Check(
    "TEST003",
    "warning",
    "A test shows what an absent property means",
    "The rule looks at a property of the target that the API may leave out, and no test leaves it out.",
    "Most resources have most properties unset; what the rule says of them is what most people see.",
    f"tests:\n{_OFF}{_ON}{_UNREAD}",
    _ALL,
)
TEST004 = Check(
    "TEST004",
    "warning",
    "A test shows what an unread value means",
    "No test holds `!unknown` or `!unread`; or the rule looks at related data and no test leaves that unread.",
    "Access is refused and pages are missing in every large estate; a rule that passes then hides what it was made to find.",
    f"tests:\n{_OFF}{_UNSET}{_ON}",
    _ALL,
)
TEST005 = Check(
    "TEST005",
    "warning",
    "Every branch is seen true and false",
    "The rule has a `when` and no test expects `notApplicable`. `acrscan policy test --coverage` looks at every branch.",
    "A `when` that is always true is never noticed.",
    "when: {field: sku.name, equals: Premium}",
    "severity: high",
)
TEST007 = Check(
    "TEST007",
    "error",
    "Tests feed what can occur",
    "The resource of a test, or related data in it, has a property that its type does not have.",
    "A test with a mistyped property tests an absent one, and goes on passing when the rule is wrong.",
    _ALL.replace("adminUserEnabled: true", "adminUserEnabeld: true"),
    _ALL,
)
TEST008 = Check(
    "TEST008",
    "info",
    "A failing test looks at the message",
    "A test that expects `fail` has no `messageContains`.",
    "The message is what people read; a placeholder that shows `(not set)` is seen here or by them.",
    _ALL.replace(", messageContains: is true", ""),
    _ALL,
)
TEST006 = Check(
    "TEST006",
    "warning",
    "Tests notice changes of the rule",
    "A small change of the rule that no test notices. Reported by `acrscan policy mutate`.",
    "What no test notices can be broken by the next edit.",
    "",
    "",
    file="",
)
CHECKS = (TEST001, TEST002, TEST003, TEST004, TEST005, TEST006, TEST007, TEST008)


def check(pack: PackContext) -> Iterator[Problem]:
    """The tests of each rule that decides something."""
    for rule in pack.rules:
        if rule.rule.check is None:
            continue
        if not rule.rule.tests:
            if rule.rule.semantics == "azure":
                continue
            advice = "Add `tests` with at least one that passes and one that fails."
            yield rule.problem(TEST001, "has no test", rule.key("tests"), advice)
            continue
        yield from _expected(rule)
        yield from _absent(rule)
        yield from _unread(rule)
        yield from _fed(rule)


def _expected(rule: RuleContext) -> Iterator[Problem]:
    at = rule.key("tests")
    expected = {test.expect for test in rule.rule.tests}
    for verdict in (Verdict.PASS, Verdict.FAIL):
        if verdict.value not in expected:
            yield rule.problem(TEST002, f"has no test that expects {verdict.value}", at)
    if rule.rule.when is not None and Verdict.NOT_APPLICABLE.value not in expected:
        yield rule.problem(TEST005, "has no test for where it does not apply", at)
    for test in rule.rule.tests:
        if test.expect == Verdict.FAIL.value and not test.message_contains:
            what = f"the failing test {test.name!r} does not look at the message"
            yield rule.problem(TEST008, what, test.mark, "Add messageContains.")


def _absent(rule: RuleContext) -> Iterator[Problem]:
    """TEST003: each optional property of the target that the rule looks at is absent in some test."""
    wanted: dict[Path, None] = {}
    for visit, _, path in leaves(rule):
        way = visit.plan(path)
        if path.var or way is None or way.fact is None or way.fact.required:
            continue
        wanted[path] = None
    missing = [path for path in wanted if not any(_lacks(test.resource, path) for test in rule.rule.tests)]
    if missing:
        names = ", ".join(map(str, missing[:3])) + (
            f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        )
        yield rule.problem(TEST003, f"no test leaves out {names}", rule.key("tests"))


def _lacks(resource: Any, path: Path) -> bool:
    """Whether the property is absent: missing or null at its place, or below something absent."""
    node = resource
    for key in path.keys:
        if not isinstance(node, dict):
            return False
        node = next((value for name, value in node.items() if name.casefold() == key.casefold()), None)
        if node is None:
            return True
    return False


def _unread(rule: RuleContext) -> Iterator[Problem]:
    at = rule.key("tests")
    tests = rule.rule.tests
    # Such tests usually come last.
    if not any(_marked(test.resource) or _marked(test.related) for test in reversed(tests)):
        advice = 'Add a test with !unknown "reason".'
        yield rule.problem(TEST004, "has no test with something unread", at, advice)
        return
    related = any(test.related for test in tests)
    if related and not any(_marked(test.related) for test in reversed(tests)):
        advice = 'Add a test with related data that is !unknown "reason", or ends in !unread "reason".'
        yield rule.problem(TEST004, "has no test in which related data was not read", at, advice)


def _marked(value: Any) -> bool:
    if isinstance(value, (Unknown, UnreadTail)):
        return True
    if isinstance(value, Mapping):
        return any(_marked(item) for item in value.values())
    return isinstance(value, (list, tuple)) and any(_marked(item) for item in value)


def _fed(rule: RuleContext) -> Iterator[Problem]:
    """TEST007."""
    relations = {one.name: one.element for one in relations_for(rule.rule.target)}
    nodes = rule.part("tests")
    if not isinstance(nodes, Sequence):
        return
    for test, node in zip(rule.rule.tests, nodes.items, strict=True):
        if not isinstance(node, MappingNode):
            continue
        yield from _body(rule, test, node.items.get("resource"), rule.rule.target)
        related = node.items.get("related")
        for name, rows in related.items.items() if isinstance(related, MappingNode) else ():
            if name not in relations:
                what = f"the test {test.name!r} gives the relation {name!r}, which the target does not have"
                yield rule.problem(TEST007, what, rows, nearest(name, relations))
                continue
            for row in rows.items if isinstance(rows, Sequence) else ():
                yield from _body(rule, test, row, relations[name])


def _body(rule: RuleContext, test: RuleTest, node: Node | None, kind: str) -> Iterator[Problem]:
    """Each key of a body that the facts of its type do not know."""
    facts = types.facts_for(kind) if kind else None
    if facts is None or node is None:
        return
    stack: list[tuple[Node, tuple[str, ...], Mapping[str, types.Branch]]] = [(node, (), facts.tree)]
    while stack:
        one, keys, level = stack.pop()
        if isinstance(one, Sequence):
            element = level.get(types.ELEMENT)
            if element is not None and not element.fact.open:
                stack.extend((item, (*keys, types.ELEMENT), element.below) for item in one.items)
        elif isinstance(one, MappingNode) and "$hidden" not in one.items:
            for key, value in one.items.items():
                branch = level.get(key.lower()) or level.get(types.VALUE)
                if branch is not None:
                    if not branch.fact.open and not isinstance(value, Scalar):
                        stack.append((value, (*keys, key), branch.below))
                elif keys or key != "apiVersion":
                    below = (*keys, key)
                    what = f"the test {test.name!r} gives {_spelled(below)}, which {kind} does not have"
                    yield rule.problem(TEST007, what, one.keys[key], _suggest(facts, below))


def _spelled(keys: tuple[str, ...]) -> str:
    return ".".join(keys).replace(f".{types.ELEMENT}", types.ELEMENT)


def _suggest(facts: types.TypeFacts, keys: tuple[str, ...]) -> str:
    known = {path.lower(): path for path in facts.facts}
    close = difflib.get_close_matches(_spelled(keys).lower(), list(known), n=1, cutoff=0.6)
    return f'Did you mean "{known[close[0]]}"?' if close else ""
