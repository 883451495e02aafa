"""Template functions on numbers and truth values, and the orders: arguments come in, a value comes out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from scanner.engine.azure.failing import EvaluationFailed
from scanner.engine.azure.text_functions import Table, whole
from scanner.engine.azure.values import number
from scanner.engine.operators.row import kind

MAX_WHOLE = 2**63 - 1
"""Azure's whole numbers have 64 bits."""


def _int(value: Any) -> int:
    if isinstance(value, str):
        found = number(value)
        if found is not None and found.is_integer():
            return int(found)
        raise EvaluationFailed("int() needs text that writes a whole number")
    if isinstance(value, float) and math.isfinite(value):
        return int(value)
    return whole(value, "int")


def _float(value: Any) -> float:
    if isinstance(value, str):
        found = number(value)
        if found is None:
            raise EvaluationFailed("float() needs text that writes a number")
        return found
    if kind(value) == "number" and abs(value) <= MAX_WHOLE:
        return float(value)
    raise EvaluationFailed(f"float() cannot read {kind(value)}")


def _two(name: str, work: Callable[[int, int], int]) -> Callable[[Any, Any], int]:
    def call(left: Any, right: Any) -> int:
        one, two = whole(left, name), whole(right, name)
        if name in ("div", "mod") and two == 0:
            raise EvaluationFailed(f"{name}() divides by zero")
        if abs(found := work(one, two)) > MAX_WHOLE:
            raise EvaluationFailed(f"{name}() gives a number that Azure cannot hold")
        return found

    return call


def _div(one: int, two: int) -> int:
    """Division towards zero, as .NET does it."""
    found = abs(one) // abs(two)
    return found if (one < 0) == (two < 0) else -found


def _extreme(name: str, pick: Callable[[list[int]], int]) -> Callable[..., int]:
    def call(*values: Any) -> int:
        given = values[0] if len(values) == 1 and isinstance(values[0], (list, tuple)) else values
        if not given:
            raise EvaluationFailed(f"{name}() of nothing")
        return pick([whole(item, name) for item in given])

    return call


def _order(name: str, test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def call(left: Any, right: Any) -> bool:
        if kind(left) != kind(right) or kind(left) not in ("number", "string"):
            raise EvaluationFailed(
                f"{name}() compares two numbers or two texts, not {kind(left)} and {kind(right)}"
            )
        return test(left, right)

    return call


def _not(value: Any) -> bool:
    if isinstance(value, bool):
        return not value
    raise EvaluationFailed(f"not() needs true or false, not {kind(value)}")


TABLE: Table = {
    "add": (2, 2, _two("add", lambda one, two: one + two)),
    "div": (2, 2, _two("div", _div)),
    "false": (0, 0, lambda: False),
    "float": (1, 1, _float),
    "greater": (2, 2, _order("greater", lambda one, two: one > two)),
    "greaterorequals": (2, 2, _order("greaterOrEquals", lambda one, two: one >= two)),
    "int": (1, 1, _int),
    "less": (2, 2, _order("less", lambda one, two: one < two)),
    "lessorequals": (2, 2, _order("lessOrEquals", lambda one, two: one <= two)),
    "max": (1, 128, _extreme("max", max)),
    "min": (1, 128, _extreme("min", min)),
    "mod": (2, 2, _two("mod", lambda one, two: one - _div(one, two) * two)),
    "mul": (2, 2, _two("mul", lambda one, two: one * two)),
    "not": (1, 1, _not),
    "sub": (2, 2, _two("sub", lambda one, two: one - two)),
    "true": (0, 0, lambda: True),
}
