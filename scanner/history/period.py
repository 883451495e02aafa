"""A span of nights as one statement: what was effective how often, what was not looked at, who changed what, and for whom.

Everything comes from recorded runs. What the history does not know is unknown, and nights without a run are gaps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

from scanner.errors import UsageError
from scanner.history import calendar
from scanner.history.changes import RUN_COLUMNS, RUN_FIELDS, RunFacts, between
from scanner.history.database import Database
from scanner.history.facts import OUTSIDE, Documents
from scanner.history.lines import (
    ControlLine,
    Period,
    RegistryLine,
    RunGap,
    RunRef,
    Stretch,
    SubscriptionLine,
)
from scanner.history.nights import EFFECTIVE, FAILED, NOTHING, UNKNOWN, Plan, Standing, plan, standings
from scanner.model.waiver import PREFIX
from scanner.rows import Rows


def period(db: Database, pack: str, start: date, end: date, today: date) -> Period:
    """The period from the first to the last night. Raises `UsageError` for one that has not begun."""
    if start > today:
        raise UsageError(f"the period begins on {start.isoformat()}, after {today.isoformat()}", "--period")
    runs = [
        RunFacts(**dict(zip(RUN_FIELDS, row, strict=True)))
        for row in db.run(
            f"SELECT {RUN_COLUMNS} FROM acrscan_runs WHERE pack = ? AND night <= ? ORDER BY id",
            (pack, end.isoformat()),
        )
    ]
    documents = Documents(db)
    inside = [run for run in runs if run.night >= start.isoformat() and not run.pruned]
    over = min(end, today)
    if over == today and not any(run.night == today.isoformat() for run in inside):
        over -= timedelta(days=1)  # tonight's scan may still come
    nights = calendar.nights(start, over)
    retired = {
        row[0]: (row[1], row[2]) for row in db.run("SELECT subscription, night, reason FROM acrscan_retired")
    }
    found = plan(nights, [run for run in runs if not run.pruned], documents, retired)
    cards: dict[str, Any] = {}
    for digest in dict.fromkeys(run.rules for run in inside):
        cards.update(documents.get(digest)["rules"])  # newer words stand over older ones
    nightly = standings(
        db, pack, found, documents, sorted(rule for rule in cards if not rule.startswith(PREFIX))
    )
    rules = _rules(db, pack, cards, nightly, (start, end))
    newest = documents.get(inside[-1].rules) if inside else {"rules": {}, "frameworks": {}}
    told = {run.night for run in inside}
    population: Rows[RegistryLine] = Rows(RegistryLine)
    living: Counter[str] = Counter()
    evaluated = 0
    for line in _population(db, pack, start, end):
        population.add(line)
        living[line.subscription] += not line.last
        evaluated += not line.reasons
    return Period(
        history=db.words,
        pack=pack,
        start=start.isoformat(),
        end=end.isoformat(),
        nights=tuple(nights),
        pending=(end - over).days,
        begins=min((run.night for run in runs if not run.pruned), default=""),
        with_runs=len(told & set(nights)),
        superseded=found.superseded,
        no_run=_stretches(night for night in nights if night not in told),
        incomplete=tuple(_run_gaps(inside, documents)),
        rules=rules,
        frameworks={name: one["title"] for name, one in sorted(newest["frameworks"].items())},
        controls=tuple(_controls(rules, nightly, newest)),
        changes=tuple(between(documents, _pairs(runs, start, documents))),
        subscriptions=tuple(_subscriptions(found, documents, living)),
        runs=tuple(
            RunRef(
                *(run.run, run.now, bool(run.complete)),
                *(run.pack_digest, run.profile_digest, run.waiver_digest, run.digest),
            )
            for run in inside
        ),
        registries=len(population),
        evaluated=evaluated,
        population=population,
    )


def _stretches(nights: Iterable[str]) -> tuple[Stretch, ...]:
    return tuple(
        Stretch(first, last, (date.fromisoformat(last) - date.fromisoformat(first)).days + 1)
        for first, last in calendar.stretches(nights)
    )


def _rules(
    db: Database,
    pack: str,
    cards: Mapping[str, Any],
    told: Mapping[str, Standing],
    span: tuple[date, date],
) -> tuple[ControlLine, ...]:
    flows = _flows(db, pack, *span)
    return tuple(
        _line(("", rule, cards[rule]["title"], cards[rule]["severity"]), (rule,), (), one, flows[rule])
        for rule, one in told.items()
    )


def _line(
    head: tuple[str, str, str, str],
    rules: tuple[str, ...],
    off: tuple[str, ...],
    standing: Standing,
    flow: Sequence[int],
) -> ControlLine:
    count = Counter(standing.letters)
    numbers = (count[EFFECTIVE], count[FAILED], count[UNKNOWN], count[NOTHING])
    why = Counter(reason for night in standing.reasons for reason in night)
    return ControlLine(*head, rules, off, *numbers, standing.letters, dict(sorted(why.items())), *flow)


class _Flows(dict[str, list[int]]):
    """Rule -> opened, reopened, mended, otherwise closed, open at the end."""

    def __missing__(self, rule: str) -> list[int]:
        self[rule] = [0, 0, 0, 0, 0]
        return self[rule]


def _flows(db: Database, pack: str, start: date, end: date) -> _Flows:
    first, after = f"{start.isoformat()}T00:00:00Z", f"{(end + timedelta(days=1)).isoformat()}T00:00:00Z"
    found = _Flows()
    for at, edge, where, values in (
        (0, "opened_run", "times = 0 AND opened >= ? AND opened < ?", (first, after)),
        (1, "opened_run", "times > 0 AND opened >= ? AND opened < ?", (first, after)),
        (2, "closed_run", "why = 'resource' AND closed >= ? AND closed < ?", (first, after)),
        (3, "closed_run", "why <> 'resource' AND closed >= ? AND closed < ?", (first, after)),
        (4, "''", "opened < ? AND (closed IS NULL OR closed >= ?)", (after, after)),
    ):
        for rule, count in db.run(
            f"SELECT rule, COUNT(*) FROM (SELECT DISTINCT rule, fingerprint, {edge} AS edge FROM acrscan_findings"
            f" WHERE pack = ? AND {where}) AS one GROUP BY rule",
            (pack, *values),
        ):
            found[rule][at] = count
    return found


def _controls(
    rules: Sequence[ControlLine], told: Mapping[str, Standing], newest: Mapping[str, Any]
) -> Iterator[ControlLine]:
    """Framework controls, by the mapping of the newest rules."""
    lines = {line.id: line for line in rules}
    mapped: dict[tuple[str, str], list[str]] = {}
    for rule, card in newest["rules"].items():
        for framework, control in card["controls"] if rule in lines else ():
            mapped.setdefault((framework, control), []).append(rule)
    for (framework, control), members in sorted(mapped.items()):
        off = tuple(sorted(rule for rule in members if _always_off(newest["rules"][rule], lines[rule])))
        deciding = tuple(sorted(set(members) - set(off)))
        title = newest["frameworks"].get(framework, {"controls": {}})["controls"].get(control, "")
        numbers = (
            (line.opened, line.reopened, line.mended, line.otherwise, line.open_at_end)
            for line in (lines[rule] for rule in members)
        )
        flow = [sum(column) for column in zip(*numbers, strict=True)]
        standing = _together([told[rule] for rule in deciding or off])
        yield _line((framework, control, title, ""), deciding, off, standing, flow)


def _always_off(card: Mapping[str, Any], line: ControlLine) -> bool:
    """Whether a rule is switched off and no night of the period knows it otherwise."""
    return not card["enabled"] and line.unknown == len(line.letters)


def _together(members: Sequence[Standing]) -> Standing:
    letters = "".join(_worst(night) for night in zip(*(one.letters for one in members), strict=True))
    reasons = zip(*(one.reasons for one in members), strict=True)
    return Standing(
        letters,
        tuple(
            frozenset().union(*night) if letter == UNKNOWN else frozenset()
            for letter, night in zip(letters, reasons, strict=True)
        ),
    )


def _worst(letters: Iterable[str]) -> str:
    found = set(letters)
    return next((one for one in (FAILED, UNKNOWN, EFFECTIVE) if one in found), NOTHING)


def _pairs(
    runs: Sequence[RunFacts], start: date, documents: Documents
) -> Iterator[tuple[RunFacts, RunFacts, int]]:
    """Each run of the period with the one before it of the same subscriptions."""
    newest: dict[str, RunFacts] = {}
    for run in runs:
        covered = [name for name in documents.scope(run.scope) if not name.startswith(OUTSIDE)]
        before = Counter(newest[name].run for name in covered if name in newest)
        known = {newest[name].run: newest[name] for name in covered if name in newest}
        if run.night >= start.isoformat():
            for number in sorted(before):
                yield known[number], run, before[number]
        newest.update(dict.fromkeys(covered, run))


def _run_gaps(runs: Iterable[RunFacts], documents: Documents) -> Iterator[RunGap]:
    for run in runs:
        lines = [f"{what}: {why}" for what, why in documents.get(run.lacks)]
        for name, (words, reason) in documents.scope(run.scope).items():
            if reason:
                lines.append(f"subscription {words or name}: {reason}")
        if lines:
            yield RunGap(run.run, run.now, tuple(lines))


def _subscriptions(
    found: Plan, documents: Documents, living: Mapping[str, int]
) -> Iterator[SubscriptionLine]:
    lines = []
    for pattern in found.patterns:
        missing = _stretches(
            night for at, night in enumerate(found.nights) if pattern.due[at] and pattern.runs[at] is None
        )
        scanned = [run for run in pattern.runs if run is not None]
        for name in pattern.subscriptions:
            if name.startswith(OUTSIDE):
                continue
            reasons = Counter(
                reason for run in scanned if (reason := documents.scope(found.runs[run].scope)[name][1])
            )
            gone = found.retired.get(name)
            lines.append(
                SubscriptionLine(
                    subscription=name,
                    name=found.names.get(name, ""),
                    since=found.first[name],
                    due=sum(pattern.due),
                    scanned=len(scanned),
                    whole=len(scanned) - reasons.total(),
                    missing=missing,
                    reasons=dict(sorted(reasons.items())),
                    registries=living.get(name, 0),
                    retired=": ".join(part for part in gone if part) if gone else "",
                )
            )
    return iter(sorted(lines, key=lambda line: line.subscription))


def _population(db: Database, pack: str, start: date, end: date) -> Iterator[RegistryLine]:
    """Every registry of the period, in the order of subscriptions and ids."""
    rows = db.stream(
        "SELECT id, subscription, first, last, reason FROM acrscan_registries WHERE pack = ? "
        f"ORDER BY subscription{db.collate}, id{db.collate}, from_run",
        (pack,),
    )
    low, high = start.isoformat(), end.isoformat()
    for name, spans in groupby(rows, key=itemgetter(0)):
        known = list(spans)
        inside = [row for row in known if row[2][:10] <= high and (row[3] is None or row[3][:10] >= low)]
        if not inside:
            continue
        newest = inside[-1]
        gone = "" if newest[3] is None or newest[3][:10] > high or newest is not known[-1] else newest[3]
        reasons = tuple(f"{row[4]} ({row[2]} to {row[3] or 'the newest scan'})" for row in inside if row[4])
        yield RegistryLine(name, newest[1], known[0][2], gone, reasons)
