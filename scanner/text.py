"""Strict YAML in, a tree of marked nodes out: every value knows its file, line and column.

The dialect is the core of YAML 1.2 without anchors, aliases, merge keys and tags: what is written is what is
read. `yes`, `on`, `1e3` or dates stay text. Two tags exist, `!unknown "reason"` and `!unread "reason"`, and only
where the caller allows them (tests of rules). Sizes, depths and node counts are bounded.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import yaml

from scanner.errors import InputError, RuleError, ScannerError
from scanner.model.condition import Mark
from scanner.model.values import Unknown, UnreadTail

MAX_BYTES = 2_000_000
MAX_DEPTH = 64
MAX_NODES = 200_000

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+]?[0-9]+)?\Z")
_CONSTANTS = {"true": True, "false": False, "null": None, "~": None, "": None}
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


@dataclass(slots=True)
class Scalar:
    """A string, number, boolean or null; `plain` tells that it was written without quotes."""

    value: Any
    mark: Mark
    plain: bool = True
    text: str = ""


@dataclass(slots=True)
class Sequence:
    """A list of nodes."""

    items: list[Node]
    mark: Mark


@dataclass(slots=True)
class Mapping:
    """A mapping with text keys; `marks` holds the place of each key."""

    items: dict[str, Node]
    mark: Mark
    marks: dict[str, Mark] = field(default_factory=dict)


Node: TypeAlias = Scalar | Sequence | Mapping


@dataclass(frozen=True, slots=True)
class Source:
    """The text of one file, kept for excerpts under error messages."""

    file: str
    lines: tuple[str, ...]

    def excerpt(self, mark: Mark) -> str:
        """The line of a mark with a caret below the column; "" where the line is not there."""
        if not 1 <= mark.line <= len(self.lines):
            return ""
        line = self.lines[mark.line - 1].replace("\t", " ")
        start = max(0, mark.column - 60)
        shown = "".join(char if char.isprintable() else "�" for char in line[start : start + 110])
        return f"  | {shown}\n  | {' ' * (mark.column - 1 - start)}^"

    def error(self, what: str, mark: Mark, advice: str = "", code: str = "") -> RuleError:
        """A `RuleError` at a mark, with the excerpt; `code` is the lint check's id."""
        return RuleError(what, str(mark), advice, excerpt=self.excerpt(mark), code=code)


def read_text(path: Path, *, limit: int = MAX_BYTES, shown: str | None = None) -> str:
    """The UTF-8 text of a file (a BOM is dropped); `InputError` when too large, not UTF-8 or not text."""
    name = shown or str(path)
    try:
        size = path.stat().st_size
        if size > limit:
            raise InputError(
                f"the file has {size:,} bytes, more than the {limit:,} allowed",
                name,
                "Split it into smaller files.",
            )
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", name) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InputError(
            f"is not UTF-8 text (byte {error.start})", f"{name}:{line}", "Save the file as UTF-8."
        ) from error
    found = _FORBIDDEN.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        column = found.start() - text.rfind("\n", 0, found.start())
        raise InputError(
            f"holds the control character U+{ord(found.group()):04X}", f"{name}:{line}:{column}", "Remove it."
        )
    return text


def load_yaml(text: str, file: str, *, tags: bool = False) -> tuple[list[Node], Source]:
    """Parse a stream of YAML documents.

    Returns one node per non-empty document and the `Source` for excerpts. `tags` allows `!unknown` and `!unread`.
    Raises `RuleError` with file:line:col and a caret.
    """
    source = Source(file, tuple(text.splitlines()))
    builder = _Builder(source, tags)
    try:
        documents = builder.documents(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        place = error.problem_mark or error.context_mark
        mark = Mark(file, place.line + 1, place.column + 1) if place else Mark(file, 1, 1)
        what = error.problem or error.context or "the YAML does not parse"
        raise source.error(f"YAML: {what}", mark, _yaml_advice(what)) from error
    except yaml.reader.ReaderError as error:
        raise RuleError(f"YAML: {error.reason}", file, "Save the file as plain UTF-8 text.") from error
    return documents, source


def _yaml_advice(what: str) -> str:
    if "tab" in what or "cannot start any token" in what:
        return "Indent with spaces; quote text that starts with a special character."
    return ""


class _Builder:
    """Builds marked nodes from parser events without recursion, refusing what the dialect does not have."""

    def __init__(self, source: Source, tags: bool) -> None:
        self.source = source
        self.tags = tags
        self.nodes = 0

    def fail(self, what: str, event: Any, advice: str = "") -> NoReturn:
        raise self.source.error(what, self.mark(event), advice)

    def mark(self, event: Any) -> Mark:
        start = event.start_mark
        return Mark(self.source.file, start.line + 1, start.column + 1)

    def documents(self, events: Iterable[Any]) -> list[Node]:
        found: list[Node] = []
        stream: Iterator[Any] = iter(events)
        for event in stream:
            kind = type(event)
            if kind in (
                yaml.StreamStartEvent,
                yaml.StreamEndEvent,
                yaml.DocumentStartEvent,
                yaml.DocumentEndEvent,
            ):
                continue
            node = self.node(event, stream)
            if not (isinstance(node, Scalar) and node.value is None):
                found.append(node)
        return found

    def node(self, event: Any, stream: Iterator[Any]) -> Node:
        """One node; a stack of open collections takes the place of recursion."""
        stack: list[tuple[Sequence | Mapping, list[Any]]] = []
        current: Any = event
        while True:
            finished: Node | None
            kind = type(current)
            if kind is yaml.ScalarEvent:
                finished = self.scalar(current)
            elif kind is yaml.SequenceStartEvent or kind is yaml.MappingStartEvent:
                self.check(current)
                if len(stack) >= MAX_DEPTH:
                    self.fail(f"nested deeper than {MAX_DEPTH} levels", current)
                opened: Sequence | Mapping = (
                    Sequence([], self.mark(current))
                    if kind is yaml.SequenceStartEvent
                    else Mapping({}, self.mark(current))
                )
                stack.append((opened, []))
                finished = None
            elif kind is yaml.AliasEvent:
                self.fail(f"aliases (*{current.anchor}) are not allowed", current, "Write the value out.")
            else:  # the end of the innermost collection
                finished = stack.pop()[0]
            if finished is not None:
                if not stack:
                    return finished
                self.attach(stack[-1], finished)
            current = next(stream)

    def attach(self, top: tuple[Sequence | Mapping, list[Any]], node: Node) -> None:
        holder, pending = top
        if isinstance(holder, Sequence):
            holder.items.append(node)
            return
        if pending:
            key = pending.pop()
            holder.items[key.value] = node
            holder.marks[key.value] = key.mark
            return
        if not isinstance(node, Scalar):
            raise self.source.error("a key must be text", node.mark)
        if node.plain and node.text == "<<":
            raise self.source.error("merge keys (<<) are not allowed", node.mark, "Write the keys out.")
        key = node.text if node.plain else node.value
        if key in holder.items:
            first = holder.marks[key]
            raise self.source.error(
                f"duplicate key {key!r}", node.mark, f"It stands first in line {first.line}."
            )
        pending.append(Scalar(key, node.mark))

    def check(self, event: Any) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self.fail(f"more than {MAX_NODES:,} values in one file", event)
        if event.anchor:
            self.fail(
                f"anchors (&{event.anchor}) are not allowed", event, "Write the value out where it is used."
            )
        if event.tag and type(event) is not yaml.ScalarEvent:
            self.fail(f"the tag {event.tag!r} is not allowed", event, "Remove it.")

    def scalar(self, event: Any) -> Scalar:
        self.check(event)
        mark = self.mark(event)
        if event.tag:
            if event.tag not in ("!unknown", "!unread") or not self.tags:
                self.fail(
                    f"the tag {event.tag!r} is not allowed here",
                    event,
                    'Only tests may hold tags, and only !unknown "reason" and !unread "reason".',
                )
            marker = Unknown(event.value) if event.tag == "!unknown" else UnreadTail(event.value)
            return Scalar(marker, mark, False, event.value)
        text: str = event.value
        if not event.implicit[0]:
            return Scalar(text, mark, False, text)
        if text in _CONSTANTS:
            return Scalar(_CONSTANTS[text], mark, True, text)
        if text[:1] in "-0123456789":
            if _INTEGER.match(text) and len(text) < 20:
                return Scalar(int(text), mark, True, text)
            if _FLOAT.match(text):
                return Scalar(float(text), mark, True, text)
        return Scalar(text, mark, True, text)


def plain(node: Node) -> Any:
    """The node as ordinary Python values (markers stay)."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {key: plain(item) for key, item in node.items.items()}


def nearest(word: str, known: Iterable[str]) -> str:
    """A did-you-mean sentence, or "" when nothing known is close."""
    choices = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word.casefold(), list(choices), n=1, cutoff=0.6)
    return f'Did you mean "{choices[found[0]]}"?' if found else ""


def as_error(error: ScannerError) -> RuleError:
    """An input error seen while loading rules, as a rule error."""
    return RuleError(error.what, error.where, error.advice, excerpt=error.excerpt)


def encodable(words: str) -> str:
    """Words as UTF-8 can say them: a path or an argument of another encoding holds what no report can."""
    return words.encode("utf-8", "replace").decode()
