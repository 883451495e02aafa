"""What changed about rules: pairs come in, changes come out, each with its places and, for verdicts, the case that shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from scanner.engine.evaluate import rule_values
from scanner.language.digest import shape
from scanner.model.condition import NOWHERE, Mark
from scanner.model.rule import Placeholder, Rule
from scanner.workbench.bounded.moves import Moves
from scanner.workbench.bounded.moves import Side as OneRule
from scanner.workbench.diff import parameters
from scanner.workbench.diff.change import Change
from scanner.workbench.flow import condition_text, value_text
from scanner.workbench.moving import Possible, joined, looked_at, merged_values, moves, possible
from scanner.workbench.pairs import Pair, alike, decision
from scanner.workbench.places import Places, difference, used_parameters
from scanner.workbench.sides import Side

_SHOWN = (("F", "P"), ("P", "F"), ("F", "N"), ("N", "F"))
"""Moves whose case is shown, the most important first."""
_EXAMPLES = 2
_TEXTS = {
    "name": "name",
    "title": "title",
    "rationale": "rationale",
    "references": "references",
    "reviewed": "reviewed",
    "disabled_reason": "disabledReason",
}


class Differ:
    """Compares the rules of two sides."""

    def __init__(self, base: Side, head: Side) -> None:
        self.base, self.head = base, head
        self.old, self.new = Places(base), Places(head)
        self.compared = 0

    def changes(self, found: tuple[Pair, ...]) -> Iterator[Change]:
        """Every change of every pair; a split is told once for the rule that was split."""
        heirs: dict[str, list[Rule]] = {}
        for pair in found:
            if pair.before is not None and pair.after is not None:
                heirs.setdefault(pair.before.id, []).append(pair.after)
        for pair in found:
            if pair.kind == "unread":
                continue
            if pair.before is None:
                yield self._new(pair.rule)
            elif pair.after is None:
                yield self._gone(pair.before)
            else:
                yield from self._of(pair, pair.before, pair.after, tuple(heirs[pair.before.id]))

    def _new(self, rule: Rule) -> Change:
        off = ", off by default" if not rule.enabled else ""
        return Change("DIFF002", rule.id, f"new ({rule.severity}{off}): {rule.title}", self.new.of_id(rule))

    def _gone(self, rule: Rule) -> Change:
        known = {one.id for one in self.base.pack.rules}
        other = alike(rule, (one for one in self.head.pack.rules if one.id not in known))
        hint = f"; {other.id} looks like it: replaces: [{rule.id}] says so" if other else ""
        mark = self.old.of_id(rule)
        return Change("DIFF001", rule.id, f"removed ({rule.severity}): {rule.title}{hint}", mark, mark)

    def _of(self, pair: Pair, before: Rule, after: Rule, heirs: tuple[Rule, ...]) -> Iterator[Change]:
        yield from self._identity(pair, before, after)
        first = len(heirs) == 1 or heirs[0].id == after.id
        if first and before.target.lower() == after.target.lower():
            yield from self._verdicts(before, heirs)
        yield from self._weight(before, after)
        mark = self.new.of_id(after)
        yield from parameters.of(
            after.id, before.parameters, after.parameters, mark, moved_to=self.head.pack.parameters
        )
        yield from self._words(before, after)

    def _identity(self, pair: Pair, before: Rule, after: Rule) -> Iterator[Change]:
        if before.id != after.id:
            words = {"split": "is a part of what was", "merged": "stands with others for what was"}
            what = f"{words.get(pair.kind, 'was')} {before.id}"
            yield Change("DIFF003", after.id, what, self.new.of_id(after), self.old.of_id(before))
        if before.target.lower() != after.target.lower():
            what = f"target {before.target} -> {after.target}"
            yield self._at("DIFF004", before, after, what, "target")
        old_file = before.mark.file.removeprefix(f"{self.base.name}/")
        new_file = after.mark.file.removeprefix(f"{self.head.name}/")
        if old_file != new_file and before.id == after.id:
            what = f"moved from {old_file} to {new_file}"
            yield Change("DIFF022", after.id, what, after.mark, before.mark)

    def _verdicts(self, before: Rule, afters: tuple[Rule, ...]) -> Iterator[Change]:
        """What can be decided differently with the values that each pack ships."""
        after = afters[0]
        if (before.check is None) != (after.check is None):
            what = "a person attests it now" if after.check is None else "the scanner decides it now"
            yield self._at("DIFF015", before, after, what, "manual", "assert", "failIf")
            return
        if before.check is None:
            if before.manual != after.manual or shape(before.when) != shape(after.when):
                yield self._at("DIFF017", before, after, "what is to be attested", "manual", "when")
            return
        whole = after if len(afters) == 1 else joined(afters)
        mine = rule_values(self.base.pack, before, self.base.pack.values)
        theirs = merged_values(
            tuple(rule_values(self.head.pack, rule, self.head.pack.values) for rule in afters)
        )
        if whole is None or theirs is None:
            yield self._at("DIFF007", before, after, "its parts cannot be put together to be tried", "assert")
            return
        same = len(afters) == 1 and decision(before) == decision(whole)
        values = [name for name in used_parameters(before) if mine.get(name) != theirs.get(name)]
        if same and not values:
            return
        moved = moves(OneRule(before, mine), OneRule(whole, theirs), self.compared)
        self.compared += 1
        given = "; ".join(
            f"{name} {value_text(mine.get(name))} -> {value_text(theirs.get(name))}" for name in values
        )
        places = self._values(before, after, values[0]) if same else self._condition(before, after)
        yield from self._told(before, afters, moved, given, places, same=same)

    def _told(
        self,
        before: Rule,
        afters: tuple[Rule, ...],
        moved: Moves,
        given: str,
        places: tuple[Mark, Mark],
        *,
        same: bool,
    ) -> Iterator[Change]:
        after = afters[0]
        mark, old = places
        parts = f" (with {', '.join(rule.id for rule in afters[1:])})" if len(afters) > 1 else ""
        lines = [f"parameters: {given}"] if given else []
        if not same:
            lines += _sources(before, after)
        lines.append(looked_at(complete=moved.complete, note=moved.note))
        if moved.found:
            found = tuple(sorted(possible(moved), key=_rank))
            told = ", ".join(one.words for one in found)
            sampled = "" if moved.complete else " (sampled)"
            lines += [line for one in found[:_EXAMPLES] for line in one.lines]
            code, what = "DIFF005", f"possible{parts}: {told}{sampled}"
            yield Change(code, after.id, what, mark, old, "\n".join(lines), found, moved.complete)
        elif not moved.complete:
            code, what = "DIFF007", f"decides alike in the cases that were tried{parts}"
            yield Change(code, after.id, what, mark, old, "\n".join(lines), complete=False)
        elif not same:
            code, what = "DIFF006", f"the condition is written differently and decides alike{parts}"
            yield Change(code, after.id, what, mark, old, "\n".join(lines), complete=True)

    def _values(self, before: Rule, after: Rule, name: str) -> tuple[Mark, Mark]:
        """Where a parameter is declared on both sides."""
        new = after.parameters.get(name) or self.head.pack.parameters.get(name)
        old = before.parameters.get(name) or self.base.pack.parameters.get(name)
        return new.mark if new else self.new.of_id(after), old.mark if old else self.old.of_id(before)

    def _condition(self, before: Rule, after: Rule) -> tuple[Mark, Mark]:
        """Where the conditions differ."""
        if shape(before.check) != shape(after.check):
            old, new = difference(before.check, after.check)
            keys: tuple[str, ...] = ("assert", "failIf")
        else:
            old, new = difference(before.when, after.when)
            keys = ("when",)
        mark = self.new.of_key(after, *keys) if new == NOWHERE else new
        return mark, self.old.of_key(before, *keys) if old == NOWHERE else old

    def _weight(self, before: Rule, after: Rule) -> Iterator[Change]:
        if before.severity != after.severity:
            yield self._at(
                "DIFF008", before, after, f"severity {before.severity} -> {after.severity}", "severity"
            )
        if before.enabled != after.enabled:
            reason = f" ({after.disabled_reason})" if after.disabled_reason and not after.enabled else ""
            what = f"{'on' if after.enabled else 'off'} by default now{reason}"
            yield self._at("DIFF013", before, after, what, "enabled")
        if before.waivable != after.waivable:
            what = "may be waived now" if after.waivable else "may no longer be waived"
            yield self._at("DIFF014", before, after, what, "waivable")
        if before.settles != after.settles:
            what = (
                "failures count as settling for a while"
                if after.settles
                else "failures no longer count as settling"
            )
            yield self._at("DIFF014", before, after, what, "settles")
        if before.status != after.status:
            yield self._at("DIFF019", before, after, f"status {before.status} -> {after.status}", "status")
        if set(before.replaces) != set(after.replaces) and before.id == after.id:
            what = f"stands for {', '.join(after.replaces) or 'no other rule'}, was {', '.join(before.replaces) or 'none'}"
            yield self._at("DIFF019", before, after, what, "replaces")
        gained = [f"+{one.framework} {one.id}" for one in after.controls if one not in before.controls]
        lost = [f"-{one.framework} {one.id}" for one in before.controls if one not in after.controls]
        if gained or lost:
            yield self._at("DIFF016", before, after, f"controls {', '.join([*gained, *lost])}", "controls")

    def _words(self, before: Rule, after: Rule) -> Iterator[Change]:
        changed = [name for field, name in _TEXTS.items() if getattr(before, field) != getattr(after, field)]
        messages = (
            ("message", before.message, after.message),
            ("notApplicableMessage", before.not_applicable_message, after.not_applicable_message),
        )
        changed += [name for name, one, other in messages if _bare(one) != _bare(other)]
        if _remedy(before) != _remedy(after):
            changed.append("remediation")
        if changed:
            yield self._at("DIFF017", before, after, f"words: {', '.join(changed)}", *changed)
        one = {test.name: replace(test, mark=NOWHERE) for test in before.tests}
        other = {test.name: replace(test, mark=NOWHERE) for test in after.tests}
        if one != other:
            differing = sum(one[name] != other[name] for name in one.keys() & other.keys())
            what = f"tests: {len(other.keys() - one.keys())} new, {len(one.keys() - other.keys())} gone, {differing} changed"
            yield self._at("DIFF018", before, after, what, "tests")

    def _at(self, code: str, before: Rule, after: Rule, what: str, *keys: str) -> Change:
        return Change(code, after.id, what, self.new.of_key(after, *keys), self.old.of_key(before, *keys))


def _rank(one: Possible) -> tuple[int, str, str]:
    pair = one.before, one.after
    return _SHOWN.index(pair) if pair in _SHOWN else len(_SHOWN), *pair


def _sources(before: Rule, after: Rule) -> Iterator[str]:
    """Both conditions as they are written, where they differ."""
    for key, one, other in (("when", before.when, after.when), ("assert", before.check, after.check)):
        if shape(one) != shape(other):
            yield f"- {key}: {condition_text(one, 6) if one is not None else '(none)'}"
            yield f"+ {key}: {condition_text(other, 6) if other is not None else '(none)'}"


def _bare(message: tuple[str | Placeholder, ...]) -> list[object]:
    """A message without places."""
    return [part if isinstance(part, str) else (part.kind, part.keys) for part in message]


def _remedy(rule: Rule) -> list[object]:
    remedy = rule.remediation
    commands = [[_bare(word) for word in command] for command in remedy.az]
    return [remedy.effort, commands, remedy.bicep, remedy.terraform, remedy.manual]
