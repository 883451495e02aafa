"""A page of Markdown that never gets longer than a comment may be: parts come in, what fits and a word about the rest come out.

All text from outside goes through the three functions here and no other way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape as html

from scanner.shown import JOINER, code_span, one_line, safe, visible

LIMIT = 60_000
"""A comment holds 65,536 characters, of which the frames of others take some."""


_COLON = re.compile(r"\\:(?=[ \n]|\Z)")


def prose(text: str, limit: int = 300) -> str:
    """Outside text in a sentence or a cell; arrows and colons before a blank need no escape and read better without."""
    return _COLON.sub(":", safe(text, limit).replace("-\\>", "→"))


def code(text: str, limit: int = 300) -> str:
    """Outside text as code, also in a cell."""
    return code_span(visible(text, limit)).replace("|", "\\|")


def block(text: str, limit: int = 4_000) -> str:
    """Outside text as a block of code, with a fence that nothing in it can close."""
    lines = [one_line(line) for line in text.splitlines()]
    body = "\n".join(lines)
    if len(body) > limit:
        body = f"{body[:limit]}\n... ({len(body) - limit:,} more characters)"
    longest = max((len(run) for run in _runs(body)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{body}\n{fence}\n"


def summary(text: str, limit: int = 160) -> str:
    """Outside text as the heading of a folded part, which is HTML."""
    called = re.sub(r"[@#]|:(?=//)", lambda found: found[0] + JOINER, visible(text, limit))
    return html(called, quote=False)


def _runs(text: str) -> Iterable[str]:
    run = ""
    for char in text:
        if char == "`":
            run += char
        elif run:
            yield run
            run = ""
    if run:
        yield run


class Paper:
    """Parts up to the limit. `reserve`: room that only `last` may use."""

    def __init__(self, reserve: int) -> None:
        self._parts: list[str] = []
        self._room = LIMIT - reserve
        self._used = 0

    def add(self, text: str, upto: float = 1.0) -> bool:
        """Add a part if it fits into this share of the page; whether it did."""
        if self._used + len(text) > self._room * upto:
            return False
        self.last(text)
        return True

    def last(self, text: str) -> None:
        """Add a part for which room was kept."""
        self._parts.append(text)
        self._used += len(text)

    def table(self, head: str, rows: Iterable[str], total: int, what: str, upto: float = 1.0) -> None:
        """A table with as many rows as fit into a share of the page, and how many are missing."""
        ruler = "|" + "---|" * head.count("|", 1)
        shown = 0
        if self.add(f"\n{head}\n{ruler}\n", upto):
            for row in rows:
                if not self.add(f"{row}\n", upto):
                    break
                shown += 1
        if shown < total:
            self.last(f"\n{total - shown:,} more {what} left out for lack of room.\n")

    def text(self) -> str:
        """All of it."""
        return "".join(self._parts)
