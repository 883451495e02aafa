"""Templates: parts of a text come in, the text comes out, with holes where something is not known."""

from __future__ import annotations

from typing import Any

from scanner.inventory.terraform.access import as_flag, pairs_of
from scanner.inventory.terraform.context import Context, Evaluate
from scanner.inventory.terraform.syntax import Repeat, When
from scanner.inventory.terraform.values import (
    Choice,
    EvaluationError,
    Secret,
    Sym,
    Tail,
    Text,
    choice,
    first_unknown,
    key_of,
    lift,
    shown,
    spread,
    text,
)


def render(parts: tuple[Any, ...], context: Context, evaluate: Evaluate) -> Any:
    """The text of a template's parts."""
    found: list[Any] = []
    for part in parts:
        if isinstance(part, str):
            found.append(part)
        elif isinstance(part, When):
            condition = as_flag(evaluate(part.condition, context))
            if isinstance(condition, bool):
                found.append(render(part.then if condition else part.other, context, evaluate))
            else:
                unknown = first_unknown([condition]) or Sym("not known", "error")
                ways = [render(part.then, context, evaluate), render(part.other, context, evaluate)]
                found.append(choice(ways, unknown.reason, key_of(condition)))
        elif isinstance(part, Repeat):
            found.append(_repeated(part, context, evaluate))
        else:
            found.append(_as_text(evaluate(part, context)))
    return _joined(found)


def _joined(parts: list[Any]) -> Any:
    lead, ways = spread(parts)
    if lead is None:
        return text(parts)
    if not ways:
        return Sym(f"{lead.reason} (too many ways)", "limit")
    cause = lead.cause if len(ways) == len(lead.values) else ""
    return choice([text(way) for way in ways], lead.reason, cause)


def _repeated(part: Repeat, context: Context, evaluate: Evaluate) -> Any:
    value = evaluate(part.items, context)
    unknown = first_unknown([value]) if isinstance(value, (Sym, Secret, Text, Choice)) else None
    if unknown is not None:
        return unknown
    found = []
    for key, item in pairs_of(value):
        if isinstance(item, Tail):
            found.append(Sym(item.reason, "runtime"))
            continue
        bound = {part.key: key, part.value: item} if part.key else {part.value: item}
        found.append(render(part.parts, context.with_bound(bound), evaluate))
    return _joined(found)


def _as_text(value: Any) -> Any:
    """A value inside a text."""
    if isinstance(value, Choice):
        return lift(_as_text, value)
    if isinstance(value, (str, Text, Sym, Secret)):
        return value
    if value is None:
        raise EvaluationError("null stands in a text")
    if isinstance(value, (bool, int, float)):
        return (
            shown(value) if not isinstance(value, float) else str(int(value) if value.is_integer() else value)
        )
    raise EvaluationError("a list or object stands in a text")
