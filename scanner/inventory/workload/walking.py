"""Trees of YAML, walked: nodes come in, tables, texts and the values of variables come out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from scanner.inventory.workload.images import Filled
from scanner.inventory.workload.source import HOLE, Text
from scanner.inventory.workload.yaml_tree import Leaf, Listing, Node, Table
from scanner.model.resource import Place


def all_tables(node: Node) -> Iterator[tuple[tuple[str, ...], Table]]:
    """Every table below a node, outer ones first, with the keys that lead to it."""
    stack: list[tuple[tuple[str, ...], Node]] = [((), node)]
    while stack:
        path, one = stack.pop()
        if isinstance(one, Table):
            yield path, one
            stack += [
                ((*path, key), item)
                for key, item in reversed(one.items.items())
                if not isinstance(item, Leaf)
            ]
        elif isinstance(one, Listing):
            stack += [
                ((*path, label(item, at)), item)
                for at, item in reversed(list(enumerate(one.items)))
                if not isinstance(item, Leaf)
            ]


MOST_VALUE, MOST_FILLED = 1_000, 100_000
"""Characters of one value, and of all values, that are filled into a text."""


def label(node: Node, at: int) -> str:
    """A name for an item of a list that stays when others move: its `id` or `name`, else its number."""
    if isinstance(node, Table):
        for key in ("id", "name", "job", "stage", "deployment", "displayName", "task", "uses"):
            found = node.items.get(key)
            if isinstance(found, Leaf) and found.text and len(found.text) <= 60:
                return found.text.partition("@")[0]
    return str(at)


def place_of(source: Text, node: Node, what: str = "property") -> Place:
    """The place of a node: a scalar as a whole, of others the start."""
    if isinstance(node, Leaf) and "\n" not in source.text[node.start : node.end].strip():
        return source.place(node.start, node.end, what)
    return source.place(node.start, node.start, what)


def key_place(source: Text, table: Table, key: str) -> Place:
    """The place of a key of a table."""
    leaf = table.keys.get(key)
    return place_of(source, leaf if leaf is not None else table)


def texts(node: Node | None) -> Iterator[Leaf]:
    """The scalars of a scalar or of a list, also of lists in it."""
    stack: list[Node] = [node] if node is not None else []
    while stack:
        one = stack.pop()
        if isinstance(one, Leaf):
            if not one.null:
                yield one
        elif isinstance(one, Listing):
            stack += reversed(one.items)


def gather(pairs: Iterable[tuple[str, Filled]]) -> dict[str, Filled]:
    """Variables by name; one that is set to different values in one file is not known."""
    found: dict[str, set[Filled]] = {}
    for name, value in pairs:
        found.setdefault(name, set()).add(value)
    return {name: next(iter(values)) for name, values in found.items() if len(values) == 1}


def fill(
    text: str, pattern: re.Pattern[str], resolve: Callable[[re.Match[str]], tuple[str | None, str]]
) -> Filled:
    """A text with its expressions filled in. `resolve`: a match -> (its value or None, its words)."""
    names: list[str] = []
    left = MOST_FILLED

    def one(match: re.Match[str]) -> str:
        nonlocal left
        value, words = resolve(match)
        if value is None or len(value) > min(left, MOST_VALUE):
            names.append(words or match[0][:80])
            return HOLE
        left -= len(value)
        return value

    return Filled(pattern.sub(one, text), tuple(names))


def settled(
    raw: Mapping[str, Filled], again: Callable[[str, Mapping[str, Filled]], Filled]
) -> dict[str, Filled]:
    """Variables that use each other, filled in; three rounds reach what people write."""
    known = dict(raw)
    for _ in range(3):
        following = {
            name: again(raw[name].text, {key: value for key, value in known.items() if key != name})
            for name in raw
        }
        if following == known:
            break
        known = following
    return {name: value for name, value in known.items() if value.text.strip(HOLE)}
