"""A scan comes in; the same scan with what the history knows of its rows, and with its trend, goes out.

A scan that is recorded is marked as of its own run, so that it gets the same marks whenever it is read again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, islice

from scanner.history.database import Database, clean
from scanner.history.facts import OUTSIDE, Documents, Facts, earlier, facts_of, resources_by_place
from scanner.history.record import COUNTS, VERDICTS, recorded
from scanner.model.finding import Finding, Verdict
from scanner.model.scan import Scan, TrendPoint
from scanner.rows import Rows

LAST = 30
"""Points of a trend, unless more are asked for."""
_AT_ONCE = 400
"""Fingerprints in one question; SQLite may take no more than 999 values."""
_ENDLESS = 2**62


@dataclass(frozen=True, slots=True)
class _Known:
    """What a history knew of a finding in one subscription: its state before the run, and when it was first seen."""

    change: str
    first_seen: str


def mark(db: Database, scan: Scan) -> Scan:
    """The scan with `first_seen` and `change` on failing rows that have none yet, and with its trend."""
    facts = facts_of(scan)
    found = recorded(db, facts)
    run = found.run if found else None
    rows: Rows[Finding] = Rows(Finding)
    with db.reading():
        for row in _marked(db, scan, facts, run):
            rows.add(row)
        points = trend(db, clean(scan.header.pack_id), _estate(facts), until=run)
    if run is None:
        points = (*points, _point_of(scan, facts))[-LAST:]
    return replace(scan, findings=rows, trend=points)


def _estate(facts: Facts) -> list[str]:
    return [*facts.named, facts.outside]


def _marked(db: Database, scan: Scan, facts: Facts, run: int | None) -> Iterator[Finding]:
    rows = iter(scan.findings)
    pack = clean(scan.header.pack_id)
    while batch := list(islice(rows, _AT_ONCE)):
        prints = sorted({clean(row.fingerprint) for row in batch if row.verdict is Verdict.FAIL})
        known = _known(db, pack, prints, run) if prints else {}
        for row in batch:
            yield _with(row, known, facts) if row.verdict is Verdict.FAIL else row


def _with(row: Finding, known: dict[tuple[str, str], _Known], facts: Facts) -> Finding:
    places = resources_by_place(row, facts)
    found = [one for place in places if (one := known.get((clean(row.fingerprint), place))) is not None]
    changes = {one.change for one in found}
    change = next((name for name in ("persisting", "reopened") if name in changes), "new")
    first = min((one.first_seen for one in found), default=facts.now)
    return replace(row, change=row.change or change, first_seen=earlier(row.first_seen, first))


def _known(db: Database, pack: str, prints: Sequence[str], run: int | None) -> dict[tuple[str, str], _Known]:
    """(fingerprint, subscription) -> what was known before the run (or now, where it is not recorded)."""
    at = _ENDLESS if run is None else run
    found: dict[tuple[str, str], _Known] = {}
    for name, place, opened, closed, first, times in db.run(
        "SELECT fingerprint, subscription, opened_run, closed_run, first_seen, times FROM acrscan_findings "
        f"WHERE pack = ? AND opened_run <= ? AND fingerprint IN ({', '.join('?' * len(prints))}) ORDER BY opened_run",
        (pack, at, *prints),
    ):
        if opened < at and (closed is None or closed >= at):
            change = "persisting"
        else:
            change = "reopened" if opened < at or times else "new"
        found[name, place] = _Known(change, first)  # later spans stand over earlier ones
    return found


def trend(
    db: Database,
    pack: str,
    subscriptions: Collection[str] = (),
    *,
    until: int | None = None,
    last: int = LAST,
    nightly: bool = False,
) -> tuple[TrendPoint, ...]:
    """The last runs that covered any of the subscriptions (none named: all), oldest first.

    Each point tells what stood then of all of these subscriptions, also where the run itself covered only some of them:
    shards of an estate give one line. `open_findings` are failing findings that nobody accepted. `nightly`: one point a
    night, its last run.
    """
    runs = _runs(db, pack, frozenset(subscriptions), until)
    if nightly:
        runs = list({night: one for one in runs for night in (one[1][:10],)}.values())
    shown = runs[-last:]
    if not shown:
        return ()
    places = ((name,) for name in subscriptions)
    db.fill("acrscan_wanted", ("subscription TEXT",), places)
    at = [run for run, _, _, _ in shown]
    counts = _standing(db, pack, at, everything=not subscriptions)
    opened = _opened(db, pack, at, everything=not subscriptions)
    return tuple(
        TrendPoint(
            now, dict(zip(VERDICTS, numbers, strict=False)), numbers[6], number, bool(complete), digest
        )
        for (_, now, complete, digest), numbers, number in zip(shown, counts, opened, strict=True)
    )


def _runs(
    db: Database, pack: str, wanted: frozenset[str], until: int | None
) -> list[tuple[int, str, int, str]]:
    documents = Documents(db)
    found = []
    for run, now, complete, digest, scope in db.run(
        "SELECT id, now, complete, pack_digest, scope FROM acrscan_runs "
        "WHERE pack = ? AND id <= ? AND pruned = 0 ORDER BY id",
        (pack, _ENDLESS if until is None else until),
    ):
        covered = {name for name in documents.scope(scope) if not name.startswith(OUTSIDE)}
        if not wanted or covered & wanted or not covered:
            found.append((run, now, complete, digest))
    return found


def _within(*, everything: bool) -> str:
    return "" if everything else " AND subscription IN (SELECT subscription FROM acrscan_wanted)"


def _standing(db: Database, pack: str, at: Sequence[int], *, everything: bool) -> list[list[int]]:
    """The sums of the counts at each run: what began up to it, less what ended."""
    sums = ", ".join(f"SUM({name})" for name in COUNTS)
    within = _within(everything=everything)
    steps: list[tuple[int, list[int]]] = []
    for sign, edge in ((1, "from_run"), (-1, "to_run")):
        rows = db.run(
            f"SELECT {edge}, {sums} FROM acrscan_counts WHERE pack = ? AND {edge} <= ?{within} GROUP BY {edge}",
            (pack, at[-1]),
        )
        steps.extend((row[0], [sign * int(number) for number in row[1:]]) for row in rows)
    found = [[0] * len(COUNTS) for _ in at]
    for moment, numbers in steps:
        into = next(place for place, run in enumerate(at) if moment <= run)
        found[into] = [one + other for one, other in zip(found[into], numbers, strict=True)]
    return list(accumulate(found, lambda one, other: [a + b for a, b in zip(one, other, strict=True)]))


def _opened(db: Database, pack: str, at: Sequence[int], *, everything: bool) -> list[int]:
    """How many failing findings were open and not accepted at each run.

    Findings of one cause in several subscriptions count once; they are few, and looked at one by one.
    """
    within = _within(everything=everything)
    steps: Counter[int] = Counter()
    for sign, table, edge in (
        *((1, "acrscan_findings", "opened_run"), (-1, "acrscan_findings", "closed_run")),
        *((-1, "acrscan_waived", "from_run"), (1, "acrscan_waived", "to_run")),
    ):
        for at_run, number in db.run(
            f"SELECT {edge}, COUNT(*) FROM {table} WHERE pack = ? AND shared = 0 AND {edge} <= ?{within} GROUP BY {edge}",
            (pack, at[-1]),
        ):
            steps[next(one for one in at if at_run <= one)] += sign * number
    alone = list(accumulate(steps[run] for run in at))
    shared = _shared(db, pack, at, within)
    return [number + len(shared[place]) for place, number in enumerate(alone)]


def _shared(db: Database, pack: str, at: Sequence[int], within: str) -> list[set[str]]:
    """The fingerprints with one cause that were open at each run and not accepted."""
    found: list[set[str]] = [set() for _ in at]
    accepted: list[set[str]] = [set() for _ in at]
    for into, table, begin, end in (
        (found, "acrscan_findings", "opened_run", "closed_run"),
        (accepted, "acrscan_waived", "from_run", "to_run"),
    ):
        for name, first, last in db.run(
            f"SELECT fingerprint, {begin}, {end} FROM {table} WHERE pack = ? AND shared = 1 AND {begin} <= ?"
            f" AND ({end} IS NULL OR {end} > ?){within}",
            (pack, at[-1], at[0]),
        ):
            for place, run in enumerate(at):
                if first <= run and (last is None or last > run):
                    into[place].add(name)
    return [some - less for some, less in zip(found, accepted, strict=True)]


def _point_of(scan: Scan, facts: Facts) -> TrendPoint:
    """The point of a scan that is not recorded."""
    failing: Iterable[Finding] = scan.findings
    return TrendPoint(
        now=facts.now,
        verdicts={verdict.value: number for verdict, number in scan.tallies.total().items()},
        waived=scan.tallies.accepted(),
        open_findings=sum(1 for row in failing if row.gating),
        complete=facts.complete,
        pack_digest=scan.header.pack_digest,
    )
