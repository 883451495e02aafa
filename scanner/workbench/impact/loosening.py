"""What got looser from one pack to another: pairs of rules come in; a problem with a stable id for each loosening comes out.

Loosening is any change by which something that failed (or was not decided) can pass, is not asked any more, or weighs less.
Verdicts are tried out, not guessed: each claim about a condition carries the case that shows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scanner.engine.evaluate import rule_values
from scanner.language.digest import shape
from scanner.model.condition import NOWHERE, Mark
from scanner.model.rule import SEVERITIES, Rule, RuleTest
from scanner.workbench.bounded.moves import Example, Moves
from scanner.workbench.bounded.moves import Side as OneRule
from scanner.workbench.flow import inline_test, value_text
from scanner.workbench.impact.codes import LOOSE, UNPROVEN
from scanner.workbench.moving import Compare, joined, merged_values, moves
from scanner.workbench.pairs import Pair, alike, decision
from scanner.workbench.places import Knobs, Places, difference, used_parameters
from scanner.workbench.problem import Problem
from scanner.workbench.sides import Side

_WORDS = {"P": "pass", "F": "fail", "N": "not applicable", "U": "not decided"}
_TESTED = {"F": "fail", "U": "unknown"}
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


def loosenings(
    base: Sided, head: Sided, found: tuple[Pair, ...], compare: Compare | None, *, level: str = "warning"
) -> Iterator[Problem]:
    """Every loosening of rules, each at the place of the newer side that brings it (the older one's where it is gone)."""
    finder = Finder(base, head, compare, level)
    by_old: dict[str, list[Pair]] = {}
    for pair in found:
        if pair.before is not None:
            by_old.setdefault(pair.before.id, []).append(pair)
    for group in by_old.values():
        before = group[0].before
        if before is not None and before.enabled and group[0].kind != "unread":
            yield from finder.of(before, tuple(pair.after for pair in group if pair.after is not None))


class Finder:
    """Looks for what got looser; knows both sides, how cases are tried, and how bad a loosening is."""

    def __init__(self, base: Sided, head: Sided, compare: Compare | None, level: str) -> None:
        self.base = base
        self.head = head
        self.compare = compare
        self.level = level

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
        if all(rule.check is None for rule in kept):
            what = "was decided by the scanner and is attested by a person now"
            mark = self.head.places.of_key(kept[0], "manual")
            yield self._problem("LOOSE012", kept[0], what, mark, old=self._old(before, "assert", "failIf"))
            return
        yield from self._verdicts(before, tuple(rule for rule in kept if rule.check is not None))

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
        after = afters[0] if len(afters) == 1 else joined(afters)
        if after is None:
            return
        unproven: Problem | None = None
        for where, mine, theirs in self._values(before, afters):
            if mine is None or theirs is None:
                unproven = self._unproven(before, afters[0], "two of its parts give one parameter two values")
                continue
            if len(afters) == 1 and decision(before) == decision(after) and _equal(before, mine, theirs):
                continue
            moved = moves(OneRule(before, mine), OneRule(after, theirs), self.compare)
            if moved.loosened:
                yield self._looser(before, afters, moved, where, (mine, theirs))
                return
            if not moved.complete:
                unproven = self._unproven(before, afters[0], moved.note)
        if unproven is not None:
            yield unproven

    def _values(
        self, before: Rule, afters: tuple[Rule, ...]
    ) -> Iterator[tuple[Mark | None, Mapping[str, Any] | None, Mapping[str, Any] | None]]:
        """Parameter values of both sides: everywhere, and in each scope that a profile of either names."""
        old, new = self.base.side.pack, self.head.side.pack

        def of(chosen: tuple[Mapping[str, Any], Mapping[str, Any]]) -> Any:
            theirs = merged_values(tuple(rule_values(new, rule, chosen[1]) for rule in afters))
            return rule_values(old, before, chosen[0]), theirs

        yield None, *of((old.values, new.values))
        scopes = {(block.kind, block.scope.lower()): block.mark for block in (*old.scoped, *new.scoped)}
        for scope, mark in scopes.items():
            chosen = [
                {
                    **pack.values,
                    **{
                        name: value
                        for block in pack.scoped
                        if (block.kind, block.scope.lower()) == scope
                        for name, value in block.values
                    },
                }
                for pack in (old, new)
            ]
            yield mark, *of((chosen[0], chosen[1]))

    def _looser(
        self,
        before: Rule,
        afters: tuple[Rule, ...],
        moved: Moves,
        where: Mark | None,
        values: tuple[Mapping[str, Any], Mapping[str, Any]],
    ) -> Problem:
        after = afters[0]
        pairs = [pair for pair in _LOOSER if pair in moved.found]
        only_less = all(then == "N" for _, then in pairs)
        same = len(afters) == 1 and decision(before) == decision(after)
        changed = [name for name in used_parameters(before) if values[0].get(name) != values[1].get(name)]
        code = "LOOSE007" if same else "LOOSE002" if only_less else "LOOSE001"
        if same:
            name = changed[0] if changed else ""
            mark, old = (
                where or self._of_value(self.head, after, name),
                self._of_value(self.base, before, name),
            )
        else:
            mark, old = self.condition(before, after, only_less=only_less)
        told = ", ".join(f"{_WORDS[one]} -> {_WORDS[other]}" for one, other in pairs)
        given = "; ".join(
            f"{name} {value_text(values[0].get(name))} -> {value_text(values[1].get(name))}"
            for name in changed
        )
        parts = f" (together with {', '.join(rule.id for rule in afters[1:])})" if len(afters) > 1 else ""
        sampled = "" if moved.complete else " (sampled)"
        example = moved.found[pairs[0]]
        detail = [
            f"as of {self.base.words}: {old}",
            *([f"parameters: {given}"] if given else []),
            f"a case that was {_WORDS[pairs[0][0]]} and is {_WORDS[pairs[0][1]]} now:",
            as_test(example, _TESTED[pairs[0][0]]),
            *([moved.note] if moved.note else []),
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


def _equal(rule: Rule, mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    return all(mine.get(name) == theirs.get(name) for name in used_parameters(rule))


def as_test(example: Example, expect: str) -> str:
    """A case as an inline test that holds for the older rule and no longer for the newer one."""
    return inline_test(
        RuleTest(
            name="held before this change",
            resource=example.resource,
            related=example.related,
            params=example.params,
            now=example.now,
            expect=expect,
            message_contains="",
            findings=None,
            mark=NOWHERE,
        )
    )
