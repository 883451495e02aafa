"""One rule on one resource, in the reference lane: a case comes in, a verdict with its reasons comes out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from scanner.engine import telling
from scanner.engine.case import Bound, Case
from scanner.engine.completions import completions
from scanner.engine.explain import explain
from scanner.engine.proof import Proof, Truth
from scanner.model.condition import Condition, Quantifier, Ref, Related, relations_of
from scanner.model.finding import Verdict
from scanner.model.resource import LIVE_SOURCES
from scanner.model.rule import Rule

_OF_CHECK = {
    Truth.TRUE: Verdict.PASS,
    Truth.FALSE: Verdict.FAIL,
    Truth.UNKNOWN: Verdict.UNKNOWN,
    Truth.ERROR: Verdict.ERROR,
}
_OF_WHEN = {**_OF_CHECK, Truth.FALSE: Verdict.NOT_APPLICABLE}


@dataclass(frozen=True, slots=True)
class Offender:
    """One element that makes a rule fail; `count` elements share its key."""

    key: str
    bound: Bound
    proof: Proof
    count: int = 1


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with everything a finding needs. `proof` is the deciding one, of `when` or of the check."""

    verdict: Verdict
    message: str
    reason: str = ""
    when: Proof | None = None
    proof: Proof | None = None
    offenders: tuple[Offender, ...] = ()


def judge(rule: Rule, case: Case, keys: dict[str, tuple[str, ...]] | None = None) -> Judgement:
    """The verdict of a rule; `keys` maps a relation to the fields that identify its elements.

    Where values can be one of several, every completion is judged: what all of them agree on is the verdict.
    """
    found = _judge(rule, case, keys)
    if found.verdict not in _OPEN or case.resource.origin.source in LIVE_SOURCES:
        return found
    cases = completions(case, {*relations_of(rule.when), *relations_of(rule.check)})
    if not cases:
        return found
    judged = [(_judge(rule, one, keys), chosen) for one, chosen in cases]
    first = judged[0][0]
    if all(one.verdict is first.verdict for one, _ in judged):
        return first
    if found.verdict is Verdict.ERROR:
        return found
    other, chosen = next((one, chosen) for one, chosen in judged if one.verdict is not first.verdict)
    words = f"{_SAYS[first.verdict]} for {', '.join(judged[0][1])}, {_SAYS[other.verdict]} for {', '.join(chosen)}"
    return replace(found, message=telling.shorten(f"Not decided: {words}"))


_OPEN = frozenset({Verdict.UNKNOWN, Verdict.ERROR})
"""Verdicts that a completion can change: an error may lie in what the completions exclude."""
_SAYS = {
    Verdict.PASS: "passes",
    Verdict.FAIL: "fails",
    Verdict.UNKNOWN: "is not decided",
    Verdict.ERROR: "cannot be judged",
    Verdict.NOT_APPLICABLE: "does not apply",
    Verdict.MANUAL: "is to be attested",
}


def _judge(rule: Rule, case: Case, keys: dict[str, tuple[str, ...]] | None) -> Judgement:
    when = None
    if rule.when is not None:
        when = explain(rule.when, case)
        if when.truth is not Truth.TRUE:
            return _not_asked(rule, case, when)
    if rule.check is None:
        return Judgement(Verdict.MANUAL, rule.manual, when=when)
    proof = explain(rule.check, case)
    verdict = _OF_CHECK[proof.truth]
    if verdict in (Verdict.UNKNOWN, Verdict.ERROR):
        message, reason = telling.undecided(proof, wrong=verdict is Verdict.ERROR)
        return Judgement(verdict, message, reason, when, proof)
    if verdict is Verdict.PASS:
        return Judgement(verdict, "", when=when, proof=proof)
    offenders = tuple(_offenders(rule.check, proof, keys or {}))
    message = telling.fill(rule.message, case, proof)
    return Judgement(verdict, message, "", when, proof, offenders)


def _not_asked(rule: Rule, case: Case, when: Proof) -> Judgement:
    verdict = _OF_WHEN[when.truth]
    if verdict is Verdict.NOT_APPLICABLE:
        text = telling.fill(rule.not_applicable_message, case, when) if rule.not_applicable_message else ""
        return Judgement(verdict, text or "The rule does not apply to this resource", "when", when, when)
    message, reason = telling.undecided(when, wrong=verdict is Verdict.ERROR)
    return Judgement(verdict, message, reason, when, when)


def root_quantifier(condition: Condition | None) -> Quantifier | None:
    """The quantifier at the root of a check, whose failing elements get findings of their own."""
    while isinstance(condition, Ref):
        condition = condition.condition
    return condition if isinstance(condition, Quantifier) else None


def _offenders(check: Condition, proof: Proof, keys: dict[str, tuple[str, ...]]) -> Iterator[Offender]:
    """The elements that make a root-level `none` or `every` fail, merged by key, in the order of the list."""
    quantifier = root_quantifier(check)
    while proof.label.startswith("ref ") and proof.children:
        proof = proof.children[0]
    if quantifier is None or quantifier.kind == "some":
        return
    bad = Truth.TRUE if quantifier.kind == "none" else Truth.FALSE
    declared: tuple[str, ...] = ()
    if isinstance(quantifier.of, Related):
        declared = keys.get(quantifier.of.name, ())
    found: dict[str, Offender] = {}
    for child in proof.children:
        bound: Any = child.element
        if child.truth is not bad or not isinstance(bound, Bound):
            continue
        key = telling.element_key(bound, declared)
        first = found.get(key)
        found[key] = (
            Offender(key, first.bound, first.proof, first.count + 1) if first else Offender(key, bound, child)
        )
    yield from found.values()
