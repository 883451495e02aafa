"""The domain of one or two rules: rules with parameter values come in, a space with what every value means comes out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scanner.engine.operators.time import instant
from scanner.engine.relations import relations_for
from scanner.model.rule import Parameter, Rule
from scanner.model.values import ABSENT
from scanner.workbench.bounded.aimed import Aim, Aimed
from scanner.workbench.bounded.axes import UNREAD, USUAL, Axis, Chooser, Limits, Listed, Sampled
from scanner.workbench.bounded.harvest import harvested
from scanner.workbench.bounded.lists import Lists
from scanner.workbench.bounded.masks import Masks
from scanner.workbench.bounded.oracle import Oracle
from scanner.workbench.bounded.parameters import Parameters
from scanner.workbench.bounded.scopes import Scopes, collect
from scanner.workbench.bounded.sites import Site, sites_of
from scanner.workbench.bounded.space import Space
from scanner.workbench.unit import NOW

MANY = 16
"""With more axes than these a sample has fewer rows, for each row is longer."""


@dataclass(slots=True)
class Subject:
    """A rule in the domain: its trees, and its truths over the space."""

    rule: Rule
    when: Site | None
    check: Site | None
    params: Mapping[str, tuple[Any, ...]]
    """What it reads of each parameter, per value of the parameter's axis."""
    masks: Masks

    @property
    def roots(self) -> list[Site]:
        """The trees that there are."""
        return [site for site in (self.when, self.check) if site is not None]


@dataclass(slots=True)
class Domain:
    """A space with the rules that it was made for."""

    oracle: Oracle
    space: Space
    scopes: Scopes
    subjects: list[Subject]
    short: list[str]
    """The places of which only a sample was tried."""
    possible: int
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
    oracle = Oracle(instant(NOW) or 0.0)
    trees = [sites_of(rule) for rule in rules]
    roots = [[site for site in pair if site is not None] for pair in trees]
    types = {relation.name: relation.element for relation in relations_for(rules[0].target)}
    scopes = collect(list(itertools.chain(*roots)), rules[0].target, types)
    harvest, given = harvested(scopes, rules)
    parameters = Parameters(values, declared, free)
    tried = {name: parameters.tried(name, use, given.get(name, [])) for name, use in scopes.params.items()}
    read = [parameters.read_by(at, tried) for at in range(len(rules))]
    names = {id(use): name for name, use in scopes.params.items()}
    members = {id(scope.use(())): name for name, scope in scopes.param_lists.items()}
    chooser = Chooser(oracle, declared, harvest, tried, names, members, unread, limits)
    axes = _axes(scopes, chooser)
    axes += [Axis("param", (name,), list(read[0][name])) for name in sorted(tried)]
    lists = Lists(rules[0], scopes, chooser, limits, axes, list(zip(roots, read, strict=True)))
    lists.choose()
    aimed = [Aimed(*tree, params) for tree, params in zip(trees, read, strict=True)]
    space = _finest(axes, lists, limits, aimed)
    subjects = [
        Subject(rule, when, check, params, Masks(space, oracle, params))
        for rule, (when, check), params in zip(rules, trees, read, strict=True)
    ]
    imported = {"imported conditions" for rule in rules if rule.semantics != "native"}
    return Domain(oracle, space, scopes, subjects, sorted({*chooser.short, *imported}), _possible(space))


def _axes(scopes: Scopes, chooser: Chooser) -> list[Axis]:
    """The paths of the target."""
    target = scopes.target
    return [
        Axis("target", keys, chooser.values(use, target.variable, keys), target.variable)
        for keys, use in sorted(target.uses.items())
        if keys not in target.lists
    ]


def _finest(axes: list[Axis], lists: Lists, limits: Limits, aimed: list[Aimed]) -> Space:
    """The finest space that has few enough rows: fewer pairs first, then fewer single elements, then a sample."""
    grown: list[Axis] = []
    level = 0
    for level in range(3):
        grown = [Axis(one.place, one.keys, lists.tried_lists(one, level)) for one in lists.all]
        if math.prod(len(axis.reps) for axis in (*axes, *grown)) <= limits.rows:
            break
    if level == 2:
        for one in lists.all:
            lists.chooser.sampled(one.name)
    every = [*axes, *grown]
    if math.prod(len(axis.reps) for axis in every) <= limits.rows:
        return Space.over(every, limits.rows)
    if limits.whole:
        raise Sampled
    rows = max(limits.rows * MANY // max(len(every), MANY), MANY)
    return Space.over(every, rows, Aim(every, lists.chooser.oracle, aimed).rows())


def _possible(space: Space) -> int:
    impossible = 0
    targets = [(at, axis) for at, axis in enumerate(space.axes) if axis.place == "target"]
    for (at, outer), (other, inner) in itertools.permutations(targets, 2):
        if len(outer.keys) >= len(inner.keys) or inner.keys[: len(outer.keys)] != outer.keys:
            continue
        for value, rep in enumerate(outer.reps):
            if _raw(rep) in (ABSENT, UNREAD):
                same = [below for below, held in enumerate(inner.reps) if _raw(held) == _raw(rep)]
                impossible |= space.selected[at][value] & ~sum(space.selected[other][one] for one in same)
    return space.full & ~impossible


def _raw(rep: Any) -> Any:
    return rep.raw if isinstance(rep, Listed) else rep
