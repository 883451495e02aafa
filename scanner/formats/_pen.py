"""A pen for terminals: styled, wrapped lines out of harmless text; knows cell widths, colour and ASCII fallback."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from scanner.formats._text import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

STYLES = {
    "bold": "1",
    "dim": "2",
    "critical": "1;97;41",
    "high": "1;31",
    "medium": "33",
    "low": "36",
    "info": "34",
    "pass": "32",
    "fail": "31",
    "unknown": "35",
    "error": "35",
    "manual": "34",
    "notApplicable": "2",
    "heading": "1;4",
    "command": "36",
}
GLYPHS = {"point": "•", "cross": "✗", "tick": "✓", "warn": "!", "dash": "-", "block": "█"}
_PLAIN = {"point": "*", "cross": "x", "tick": "+", "warn": "!", "dash": "-", "block": "#"}


def cells(text: str) -> int:
    """How many columns a terminal gives the text."""
    if text.isascii():
        return len(text)
    return sum(_cell(char) for char in text)


def _cell(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _pieces(word: str, room: int) -> Iterator[str]:
    """A word in pieces that fit, cut after a slash where there is one."""
    while cells(word) > room:
        used = at = slash = 0
        for at, char in enumerate(word):
            used += _cell(char)
            if used > room:
                break
            if char == "/":
                slash = at + 1
        cut = slash if slash > room // 2 else max(at, 1)
        yield word[:cut]
        word = word[cut:]
    yield word


def wrap(text: str, room: int) -> list[str]:
    """The text in lines of at most `room` cells; words that are longer are cut."""
    lines: list[str] = []
    line, used = "", 0
    for word in text.split(" "):
        for piece in _pieces(word, max(room, 8)):
            width = cells(piece)
            if line and used + 1 + width > room:
                lines.append(line)
                line, used = piece, width
            else:
                line, used = (f"{line} {piece}", used + 1 + width) if line else (piece, width)
    return [*lines, line]


@dataclass(frozen=True, slots=True)
class Pen:
    """Writes to a text stream. Text given to `heading`, `hang` and `command` is cleaned; only styles add escapes."""

    out: TextIO
    color: bool
    unicode: bool
    width: int

    def clean(self, text: str) -> str:
        """Outside text without anything a terminal would obey; ASCII only where the terminal has nothing else."""
        shown = visible(text)
        return shown if self.unicode else shown.encode("ascii", "backslashreplace").decode()

    def glyph(self, name: str) -> str:
        """A sign, or its ASCII stand-in."""
        return (GLYPHS if self.unicode else _PLAIN)[name]

    def styled(self, text: str, style: str) -> str:
        """Text that is clean already, in a style."""
        code = STYLES.get(style, "")
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and code and text else text

    def blank(self) -> None:
        """An empty line."""
        self.out.write("\n")

    def heading(self, text: str, note: str = "") -> None:
        """A section's title after an empty line."""
        self.blank()
        self.hang(text, note, lead_style="heading", style="dim", column=cells(text) + 2)

    def hang(
        self, lead: str, text: str, *, style: str = "", lead_style: str = "", indent: int = 0, column: int = 0
    ) -> None:
        """A line `lead text`: the text starts in `column` and wraps there."""
        lead = self.clean(lead)
        head = " " * indent + lead
        column = max(column, cells(head) + (1 if head else 0)) if lead else max(column, indent)
        first, *rest = wrap(self.clean(text), max(self.width - column, 20))
        gap = " " * (column - cells(head))
        self.out.write(
            f"{' ' * indent}{self.styled(lead, lead_style)}{gap}{self.styled(first, style)}".rstrip() + "\n"
        )
        for line in rest:
            self.out.write(f"{' ' * column}{self.styled(line, style)}\n")

    def command(self, lead: str, text: str, *, column: int) -> None:
        """A command to copy: never wrapped, so that it stays one line."""
        self.out.write(
            f"{' ' * column}{self.styled(lead, 'dim')} {self.styled(self.clean(text), 'command')}\n"
        )


def more(pen: Pen, number: int, what: str, *, indent: int = 2) -> None:
    """How many were left out, where any were."""
    if number > 0:
        pen.hang("", f"... {number:,} more {what} in the HTML and JSON reports", column=indent, style="dim")


def some(texts: list[str], limit: int) -> str:
    """The first texts, and how many there are beside."""
    rest = f" and {len(texts) - limit:,} more" if len(texts) > limit else ""
    return ", ".join(texts[:limit]) + rest


def count(number: int, what: str) -> str:
    """A number with its word, in the plural where it is not one."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
