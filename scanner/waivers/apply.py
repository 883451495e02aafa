"""The one function that waives: a scan and a register come in; the scan with every row marked and counted comes out.

A waiver changes no verdict. It marks the rows it covers, and counts of what is waived stand beside all other counts.
Applied to a scan that was marked before (a stored one), the old marks go first.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from scanner.model import ids
from scanner.model.finding import Finding, Verdict, order
from scanner.model.rule import SEVERITIES
from scanner.model.scan import ResourceLine, RuleCard, Scan, ScanHeader, Tallies
from scanner.model.waiver import Attestation, AttestationLine, Register, Waiver, WaiverLine
from scanner.rows import Rows
from scanner.waivers import checks
from scanner.waivers.checks import TABLE, Tried
from scanner.waivers.matching import Index, loose
from scanner.waivers.standing import standing, today_of

T = TypeVar("T")
_UNDECIDED = frozenset({Verdict.UNKNOWN, Verdict.ERROR})


def apply(scan: Scan, register: Register) -> Scan:
    """The scan with waivers and attestations; the clock is the scan's own (`header.now`)."""
    bare = _without(scan)
    book = _Book(bare.header, register)
    marked: Rows[Finding] = Rows(Finding)
    for row in bare.findings:
        marked.add(book.mark(row))
    book.judge()
    lines, rows, given = book.told()
    tallies = _counted(bare.tallies, marked, lines, rows, given, book)
    return replace(
        bare,
        header=replace(
            bare.header,
            rules=(*bare.header.rules, *checks.cards(register.words)),
            order={
                **bare.header.order,
                **{kind: tuple(check.id for check in TABLE[kind]) for kind in TABLE},
            },
            waiver_file=register.words,
            waiver_digest=register.digest,
        ),
        tallies=tallies,
        findings=_Joined(marked, sorted(rows, key=order), order),
        resources=_Joined(bare.resources, lines, _line_order),
        waivers=tuple(book.waiver_line(entry) for entry in register.waivers),
        attestations=tuple(book.attestation_line(entry) for entry in register.attestations),
    )


@dataclass(frozen=True, slots=True)
class _Joined(Generic[T]):
    """Two streams of rows in one order as one; can be read again and again."""

    first: Iterable[T]
    second: list[T]
    key: Callable[[T], Any]

    def __iter__(self) -> Iterator[T]:
        return heapq.merge(self.first, self.second, key=self.key)


def _line_order(line: ResourceLine) -> tuple[str, str]:
    return (line.type, ids.order_key(line.id))


class _Book:
    """The register at work on one scan."""

    def __init__(self, header: ScanHeader, register: Register) -> None:
        cards = _cards(header)
        today = today_of(header.now)
        replaced = {card.id: card.replaces for card in header.rules if card.replaces}
        self.register = register
        self.now = header.now
        self._cards = cards
        self._scope = {line.subscription for line in header.scope} | set(header.subscriptions)
        self._waivers = Index(register.waivers, replaced)
        self._attestations = Index(register.attestations, replaced)
        self.tried: dict[str, Tried] = {
            entry.id: Tried(standing(entry, cards, register.policy, today)) for entry in register.entries
        }
        self.attested: Counter[tuple[str, str]] = Counter()
        """(rule, subscription) -> manual evaluations with an attestation in force that says met."""

    def mark(self, row: Finding) -> Finding:
        """The row with its waiver or attestation; counts it for the entries that cover it."""
        if row.verdict is Verdict.MANUAL:
            return self._attest(row)
        if row.verdict is Verdict.FAIL:
            return self._waive(row)
        if row.verdict in _UNDECIDED:
            for entry in self._waivers.covering(row):
                self.tried[entry.id].undecided += 1
        return row

    def _waive(self, row: Finding) -> Finding:
        covering = self._waivers.covering(row)
        if not covering:
            return row
        counting = [entry for entry in covering if self.tried[entry.id].standing.counts]
        for entry in covering:
            self.tried[entry.id].findings += 1
        for entry in counting[1:]:
            self.tried[entry.id].doubles = counting[0].id
        if counting:
            return replace(row, waiver=counting[0].id)
        return replace(row, lapsed=covering[0].id)

    def _attest(self, row: Finding) -> Finding:
        covering = self._attestations.covering(row)
        for entry in covering:
            self.tried[entry.id].findings += 1
        counting = [entry for entry in covering if self.tried[entry.id].standing.counts]
        if not counting:
            return replace(row, lapsed=covering[0].id) if covering else row
        # The latest word counts: a renewed review stands above the one it renews.
        latest = max(counting, key=lambda entry: entry.created)
        if latest.result == "met":
            self.attested[row.rule, row.subscription] += 1
        return replace(row, attestation=latest.id)

    def judge(self) -> None:
        """Work out what can be said of entries only after all rows were seen."""
        for entry in self.register.entries:
            tried = self.tried[entry.id]
            covers = entry.covers
            card = self._cards.get(covers.rule)
            subscription = ids.subscription_of(covers.resource)
            if card is None:
                tried.not_asked = f"{covers.rule} is not in this scan"
            elif not card.enabled or card.not_evaluated:
                tried.not_asked = f"{card.id} was not evaluated: {card.not_evaluated or card.disabled_reason}"
            elif subscription and subscription not in self._scope:
                tried.not_asked = f"subscription {subscription} is not in this scan"
            if isinstance(entry, Waiver) and covers.glob:
                tried.broad = self._broad(covers.glob, tried.findings)

    def _broad(self, pattern: str, findings: int) -> str:
        if loose(pattern):
            return "its glob names no subscription, group or registry"
        if findings >= self.register.policy.broad:
            return f"it covers {findings} findings"
        return ""

    def told(self) -> tuple[list[ResourceLine], list[Finding], list[tuple[str, Verdict]]]:
        """Lines, rows and verdicts about the entries themselves."""
        lines, rows, given = [], [], []
        for entry in self.register.entries:
            line, own, verdicts = checks.told(entry, self.tried[entry.id], self.now)
            lines.append(line)
            rows += own
            given += verdicts
        lines.sort(key=_line_order)
        return lines, rows, given

    def waiver_line(self, entry: Waiver) -> WaiverLine:
        """The entry as reports show it."""
        tried = self.tried[entry.id]
        stands = tried.standing
        return WaiverLine(entry, _state(tried), stands.why, stands.days_left, tried.findings)

    def attestation_line(self, entry: Attestation) -> AttestationLine:
        """The entry as reports show it."""
        tried = self.tried[entry.id]
        stands = tried.standing
        return AttestationLine(entry, _state(tried), stands.why, stands.days_left, tried.findings)


def _state(tried: Tried) -> str:
    idle = tried.standing.state == "in-force" and not (tried.findings or tried.undecided or tried.not_asked)
    return "unused" if idle else tried.standing.state


def _cards(header: ScanHeader) -> dict[str, RuleCard]:
    """Rule cards by id and by the ids they replace."""
    found = {old: card for card in header.rules for old in card.replaces}
    return {**found, **{card.id: card for card in header.rules}}


def _counted(
    tallies: Tallies,
    marked: Iterable[Finding],
    lines: list[ResourceLine],
    rows: list[Finding],
    given: list[tuple[str, Verdict]],
    book: _Book,
) -> Tallies:
    """The tallies with what is waived and attested, and with the checks of the entries themselves."""
    waived = dict.fromkeys(SEVERITIES, 0)
    whole: dict[tuple[str, str], str] = {}
    for row in marked:
        if row.verdict is Verdict.FAIL and row.waiver:
            waived[row.severity] += 1
            whole.update({(row.rule, ids.normalise(one)): ids.subscription_of(one) for one in row.resources})
    for row in marked if whole else ():
        if row.gating:
            for one in row.resources:
                whole.pop((row.rule, ids.normalise(one)), None)
    evaluations = Counter((rule, subscription) for (rule, _), subscription in whole.items())
    verdicts = {rule: {"": dict(counts)} for rule, counts in _by_rule(given).items()}
    failed = Counter(row.severity for row in rows if row.verdict is Verdict.FAIL)
    return Tallies(
        verdicts={**tallies.verdicts, **verdicts},
        findings={name: number + failed[name] for name, number in tallies.findings.items()},
        resources={**tallies.resources, **Counter(line.type for line in lines)},
        waived=waived,
        waived_evaluations=_nested(evaluations),
        attested=_nested(book.attested),
    )


def _by_rule(given: list[tuple[str, Verdict]]) -> Mapping[str, Counter[Verdict]]:
    found: dict[str, Counter[Verdict]] = {}
    for rule, verdict in given:
        found.setdefault(rule, Counter())[verdict] += 1
    return found


def _nested(counts: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (rule, subscription), number in sorted(counts.items()):
        found.setdefault(rule, {})[subscription] = number
    return found


@dataclass(frozen=True, slots=True)
class _Bare(Generic[T]):
    """Rows that `keep` lets through, each as `keep` gives it."""

    rows: Iterable[T]
    keep: Callable[[T], T | None]

    def __iter__(self) -> Iterator[T]:
        return (kept for row in self.rows if (kept := self.keep(row)) is not None)


def _unmarked(row: Finding) -> Finding | None:
    if row.resource_type in TABLE:
        return None
    marked = row.waiver or row.lapsed or row.attestation
    return replace(row, waiver=None, lapsed="", attestation="") if marked else row


def _without(scan: Scan) -> Scan:
    """The scan as it was before any register was applied."""
    header, tallies = scan.header, scan.tallies
    if not header.waiver_digest:
        return replace(scan, findings=_Bare(scan.findings, _unmarked))
    own = {check.id for checks_of in TABLE.values() for check in checks_of}
    gone = Counter(
        row.severity for row in scan.findings if row.resource_type in TABLE and row.verdict is Verdict.FAIL
    )
    return replace(
        scan,
        header=replace(
            header,
            rules=tuple(card for card in header.rules if card.id not in own),
            order={kind: rules for kind, rules in header.order.items() if kind not in TABLE},
            waiver_file="",
            waiver_digest="",
        ),
        tallies=Tallies(
            verdicts={rule: counts for rule, counts in tallies.verdicts.items() if rule not in own},
            findings={name: number - gone[name] for name, number in tallies.findings.items()},
            resources={kind: number for kind, number in tallies.resources.items() if kind not in TABLE},
        ),
        findings=_Bare(scan.findings, _unmarked),
        resources=_Bare(scan.resources, lambda line: None if line.type in TABLE else line),
        waivers=(),
        attestations=(),
    )
