"""Inline tests: a pack comes in, one result per test comes out; each test runs in both lanes, which must agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scanner import types
from scanner.engine.case import Case, absences, case_for
from scanner.engine.codegen import compile_rules
from scanner.engine.evaluate import rule_values
from scanner.engine.findings import Maker
from scanner.engine.judge import Judgement, judge
from scanner.engine.operators.time import instant
from scanner.engine.relations import relations_for
from scanner.model.condition import Mark
from scanner.model.resource import Origin, Resource
from scanner.model.rule import Rule, RulePack, RuleTest
from scanner.model.values import Hidden, Unknown
from scanner.workbench.problem import Checked

NOW = "2026-11-25T00:00:00Z"
"""The clock of tests that set none."""
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"


@dataclass(frozen=True, slots=True)
class TestResult:
    """What one inline test gave. `problem` is "" when it passed."""

    __test__ = False

    rule: str
    name: str
    mark: Mark
    expected: str
    found: str
    problem: str


def checked(result: TestResult) -> Checked:
    """A result as reports tell it."""
    return Checked(result.rule, result.name, result.mark, result.problem)


def run_tests(pack: RulePack, wanted: Callable[[Rule], bool] = lambda _: True) -> Iterator[TestResult]:
    """Every inline test of the wanted rules, in order."""
    for rule in pack.rules:
        if wanted(rule):
            compiled = compile_rules(rule.target, [rule], _elements(rule))
            for test in rule.tests:
                case = case_of(pack, rule, test)
                judgement = judge(rule, case, _keys(rule))
                lane = compiled.build({rule.id: case.params}, case.now)
                letter = lane(case.resource.body, absences(case.resource), case.related)[0]
                problem = _problem(rule, test, case, judgement)
                found = judgement.verdict.value
                if found == test.expect and letter not in ("?", judgement.verdict.letter):
                    problem = f"the lanes disagree: generated {letter}, reference {judgement.verdict.letter}"
                yield TestResult(rule.id, test.name, test.mark, test.expect, found, problem)


def problem_of(rule: Rule, test: RuleTest, case: Case) -> str:
    """Why a test does not hold in the reference lane, or ""; `case` is the test's own (`case_of`)."""
    return _problem(rule, test, case, judge(rule, case, _keys(rule)))


def _elements(rule: Rule) -> dict[str, str]:
    return {relation.name: relation.element for relation in relations_for(rule.target)}


def _keys(rule: Rule) -> dict[str, tuple[str, ...]]:
    return {relation.name: relation.key for relation in relations_for(rule.target)}


def _messages(rule: Rule, case: Case, judgement: Judgement) -> list[str]:
    """The messages of all findings of a judgement."""
    made = Maker(rule, {relation.name: relation for relation in relations_for(rule.target)}).make(
        case, judgement
    )
    return [finding.message for finding, _ in made]


def _problem(rule: Rule, test: RuleTest, case: Case, judgement: Judgement) -> str:
    found = judgement.verdict.value
    if found != test.expect:
        problem = f"expected {test.expect}, got {found}"
        return f"{problem} ({judgement.message})" if judgement.message else problem
    if test.message_contains:
        messages = _messages(rule, case, judgement)
        if not any(test.message_contains in message for message in messages):
            return f"no message holds {test.message_contains!r}: {messages}"
    rows = len(judgement.offenders) or 1
    if test.findings is not None and rows != test.findings:
        return f"expected {test.findings} findings, got {rows}"
    return ""


def case_of(pack: RulePack, rule: Rule, test: RuleTest) -> Case:
    """The case that a test describes."""
    values = {**rule_values(pack, rule, pack.values), **test.params}
    return case_for(
        resource_of(rule.target, test.resource),
        relations_from(rule, test.related),
        _elements(rule),
        values,
        instant(test.now or NOW) or 0.0,
    )


def resource_of(target: str, given: Any, *, source: str = "test") -> Resource:
    """A resource from the few properties that a test gives; id and name are made up where missing."""
    body = with_hidden(dict(given)) if isinstance(given, dict) else {}
    name = body["name"] if isinstance(body.get("name"), str) else "example"
    identifier = body["id"] if isinstance(body.get("id"), str) else _made_up(target, name)
    version = body.pop("apiVersion", None)
    body = {"id": identifier, "name": name, "type": target, **body}
    location = body.get("location")
    return Resource(
        id=identifier,
        type=target,
        name=name,
        body=body,
        location=location if isinstance(location, str) else "",
        api_version=version if isinstance(version, str) else None,
        origin=Origin(source, "test"),
    )


def _made_up(target: str, name: str) -> str:
    namespace, *kinds = target.split("/")
    if namespace == "Microsoft.Resources":
        return f"/subscriptions/{SUBSCRIPTION}"
    parts = [part for kind in kinds[:-1] for part in (kind, "example")]
    tail = "/".join([namespace, *parts, *kinds[-1:], name])
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/example/providers/{tail}"


def relations_from(rule: Rule, given: Mapping[str, Any]) -> Callable[[str], Any]:
    """Relations as a test writes them: lists of bodies or rows, or a marker; one that is not given is unknown."""
    elements = _elements(rule)

    def related(name: str) -> Any:
        if name not in given:
            return Unknown("not given", "not-collected")
        rows = given[name]
        if not isinstance(rows, list):
            return rows
        facts = types.facts_for(elements.get(name, ""))
        if facts is None or facts.computed:
            return [with_hidden(row) for row in rows]
        return [resource_of(facts.type, row) if isinstance(row, dict) else row for row in rows]

    return related


def with_hidden(value: Any) -> Any:
    """A test's value with `{"$hidden": kind}` turned into the marker."""
    if isinstance(value, dict):
        if set(value) == {"$hidden"} and isinstance(value["$hidden"], str):
            return Hidden(value["$hidden"])
        return {key: with_hidden(item) for key, item in value.items()}
    return [with_hidden(item) for item in value] if isinstance(value, list) else value
