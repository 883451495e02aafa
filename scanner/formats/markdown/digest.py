"""One pass over the findings: the ones to show first and the reasons of the undecided come out, in bounded memory."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.model.finding import Verdict
from scanner.model.rule import SEVERITIES

if TYPE_CHECKING:
    from scanner.model.finding import Finding
    from scanner.model.scan import Scan

REASONS_KEPT = 200
FRESH = frozenset({"new", "reopened", "changed"})
"""Changes that a reviewer looks at first."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What a page says of the rows.

    `first`: open failures, new ones first, then by severity, then in the order of the scan; `open`: how many there are.
    `fresh`: how many of those are new, reopened or changed. `reasons`: undecided rows by reason; `unlisted`: rows with
    yet other reasons.
    """

    first: tuple[Finding, ...]
    open: int
    fresh: int
    reasons: Counter[str]
    unlisted: int

    @classmethod
    def of(cls, scan: Scan, limit: int) -> Digest:
        """Read the findings once and keep at most `limit` of them."""
        heap: list[tuple[tuple[int, int, int], Finding]] = []
        reasons: Counter[str] = Counter()
        opened = fresh = unlisted = 0
        for at, row in enumerate(scan.findings):
            if row.gating:
                opened += 1
                fresh += row.change in FRESH
                # The heap's smallest is the first to go, so that places count downwards; no two are equal.
                entry = ((-(row.change not in FRESH), -_rank(row.severity), -at), row)
                (heapq.heappush if len(heap) < limit else heapq.heappushpop)(heap, entry)
            elif row.verdict in (Verdict.UNKNOWN, Verdict.ERROR):
                reason = row.reason or row.message
                if reason in reasons or len(reasons) < REASONS_KEPT:
                    reasons[reason] += 1
                else:
                    unlisted += 1
        first = tuple(row for _, row in sorted(heap, key=lambda entry: entry[0], reverse=True))
        return cls(first, opened, fresh, reasons, unlisted)


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)
