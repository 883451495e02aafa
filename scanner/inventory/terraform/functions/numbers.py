"""Functions of numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from scanner.inventory.terraform.values import EvaluationError


def number(value: Any) -> int | float:
    """A number, also from its text. Raises `EvaluationError`."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) < 100:
        try:
            found = float(value)
        except ValueError:
            found = math.nan
        if math.isfinite(found):
            return int(value) if value.strip().lstrip("+-").isdecimal() else found
    raise EvaluationError("a number is needed")


def whole(value: Any) -> int:
    """A whole number."""
    found = number(value)
    if found != int(found):
        raise EvaluationError("a whole number is needed")
    return int(found)


def tidy(value: float) -> int | float:
    """A number without a fraction as int."""
    return int(value) if value == int(value) and abs(value) < 1e15 else value


def _power(base: Any, exponent: Any) -> int | float:
    left, right = number(base), number(exponent)
    if abs(right) > 1024 or abs(left) > 1e6:
        raise EvaluationError("the power is too large")
    try:
        found = float(left) ** float(right)
    except (OverflowError, ZeroDivisionError) as error:
        raise EvaluationError("the power cannot be worked out") from error
    if isinstance(found, complex):
        raise EvaluationError("the power is no real number")
    return tidy(found)


def _log(value: Any, base: Any) -> float:
    try:
        return tidy(round(math.log(number(value), number(base)), 12))
    except (ValueError, ZeroDivisionError) as error:
        raise EvaluationError("the logarithm cannot be worked out") from error


def _extreme(values: tuple[Any, ...], *, largest: bool) -> int | float:
    if not values:
        raise EvaluationError("at least one number is needed")
    return (max if largest else min)(number(value) for value in values)


def _parsed(text: Any, base: Any) -> int:
    try:
        return int(str(text), whole(base))
    except ValueError as error:
        raise EvaluationError("the text is no number of that base") from error


TABLE: dict[str, Callable[..., Any]] = {
    "abs": lambda value: abs(number(value)),
    "ceil": lambda value: math.ceil(number(value)),
    "floor": lambda value: math.floor(number(value)),
    "log": _log,
    "max": lambda *values: _extreme(values, largest=True),
    "min": lambda *values: _extreme(values, largest=False),
    "parseint": _parsed,
    "pow": _power,
    "signum": lambda value: (number(value) > 0) - (number(value) < 0),
}
