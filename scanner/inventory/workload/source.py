"""Files as text with places: a path comes in, a `Text` comes out whose offsets can be told as file, line and column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from scanner.errors import InputError
from scanner.file_text import Lines, bytes_of, decoded
from scanner.model.resource import Place

MAX_BYTES = 5_000_000
HOLE = "\uffff"
"""Stands in a text for a part that is not known (a variable, a build argument); no text of a file holds it."""
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ufffe\uffff]")
_BLOCK = re.compile(r"[|>][-+0-9]{0,2}[ \t]*(?:#[^\n]*)?\n")


@dataclass(eq=False)
class Text:
    """A file. `name`: its relative path with slashes, as reports show it; line ends are line feeds."""

    name: str
    text: str

    @cached_property
    def lines(self) -> Lines:
        """Where its lines start."""
        return Lines(self.text)

    def line_start(self, line: int) -> int:
        """Offset at which a 0-based line starts; the end of the text for lines after the last."""
        return self.lines.starts[line] if line < len(self.lines.starts) else len(self.text)

    def line_of(self, offset: int) -> int:
        """The 0-based line of an offset."""
        return self.lines.number(offset)

    def place(self, start: int, end: int, what: str = "property") -> Place:
        """The place of a range of offsets."""
        return Place(self.name, *self.lines.at(start), *self.lines.at(max(start, end)), what)


def read_text(path: Path, name: str) -> Text:
    """The text of a file, in UTF-8 or, with a byte order mark, UTF-16. Raises `InputError` with place and reason."""
    raw = bytes_of(path, name, MAX_BYTES, "Split it, or leave it out.")
    text = decoded(raw, name).replace("\r\n", "\n")
    if found := _FORBIDDEN.search(text):
        line = text.count("\n", 0, found.start()) + 1
        column = found.start() - text.rfind("\n", 0, found.start())
        raise InputError(
            f"is no text: it holds the character U+{ord(found.group()):04X}",
            f"{name}:{line}:{column}",
            "Leave it out if it is binary.",
        )
    return Text(name, text)


@dataclass(frozen=True, slots=True)
class Fragment:
    """A text inside a file, such as the script of a step. `starts`: offsets in the file at which each of its lines starts.

    With a single start all lines follow each other in the file just as in the fragment. `exact` is False where only the start
    of the whole is known (folded and quoted text over several lines).
    """

    source: Text
    text: str
    starts: Sequence[int]
    exact: bool = True

    def place(self, start: int, end: int, what: str = "property") -> Place:
        """The place of a range of the fragment's offsets."""
        if not self.exact:
            return self.source.place(self.starts[0], self.starts[0], what)
        return self.source.place(self._offset(start), self._offset(end), what)

    def within(self, start: int, end: int, text: str) -> Fragment:
        """A text that is written between two offsets, in quotes or without them, as a fragment of its own."""
        begun = self.starts[0] if not self.exact else self._offset(start)
        for margin in (1, 0):
            if self.exact and "\n" not in text and self.text[start + margin : end - margin] == text:
                return Fragment(self.source, text, (begun + margin,))
        return Fragment(self.source, text, (begun,), exact=False)

    def _offset(self, at: int) -> int:
        if len(self.starts) == 1:
            return self.starts[0] + at
        line = self.text.count("\n", 0, at)
        if line >= len(self.starts):
            return self.starts[-1]
        return self.starts[line] + at - (self.text.rfind("\n", 0, at) + 1)


def whole(source: Text) -> Fragment:
    """All of a file."""
    return Fragment(source, source.text, (0,))


def scalar_fragment(source: Text, value: str, style: str | None, start: int, end: int) -> Fragment:
    """The text of a YAML scalar that stands between two offsets. `style`: as PyYAML tells it."""
    if style == "|":
        header = _BLOCK.search(source.text, start, end)
        if header is not None:
            first = source.line_of(header.end())
            number = value.count("\n") + 1
            lines = [
                source.text[source.line_start(first + at) : source.line_start(first + at + 1)]
                for at in range(number)
            ]
            shown = next(
                ((line, own) for line, own in zip(lines, value.split("\n"), strict=True) if own.strip()), None
            )
            indent = len(shown[0].rstrip("\n")) - len(shown[1]) if shown else 0
            return Fragment(
                source, value, [source.line_start(first + at) + max(indent, 0) for at in range(number)]
            )
    if "\n" in source.text[start:end].rstrip("\n") or style == ">":
        return Fragment(source, value, (start,), exact=False)
    opening = source.text.find(value, start, end) if value else start
    return Fragment(source, value, (opening if opening >= 0 else start,), exact=opening >= 0)


def joined(fragments: Sequence[Fragment]) -> Fragment:
    """Fragments of one file as the lines of a single text; each has to be exact."""
    starts: list[int] = []
    for one in fragments:
        if len(one.starts) > 1:
            starts += one.starts
        else:
            starts += [
                one.starts[0],
                *(one.starts[0] + match.end() for match in re.finditer(r"\n", one.text)),
            ]
    return Fragment(fragments[0].source, "\n".join(one.text for one in fragments), starts)
