"""From the tallies to what a reader is told first: how complete, how many of each verdict, which rules failed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.model.finding import Verdict
from scanner.model.rule import SEVERITIES
from scanner.model.summary import Lack, Summary, lacks, summarise
from scanner.model.waiver import PREFIX

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

STATUSES = (
    "fail",
    "error",
    "unknown",
    "waived",
    "manual",
    "notEvaluated",
    "attested",
    "pass",
    "notApplicable",
    "disabled",
)
"""What a rule or a control can be as a whole, worst first. `waived`: it fails, and every failure is accepted;
`attested`: only a person can decide, and somebody vouches for every evaluation."""

SUBSCRIPTIONS_SHOWN = 2_000
_STATES = {"failed": 0, "partial": 1, "not-asked": 2, "complete": 3}


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
    """A rule with what became of it; `waived` and `attested` are parts of its FAIL and MANUAL counts."""

    card: RuleCard
    counts: Mapping[Verdict, int]
    status: str
    total: int
    waived: int
    attested: int


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """One subscription: what the scope says of it, and its verdict counts.

    `registries` is None where the scan does not say how many it has. `passed` of `decided` is its score.
    """

    id: str
    name: str
    counts: Mapping[Verdict, int]
    total: int
    waived: int
    passed: int
    decided: int
    registries: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One source of data: how many collections, how many of each state, and as of when."""

    source: str
    states: tuple[tuple[str, int], ...]
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class SeverityRow:
    """One severity: failing rows and how many of them are waived; evaluations of its rules by verdict."""

    name: str
    counts: Mapping[Verdict, int]
    rows: int
    waived: int


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
    summary: Summary
    rules: tuple[RuleRow, ...]
    severities: tuple[SeverityRow, ...]
    subscriptions: tuple[SubscriptionRow, ...]
    subscriptions_left_out: int
    troubles: tuple[Trouble, ...]
    lacks: tuple[Lack, ...]
    """The same by cause: one missing permission is one line."""
    state: str
    """complete, incomplete or nothing."""
    runs: tuple[SourceRun, ...]
    """The collections, those that lack something first."""
    sources: tuple[SourceLine, ...]
    scope: tuple[SubscriptionRow, ...]
    """Every subscription of the scope and every one that has results; those with a reason come first."""
    scope_left_out: int

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
    subscriptions = _subscriptions(scan)
    scope = sorted(subscriptions, key=lambda row: not row.reason) if header.scope else subscriptions
    scored = [row for row in subscriptions if row.total]
    return Standing(
        report_id=report_id(header),
        counts=counts,
        total=total,
        decided=counts[Verdict.PASS] + counts[Verdict.FAIL] + counts[Verdict.NOT_APPLICABLE],
        summary=summarise(scan),
        rules=rules,
        severities=_severities(rules, scan),
        subscriptions=tuple(scored[:SUBSCRIPTIONS_SHOWN]),
        subscriptions_left_out=max(0, len(scored) - SUBSCRIPTIONS_SHOWN),
        troubles=troubles,
        lacks=tuple(lacks(header.runs)),
        state="nothing" if not total else "incomplete" if lacking or undecided else "complete",
        runs=tuple(sorted(header.runs, key=lambda run: _STATES.get(run.state, 0))),
        sources=_sources(header),
        scope=tuple(scope[:SUBSCRIPTIONS_SHOWN]),
        scope_left_out=max(0, len(scope) - SUBSCRIPTIONS_SHOWN),
    )


def report_id(header: ScanHeader) -> str:
    """A name for the report that the same inputs always give: what was asked, of what, as of when, with which waivers."""
    asked = [
        header.tool_version,
        header.pack_id,
        header.pack_version,
        header.pack_digest,
        header.profile,
        header.profile_digest,
        header.inventory_digest,
        header.waiver_digest,
        header.now,
        [[item.name, item.value, item.origin] for item in header.parameters],
    ]
    return hashlib.sha256(json.dumps(asked, default=str).encode()).hexdigest()[:16]


def _rule_row(card: RuleCard, scan: Scan) -> RuleRow:
    counts = scan.tallies.of_rule(card.id)
    waived = sum(scan.tallies.waived_evaluations.get(card.id, {}).values())
    attested = sum(scan.tallies.attested.get(card.id, {}).values())
    status = status_of(card, counts, waived, attested)
    return RuleRow(card, counts, status, sum(counts.values()), waived, attested)


def status_of(card: RuleCard, counts: Mapping[Verdict, int], waived: int = 0, attested: int = 0) -> str:
    """The worst that is true of a rule: never `pass` while anything is open, accepted or left to a person."""
    if counts[Verdict.FAIL] > waived:
        return "fail"
    for verdict in (Verdict.ERROR, Verdict.UNKNOWN):
        if counts[verdict]:
            return verdict.value
    if counts[Verdict.FAIL]:
        return "waived"
    if counts[Verdict.MANUAL]:
        return "manual" if counts[Verdict.MANUAL] > attested else "attested"
    for verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE):
        if counts[verdict]:
            return verdict.value
    if not card.enabled:
        return "disabled"
    return "manual" if card.manual and not card.not_evaluated else "notEvaluated"


def _severities(rules: tuple[RuleRow, ...], scan: Scan) -> tuple[SeverityRow, ...]:
    rows = []
    extra = sorted({row.card.severity for row in rules} - set(SEVERITIES))
    for severity in (*SEVERITIES, *extra):
        counts = dict.fromkeys(Verdict, 0)
        for row in rules:
            if row.card.severity == severity:
                for verdict, number in row.counts.items():
                    counts[verdict] += number
        tallies = scan.tallies
        rows.append(
            SeverityRow(severity, counts, tallies.findings.get(severity, 0), tallies.waived.get(severity, 0))
        )
    return tuple(rows)


def _subscriptions(scan: Scan) -> list[SubscriptionRow]:
    """Every subscription that has results or is named, by id; checks of waivers count, but in no score."""
    header, tallies = scan.header, scan.tallies
    counted: dict[str, dict[Verdict, int]] = {}
    unscored: dict[str, dict[Verdict, int]] = {}
    waived: dict[str, int] = {}
    for rule, by_subscription in tallies.verdicts.items():
        for subscription, counts in by_subscription.items():
            for book in (counted, unscored) if rule.startswith(PREFIX) else (counted,):
                mine = book.setdefault(subscription, dict.fromkeys(Verdict, 0))
                for verdict, number in counts.items():
                    mine[verdict] += number
    for by_subscription_ in tallies.waived_evaluations.values():
        for subscription, number in by_subscription_.items():
            waived[subscription] = waived.get(subscription, 0) + number
    scope = {line.subscription.lower(): line for line in header.scope}
    names = {key: line.name for key, line in scope.items()}
    names |= {key: name for key, name in header.subscriptions.items() if name or key not in names}
    none = dict.fromkeys(Verdict, 0)
    rows = []
    for key in sorted({*counted, *names}):
        counts, apart = counted.get(key, none), unscored.get(key, none)
        passed, failed = (counts[one] - apart[one] for one in (Verdict.PASS, Verdict.FAIL))
        line = scope.get(key.lower())
        rows.append(
            SubscriptionRow(
                id=key,
                name=names.get(key, ""),
                counts=counts,
                total=sum(counts.values()),
                waived=waived.get(key, 0),
                passed=passed,
                decided=passed + failed,
                registries=line.registries if line else None,
                reason=line.reason if line else "",
            )
        )
    return rows


def _sources(header: ScanHeader) -> tuple[SourceLine, ...]:
    """For each source the span of its times; in the order in which the runs name them."""
    found: dict[str, list[SourceRun]] = {}
    for run in header.runs:
        found.setdefault(run.source, []).append(run)
    lines = []
    for source, runs in found.items():
        times = sorted(run.collected_at for run in runs if run.collected_at)
        states: dict[str, int] = {}
        for run in runs:
            states[run.state] = states.get(run.state, 0) + 1
        lines.append(
            SourceLine(source, tuple(states.items()), times[0] if times else "", times[-1] if times else "")
        )
    return tuple(lines)


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
