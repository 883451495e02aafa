"""Which policies act on a registry: assignments, exemptions and initiatives come in, rows with effects come out.

An assignment covers a resource when its scope is in the resource's chain, no notScopes entry is, and its resource
selectors match. Source: https://learn.microsoft.com/azure/governance/policy/concepts/assignment-structure (scope, notScopes,
selectors, overrides, enforcementMode), .../exemption-structure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from scanner.engine.operators.time import instant
from scanner.model import ids
from scanner.model.resource import Resource
from scanner.model.values import Unknown, UnreadTail
from scanner.types import built_in

_PARAMETER = re.compile(r"\[\s*parameters\(\s*'([^']+)'\s*\)\s*\]\Z", re.IGNORECASE)

_OPEN = Unknown("the assignment's selectors leave open whether it covers this resource")


class Member(NamedTuple):
    """One definition that an assignment brings: its GUID, its reference id in the initiative, its parameter values."""

    definition: str
    reference: str
    parameters: Mapping[str, Any]


class Enforcement:
    """Works out rows; one per inventory. `sets`: policy set definitions by lower-case GUID."""

    def __init__(self, sets: Mapping[str, Resource], now: str) -> None:
        self._sets = sets
        self._now = instant(now) or 0.0

    def rows(
        self,
        registry: Resource,
        chain: Sequence[str],
        assignments: Sequence[Resource],
        exemptions: Sequence[Resource],
        states: Mapping[tuple[str, str], str],
    ) -> list[Any]:
        """A row per covering assignment and definition; an `UnreadTail` last where an initiative's content is not known.

        `states`: compliance state by (assignment id, definition GUID), both lower case.
        """
        rows: list[Any] = []
        tail = ""
        for assignment in assignments:
            properties = assignment.body.get("properties")
            if not isinstance(properties, Mapping):
                tail = tail or f"policy assignment {assignment.name} not read"
                continue
            covering = _covers(properties, registry, chain)
            if covering is False:
                continue
            members = self._members(properties)
            if members is None:
                tail = tail or f"initiative of policy assignment {assignment.name} not read"
                continue
            partial = covering is None
            rows += [
                self._row(assignment, properties, member, exemptions, states, partial=partial)
                for member in members
            ]
        return [*rows, UnreadTail(tail)] if tail else rows

    def _row(
        self,
        assignment: Resource,
        properties: Mapping[str, Any],
        member: Member,
        exemptions: Sequence[Resource],
        states: Mapping[tuple[str, str], str],
        *,
        partial: bool,
    ) -> dict[str, Any]:
        mode = properties.get("enforcementMode")
        facts = built_in.policies().get(member.definition)
        return {
            "definitionId": member.definition,
            "definitionName": facts["name"] if facts else "",
            "assignmentId": assignment.id,
            "effect": _OPEN if partial else _effect(properties, member),
            "scope": ids.scope_of(assignment.type, assignment.id, assignment.body),
            "exempt": any(self._exempts(row, assignment, member) for row in exemptions),
            "enforcementMode": mode if isinstance(mode, str) else "Default",
            "complianceState": states.get((assignment.id.lower(), member.definition)),
        }

    def _members(self, properties: Mapping[str, Any]) -> list[Member] | None:
        """The definitions an assignment brings; None for an initiative whose content was not read."""
        identifier = properties.get("policyDefinitionId")
        if not isinstance(identifier, str):
            return None
        given = {name: _value(item) for name, item in _items(properties.get("parameters"))}
        guid = ids.name_of(identifier).lower()
        if "/policysetdefinitions/" not in identifier.lower():
            return [Member(guid, "", given)]
        held = self._sets.get(guid)
        inside = held.body.get("properties") if held else None
        if not isinstance(inside, Mapping) or not isinstance(inside.get("policyDefinitions"), list):
            return None
        defaults = {
            name: item.get("defaultValue")
            for name, item in _items(inside.get("parameters"))
            if isinstance(item, Mapping)
        }
        values = {**defaults, **given}
        return [
            Member(
                ids.name_of(item["policyDefinitionId"]).lower(),
                str(item.get("policyDefinitionReferenceId", "")),
                {name: _resolved(_value(value), values) for name, value in _items(item.get("parameters"))},
            )
            for item in inside["policyDefinitions"]
            if isinstance(item, Mapping) and isinstance(item.get("policyDefinitionId"), str)
        ]

    def _exempts(self, row: Resource, assignment: Resource, member: Member) -> bool:
        """Whether an exemption (already known to be in the chain) takes the registry out of the definition now."""
        properties = row.body.get("properties")
        if not isinstance(properties, Mapping):
            return False
        target = properties.get("policyAssignmentId")
        if not isinstance(target, str) or ids.normalise(target) != ids.normalise(assignment.id):
            return False
        expires = properties.get("expiresOn")
        moment = instant(expires) if isinstance(expires, str) else None
        if moment is not None and moment <= self._now:
            return False
        references = properties.get("policyDefinitionReferenceIds")
        return not references or member.reference in references


def definitions_of(assignment: Resource, sets: Mapping[str, Resource]) -> list[str] | None:
    """The GUIDs of the definitions that an assignment brings, or None when they are not known."""
    properties = assignment.body.get("properties")
    if not isinstance(properties, Mapping):
        return None
    members = Enforcement(sets, "")._members(properties)  # noqa: SLF001 - the same module
    return None if members is None else [member.definition for member in members]


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    return iter(value.items()) if isinstance(value, Mapping) else iter(())


def _value(item: Any) -> Any:
    return item.get("value") if isinstance(item, Mapping) and "value" in item else item


def _resolved(value: Any, values: Mapping[str, Any]) -> Any:
    found = _PARAMETER.match(value) if isinstance(value, str) else None
    if not found:
        return value
    wanted = found.group(1).lower()
    return next((item for name, item in values.items() if name.lower() == wanted), None)


def _covers(properties: Mapping[str, Any], registry: Resource, chain: Sequence[str]) -> bool | None:
    """Whether an assignment at a scope in the chain covers the registry; None where its selectors leave it open."""
    excluded = properties.get("notScopes")
    if isinstance(excluded, list) and {
        ids.normalise(item) for item in excluded if isinstance(item, str)
    } & set(chain):
        return False
    selectors = properties.get("resourceSelectors")
    if not isinstance(selectors, list) or not selectors:
        return True
    answers = [_selected(item.get("selectors"), registry) for item in selectors if isinstance(item, Mapping)]
    return True if True in answers else None if None in answers else False


def _selected(selectors: Any, registry: Resource) -> bool | None:
    answer: bool | None = True
    for selector in selectors if isinstance(selectors, list) else ():
        kind = selector.get("kind") if isinstance(selector, Mapping) else None
        subject = {"resourceLocation": registry.location.replace(" ", ""), "resourceType": registry.type}.get(
            str(kind)
        )
        if subject is None:
            answer = None if answer is not False else False
            continue
        wanted, unwanted = _lowered(selector.get("in")), _lowered(selector.get("notIn"))
        if (wanted and subject.lower() not in wanted) or subject.lower() in unwanted:
            return False
    return answer


def _lowered(items: Any) -> set[str]:
    return (
        {item.lower().replace(" ", "") for item in items if isinstance(item, str)}
        if isinstance(items, list)
        else set()
    )


def _effect(properties: Mapping[str, Any], member: Member) -> str | Unknown:
    """The effect that acts: an override, else the parameter `effect`, else the definition's default."""
    overrides = properties.get("overrides")
    for item in overrides if isinstance(overrides, list) else ():
        if not isinstance(item, Mapping) or str(item.get("kind")).lower() != "policyeffect":
            continue
        wanted = [
            reference
            for selector in item.get("selectors") or ()
            if isinstance(selector, Mapping)
            and str(selector.get("kind")).lower() == "policydefinitionreferenceid"
            for reference in selector.get("in") or ()
        ]
        if (not wanted or member.reference in wanted) and isinstance(item.get("value"), str):
            return str(item["value"])
    given = next((value for name, value in member.parameters.items() if name.lower() == "effect"), None)
    if isinstance(given, str):
        return given
    facts = built_in.policies().get(member.definition)
    return str(facts["default"]) if facts else Unknown(f"policy definition {member.definition} not read")
