"""From the tallies to what a reader is told first: how complete, how many of each verdict, which rules failed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.model.finding import Verdict
from scanner.model.rule import SEVERITIES
from scanner.model.summary import Lack, lacks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.model.resource import Problem, SourceRun
    from scanner.model.scan import RuleCard, Scan, ScanHeader

ORDER = (
    Verdict.FAIL,
    Verdict.ERROR,
    Verdict.UNKNOWN,
    Verdict.MANUAL,
    Verdict.PASS,
    Verdict.NOT_APPLICABLE,
)
"""The verdicts from what needs action most to what needs none."""

STATUSES = ("fail", "error", "unknown", "manual", "notEvaluated", "pass", "notApplicable", "disabled")
"""What a rule or a control can be as a whole, worst first."""

SUBSCRIPTIONS_SHOWN = 500


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar: its class, left edge and width in per mille, its number, and whether a label fits."""

    verdict: str
    start: float
    width: float
    number: int
    labelled: bool


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule with what became of it."""

    card: RuleCard
    counts: Mapping[Verdict, int]
    status: str
    total: int


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """The verdict counts of one subscription."""

    id: str
    name: str
    counts: Mapping[Verdict, int]
    total: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """A problem of a collection."""

    run: SourceRun
    problem: Problem


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything that follows from header and tallies alone."""

    report_id: str
    counts: Mapping[Verdict, int]
    total: int
    decided: int
    rules: tuple[RuleRow, ...]
    severities: tuple[tuple[str, Mapping[Verdict, int], int], ...]
    subscriptions: tuple[SubscriptionRow, ...]
    subscriptions_left_out: int
    troubles: tuple[Trouble, ...]
    lacks: tuple[Lack, ...]
    """The same by cause: one missing permission is one line."""
    state: str
    """complete, incomplete or nothing."""
    collected: tuple[str, str]

    @property
    def failing(self) -> list[RuleRow]:
        """Rules with failures, worst severity first, then the most failures."""
        rows = [row for row in self.rules if row.counts[Verdict.FAIL]]
        return sorted(
            rows, key=lambda row: (grade(row.card.severity), -row.counts[Verdict.FAIL], row.card.id)
        )

    @property
    def not_evaluated(self) -> list[RuleRow]:
        """Enabled rules that were not asked at all."""
        return [row for row in self.rules if row.status == "notEvaluated"]

    @property
    def disabled(self) -> list[RuleRow]:
        """Rules that the pack or profile switches off."""
        return [row for row in self.rules if row.status == "disabled"]

    @property
    def manual(self) -> list[RuleRow]:
        """Enabled rules that only a person can decide."""
        return [row for row in self.rules if row.card.manual and row.card.enabled]


def grade(severity: str) -> int:
    """The place of a severity, worst first; unknown words come last."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def stand(scan: Scan) -> Standing:
    """Work out the standing of a scan."""
    header, tallies = scan.header, scan.tallies
    counts = tallies.total()
    total = sum(counts.values())
    rules = tuple(_rule_row(card, scan) for card in header.rules)
    troubles = tuple(Trouble(run, problem) for run in header.runs for problem in run.problems)
    lacking = any(run.state in {"partial", "failed"} for run in header.runs)
    undecided = counts[Verdict.UNKNOWN] + counts[Verdict.ERROR]
    times = sorted(run.collected_at for run in header.runs if run.collected_at)
    subscriptions = _subscriptions(scan)
    return Standing(
        report_id=report_id(header),
        counts=counts,
        total=total,
        decided=counts[Verdict.PASS] + counts[Verdict.FAIL] + counts[Verdict.NOT_APPLICABLE],
        rules=rules,
        severities=_severities(rules, tallies.findings),
        subscriptions=tuple(subscriptions[:SUBSCRIPTIONS_SHOWN]),
        subscriptions_left_out=max(0, len(subscriptions) - SUBSCRIPTIONS_SHOWN),
        troubles=troubles,
        lacks=tuple(lacks(header.runs)),
        state="nothing" if not total else "incomplete" if lacking or undecided else "complete",
        collected=(times[0], times[-1]) if times else ("", ""),
    )


def report_id(header: ScanHeader) -> str:
    """A name for the report that the same inputs always give: what was asked, of what, as of when."""
    asked = [
        header.tool_version,
        header.pack_id,
        header.pack_version,
        header.pack_digest,
        header.profile,
        header.inventory_digest,
        header.now,
        [[item.name, item.value, item.origin] for item in header.parameters],
    ]
    return hashlib.sha256(json.dumps(asked, default=str).encode()).hexdigest()[:16]


def _rule_row(card: RuleCard, scan: Scan) -> RuleRow:
    counts = scan.tallies.of_rule(card.id)
    total = sum(counts.values())
    return RuleRow(card, counts, status_of(card, counts), total)


def status_of(card: RuleCard, counts: Mapping[Verdict, int]) -> str:
    """The worst that is true of a rule: never `pass` while anything is open."""
    for verdict in ORDER:
        if counts[verdict]:
            return verdict.value
    if not card.enabled:
        return "disabled"
    return "manual" if card.manual and not card.not_evaluated else "notEvaluated"


def _severities(
    rules: tuple[RuleRow, ...], findings: Mapping[str, int]
) -> tuple[tuple[str, Mapping[Verdict, int], int], ...]:
    rows = []
    extra = sorted({row.card.severity for row in rules} - set(SEVERITIES))
    for severity in (*SEVERITIES, *extra):
        counts = dict.fromkeys(Verdict, 0)
        for row in rules:
            if row.card.severity == severity:
                for verdict, number in row.counts.items():
                    counts[verdict] += number
        rows.append((severity, counts, findings.get(severity, 0)))
    return tuple(rows)


def _subscriptions(scan: Scan) -> list[SubscriptionRow]:
    counted: dict[str, dict[Verdict, int]] = {}
    for by_subscription in scan.tallies.verdicts.values():
        for subscription, counts in by_subscription.items():
            mine = counted.setdefault(subscription, dict.fromkeys(Verdict, 0))
            for verdict, number in counts.items():
                mine[verdict] += number
    for subscription in scan.header.subscriptions:
        counted.setdefault(subscription, dict.fromkeys(Verdict, 0))
    names = scan.header.subscriptions
    return [
        SubscriptionRow(key, names.get(key, ""), counts, sum(counts.values()))
        for key, counts in sorted(counted.items())
    ]


def segments(counts: Mapping[Verdict, int]) -> list[Segment]:
    """The bar of some verdict counts, 1,000 units wide; every verdict that occurs stays visible."""
    total = sum(counts.values())
    if not total:
        return []
    present = [verdict for verdict in ORDER if counts[verdict]]
    least = 6.0
    wanted = {verdict: max(least, 1000 * counts[verdict] / total) for verdict in present}
    scale = 1000 / sum(wanted.values())
    bar, start = [], 0.0
    for verdict in present:
        width = wanted[verdict] * scale
        bar.append(Segment(verdict.value, round(start, 1), round(width, 1), counts[verdict], width >= 70))
        start += width
    return bar
