"""Strict YAML in, a tree of marked nodes out: every value knows its file, line and column.

The dialect is the core of YAML 1.2 without anchors, aliases, merge keys and tags: what is written is what is
read. `yes`, `on`, `1e3` or dates stay text. Two tags exist, `!unknown "reason"` and `!unread "reason"`, and only
where the caller allows them (tests of rules). Sizes, depths and node counts are bounded.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Protocol, TypeAlias

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
_SCALAR, _SEQUENCE, _MAPPING = yaml.ScalarEvent, yaml.SequenceStartEvent, yaml.MappingStartEvent
_FRAMES = frozenset({yaml.StreamStartEvent, yaml.DocumentStartEvent, yaml.DocumentEndEvent})
_CONSTANTS = {"true": True, "false": False, "null": None, "~": None, "": None}
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


class Spot(Protocol):
    """Where the parser stands: the number of characters before it, and 0-based line and column."""

    @property
    def index(self) -> int: ...  # noqa: D102 - see the class
    @property
    def line(self) -> int: ...  # noqa: D102 - see the class
    @property
    def column(self) -> int: ...  # noqa: D102 - see the class


@dataclass(frozen=True, slots=True)
class _Start:
    index: int = 0
    line: int = 0
    column: int = 0


START: Spot = _Start()
"""Before the first character of a file."""


class _Placed:
    """What every node has: its file and where in it it starts. Few marks are asked for, so they are made then."""

    __slots__ = ("file", "start")

    file: str
    start: Spot

    @property
    def mark(self) -> Mark:
        """The place for messages."""
        return Mark(self.file, self.start.line + 1, self.start.column + 1)


class Scalar(_Placed):
    """A string, number, boolean or null; `plain` tells that it was written without quotes, `end` where it ends."""

    __slots__ = ("end", "plain", "text", "value")

    def __init__(self, value: Any, plain: bool, text: str, file: str, start: Spot, end: Spot) -> None:
        self.value = value
        self.plain = plain
        self.text = text
        self.file = file
        self.start = start
        self.end = end


class Sequence(_Placed):
    """A list of nodes."""

    __slots__ = ("items",)

    def __init__(self, items: list[Node], file: str, start: Spot) -> None:
        self.items = items
        self.file = file
        self.start = start


class Mapping(_Placed):
    """A mapping with text keys; `keys` holds the scalar of each key, for its place."""

    __slots__ = ("items", "keys")

    def __init__(self, items: dict[str, Node], file: str, start: Spot) -> None:
        self.items = items
        self.keys: dict[str, Scalar] = {}
        self.file = file
        self.start = start

    @property
    def marks(self) -> dict[str, Mark]:
        """The place of each key."""
        return {key: scalar.mark for key, scalar in self.keys.items()}


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
        documents = builder.documents(text)
    except yaml.MarkedYAMLError as error:
        place = error.problem_mark or error.context_mark
        mark = Mark(file, place.line + 1, place.column + 1) if place else Mark(file, 1, 1)
        what = error.problem or error.context or "the YAML does not parse"
        code, advice = _yaml_advice(what, source, mark)
        raise source.error(f"YAML: {what}", mark, advice, code) from error
    except yaml.reader.ReaderError as error:
        advice = "Save the file as plain UTF-8 text."
        raise RuleError(f"YAML: {error.reason}", file, advice, code="YAML000") from error
    return documents, source


def _yaml_advice(what: str, source: Source, mark: Mark) -> tuple[str, str]:
    """The check that a mistake belongs to, and what to do."""
    line = source.lines[mark.line - 1] if 1 <= mark.line <= len(source.lines) else ""
    indent = line[: len(line) - len(line.lstrip())]
    if "\t" in indent or ("cannot start any token" in what and line[mark.column - 1 : mark.column] == "\t"):
        return "YAML002", "Indent with spaces."
    if "cannot start any token" in what:
        return "YAML000", "Indent with spaces; quote text that starts with a special character."
    return "YAML000", ""


class _Builder:
    """Builds marked nodes from parser events without recursion, refusing what the dialect does not have."""

    def __init__(self, source: Source, tags: bool) -> None:
        self.source = source
        self.tags = tags
        self.nodes = 0

    def fail(self, what: str, event: Any, advice: str = "", code: str = "YAML002") -> NoReturn:
        start = event.start_mark
        raise self.source.error(what, Mark(self.source.file, start.line + 1, start.column + 1), advice, code)

    def documents(self, text: str) -> list[Node]:
        """The root of each document that holds something."""
        found: list[Node] = []
        loader = _LOADER(text)
        try:
            following = loader.get_event
            while True:
                event = following()
                kind = type(event)
                if kind is yaml.StreamEndEvent:
                    return found
                if kind in _FRAMES:
                    continue
                node = self.node(event, following)
                if not (isinstance(node, Scalar) and node.value is None):
                    found.append(node)
        finally:
            loader.dispose()

    def node(self, event: Any, following: Callable[[], Any]) -> Node:
        """One node; a stack of open collections with the key that waits for its value takes the place of recursion."""
        file = self.source.file
        stack: list[tuple[Sequence | Mapping | None, str | None]] = []
        holder: Sequence | Mapping | None = None
        key: str | None = None
        while True:
            kind = type(event)
            node: Node
            if kind is _SCALAR:
                node = self.scalar(event, file)
            elif kind is _MAPPING or kind is _SEQUENCE:
                self.check(event)
                if len(stack) >= MAX_DEPTH:
                    self.fail(f"nested deeper than {MAX_DEPTH} levels", event, "", "YAML000")
                if key is None and type(holder) is Mapping:
                    self.fail("a key must be text", event, "", "YAML000")
                stack.append((holder, key))
                start = event.start_mark
                holder = Mapping({}, file, start) if kind is _MAPPING else Sequence([], file, start)
                key = None
                event = following()
                continue
            elif kind is yaml.AliasEvent:
                self.fail(f"aliases (*{event.anchor}) are not allowed", event, "Write the value out.")
            else:  # the end of the innermost collection
                assert holder is not None, "an end without a start"
                node = holder
                holder, key = stack.pop()
            if type(holder) is Mapping:
                if key is None:
                    key = self.key(holder, node)
                else:
                    holder.items[key] = node
                    key = None
            elif type(holder) is Sequence:
                holder.items.append(node)
            else:
                return node
            event = following()

    def key(self, holder: Mapping, node: Any) -> str:
        """The text of a key, which is noted with its place."""
        if node.plain and node.text == "<<":
            raise self.source.error(
                "merge keys (<<) are not allowed", node.mark, "Write the keys out.", "YAML002"
            )
        key: Any = node.text if node.plain else node.value
        if not isinstance(key, str):
            raise self.source.error("a key must be text", node.mark, "", "YAML000")
        if key in holder.keys:
            advice = f"It stands first in line {holder.keys[key].mark.line}."
            raise self.source.error(f"duplicate key {key!r}", node.mark, advice, "YAML001")
        holder.keys[key] = node
        return key

    def check(self, event: Any) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self.fail(f"more than {MAX_NODES:,} values in one file", event, "", "YAML000")
        if event.anchor:
            self.fail(
                f"anchors (&{event.anchor}) are not allowed", event, "Write the value out where it is used."
            )
        if event.tag and type(event) is not _SCALAR:
            self.fail(f"the tag {event.tag!r} is not allowed", event, "Remove it.")

    def scalar(self, event: Any, file: str) -> Scalar:
        self.nodes += 1
        if event.anchor or self.nodes > MAX_NODES:
            self.nodes -= 1
            self.check(event)
        text: str = event.value
        value: Any = text
        bare = False
        if event.tag:
            if event.tag not in ("!unknown", "!unread") or not self.tags:
                self.fail(
                    f"the tag {event.tag!r} is not allowed here",
                    event,
                    'Only tests may hold tags, and only !unknown "reason" and !unread "reason".',
                )
            value = Unknown(text) if event.tag == "!unknown" else UnreadTail(text)
        elif event.implicit[0]:
            bare = True
            if text in _CONSTANTS:
                value = _CONSTANTS[text]
            elif text[0] in "-0123456789":
                if _INTEGER.match(text) and len(text) < 20:
                    value = int(text)
                elif _FLOAT.match(text):
                    value = float(text)
        return Scalar(value, bare, text, file, event.start_mark, event.end_mark)


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
    """An input error seen while loading rules, as a rule error: a file that is no text is no YAML either."""
    code = error.code or "YAML000"
    return RuleError(error.what, error.where, error.advice, excerpt=error.excerpt, code=code)


def encodable(words: str) -> str:
    """Words as UTF-8 can say them: a path or an argument of another encoding holds what no report can."""
    return words.encode("utf-8", "replace").decode()
