"""On which nights a control was effective: runs and counts come in, one letter for each rule and night goes out.

For every subscription the last run of a night counts. Subscriptions with the same runs are handled together, so that the
work follows the number of changes, not of nights times subscriptions.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from scanner.history.changes import RunFacts
from scanner.history.database import Database
from scanner.history.facts import OUTSIDE, Documents, asked
from scanner.history.record import COUNTS

EFFECTIVE, FAILED, UNKNOWN, NOTHING = "E", "N", "U", "-"
"""Every evaluation passed, was waived or is vouched for; at least one failed; not known; nothing to evaluate."""
NO_RUN = "no scan that night"
NOT_SCANNED = "a subscription was not scanned"
NOT_READ = "a subscription was not read wholly"
UNDECIDED = "an evaluation was undecided"
NOT_THERE = "the rule was not part of the pack"

DEFINITION = (
    "A control is effective on a night (UTC date) when every subscription that was in scope by then was scanned and read "
    "wholly, and every evaluation of it passed, was covered by a waiver in force, or is a manual one that an attestation in "
    "force says is met. It is not effective when at least one evaluation failed unwaived, whatever else is unknown. It is "
    "unknown when nothing failed but something was not looked at or not decided. Nights with nothing to evaluate are counted "
    "apart. A framework control is not effective when one of its rules is not, and unknown when none fails but one is unknown; "
    "rules that were switched off throughout are named beside it and do not decide it. Of several scans of a subscription on one night the last one counts."
)


@dataclass(frozen=True, slots=True)
class Pattern:
    """Subscriptions with the same runs. `runs[i]`: the run that counts on night i, or None; `due[i]`: expected by then."""

    subscriptions: tuple[str, ...]
    runs: tuple[int | None, ...]
    due: tuple[bool, ...]


@dataclass(slots=True)
class Plan:
    """Which run tells of which subscription on which night."""

    nights: list[str]
    runs: dict[int, RunFacts]
    patterns: list[Pattern]
    retired: Mapping[str, tuple[str, str]]
    first: Mapping[str, str]
    """Subscription -> the first night on which a run had it in scope."""
    superseded: int = 0
    """Runs of the period that count on no night, because a later one of the same night took their place."""
    names: dict[str, str] = field(default_factory=dict)


def plan(
    nights: list[str],
    runs: Sequence[RunFacts],
    documents: Documents,
    retired: Mapping[str, tuple[str, str]],
) -> Plan:
    """The plan; `runs`: all up to the end of the period, in their order."""
    place = {night: at for at, night in enumerate(nights)}
    first: dict[str, str] = {}
    last: dict[str, str] = {}
    names: dict[str, str] = {}
    told: dict[str, dict[int, int]] = {}
    for run in runs:
        at = place.get(run.night)
        for name, (words, _) in documents.scope(run.scope).items():
            first.setdefault(name, run.night)
            last[name] = run.night
            names[name] = words or names.get(name, "")
            if at is not None:
                told.setdefault(name, {})[at] = run.run
    groups: dict[tuple[tuple[int | None, ...], tuple[bool, ...]], list[str]] = {}
    for name in sorted(first):
        if name.startswith(OUTSIDE) and name not in told:
            continue
        gone = retired.get(name, ("", ""))[0]
        if gone and last[name] >= gone:
            gone = ""  # it came back
        mine = told.get(name, {})
        row = tuple(mine.get(at) for at in range(len(nights)))
        due = tuple(
            mine.get(at) is not None
            or (not name.startswith(OUTSIDE) and first[name] <= night and not (gone and night >= gone))
            for at, night in enumerate(nights)
        )
        if any(due):
            groups.setdefault((row, due), []).append(name)
    patterns = [Pattern(tuple(found), row, due) for (row, due), found in groups.items()]
    used = {run for one in patterns for run in one.runs if run is not None}
    inside = [run for run in runs if run.night in place]
    return Plan(
        nights,
        {run.run: run for run in runs},
        patterns,
        retired,
        first,
        sum(1 for run in inside if run.run not in used),
        names,
    )


@dataclass(slots=True)
class Standing:
    """One rule over the nights."""

    letters: str
    reasons: tuple[frozenset[str], ...]
    """For each night why it is unknown; empty for nights that are known."""


def standings(
    db: Database, pack: str, found: Plan, documents: Documents, rules: Sequence[str]
) -> dict[str, Standing]:
    """Each rule's nights."""
    seen = _Seen(found, documents)
    seen.read(db, pack)
    return {rule: seen.standing(rule) for rule in rules}


class _Seen:
    """Differences of states along the nights of each pattern: +1 where a stretch begins, -1 where it ends."""

    def __init__(self, found: Plan, documents: Documents) -> None:
        self._plan = found
        self._documents = documents
        self._of = {name: at for at, one in enumerate(found.patterns) for name in one.subscriptions}
        self._at = [
            [(night, run) for night, run in enumerate(one.runs) if run is not None] for one in found.patterns
        ]
        self._steps: dict[tuple[str, int], dict[str, Counter[int]]] = {}
        self._read = [self._places_not_read(one) for one in found.patterns]

    def read(self, db: Database, pack: str) -> None:
        """Take in every stretch of counts."""
        for row in db.stream(
            f"SELECT rule, subscription, from_run, to_run, {', '.join(COUNTS)} FROM acrscan_counts WHERE pack = ?",
            (pack,),
        ):
            rule, name, begin, end = row[:4]
            at = self._of.get(name)
            if at is None:
                continue
            runs = [run for _, run in self._at[at]]
            low = bisect_left(runs, begin)
            high = len(runs) if end is None else bisect_left(runs, end)
            if low < high:
                steps = self._steps.setdefault((rule, at), {}).setdefault(_state(row[4:]), Counter())
                steps[low] += 1
                steps[high] -= 1

    def standing(self, rule: str) -> Standing:
        """One rule's letters."""
        letters = []
        why: list[frozenset[str]] = []
        states = [self._states(rule, at) for at in range(len(self._plan.patterns))]
        for night in range(len(self._plan.nights)):
            if not any(one.runs[night] is not None for one in self._plan.patterns):
                letters.append(UNKNOWN)
                why.append(frozenset((NO_RUN,)))
                continue
            found: set[str] = set()
            reasons: set[str] = set()
            for at, one in enumerate(self._plan.patterns):
                for letter, reason in self._told(one, at, night, rule, states[at].get(night, frozenset())):
                    found.add(letter)
                    if reason:
                        reasons.add(reason)
            letter = next((one for one in (FAILED, UNKNOWN, EFFECTIVE) if one in found), NOTHING)
            why.append(frozenset(reasons) if letter == UNKNOWN else frozenset())
            letters.append(letter)
        return Standing("".join(letters), tuple(why))

    def _states(self, rule: str, at: int) -> dict[int, frozenset[str]]:
        """Night -> the states that the rule has in subscriptions of a pattern."""
        found: dict[int, set[str]] = {}
        for state, steps in self._steps.get((rule, at), {}).items():
            running = 0
            for place, (night, _) in enumerate(self._at[at]):
                running += steps[place]
                if running:
                    found.setdefault(night, set()).add(state)
        return {night: frozenset(states) for night, states in found.items()}

    def _told(
        self, one: Pattern, at: int, night: int, rule: str, states: frozenset[str]
    ) -> Iterator[tuple[str, str]]:
        run = one.runs[night]
        if run is None:
            if one.due[night]:
                yield UNKNOWN, NOT_SCANNED
            return
        if self._read[at][night]:
            yield UNKNOWN, NOT_READ
        for state in states:
            yield state, UNDECIDED if state == UNKNOWN else ""
        card = self._documents.get(self._plan.runs[run].rules)["rules"].get(rule)
        if card is None:
            if not states and not all(name.startswith(OUTSIDE) for name in one.subscriptions):
                yield UNKNOWN, NOT_THERE
        elif reason := asked(card):
            yield UNKNOWN, reason

    def _places_not_read(self, one: Pattern) -> list[bool]:
        """For each night whether any subscription of the pattern was not read wholly."""
        found = []
        for run in one.runs:
            scope = self._documents.scope(self._plan.runs[run].scope) if run is not None else {}
            found.append(any(scope.get(name, ("", ""))[1] for name in one.subscriptions))
        return found


def _state(numbers: Sequence[int]) -> str:
    passed, failed, undecided, errors, _, manual, waived, attested = numbers
    if failed > waived:
        return FAILED
    if undecided or errors or manual > attested:
        return UNKNOWN
    return EFFECTIVE if passed or waived or attested else NOTHING
