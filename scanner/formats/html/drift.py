"""Drift: from marked rows to short lists of what is new, back, different, gone and carried on, the worst first.

The counts are the comparison's own (`Scan.drift`); what the lists leave out is counted beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.formats.html.standing import grade
from scanner.formats.html.worst import Worst
from scanner.model.finding import CHANGES, REASONS, Finding, Verdict
from scanner.model.rule import SEVERITIES

if TYPE_CHECKING:
    from scanner.model.scan import Drift, Scan

ROWS_SHOWN = 300
LISTED = ("new", "reopened", "changed")
"""Changes of this scan's own rows that are listed; persisting ones are the findings themselves."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A list: which change, its rows, how many more there are."""

    name: str
    rows: tuple[Finding, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class DriftView:
    """The comparison as shown. `reasons`: for each change that has any, the number for each reason."""

    drift: Drift
    lists: tuple[Listed, ...]
    reasons: tuple[tuple[str, int, tuple[tuple[str, int], ...]], ...]


class Collector:
    """Takes the scan's rows as they pass, so that the findings are not read once more."""

    def __init__(self) -> None:
        self._kept: dict[str, Worst[Finding]] = {name: Worst(ROWS_SHOWN) for name in LISTED}

    def add(self, finding: Finding) -> None:
        """Consider one row; only failures count as drift."""
        if finding.change in self._kept and finding.verdict is Verdict.FAIL:
            self._kept[finding.change].offer(_rank(finding), finding)

    def view(self, scan: Scan) -> DriftView | None:
        """The lists, once all rows went by; None where nothing was compared."""
        if scan.drift is None:
            return None
        gone: Worst[Finding] = Worst(ROWS_SHOWN)
        carried: Worst[Finding] = Worst(ROWS_SHOWN)
        for finding in scan.earlier:
            (gone if finding.change == "resolved" else carried).offer(_rank(finding), finding)
        kept = {**self._kept, "resolved": gone, "carried": carried}
        return DriftView(
            scan.drift,
            tuple(
                Listed(name, tuple(worst.worst_first()), worst.left_out)
                for name, worst in kept.items()
                if worst.offered
            ),
            tuple(_reasons(scan.drift, change) for change in CHANGES),
        )


def _reasons(drift: Drift, change: str) -> tuple[str, int, tuple[tuple[str, int], ...]]:
    found = tuple(
        (why, drift.reasons[f"{change}:{why}"]) for why in REASONS if drift.reasons.get(f"{change}:{why}")
    )
    return change, drift.changes.get(change, 0), found


def _rank(finding: Finding) -> tuple[int, ...]:
    return (len(SEVERITIES) - grade(finding.severity),)
