"""Pairs of rules that fail for the same: tests of the rules tell most apart at once, the bounded domain decides the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations, product
from typing import Any

from scanner.engine.case import Case, absences, case_for
from scanner.engine.codegen import compile_rules
from scanner.engine.judge import judge
from scanner.engine.operators.time import instant
from scanner.engine.relations import relations_for
from scanner.model.finding import Verdict
from scanner.model.rule import Rule, RuleTest
from scanner.workbench.bounded.questions import fails_where, reads
from scanner.workbench.lint.context import PackContext, RuleContext
from scanner.workbench.lint.memory import Said
from scanner.workbench.lint.trying import declared, said, values
from scanner.workbench.unit import NOW, relations_from, resource_of

_CLOCK = instant(NOW) or 0.0
_OTHERWISE = (Verdict.PASS.value, Verdict.NOT_APPLICABLE.value)

_MOST = 8
"""So many tests of each kind are laid over each other; more would take longer than to try everything."""


def of_pairs(
    pack: PackContext, contexts: Mapping[str, RuleContext], known: frozenset[str] = frozenset()
) -> Iterator[Said]:
    """Rules of one target that fail for the same, or only for what another fails for. `known`: ids that were tried together."""
    read = {name: reads(one.rule) for name, one in contexts.items()}
    tried = {target: _Tried(pack, rules) for target, rules in _by_target(contexts).items()}
    for one, other in combinations(sorted(contexts), 2):
        first, second = contexts[one].rule, contexts[other].rule
        if first.target.lower() != second.target.lower() or not (
            read[one] <= read[other] or read[other] <= read[one]
        ):
            continue
        if one in known and other in known:
            continue
        if one in second.replaces or other in first.replaces:
            continue  # a deprecated rule beside its successor is a transition, not a mistake
        rules = tried[first.target.lower()]
        if rules.apart(first, second) and rules.apart(second, first):
            continue
        together = {**declared(pack, first), **declared(pack, second)}
        forth, back = fails_where(first, second, (values(pack, first), values(pack, second)), together)
        if forth and back:
            yield said(
                "LOG005",
                contexts[other],
                second.mark,
                f"{other} fails for exactly what {one} fails for",
                beside=one,
            )
        elif forth or back:
            narrow, wide = (first, second) if forth else (second, first)
            yield said(
                "LOG006",
                contexts[narrow.id],
                narrow.mark,
                f"{narrow.id} fails only for what {wide.id} fails for too",
                beside=wide.id,
            )


def _by_target(contexts: Mapping[str, RuleContext]) -> dict[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for one in contexts.values():
        found.setdefault(one.rule.target.lower(), []).append(one.rule)
    return found


class _Tried:
    """Rules of one target on the resources of their tests, as they are and laid over each other."""

    def __init__(self, pack: PackContext, rules: list[Rule]) -> None:
        self.pack = pack
        self.elements = {relation.name: relation.element for relation in relations_for(rules[0].target)}
        self.number = {rule.id: number for number, rule in enumerate(rules)}
        lane = compile_rules(rules[0].target, rules, self.elements).build(
            {rule.id: values(pack, rule) for rule in rules}, _CLOCK
        )
        self.seen: set[tuple[str, ...]] = set()
        for rule in rules:
            for test in rule.tests:
                case = self.case(rule, test)
                self.seen.add(lane(case.resource.body, absences(case.resource), case.related))

    def case(self, rule: Rule, test: RuleTest, own: RuleTest | None = None) -> Case:
        """A test's resource as a rule sees it; relations that the test does not tell of are empty.

        Parameters of the pack are those of the test, parameters of the rule those of its `own` test.
        """
        given = relations_from(rule, test.related)
        local = own.params.items() if own is not None else ()
        params = {name: value for name, value in test.params.items() if name not in rule.parameters}
        params |= {name: value for name, value in local if name in rule.parameters}
        return case_for(
            resource_of(rule.target, test.resource),
            lambda name: given(name) if name in test.related else [],
            self.elements,
            {**values(self.pack, rule), **params},
            _CLOCK,
        )

    def apart(self, one: Rule, other: Rule) -> bool:
        """Whether some resource shows that the other decides otherwise where the first fails."""
        first, second = self.number[one.id], self.number[other.id]
        if any(letters[first] == "F" and letters[second] in "PN" for letters in self.seen):
            return True
        failing = [test for test in one.tests if test.expect == Verdict.FAIL.value][:_MOST]
        passing = [test for test in other.tests if test.expect in _OTHERWISE][:_MOST]
        return any(
            judge(one, self.case(one, test, bad)).verdict is Verdict.FAIL
            and judge(other, self.case(other, test, good)).verdict.value in _OTHERWISE
            for bad, good in product(failing, passing)
            for test in (_laid_over(bad, good), _laid_over(good, bad))
        )


def _laid_over(under: RuleTest, over: RuleTest) -> RuleTest:
    """A test whose resource has what both give, what they disagree about as the second has it."""
    return replace(
        under,
        resource=_merged(under.resource, over.resource),
        related={**under.related, **over.related},
        params={**under.params, **over.params},
    )


def _merged(under: Any, over: Any) -> Any:
    if not isinstance(under, Mapping) or not isinstance(over, Mapping):
        return over
    return {**under, **{key: _merged(under.get(key), value) for key, value in over.items()}}
