"""Ages of what is open and times to mend of what is not: an open history comes in, lines by group go out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from scanner.errors import InputError
from scanner.history.database import Database, Row
from scanner.history.facts import OUTSIDE, Documents, instant
from scanner.model.rule import SEVERITIES

BUCKETS = (7, 30, 90, 180)
"""Upper ends of ages in days; the last bucket has none."""
GROUPS = ("all", "severity", "rule", "control", "subscription")
_DAY = 86_400
OUTSIDE_WORDS = "(outside subscriptions)"


@dataclass(frozen=True, slots=True)
class AgeLine:
    """Open findings of a group by how long they have been open. `waived`: a part of `open`; days are whole ones.

    `buckets`: up to 7, 30, 90 and 180 days, and older.
    """

    group: str
    key: str
    open: int
    waived: int
    buckets: tuple[int, ...]
    median: int
    oldest: int


@dataclass(frozen=True, slots=True)
class FixLine:
    """Findings of a group that were mended, each time anew where they came back; times in days.

    `otherwise`: closed because a rule, a waiver file or the scope changed; those say nothing of mending and are left out.
    """

    group: str
    key: str
    fixed: int
    otherwise: int
    median: float
    ninetieth: float
    longest: float


def ages(db: Database, pack: str, now: str = "") -> tuple[AgeLine, ...]:
    """The ages of open findings at `now` (default: the newest run). Findings of one cause count once, in each subscription once."""
    moment = _seconds(instant(now)) if now else _newest(db, pack)
    controls = controls_of(db, pack)
    found: dict[tuple[str, str], tuple[Counter[int], Counter[int]]] = {}
    for groups, opened, waived, number in _open_rows(db, pack, controls):
        days = max(moment - _seconds(opened), 0) // _DAY
        for group in groups:
            everything, accepted = found.setdefault(group, (Counter(), Counter()))
            everything[days] += number
            accepted[days] += number if waived else 0
    return tuple(
        AgeLine(
            *key,
            open=everything.total(),
            waived=accepted.total(),
            buckets=_buckets(everything),
            median=_share(everything, 0.5),
            oldest=max(everything),
        )
        for key, (everything, accepted) in sorted(found.items(), key=lambda item: _order(item[0]))
    )


def time_to_fix(db: Database, pack: str, since: str = "") -> tuple[FixLine, ...]:
    """How long mended findings had been open. `since`: only those that were closed from then on."""
    controls = controls_of(db, pack)
    found: dict[tuple[str, str], Counter[int]] = {}
    others: Counter[tuple[str, str]] = Counter()
    for groups, opened, closed, why, number in _closed_rows(db, pack, controls, since):
        for group in groups:
            times = found.setdefault(group, Counter())
            if why == "resource":
                times[max(_seconds(closed) - _seconds(opened), 0)] += number
            else:
                others[group] += number
    return tuple(
        FixLine(
            *key,
            fixed=times.total(),
            otherwise=others[key],
            median=_days(_share(times, 0.5)),
            ninetieth=_days(_share(times, 0.9)),
            longest=_days(max(times, default=0)),
        )
        for key, times in sorted(found.items(), key=lambda item: _order(item[0]))
    )


def controls_of(db: Database, pack: str) -> Mapping[str, tuple[str, ...]]:
    """Rule -> `framework control` names, as the newest run has them."""
    rows = db.run("SELECT rules FROM acrscan_runs WHERE pack = ? ORDER BY id DESC LIMIT 1", (pack,))
    if not rows:
        return {}
    rules = Documents(db).get(rows[0][0])["rules"]
    return {
        rule: tuple(" ".join(pair) for pair in sorted(map(tuple, card["controls"])))
        for rule, card in rules.items()
    }


Keyed = tuple[str, str]


def _keys(rule: str, severity: str, controls: Mapping[str, tuple[str, ...]]) -> list[Keyed]:
    return [
        ("all", ""),
        ("severity", severity),
        ("rule", rule),
        *(("control", name) for name in controls.get(rule, ())),
    ]


_WAIVED = (
    "CASE WHEN EXISTS (SELECT 1 FROM acrscan_waived w WHERE w.pack = f.pack AND w.fingerprint = f.fingerprint"
    " AND w.subscription = f.subscription AND w.to_run IS NULL) THEN 1 ELSE 0 END"
)


def _open_rows(
    db: Database, pack: str, controls: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[list[Keyed], str, bool, int]]:
    where = "FROM acrscan_findings f WHERE f.pack = ? AND f.closed_run IS NULL"
    for rule, severity, opened, waived, number in db.stream(
        "SELECT rule, severity, opened, waived, COUNT(*) FROM (SELECT MIN(f.rule) AS rule, MIN(f.severity) AS severity,"
        f" MIN(f.opened) AS opened, MAX({_WAIVED}) AS waived {where} GROUP BY f.fingerprint) AS one"
        " GROUP BY rule, severity, opened, waived",
        (pack,),
    ):
        yield _keys(rule, severity, controls), opened, bool(waived), number
    for place, opened, waived, number in db.stream(
        f"SELECT place, opened, waived, COUNT(*) FROM (SELECT f.subscription AS place, f.opened AS opened, {_WAIVED} AS waived"
        f" {where}) AS one GROUP BY place, opened, waived",
        (pack,),
    ):
        yield [_place(place)], opened, bool(waived), number


def _closed_rows(
    db: Database, pack: str, controls: Mapping[str, tuple[str, ...]], since: str
) -> Iterator[tuple[list[Keyed], str, str, str, int]]:
    values: Row = (pack, instant(since) if since else "")
    where = "WHERE pack = ? AND closed_run IS NOT NULL AND closed >= ?"
    for rule, severity, opened, closed, why, number in db.stream(
        "SELECT rule, severity, opened, closed, why, COUNT(*) FROM (SELECT MIN(rule) AS rule, MIN(severity) AS severity,"
        f" MIN(opened) AS opened, closed, why FROM acrscan_findings {where} GROUP BY fingerprint, closed_run, closed, why)"
        " AS one GROUP BY rule, severity, opened, closed, why",
        values,
    ):
        yield _keys(rule, severity, controls), opened, closed, why, number
    for place, opened, closed, why, number in db.stream(
        f"SELECT subscription, opened, closed, why, COUNT(*) FROM acrscan_findings {where}"
        " GROUP BY subscription, opened, closed, why",
        values,
    ):
        yield [_place(place)], opened, closed, why, number


def _place(name: str) -> Keyed:
    return ("subscription", OUTSIDE_WORDS if name.startswith(OUTSIDE) else name)


def _order(key: Keyed) -> tuple[int, int, str]:
    group, name = key
    rank = SEVERITIES.index(name) if group == "severity" and name in SEVERITIES else len(SEVERITIES)
    return GROUPS.index(group), rank, name


def _newest(db: Database, pack: str) -> int:
    rows = db.run("SELECT MAX(now) FROM acrscan_runs WHERE pack = ?", (pack,))
    if not rows[0][0]:
        raise InputError("holds no scan yet", db.words)
    return _seconds(rows[0][0])


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def _days(seconds: float) -> float:
    return round(seconds / _DAY, 1)


def _buckets(ages_: Mapping[int, int]) -> tuple[int, ...]:
    found = [0] * (len(BUCKETS) + 1)
    for days, number in ages_.items():
        place = next((at for at, limit in enumerate(BUCKETS) if days <= limit), len(BUCKETS))
        found[place] += number
    return tuple(found)


def _share(values: Mapping[int, int], share: float) -> int:
    """The smallest value that this share of all is not above (nearest rank); 0 of nothing."""
    total = sum(values.values())
    rank = max(-(-int(total * share * 1000) // 1000), 1)
    passed = 0
    for value in sorted(values):
        passed += values[value]
        if passed >= rank:
            return value
    return 0
