"""All expressions inside of an expression, itself first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scanner.inventory.terraform.syntax import (
    Binary,
    Call,
    Conditional,
    Expression,
    For,
    Get,
    Index,
    ListOf,
    ObjectOf,
    Repeat,
    Splat,
    Template,
    Unary,
    When,
)


def nodes(expression: Expression) -> Iterator[Expression]:
    """Every expression, depth first; parts of templates too."""
    stack: list[Any] = [expression]
    while stack:
        node = stack.pop()
        if not isinstance(node, (str, When, Repeat)):
            yield node
        stack += reversed(list(_below(node)))


def _below(node: Any) -> Iterator[Any]:
    match node:
        case Get():
            yield node.of
        case Index():
            yield from (node.of, node.key)
        case Splat():
            yield from (node.of, node.each)
        case Call():
            yield from node.arguments
        case Unary():
            yield node.of
        case Binary():
            yield from (node.left, node.right)
        case Conditional():
            yield from (node.condition, node.then, node.other)
        case ListOf():
            yield from node.items
        case ObjectOf():
            for key, value, _ in node.pairs:
                yield from (key, value)
        case For():
            yield from (
                one for one in (node.items, node.key_of, node.value_of, node.condition) if one is not None
            )
        case Template():
            yield from node.parts
        case When():
            yield from (node.condition, *node.then, *node.other)
        case Repeat():
            yield from (node.items, *node.parts)
