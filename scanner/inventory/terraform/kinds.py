"""Type constraints: an expression such as `object({a = optional(string, "x")})` and a value come in, the converted value comes out.

What is not known stays so. https://developer.hashicorp.com/terraform/language/expressions/type-constraints
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scanner.inventory.terraform.functions.collections import unique
from scanner.inventory.terraform.functions.numbers import number
from scanner.inventory.terraform.functions.texts import text
from scanner.inventory.terraform.syntax import Call, Expression, ListOf, Literal, Name, ObjectOf
from scanner.inventory.terraform.values import (
    UNCERTAIN,
    EvaluationError,
    SetOf,
    Tail,
    is_handle,
    items_of,
    lift,
)

MAX_DEPTH = 40
Evaluated = Callable[[Expression], Any]


def convert(value: Any, kind: Expression, default_of: Evaluated, depth: int = 0) -> Any:
    """A value as its type has it. `default_of` works out the defaults of optional attributes. Raises `EvaluationError`."""
    if depth > MAX_DEPTH:
        raise EvaluationError("the type is nested too deep")
    return lift(lambda one: _converted(one, kind, default_of, depth), value)


def _converted(value: Any, kind: Expression, default_of: Evaluated, depth: int) -> Any:
    if value is None or isinstance(value, UNCERTAIN) or is_handle(value):
        return value
    if isinstance(kind, Name):
        return _simple(value, kind.name)
    if not isinstance(kind, Call) or not kind.arguments:
        return value
    inner = kind.arguments[0]
    match kind.name:
        case "list":
            return [_element(one, inner, default_of, depth) for one in _items(value)]
        case "set":
            found = unique([_element(one, inner, default_of, depth) for one in _items(value)])
            return SetOf(tuple(sorted(found) if all(isinstance(one, str) for one in found) else found))
        case "map":
            return {key: convert(one, inner, default_of, depth + 1) for key, one in _object(value).items()}
        case "object" if isinstance(inner, ObjectOf):
            return _fitted(_object(value), inner, default_of, depth)
        case "tuple" if isinstance(inner, ListOf):
            given = _items(value)
            if len(given) != len(inner.items):
                raise EvaluationError("a tuple of another length is needed")
            return [
                convert(one, of, default_of, depth + 1) for one, of in zip(given, inner.items, strict=True)
            ]
        case _:
            return value


def _element(value: Any, kind: Expression, default_of: Evaluated, depth: int) -> Any:
    return value if isinstance(value, Tail) else convert(value, kind, default_of, depth + 1)


def _simple(value: Any, name: str) -> Any:
    if name == "string":
        return text(value)
    if name == "number":
        return number(value)
    if name == "bool":
        if isinstance(value, bool):
            return value
        if value in ("true", "false"):
            return value == "true"
        raise EvaluationError("a bool is needed")
    return value


def _items(value: Any) -> list[Any]:
    if isinstance(value, (list, SetOf)):
        return list(items_of(value))
    raise EvaluationError("a list is needed")


def _object(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise EvaluationError("an object is needed")


def _fitted(value: dict[str, Any], kind: ObjectOf, default_of: Evaluated, depth: int) -> dict[str, Any]:
    found = {}
    for key, of, _ in kind.pairs:
        name = key.value if isinstance(key, Literal) else ""
        optional = isinstance(of, Call) and of.name == "optional" and bool(of.arguments)
        inner = of.arguments[0] if isinstance(of, Call) and optional else of
        given = value.get(name)
        if given is None and isinstance(of, Call) and optional and len(of.arguments) > 1:
            given = default_of(of.arguments[1])
        elif name not in value and not optional:
            raise EvaluationError(f"the attribute {name!r} is missing")
        found[name] = convert(given, inner, default_of, depth + 1)
    return found
