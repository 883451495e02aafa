"""Judgements to findings: one per resource, or one per offending element; with fingerprint, evidence and remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from scanner.engine import paths, telling
from scanner.engine.case import Bound, Case
from scanner.engine.judge import Judgement, Offender, root_quantifier
from scanner.engine.operators.time import instant
from scanner.engine.proof import Proof
from scanner.engine.relations import Relation
from scanner.model import ids
from scanner.model.condition import Path, Quantifier, Related
from scanner.model.finding import Finding, Verdict, fingerprint
from scanner.model.resource import Place, Resource, pointer
from scanner.model.rule import Rule

SETTLING_SECONDS = 600.0
"""How long firewall and role changes may take to act: "up to 10 minutes" (ACR FAQ, firewall and permission entries)."""
LOOKED_AGAIN_SECONDS = 86_400.0
"""Azure Policy looks at a changed resource some 15 minutes later, and at everything once every 24 hours
(https://learn.microsoft.com/azure/governance/policy/how-to/get-compliance-data, evaluation triggers)."""

_CHANGED = (("updatedOn",), ("createdOn",), ("properties", "updatedOn"), ("properties", "createdOn"))
_MODIFIED = ("systemData", "lastModifiedAt")
_SAID = ("timestamp",)


class Caused(NamedTuple):
    """A finding and, where its cause is inherited, what it must be merged by ("" = it stands alone)."""

    finding: Finding
    cause: str


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes the findings of one rule. `relations`: the target type's relations by name."""

    rule: Rule
    relations: Mapping[str, Relation]
    settling: float = SETTLING_SECONDS

    def make(self, case: Case, judgement: Judgement) -> Iterator[Caused]:
        """The findings of a judgement; none for a pass that nobody wants to keep."""
        if judgement.verdict is Verdict.FAIL and judgement.offenders:
            for offender in judgement.offenders:
                yield self._of_element(case, offender)
            return
        cause = self._missing_cause(case) if judgement.verdict is Verdict.FAIL else ""
        message = judgement.message
        proof = judgement.proof
        yield Caused(
            self._finding(case, judgement.verdict, message, judgement.reason, "", proof, cause, None), cause
        )

    def _of_element(self, case: Case, offender: Offender) -> Caused:
        quantifier = root_quantifier(self.rule.check)
        var = quantifier.var if quantifier else ""
        matched = {**offender.proof.matches(), var: offender.bound}
        message = telling.fill(self.rule.message, case, offender.proof, matched)
        if offender.count > 1:
            message += f" ({offender.count} times)"
        cause = self._inherited_cause(offender.bound)
        finding = self._finding(
            case, Verdict.FAIL, message, "", offender.key, offender.proof, cause, offender.bound, matched
        )
        return Caused(finding, cause)

    def _inherited_cause(self, bound: Bound) -> str:
        """The assignment that an access row was inherited from, or ""."""
        relation = self.relations.get(bound.variable.related)
        if relation is None or not relation.cause or not isinstance(bound.value, Mapping):
            return ""
        via = bound.value.get("via")
        if not isinstance(via, Mapping) or via.get("inherited") is not True:
            return ""
        found = paths.walk(
            paths.plan(bound.variable, tuple(relation.cause.split("."))), bound.value, bound.missing
        )
        return found.lower() if isinstance(found, str) else ""

    def _missing_cause(self, case: Case) -> str:
        """The subscription, for a rule that fails because nothing in it covers the resource."""
        quantifier = root_quantifier(self.rule.check)
        if quantifier is None or quantifier.kind != "some" or not isinstance(quantifier.of, Related):
            return ""
        relation = self.relations.get(quantifier.of.name)
        if relation is None or relation.cause != "subscription":
            return ""
        return f"/subscriptions/{ids.subscription_of(case.resource.id)}"

    def _finding(
        self,
        case: Case,
        verdict: Verdict,
        message: str,
        reason: str,
        element: str,
        proof: Proof | None,
        cause: str,
        bound: Bound | None,
        matched: Mapping[str, Any] | None = None,
    ) -> Finding:
        resource = case.resource
        places = written(resource, proof, bound, root_quantifier(self.rule.check))
        origin = resource.origin
        if places:
            origin = replace(origin, where=places[0].file, line=places[0].line, column=places[0].column)
        return Finding(
            rule=self.rule.id,
            severity=self.rule.severity,
            verdict=verdict,
            resource=resource.id,
            resource_type=resource.type,
            resource_name=resource.name,
            subscription=ids.subscription_of(resource.id),
            resource_group=ids.resource_group_of(resource.id),
            location=resource.location,
            message=message,
            reason=reason,
            element=element,
            evidence=telling.evidence(proof, case) if proof else (),
            fingerprint=fingerprint(self.rule.id, cause or resource.id, element),
            origin=origin,
            qualifier=self._qualifier(case, bound) if verdict is Verdict.FAIL else "",
            places=places,
            commands=self._commands(case, proof, matched) if verdict is Verdict.FAIL else (),
            api_version=resource.api_version,
            cause=cause,
        )

    def _qualifier(self, case: Case, bound: Bound | None) -> str:
        if case.resource.optional:
            return "ifDeployed"
        return "settling" if self._settling(case, bound) else ""

    def _settling(self, case: Case, bound: Bound | None) -> bool:
        """Whether the failure is younger than the propagation time, by the data's own clock."""
        if not self.rule.settles:
            return False
        return settling(case.resource, case.now, bound.value if bound else None, self.settling)

    def _commands(
        self, case: Case, proof: Proof | None, matched: Mapping[str, Any] | None
    ) -> tuple[tuple[str, ...], ...]:
        if ids.file_of(case.resource.id):
            return ()  # what a file describes is mended in the file
        if matched is None and proof is not None:
            matched = proof.matches()
        return tuple(
            tuple(telling.fill(word, case, proof, matched) for word in command)
            for command in self.rule.remediation.az
        )


def written(
    resource: Resource, proof: Proof | None, bound: Bound | None, quantifier: Quantifier | None
) -> tuple[Place, ...]:
    """Where the decisive value is written, and where it comes from; () for what no file describes.

    An offending element leads to its own place; a property to the nearest place that is known on its way up.
    """
    if bound is not None and bound.places:
        return bound.places.get("", ())
    if not resource.places:
        return ()
    if (
        bound is not None
        and quantifier is not None
        and isinstance(quantifier.of, Path)
        and not quantifier.of.var
    ):
        listed = paths.walk(
            paths.plan(paths.Variable(resource.type, ""), quantifier.of.keys), resource.body, {}
        )
        rows = listed if isinstance(listed, list) else []
        at = next((number for number, row in enumerate(rows) if row is bound.value), None)
        keys = quantifier.of.keys if at is None else (*quantifier.of.keys, str(at))
        return nearest(resource.places, keys)
    for leaf in proof.decisive() if proof is not None else ():
        found = leaf.path.removeprefix("count of ")
        if found and not found.startswith(("$", "related.", "param ")):
            return nearest(resource.places, tuple(found.split(".")))
    return nearest(resource.places, ())


def nearest(places: Mapping[str, tuple[Place, ...]], keys: tuple[str, ...]) -> tuple[Place, ...]:
    """The places of a property, or of the closest thing around it."""
    for length in range(len(keys), -1, -1):
        found = places.get(pointer(keys[:length]))
        if found:
            return found
    return ()


def settling(resource: Resource, now: float, element: Any, seconds: float = SETTLING_SECONDS) -> bool:
    """Whether a difference may go away by itself: the resource, or the offending element of it, changed just now.

    What Policy Insights said of the resource (an element with a `timestamp`) before its last change is about the old
    settings, until Azure must have looked again: `LOOKED_AGAIN_SECONDS`. `now`: seconds since 1970, for resources that
    do not say when they were read.
    """
    seen = instant(resource.origin.collected_at or "")
    if seen is None:
        seen = now
    changed = next(
        (moment for keys in _CHANGED if (moment := _moment(element, keys)) is not None),
        None,
    )
    last = _moment(resource.body, _MODIFIED)
    if changed is None:
        changed = last
    if changed is not None and 0 <= seen - changed < seconds:
        return True
    said = _moment(element, _SAID)
    return said is not None and last is not None and said < last and 0 <= seen - last < LOOKED_AGAIN_SECONDS


def _moment(value: Any, keys: tuple[str, ...]) -> float | None:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return instant(value) if isinstance(value, str) else None
