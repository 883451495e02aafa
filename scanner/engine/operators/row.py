"""What one operator is: the row type of the operator tables and the two answers that are no booleans."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias


@dataclass(frozen=True, slots=True)
class Wrong:
    """The value's type or form cannot be judged by this operator; `text` says why."""

    text: str


class _Unsure:
    """The type of `UNSURE`."""

    __slots__ = ()


UNSURE: Final = _Unsure()
"""An unread part of the value could change the answer."""

Answer: TypeAlias = bool | Wrong | _Unsure


@dataclass(frozen=True, slots=True)
class Options:
    """What else an operator may depend on. `now`: seconds since 1970; `location`: compare as Azure regions."""

    now: float
    case_sensitive: bool = False
    location: bool = False


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator. `values` and `operands` name JSON kinds for checks when a rule is loaded.

    Kinds: string, number, boolean, null, array, object, scalar (the first four), any; `strings` and `scalars` are
    arrays of them, `cidrs` an array of address ranges. `inline(value, constant, operand)` gives Python text that is
    True or False for a present value of the right type, and `NotImplemented`-free: it ends in `odd(value, absent)`
    for everything else; None where the closure form is used.
    """

    name: str
    decide: Callable[[Any, Any, Options], Answer]
    absent: Callable[[Any], bool]
    values: frozenset[str]
    operands: frozenset[str]
    help: str
    check: Callable[[Any], str] | None = None
    """Says what is wrong with a literal operand, or ""."""


def never(_: Any) -> bool:
    """ABSENT makes the operator false."""
    return False


def kind(value: Any) -> str:
    """The JSON kind of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, (list, tuple)):
        return "array"
    if isinstance(value, dict):
        return "object"
    return type(value).__name__


def wrong(value: Any, wanted: str) -> Wrong:
    """A `Wrong` for a value of another kind."""
    found = kind(value)
    article = "an" if found[0] in "aeiou" else "a"
    return Wrong(f"{article} {found} where {wanted} was expected")
