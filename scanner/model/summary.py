"""What every report says in front of its rows: shares, rules not asked, collections not complete; from the header."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scanner.model.finding import Verdict
from scanner.model.rule import SEVERITIES

if TYPE_CHECKING:
    from scanner.model.resource import SourceRun
    from scanner.model.scan import RuleCard, Scan, ScanHeader


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of a scan. `verdicts` adds up to `evaluations`; `failures` counts FAIL rows by severity."""

    verdicts: dict[Verdict, int]
    evaluations: int
    failures: dict[str, int]
    rows: int
    decided: int
    """Evaluations that ended in pass or fail: the score's denominator."""

    @property
    def passed(self) -> int:
        """The score's numerator."""
        return self.verdicts[Verdict.PASS]


def summarise(scan: Scan) -> Summary:
    """The counts of the tallies; severities from worst to mildest, unknown ones after them."""
    verdicts = scan.tallies.total()
    known = {name: scan.tallies.findings.get(name, 0) for name in SEVERITIES}
    failures = {
        **known,
        **{name: scan.tallies.findings[name] for name in sorted(scan.tallies.findings.keys() - known)},
    }
    decided = verdicts[Verdict.PASS] + verdicts[Verdict.FAIL]
    return Summary(verdicts, sum(verdicts.values()), failures, sum(failures.values()), decided)


def not_evaluated(header: ScanHeader) -> list[tuple[RuleCard, str]]:
    """The rules that were not asked at all, each with the reason."""
    found = []
    for card in header.rules:
        if not card.enabled:
            found.append(
                (card, f"switched off: {card.disabled_reason}" if card.disabled_reason else "switched off")
            )
        elif card.not_evaluated:
            found.append((card, card.not_evaluated))
    return found


def incomplete(header: ScanHeader) -> list[SourceRun]:
    """The collections of which something is missing, or that nobody asked for."""
    return [run for run in header.runs if run.state != "complete"]


def summary_record(scan: Scan) -> dict[str, Any]:
    """The summary as JSON values."""
    counts = summarise(scan)
    score = scan.tallies.score()
    return {
        "evaluations": counts.evaluations,
        "verdicts": {verdict.value: counts.verdicts[verdict] for verdict in Verdict},
        "failRows": {"total": counts.rows, "bySeverity": counts.failures},
        "score": {
            "formula": "pass / (pass + fail)",
            "numerator": counts.passed,
            "denominator": counts.decided,
            "value": None if score is None else round(score, 6),
        },
        "resources": {kind: scan.tallies.resources[kind] for kind in sorted(scan.tallies.resources)},
        "rulesNotEvaluated": [
            {"rule": card.id, "reason": reason} for card, reason in not_evaluated(scan.header)
        ],
        "collectionsIncomplete": [run.collection for run in incomplete(scan.header)],
    }
