"""The domain of one or two rules: rules with parameter values come in, a space with what every value means comes out."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scanner.engine import paths
from scanner.engine.case import Bound, Case, elements
from scanner.engine.operators.time import instant
from scanner.engine.relations import relations_for
from scanner.language.parameters import value_problem
from scanner.model.condition import ListSource, Param, Path, Related
from scanner.model.rule import Parameter, Rule
from scanner.model.values import ABSENT, Unknown, UnreadTail
from scanner.workbench.bounded.axes import SCOPES, TEXTS, UNREAD, USUAL, UUIDS, Axis, Chooser, Limits, Listed
from scanner.workbench.bounded.harvest import harvested
from scanner.workbench.bounded.masks import Forced, Masks
from scanner.workbench.bounded.oracle import Oracle, planted
from scanner.workbench.bounded.scopes import Keys, Scope, Scopes, Use, collect
from scanner.workbench.bounded.sites import Site, sites_of
from scanner.workbench.bounded.space import Space, first_row
from scanner.workbench.unit import NOW, relations_from, resource_of

MAX_COUNTED = 24
"""The longest list that is made for a count."""


@dataclass(slots=True)
class Subject:
    """A rule in the domain: its sites and the values of its parameters per value of each parameter's axis."""

    rule: Rule
    when: Site | None
    check: Site | None
    params: Mapping[str, tuple[Any, ...]]

    @property
    def roots(self) -> list[Site]:
        """The trees that there are."""
        return [site for site in (self.when, self.check) if site is not None]


@dataclass(slots=True)
class Domain:
    """A space with the rules that it was made for. `short`: places of which only a sample was tried."""

    target: str
    oracle: Oracle
    space: Space
    scopes: Scopes
    subjects: list[Subject]
    short: list[str] = field(default_factory=list)
    masks: list[Masks] = field(default_factory=list)
    """One per subject."""
    possible: int = 0
    """The rows that some resource can have: nothing stands below what is absent."""

    @property
    def complete(self) -> bool:
        """Whether nothing was sampled."""
        return self.space.complete and not self.short


def domain(
    rules: Sequence[Rule],
    values: Sequence[Mapping[str, Any]],
    declared: Mapping[str, Parameter],
    *,
    free: bool,
    unread: bool = False,
    limits: Limits = USUAL,
) -> Domain:
    """The domain of rules with one target. `values`: effective parameter values of each rule.

    `free`: parameters vary too (within what `declared` allows); otherwise each rule keeps its values.
    `unread`: what could not be read is tried too.
    """
    return _Builder(rules, values, declared, free=free, unread=unread, limits=limits).build()


class _Builder:
    def __init__(
        self,
        rules: Sequence[Rule],
        values: Sequence[Mapping[str, Any]],
        declared: Mapping[str, Parameter],
        *,
        free: bool,
        unread: bool,
        limits: Limits,
    ) -> None:
        self.rules = rules
        self.values = values
        self.declared = declared
        self.free = free
        self.limits = limits
        self.target = rules[0].target
        self.oracle = Oracle(instant(NOW) or 0.0)
        self.trees = [sites_of(rule) for rule in rules]
        roots = [site for pair in self.trees for site in pair if site is not None]
        self.element_types = {relation.name: relation.element for relation in relations_for(self.target)}
        self.scopes = collect(roots, self.target, self.element_types)
        harvest, given = harvested(self.scopes, rules)
        self.tried = {
            name: self._tried(name, use, given.get(name, [])) for name, use in self.scopes.params.items()
        }
        names = {id(use): name for name, use in self.scopes.params.items()}
        members = {id(scope.use(())): name for name, scope in self.scopes.param_lists.items()}
        self.chooser = Chooser(self.oracle, declared, harvest, self.tried, names, members, unread, limits)

    def _tried(self, name: str, use: Use, given: list[Any]) -> list[Any]:
        """The values that are tried for a parameter; where nothing varies, those that the rules have."""
        own = [values.get(name) for values in self.values]
        if not self.free or any(own[0] != other and not _shifted(own[0], other) for other in own):
            return own
        parameter = self.declared.get(name)
        found: list[Any] = []
        for value in (own[0], *given, *_imagined(use, parameter, own[0])):
            frozen = tuple(value) if isinstance(value, list) else value
            if frozen not in found and (parameter is None or not value_problem(parameter, frozen)):
                found.append(frozen)
        return found[:6]

    def _params(self, at: int) -> dict[str, tuple[Any, ...]]:
        """A rule's value of each parameter, per value of its axis."""
        found = {}
        for name, tried in self.tried.items():
            own = self.values[at].get(name)
            fixed = not self.free or any(
                other.get(name) != own and not _shifted(other.get(name), own) for other in self.values
            )
            if fixed:
                found[name] = (own,)
                continue
            first = self.values[0].get(name)
            step = own - first if _is_number(own) and _is_number(first) else 0
            found[name] = tuple(value + step if step and _is_number(value) else value for value in tried)
        return found

    def build(self) -> Domain:
        axes = [
            Axis(
                "target",
                keys,
                self.chooser.values(use, self.scopes.target.variable, keys),
                self.scopes.target.variable,
            )
            for keys, use in sorted(self.scopes.target.uses.items())
            if keys not in self.scopes.target.lists
        ]
        subjects = [
            Subject(rule, when, check, self._params(at))
            for at, (rule, (when, check)) in enumerate(zip(self.rules, self.trees, strict=True))
        ]
        axes += [Axis("param", (name,), list(subjects[0].params[name])) for name in sorted(self.tried)]
        lists = [("target", keys, scope) for keys, scope in sorted(self.scopes.target.lists.items())]
        lists += [("related", (name,), scope) for name, scope in sorted(self.scopes.related.items())]
        singles, telling = {}, {}
        for place, keys, scope in lists:
            raws, chosen = self.chooser.elements(scope, ".".join(keys))
            singles[place, keys] = [self._listed(place, keys, [raw]) for raw in raws]
            telling[place, keys] = list(range(chosen)) if scope.together > 1 else []
        for place, keys, scope in lists:
            found = self._telling(axes, place, keys, scope, lists, singles, subjects, singles[place, keys])
            telling[place, keys] = list(dict.fromkeys([*found, *telling[place, keys]]))
        return self._with_lists(axes, lists, singles, telling, subjects)

    def _with_lists(
        self,
        axes: list[Axis],
        lists: list[tuple[str, Keys, Scope]],
        singles: dict[tuple[str, Keys], list[Listed]],
        telling: dict[tuple[str, Keys], list[int]],
        subjects: list[Subject],
    ) -> Domain:
        """The finest domain that has few enough rows: fewer pairs first, then fewer single elements, then a sample."""
        triples = {
            (place, keys): self._triples(
                axes, place, keys, scope, lists, singles, telling[place, keys], subjects
            )
            for place, keys, scope in lists
        }
        found = None
        for level in range(3):
            grown = [
                Axis(
                    place,
                    keys,
                    self._reps(place, keys, scope, singles[place, keys], telling[place, keys], level)
                    + triples[place, keys],
                )
                for place, keys, scope in lists
            ]
            size = 1
            for axis in (*axes, *grown):
                size *= len(axis.reps)
            found = (grown, level)
            if size <= self.limits.rows:
                break
        grown, level = found or ([], 0)
        space = Space.over([*axes, *grown], self.limits.rows)
        short = sorted(set(self.chooser.short))
        if level == 2:
            short = sorted({*short, *(".".join(keys) for _, keys, _ in lists)})
        domain = Domain(self.target, self.oracle, space, self.scopes, subjects, short)
        domain.masks = [Masks(space, self.oracle, subject.params) for subject in subjects]
        domain.possible = _possible(space)
        return domain

    def _telling(
        self,
        axes: list[Axis],
        place: str,
        keys: Keys,
        scope: Scope,
        lists: list[tuple[str, Keys, Scope]],
        singles: dict[tuple[str, Keys], list[Listed]],
        subjects: list[Subject],
        tried: list[Listed],
    ) -> list[int]:
        """Positions of the tried lists that show what each part of a `where` does: the part alone decides, both ways."""
        others = [
            Axis(other, path, [self._listed(other, path, []), *singles[other, path][:12]])
            for other, path, _ in lists
            if (other, path) != (place, keys)
        ]
        own = Axis(place, keys, tried)
        space = Space.over([own, *axes, *others], self.limits.rows // 3)
        if not own.reps:
            return []
        chosen: dict[int, None] = {}
        for subject in subjects:
            masks = Masks(space, self.oracle, subject.params)
            for root in subject.roots:
                for site in root.walk():
                    if not any(ancestor in scope.wheres for ancestor in site.path()):
                        continue
                    high, low = (masks.of(root, Forced(site, holds)) for holds in (True, False))
                    decides = (high[0] & low[1]) | (high[1] & low[0])
                    for rows in self._split(masks, root, decides):
                        if rows:
                            chosen.setdefault(space.at(first_row(rows))[0])
        return list(chosen) or [0]

    def _triples(
        self,
        axes: list[Axis],
        place: str,
        keys: Keys,
        scope: Scope,
        lists: list[tuple[str, Keys, Scope]],
        singles: dict[tuple[str, Keys], list[Listed]],
        telling: list[int],
        subjects: list[Subject],
    ) -> list[Listed]:
        """Lists of three elements, where a condition looks at so many together: pairs that show something, and one more."""
        if scope.together < 3:
            return []
        some = [singles[place, keys][at] for at in telling]
        twos = [self._joined(pair) for pair in itertools.product(some, some)][: self.limits.pairs]
        found = self._telling(axes, place, keys, scope, lists, singles, subjects, twos)
        self.chooser.short.append(".".join(keys))
        return [self._joined([twos[at], one]) for at in found for one in some][: self.limits.pairs]

    @staticmethod
    def _split(masks: Masks, root: Site, decides: int) -> tuple[int, int]:
        """Of the rows where a site decides, those where its root holds and where it does not."""
        true, false = masks.of(root)
        return decides & true, decides & false

    def _reps(
        self, place: str, keys: Keys, scope: Scope, singles: list[Listed], telling: list[int], level: int
    ) -> list[Listed]:
        """The lists that are tried: absent, empty, one element, two, and as many as a count asks for."""
        found = [self._listed(place, keys, [])]
        if place == "target" and keys in self.scopes.target.uses:
            found.insert(0, Listed(ABSENT, ()))
        some = [singles[at] for at in telling]
        ones = singles if level < 2 else some
        found += ones
        both = list(itertools.product(some, some))
        if level == 0:
            both += itertools.product(some, (one for at, one in enumerate(singles) if at not in set(telling)))
        if len(both) > self.limits.pairs:
            self.chooser.short.append(".".join(keys))
        found += [self._joined([one, two]) for one, two in both[: self.limits.pairs] if self._both(one, two)]
        for number in self._numbers(scope):
            found += [self._joined([one] * number) for one in some[:4]]
        if self.chooser.unread:
            found.append(Listed(UNREAD, (), unread=True))
            found += [
                Listed([*one.raw, UnreadTail("429")], one.bounds, unread=True)
                for one in some
                if isinstance(one.raw, list)
            ]
        return found

    @staticmethod
    def _both(one: Listed, two: Listed) -> bool:
        """Whether two elements can stand in one list (keys of a map are different)."""
        return not (isinstance(one.raw, dict) and set(one.raw) & set(two.raw))

    def _numbers(self, scope: Scope) -> list[int]:
        """Lengths on both sides of what counts over the list compare with."""
        found: set[int] = set()
        for count in scope.counted:
            wanted = (
                self.tried.get(count.operand.name, [])
                if isinstance(count.operand, Param)
                else [count.operand]
            )
            for number in wanted:
                if _is_number(number):
                    found |= {int(number) - 1, int(number), int(number) + 1}
        return sorted(number for number in found if 2 < number <= MAX_COUNTED)

    @staticmethod
    def _joined(lists: Sequence[Listed]) -> Listed:
        bounds = tuple(bound for one in lists for bound in one.bounds)
        if isinstance(lists[0].raw, dict):
            return Listed({key: value for one in lists for key, value in one.raw.items()}, bounds)
        return Listed([item for one in lists for item in one.raw], bounds)

    def _listed(self, place: str, keys: Keys, raws: list[Any]) -> Listed:
        """A list with its elements as the engine binds them."""
        rule = self.rules[0]
        if place == "related":
            of: ListSource = Related(keys[0])
            related = relations_from(rule, {keys[0]: raws})
            found = elements(of, Case(_NOBODY, related, self.element_types, {}, self.oracle.now), {})
            return Listed(raws, tuple(found.bounds))
        scope = self.scopes.target.lists[keys]
        raw: Any = raws
        if scope.variable.map:
            raw = {item.get("key") or "key": item.get("value", {}) for item in raws if isinstance(item, dict)}
        body: dict[str, Any] = {}
        planted(body, keys, raw)
        env = {paths.TARGET: Bound(self.scopes.target.variable, body, {})}
        case = Case(_NOBODY, lambda _: Unknown("not asked"), {}, {}, self.oracle.now, env)
        return Listed(raw, tuple(elements(Path(paths.TARGET, keys), case, env).bounds))


def _possible(space: Space) -> int:
    impossible = 0
    targets = [(at, axis) for at, axis in enumerate(space.axes) if axis.place == "target"]
    for (at, outer), (other, inner) in itertools.permutations(targets, 2):
        if len(outer.keys) >= len(inner.keys) or inner.keys[: len(outer.keys)] != outer.keys:
            continue
        for value, rep in enumerate(outer.reps):
            if _raw(rep) in (ABSENT, UNREAD):
                same = [below for below, held in enumerate(inner.reps) if _raw(held) == _raw(rep)]
                rows = space.selected[at][value]
                impossible |= rows & ~sum(space.selected[other][below] for below in same)
    return space.full & ~impossible


def _raw(rep: Any) -> Any:
    return rep.raw if isinstance(rep, Listed) else rep


_NOBODY = resource_of("Microsoft.ContainerRegistry/registries", {})


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _shifted(one: Any, other: Any) -> bool:
    """Whether two parameter values are one number and its neighbour: a mutant that reads another number."""
    return _is_number(one) and _is_number(other)


def _imagined(use: Use, parameter: Parameter | None, own: Any) -> list[Any]:
    """Values for a parameter by how it is used."""
    if isinstance(own, bool) or (parameter is not None and "boolean" in parameter.types):
        return [True, False]
    if parameter is not None and parameter.enum:
        return list(parameter.enum)
    found: list[Any] = [None] if parameter is None or "null" in parameter.types else []
    if _is_number(own):
        return [*found, own + 1, own - 1, 1, 2]
    operators = {operator.removeprefix("of ") for operator, _ in use.partners}
    tokens: tuple[str, ...] = TEXTS
    if parameter is not None and parameter.item_format == "uuid":
        tokens = UUIDS
    elif "idWithin" in operators or (parameter is not None and parameter.item_format == "scope"):
        tokens = SCOPES
    elif parameter is not None and parameter.item_format == "region":
        tokens = ("northeurope", "westeurope")
    elif "cidrWithin" in operators:
        tokens = ("10.0.0.0/8", "192.168.0.0/16")
    if isinstance(own, (tuple, list)) or parameter is None or "array" in parameter.types:
        found += [(), (tokens[0],), tokens]
    if isinstance(own, str) or (parameter is not None and "string" in parameter.types):
        found.append(tokens[0])
    return found
