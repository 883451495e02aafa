"""JSON with places: a file comes in, a tree of marked nodes comes out (the same nodes as for YAML)."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scanner.errors import InputError
from scanner.json_text import parse_json, source_of
from scanner.model.condition import Mark
from scanner.text import Mapping, Node, Scalar, Sequence, Source

MAX_BYTES = 5_000_000
"""The largest file of one definition; Azure's own are below 200 kB."""
_HALF = re.compile("[\ud800-\udfff]")
_TOKEN = re.compile(r'[ \t\r\n,:]*(?:([\[{])|([\]}])|("(?:[^"\\]|\\.)*")|([^\s,\]}:"]+))', re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Spot:
    """A place in the text."""

    index: int
    line: int
    column: int


def read_nodes(path: Path, shown: str) -> tuple[Node, Source]:
    """The marked tree of a JSON file. Raises `InputError` with file:line:col, as `json_text` does."""
    text = source_of(path, MAX_BYTES)
    return nodes_of(text, shown)


def nodes_of(text: str, file: str) -> tuple[Node, Source]:
    """The marked tree of a JSON text. Raises `InputError` with its place."""
    parse_json(text, file)  # everything that can be wrong with it is said here
    starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def spot(at: int) -> _Spot:
        line = bisect_right(starts, at) - 1
        return _Spot(at, line, at - starts[line])

    stack: list[tuple[Sequence | Mapping, list[Scalar]]] = []
    for found in _TOKEN.finditer(text):
        opened, closed, quoted, bare = found.groups()
        group = found.lastindex or 0
        start = spot(found.start(group))
        finished: Node
        if opened:
            stack.append((Sequence([], file, start) if opened == "[" else Mapping({}, file, start), []))
            continue
        if closed:
            finished = stack.pop()[0]
        else:
            value = json.loads(found[group], strict=False)
            if isinstance(value, str) and _HALF.search(value):
                at = f"{file}:{start.line + 1}:{start.column + 1}"
                raise InputError("text holds half a character (a lone surrogate)", at, "Write the whole one.")
            finished = Scalar(value, quoted is None, quoted or bare, file, start, spot(found.end(group)))
        if not stack:
            return finished, Source(file, tuple(text.split("\n")))
        holder, pending = stack[-1]
        if isinstance(holder, Sequence):
            holder.items.append(finished)
        elif not pending and isinstance(finished, Scalar):
            pending.append(finished)
        else:
            key = pending.pop()
            holder.items[key.value] = finished
            holder.keys[key.value] = key
    raise AssertionError("valid JSON ends")


def places(node: Node, path: str = "") -> Iterator[tuple[Mark, str]]:
    """Every value's mark with its JSON path (`policyRule.if.allOf[1].equals`)."""
    yield node.mark, path
    if isinstance(node, Sequence):
        for number, item in enumerate(node.items):
            yield from places(item, f"{path}[{number}]")
    elif isinstance(node, Mapping):
        for key, item in node.items.items():
            below = f"{path}.{key}" if path else key
            yield node.marks.get(key, item.mark), below
            yield from places(item, below)


def entry(node: Node | None, name: str) -> Node | None:
    """The value of a key in any casing, or None."""
    if not isinstance(node, Mapping):
        return None
    if name in node.items:
        return node.items[name]
    wanted = name.lower()
    return next((item for key, item in node.items.items() if key.lower() == wanted), None)


def word(node: Node | None) -> str:
    """The text of a scalar, "" for anything else."""
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else ""
