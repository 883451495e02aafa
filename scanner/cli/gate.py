"""From a scan to an exit code: how many findings are too bad, and how much was left undecided."""

from __future__ import annotations

from dataclasses import dataclass

from scanner.cli.door import FINDINGS, INCOMPLETE, Outcome
from scanner.model.finding import Verdict
from scanner.model.rule import SEVERITIES
from scanner.model.scan import Scan

CHOICES = (*SEVERITIES, "never")


@dataclass(frozen=True, slots=True)
class Limits:
    """What makes a run fail. `fail_on`: lowest severity that counts, or never; `max_unknown`: tolerated open ones.

    `fail_on_new`: only findings count that are new, came back, or changed since the baseline or the history.
    """

    fail_on: str = "high"
    fail_on_new: bool = False
    max_unknown: int = 0
    strict_settling: bool = False
    strict_unknown: bool = False
    """What may never be deployed counts too."""
    allow_empty: bool = False
    exit_zero: bool = False


def judge(scan: Scan, limits: Limits) -> Outcome:
    """The outcome of a scan.

    Findings at or above `fail_on` count, unless waived or still settling; unknown and error verdicts of critical and
    high rules count against `max_unknown`; nothing evaluated is incomplete unless `allow_empty`.
    """
    outcome = Outcome()
    if limits.fail_on != "never":
        bad = SEVERITIES[: SEVERITIES.index(limits.fail_on) + 1]
        found = dict.fromkeys(bad, 0)
        for finding in scan.findings:
            spared = finding.qualifier == "settling" and not limits.strict_settling
            spared = spared or (finding.qualifier == "ifDeployed" and not limits.strict_unknown)
            known = limits.fail_on_new and finding.change == "persisting"
            if finding.gating and finding.severity in found and not spared and not known:
                found[finding.severity] += 1
        new = "new " if limits.fail_on_new else ""
        words = ", ".join(f"{number} {new}{severity}" for severity, number in found.items() if number)
        if words:
            outcome.add(FINDINGS, f"{words} (limit: {limits.fail_on})")
    open_ones = undecided(scan)
    if open_ones > limits.max_unknown:
        outcome.add(
            INCOMPLETE,
            f"{open_ones} evaluations of critical and high rules undecided (limit: {limits.max_unknown})",
        )
    if not sum(scan.tallies.resources.values()) and not limits.allow_empty:
        outcome.add(INCOMPLETE, "0 resources evaluated (--allow-empty accepts that)")
    return outcome


def undecided(scan: Scan) -> int:
    """How many evaluations of critical and high rules ended as unknown or error."""
    severe = {card.id for card in scan.header.rules if card.severity in ("critical", "high")}
    return sum(
        counts[Verdict.UNKNOWN] + counts[Verdict.ERROR]
        for rule in scan.tallies.verdicts
        if rule in severe
        for counts in (scan.tallies.of_rule(rule),)
    )
