"""Rule text from values: a condition, a value or a test comes in, YAML as a rule file writes it comes out.

What comes out parses to the same condition again, unless a depth was asked for: then deeper parts read `{...}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from scanner.engine.operators import NEGATED
from scanner.model.azure import Policy
from scanner.model.condition import (
    Condition,
    Count,
    Leaf,
    ListSource,
    Logic,
    Param,
    Path,
    Quantifier,
    Ref,
    Related,
)
from scanner.model.rule import RuleTest
from scanner.model.values import ABSENT, Hidden, Unknown, UnreadTail
from scanner.workbench.policy_words import policy_sentences

WIDTH = 160
"""Longer lines are folded (tests) or cut in depth (conditions)."""
_SAFE = re.compile(r"[A-Za-z_$/][A-Za-z0-9_.$/@*-]*(?: [A-Za-z0-9_.$/@*-]+)*\Z")
_SPECIAL = frozenset({"true", "false", "null", "~", "yes", "no", "on", "off", "y", "n"})
_KEY = re.compile(r"[A-Za-z_@][A-Za-z0-9_-]*\Z")
_POSITIVE = {positive: negative for negative, positive in NEGATED.items()}


def text_of(text: str) -> str:
    """A string as YAML writes it in a flow collection: plain where that is safe, else in double quotes."""
    if _SAFE.match(text) and text.lower() not in _SPECIAL:
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"


def value_text(value: Any) -> str:
    """A value of a test or a literal as flow YAML; markers become the tags that tests may hold."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            shown = repr(value)
            return shown if "." in shown else shown.replace("e", ".0e")
        case str():
            return text_of(value)
        case Unknown():
            return f"!unknown {_quoted(value.reason)}"
        case UnreadTail():
            return f"!unread {_quoted(value.reason)}"
        case Hidden():
            return f"{{$hidden: {text_of(value.kind)}}}"
        case Mapping():
            return "{" + ", ".join(f"{text_of(key)}: {value_text(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(value_text, value)) + "]"
        case _:
            return text_of(str(value))


def _quoted(text: str) -> str:
    return '"' + "".join(map(_escaped, text)) + '"'


def path_text(path: Path) -> str:
    """A property path in the rule's grammar, odd keys in brackets."""
    text = f"${path.var}" if path.var else ""
    for key in path.keys:
        if _KEY.match(key):
            text += f".{key}" if text else key
        else:
            text += f"['{key}']"
    return text


def condition_text(condition: Condition, depth: int = 99) -> str:
    """A condition as flow YAML; below `depth` levels it reads `{...}`."""
    if depth < 0:
        return "{...}"
    match condition:
        case Leaf():
            return "{" + _leaf(condition, condition.operator) + "}"
        case Logic(kind="not"):
            child = condition.children[0]
            if isinstance(child, Leaf) and child.mark == condition.mark and child.operator in _POSITIVE:
                return "{" + _leaf(child, _POSITIVE[child.operator]) + "}"
            return "{not: " + condition_text(child, depth - 1) + "}"
        case Logic():
            inner = ", ".join(condition_text(child, depth - 1) for child in condition.children)
            return f"{{{condition.kind}: [{inner}]}}"
        case Ref():
            return f"{{ref: {condition.name}}}"
        case Quantifier():
            empty = f", whenEmpty: {condition.when_empty}" if condition.when_empty else ""
            where = condition_text(condition.where, depth - 1)
            return f"{{{condition.kind}: {{{_of(condition.of, condition.var)}, where: {where}{empty}}}}}"
        case Count():
            where = f", where: {condition_text(condition.where, depth - 1)}" if condition.where else ""
            return (
                f"{{count: {{{_of(condition.of, condition.var)}{where}}}, "
                f"{condition.operator}: {_operand(condition.operand)}}}"
            )
        case Policy():
            words = "; ".join(line.strip() for line in policy_sentences(condition.clause))
            return f"{{azurePolicy: {json.dumps(words, ensure_ascii=False)}}}"


def _leaf(leaf: Leaf, operator: str) -> str:
    subject = (
        f"param: {leaf.subject.name}"
        if isinstance(leaf.subject, Param)
        else f"field: {text_of(path_text(leaf.subject))}"
    )
    text = f"{subject}, {operator}: {_operand(leaf.operand)}"
    if leaf.default is not ABSENT:
        text += f", default: {value_text(leaf.default)}"
    return f"{text}, caseSensitive: true" if leaf.case_sensitive else text


def _operand(operand: Any) -> str:
    if isinstance(operand, Param):
        return f"{{param: {operand.name}}}"
    if isinstance(operand, Path):
        return f"{{fieldRef: {text_of(path_text(operand))}}}"
    return value_text(operand)


def _of(of: ListSource, var: str) -> str:
    if isinstance(of, Param):
        text = f"{{param: {of.name}}}"
    else:
        text = f"related.{of.name}" if isinstance(of, Related) else text_of(path_text(of))
    return f"of: {text}, as: {var}" if var else f"of: {text}"


def in_short(condition: Condition) -> str:
    """A condition on one line: as deep as fits into `WIDTH` characters."""
    for depth in (99, 4, 3, 2, 1, 0):
        text = condition_text(condition, depth)
        if len(text) <= WIDTH:
            return text
    return text[: WIDTH - 3] + "..."


def inline_test(test: RuleTest) -> str:
    """An inline test as an item below `tests:`, on one line where it fits."""
    parts = dict(_parts(test))
    line = "  - {" + ", ".join(f"{key}: {value_text(value)}" for key, value in parts.items()) + "}"
    if len(line) <= WIDTH:
        return line
    lines: list[str] = []
    for key, value in parts.items():
        lines += _block(key, value)
    return "\n".join(("  - " if number == 0 else "    ") + text for number, text in enumerate(lines))


def _parts(test: RuleTest) -> Iterator[tuple[str, Any]]:
    yield "name", test.name
    yield "resource", test.resource
    if test.related:
        yield "related", test.related
    if test.params:
        yield "params", test.params
    if test.now:
        yield "now", test.now
    yield "expect", test.expect
    if test.message_contains:
        yield "messageContains", test.message_contains
    if test.findings is not None:
        yield "findings", test.findings


def _block(key: str, value: Any) -> Iterator[str]:
    """One key of a test; long related lists stand one element a line."""
    line = f"{text_of(key)}: {value_text(value)}"
    if key != "related" or len(line) <= WIDTH:
        yield line
        return
    yield "related:"
    for name, rows in value.items():
        if not isinstance(rows, list) or not rows:
            yield f"  {text_of(name)}: {value_text(rows)}"
            continue
        yield f"  {text_of(name)}:"
        yield from (f"    - {value_text(row)}" for row in rows)
