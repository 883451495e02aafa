"""A rule and what stands for it come in; its verdicts under every set of parameter values of both sides come out, compared.

Values that hold everywhere come first, then those of each scoped block of a profile of either side. Equal values are tried
once, however many blocks give them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from scanner.engine.evaluate import rule_values
from scanner.model.condition import Mark
from scanner.model.rule import Rule, RulePack
from scanner.workbench.bounded.moves import Moves
from scanner.workbench.bounded.moves import Side as OneRule
from scanner.workbench.flow import value_text
from scanner.workbench.moving import joined, merged_values, moves
from scanner.workbench.pairs import decision
from scanner.workbench.places import used_parameters
from scanner.workbench.sides import Side

UNTRIED = Moves({}, complete=False, note="two of its parts give one parameter two values")
_Values: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Trial:
    """One comparison. `where`: the scoped block of a profile whose values it is about, None for those that hold everywhere."""

    where: Mark | None
    before: _Values
    after: _Values
    moved: Moves


@dataclass(slots=True)
class Trials:
    """Comparisons of rules of two sides; each older rule is tried once."""

    base: Side
    head: Side
    _known: dict[str, tuple[Trial, ...]] = field(default_factory=dict)
    _done: int = 0

    def of(self, before: Rule, afters: tuple[Rule, ...]) -> tuple[Trial, ...]:
        """All trials of an older rule; none where it decides by the same condition and the same values."""
        if before.id not in self._known:
            self._known[before.id] = tuple(self._of(before, afters))
        return self._known[before.id]

    def _of(self, before: Rule, afters: tuple[Rule, ...]) -> Iterator[Trial]:
        after = afters[0] if len(afters) == 1 else joined(afters)
        if after is None:
            return
        same = len(afters) == 1 and decision(before) == decision(after)
        names = sorted({name for rule in (before, *afters) for name in used_parameters(rule)})
        met: set[str] = set()
        for where, mine, several in self._values(before, afters):
            theirs = merged_values(several)
            key = value_text([[one.get(name) for name in names] for one in (mine, *several)])
            if key in met or (same and all(mine.get(name) == several[0].get(name) for name in names)):
                continue
            met.add(key)
            if theirs is None:
                yield Trial(where, mine, several[0], UNTRIED)
            else:
                moved = moves(OneRule(before, mine), OneRule(after, theirs), self._done)
                self._done += 1
                yield Trial(where, mine, theirs, moved)

    def _values(
        self, before: Rule, afters: tuple[Rule, ...]
    ) -> Iterator[tuple[Mark | None, _Values, tuple[_Values, ...]]]:
        """Parameter values of the older rule and of each newer one: everywhere, and in each scope that a profile names."""
        old, new = self.base.pack, self.head.pack

        def of(mine: _Values, theirs: _Values) -> tuple[_Values, tuple[_Values, ...]]:
            return rule_values(old, before, mine), tuple(rule_values(new, rule, theirs) for rule in afters)

        yield None, *of(old.values, new.values)
        inside = [_by_scope(pack) for pack in (old, new)]
        scopes = {(block.kind, block.scope.lower()): block.mark for block in (*old.scoped, *new.scoped)}
        for scope, mark in scopes.items():
            mine, theirs = (
                {**pack.values, **blocks.get(scope, {})}
                for pack, blocks in zip((old, new), inside, strict=True)
            )
            yield mark, *of(mine, theirs)


def _by_scope(pack: RulePack) -> dict[tuple[str, str], dict[str, Any]]:
    """The values of scoped blocks, by their scope; later blocks win."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for block in pack.scoped:
        found.setdefault((block.kind, block.scope.lower()), {}).update(block.values)
    return found
