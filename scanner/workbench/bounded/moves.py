"""What a comparison of two rules over the bounded domain gives: verdicts that can become other verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scanner.model.rule import Rule


@dataclass(frozen=True, slots=True)
class Side:
    """A rule with the effective values of every parameter it can name (`engine.evaluate.rule_values`)."""

    rule: Rule
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Example:
    """A case as an inline test writes it. Markers (`Unknown`, `UnreadTail`) stand in it as in tests."""

    resource: Mapping[str, Any]
    related: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    now: str = ""


@dataclass(frozen=True, slots=True)
class Moves:
    """`found[before, after]`: an example for each pair of different verdict letters (P F N U) that occurs.

    U stands for undecided (unknown or error). `complete`: every combination of the bounded domain was looked at;
    otherwise a sample (every pair of values), of which `note` says why. `note` also names what has no values to try.
    """

    found: Mapping[tuple[str, str], Example]
    complete: bool
    note: str = ""

    @property
    def same(self) -> bool:
        """Whether both sides decided alike everywhere."""
        return not self.found

    @property
    def loosened(self) -> bool:
        """Whether something that failed (or stayed undecided) can now pass, or is no longer asked."""
        return any(before in "FU" and after in "PN" for before, after in self.found)
