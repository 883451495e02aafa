"""Operators on lists, maps and ids: contains, containsKey, idWithin."""

from __future__ import annotations

from typing import Any

from scanner.engine.operators.compare import folded
from scanner.engine.operators.row import UNSURE, Answer, Operator, Options, kind, never, wrong
from scanner.model import ids
from scanner.model.values import Hidden, Unknown, UnreadTail


def _contains(value: Any, operand: Any, options: Options) -> Answer:
    if isinstance(value, str):
        if not isinstance(operand, str):
            return wrong(operand, "text to look for")
        return folded(operand, options) in folded(value, options)
    if not isinstance(value, (list, tuple)):
        return wrong(value, "text or a list")
    wanted = folded(operand, options) if isinstance(operand, str) else operand
    sort = kind(operand)
    unsure = False
    for item in value:
        if isinstance(item, (Unknown, UnreadTail, Hidden)):
            unsure = True
        elif kind(item) == sort and (folded(item, options) if isinstance(item, str) else item) == wanted:
            return True
    return UNSURE if unsure else False


def _contains_key(value: Any, operand: Any, options: Options) -> Answer:
    if not isinstance(value, dict):
        return wrong(value, "an object")
    if not isinstance(operand, str):
        return wrong(operand, "a key")
    wanted = folded(operand, options)
    return any(folded(key, options) == wanted for key in value)


def _id_within(value: Any, operand: Any, _: Options) -> Answer:
    if not isinstance(value, str):
        return wrong(value, "a resource id")
    scopes = [operand] if isinstance(operand, str) else operand
    if not isinstance(scopes, (list, tuple)):
        return wrong(operand, "a list of scopes")
    for scope in scopes:
        if not isinstance(scope, str):
            return wrong(scope, "a scope")
    return any(ids.within(value, scope) for scope in scopes)


ROWS = (
    Operator(
        "contains",
        _contains,
        never,
        frozenset({"string", "array"}),
        frozenset({"scalar"}),
        "the text holds this text, or the list this element",
    ),
    Operator(
        "containsKey",
        _contains_key,
        never,
        frozenset({"object"}),
        frozenset({"string"}),
        "the object has this key",
    ),
    Operator(
        "idWithin",
        _id_within,
        never,
        frozenset({"string"}),
        frozenset({"string", "strings"}),
        "the resource id is one of these scopes or lies below one, compared by segments",
    ),
)
