"""Markdown with a limit: blocks and table rows come in as harmless text, and whatever does not fit is counted, never dropped.

A paper takes blocks as long as they leave room for its last words. Sizes are those that the service counts: bytes of a
job summary, characters of a comment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

LIMITS: dict[str, tuple[int, Callable[[str], int]]] = {
    "summary": (1_048_576, lambda text: len(text.encode("utf-8"))),
    "comment": (60_000, len),
}
"""A job summary of GitHub Actions holds 1 MiB; a comment 65,536 characters, of which others' frames take some."""
_RESERVE = 2_500
"""Kept free for the closing words, and for the lines that say how many of a list are missing: one for each section."""


def row(cells: Iterable[str]) -> str:
    """A table's row of cells that are Markdown already."""
    return f"| {' | '.join(cells)} |\n"


@dataclass(slots=True)
class Paper:
    """Markdown that grows to a limit. `kind`: summary or comment."""

    kind: str
    parts: list[str] = field(default_factory=list)
    used: int = 0

    @property
    def room(self) -> int:
        """What is left, without the reserve."""
        return LIMITS[self.kind][0] - _RESERVE - self.used

    def size(self, text: str) -> int:
        """A text's size as the service counts it."""
        return LIMITS[self.kind][1](text)

    def add(self, text: str) -> bool:
        """Take a block if there is room for it."""
        size = self.size(text)
        if size > self.room:
            return False
        self.parts.append(text)
        self.used += size
        return True

    def heading(self, text: str) -> None:
        """A section's title, Markdown already."""
        self.add(f"\n### {text}\n\n")

    def points(self, lines: Sequence[str], limit: int, what: str) -> None:
        """A list of at most `limit` lines, and the number of the others."""
        shown = 0
        for line in lines[:limit]:
            if not self.add(f"- {line}\n"):
                break
            shown += 1
        if shown < len(lines):
            self.more(len(lines) - shown, what, lead="- ")

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]], total: int, what: str) -> int:
        """A table of as many rows as there is room for; `total`: how many there are. Gives the number of rows shown."""
        if not self.add(row(head) + row("---" for _ in head)):
            self.more(total, what)
            return 0
        shown = 0
        for cells in rows:
            if not self.add(row(cells)):
                break
            shown += 1
        if shown < total:
            self.more(total - shown, what)
        return shown

    def more(self, number: int, what: str, lead: str = "\n") -> None:
        """Say how many are missing here, and where they are; the reserve has room for it."""
        text = f"{lead}**Truncated: {number:,} more {what}** in the HTML, CSV and JSON reports of this run.\n"
        self.parts.append(text)
        self.used += self.size(text)

    def text(self) -> str:
        """All of it."""
        return "".join(self.parts)
