"""What generated functions call: the checks that turn anything unexpected into `Odd`, and prepared operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from scanner.engine.case import absences
from scanner.engine.operators import OPERATORS, Options, Wrong
from scanner.engine.operators.compare import folded
from scanner.engine.operators.text import FORMATS, MAX_TEXT
from scanner.model.resource import Resource
from scanner.model.values import ABSENT, Alternatives, Hidden, Partial, Unknown, UnreadTail


class Odd(Exception):
    """A value that the fast lane does not judge."""


_UNREAD = Unknown("missing")
MARKS = frozenset({Unknown, Hidden, UnreadTail, Wrong, Alternatives, Partial})
JSON = frozenset({str, bool, int, float, list, tuple, dict})
NUMBERS = frozenset({int, float})
_EMPTY: list[Any] = []
MAX_ROWS = 5_000
"""Longer lists are left to the reference lane, which counts what it looks at."""


def odd(*_: Any) -> NoReturn:
    """Leave the rule to the reference lane."""
    raise Odd


def odd_or(value: Any, absent: bool | None) -> bool:
    """What an operator says of a value that is not of its type: `absent` for ABSENT, else Odd."""
    if value is None and absent is not None:
        return absent
    raise Odd


def sure(truth: bool | None) -> bool:
    """A truth worked out before; None stood for Odd."""
    if truth is None:
        raise Odd
    return truth


def through(value: Any) -> Any:
    """What lies below a value that is no object: nothing below ABSENT, a marker otherwise."""
    return value if value is None or value.__class__ in MARKS else Wrong("")


def by_key(holder: Mapping[str, Any], wanted: str) -> Any:
    """The value of a map's key in any casing."""
    for key, value in holder.items():
        if key.casefold() == wanted:
            return value
    return None


def rows(value: Any) -> Any:
    """A list to go through; ABSENT is empty."""
    if value.__class__ is list or value.__class__ is tuple:
        if len(value) > MAX_ROWS:
            raise Odd
        return value
    if value is None:
        return _EMPTY
    raise Odd


def pairs(value: Any) -> Any:
    """A map to go through as `{key, value}` elements; ABSENT is empty."""
    if value.__class__ is dict:
        return [{"key": key, "value": item} for key, item in value.items()]
    if value is None:
        return _EMPTY
    raise Odd


def number(value: Any) -> Any:
    """A number to compare a count with."""
    if value.__class__ in NUMBERS:
        return value
    raise Odd


def number_or_none(value: Any) -> Any:
    """A parameter to compare a count with; None stands for Odd."""
    return value if value.__class__ in NUMBERS else None


def param_list(value: Any) -> Any:
    """A list parameter to go through; an undeclared one is Odd."""
    return Wrong("") if value is None else value


def declared(value: Any) -> Any:
    """A parameter's value as an operand; an undeclared one cannot be compared with."""
    return Wrong("") if value is None else value


def absent_truth(operator: str, operand: Any, default: Any, options: Options) -> bool | None:
    """What a leaf says of ABSENT: by its default or by the operator's row; None stands for Odd."""
    row = OPERATORS[operator]
    if default is ABSENT or default is None:
        return row.absent(operand)
    return _truth(row.decide(default, operand, options))


def _truth(answer: object) -> bool | None:
    """An operator's answer; None stands for Odd."""
    return answer if isinstance(answer, bool) else None


def tester(
    operator: str, operand: Any, default: Any, now: float, case_sensitive: bool, location: bool
) -> Callable[[Any], bool]:
    """A function of the value for an operator whose operand is known."""
    decide = OPERATORS[operator].decide
    options = Options(now, case_sensitive, location)
    if isinstance(operand, Wrong):
        return odd
    absent = absent_truth(operator, operand, default, options)
    if operator == "in" and operand and all(isinstance(item, str) for item in operand):
        return _among(frozenset(folded(item, options) for item in operand), absent, options)

    if operator == "format" and operand in FORMATS:
        return _of_form(FORMATS[operand].match, absent)

    def test(value: Any) -> bool:
        if value is None:
            if absent is None:
                raise Odd
            return absent
        if value.__class__ in MARKS:
            raise Odd
        answer = decide(value, operand, options)
        if answer.__class__ is bool:
            return answer
        raise Odd

    return test


def _among(texts: frozenset[str], absent: bool | None, options: Options) -> Callable[[Any], bool]:
    """`in` for a list of texts: one look-up, however long the list is."""

    def test(value: Any) -> bool:
        if value.__class__ is str:
            return folded(value, options) in texts
        return odd_or(value, absent)

    return test


def _of_form(match: Callable[[str], Any], absent: bool | None) -> Callable[[Any], bool]:
    """`format` with its pattern at hand."""

    def test(value: Any) -> bool:
        if value.__class__ is str and len(value) <= MAX_TEXT:
            return match(value) is not None
        return odd_or(value, absent)

    return test


def pair_tester(
    operator: str, default: Any, now: float, case_sensitive: bool, location: bool
) -> Callable[[Any, Any], bool]:
    """A function of the value and of the property it is compared with."""
    row = OPERATORS[operator]
    options = Options(now, case_sensitive, location)

    def test(value: Any, other: Any) -> bool:
        if value.__class__ in MARKS or other.__class__ in MARKS:
            raise Odd
        if value is None:
            value = default
        if value is None:
            return row.absent(other) if other is not None else False
        if other is None:
            return False
        answer = row.decide(value, other, options)
        if answer.__class__ is bool:
            return answer
        raise Odd

    return test


def param_truth(operator: str, value: Any, operand: Any, now: float) -> bool | None:
    """A condition on a parameter alone; None stands for Odd."""
    row = OPERATORS[operator]
    if isinstance(operand, Wrong):
        return None
    if value is None:
        return row.absent(operand)
    return _truth(row.decide(value, operand, Options(now)))


def missing_of(element: Any) -> Mapping[str, str]:
    """Where a missing key of an element is UNKNOWN."""
    return absences(element) if isinstance(element, Resource) else {}


NAMES: Mapping[str, Any] = {
    "__builtins__": {},
    "Odd": Odd,
    "odd": odd,
    "odd_or": odd_or,
    "sure": sure,
    "through": through,
    "by_key": by_key,
    "rows": rows,
    "pairs": pairs,
    "number": number,
    "number_or_none": number_or_none,
    "param_list": param_list,
    "declared": declared,
    "tester": tester,
    "pair_tester": pair_tester,
    "param_truth": param_truth,
    "absences": missing_of,
    "Resource": Resource,
    "UNREAD": _UNREAD,
    "MARKS": MARKS,
    "JSON": JSON,
    "NUMBERS": NUMBERS,
    "str": str,
    "bool": bool,
    "dict": dict,
}
"""All that generated text can name; the built-in functions are not among them."""
