"""Whether something exists: unknowns and the ways in which it does come in; words, and whether one hangs on another, come out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Condition:
    """It exists in some `ways` of a choice of `of` ways that `cause` decides; with 0 ways nothing but the cause is known."""

    cause: str
    reason: str
    of: int = 0
    ways: frozenset[int] = frozenset()

    @property
    def words(self) -> str:
        """For people, and different for different conditions."""
        ways = ", ".join(str(at + 1) for at in sorted(self.ways))
        return f"{self.reason} (by {self.cause}{f': way {ways} of {self.of}' if self.of else ''})"


When: TypeAlias = tuple[Condition, ...]
"""All of these hold where it exists; () where it certainly does."""


def words(when: When) -> str:
    """Why something may not exist, "" where it certainly does."""
    return " and ".join(dict.fromkeys(condition.words for condition in when))


def hangs_on(one: When, other: When) -> bool:
    """Whether `one` certainly exists wherever `other` does."""
    return all(
        any(
            condition.cause == given.cause and condition.of == given.of and given.ways <= condition.ways
            for given in other
        )
        for condition in one
    )
