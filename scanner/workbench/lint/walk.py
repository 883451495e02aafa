"""Conditions with what is known about them: a rule comes in, each of its conditions comes out with facts, polarity and place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from scanner.engine import paths
from scanner.engine.relations import relations_for
from scanner.model.condition import Condition, Count, Leaf, Logic, Param, Path, Quantifier, Ref
from scanner.text import Mapping as MappingNode
from scanner.types import Fact, facts_for
from scanner.workbench.lint.context import RuleContext


class Visit(NamedTuple):
    """One condition on the way through a rule.

    `node`: as it is written, or None; `above`: the conditions around it, the innermost last; `good`: whether its being
    true lets the rule pass (True), fail (False), or neither alone (None: it decides where the rule applies).
    """

    condition: Condition
    node: MappingNode | None
    above: tuple[Condition, ...]
    scope: Mapping[str, paths.Variable]
    good: bool | None

    def plan(self, path: Path) -> paths.Plan | None:
        """What is known about a path here; None where nothing is known of what it starts from."""
        holder = self.scope.get(path.var)
        if holder is None or not (holder.type or holder.map):
            return None
        return paths.plan(holder, path.keys)

    def fact(self, path: Path) -> Fact | None:
        """The fact about a property, or None."""
        way = self.plan(path)
        return way.fact if way is not None else None

    def computed(self, path: Path) -> bool:
        """Whether the path starts from a row that acrscan makes itself."""
        holder = self.scope.get(path.var)
        facts = facts_for(holder.type) if holder is not None and holder.type else None
        return facts is not None and facts.computed


def visits(context: RuleContext) -> Iterator[Visit]:
    """Every condition of a rule, definitions where they are referred to; outer ones first."""
    rule = context.rule
    relations = {relation.name: relation.element for relation in relations_for(rule.target)}
    start = {paths.TARGET: paths.Variable(rule.target, "")}
    for root, good in ((rule.when, None), (rule.check, True)):
        if root is not None:
            yield from _below(context, root, (), start, good, relations)


def _below(
    context: RuleContext,
    condition: Condition,
    above: tuple[Condition, ...],
    scope: Mapping[str, paths.Variable],
    good: bool | None,
    relations: Mapping[str, str],
) -> Iterator[Visit]:
    yield Visit(condition, context.written.get(condition.mark), above, scope, good)
    around = (*above, condition)
    match condition:
        case Logic():
            inner = not good if condition.kind == "not" and good is not None else good
            for child in condition.children:
                yield from _below(context, child, around, scope, inner, relations)
        case Ref():
            own = {paths.TARGET: scope[paths.TARGET]}
            yield from _below(context, condition.condition, around, own, good, relations)
        case Quantifier() | Count():
            if condition.where is None:
                return
            of = condition.of
            variable = None if isinstance(of, Param) else paths.element_of(scope, of, relations)
            inner = good
            if isinstance(condition, Count):
                inner = None
            elif condition.kind == "none" and good is not None:
                inner = not good
            known = {**scope, condition.var: variable or paths.Variable("", "")}
            yield from _below(context, condition.where, around, known, inner, relations)


def leaves(context: RuleContext) -> Iterator[tuple[Visit, Leaf, Path]]:
    """Every leaf about a property, with the property."""
    for visit in visits(context):
        if isinstance(visit.condition, Leaf) and isinstance(visit.condition.subject, Path):
            yield visit, visit.condition, visit.condition.subject
