"""Operators that compare one value: equals, in, the four orders, exists, empty."""

from __future__ import annotations

from typing import Any

from scanner.engine.operators.row import UNSURE, Answer, Operator, Options, kind, never, wrong
from scanner.model.values import UnreadTail


def folded(text: str, options: Options) -> str:
    """Text as it is compared: case folded unless the leaf is case-sensitive, regions without blanks."""
    if options.location:
        text = text.replace(" ", "")
    return text if options.case_sensitive else text.casefold()


def _equals(value: Any, operand: Any, options: Options) -> Answer:
    found, wanted = kind(value), kind(operand)
    if operand is None:
        return False  # the value is present
    if found != wanted or found not in ("string", "number", "boolean"):
        article = "an" if wanted[0] in "aeiou" else "a"
        return wrong(value, f"{article} {wanted}")
    if found == "string":
        return folded(value, options) == folded(operand, options)
    return bool(value == operand)


def _in(value: Any, operand: Any, options: Options) -> Answer:
    if not isinstance(operand, (list, tuple)):
        return wrong(operand, "a list to look in")
    found = kind(value)
    if found not in ("string", "number", "boolean"):
        return wrong(value, "a single value")
    kinds = {kind(item) for item in operand} - {"null"}
    if kinds and found not in kinds:
        return wrong(value, " or ".join(f"a {name}" for name in sorted(kinds)))
    if found == "string":
        wanted = folded(value, options)
        return any(isinstance(item, str) and folded(item, options) == wanted for item in operand)
    return any(kind(item) == found and item == value for item in operand)


def _absent_in(operand: Any) -> bool:
    return isinstance(operand, (list, tuple)) and any(item is None for item in operand)


def _ordered(value: Any, operand: Any) -> Answer | None:
    for side in (value, operand):
        if kind(side) != "number":
            return wrong(side, "a number")
    return None


def _less(value: Any, operand: Any, _: Options) -> Answer:
    bad = _ordered(value, operand)
    return bool(value < operand) if bad is None else bad


def _less_or_equals(value: Any, operand: Any, _: Options) -> Answer:
    bad = _ordered(value, operand)
    return bool(value <= operand) if bad is None else bad


def _greater(value: Any, operand: Any, _: Options) -> Answer:
    bad = _ordered(value, operand)
    return bool(value > operand) if bad is None else bad


def _greater_or_equals(value: Any, operand: Any, _: Options) -> Answer:
    bad = _ordered(value, operand)
    return bool(value >= operand) if bad is None else bad


def _exists(_: Any, operand: Any, __: Options) -> Answer:
    return operand is True


def _empty(value: Any, operand: Any, _: Options) -> Answer:
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], UnreadTail):
        return UNSURE
    empty = isinstance(value, (str, list, tuple, dict)) and not value
    return empty is operand


_NUMBER = frozenset({"number"})
_SCALAR = frozenset({"string", "number", "boolean"})
_ANY = frozenset({"any"})

ROWS = (
    Operator(
        "equals",
        _equals,
        lambda operand: operand is None,
        _SCALAR,
        frozenset({"scalar"}),
        "the value is this one",
    ),
    Operator("in", _in, _absent_in, _SCALAR, frozenset({"scalars"}), "the value is one of these"),
    Operator("less", _less, never, _NUMBER, _NUMBER, "the number is smaller"),
    Operator("lessOrEquals", _less_or_equals, never, _NUMBER, _NUMBER, "the number is smaller or the same"),
    Operator("greater", _greater, never, _NUMBER, _NUMBER, "the number is larger"),
    Operator(
        "greaterOrEquals", _greater_or_equals, never, _NUMBER, _NUMBER, "the number is larger or the same"
    ),
    Operator(
        "exists",
        _exists,
        lambda operand: operand is False,
        _ANY,
        frozenset({"boolean"}),
        "the property is set",
    ),
    Operator(
        "empty", _empty, lambda operand: operand is True, _ANY, frozenset({"boolean"}), 'unset, "", [] or {}'
    ),
)
