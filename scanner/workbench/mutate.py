"""Mutation testing: rules with their tests come in; which small mistakes no test would notice comes out.

A mutant is killed by the first inline test that it turns into a problem (verdict, words, number of findings). One that no
test notices is compared with the rule over the bounded domain: where nothing tells the two apart it is the same rule and is
dropped; else it survives, and the case that tells them apart is the test that is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, TypeAlias

from scanner.engine.case import MAX_ELEMENTS, Case
from scanner.engine.evaluate import rule_values
from scanner.engine.judge import judge
from scanner.model.rule import Rule, RulePack, RuleTest
from scanner.workbench.bounded.moves import Example
from scanner.workbench.flow import test_text
from scanner.workbench.mutants import Mutant, mutants
from scanner.workbench.problem import Checked, Problem
from scanner.workbench.unit import case_of, problem_of

Differ: TypeAlias = Callable[[Rule, Rule, Mapping[str, Any], Mapping[str, Any]], Example | None]
"""`differ(rule, mutant, values, mutant_values)`: a case that the two decide differently, or None when there is none."""


@dataclass(frozen=True, slots=True)
class Survivor:
    """A mutant that no test notices. `test`: the one that would, or None where it could not be told."""

    mutant: Mutant
    test: RuleTest | None

    def problem(self) -> Problem:
        """What to tell: the mutant as a diff of the rule, and the missing test ready to paste."""
        rule = self.mutant.rule
        lines = [self.mutant.diff]
        if self.test is not None:
            lines += ["the test that is missing:", test_text(self.test)]
        return Problem(
            "TEST006",
            "warning",
            f"{rule.id}: no test notices: {self.mutant.what}",
            self.mutant.mark,
            f"Add the test to {rule.id} ({rule.mark}) if its verdict is right, else mend the rule."
            if self.test
            else f"Add a test to {rule.id} ({rule.mark}) that only the rule as it is passes.",
            rule.id,
            detail="\n".join(lines),
        )


@dataclass(frozen=True, slots=True)
class Mutated:
    """What became of the mutants of one rule. `failing`: tests that do not even hold for the rule itself."""

    rule: Rule
    killed: tuple[Mutant, ...]
    equivalent: tuple[Mutant, ...]
    survivors: tuple[Survivor, ...]
    failing: tuple[tuple[RuleTest, str], ...] = ()

    @property
    def problems(self) -> Iterator[Problem]:
        """A problem for each survivor and each test that fails."""
        for test, why in self.failing:
            yield Problem(
                "TEST000",
                "error",
                f"{self.rule.id}: the test {test.name!r} fails on the rule itself: {why}",
                test.mark,
                "Mend it first: mutants cannot be judged by a test that fails.",
                self.rule.id,
            )
        for survivor in self.survivors:
            yield survivor.problem()

    @property
    def cases(self) -> Iterator[Checked]:
        """Each mutant that counts, as a case that held or not."""
        for mutant in self.killed:
            yield Checked(self.rule.id, mutant.what, mutant.mark)
        for survivor in self.survivors:
            found = survivor.problem()
            yield Checked(
                self.rule.id, survivor.mutant.what, survivor.mutant.mark, "no test notices", found.detail
            )


def mutate(pack: RulePack, rule: Rule, differ: Differ | None) -> Mutated:
    """What the tests of a rule make of its mutants. Without a `differ` nothing is known to be equivalent."""
    cases = [(test, case_of(pack, rule, test)) for test in rule.tests]
    failing = tuple((test, why) for test, case in cases if (why := problem_of(rule, test, _again(case))))
    if failing:
        return Mutated(rule, (), (), (), failing)
    values = rule_values(pack, rule, pack.values)
    killed: list[Mutant] = []
    equivalent: list[Mutant] = []
    survivors: list[Survivor] = []
    for mutant in mutants(rule, values):
        killer = next(
            (number for number, (test, case) in enumerate(cases) if _notices(mutant, test, case)), None
        )
        if killer is not None:
            killed.append(mutant)
            cases.insert(0, cases.pop(killer))  # a test that notices one mistake often notices its neighbours
            continue
        if differ is None:
            survivors.append(Survivor(mutant, None))
            continue
        before = {**values, **mutant.given}
        example = differ(rule, mutant.rule, before, mutant.values(before))
        if example is None:
            equivalent.append(mutant)
        else:
            survivors.append(Survivor(mutant, _missing(pack, rule, mutant, example)))
    return Mutated(rule, tuple(killed), tuple(equivalent), tuple(survivors))


def _again(case: Case) -> Case:
    """The same case with the whole budget: what one evaluation looked at is nothing that the next one lacks."""
    return replace(case, budget=[MAX_ELEMENTS])


def _notices(mutant: Mutant, test: RuleTest, case: Case) -> bool:
    changed = replace(_again(case), params=mutant.values(case.params))
    return bool(problem_of(mutant.rule, test, changed))


def _missing(pack: RulePack, rule: Rule, mutant: Mutant, example: Example) -> RuleTest | None:
    """The example as a test of the rule; None where the mutant decides it alike after all."""
    test = RuleTest(
        name=f"name this: {mutant.what}",
        resource=example.resource,
        related=example.related,
        params={**mutant.given, **example.params},
        now=example.now,
        expect="",
        message_contains="",
        findings=None,
        mark=rule.mark,
    )
    case = case_of(pack, rule, test)
    found = replace(test, expect=judge(rule, case).verdict.value)
    return found if _notices(mutant, found, case) else None


@dataclass(frozen=True, slots=True)
class Score:
    """How many of the mutants that are not the rule itself some test notices."""

    killed: int
    survived: int

    @property
    def share(self) -> Fraction:
        """In percent, exactly; 0 where there was no mutant."""
        total = self.killed + self.survived
        return Fraction(100 * self.killed, total) if total else Fraction(0)


def score_of(found: list[Mutated]) -> Score:
    """The score over several rules."""
    return Score(sum(len(one.killed) for one in found), sum(len(one.survivors) for one in found))
