"""Counts: a count's elements are looked at one by one, and the number (an interval, where something is unread) decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scanner.engine.azure.failing import EvaluationFailed, NotRead
from scanner.engine.azure.fields import incomplete, select
from scanner.engine.azure.template import Scene, evaluate
from scanner.engine.azure.values import ORDERED, decide
from scanner.engine.case import MAX_ELEMENTS
from scanner.engine.operators.row import Wrong, kind
from scanner.engine.proof import Proof, Truth
from scanner.model.azure import Clause, FieldCount, Test, ValueCount
from scanner.model.values import ABSENT, Unknown

MAX_ITERATIONS = 100
"""Elements that a count over a value may go through (Azure's own limit)."""


def counted(
    test: Test,
    subject: FieldCount | ValueCount,
    operand: Any,
    scene: Scene,
    visit: Callable[[Clause, Scene], Proof],
) -> Proof:
    """The proof of a count. Only the elements that count, or that nobody knows about, become children."""
    if isinstance(subject, FieldCount):
        name = subject.alias
        inner, tail = _elements(subject, scene)
    else:
        name = subject.name or "value"
        inner, tail = _values(subject, scene), ""
    proof = Proof(Truth.UNKNOWN, f"count {name}", test.mark, path=f"count of {name}", operator=test.operator)
    proof.expected = operand
    children: list[Proof] = []
    for one in inner:
        if scene.case.budget[0] <= 0:
            tail = f"more than {MAX_ELEMENTS:,} list elements to look at"
            break
        scene.case.budget[0] -= 1
        children.append(_one(test, subject, one, visit))
    wrong = [child for child in children if child.truth is Truth.ERROR]
    if wrong:
        proof.truth, proof.children = Truth.ERROR, wrong
        return proof
    low = sum(child.truth is Truth.TRUE for child in children)
    unread = [child for child in children if child.truth is Truth.UNKNOWN]
    high = None if tail else low + len(unread)
    proof.count = low
    proof.state, proof.actual = "present", low
    proof.truth, note = _decided(test.operator, low, high, operand)
    proof.note = note or (f"list incomplete: {tail}" if tail else f"up to {high}" if unread else "")
    if proof.truth is Truth.UNKNOWN:
        proof.state = "unread"
        if unread and not tail:
            proof.note = next((leaf.note for leaf in unread[0].decisive() if leaf.note), proof.note)
    elif proof.truth is Truth.ERROR:
        proof.state = "error"
    return proof


def _one(
    test: Test, subject: FieldCount | ValueCount, scene: Scene, visit: Callable[[Clause, Scene], Proof]
) -> Proof:
    if subject.where is not None:
        return visit(subject.where, scene)
    unread = isinstance(scene.current[-1][1], Unknown)
    return Proof(Truth.UNKNOWN if unread else Truth.TRUE, "element", test.mark)


def _elements(subject: FieldCount, scene: Scene) -> tuple[list[Scene], str]:
    """A scene per element of an array alias; a list that is not there has none."""
    alias = scene.alias(subject.alias, scene.asked)
    found = select(alias, scene.asked)
    scenes = []
    for spot in found.spots:
        value = None if spot.value is ABSENT else spot.value
        scenes.append(scene.within(subject.alias, value, scene.asked.at(spot.passed)))
    return scenes, found.tail


def _values(subject: ValueCount, scene: Scene) -> list[Scene]:
    given = evaluate(subject.template, scene)
    if not isinstance(given, (list, tuple)):
        raise EvaluationFailed(f"a count needs a list, not {kind(given)}")
    for reason in incomplete(given):
        raise NotRead(reason)
    if len(given) > MAX_ITERATIONS:
        raise EvaluationFailed(f"a count over a value goes through at most {MAX_ITERATIONS} elements")
    return [scene.within(subject.name or "default", item) for item in given]


def _decided(operator: str, low: int, high: int | None, operand: Any) -> tuple[Truth, str]:
    """What a number in [low, high] says to the operator; `high` None has no upper end."""
    if high is not None and low == high:
        return _answer(operator, low, operand)
    if operator in ORDERED:
        ends = (_answer(operator, low, operand), _answer(operator, 10**9 if high is None else high, operand))
        if ends[0][0] is ends[1][0]:
            return ends[0]
    beyond = kind(operand) == "number" and (operand < low or (high is not None and operand > high))
    if beyond and operator in ("equals", "notEquals"):
        return (Truth.FALSE if operator == "equals" else Truth.TRUE), ""
    return Truth.UNKNOWN, ""


def _answer(operator: str, value: int, operand: Any) -> tuple[Truth, str]:
    answer = decide(operator, value, operand)
    if isinstance(answer, Wrong):
        return Truth.ERROR, answer.text
    return (Truth.TRUE if answer else Truth.FALSE), ""
