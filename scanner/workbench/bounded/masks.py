"""Conditions over a whole space at once: a site comes in, the rows where it holds and where it does not come out.

The logic is the engine's: what is in neither set is undecided. `force` puts a site to true or false, to see what hangs on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias

from scanner.engine import paths
from scanner.engine.case import Bound
from scanner.engine.explain import compare_count
from scanner.engine.operators.row import kind
from scanner.engine.proof import Truth
from scanner.model.azure import Policy
from scanner.model.condition import Count, Leaf, ListSource, Logic, Param, Path, Quantifier, Ref, Related
from scanner.model.values import ABSENT
from scanner.workbench.bounded.axes import Axis, Listed
from scanner.workbench.bounded.oracle import Oracle, key_of
from scanner.workbench.bounded.sites import Site
from scanner.workbench.bounded.space import Space

Sets: TypeAlias = tuple[int, int]
"""The rows where something is true, and where it is false."""


class Binding(NamedTuple):
    """An element variable: the axis that it comes from and, per value of that axis, the element or None."""

    axis: int
    bounds: tuple[Bound | None, ...]
    key: tuple[Any, ...]


class _Slot(NamedTuple):
    binding: Binding
    rows: int
    """Where there is such an element."""


class _List(NamedTuple):
    slots: list[_Slot]
    empty: int
    unread: int
    wrong: int


@dataclass(frozen=True, slots=True)
class Forced:
    """A site that is put to a truth."""

    site: Site
    holds: bool


class Masks:
    """Truths over one space, with one set of parameter values per value of each parameter's axis."""

    def __init__(self, space: Space, oracle: Oracle, params: Mapping[str, tuple[Any, ...]]) -> None:
        """`params`: parameter -> its value for each value of its axis."""
        self.space = space
        self.oracle = oracle
        self.params = params
        self.axis_of = {(axis.place, axis.keys): at for at, axis in enumerate(space.axes)}
        self.unset: frozenset[int] = frozenset()
        """ids of leaves whose default is left out, to see what it does."""
        self._known: dict[tuple[int, tuple[Any, ...]], tuple[Site, Sets]] = {}
        self._asked_in: dict[tuple[Any, ...], int] = {(): space.full}
        """Key of an environment -> the rows in which its elements are there."""
        self._extents: dict[tuple[int, tuple[Any, ...]], tuple[int, int]] = {}
        """Site of a list in an environment -> the rows where it is empty, and where it has elements."""
        self._lists: dict[tuple[int, tuple[Any, ...]], _List] = {}
        self._groups: dict[tuple[Any, ...], list[tuple[Any, int]]] = {}
        self._without: dict[int, Leaf] = {}

    def of(self, site: Site, forced: Forced | None = None) -> Sets:
        """The rows where a root site holds, and where it does not."""
        above = frozenset(map(id, forced.site.path())) if forced else frozenset()
        return self._of(site, {}, (), forced, above)

    def _of(
        self,
        site: Site,
        env: Mapping[str, Binding],
        key: tuple[Any, ...],
        forced: Forced | None,
        above: frozenset[int],
    ) -> Sets:
        if forced is not None and site is forced.site:
            return (self.space.full, 0) if forced.holds else (0, self.space.full)
        fresh = id(site) in above
        if not fresh:
            found = self._known.get((id(site), key))
            if found is not None:
                return found[1]
        sets = self._work(site, env, key, forced, above)
        if not fresh:
            self._known[id(site), key] = (site, sets)
        return sets

    def _work(
        self,
        site: Site,
        env: Mapping[str, Binding],
        key: tuple[Any, ...],
        forced: Forced | None,
        above: frozenset[int],
    ) -> Sets:
        node = site.node
        match node:
            case Leaf():
                return self._leaf(node, env)
            case Logic(kind="not"):
                true, false = self._of(site.children[0], env, key, forced, above)
                return false, true
            case Logic():
                parts = [self._of(child, env, key, forced, above) for child in site.children]
                if node.kind == "allOf":
                    return _and(true for true, _ in parts), _or(false for _, false in parts)
                return _or(true for true, _ in parts), _and(false for _, false in parts)
            case Ref():
                return self._of(site.children[0], {}, (), forced, above)
            case Quantifier():
                return self._quantifier(site, node, env, key, forced, above)
            case Count():
                return self._count(site, node, env, key, forced, above)
            case Policy():
                return 0, 0  # nobody enumerates imported conditions: decided nowhere, and the domain says so

    def seen(self, rows: int) -> Iterator[tuple[Site, int, int, int, int]]:
        """Every site that was asked, once per environment: where it held and did not, was of an empty list, or of a filled one.

        Only within `rows`, and only where the elements that it is about are there.
        """
        for (_, key), (site, (true, false)) in self._known.items():
            within = rows & self._asked_in[key]
            empty, filled = self._extents.get((id(site), key), (0, 0))
            yield site, true & within, false & within, empty & within, filled & within

    def _leaf(self, leaf: Leaf, env: Mapping[str, Binding]) -> Sets:
        if id(leaf) in self.unset:
            leaf = self._without.setdefault(id(leaf), replace(leaf, default=ABSENT))
        axis, values = self._values(leaf.subject, env)
        other, operands = self._operands(leaf, env)
        variable = _variable(leaf, env, self.space.axes[axis] if axis is not None else None)
        true = false = 0
        if axis is not None and axis == other:
            for at, rows in enumerate(self.space.selected[axis]):
                if values[at] is not None and operands[at] is not None:
                    answer = self.oracle.decide(leaf, variable, _held(values[at]), _held(operands[at]))
                    true, false = _added(true, false, answer, rows)
            return true, false
        for value, rows in self._grouped(axis, values, _place(leaf.subject, env)):
            for operand, others in self._grouped(other, operands, _place(leaf.operand, env)):
                true, false = _added(
                    true, false, self.oracle.decide(leaf, variable, value, operand), rows & others
                )
        return true, false

    def _grouped(
        self, axis: int | None, values: tuple[Any, ...], place: tuple[Any, ...]
    ) -> list[tuple[Any, int]]:
        """Different values with the rows in which they stand; many leaves ask for those of one place."""
        if axis is None:
            return [(_held(values[0]), self.space.full)]
        known = self._groups.get(place)
        if known is not None:
            return known
        found: dict[Any, list[Any]] = {}
        for at, value in enumerate(values):
            if value is not None:
                held = _held(value)
                entry = found.setdefault(key_of(held), [held, 0])
                entry[1] |= self.space.selected[axis][at]
        grouped = self._groups[place] = [(value, rows) for value, rows in found.values()]
        return grouped

    def _values(
        self, subject: Path | Param, env: Mapping[str, Binding]
    ) -> tuple[int | None, tuple[Any, ...]]:
        """The axis that a subject depends on and its value for each of the axis' values, each in a box."""
        if isinstance(subject, Param):
            at = self.axis_of["param", (subject.name,)]
            return at, tuple((ABSENT if value is None else value,) for value in self.params[subject.name])
        if subject.var:
            binding = env[subject.var]
            return binding.axis, tuple(
                None if bound is None else (self.oracle.value(bound, subject.keys),)
                for bound in binding.bounds
            )
        found = self.axis_of.get(("target", subject.keys))
        if found is None:
            return None, ((ABSENT,),)
        reps = self.space.axes[found].reps
        return found, tuple((rep.raw if isinstance(rep, Listed) else rep,) for rep in reps)

    def _operands(self, leaf: Leaf | Count, env: Mapping[str, Binding]) -> tuple[int | None, tuple[Any, ...]]:
        match leaf.operand:
            case Param():
                at = self.axis_of["param", (leaf.operand.name,)]
                return at, tuple((value,) for value in self.params[leaf.operand.name])
            case Path():
                return self._values(leaf.operand, env)
            case _:
                return None, ((leaf.operand,),)

    def _list(self, of: ListSource, env: Mapping[str, Binding]) -> _List:
        if isinstance(of, Path) and of.var:
            return self._inner(of, env[of.var])
        place, keys = _home(of)
        at = self.axis_of[place, keys]
        known = (at, ())
        if known not in self._lists:
            self._lists[known] = self._outer(at)
        return self._lists[known]

    def _outer(self, at: int) -> _List:
        axis = self.space.axes[at]
        reps = (
            [_of_param(value) for value in self.params[axis.keys[0]]] if axis.place == "param" else axis.reps
        )
        selected = self.space.selected[at]
        longest = max((len(rep.bounds) for rep in reps), default=0)
        slots = []
        for number in range(longest):
            bounds = tuple(rep.bounds[number] if len(rep.bounds) > number else None for rep in reps)
            rows = _or(mask for bound, mask in zip(bounds, selected, strict=True) if bound is not None)
            slots.append(_Slot(Binding(at, bounds, (at, number)), rows))
        return _List(
            slots,
            _or(mask for rep, mask in zip(reps, selected, strict=True) if not rep.bounds and not rep.unread),
            _or(mask for rep, mask in zip(reps, selected, strict=True) if rep.unread),
            _or(mask for rep, mask in zip(reps, selected, strict=True) if rep.raw is None),
        )

    def _inner(self, of: Path, binding: Binding) -> _List:
        selected = self.space.selected[binding.axis]
        found = [None if bound is None else self.oracle.inner(bound, of.keys) for bound in binding.bounds]
        longest = max((len(one.bounds) for one in found if one is not None), default=0)
        slots = []
        for number in range(longest):
            bounds = tuple(
                one.bounds[number] if one is not None and len(one.bounds) > number else None for one in found
            )
            rows = _or(mask for bound, mask in zip(bounds, selected, strict=True) if bound is not None)
            slots.append(_Slot(Binding(binding.axis, bounds, (*binding.key, of.keys, number)), rows))
        empty = unread = wrong = 0
        for one, mask in zip(found, selected, strict=True):
            if one is None:
                continue
            if one.problem is not None:
                wrong |= mask
            elif one.tail:
                unread |= mask
            elif not one.bounds:
                empty |= mask
        return _List(slots, empty, unread, wrong)

    def _asked(
        self,
        site: Site,
        node: Quantifier | Count,
        listed: _List,
        env: Mapping[str, Binding],
        key: tuple[Any, ...],
        forced: Forced | None,
        above: frozenset[int],
    ) -> Iterator[tuple[int, Sets]]:
        """For each element its rows and where `where` holds for it."""
        self._extents[id(site), key] = (listed.empty, _or(slot.rows for slot in listed.slots))
        for slot in listed.slots:
            if not site.children:
                yield slot.rows, (self.space.full, 0)
                continue
            inner = {**env, node.var: slot.binding}
            below = (*key, node.var, slot.binding.key)
            self._asked_in[below] = slot.rows & self._asked_in[key]
            yield slot.rows, self._of(site.children[0], inner, below, forced, above)

    def _quantifier(
        self,
        site: Site,
        node: Quantifier,
        env: Mapping[str, Binding],
        key: tuple[Any, ...],
        forced: Forced | None,
        above: frozenset[int],
    ) -> Sets:
        listed = self._list(node.of, env)
        full = self.space.full
        hit, every, sure = 0, full, full
        for rows, (true, false) in self._asked(site, node, listed, env, key, forced, above):
            outside = full ^ rows
            hit |= rows & (false if node.kind == "every" else true)
            every &= outside | (true if node.kind == "every" else false)
        sure = every & ~listed.unread & ~listed.wrong
        hit &= ~listed.wrong
        true, false = (sure, hit) if node.kind in ("every", "none") else (hit, sure)
        holds = node.when_empty == "pass" if node.when_empty else node.kind != "some"
        true, false = true & ~listed.empty, false & ~listed.empty
        return (true | listed.empty, false) if holds else (true, false | listed.empty)

    def _count(
        self,
        site: Site,
        node: Count,
        env: Mapping[str, Binding],
        key: tuple[Any, ...],
        forced: Forced | None,
        above: frozenset[int],
    ) -> Sets:
        listed = self._list(node.of, env)
        numbers: dict[tuple[int, int], int] = {(0, 0): self.space.full & ~listed.wrong}
        for rows, (true, false) in self._asked(site, node, listed, env, key, forced, above):
            grown: dict[tuple[int, int], int] = {}
            for (low, high), mask in numbers.items():
                for step, part in (
                    ((1, 1), mask & rows & true),
                    ((0, 0), mask & (~rows | false)),
                    ((0, 1), mask & rows & ~true & ~false),
                ):
                    if part:
                        known = (low + step[0], high + step[1])
                        grown[known] = grown.get(known, 0) | part
            numbers = grown
        axis, operands = self._operands(node, env)
        true = false = 0
        for operand, others in self._grouped(axis, operands, _place(node.operand, env)):
            if kind(operand) != "number":
                continue
            for (low, high), mask in numbers.items():
                for top, part in ((high, mask & ~listed.unread), (None, mask & listed.unread)):
                    answer = compare_count(node.operator, low, top, operand)
                    true, false = _added(true, false, answer, part & others)
        return true, false


def _home(of: ListSource) -> tuple[str, tuple[str, ...]]:
    if isinstance(of, Related):
        return "related", (of.name,)
    return ("param", (of.name,)) if isinstance(of, Param) else ("target", of.keys)


def _variable(leaf: Leaf, env: Mapping[str, Binding], axis: Axis | None) -> paths.Variable:
    if isinstance(leaf.subject, Path) and leaf.subject.var:
        return next(
            (bound.variable for bound in env[leaf.subject.var].bounds if bound is not None),
            paths.Variable("", ""),
        )
    return axis.variable if axis is not None else paths.Variable("", "")


def _of_param(value: Any) -> Listed:
    """A list parameter as a quantifier sees it; `null` is no list."""
    bounds = tuple(Bound(_ANY, item, {}) for item in value) if isinstance(value, (list, tuple)) else ()
    return Listed(value, bounds)


_ANY = paths.Variable("", "")


def _place(part: Any, env: Mapping[str, Binding]) -> tuple[Any, ...]:
    """What tells apart the places that leaves read: a parameter, a path of an element, a path of the target."""
    match part:
        case Param():
            return "param", part.name
        case Path() if part.var:
            return env[part.var].key, part.keys
        case Path():
            return "target", part.keys
        case _:
            return ()


def _held(box: Any) -> Any:
    return box[0]


def _added(true: int, false: int, answer: Truth, rows: int) -> Sets:
    if answer is Truth.TRUE:
        return true | rows, false
    return (true, false | rows) if answer is Truth.FALSE else (true, false)


def _or(masks: Iterator[int]) -> int:
    found = 0
    for mask in masks:
        found |= mask
    return found


def _and(masks: Iterator[int]) -> int:
    found = -1
    for mask in masks:
        found &= mask
    return found
