"""`for` expressions: what they walk over comes in, a list or object comes out; doubtful elements leave an open end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scanner.inventory.terraform.access import as_flag, pairs_of
from scanner.inventory.terraform.context import Context, Evaluate
from scanner.inventory.terraform.syntax import For
from scanner.inventory.terraform.values import (
    MAX_ITEMS,
    Choice,
    EvaluationError,
    Impossible,
    Secret,
    Sym,
    Tail,
    Text,
    choice,
    first_unknown,
    key_of,
    lift,
    made_key,
    shown,
)


def loop(expression: For, context: Context, evaluate: Evaluate) -> Any:
    """The value of a `for` expression."""
    walked = evaluate(expression.items, context)

    def work(value: Any) -> Any:
        if isinstance(value, (Sym, Secret, Text)):
            unknown = first_unknown([value]) or Sym("not known", "error")
            return _unknown(unknown, expression, context)
        return (
            _object_for(expression, value, context, evaluate)
            if expression.key_of is not None
            else _list_for(expression, value, context, evaluate)
        )

    return lift(work, walked) if isinstance(walked, Choice) else work(walked)


def _unknown(unknown: Sym, expression: For, context: Context) -> Sym:
    """What an expression gives of which the elements are not known: the same for the same elements and names."""
    if isinstance(unknown, Impossible):
        return unknown
    keys = [unknown.key, *(key_of(value) for value in context.bound.values())]
    place = f"for {context.names.path}:{expression.span[0]}"
    return Sym(unknown.reason, unknown.kind, made_key(place, *keys) if all(keys) else "")


def _elements(
    expression: For, value: Any, context: Context, evaluate: Evaluate
) -> Iterator[tuple[Context, Any, Any]]:
    """(context, whether it is taken, tail) per element."""
    pairs = pairs_of(value)
    if len(pairs) > MAX_ITEMS:
        raise EvaluationError("for walks over too many elements")
    for key, item in pairs:
        if isinstance(item, Tail):
            yield context, True, item
            continue
        inner = context.with_bound(
            {expression.key: key, expression.value: item} if expression.key else {expression.value: item}
        )
        taken: Any = True
        if expression.condition is not None:
            taken = as_flag(evaluate(expression.condition, inner))
        yield inner, taken, None


def _list_for(expression: For, value: Any, context: Context, evaluate: Evaluate) -> Any:
    found: list[Any] = []
    tail: Tail | None = None
    for inner, taken, end in _elements(expression, value, context, evaluate):
        if end is not None:
            tail = end
        elif taken is True:
            found.append(evaluate(expression.value_of, inner))
        elif taken is not False:
            unknown = first_unknown([taken]) or Sym("not known", "error")
            tail = tail or Tail(
                f"whether an element belongs to the list is not known: {unknown.reason}", key_of(taken)
            )
    return [*found, tail] if tail is not None else found


def _object_for(expression: For, value: Any, context: Context, evaluate: Evaluate) -> Any:
    """An object; where one unknown decides which elements are in it, one of several objects."""
    assert expression.key_of is not None
    entries: list[tuple[str, Any, Any]] = []
    lead: Choice | None = None
    for inner, taken, end in _elements(expression, value, context, evaluate):
        if taken is False:
            continue
        key = evaluate(expression.key_of, inner) if end is None else end
        decides = taken if isinstance(taken, Choice) and taken.cause else None
        unknown = first_unknown([key] if decides is not None else [key, taken])
        if decides is not None and lead is not None and not _same_ways(decides, lead):
            unknown = unknown or first_unknown([taken])
        if unknown is not None:
            return _unknown(unknown, expression, context)
        lead = decides or lead
        entries.append((shown(key), evaluate(expression.value_of, inner), taken))
    if lead is None:
        return _object(expression, [(name, made) for name, made, _ in entries])
    ways = []
    for at in range(len(lead.values)):
        chosen = [
            (name, made)
            for name, made, taken in entries
            if (taken.values[at] if isinstance(taken, Choice) else taken) is True
        ]
        ways.append(_object(expression, chosen))
    return choice(ways, lead.reason, lead.cause)


def _same_ways(one: Choice, other: Choice) -> bool:
    return one.cause == other.cause and len(one.values) == len(other.values)


def _object(expression: For, entries: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, made in entries:
        if expression.group:
            found.setdefault(name, []).append(made)
        elif name in found:
            raise EvaluationError(f"for makes the key {name[:60]!r} twice")
        else:
            found[name] = made
    return found
