"""Rows on purpose: axes and the trees of one or two rules come in; rows in which a wanted verdict meets another come out.

Where the combinations are too many, chance alone would hardly meet ten conditions at once. What a condition makes of an axis
is looked up with the other axes at their first value, so that a row is aimed at, not promised.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from scanner.model.condition import Count, Leaf, Logic, Param, Path, Quantifier, Ref, Related
from scanner.workbench.bounded.axes import Axis
from scanner.workbench.bounded.masks import Masks
from scanner.workbench.bounded.oracle import Oracle
from scanner.workbench.bounded.sites import Site
from scanner.workbench.bounded.space import Space

Goal: TypeAlias = tuple[int, Site, bool]
"""Which rule, which of its sites, and what it shall be."""
Allowed: TypeAlias = Mapping[int, frozenset[int]]
"""Position of an axis -> positions of the values it may have."""
MAX_STEPS = 100_000
MAX_ROWS = 2_000
FILLS = 3
"""Rows for each aim: the axes that it says nothing of are filled in different ways."""


@dataclass(frozen=True, slots=True)
class Aimed:
    """A rule as it is aimed at. `read`: what it reads for each value of each parameter's axis."""

    when: Site | None
    check: Site | None
    read: Mapping[str, tuple[Any, ...]]


@dataclass(slots=True)
class Aim:
    """Looks for rows over the axes."""

    axes: Sequence[Axis]
    oracle: Oracle
    rules: Sequence[Aimed]
    _steps: int = 0
    _spaces: dict[int, Space] = field(default_factory=dict)
    _fits: dict[int, tuple[int, frozenset[int], frozenset[int]] | None] = field(default_factory=dict)

    def rows(self) -> list[tuple[int, ...]]:
        """At most `MAX_ROWS` rows, the same ones each time: for every verdict beside every other, then for every site."""
        draw = random.Random(20_261_125).random  # noqa: S311 - a sample, not a secret
        found: dict[tuple[int, ...], None] = {}
        for goals in itertools.chain(self._verdicts(), self._sites()):
            if self._steps > MAX_STEPS or len(found) >= MAX_ROWS:
                break
            allowed = self._solve(goals, {})
            if allowed is None:
                continue
            for fill in range(FILLS):
                row = []
                for at, axis in enumerate(self.axes):
                    fit = sorted(allowed.get(at, range(len(axis.reps))))
                    row.append(fit[int(draw() * len(fit))] if fill else fit[0])
                found.setdefault(tuple(row))
        return list(found)

    def _verdicts(self) -> Iterator[list[Goal]]:
        """Every verdict of each rule beside every verdict of the other."""
        each = [list(_letters(number, rule)) for number, rule in enumerate(self.rules)]
        together = list(itertools.product(*each))
        for several in sorted(together, key=_alike):
            yield [goal for goals in several for goal in goals]

    def _sites(self) -> Iterator[list[Goal]]:
        """For each site and both truths a row in which the rule hangs on it."""
        for number, rule in enumerate(self.rules):
            for root in (rule.when, rule.check):
                asked = [(number, rule.when, True)] if rule.when is not None and root is rule.check else []
                for site in _outer(root) if root is not None else ():
                    for wanted in (True, False):
                        yield [*asked, (number, site, wanted), *((number, *one) for one in _neutral(site))]

    def _solve(self, goals: Sequence[Goal], allowed: Allowed) -> Allowed | None:
        """The narrowest choice of values for all goals, or None where one excludes another."""
        waiting = list(goals)
        while waiting:
            self._steps += 1
            number, site, wanted = waiting.pop(0)
            node = site.node
            if isinstance(node, Ref):
                waiting.insert(0, (number, site.children[0], wanted))
            elif isinstance(node, Logic) and node.kind == "not":
                waiting.insert(0, (number, site.children[0], not wanted))
            elif isinstance(node, Logic) and (node.kind == "allOf") is wanted:
                waiting[:0] = [(number, child, wanted) for child in site.children]
            elif isinstance(node, Logic):
                return self._any(((number, child, wanted) for child in site.children), waiting, allowed)
            else:
                narrowed = self._narrowed(number, site, allowed, wanted=wanted)
                if narrowed is None:
                    return None
                allowed = narrowed
        return allowed

    def _any(self, choices: Iterable[Goal], waiting: Sequence[Goal], allowed: Allowed) -> Allowed | None:
        for choice in choices:
            if self._steps > MAX_STEPS:
                return None
            found = self._solve([choice], allowed)
            if found is not None and (whole := self._solve(waiting, found)) is not None:
                return whole
        return None

    def _narrowed(self, number: int, site: Site, allowed: Allowed, *, wanted: bool) -> Allowed | None:
        if id(site) not in self._fits:
            self._fits[id(site)] = self._fit(number, site)
        known = self._fits[id(site)]
        if known is None:
            return allowed
        at, true, false = known
        fit = (true if wanted else false) & allowed.get(at, true | false)
        return {**allowed, at: fit} if fit else None

    def _fit(self, number: int, site: Site) -> tuple[int, frozenset[int], frozenset[int]] | None:
        """The axis that a leaf or quantifier hangs on, with the values that make it hold and those that do not."""
        place = _place(site)
        at = next((at for at, axis in enumerate(self.axes) if (axis.place, axis.keys) == place), None)
        if at is None:
            return None
        if at not in self._spaces:
            self._spaces[at] = Space.over(
                [
                    axis if one == at else Axis(axis.place, axis.keys, axis.reps[:1], axis.variable)
                    for one, axis in enumerate(self.axes)
                ],
                len(self.axes[at].reps),
            )
        space = self._spaces[at]
        read = {
            name: values if place == ("param", (name,)) else values[:1]
            for name, values in self.rules[number].read.items()
        }
        sides = [
            frozenset(value for value, rows in enumerate(space.selected[at]) if rows & truth)
            for truth in Masks(space, self.oracle, read).of(site)
        ]
        return (at, sides[0], sides[1]) if any(sides) else None


def _alike(several: Sequence[list[Goal]]) -> bool:
    """Whether all rules are to say the same: what differs is looked for first."""
    return len({tuple(wanted for _, _, wanted in goals) for goals in several}) == 1


def _letters(number: int, rule: Aimed) -> Iterator[list[Goal]]:
    """What makes a rule fail, pass and not apply."""
    applies = [(number, rule.when, True)] if rule.when is not None else []
    if rule.check is not None:
        for wanted in (False, True):
            yield [*applies, (number, rule.check, wanted)]
    if rule.when is not None:
        yield [(number, rule.when, False)]


def _outer(site: Site) -> Iterator[Site]:
    """The site and those below it that are about no element."""
    yield site
    if not isinstance(site.node, (Quantifier, Count)):
        for child in site.children:
            yield from _outer(child)


def _neutral(site: Site) -> Iterator[tuple[Site, bool]]:
    """What the others must be so that the root hangs on the site."""
    for child in site.path():
        parent = child.parent
        if parent is not None and isinstance(parent.node, Logic) and parent.node.kind != "not":
            yield from (
                (other, parent.node.kind == "allOf") for other in parent.children if other is not child
            )


def _place(site: Site) -> tuple[str, tuple[str, ...]] | None:
    """The axis that a leaf or quantifier reads first."""
    node = site.node
    subject = (
        node.subject if isinstance(node, Leaf) else node.of if isinstance(node, (Quantifier, Count)) else None
    )
    match subject:
        case Param():
            return "param", (subject.name,)
        case Related():
            return "related", (subject.name,)
        case Path():
            return "target", subject.keys
        case _:
            return None
