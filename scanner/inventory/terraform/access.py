"""Attributes and elements of values, known or not: `value.name`, `value[key]`; and conditions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scanner.inventory.terraform.values import (
    Choice,
    EvaluationError,
    Impossible,
    Secret,
    SetOf,
    Sym,
    Symbolic,
    Tail,
    Text,
    choice,
    first_unknown,
    is_handle,
    key_of,
    lift,
    made_key,
    shown,
)


def attribute_of(value: Any, name: str) -> Any:
    """`value.name`."""
    if isinstance(value, Choice):
        return _possible(value, lambda one: attribute_of(one, name))
    if isinstance(value, dict):
        if name in value:
            return value[name]
        raise EvaluationError(f"there is no attribute {name!r}")
    if isinstance(value, (Sym, Secret)):
        return below(value, f".{name}")
    if isinstance(value, list):
        if name.isdecimal():
            return element_of(value, int(name))
        raise EvaluationError(f"a list has no attribute {name!r}")
    if is_handle(value):
        return value.get(name)
    raise EvaluationError(f"a value without attributes has no {name!r}")


def _possible(value: Choice, pick: Callable[[Any], Any]) -> Any:
    """What each way gives; a way that would be an error is marked as one that is not taken."""
    found: list[Any] = []
    error: EvaluationError | None = None
    for one in value.values:
        try:
            found.append(pick(one))
        except EvaluationError as caught:
            error = caught
            found.append(Impossible(str(caught), "error"))
    if error is not None and all(isinstance(one, Impossible) for one in found):
        raise error
    return choice(found, value.reason, value.cause)


def element_of(value: Any, key: Any) -> Any:
    """`value[key]`."""
    if isinstance(value, Choice) or isinstance(key, Choice):
        lead = value if isinstance(value, Choice) else key
        assert isinstance(lead, Choice)
        pick = (lambda one: element_of(one, key)) if lead is value else (lambda one: element_of(value, one))
        return _possible(lead, pick)
    if isinstance(value, Symbolic):
        return value.one
    if isinstance(value, (Sym, Secret)):
        return below(value, f"[{key_of(key)}]" if key_of(key) else "")
    if isinstance(key, (Sym, Text, Secret)):
        unknown = first_unknown([key])
        assert unknown is not None
        return Sym(unknown.reason, unknown.kind, made_key("index", value, key))
    if isinstance(value, dict):
        name = shown(key)
        if name in value:
            return value[name]
        raise EvaluationError(f"there is no element {name[:60]!r}")
    if isinstance(value, list):
        if isinstance(key, str) and key.isdecimal():
            key = int(key)
        if not isinstance(key, int) or isinstance(key, bool):
            raise EvaluationError("the index of a list is no number")
        if -1 < key < len(value) and not isinstance(value[key], Tail):
            return value[key]
        if value and isinstance(value[-1], Tail):
            return Sym(value[-1].reason, "runtime")
        raise EvaluationError(f"the list has no element {key}")
    if is_handle(value):
        return value.get(str(key))
    raise EvaluationError("a value without elements is indexed")


def below(value: Sym | Secret, step: str) -> Sym:
    """A part of what is not known: not known either, with a name of its own."""
    if isinstance(value, Impossible):
        return value
    key = f"{value.key}{step}" if value.key and step else ""
    if isinstance(value, Secret):
        return Sym("comes from a sensitive value", "secret", key)
    return Sym(value.reason, value.kind, key)


def as_flag(value: Any) -> Any:
    """A condition: the texts `true` and `false` count."""
    if isinstance(value, Choice):
        return lift(as_flag, value)
    if isinstance(value, str) and value in ("true", "false"):
        return value == "true"
    if isinstance(value, (bool, Sym, Secret, Text)):
        return value
    raise EvaluationError("the condition is no boolean")


def pairs_of(value: Any) -> list[tuple[Any, Any]]:
    """(key, element) of what a `for` walks over. A `Tail` has the key None."""
    if isinstance(value, dict):
        return sorted(value.items())
    if isinstance(value, list):
        return [(None if isinstance(item, Tail) else at, item) for at, item in enumerate(value)]
    if isinstance(value, SetOf):
        return [(None if isinstance(item, Tail) else item, item) for item in value.items]
    if is_handle(value):
        raise EvaluationError("for walks over something that is no list")
    raise EvaluationError("for needs a list, set or map")
