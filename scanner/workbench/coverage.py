"""Branch coverage of inline tests: rules with their tests come in, the outcomes that no test brings about come out.

A site is a condition as somebody wrote it: in `when`, in the check, in the bodies of lists and in the definitions that the
rule reaches. Each must have been TRUE and FALSE; a list also empty and not empty. What is UNKNOWN or an ERROR counts for
neither. The check counts only where the engine consults it, that is where `when` is TRUE.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from scanner.engine import paths
from scanner.engine.case import MAX_ELEMENTS, Case, elements
from scanner.engine.explain import explain
from scanner.engine.proof import Truth
from scanner.model.condition import Condition, Count, ListSource, Logic, Quantifier, Ref
from scanner.model.rule import Rule, RulePack
from scanner.workbench.flow import in_short
from scanner.workbench.problem import Problem
from scanner.workbench.unit import case_of

TRUE, FALSE, EMPTY, FILLED = "true", "false", "empty", "filled"
"""The outcomes of a site; the last two are those of lists."""
_WORDS = {
    TRUE: "true",
    FALSE: "false",
    EMPTY: "asked of an empty list",
    FILLED: "asked of a list with elements",
}
_DOUBT = "Whether any case can bring that about is not known: there are too many to try."

Impossible = Callable[[Rule, Condition, str], bool | None]
"""Whether no case at all can bring about an outcome of a condition in a rule; None: nobody knows (`bounded.thorough.Reach`)."""


def all_possible(_rule: Rule, _condition: Condition, _outcome: str) -> bool:
    """The `Impossible` of somebody who takes every outcome for possible."""
    return False


@dataclass(frozen=True, slots=True)
class Site:
    """A condition of a rule with its outcomes: `wanted` ones, of which no test brings about the `missing` ones.

    `impossible`: those that no case at all brings about, which count for nothing; `unsure`: missing ones that may be such.
    """

    condition: Condition
    wanted: tuple[str, ...]
    missing: tuple[str, ...]
    impossible: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Covered:
    """What the tests of one rule reach."""

    rule: Rule
    sites: tuple[Site, ...]

    @property
    def branches(self) -> int:
        """How many outcomes there are."""
        return sum(len(site.wanted) for site in self.sites)

    @property
    def seen(self) -> int:
        """How many of them a test brings about."""
        return sum(len(site.wanted) - len(site.missing) for site in self.sites)

    @property
    def impossible(self) -> int:
        """How many outcomes more there would be if some case brought them about."""
        return sum(len(site.impossible) for site in self.sites)

    def problems(self) -> Iterator[Problem]:
        """One for each site that lacks an outcome, at the site."""
        for site in self.sites:
            if site.missing:
                words = " and never ".join(_WORDS[outcome] for outcome in site.missing)
                doubt = f" {_DOUBT}" if site.unsure else ""
                yield Problem(
                    "TEST005",
                    "warning",
                    f"{self.rule.id}: {in_short(site.condition)} is never {words}",
                    site.condition.mark,
                    f"Add a test to {self.rule.id} ({self.rule.mark}) in which it is.{doubt}",
                    self.rule.id,
                )


def covered(pack: RulePack, rule: Rule, impossible: Impossible = all_possible) -> Covered:
    """What the inline tests of a rule reach. `impossible`: outcomes to leave out, asked for missing ones only."""
    run = _Run()
    for test in rule.tests:
        run.test(rule, case_of(pack, rule, test))
    return Covered(
        rule,
        tuple(
            _site(rule, condition, wanted, run.seen.get(id(condition), set()), impossible)
            for condition, wanted in sites(rule)
        ),
    )


def _site(
    rule: Rule, condition: Condition, all_of_it: tuple[str, ...], seen: set[str], impossible: Impossible
) -> Site:
    """What was seen of a condition, and what is known of the rest."""
    known = {one: impossible(rule, condition, one) for one in all_of_it if one not in seen}
    return Site(
        condition,
        tuple(one for one in all_of_it if not known.get(one)),
        tuple(one for one, never in known.items() if not never),
        tuple(one for one, never in known.items() if never),
        tuple(one for one, never in known.items() if never is None),
    )


def outcomes(condition: Condition) -> tuple[str, ...]:
    """What a site can be."""
    lists = isinstance(condition, (Quantifier, Count))
    return (TRUE, FALSE, EMPTY, FILLED) if lists else (TRUE, FALSE)


def sites(rule: Rule) -> Iterator[tuple[Condition, tuple[str, ...]]]:
    """Every site of a rule once with its outcomes, in the order of the rule; a definition stands where it is first reached.

    The `not` of a negated spelling (`notEquals`) and of a `failIf` is no condition of its own: nobody wrote it. A list that
    is asked of an element of that same list is never empty.
    """
    met: set[int] = set()
    for part in (rule.when, rule.check):
        if part is not None:
            yield from _sites(part, met, ())


def _sites(
    condition: Condition, met: set[int], around: tuple[ListSource, ...]
) -> Iterator[tuple[Condition, tuple[str, ...]]]:
    if id(condition) in met:
        return
    met.add(id(condition))
    below = list(children(condition))
    inner = around
    if isinstance(condition, (Quantifier, Count)):
        never_empty = condition.of in around
        yield condition, tuple(one for one in outcomes(condition) if one != EMPTY or not never_empty)
        inner = (*around, condition.of)
    elif not is_spelling(condition):
        yield condition, outcomes(condition)
        inner = () if isinstance(condition, Ref) else around  # a definition is also reached from elsewhere
    for child in below:
        yield from _sites(child, met, inner)


def is_spelling(condition: Condition) -> bool:
    """Whether this is a `not` that the parser put around a condition: it stands where that one stands."""
    return (
        isinstance(condition, Logic)
        and condition.kind == "not"
        and condition.mark == condition.children[0].mark
    )


def children(condition: Condition) -> Iterable[Condition]:
    """The conditions directly below one."""
    match condition:
        case Logic():
            return condition.children
        case Ref():
            return (condition.condition,)
        case Quantifier() | Count():
            return (condition.where,) if condition.where is not None else ()
        case _:
            return ()


class _Run:
    """What was seen so far, by condition."""

    def __init__(self) -> None:
        self.seen: dict[int, set[str]] = {}
        self.left = 0

    def test(self, rule: Rule, case: Case) -> None:
        """Note what one test reaches; a test of huge lists stops where an evaluation of the rule would long have stopped."""
        self.left = MAX_ELEMENTS
        holds = rule.when is None or self.visit(rule.when, case) is Truth.TRUE
        if holds and rule.check is not None:
            self.visit(rule.check, case)

    def visit(self, condition: Condition, case: Case) -> Truth:
        """Note what a condition and everything below it is on a case."""
        budget = [MAX_ELEMENTS]
        truth = explain(condition, replace(case, budget=budget)).truth
        self.left -= MAX_ELEMENTS - budget[0]
        seen = self.seen.setdefault(id(condition), set())
        if truth in (Truth.TRUE, Truth.FALSE):
            seen.add(TRUE if truth is Truth.TRUE else FALSE)
        match condition:
            case Ref():
                own = {paths.TARGET: case.bound[paths.TARGET]}
                self.visit(condition.condition, replace(case, bound=own))
            case Quantifier() | Count():
                self._elements(condition, case, seen)
            case _:
                for child in children(condition):
                    self.visit(child, case)
        return truth

    def _elements(self, condition: Quantifier | Count, case: Case, seen: set[str]) -> None:
        found = elements(condition.of, case, case.bound)
        if found.problem is not None:
            return
        if found.bounds:
            seen.add(FILLED)
        elif not found.tail:
            seen.add(EMPTY)
        if condition.where is None:
            return
        for number, bound in enumerate(found.bounds):
            if self._done(condition.where) or (number and self.left <= 0):
                return
            self.left -= 1
            self.visit(condition.where, replace(case, bound={**case.bound, condition.var: bound}))

    def _done(self, condition: Condition) -> bool:
        """Whether nothing new can be seen in a condition and below it."""
        seen = self.seen.get(id(condition), set())
        return set(outcomes(condition)) <= seen and all(map(self._done, children(condition)))
