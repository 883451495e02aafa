"""Which rows of a scan become results of one file, in the scan's order; and what was counted while choosing them.

Rows of this scan and of the baseline (carried on, or resolved) are merged; nothing is held but counts. Where a limit
holds, the mildest severities go first, and how many went is counted.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from scanner.model.finding import Verdict, order
from scanner.model.rule import SEVERITIES
from scanner.model.waiver import IN_FORCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.formats.sarif.profile import Profile
    from scanner.model.finding import Finding
    from scanner.model.scan import Scan

STATES = {
    "new": "new",
    "reopened": "new",
    "changed": "updated",
    "persisting": "unchanged",
    "resolved": "absent",
}
"""What a change is called as a baseline state."""


class Picked(NamedTuple):
    """A row that becomes a result. `earlier`: it is the baseline's; `waived`: a waiver in force covers it."""

    row: Finding
    earlier: bool
    waived: bool

    @property
    def carried(self) -> bool:
        """Open in the baseline, and not looked at this time."""
        return self.earlier and self.row.change != "resolved"


@dataclass(slots=True)
class Counts:
    """What choosing the rows learned. `rows`: results; `left`: rows left out, by the reason; `cut`: by severity, for the limit.

    `suppressions` and `baseline`: whether results carry suppressions and a baseline state (all of them, or none).
    """

    rows: int = 0
    carried: int = 0
    suppressions: bool = False
    baseline: bool = True
    left: Counter[str] = field(default_factory=Counter)
    cut: dict[str, int] = field(default_factory=dict)


class Selection:
    """The rows of one file. `limit`: results at most, 0 for no limit."""

    def __init__(self, scan: Scan, profile: Profile, limit: int = 0) -> None:
        self._scan = scan
        self._profile = profile
        self._in_force = {line.waiver.id for line in scan.waivers if line.state in IN_FORCE}
        self._quota: Counter[str] | None = None
        self.counts = Counts(suppressions=profile.waived and bool(scan.header.waiver_digest))
        numbers = self._count()
        if limit and profile.limited and self.counts.rows > limit:
            self._cut(numbers, limit)
        self.counts.baseline = self.counts.baseline and scan.drift is not None
        self.counts.suppressions = self.counts.suppressions and profile.waived

    def __iter__(self) -> Iterator[Picked]:
        """The rows, in the order of findings; can be asked again and again."""
        left = None if self._quota is None else Counter(self._quota)
        for picked in self._all():
            if not self._profile.keeps(picked.row, waived=picked.waived):
                continue
            if left is not None:
                if left[picked.row.severity] <= 0:
                    continue
                left[picked.row.severity] -= 1
            yield picked

    def _all(self) -> Iterator[Picked]:
        """Every row; those of the baseline only where something was compared."""
        if self._scan.drift is None:
            for row in self._scan.findings:
                yield Picked(row, earlier=False, waived=bool(row.waiver))
            return
        here = ((order(row), 0, row) for row in self._scan.findings)
        before = ((order(row), 1, row) for row in self._scan.earlier)
        for _, earlier, row in heapq.merge(here, before, key=lambda item: item[:2]):
            yield Picked(row, bool(earlier), self._waived(row, earlier=bool(earlier)))

    def _waived(self, row: Finding, *, earlier: bool) -> bool:
        """A mark of the baseline counts only as long as that waiver is in force now."""
        return bool(row.waiver) and (not earlier or row.waiver in self._in_force)

    def _count(self) -> Counter[str]:
        counts, numbers = self.counts, Counter[str]()
        for picked in self._all():
            row = picked.row
            if not self._profile.keeps(row, waived=picked.waived):
                counts.left[self._why(picked)] += 1
                continue
            counts.rows += 1
            counts.carried += picked.carried
            counts.baseline = counts.baseline and row.change in STATES
            failed = row.verdict is Verdict.FAIL
            counts.suppressions = counts.suppressions or picked.waived or (failed and bool(row.lapsed))
            numbers[row.severity] += 1
        return numbers

    def _why(self, picked: Picked) -> str:
        if picked.earlier and not picked.carried:
            return "resolved"
        return "waived" if picked.row.verdict is Verdict.FAIL else picked.row.verdict.value

    def _cut(self, numbers: Counter[str], limit: int) -> None:
        known = [name for name in SEVERITIES if name in numbers]
        quota: Counter[str] = Counter()
        for name in (*known, *sorted(numbers.keys() - known)):
            quota[name] = min(numbers[name], limit - sum(quota.values()))
            if quota[name] < numbers[name]:
                self.counts.cut[name] = numbers[name] - quota[name]
        self.counts.rows = sum(quota.values())
        self._quota = quota
