"""Lists worth trying: the scope of a list comes in; empty ones, ones with one, two and more elements come out.

Which elements stand together matters: those that show what a part of a condition does are tried with all others.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scanner.engine import paths
from scanner.engine.case import Bound, Case, elements
from scanner.language.digest import shape
from scanner.model.condition import Count, ListSource, Param, Path, Quantifier, Related
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
MAX_KINDS = 16
"""Elements that several quantifiers answer differently, which are tried together in every way; of more, only witnesses."""
MAX_GATHERED = 400
"""Lists that are made for more than two quantifiers over one list; where all would be more, a quarter of it is a sample."""
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
    mixed: bool = False
    """Whether something else is asked of its elements besides a count of them."""

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
            asked = self._asked(tried)
            bare = any(count.where is None for count in tried.scope.counted)
            tried.mixed = bool(tried.scope.counted) and len(asked) + bare > 1
            if len(asked) > 1:
                tried.telling = list(dict.fromkeys([*tried.telling, *self._witnesses(tried, asked)]))
            if tried.scope.together > 2:
                self._longer(tried)
            elif len(asked) > 2:
                self._gathered(tried, len(asked))

    def _asked(self, tried: Tried) -> list[tuple[Site, Mapping[str, tuple[Any, ...]]]]:
        """The outermost quantifiers over a list that ask different things of its elements, with what their rule reads."""
        found: dict[str, tuple[Site, Mapping[str, tuple[Any, ...]]]] = {}
        for roots, params in self.read:
            for site in itertools.chain.from_iterable(root.walk() for root in roots):
                above = itertools.islice(site.path(), 1, None)
                if any(child in tried.scope.wheres for child in site.children) and not any(
                    isinstance(outer.node, (Quantifier, Count)) for outer in above
                ):
                    found.setdefault(
                        repr((shape(site.children[0].node), sorted(params.items()))), (site, params)
                    )
        return list(found.values())

    def _witnesses(
        self, tried: Tried, asked: Sequence[tuple[Site, Mapping[str, tuple[Any, ...]]]]
    ) -> Iterator[int]:
        """An element of each kind that the quantifiers answer differently; of too many, for each quantifier one that it holds of and one not."""
        space = self._space(tried, tried.ones)
        known = set(tried.telling)
        truths = [Masks(space, self.chooser.oracle, params).of(site) for site, params in asked]
        if space.complete:
            kinds: dict[tuple[int, ...], int] = {}
            for at, rows in enumerate(space.selected[0]):
                kinds.setdefault(tuple((truth & rows) >> at for pair in truths for truth in pair), at)
            if len(kinds) <= MAX_KINDS:
                yield from kinds.values()
                return
        self.chooser.sampled(tried.name)
        for pair in truths:
            for rows in pair:
                if rows and not any(rows & space.selected[0][at] for at in known):
                    known.add(space.at(first_row(rows))[0])
                    yield space.at(first_row(rows))[0]

    def _gathered(self, tried: Tried, number: int) -> None:
        """Lists of as many elements as there are quantifiers: each may be the only one that one of them asks for."""
        some, most = tried.some, min(self.limits.pairs, MAX_GATHERED)
        long = [size for size in range(len(some), len(some) - 3, -1) if size > 2]
        short = [size for size in range(3, number + 1) if size < len(some) and size not in long]
        every = itertools.chain.from_iterable(itertools.combinations(some, size) for size in (*long, *short))
        made = list(itertools.islice(every, most + 1))
        if len(made) > most:
            self.chooser.sampled(tried.name)
            made = made[: most // 4]
        tried.threes = [joined(one) for one in sorted(made, key=len) if _distinct(one)]

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
        space = self._space(tried, candidates)
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

    def _space(self, tried: Tried, candidates: list[Listed]) -> Space:
        """A small space with these lists, and few of the other lists."""
        others = [
            Axis(other.place, other.keys, [self._listed(other.place, other.keys, []), *other.ones[:12]])
            for other in self.all
            if other is not tried
        ]
        return Space.over(
            [Axis(tried.place, tried.keys, candidates), *self.axes, *others], self.limits.rows // 3
        )

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
        found += [joined(pair) for pair in twos[: self.limits.pairs] if _distinct(pair)]
        numbers = self._numbers(tried.scope)
        for number in (one for one in numbers if one > 2):
            found += [joined([one] * number) for one in some[:4]]
        if tried.mixed and numbers:
            self.chooser.sampled(tried.name)
            found += [
                joined([*[one] * number, *more])
                for number in numbers
                for one in some[:4]
                for more in itertools.permutations(some[:6], 1 + (number == numbers[-1]))
            ]
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
        if any(number > MAX_COUNTED for number in found):
            self.chooser.sampled(self._name_of(scope))
        return sorted(number for number in found if 1 < number <= MAX_COUNTED)

    def _name_of(self, scope: Scope) -> str:
        return next((tried.name for tried in self.all if tried.scope is scope), "")

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


def _distinct(lists: Sequence[Listed]) -> bool:
    """Whether elements can stand in one list: keys of a map differ."""
    maps = [one.raw for one in lists if isinstance(one.raw, dict)]
    return len({key for one in maps for key in one}) == sum(map(len, maps))
