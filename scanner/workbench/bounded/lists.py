"""Lists worth trying: the scope of a list comes in; empty ones, ones with one, two and more elements come out.

Which elements stand together matters: those that show what a part of a condition does are tried with all others.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scanner.engine import paths
from scanner.engine.case import Bound, Case, elements
from scanner.model.condition import ListSource, Param, Path, Related
from scanner.model.rule import Rule
from scanner.model.values import ABSENT, Unknown, UnreadTail
from scanner.workbench.bounded.axes import UNREAD, Axis, Chooser, Limits, Listed
from scanner.workbench.bounded.masks import Forced, Masks
from scanner.workbench.bounded.parameters import is_number
from scanner.workbench.bounded.scopes import Keys, Scope, Scopes
from scanner.workbench.bounded.sites import Site
from scanner.workbench.bounded.space import Space, first_row
from scanner.workbench.unit import relations_from, resource_of

MAX_COUNTED = 24
"""The longest list that is made for a count."""
_NOBODY = resource_of("Microsoft.ContainerRegistry/registries", {})


@dataclass(slots=True, eq=False)
class Tried:
    """One list. `ones`: lists of one element each; `telling`: positions of those that show something; `threes`: longer ones."""

    place: str
    keys: Keys
    scope: Scope
    ones: list[Listed]
    telling: list[int]
    threes: list[Listed] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The list as people call it."""
        return ".".join(self.keys)

    @property
    def some(self) -> list[Listed]:
        """The elements that show something."""
        return [self.ones[at] for at in self.telling]


@dataclass(slots=True)
class Lists:
    """All lists of a domain. `read`: per rule the trees of its conditions and what it reads for each parameter value."""

    rule: Rule
    scopes: Scopes
    chooser: Chooser
    limits: Limits
    axes: list[Axis]
    read: Sequence[tuple[list[Site], Mapping[str, tuple[Any, ...]]]]
    all: list[Tried] = field(default_factory=list)

    def choose(self) -> None:
        """Find the elements of every list, then those that show something, then lists of three where they are needed."""
        places = [("target", keys, scope) for keys, scope in sorted(self.scopes.target.lists.items())]
        places += [("related", (name,), scope) for name, scope in sorted(self.scopes.related.items())]
        for place, keys, scope in places:
            raws, chosen = self.chooser.elements(scope, ".".join(keys))
            ones = [self._listed(place, keys, [raw]) for raw in raws]
            self.all.append(
                Tried(place, keys, scope, ones, list(range(chosen)) if scope.together > 1 else [])
            )
        for tried in self.all:
            tried.telling = list(dict.fromkeys([*self._telling(tried, tried.ones), *tried.telling]))
        for tried in self.all:
            if tried.scope.together > 2:
                self._longer(tried)

    def _longer(self, tried: Tried) -> None:
        """Lists of three, where a condition looks at so many together: pairs that show something, and one more."""
        self.chooser.sampled(tried.name)
        twos = [joined(pair) for pair in itertools.product(tried.some, tried.some)][: self.limits.pairs]
        found = self._telling(tried, twos)
        tried.threes = [joined([twos[at], one]) for at in found for one in tried.some][: self.limits.pairs]

    def _telling(self, tried: Tried, candidates: list[Listed]) -> list[int]:
        """Positions of the candidates that show what each part of a condition on elements does: the part alone decides, both ways."""
        if not candidates:
            return []
        others = [
            Axis(other.place, other.keys, [self._listed(other.place, other.keys, []), *other.ones[:12]])
            for other in self.all
            if other is not tried
        ]
        space = Space.over(
            [Axis(tried.place, tried.keys, candidates), *self.axes, *others], self.limits.rows // 3
        )
        chosen: dict[int, None] = {}
        for roots, params in self.read:
            masks = Masks(space, self.chooser.oracle, params)
            for root in roots:
                true, false = masks.of(root)
                for site in root.walk():
                    if not any(ancestor in tried.scope.wheres for ancestor in site.path()):
                        continue
                    high, low = (masks.of(root, Forced(site, holds)) for holds in (True, False))
                    decides = (high[0] & low[1]) | (high[1] & low[0])
                    for rows in (decides & true, decides & false):
                        if rows:
                            chosen.setdefault(space.at(first_row(rows))[0])
        return list(chosen) or [0]

    def tried_lists(self, tried: Tried, level: int) -> list[Listed]:
        """The lists that are tried. `level`: 0 all, 1 fewer pairs, 2 only elements that show something."""
        found = [self._listed(tried.place, tried.keys, [])]
        if tried.place == "target" and tried.keys in self.scopes.target.uses:
            found.insert(0, Listed(ABSENT, ()))
        some = tried.some
        found += tried.ones if level < 2 else some
        twos = list(itertools.product(some, some))
        if level == 0:
            known = set(tried.telling)
            twos += itertools.product(some, (one for at, one in enumerate(tried.ones) if at not in known))
        if len(twos) > self.limits.pairs:
            self.chooser.sampled(tried.name)
        found += [joined(pair) for pair in twos[: self.limits.pairs] if _together(*pair)]
        for number in self._numbers(tried.scope):
            found += [joined([one] * number) for one in some[:4]]
        if self.chooser.unread:
            found.append(Listed(UNREAD, (), unread=True))
            found += [
                Listed([*one.raw, UnreadTail("429")], one.bounds, unread=True)
                for one in some
                if isinstance(one.raw, list)
            ]
        return found + tried.threes

    def _numbers(self, scope: Scope) -> list[int]:
        """Lengths on both sides of what counts over the list compare with."""
        found: set[int] = set()
        for count in scope.counted:
            operand = count.operand
            wanted = self.chooser.param_values[operand.name] if isinstance(operand, Param) else [operand]
            for number in filter(is_number, wanted):
                found |= {int(number) - 1, int(number), int(number) + 1}
        return sorted(number for number in found if 2 < number <= MAX_COUNTED)

    def _listed(self, place: str, keys: Keys, raws: list[Any]) -> Listed:
        """A list with its elements as the engine binds them."""
        now = self.chooser.oracle.now
        if place == "related":
            of: ListSource = Related(keys[0])
            related = relations_from(self.rule, {keys[0]: raws})
            found = elements(of, Case(_NOBODY, related, self.scopes.element_types, {}, now), {})
            return Listed(raws, tuple(found.bounds))
        raw: Any = raws
        if self.scopes.target.lists[keys].variable.map:
            raw = {item.get("key") or "key": item.get("value", {}) for item in raws if isinstance(item, dict)}
        body: Any = raw
        for key in reversed(keys):
            body = {key: body}
        env = {paths.TARGET: Bound(self.scopes.target.variable, body, {})}
        case = Case(_NOBODY, lambda _: Unknown("not asked"), {}, {}, now, env)
        return Listed(raw, tuple(elements(Path(paths.TARGET, keys), case, env).bounds))


def joined(lists: Sequence[Listed]) -> Listed:
    """One list with the elements of several."""
    bounds = tuple(bound for one in lists for bound in one.bounds)
    if isinstance(lists[0].raw, dict):
        return Listed({key: value for one in lists for key, value in one.raw.items()}, bounds)
    return Listed([item for one in lists for item in one.raw], bounds)


def _together(one: Listed, two: Listed) -> bool:
    """Whether two elements can stand in one list: keys of a map differ."""
    return not (isinstance(one.raw, dict) and set(one.raw) & set(two.raw))
