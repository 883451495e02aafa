"""What got looser from one pack to another: pairs of rules come in; a problem with a stable id for each loosening comes out.

Loosening is any change by which something that failed (or was not decided) can pass, is not asked any more, or weighs less.
Verdicts are tried out, not guessed: each claim about a condition carries the case that shows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scanner.language.digest import shape
from scanner.model.condition import NOWHERE, Mark
from scanner.model.rule import SEVERITIES, Rule
from scanner.workbench.flow import value_text
from scanner.workbench.impact.codes import LOOSE, UNPROVEN
from scanner.workbench.impact.figures import Tried
from scanner.workbench.impact.trials import Trial, Trials
from scanner.workbench.moving import Possible, looked_at, possible
from scanner.workbench.pairs import Pair, alike, by_older, decision
from scanner.workbench.places import Knobs, Places, difference, used_parameters
from scanner.workbench.problem import Problem
from scanner.workbench.sides import Side

_NOTES = 3
_LOOSER = tuple((before, after) for before in "FU" for after in "PN")


@dataclass(frozen=True, slots=True)
class Sided:
    """One side with the places of its rules and of what its profiles set."""

    side: Side
    places: Places
    knobs: Knobs

    @property
    def words(self) -> str:
        """How reports name the side."""
        return self.side.words


class Finder:
    """Looks for what got looser; knows both sides, what was tried of each rule, and how bad a loosening is."""

    def __init__(self, base: Sided, head: Sided, level: str = "warning") -> None:
        self.base = base
        self.head = head
        self.level = level
        self.trials = Trials(base.side, head.side)

    def loosenings(self, found: tuple[Pair, ...]) -> Iterator[Problem]:
        """Every loosening of rules, each at the place of the newer side that brings it (the older one's where it is gone)."""
        for before, afters in by_older(found):
            if before.enabled:
                yield from self.of(before, afters)

    def of(self, before: Rule, afters: tuple[Rule, ...]) -> Iterator[Problem]:
        """All that got looser of one older rule, which the newer ones stand for."""
        if not afters:
            yield self._gone(before)
            return
        on = tuple(rule for rule in afters if rule.enabled)
        if not on:
            yield self._off(before, afters[0])
            return
        for rule in on:
            yield from self._weight(before, rule)
        kept = tuple(rule for rule in on if rule.target.lower() == before.target.lower())
        if not kept:
            what = f"asked {before.target} and asks {on[0].target} now"
            yield self._problem(
                "LOOSE011",
                on[0],
                what,
                self.head.places.of_key(on[0], "target"),
                old=self._old(before, "target"),
            )
            return
        if before.check is None:
            return
        if not _comparable(before, kept):
            what = "was decided by the scanner and is attested by a person now"
            mark = self.head.places.of_key(kept[0], "manual")
            yield self._problem("LOOSE012", kept[0], what, mark, old=self._old(before, "assert", "failIf"))
            return
        yield from self._verdicts(before, _comparable(before, kept))

    def _gone(self, before: Rule) -> Problem:
        other = alike(before, self.head.side.pack.rules)
        advice = (
            f"If {other.id} is the same rule, say so there: replaces: [{before.id}] carries waivers and baselines over."
            if other is not None and other.id not in {rule.id for rule in self.base.side.pack.rules}
            else "A rule that another one stands for is named in its `replaces`."
        )
        return Problem(
            "LOOSE004",
            self.level,
            f"{before.id}: {LOOSE['LOOSE004']}: what failed it ({before.severity}) fails nothing now",
            self.base.places.of_id(before),
            advice,
            before.id,
            detail=f"as of {self.base.words}: {self.base.places.of_id(before)}",
        )

    def _off(self, before: Rule, after: Rule) -> Problem:
        by_profile = self.head.knobs.selected.get(after.id)
        mark = by_profile or self.head.places.of_key(after, "enabled")
        reason = f": {after.disabled_reason}" if after.disabled_reason else ""
        return self._problem("LOOSE005", after, f"was on and is off now{reason}", mark, old=before.mark)

    def _weight(self, before: Rule, after: Rule) -> Iterator[Problem]:
        """What changes how much a failure counts."""
        if SEVERITIES.index(after.severity) > SEVERITIES.index(before.severity):
            mark = self.head.knobs.severities.get(after.id) or self.head.places.of_key(after, "severity")
            old = self.base.knobs.severities.get(before.id) or self._old(before, "severity")
            yield self._problem("LOOSE003", after, f"{before.severity} -> {after.severity}", mark, old=old)
        if after.waivable and not before.waivable:
            mark = self.head.places.of_key(after, "waivable")
            yield self._problem("LOOSE006", after, "", mark, old=self._old(before, "waivable"))
        if after.settles and not before.settles:
            mark = self.head.places.of_key(after, "settles")
            yield self._problem("LOOSE009", after, "", mark, old=before.mark)

    def _verdicts(self, before: Rule, afters: tuple[Rule, ...]) -> Iterator[Problem]:
        """What can pass now: once for the values that hold everywhere, then for each block of a profile."""
        unproven: Problem | None = None
        for trial in self.trials.of(before, afters):
            if trial.moved.loosened:
                yield self._looser(before, afters, trial)
                return
            if not trial.moved.complete:
                unproven = self._unproven(before, afters[0], trial.moved.note)
        if unproven is not None:
            yield unproven

    def tried(self, before: Rule, afters: tuple[Rule, ...]) -> Tried | None:
        """Which verdicts of an older rule can become others on any estate; None where it decides by the same as before."""
        kept = _comparable(before, afters)
        trials = self.trials.of(before, kept) if kept else ()
        if not trials:
            return None
        found: dict[tuple[str, str], Possible] = {}
        for trial in trials:
            for one in possible(trial.moved, str(trial.where) if trial.where else ""):
                found.setdefault((one.before, one.after), one)
        only_less = bool(found) and all("N" in pair for pair in found)
        mark, old = self._spot(before, kept, trials[0], only_less=only_less)
        notes = dict.fromkeys(trial.moved.note for trial in trials if trial.moved.note)
        return Tried(
            before.id,
            tuple(sorted(found.values(), key=_rank)),
            all(trial.moved.complete for trial in trials),
            "; ".join(list(notes)[:_NOTES]),
            mark,
            old,
        )

    def _looser(self, before: Rule, afters: tuple[Rule, ...], trial: Trial) -> Problem:
        after, moved = afters[0], trial.moved
        pairs = [pair for pair in _LOOSER if pair in moved.found]
        only_less = all(then == "N" for _, then in pairs)
        same = len(afters) == 1 and decision(before) == decision(after)
        code = "LOOSE007" if same else "LOOSE002" if only_less else "LOOSE001"
        mark, old = self._spot(before, afters, trial, only_less=only_less)
        shown = {(one.before, one.after): one for one in possible(moved)}
        told = ", ".join(shown[pair].words for pair in pairs)
        given = "; ".join(
            f"{name} {value_text(trial.before.get(name))} -> {value_text(trial.after.get(name))}"
            for name in _changed(before, trial)
        )
        parts = f" (together with {', '.join(rule.id for rule in afters[1:])})" if len(afters) > 1 else ""
        sampled = "" if moved.complete else " (sampled)"
        detail = [
            f"as of {self.base.words}: {old}",
            *([f"parameters: {given}"] if given else []),
            *shown[pairs[0]].lines,
            looked_at(complete=moved.complete, note=moved.note),
        ]
        return Problem(
            code,
            self.level,
            f"{after.id}{parts}: {LOOSE[code]}: {told}{sampled}",
            mark,
            "If that is meant, say why in the pull request; else the case below is the test to add.",
            after.id,
            detail="\n".join(detail),
        )

    def _spot(
        self, before: Rule, afters: tuple[Rule, ...], trial: Trial, *, only_less: bool
    ) -> tuple[Mark, Mark]:
        """Where the newer and the older side say what differs: the value of a parameter, or the condition."""
        if len(afters) > 1 or decision(before) != decision(afters[0]):
            return self.condition(before, afters[0], only_less=only_less)
        name = next(iter(_changed(before, trial)), "")
        mark = trial.where or self._of_value(self.head, afters[0], name)
        return mark, self._of_value(self.base, before, name)

    def condition(self, before: Rule, after: Rule, *, only_less: bool) -> tuple[Mark, Mark]:
        """Where the condition differs: in `when` where only that can be the reason."""
        in_when = shape(before.when) != shape(after.when)
        in_check = shape(before.check) != shape(after.check)
        if in_when and (only_less or not in_check):
            mine, theirs = difference(before.when, after.when)
            keys: tuple[str, ...] = ("when",)
        else:
            mine, theirs = difference(before.check, after.check)
            keys = ("assert", "failIf")
        old = self.base.places.of_key(before, *keys) if mine == NOWHERE else mine
        new = self.head.places.of_key(after, *keys) if theirs == NOWHERE else theirs
        return new, old

    def _of_value(self, sided: Sided, rule: Rule, name: str) -> Mark:
        """Where a parameter got its value: a profile, the rule, or pack.yaml."""
        local = rule.parameters.get(name)
        full = f"{rule.id}.{name}" if local is not None else name
        shared = sided.side.pack.parameters.get(name)
        declared = local or shared
        return sided.knobs.values.get(full) or (declared.mark if declared is not None else rule.mark)

    def _unproven(self, before: Rule, after: Rule, note: str) -> Problem:
        mark, old = self.condition(before, after, only_less=False)
        return Problem(
            UNPROVEN,
            "info",
            f"{after.id}: decides differently; nothing got looser in the sample that was tried",
            mark,
            "Look at the change: not every case could be tried.",
            after.id,
            detail="\n".join([f"as of {self.base.words}: {old}", *([note] if note else [])]),
        )

    def _old(self, rule: Rule, *keys: str) -> Mark:
        return self.base.places.of_key(rule, *keys)

    def _problem(self, code: str, rule: Rule, what: str, mark: Mark, *, old: Mark) -> Problem:
        return Problem(
            code,
            self.level,
            f"{rule.id}: {LOOSE[code]}{': ' if what else ''}{what}",
            mark,
            "If that is meant, say why in the pull request.",
            rule.id,
            detail=f"as of {self.base.words}: {old}",
        )


def _comparable(before: Rule, afters: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Those of the newer rules whose verdicts can be set beside the older one's."""
    if before.check is None or not before.enabled:
        return ()
    target = before.target.lower()
    return tuple(
        rule for rule in afters if rule.enabled and rule.check is not None and rule.target.lower() == target
    )


def _changed(rule: Rule, trial: Trial) -> list[str]:
    """The parameters of the older rule that have another value."""
    return [name for name in used_parameters(rule) if trial.before.get(name) != trial.after.get(name)]


def _rank(one: Possible) -> tuple[int, int]:
    """What gets stricter first: what got looser has a problem of its own."""
    return "FUNP".index(one.after), "PNUF".index(one.before)
