"""Every evaluation as a test case: verdict letters and findings come in, cases grouped by resource come out.

Letters say the verdict of each rule on each resource, findings say the details of what did not pass. Both stand in one
order and are read side by side. A finding that several resources share stands at the first of them; the others are told
of it too, so one pass beforehand keeps what such shared findings say (the scan itself holds those rows in memory as well).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from scanner.formats._columns import json_text, observed
from scanner.formats._text import visible
from scanner.model import ids
from scanner.model.finding import LETTERS, Finding, Verdict

if TYPE_CHECKING:
    from scanner.model.scan import ResourceLine, Scan

ROWS_TOLD = 50
"""Findings of one evaluation that are told one by one; the others are counted."""
EVIDENCE_TOLD = 5
Key = tuple[str, str]


@dataclass(slots=True)
class Case:
    """One rule on one resource. `lines`: what each finding says; `seen`: its evidence; `more`: findings beyond them.

    `lead`: the first finding that nobody accepted, else the first. `waived`: ids of the waivers that cover findings;
    `open`: whether a finding is covered by none.
    """

    rule: str
    verdict: Verdict
    lines: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    more: int = 0
    lead: str = ""
    waived: list[str] = field(default_factory=list)
    open: bool = False
    attestation: str = ""

    def add(self, row: Finding, said: str) -> None:
        """A finding about this evaluation."""
        if row.waiver and row.waiver not in self.waived:
            self.waived.append(row.waiver)
        if not self.lead or (row.gating and not self.open):
            self.lead = said
        self.open = self.open or row.gating
        self.attestation = self.attestation or row.attestation
        if len(self.lines) < ROWS_TOLD:
            self.lines.append(said)
            self.seen.append(seen_of(row))
        else:
            self.more += 1

    @property
    def outcome(self) -> str:
        """failure, error, skipped or "" for a pass. A failure is waived where every finding of it is."""
        if self.verdict is Verdict.PASS:
            return ""
        if self.verdict is Verdict.FAIL:
            return "skipped" if self.waived and not self.open else "failure"
        return "error" if self.verdict in (Verdict.UNKNOWN, Verdict.ERROR) else "skipped"


@dataclass(frozen=True, slots=True)
class Group:
    """A resource with its cases; `line` is None for a place at which resources could not be read."""

    id: str
    type: str
    name: str
    subscription: str
    resource_group: str
    location: str
    line: ResourceLine | None
    cases: Sequence[Case]

    def count(self, outcome: str) -> int:
        """Cases of an outcome."""
        return sum(case.outcome == outcome for case in self.cases)


def said_of(row: Finding) -> str:
    """What a finding says, on one line: element, message or reason, marks, and the first command that mends it."""
    undecided = row.verdict in (Verdict.UNKNOWN, Verdict.ERROR, Verdict.NOT_APPLICABLE)
    marks = (
        f"waived: {row.waiver}" if row.waiver else "",
        f"{row.lapsed} does not count" if row.lapsed else "",
        row.change if row.change not in (None, "persisting") else "",
        row.qualifier,
    )
    noted = "".join(f" [{visible(mark)}]" for mark in marks if mark)
    element = f"{visible(row.element)}: " if row.element and row.element not in row.message else ""
    return f"{element}{visible((row.reason if undecided else row.message) or row.message or 'no further words')}{noted}"


def seen_of(row: Finding) -> str:
    """The decisive values of a finding beside what was expected, or ""."""
    told = [
        f"{visible(leaf.path, 200)} is {visible(observed(leaf), 200)}, "
        f"expected {visible(f'{leaf.operator} {json_text(leaf.expected)}', 200)}"
        for leaf in row.evidence[:EVIDENCE_TOLD]
    ]
    more = len(row.evidence) - EVIDENCE_TOLD
    return "; ".join([*told, f"and {more} more"] if more > 0 else told)


def groups(scan: Scan) -> Iterator[Group]:
    """Every resource and every unread place, in the order of the scan."""
    shared = _shared(scan)
    blocks = _blocks(scan)
    waiting = next(blocks, None)
    for line in scan.resources:
        here = _key(line.type, line.id)
        while waiting and waiting[0] < here:
            yield _place(scan, waiting[1])
            waiting = next(blocks, None)
        rows: list[Finding] = []
        if waiting and waiting[0] == here:
            rows = waiting[1]
            waiting = next(blocks, None)
        yield _resource(scan, line, rows, shared.get(ids.normalise(line.id), []))
    while waiting:
        yield _place(scan, waiting[1])
        waiting = next(blocks, None)


def _key(kind: str, resource: str) -> Key:
    return (kind, ids.order_key(resource))


def _blocks(scan: Scan) -> Iterator[tuple[Key, list[Finding]]]:
    """The findings of one resource at a time."""
    for key, rows in groupby(scan.findings, key=lambda row: _key(row.resource_type, row.resource)):
        yield key, list(rows)


def _shared(scan: Scan) -> dict[str, list[Finding]]:
    """Lower-case id -> the findings that stand at another resource and are about this one as well."""
    found: dict[str, list[Finding]] = {}
    for row in scan.findings:
        for other in row.affected:
            found.setdefault(ids.normalise(other), []).append(row)
    return found


def _resource(scan: Scan, line: ResourceLine, rows: list[Finding], shared: list[Finding]) -> Group:
    order = scan.header.order.get(line.type, ())
    cases = {rule: Case(rule, LETTERS[letter]) for rule, letter in zip(order, line.letters, strict=True)}
    for row in rows:
        case = cases.get(row.rule)
        if case is not None:
            case.add(row, said_of(row))
    for row in shared:
        case = cases.get(row.rule)
        if case is not None:
            case.add(
                row, f"{said_of(row)} (told at {visible(row.resource_name or row.resource)}, same cause)"
            )
    return Group(
        line.id,
        line.type,
        line.name,
        line.subscription,
        line.resource_group,
        line.location,
        line,
        tuple(cases.values()),
    )


def _place(scan: Scan, rows: list[Finding]) -> Group:
    """A place has findings for the rules that do not know; the other rules of the type were not asked there."""
    first = rows[0]
    order = scan.header.order.get(first.resource_type, ())
    cases = {rule: Case(rule, Verdict.NOT_APPLICABLE) for rule in order}
    for row in rows:
        case = cases.setdefault(row.rule, Case(row.rule, row.verdict))
        case.verdict = row.verdict
        case.add(row, said_of(row))
    return Group(
        first.resource,
        first.resource_type,
        first.resource_name,
        first.subscription,
        first.resource_group,
        first.location,
        None,
        tuple(cases.values()),
    )
