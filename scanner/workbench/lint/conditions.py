"""Conditions by inspection: each leaf and list of a rule comes in with its facts, what is likely not meant comes out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from scanner.engine.operators import NEGATED
from scanner.model.condition import Count, Leaf, Logic, Mark, Param, Path, Quantifier
from scanner.model.values import ABSENT
from scanner.text import Node, Scalar
from scanner.text import Sequence as SequenceNode
from scanner.workbench.lint.check import Check
from scanner.workbench.lint.context import PackContext, RuleContext
from scanner.workbench.lint.walk import Visit, visits
from scanner.workbench.problem import Problem

LOG007 = Check(
    "LOG007",
    "warning",
    "A negated operator says what absence means",
    "`notEquals`, `notIn`, `notLike`, `notContains`, `notMatches` or `not` around one leaf, on a property that the API may leave out, "
    "where its being true lets the rule pass and nothing (`default`, `exists`, `empty`) says what an absent property means.",
    "A negated operator is true for an absent property: what nobody configured passes. Products differ here (Azure Policy says true, "
    "PSRule false), so readers guess differently. Where absence leads to a failure nothing is reported: it hides nothing.",
    "assert: {field: properties.networkRuleSet.defaultAction, notEquals: Allow}\n"
    'message: "The default is {{ properties.networkRuleSet.defaultAction }}"',
    "assert: {field: properties.networkRuleSet.defaultAction, notEquals: Allow, default: Allow}\n"
    'message: "The default is {{ properties.networkRuleSet.defaultAction }}"',
)
LOG009 = Check(
    "LOG009",
    "warning",
    "A default is the API's own",
    "`default:` gives another value than the one that the API's specification documents for the property.",
    "A resource without the property behaves as the API says, whatever the rule assumes.",
    "assert: {field: properties.adminUserEnabled, equals: true, default: true}",
    "assert: {field: properties.adminUserEnabled, equals: false, default: false}",
)
LOG010 = Check(
    "LOG010",
    "warning",
    "`every` says what an empty list means",
    "`every` over a list that may be empty, without `whenEmpty`.",
    "Every element of nothing satisfies anything: a registry without a single approved endpoint would pass a rule that says every endpoint "
    "is approved. `whenEmpty: pass` says that this is meant.",
    "assert:\n  every:\n    of: properties.networkRuleSet.ipRules\n    as: rule\n    where: {field: $rule.value, exists: true}\n"
    'message: "A rule has no value"',
    "assert:\n  every:\n    of: properties.networkRuleSet.ipRules\n    as: rule\n    whenEmpty: pass\n    where: {field: $rule.value, exists: true}\n"
    'message: "A rule has no value"',
)
LOG011 = Check(
    "LOG011",
    "warning",
    "A pattern is anchored at both ends",
    "`matches` with a pattern that does not begin with ^ and end with $.",
    "An unanchored pattern matches anywhere: `contoso` also matches `notcontoso-but-evil`.",
    "assert: {field: name, matches: '[a-z]+'}\nmessage: The name is odd",
    "assert: {field: name, matches: '^[a-z]+$'}\nmessage: The name is odd",
)
LOG012 = Check(
    "LOG012",
    "error",
    "A pattern is one that the linear-time engine takes",
    "`matches` with a pattern that does not compile, or needs backtracking (look-around, back-references).",
    "Patterns come from rules that people write; one that backtracks can take hours on a text that somebody else chooses.",
    "assert: {field: name, matches: '^(?!contoso).*$'}\nmessage: The name is odd",
    "assert: {field: name, matches: '^contoso.*$'}\nmessage: The name is odd",
)
LOG013 = Check(
    "LOG013",
    "warning",
    "`like` has one `*`",
    "`like` without `*`, which is `equals`, or with more than one.",
    "Without `*` a reader looks for a pattern that is not there. Azure Policy takes one `*` only, so a rule with two cannot be exported "
    "(https://learn.microsoft.com/azure/governance/policy/concepts/definition-structure-policy-rule).",
    "assert: {field: name, like: contoso}\nmessage: The name is odd",
    "assert: {field: name, like: contoso*}\nmessage: The name is odd",
)
LOG014 = Check(
    "LOG014",
    "warning",
    "A list has each value once",
    "`in`, `likeAny` and their negations with two values that differ in nothing but case, or in nothing.",
    "Text compares without regard to case, so one of them has no effect; perhaps another value was meant.",
    "assert: {field: name, in: [contoso, Contoso]}\nmessage: The name is odd",
    "assert: {field: name, in: [contoso, fabrikam]}\nmessage: The name is odd",
)
LOG015 = Check(
    "LOG015",
    "error",
    "A threshold is one that numbers can pass",
    "A count that is compared with the end of what a count can be (`less: 0`, `greaterOrEquals: 0`), or a prefix length that no range "
    "has.",
    "The condition is always true or always false.",
    "assert: {count: {of: properties.networkRuleSet.ipRules}, greaterOrEquals: 0}\nmessage: Too many rules",
    "assert: {count: {of: properties.networkRuleSet.ipRules}, lessOrEquals: 5}\nmessage: Too many rules",
)
LOG016 = Check(
    "LOG016",
    "warning",
    "No date in the past decides",
    "A literal date that has passed, as an operand or a default.",
    "The condition was written for a moment that is over: it has settled on one answer, or its exception should have ended.",
    "assert: {field: properties.creationDate, equals: 2020-01-01T00:00:00Z}\nmessage: The date is odd",
    "assert: {field: properties.creationDate, newerThanDays: 365}\nmessage: The date is odd",
)
CHECKS = (LOG007, LOG009, LOG010, LOG011, LOG012, LOG013, LOG014, LOG015, LOG016)

_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?)?\Z")
_POINTLESS = {"less": (0, "no count is below 0"), "greaterOrEquals": (0, "every count is at least 0")}


def check(pack: PackContext) -> Iterator[Problem]:
    """Every condition of every rule; a definition that several rules use is told once."""
    for rule in pack.rules:
        seen = list(visits(rule))
        minded = {
            visit.condition.subject
            for visit in seen
            if isinstance(visit.condition, Leaf) and visit.condition.operator in ("exists", "empty")
        }
        agreeing = _both_ways(seen)
        for visit in seen:
            match visit.condition:
                case Leaf():
                    yield from _leaf(rule, visit, visit.condition, minded | agreeing)
                case Quantifier():
                    yield from _list(rule, visit.condition)
                case Count():
                    yield from _count(rule, visit.condition)


def _both_ways(seen: Iterable[Visit]) -> set[Any]:
    """The places of leaves that count both ways, as where a rule compares two verdicts: there absence favours neither."""
    ways: dict[Any, set[bool | None]] = {}
    for visit in seen:
        if isinstance(visit.condition, Leaf):
            ways.setdefault(visit.condition.mark, set()).add(visit.good)
    return {mark for mark, found in ways.items() if len(found) > 1}


def _leaf(rule: RuleContext, visit: Visit, leaf: Leaf, minded: set[Any]) -> Iterator[Problem]:
    written = visit.node.items if visit.node is not None else {}
    at: Node | Mark = written.get(leaf.operator, leaf.mark)
    if isinstance(leaf.subject, Path):
        if leaf.mark not in minded:
            yield from _absence(rule, visit, leaf, leaf.subject, minded)
        yield from _default(rule, visit, leaf, leaf.subject)
    operand = leaf.operand
    if leaf.operator == "matches" and isinstance(operand, str) and not _anchored(operand):
        yield rule.problem(
            LOG011,
            f"the pattern {operand!r} matches anywhere in the text",
            at,
            "Begin with ^ and end with $.",
        )
    if leaf.operator == "like" and isinstance(operand, str) and operand.count("*") != 1:
        number = operand.count("*")
        what = f"like {operand!r} has {number or 'no'} *"
        advice = "Use likeAny or matches." if number else "Use equals."
        yield rule.problem(LOG013, what, at, advice)
    if leaf.operator in ("in", "likeAny") and isinstance(operand, tuple):
        yield from _doubles(rule, visit, leaf, operand)
    if leaf.operator == "cidrPrefixLess" and operand in (0, (0,), (0, 0)):
        yield rule.problem(LOG015, "no range is wider than a prefix length of 0", at)
    yield from _past(rule, leaf, rule.pack.today)


def _absence(
    rule: RuleContext, visit: Visit, leaf: Leaf, subject: Path, minded: set[Any]
) -> Iterator[Problem]:
    """LOG007."""
    outer = visit.above[-1] if visit.above else None
    if not isinstance(outer, Logic) or outer.kind != "not" or leaf.default is not ABSENT:
        return
    if leaf.operator in ("exists", "empty"):
        return
    # `failIf: {field ...}` is negated by the language, not by its author: then nothing negated is written.
    written = visit.node
    spelled = next((key for key in NEGATED if written is not None and key in written.items), "")
    if not spelled and rule.written.get(outer.mark) is written:
        return
    # What is true inside the `not` fails the rule; so the negation being true lets it pass.
    if visit.good is not False or visit.computed(subject):
        return
    fact = visit.fact(subject)
    if fact is None or fact.required or any(_covers(one, subject) for one in minded):
        return
    what = f"{spelled or 'not'} is true where {subject} is absent, so what nobody configured passes"
    advice = "Add `default:`, or a condition with `exists`."
    yield rule.problem(LOG007, what, leaf.mark, advice)


def _covers(minded: Any, subject: Path) -> bool:
    """Whether somebody asked for the existence of the property or of what holds it."""
    return (
        isinstance(minded, Path)
        and minded.var == subject.var
        and subject.keys[: len(minded.keys)] == minded.keys
    )


def _default(rule: RuleContext, visit: Visit, leaf: Leaf, subject: Path) -> Iterator[Problem]:
    """LOG009."""
    fact = visit.fact(subject)
    if leaf.default is ABSENT or fact is None or fact.default is ABSENT:
        return
    if _folded(leaf.default) != _folded(fact.default):
        given = visit.node.items.get("default") if visit.node is not None else None
        what = f"the default of {subject} is {leaf.default!r} here and {fact.default!r} in the API"
        yield rule.problem(LOG009, what, given if given is not None else leaf.mark)


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else (type(value).__name__, value)


def _anchored(pattern: str) -> bool:
    inner = re.sub(r"^(?:\(\?[a-z]+\))+", "", pattern)
    if "|" in inner and not re.fullmatch(r"\^\(.*\)\$", inner, re.DOTALL):
        return all(part.startswith("^") and part.endswith("$") for part in _branches(inner))
    return inner.startswith(("^", r"\A")) and (inner.endswith((r"\z", "$")) and not inner.endswith(r"\$"))


def _branches(pattern: str) -> list[str]:
    """The top-level alternatives of a pattern."""
    found, depth, start, at = [], 0, 0, 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            at += 1
        elif char == "[":
            closed = pattern.find("]", at + 2)
            at = closed if closed > 0 else at
        elif char in "()":
            depth += 1 if char == "(" else -1
        elif char == "|" and depth == 0:
            found.append(pattern[start:at])
            start = at + 1
        at += 1
    return [*found, pattern[start:]]


def _doubles(rule: RuleContext, visit: Visit, leaf: Leaf, operand: tuple[Any, ...]) -> Iterator[Problem]:
    """LOG014."""
    written = visit.node
    names = (leaf.operator, *(key for key, positive in NEGATED.items() if positive == leaf.operator))
    items = next((written.items[key] for key in names if written is not None and key in written.items), None)
    seen: dict[Any, Any] = {}
    for at, value in enumerate(operand):
        key = _folded(value) if not leaf.case_sensitive else value
        if key in seen:
            place = items.items[at] if isinstance(items, SequenceNode) else leaf.mark
            yield rule.problem(LOG014, f"{value!r} stands twice ({seen[key]!r}, {value!r})", place)
        seen.setdefault(key, value)


def _past(rule: RuleContext, leaf: Leaf, today: date) -> Iterator[Problem]:
    """LOG016."""
    operands = leaf.operand if isinstance(leaf.operand, tuple) else (leaf.operand,)
    for value in (*operands, leaf.default):
        found = _DATE.match(value) if isinstance(value, str) else None
        if found is None:
            continue
        try:
            when = date.fromisoformat(found[1])
        except ValueError:
            continue
        if when < today:
            yield rule.problem(
                LOG016,
                f"the date {value} has passed",
                leaf.mark,
                "Ask for an age (olderThanDays), or retire the condition.",
            )


def _list(rule: RuleContext, quantifier: Quantifier) -> Iterator[Problem]:
    """LOG010."""
    if quantifier.kind == "every" and quantifier.when_empty is None:
        yield rule.problem(
            LOG010,
            "an empty list satisfies `every`",
            quantifier.mark,
            "Say `whenEmpty: pass` or `whenEmpty: fail`.",
        )


def _count(rule: RuleContext, count: Count) -> Iterator[Problem]:
    """LOG015."""
    bound, why = _POINTLESS.get(count.operator, (None, ""))
    limit: Any = count.operand
    if isinstance(limit, Param):
        declared = {**rule.pack.pack.parameters, **rule.rule.parameters}[limit.name]
        limit = declared.maximum if declared.maximum is not None else None
    if bound is not None and isinstance(limit, (int, float)) and limit <= bound:
        node = rule.written.get(count.mark)
        at = node.items.get(count.operator) if node is not None else None
        yield rule.problem(LOG015, why, at if isinstance(at, Scalar) else count.mark)
