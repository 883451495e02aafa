"""Operators on values that may not be known: `false && unknown` is false, texts that begin differently are not equal."""

from __future__ import annotations

import math
from typing import Any

from scanner.inventory.terraform.access import as_flag
from scanner.inventory.terraform.functions.numbers import number, tidy
from scanner.inventory.terraform.values import (
    UNCERTAIN,
    Choice,
    EvaluationError,
    Impossible,
    SetOf,
    Sym,
    Text,
    choice,
    first_unknown,
    is_handle,
    items_of,
    key_of,
    known,
    lift,
    made_key,
    same,
    spread,
)

_ORDER = {
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
}


def negated(operator: str, value: Any) -> Any:
    """`!value` or `-value`."""
    if isinstance(value, Choice):
        return lift(lambda one: negated(operator, one), value)
    if isinstance(value, UNCERTAIN):
        unknown = first_unknown([value])
        assert unknown is not None
        return Sym(unknown.reason, unknown.kind, made_key(operator, value))
    return not as_flag(value) if operator == "!" else -number(value)


def binary(operator: str, left: Any, right: Any) -> Any:
    """`left operator right`."""
    lead, ways = spread([left, right])
    if lead is not None:
        if not ways:
            return Sym(f"{lead.reason} (too many ways)", "limit")
        cause = lead.cause if len(ways) == len(lead.values) else ""
        return choice([binary(operator, *way) for way in ways], lead.reason, cause)
    if operator in ("&&", "||"):
        return _logic(operator, left, right)
    if operator in ("==", "!="):
        equal = _equal(left, right)
        return equal if operator == "==" or isinstance(equal, Sym) else not equal
    unknown = first_unknown([left, right])
    if isinstance(unknown, Impossible):
        return unknown
    if unknown is not None:
        return Sym(unknown.reason, unknown.kind, made_key(operator, left, right))
    one, other = number(left), number(right)
    if operator in _ORDER:
        return _ORDER[operator](one, other)
    return _arithmetic(operator, one, other)


def _logic(operator: str, left: Any, right: Any) -> Any:
    decides = operator == "||"
    one, other = as_flag(left), as_flag(right)
    if one is decides or other is decides:
        return decides
    for value, rest in ((one, other), (other, one)):
        if isinstance(value, bool):
            return rest if not isinstance(rest, Text) else first_unknown([rest])
    unknown = first_unknown([one, other])
    assert unknown is not None
    if isinstance(unknown, Impossible):
        return unknown
    return Sym(unknown.reason, unknown.kind, made_key(operator, one, other))


def _equal(left: Any, right: Any) -> Any:
    if known(left) and known(right):
        return _same(left, right)
    if same(left, right):
        return True
    if _differ(left, right) or _differ(right, left):
        return False
    unknown = first_unknown([left, right])
    assert unknown is not None
    if isinstance(unknown, Impossible):
        return unknown
    return Sym(unknown.reason, unknown.kind, made_key("==", *sorted([left, right], key=key_of)))


def _differ(left: Any, right: Any) -> bool:
    """Whether a partly known value is certainly another one than the right."""
    if isinstance(left, (dict, list, SetOf)) or is_handle(left):
        return right is None or isinstance(right, (str, int, float))
    if isinstance(left, Text):
        if right is None:
            return True
        first, last = left.parts[0], left.parts[-1]
        return isinstance(right, str) and not (
            (not isinstance(first, str) or right.startswith(first))
            and (not isinstance(last, str) or right.endswith(last))
        )
    return False


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, SetOf) or isinstance(right, SetOf):
        if not (isinstance(left, (SetOf, list)) and isinstance(right, (SetOf, list))):
            return False
        return same(list(items_of(left)), list(items_of(right)))
    return same(left, right)


def _arithmetic(operator: str, left: float, right: float) -> int | float:
    if abs(left) > 1e100 or abs(right) > 1e100:
        raise EvaluationError("the number is too large")
    if operator in "/%" and right == 0:
        raise EvaluationError("division by zero")
    if operator == "%":
        return tidy(math.fmod(left, right))
    found = {
        "+": lambda: left + right,
        "-": lambda: left - right,
        "*": lambda: left * right,
        "/": lambda: left / right,
    }
    return tidy(found[operator]())
