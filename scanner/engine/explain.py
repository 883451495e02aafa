"""The reference lane: a condition and one case come in, a proof comes out. It never raises.

Every child of a condition is visited, so that evidence does not depend on order. Only inside the elements of lists it
stops at the child that settles the truth: there may be thousands, and what they fail by is not asked.

Whatever the generated lane cannot decide is decided here, and whatever fails is explained here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scanner.engine import partial, paths
from scanner.engine.azure.prove import prove
from scanner.engine.case import MAX_ELEMENTS, Bound, Case, Elements, elements, list_name, value_of
from scanner.engine.operators import OPERATORS, UNSURE, Options, Wrong
from scanner.engine.operators.row import kind
from scanner.engine.proof import Proof, Truth, all_of, any_of, inverted
from scanner.model.azure import Policy
from scanner.model.condition import (
    Condition,
    Count,
    Leaf,
    ListSource,
    Logic,
    Param,
    Path,
    Quantifier,
    Ref,
    Related,
)
from scanner.model.values import ABSENT, Hidden, Partial, Unknown


def explain(condition: Condition, case: Case) -> Proof:
    """The proof of a condition on a case."""
    return _explain(condition, case, case.bound)


def _explain(condition: Condition, case: Case, env: Mapping[str, Bound], *, brief: bool = False) -> Proof:
    match condition:
        case Leaf():
            return _leaf(condition, case, env)
        case Logic(kind="not"):
            child = _explain(condition.children[0], case, env, brief=brief)
            return Proof(inverted(child.truth), "not", condition.mark, [child], negated=True)
        case Logic():
            join, settled = (all_of, Truth.FALSE) if condition.kind == "allOf" else (any_of, Truth.TRUE)
            children = []
            for part in condition.children:
                children.append(_explain(part, case, env, brief=brief))
                if brief and children[-1].truth is settled:
                    break
            return Proof(join(child.truth for child in children), condition.kind, condition.mark, children)
        case Ref():
            child = _explain(condition.condition, case, {paths.TARGET: env[paths.TARGET]}, brief=brief)
            return Proof(child.truth, f"ref {condition.name}", condition.mark, [child])
        case Quantifier():
            return _quantifier(condition, case, env)
        case Count():
            return _count(condition, case, env)
        case Policy():
            return prove(condition, case)


def _leaf(leaf: Leaf, case: Case, env: Mapping[str, Bound]) -> Proof:
    value = value_of(leaf.subject, case, env)
    expected, problem = _operand(leaf.operand, case, env)
    shown = str(leaf.subject) if isinstance(leaf.subject, Path) else f"param {leaf.subject.name}"
    proof = Proof(
        Truth.UNKNOWN,
        "",
        leaf.mark,
        path=shown,
        operator=leaf.operator,
        expected=None
        if isinstance(expected, (Unknown, Hidden, Wrong, Partial)) or expected is ABSENT
        else expected,
    )
    _observe(proof, value)
    if isinstance(value, str) and isinstance(leaf.subject, Path):
        way = paths.plan(env[leaf.subject.var].variable, leaf.subject.keys)
        if paths.secret(way):
            proof.state, proof.actual = "hidden", ABSENT
    if isinstance(value, Wrong) or isinstance(problem, Wrong):
        proof.truth = Truth.ERROR
        wrong = value if isinstance(value, Wrong) else problem
        proof.note = wrong.text if isinstance(wrong, Wrong) else ""
        proof.state = "error"
        return proof
    if problem is not None:
        proof.note = problem.reason if isinstance(problem, Unknown) else "the compared value is withheld"
        return proof
    if isinstance(value, Unknown):
        proof.note = value.reason
        return proof
    if isinstance(value, Partial) or isinstance(expected, Partial):
        return _partly(proof, leaf, value, expected, case)
    operator = OPERATORS[leaf.operator]
    if isinstance(value, Hidden):
        proof.truth = _of_hidden(leaf.operator, expected)
        proof.note = f"{value.kind}, withheld"
        return proof
    if value is ABSENT and leaf.default is not ABSENT:
        value = leaf.default
        proof.note = f"not set, taken as {_words(value)}"
    if value is ABSENT:
        hit = operator.absent(expected) if expected is not ABSENT else False
        proof.truth = Truth.TRUE if hit else Truth.FALSE
        return proof
    if expected is ABSENT:
        proof.truth = Truth.FALSE
        return proof
    location = (
        isinstance(leaf.subject, Path)
        and paths.plan(env[leaf.subject.var].variable, leaf.subject.keys).location
    )
    answer = operator.decide(value, expected, Options(case.now, leaf.case_sensitive, location))
    if isinstance(answer, Wrong):
        proof.truth, proof.note, proof.state = Truth.ERROR, answer.text, "error"
    elif answer is UNSURE:
        proof.truth, proof.note = Truth.UNKNOWN, "the list is incomplete"
    else:
        proof.truth = Truth.TRUE if answer else Truth.FALSE
    return proof


def _partly(proof: Proof, leaf: Leaf, value: Any, expected: Any, case: Case) -> Proof:
    """A leaf with a text of which only parts are known, on either side."""
    if isinstance(value, Partial) and not isinstance(expected, Partial):
        options = Options(case.now, leaf.case_sensitive)
        proof.truth = (
            partial.decide(leaf.operator, value, expected, options) if expected is not ABSENT else Truth.FALSE
        )
    elif leaf.operator == "equals" and value is not ABSENT:
        other = Options(case.now, leaf.case_sensitive)
        proof.truth = (
            partial.same(value, expected)
            if isinstance(value, Partial)
            else partial.decide("equals", expected, value, other)
        )
    if proof.truth is Truth.UNKNOWN:
        proof.note = (value if isinstance(value, Partial) else expected).reason
        proof.state = "unread"
    return proof


def _of_hidden(operator: str, expected: Any) -> Truth:
    """A withheld value exists and is not empty; nothing else can be said of it."""
    if operator == "exists":
        return Truth.TRUE if expected is True else Truth.FALSE
    if operator == "empty":
        return Truth.FALSE if expected is True else Truth.TRUE
    return Truth.UNKNOWN


def _operand(
    operand: Any, case: Case, env: Mapping[str, Bound]
) -> tuple[Any, Unknown | Hidden | Wrong | None]:
    """The operand's value, and what stands in the way of using it."""
    if isinstance(operand, Param):
        value = case.params.get(operand.name)
        if value is None:
            return None, Wrong(f"parameter {operand.name} is not declared (null)")
        return value, None
    if isinstance(operand, Path):
        value = value_of(operand, case, env)
        if isinstance(value, (Unknown, Hidden, Wrong)):
            return value, value
        return value, None
    return operand, None


def _observe(proof: Proof, value: Any) -> None:
    if isinstance(value, Unknown):
        proof.state = "unread"
    elif isinstance(value, Hidden):
        proof.state = "hidden"
    elif isinstance(value, Wrong):
        proof.state = "error"
    elif value is ABSENT:
        proof.state = "absent"
    elif isinstance(value, Partial):
        proof.state, proof.actual = "present", partial.shown(value)
    else:
        proof.state, proof.actual = "present", value


_LIMIT = f"more than {MAX_ELEMENTS:,} list elements to look at"


def _each(
    condition: Quantifier | Count, case: Case, env: Mapping[str, Bound], found: Elements
) -> list[Proof]:
    where = condition.where
    proofs = []
    for bound in found.bounds:
        if case.budget[0] <= 0:
            proofs.append(
                Proof(
                    Truth.UNKNOWN,
                    "the rest",
                    condition.mark,
                    path=list_name(condition.of),
                    state="unread",
                    note=_LIMIT,
                )
            )
            break
        case.budget[0] -= 1
        if where is None:
            unknown = isinstance(bound.value, Unknown)
            proof = Proof(Truth.UNKNOWN if unknown else Truth.TRUE, "element", condition.mark)
        else:
            inner = _explain(where, case, {**env, condition.var: bound}, brief=True)
            proof = Proof(inner.truth, "element", condition.mark, [inner])
        proof.var, proof.element = condition.var, bound
        proofs.append(proof)
    return proofs


def _problem(proof: Proof, problem: Unknown | Wrong, of: ListSource) -> Proof:
    proof.path = (
        str(of) if isinstance(of, Path) else f"related.{of.name}" if isinstance(of, Related) else of.name
    )
    proof.truth = Truth.ERROR if isinstance(problem, Wrong) else Truth.UNKNOWN
    proof.state = "error" if isinstance(problem, Wrong) else "unread"
    proof.note = problem.text if isinstance(problem, Wrong) else problem.reason
    return proof


def _quantifier(condition: Quantifier, case: Case, env: Mapping[str, Bound]) -> Proof:
    found = elements(condition.of, case, env)
    label = f"{condition.kind} {list_name(condition.of)} as {condition.var}"
    proof = Proof(Truth.UNKNOWN, label, condition.mark, negated=condition.kind == "none")
    if found.problem is not None:
        return _problem(proof, found.problem, condition.of)
    if not found.bounds and not found.tail:
        proof.path, proof.state, proof.actual = list_name(condition.of), "present", []
        fallback = condition.kind != "some"
        holds = condition.when_empty == "pass" if condition.when_empty else fallback
        proof.truth = Truth.TRUE if holds else Truth.FALSE
        return proof
    proof.children = _each(condition, case, env, found)
    if found.rest is not None:
        (other,) = _each(condition, case, env, Elements([found.rest], "", None))
        if other.truth is (Truth.TRUE if condition.kind == "every" else Truth.FALSE):
            found = found._replace(tail="")  # whatever was not read, it cannot change this answer
    if condition.kind == "every":
        truth = all_of([child.truth for child in proof.children])
        proof.truth = Truth.UNKNOWN if truth is Truth.TRUE and found.tail else truth
    else:
        hit = any_of([child.truth for child in proof.children])
        if hit is Truth.FALSE and found.tail:
            hit = Truth.UNKNOWN
        proof.truth = inverted(hit) if condition.kind == "none" else hit
    if found.tail:
        _note_tail(proof, found.tail, condition.of)
    return proof


def _note_tail(proof: Proof, tail: str, of: ListSource) -> None:
    """Says that the list is incomplete; where only that leaves the answer open, it is the decisive leaf."""
    proof.note = f"list incomplete: {tail}"
    if proof.truth is Truth.UNKNOWN and not any(child.truth is Truth.UNKNOWN for child in proof.children):
        proof.children.append(
            Proof(
                Truth.UNKNOWN,
                "the rest",
                proof.mark,
                path=list_name(of),
                state="unread",
                note=f"list incomplete: {tail}",
            )
        )


def _count(condition: Count, case: Case, env: Mapping[str, Bound]) -> Proof:
    found = elements(condition.of, case, env)
    label = f"count {list_name(condition.of)} {condition.operator}"
    proof = Proof(Truth.UNKNOWN, label, condition.mark, path=f"count of {list_name(condition.of)}")
    if found.problem is not None:
        return _problem(proof, found.problem, condition.of)
    wanted, problem = _operand(condition.operand, case, env)
    proof.operator = condition.operator
    if kind(wanted) != "number" and problem is None:
        problem = Wrong(f"{_words(wanted)} is no number to compare a count with")
    if isinstance(problem, Wrong):
        proof.truth, proof.state, proof.note = Truth.ERROR, "error", problem.text
        return proof
    proofs = _each(condition, case, env, found)
    if any(child.truth is Truth.ERROR for child in proofs):
        proof.children = [child for child in proofs if child.truth is Truth.ERROR]
        proof.truth = Truth.ERROR
        return proof
    low = sum(child.truth is Truth.TRUE for child in proofs)
    high = low + sum(child.truth is Truth.UNKNOWN for child in proofs)
    if len(proofs) and proofs[-1].note == _LIMIT:
        found = found._replace(tail=_LIMIT)
    proof.count, proof.state, proof.actual = low, "present", low
    proof.note = f"list incomplete: {found.tail}" if found.tail else (f"up to {high}" if high > low else "")
    if problem is not None:
        return proof
    proof.expected = wanted
    proof.truth = compare_count(condition.operator, low, None if found.tail else high, wanted)
    if proof.truth is Truth.UNKNOWN:
        proof.state = "unread"
        unknowns = [child for child in proofs if child.truth is Truth.UNKNOWN]
        if unknowns and not found.tail:
            proof.note = next((leaf.note for leaf in unknowns[0].decisive() if leaf.note), proof.note)
    return proof


def compare_count(operator: str, low: int, high: int | None, wanted: float) -> Truth:
    """Compares the interval [low, high] with a number; `high` None has no upper end."""
    if operator in ("equals", "notEquals"):
        if high is not None and low == high:
            same = low == wanted
        elif wanted < low or (high is not None and wanted > high):
            same = False
        else:
            return Truth.UNKNOWN
        return Truth.TRUE if same == (operator == "equals") else Truth.FALSE
    decide = OPERATORS[operator].decide
    options = Options(0.0)
    ends = [decide(low, wanted, options), decide(float("inf") if high is None else high, wanted, options)]
    if ends[0] is ends[1]:
        return Truth.TRUE if ends[0] is True else Truth.FALSE
    return Truth.UNKNOWN


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)
