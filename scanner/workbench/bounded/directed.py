"""Elements on purpose: the conditions asked of a list's elements come in, combinations of values that make each part decide come out.

Where there are too many combinations to try, chance alone would hardly meet eight conditions at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from scanner.engine import paths
from scanner.engine.proof import Truth
from scanner.model.condition import Leaf, Logic, Path
from scanner.model.values import ABSENT
from scanner.workbench.bounded.oracle import Oracle
from scanner.workbench.bounded.sites import Site

Allowed: TypeAlias = Mapping[int, frozenset[int]]
"""Place (position among the parts) -> positions of the values it may have."""


class Director:
    """Knows the places of one list's elements and their values."""

    def __init__(
        self,
        oracle: Oracle,
        variable: paths.Variable,
        parts: Sequence[tuple[tuple[str, ...], list[Any]]],
        operands: Callable[[Leaf], list[Any]],
    ) -> None:
        """`operands`: what a leaf is compared with; [] where that is another place."""
        self.oracle = oracle
        self.variable = variable
        self.at = {keys: number for number, (keys, _) in enumerate(parts)}
        self.parts = parts
        self.operands = operands

    def combinations(self, wheres: Iterable[Site]) -> Iterator[tuple[int, ...]]:
        """For each site and both truths one combination in which it alone decides, as far as leaves can be chosen."""
        for root in wheres:
            for site in root.walk():
                for wanted in (True, False):
                    goals = [(site, wanted), *_neutral(site, root)]
                    found = self._solve(goals, {})
                    if found is not None:
                        yield tuple(
                            min(found.get(number, frozenset({0}))) for number in range(len(self.parts))
                        )

    def _solve(self, goals: list[tuple[Site, bool]], allowed: Allowed) -> Allowed | None:
        if not goals:
            return allowed
        (site, wanted), rest = goals[0], goals[1:]
        node = site.node
        if isinstance(node, Logic) and node.kind == "not":
            return self._solve([(site.children[0], not wanted), *rest], allowed)
        if isinstance(node, Logic):
            if (node.kind == "allOf") is wanted:
                return self._solve([*((child, wanted) for child in site.children), *rest], allowed)
            for child in site.children:
                found = self._solve([(child, wanted), *rest], allowed)
                if found is not None:
                    return found
            return None
        if isinstance(node, Leaf):
            narrowed = self._narrowed(node, allowed, wanted=wanted)
            return None if narrowed is None else self._solve(rest, narrowed)
        return self._solve(rest, allowed)  # depends on more than this element: left to the other axes

    def _narrowed(self, leaf: Leaf, allowed: Allowed, *, wanted: bool) -> Allowed | None:
        at = self.at.get(leaf.subject.keys) if isinstance(leaf.subject, Path) else None
        if at is None or not isinstance(leaf.subject, Path) or not leaf.subject.var:
            return allowed
        answer = Truth.TRUE if wanted else Truth.FALSE
        values = self.parts[at][1]
        operands = self.operands(leaf)
        fit = frozenset(
            number
            for number in allowed.get(at, range(len(values)))
            if any(self.oracle.decide(leaf, self.variable, values[number], one) is answer for one in operands)
            or (
                not operands and values[number] is not ABSENT
            )  # compared with another place: something must stand here
        )
        return {**allowed, at: fit} if fit else None


def _neutral(site: Site, root: Site) -> Iterator[tuple[Site, bool]]:
    """What the other parts must be so that the root hangs on the site."""
    for child in site.path():
        parent = child.parent
        if child is root or parent is None:
            return
        if isinstance(parent.node, Logic) and parent.node.kind != "not":
            yield from (
                (other, parent.node.kind == "allOf") for other in parent.children if other is not child
            )
