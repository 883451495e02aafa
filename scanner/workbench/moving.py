"""Which verdicts can become which others when a rule becomes another: by bounded enumeration and by the tests of both.

The enumeration looks at every combination of the values that matter, as far as it can; the inline tests of both rules are
cases that people thought of, and are judged under both as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from scanner.engine.case import case_for
from scanner.engine.judge import judge
from scanner.engine.operators.time import instant
from scanner.engine.relations import relations_for
from scanner.model.condition import NOWHERE, Condition, Logic
from scanner.model.rule import Rule, RuleTest
from scanner.workbench.bounded.axes import USUAL
from scanner.workbench.bounded.compare import compare
from scanner.workbench.bounded.moves import Example, Moves, Side
from scanner.workbench.bounded.questions import QUICK
from scanner.workbench.flow import inline_test
from scanner.workbench.unit import NOW, relations_from, resource_of

THOROUGH = 200
"""So many comparisons are tried with all that is affordable for one; of a larger change the others are only sampled."""
WORDS = {"P": "pass", "F": "fail", "N": "not applicable", "U": "not decided"}
_EXPECT = {"P": "pass", "F": "fail", "N": "notApplicable", "U": "unknown"}


@dataclass(frozen=True, slots=True)
class Possible:
    """A verdict letter (P F N U) that can become another. `case`: an inline test that holds for the older rule only.

    `where`: the scoped block of a profile that gives the parameters such values, or "".
    """

    before: str
    after: str
    case: str
    where: str = ""

    @property
    def words(self) -> str:
        """`pass -> fail`."""
        return f"{WORDS[self.before]} -> {WORDS[self.after]}"

    @property
    def lines(self) -> list[str]:
        """The case, with a heading."""
        within = f" (with the values of {self.where})" if self.where else ""
        head = f"a case that was {WORDS[self.before]} and is {WORDS[self.after]} now{within}:"
        return [head, *self.case.splitlines()]


def moves(before: Side, after: Side, earlier: int = 0) -> Moves:
    """Every move that is known of, with what a smaller case shows in the place of a test that shows the same.

    `earlier`: how many rules were compared before in this run; after `THOROUGH` of them fewer combinations are tried.
    """
    found = compare(before, after, limits=USUAL if earlier < THOROUGH else QUICK)
    return replace(found, found={**dict(_on_tests(before, after)), **found.found})


def possible(moved: Moves, where: str = "") -> tuple[Possible, ...]:
    """Every move with its case as rule text, in the order of letters."""
    return tuple(
        Possible(before, after, as_test(example, _EXPECT[before]), where)
        for (before, after), example in sorted(moved.found.items())
    )


def as_test(example: Example, expect: str) -> str:
    """A case as an inline test that holds for the older rule and no longer for the newer one."""
    return inline_test(
        RuleTest(
            name="held before this change",
            resource=example.resource,
            related=example.related,
            params=example.params,
            now=example.now,
            expect=expect,
            message_contains="",
            findings=None,
            mark=NOWHERE,
        )
    )


def looked_at(*, complete: bool, note: str) -> str:
    """How much was tried, in words."""
    if complete:
        return "every combination of the values that matter was tried"
    return f"only a sample was tried{': ' if note else ''}{note.removeprefix('a sample ')}"


def _on_tests(before: Side, after: Side) -> Iterator[tuple[tuple[str, str], Example]]:
    """The first inline test for each pair of different letters."""
    known: set[tuple[str, str]] = set()
    if before.rule.target.lower() != after.rule.target.lower():
        return
    for test in (*before.rule.tests, *after.rule.tests):
        letters = _letter(before, test), _letter(after, test)
        if letters[0] != letters[1] and letters not in known:
            known.add(letters)
            yield letters, Example(test.resource, test.related, test.params, test.now)


def _letter(side: Side, test: RuleTest) -> str:
    rule = side.rule
    relations = {relation.name: relation for relation in relations_for(rule.target)}
    given = {name: value for name, value in test.params.items() if name in side.values}
    case = case_for(
        resource_of(rule.target, test.resource),
        relations_from(rule, test.related),
        {name: relation.element for name, relation in relations.items()},
        {**side.values, **given},
        instant(test.now or NOW) or 0.0,
    )
    letter = judge(rule, case, {name: one.key for name, one in relations.items()}).verdict.letter
    return "U" if letter == "E" else letter


def joined(rules: tuple[Rule, ...]) -> Rule | None:
    """One rule that passes where each of the parts passes or does not apply, fails where one fails; None for manual ones.

    It stands for the rules that a split made of one: what used to fail must still fail in one of them.
    """
    parts: list[Condition] = []
    for rule in rules:
        if rule.check is None or rule.target.lower() != rules[0].target.lower():
            return None
        if rule.when is None:
            parts.append(rule.check)
        else:
            applies = Logic("not", (rule.when,), rule.mark)
            parts.append(Logic("anyOf", (applies, rule.check), rule.mark))
    tests = tuple(test for rule in rules for test in rule.tests)
    whole = Logic("allOf", tuple(parts), rules[0].mark)
    return replace(rules[0], when=None, check=whole, tests=tests)


def merged_values(values: tuple[Mapping[str, Any], ...]) -> Mapping[str, Any] | None:
    """The parameter values of several rules as one mapping; None where two give one name different values."""
    found: dict[str, Any] = {}
    for one in values:
        for name, value in one.items():
            if name in found and found[name] != value:
                return None
            found[name] = value
    return found
