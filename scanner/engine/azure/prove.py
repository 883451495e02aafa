"""Conditions of imported definitions: a policy and a case come in, a proof comes out. It never raises.

Groups are strong Kleene like the native language's (errors rank above unknown), so that what was not read stays unknown
where Azure, which has read everything, would answer. Every child is visited; evidence does not depend on order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from scanner.engine import paths
from scanner.engine.azure.aliases import Alias
from scanner.engine.azure.counts import counted
from scanner.engine.azure.failing import EvaluationFailed, NotRead
from scanner.engine.azure.fields import Asked, Selection, Spot, select
from scanner.engine.azure.related import candidates
from scanner.engine.azure.template import MAX_STEPS, Scene, evaluate
from scanner.engine.azure.values import decide
from scanner.engine.case import Case
from scanner.engine.completions import closed
from scanner.engine.operators.row import Wrong
from scanner.engine.proof import Proof, Truth, all_of, any_of, inverted
from scanner.model.azure import Clause, Existence, Field, FieldCount, Group, Policy, Test, Value, ValueCount
from scanner.model.condition import Mark
from scanner.model.values import ABSENT, Hidden, Unknown

MISSING_LIST = (
    "the list is not set, so `[*]` does not hold (Microsoft's page on arrays can be read otherwise)"
)

EQUALITY = ("equals", "notEquals")
WITHHELD = "(withheld)"
"""Stands for a withheld value where it is enough to know that there is one and that it is not empty."""


def prove(policy: Policy, case: Case) -> Proof:
    """The proof of an imported condition."""
    case = closed(case)
    bound = case.bound[paths.TARGET]
    asked = Asked(case.resource, bound.missing)
    scene = Scene(policy, case, asked, asked, dict(policy.aliases), [MAX_STEPS])
    return _clause(policy.clause, scene)


def _clause(clause: Clause, scene: Scene) -> Proof:
    match clause:
        case Group(kind="not"):
            child = _clause(clause.children[0], scene)
            return Proof(inverted(child.truth), "not", clause.mark, [child], negated=True)
        case Group():
            join = all_of if clause.kind == "allOf" else any_of
            children = [_clause(part, scene) for part in clause.children]
            return Proof(join(child.truth for child in children), clause.kind, clause.mark, children)
        case Existence():
            return _existence(clause, scene)
        case Test():
            return _test(clause, scene)


def _test(test: Test, scene: Scene) -> Proof:
    try:
        operand = evaluate(test.operand, scene)
        match test.subject:
            case Field():
                return _field(test, operand, scene)
            case Value():
                value = evaluate(test.subject.template, scene)
                return _leaf(test, "value", value, operand, test.mark)
            case FieldCount() | ValueCount():
                return counted(test, test.subject, operand, scene, _clause)
    except NotRead as unread:
        return _stopped(test, Truth.UNKNOWN, "unread", unread.reason)
    except EvaluationFailed as failed:
        return _stopped(test, Truth.ERROR, "error", f"{failed.text}; Azure fails the evaluation")


def _stopped(test: Test, truth: Truth, state: str, note: str) -> Proof:
    return Proof(truth, "", test.mark, path=_named(test), state=state, operator=test.operator, note=note)


def _named(test: Test) -> str:
    match test.subject:
        case Field():
            return test.subject.name if isinstance(test.subject.name, str) else "field"
        case FieldCount():
            return f"count of {test.subject.alias}"
        case ValueCount():
            return "count of value"
        case Value():
            return "value"


def _field(test: Test, operand: Any, scene: Scene) -> Proof:
    name = test.subject.name if isinstance(test.subject, Field) else ""
    alias = scene.alias(name if isinstance(name, str) else str(evaluate(name, scene)), scene.asked)
    found = select(alias, scene.asked)
    if not alias.many:
        spot = found.spots[0]
        return _leaf(test, spot.shown or alias.text, spot.value, operand, test.mark, alias)
    return _every(test, operand, alias, found)


def _every(test: Test, operand: Any, alias: Alias, found: Selection) -> Proof:
    """`[*]` outside a count: every element must hold; none at all holds, a list that is not there does not."""
    children = [
        _leaf(test, spot.shown, spot.value, operand, test.mark, alias) for spot in _bounded(found.spots)
    ]
    label = f"every {alias.text}"
    if found.hole:
        hole = Proof(Truth.FALSE, "", test.mark, path=found.hole, state="absent", operator=test.operator)
        hole.expected, hole.note = operand, MISSING_LIST
        return Proof(Truth.FALSE, label, test.mark, [*children, hole])
    truth = all_of(child.truth for child in children)
    if found.tail and truth is Truth.TRUE:
        truth = Truth.UNKNOWN
        note = f"list incomplete: {found.tail}"
        children.append(Proof(truth, "the rest", test.mark, path=alias.text, state="unread", note=note))
    if not children:
        return Proof(
            truth, label, test.mark, path=alias.text, state="present", actual=[], operator=test.operator,
            expected=operand, note="an empty list holds",
        )  # fmt: skip
    return Proof(truth, label, test.mark, children)


def _bounded(spots: list[Spot]) -> Iterator[Spot]:
    yield from spots[:10_000]
    if len(spots) > 10_000:
        yield Spot(Unknown("more than 10,000 list elements to look at"), "", spots[0].shown)


def _leaf(test: Test, shown: str, value: Any, operand: Any, mark: Mark, alias: Alias | None = None) -> Proof:
    proof = Proof(Truth.UNKNOWN, "", mark, path=shown, operator=test.operator, expected=operand)
    if isinstance(value, Unknown):
        proof.state, proof.note = "unread", value.reason
        return proof
    if isinstance(value, Hidden):
        proof.state, proof.note = "hidden", f"{value.kind}, withheld"
        if test.operator != "exists" and not (test.operator in EQUALITY and operand in ("", None)):
            return proof
        value = WITHHELD
    elif value is ABSENT or value is None:
        proof.state = "absent"
        if alias is not None and alias.guessed:
            proof.note = "path worked out from the alias: the type has no facts"
    else:
        proof.state, proof.actual = "present", value
    if alias is not None and alias.steps[-1:] == ("location",):
        value, operand = _region(value), _region(operand)
    answer = decide(test.operator, value, operand)
    if isinstance(answer, Wrong):
        proof.truth, proof.state, proof.note = Truth.ERROR, "error", answer.text
    else:
        proof.truth = Truth.TRUE if answer else Truth.FALSE
    return proof


def _region(value: Any) -> Any:
    """Regions compare without blanks: "East US 2" is eastus2."""
    if isinstance(value, str):
        return value.replace(" ", "")
    return [_region(item) for item in value] if isinstance(value, (list, tuple)) else value


def _existence(clause: Existence, scene: Scene) -> Proof:
    """Whether a related resource of the wanted type, name and place meets the existence condition."""
    label = f"exists {clause.type}"
    try:
        rows, tail = candidates(clause, scene)
    except NotRead as unread:
        return Proof(Truth.UNKNOWN, label, clause.mark, path=clause.type, state="unread", note=unread.reason)
    except EvaluationFailed as failed:
        return Proof(Truth.ERROR, label, clause.mark, path=clause.type, state="error", note=failed.text)
    children = []
    for row in rows:
        inner = replace(scene, asked=row, owner=scene.owner)
        proof = (
            Proof(Truth.TRUE, "any", clause.mark) if clause.where is None else _clause(clause.where, inner)
        )
        child = Proof(proof.truth, row.resource.id, clause.mark, [proof])
        children.append(child)
    truth = any_of(child.truth for child in children)
    if not children:
        return Proof(
            Truth.UNKNOWN if tail else Truth.FALSE, label, clause.mark, path=clause.type,
            state="unread" if tail else "present", actual=ABSENT if tail else [], operator="exists", expected=True,
            note=tail or "none found",
        )  # fmt: skip
    found = Proof(truth, label, clause.mark, children)
    if tail and truth is Truth.FALSE:
        found.truth = Truth.UNKNOWN
        note = f"list incomplete: {tail}"
        children.append(
            Proof(Truth.UNKNOWN, "the rest", clause.mark, path=clause.type, state="unread", note=note)
        )
    return found
