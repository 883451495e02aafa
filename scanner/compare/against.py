"""A scan against a baseline: both are read side by side in their common order, and the newer one's rows are marked.

Rows of one resource stand together in both, so that a merge finds them with little memory. Only rows that may stand
elsewhere in the other scan (an inherited cause names its first resource; a rule that replaces another) are held.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import itemgetter
from typing import TypeAlias

from scanner.compare.why import Knew, differences, why_gone, why_new
from scanner.model import ids
from scanner.model.finding import CHANGES, Finding, Verdict, fingerprint, order
from scanner.model.gaps import gaps
from scanner.model.scan import Drift, ResourceLine, Scan
from scanner.rows import Rows

Key: TypeAlias = tuple[str, str]
Item: TypeAlias = tuple[Key, str, Finding | ResourceLine]
"""Where it stands, what it is (a field of `_Group`), and the row or line itself."""
OPEN = "persisting"


@dataclass(frozen=True, slots=True)
class Baseline:
    """An earlier scan. `words`: its file; `lines`: whether it tells verdicts that are no findings (a SARIF file does not).

    `blind`: it says itself that it did not look at everything and carried nothing on.
    """

    scan: Scan
    words: str
    lines: bool = True
    notes: tuple[str, ...] = ()
    blind: bool = False


def against(scan: Scan, baseline: Baseline) -> Scan:
    """The scan with `change`, `why`, `was` and `first_seen` on its rows, with `earlier` rows and `drift`.

    Failing rows are counted; other rows only say whether the baseline has them too.
    """
    work = _Comparison(scan, baseline)
    rows: Rows[Finding] = Rows(Finding)
    earlier: Rows[Finding] = Rows(Finding)
    for here, row in work.rows():
        (rows if here else earlier).add(row)
    return replace(scan, findings=rows, earlier=earlier, drift=work.drift())


@dataclass(slots=True)
class _Group:
    """All that both scans say of one resource; `closed`: what the baseline itself told as resolved."""

    rows: list[Finding] = field(default_factory=list)
    old: list[Finding] = field(default_factory=list)
    closed: list[Finding] = field(default_factory=list)
    line: list[ResourceLine] = field(default_factory=list)
    old_line: list[ResourceLine] = field(default_factory=list)

    @property
    def letters(self) -> str | None:
        """The newer scan's verdict letters."""
        return self.line[0].letters if self.line else None

    @property
    def old_letters(self) -> str | None:
        """The baseline's verdict letters."""
        return self.old_line[0].letters if self.old_line else None


class _Comparison:
    """One comparison: streams, what had to be held, and the counts."""

    def __init__(self, scan: Scan, baseline: Baseline) -> None:
        self._scan = scan
        self._old = baseline.scan
        self._baseline = baseline
        self._before = Knew.of(baseline.scan.header, lines=baseline.lines)
        self._after = Knew.of(scan.header)
        self._replaces = {card.id: card.replaces for card in scan.header.rules if card.replaces}
        self._renamed = {old for ids_ in self._replaces.values() for old in ids_} | self._replaces.keys()
        self._changes: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._carried = 0
        self._loose_old = {
            (row.fingerprint, row.verdict is Verdict.FAIL): row for row in self._open() if self._loose(row)
        }
        self._loose_new = {
            (one, row.verdict is Verdict.FAIL)
            for row in scan.findings
            if self._loose(row)
            for one in self._prints(row)
        }

    def rows(self) -> Iterator[tuple[bool, Finding]]:
        """Each row with its marks, and whether it is of the newer scan; sorted like findings."""
        for _, items in groupby(self._items(), key=itemgetter(0)):
            group = _Group()
            for _, kind, item in items:
                getattr(group, kind).append(item)
            yield from self._of(group)

    def drift(self) -> Drift:
        """The counts, once all rows were read."""
        head = self._old.header
        return Drift(
            words=self._baseline.words,
            now=head.now,
            inventory_digest=head.inventory_digest,
            pack_version=head.pack_version,
            pack_digest=head.pack_digest,
            profile=head.profile,
            changes={change: self._changes[change] for change in CHANGES},
            reasons=dict(sorted(self._reasons.items())),
            carried=self._carried,
            notes=(*self._baseline.notes, *self._notes()),
        )

    def _notes(self) -> Iterator[str]:
        old, new = self._old.header, self._scan.header
        if old.pack_id != new.pack_id:
            yield f"the baseline was made with another pack: {old.pack_id}"
        elif old.pack_digest != new.pack_digest:
            yield f"the rules differ: {old.pack_id} {old.pack_version} before, {new.pack_version} now"
        if old.profile != new.profile:
            yield f"the profile differs: {old.profile or 'none'} before, {new.profile or 'none'} now"
        if self._baseline.blind or (self._old.drift is None and gaps(self._old)):
            yield "the baseline did not look at everything: findings that it did not see are not carried on"
        if old.now > new.now:
            yield "the baseline is younger than this scan"
        if old.inventory_digest == new.inventory_digest:
            yield "both scans read the same inventory: nothing in Azure can have changed"

    def _items(self) -> Iterator[Item]:
        streams: tuple[Iterator[Item], ...] = (
            ((_key(row), "rows", row) for row in self._scan.findings),
            ((_key(row), "old", row) for row in self._open()),
            ((_key(row), "closed", row) for row in self._old.earlier if row.change == "resolved"),
            (((line.type, ids.order_key(line.id)), "line", line) for line in self._scan.resources),
            (((line.type, ids.order_key(line.id)), "old_line", line) for line in self._old.resources),
        )
        return heapq.merge(*streams, key=itemgetter(0))

    def _open(self) -> Iterator[Finding]:
        """Everything that was open in the baseline, also what it had carried on itself."""
        carried: Iterable[Finding] = (row for row in self._old.earlier if row.change == OPEN)
        return heapq.merge(self._old.findings, carried, key=order)

    def _loose(self, row: Finding) -> bool:
        return bool(row.cause or row.affected) or row.rule in self._renamed

    def _prints(self, row: Finding) -> list[str]:
        """The row's fingerprint, and those it would have under the rules that its rule replaces."""
        older = self._replaces.get(row.rule, ())
        return [
            row.fingerprint,
            *(fingerprint(rule, row.cause or row.resource, row.element) for rule in older),
        ]

    def _of(self, group: _Group) -> Iterator[tuple[bool, Finding]]:
        olds = {(row.fingerprint, row.verdict is Verdict.FAIL): row for row in group.old}
        closed = {row.fingerprint: row for row in group.closed}
        for row in group.rows:
            old = self._match(row, olds)
            yield True, self._marked(row, old, closed.get(row.fingerprint), group.old_letters)
        gone = [
            row
            for key, row in olds.items()
            if row.verdict is Verdict.FAIL and not (self._loose(row) and key in self._loose_new)
        ]
        for row in sorted(gone, key=order):
            yield False, self._gone(row, group.letters)

    def _match(self, row: Finding, olds: dict[tuple[str, bool], Finding]) -> Finding | None:
        """The baseline's row of the same finding; a failure and an open question are never the same."""
        failed = row.verdict is Verdict.FAIL
        loose = self._loose(row)
        for one in self._prints(row) if loose else (row.fingerprint,):
            found = olds.pop((one, failed), None)
            if found is None and loose:
                found = self._loose_old.get((one, failed))
            if found is not None:
                return found
        return None

    def _marked(
        self, row: Finding, old: Finding | None, closed: Finding | None, letters: str | None
    ) -> Finding:
        why = was = ""
        known = old or closed
        since = self._scan.header.now if known is None else known.first_seen or self._old.header.now
        if row.verdict is not Verdict.FAIL:
            return replace(row, change=OPEN if old else "new", why="", was="", first_seen=since)
        if old is not None:
            why, was = differences(old, row, self._before, self._after)
            change = "changed" if why else OPEN
        else:
            change = "reopened" if closed else "new"
            why = why_new(self._before, self._after, row, letters)
        self._count(change, why)
        return replace(row, change=change, why=why, was=was, first_seen=since)

    def _gone(self, row: Finding, letters: str | None) -> Finding:
        why = why_gone(self._before, self._after, row, letters)
        since = row.first_seen or self._old.header.now
        if why in ("data", "scope"):
            self._carried += 1
            return replace(row, change=OPEN, why=why, was="", first_seen=since)
        self._count("resolved", why)
        return replace(row, change="resolved", why=why, was="", first_seen=since)

    def _count(self, change: str, why: str) -> None:
        self._changes[change] += 1
        if why:
            self._reasons[f"{change}:{why}"] += 1


def _key(row: Finding) -> Key:
    return (row.resource_type, ids.order_key(row.resource))
