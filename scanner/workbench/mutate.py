"""Mutation testing: rules with their tests come in; which small mistakes no test would notice comes out.

A mutant is killed by the first inline test that it turns into a problem (verdict, words, number of findings). One that no
test notices is compared with the rule over the bounded domain: where no case tells the two apart it is the same rule and is
dropped; else it survives, and the smallest case that tells them apart is the test that is missing. Where there are too many
cases to try, and a sample shows no difference, it survives as well: nobody knows better.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, TypeAlias

from scanner.engine.case import MAX_ELEMENTS, Case
from scanner.engine.evaluate import rule_values
from scanner.engine.judge import judge
from scanner.language.digest import values_digest
from scanner.model.condition import NOWHERE
from scanner.model.rule import Parameter, Rule, RulePack, RuleTest
from scanner.workbench.bounded.moves import Example
from scanner.workbench.bounded.thorough import apart, declared_in
from scanner.workbench.flow import inline_test
from scanner.workbench.mutants import Misread, Mutant, asks_each, mutants
from scanner.workbench.problem import Checked, Problem
from scanner.workbench.unit import case_of, problem_of

Apart: TypeAlias = Callable[
    [Rule, Rule, Mapping[str, Any], Mapping[str, Any], Mapping[str, Parameter]], tuple[Example | None, bool]
]
"""As `bounded.thorough.apart`: rules, values, declarations -> a case that tells them apart, and whether every case was tried."""

SAMPLE = (
    "only a sample of the cases was tried, and none of them tells the two apart: it may be the rule itself"
)
AZURE = "rules with the semantics of Azure Policy are not tried with every case: it may be the rule itself"
TRIED_ELEMENTS = 2
"""Elements in the longest lists that the domain tries of whatever kind."""
NO_TEST = "no inline test can hold the case that tells the two apart"


@dataclass(frozen=True, slots=True)
class Survivor:
    """A mutant that no test notices. `test`: the one that would; else `why` there is none.

    `shared`: the test is the one that an earlier survivor lacks.
    """

    mutant: Mutant
    test: RuleTest | None = None
    why: str = ""
    shared: bool = False

    def problem(self) -> Problem:
        """What to tell: the mutant as a diff of the rule, and the missing test ready to paste."""
        rule = self.mutant.rule
        lines = [self.mutant.diff]
        if self.test is not None:
            also = " (an earlier mutant lacks the same)" if self.shared else ""
            lines += [f"the test that is missing{also}:", inline_test(self.test)]
        else:
            lines.append(self.why)
        return Problem(
            "TEST006",
            "warning",
            f"{rule.id}: no test notices: {self.mutant.what}",
            self.mutant.mark,
            f"Add the test to {rule.id} ({rule.mark}) if its verdict is right, else mend the rule."
            if self.test
            else f"Add a test to {rule.id} ({rule.mark}) that only the rule as it is passes, or write the rule simpler.",
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


def mutate(pack: RulePack, rule: Rule, apart: Apart = apart) -> Mutated:
    """What the tests of a rule make of its mutants."""
    cases = [(test, case_of(pack, rule, test)) for test in rule.tests]
    failing = tuple((test, why) for test, case in cases if (why := problem_of(rule, test, _again(case))))
    if failing:
        return Mutated(rule, (), (), (), failing)
    values = rule_values(pack, rule, pack.values)
    killed: list[Mutant] = []
    equivalent: list[Mutant] = []
    survivors: list[Survivor] = []
    lacking: list[tuple[RuleTest, Case]] = []
    for mutant in mutants(rule, values):
        if _killer(mutant, cases) is not None:
            killed.append(mutant)
        elif (known := _killer(mutant, lacking)) is not None:
            survivors.append(Survivor(mutant, known, shared=True))
        else:
            survivor = _compared(pack, rule, mutant, values, apart)
            if survivor is None:
                equivalent.append(mutant)
                continue
            survivors.append(survivor)
            if survivor.test is not None:
                lacking.append((survivor.test, case_of(pack, rule, survivor.test)))
    return Mutated(rule, tuple(killed), tuple(equivalent), tuple(survivors))


def _killer(mutant: Mutant, cases: list[tuple[RuleTest, Case]]) -> RuleTest | None:
    """The first test that notices a mutant; it is asked first from then on: it often notices the neighbours as well."""
    for number, (test, case) in enumerate(cases):
        if _notices(mutant, test, case):
            cases.insert(0, cases.pop(number))
            return test
    return None


def _compared(
    pack: RulePack, rule: Rule, mutant: Mutant, values: Mapping[str, Any], apart: Apart
) -> Survivor | None:
    """The survivor with the test that is missing; None where the mutant is the rule itself."""
    if rule.semantics != "native":
        return Survivor(mutant, why=AZURE)
    before = {**values, **mutant.given}
    declared = declared_in(pack, rule)
    example, complete = apart(rule, mutant.rule, before, mutant.values(before), declared)
    if example is None:
        if not complete and mutant.closed is not None:
            # A part that is always what it was before leaves the rule what it was, and has far fewer cases.
            one, other = (replace(rule, when=None, check=part) for part in mutant.closed)
            complete = apart(one, other, before, before, declared) == (None, True)
        certain = complete and not _short(rule, mutant, before)
        return None if certain else Survivor(mutant, why=SAMPLE)
    test = _missing(pack, rule, mutant, example)
    return Survivor(mutant, test, "" if test else NO_TEST)


def _again(case: Case) -> Case:
    """The same case with the whole budget: what one evaluation looked at is nothing that the next one lacks."""
    return replace(case, budget=[MAX_ELEMENTS])


def _notices(mutant: Mutant, test: RuleTest, case: Case) -> bool:
    changed = replace(_again(case), params=mutant.values(case.params))
    return bool(problem_of(mutant.rule, test, changed))


def _short(rule: Rule, mutant: Mutant, values: Mapping[str, Any]) -> bool:
    """Whether the lists of the domain are too short to notice: each of many members of a parameter wants an element of its own."""
    change = mutant.values
    return (
        isinstance(change, Misread)
        and change.sort == "array"
        and len(values[change.name]) > TRIED_ELEMENTS
        and asks_each(rule, change.name)
    )


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


def changed_rules(pack: RulePack, base: RulePack | None) -> set[str]:
    """The ids of the rules whose condition, parameters (with their effective values) or tests are not those of `base`."""
    if base is None:
        return {rule.id for rule in pack.rules}
    before = {rule.id: _told(base, rule) for rule in base.rules}
    return {rule.id for rule in pack.rules if before.get(rule.id) != _told(pack, rule)}


def _told(pack: RulePack, rule: Rule) -> tuple[Any, ...]:
    tests = [replace(test, mark=NOWHERE) for test in rule.tests]
    return rule.digest, values_digest(pack, rule), tests
