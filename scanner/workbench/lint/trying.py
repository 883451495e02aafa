"""The long look: a rule, or all rules of a pack, over the bounded domain; what is found is in a form that can be remembered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from scanner.engine.evaluate import rule_values
from scanner.model.condition import Leaf, Logic, Mark
from scanner.model.rule import Parameter, Rule
from scanner.workbench.bounded.axes import Sampled
from scanner.workbench.bounded.build import Domain
from scanner.workbench.bounded.compare import letters, sampled
from scanner.workbench.bounded.questions import (
    QUICK,
    WHOLE,
    dead,
    domain_of,
    fails_where,
    idle_defaults,
    reads,
)
from scanner.workbench.bounded.sites import Site
from scanner.workbench.flow import in_short
from scanner.workbench.lint.context import PackContext, RuleContext
from scanner.workbench.lint.memory import Said


def _said(code: str, mark: Mark, what: str, advice: str = "") -> Said:
    return Said(code, what, advice, mark.file, mark.line, mark.column)


def _declared(pack: PackContext, rule: Rule) -> Mapping[str, Parameter]:
    return {**pack.pack.parameters, **rule.parameters}


def _values(pack: PackContext, rule: Rule) -> Mapping[str, Any]:
    return rule_values(pack.pack, rule, pack.pack.values)


def _domain(rule: Rule, values: Mapping[str, Any], declared: Mapping[str, Parameter]) -> Domain:
    """A quick look first, then every combination; a sample where there are too many."""
    made = domain_of(rule, values, declared, QUICK)
    if made.complete:
        return made
    try:
        return domain_of(rule, values, declared, WHOLE)
    except Sampled:
        return made


def of_rule(context: RuleContext) -> Iterator[Said]:
    """What one rule can never be, and its parts that decide nothing."""
    rule = context.rule
    made = _domain(rule, _values(context.pack, rule), _declared(context.pack, rule))
    found = letters(made, 0)
    subject = made.subjects[0]
    note = f" (in {sampled(made)})" if not made.complete else ""
    asked = found["P"] | found["F"] | found["U"]
    if not asked:
        yield _said("LOG004", context.key("when"), f"{rule.id}: `when` is never true{note}")
        return
    place = context.key("assert" if "assert" in context.node.items else "failIf")
    if not found["F"]:
        yield _said(
            "LOG001",
            place,
            f"{rule.id} never fails: the condition is always true{note}",
            "Look for parts that exclude each other.",
        )
    if not found["P"]:
        yield _said(
            "LOG002",
            place,
            f"{rule.id} never passes: the condition is always false{note}",
            "Look for parts that exclude each other.",
        )
    if not made.complete or not (found["F"] and found["P"]):
        return
    for site in dead(made):
        yield _said(
            "LOG003",
            site.node.mark,
            f"{rule.id}: {in_short(site.node)} decides nothing",
            "Remove it, or mend what was meant.",
        )
    told = [leaf for root in subject.roots for leaf in _negated(root)]
    for leaf in idle_defaults(made):
        if not any(leaf is other for other in told):
            yield _said(
                "LOG008",
                leaf.mark,
                f"{rule.id}: the default of {leaf.subject} changes nothing",
                "Leave it out.",
            )


def _negated(root: Site) -> Iterator[Leaf]:
    """The leaves right below a `not`."""
    for site in root.walk():
        parent = site.parent
        if (
            isinstance(site.node, Leaf)
            and parent is not None
            and isinstance(parent.node, Logic)
            and parent.node.kind == "not"
        ):
            yield site.node


def of_pairs(pack: PackContext, contexts: Mapping[str, RuleContext]) -> Iterator[Said]:
    """Rules of one target that fail for the same, or only for what another fails for."""
    read = {name: reads(one.rule) for name, one in contexts.items()}
    for one, other in combinations(sorted(contexts), 2):
        first, second = contexts[one].rule, contexts[other].rule
        if first.target.lower() != second.target.lower() or not (
            read[one] <= read[other] or read[other] <= read[one]
        ):
            continue
        if one in second.replaces or other in first.replaces:
            continue  # a deprecated rule beside its successor is a transition, not a mistake
        declared = {**_declared(pack, first), **_declared(pack, second)}
        forth, back = fails_where(first, second, (_values(pack, first), _values(pack, second)), declared)
        if forth and back:
            yield _said(
                "LOG005",
                second.mark,
                f"{other} fails for exactly what {one} fails for",
                f"{one} stands in {first.mark}.",
            )
        elif forth or back:
            narrow, wide = (first, second) if forth else (second, first)
            yield _said(
                "LOG006",
                narrow.mark,
                f"{narrow.id} fails only for what {wide.id} fails for too",
                f"{wide.id} stands in {wide.mark}.",
            )
