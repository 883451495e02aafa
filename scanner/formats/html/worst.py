"""A bounded choice: of any number of things the worst few, and how many were left out."""

from __future__ import annotations

import heapq
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


class Worst(Generic[Thing]):
    """Keeps the `room` things of the highest rank; of equal ones those that came first. Memory is bounded."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._heap: list[tuple[tuple[int, ...], int, Thing]] = []
        self.offered = 0

    def offer(self, rank: tuple[int, ...], thing: Thing) -> None:
        """Consider one thing."""
        self.offered += 1
        entry = (rank, -self.offered, thing)
        if len(self._heap) < self._room:
            heapq.heappush(self._heap, entry)
        elif self._heap and entry[:2] > self._heap[0][:2]:
            heapq.heapreplace(self._heap, entry)

    def worst_first(self) -> list[Thing]:
        """The kept things, highest rank first."""
        return [thing for _, _, thing in sorted(self._heap, key=lambda entry: entry[:2], reverse=True)]

    @property
    def left_out(self) -> int:
        """How many things were not kept."""
        return self.offered - len(self._heap)
