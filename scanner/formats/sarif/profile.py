"""What one consumer of SARIF wants: which rows it shows properly and which it would misread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.model.finding import Verdict

if TYPE_CHECKING:
    from scanner.model.finding import Finding
    from scanner.model.scan import ScanHeader


@dataclass(frozen=True, slots=True)
class Profile:
    """`verdicts` become results. `waived`: waived rows are written, with suppressions; else they are left out."""

    name: str
    verdicts: frozenset[Verdict]
    waived: bool

    def keeps(self, row: Finding) -> bool:
        """Whether the row becomes a result."""
        return row.verdict in self.verdicts and (self.waived or not row.waiver)

    def category(self, header: ScanHeader) -> str:
        """What the run is about; consumers replace an older run of the same category by a newer one."""
        known = sorted(header.subscriptions)
        return f"acrscan/{known[0]}" if len(known) == 1 else "acrscan/estate"


GENERIC = Profile("generic", frozenset(Verdict), waived=True)
