"""Merge joins: two sorted streams come in, for each parent the rows below it come out, in one pass and flat memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from scanner.model import ids
from scanner.model.resource import Resource


def sort_key(resource: Resource) -> str:
    """What parts are sorted by: the id, or for extension rows the scope they apply to."""
    return ids.order_key(ids.anchor(resource.type, resource.id, resource.body))


class Grouper:
    """Gives the rows of a sorted part that lie at or below one parent after the other; parents must come in order."""

    def __init__(self, part: Iterable[Resource]) -> None:
        self._rows: Iterator[tuple[str, Resource]] = ((sort_key(row), row) for row in part)
        self._next = next(self._rows, None)

    def take(self, parent: str) -> list[Resource]:
        """All rows whose key is `parent` (an order key) or lies below it; earlier rows are passed over."""
        below = parent + "\x01"
        found: list[Resource] = []
        while self._next is not None:
            key, row = self._next
            if key == parent or key.startswith(below):
                found.append(row)
            elif key > below:
                break
            self._next = next(self._rows, None)
        return found


class Follower:
    """Gives the parent of one child after the other, from a sorted part; children must come in order."""

    def __init__(self, part: Iterable[Resource]) -> None:
        self._rows = iter(part)
        self._current: Resource | None = None
        self._key = ""

    def find(self, parent: str) -> Resource | None:
        """The row with this order key, or None."""
        while self._key < parent:
            self._current = next(self._rows, None)
            if self._current is None:
                self._key = "\U0010ffff"
                return None
            self._key = sort_key(self._current)
        return self._current if self._key == parent else None
