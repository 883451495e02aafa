"""Which policies act on a registry: assignments, exemptions and initiatives come in, rows with effects come out.

An assignment covers a resource when its scope is in the resource's chain, no notScopes entry is, and its resource
selectors match. What cannot be decided (a selector by rollout percentage, an effect of an unknown definition) is UNKNOWN
in the row, never guessed.
Sources: https://learn.microsoft.com/azure/governance/policy/concepts/assignment-structure (scope, notScopes, selectors,
overrides, enforcementMode), https://learn.microsoft.com/azure/governance/policy/concepts/exemption-structure,
https://learn.microsoft.com/azure/governance/policy/concepts/initiative-definition-structure (parameters of members)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from scanner.engine.operators.time import instant
from scanner.engine.scopes import scope_of
from scanner.model import ids
from scanner.model.resource import Resource
from scanner.model.values import Unknown, UnreadTail
from scanner.types import built_in

_PARAMETER = re.compile(r"\[\s*parameters\(\s*'([^']+)'\s*\)\s*\]\Z", re.IGNORECASE)
_PARTLY = Unknown("the assignment's resource selectors leave open whether it covers the resource")


class Member(NamedTuple):
    """One definition that an assignment brings: its GUID, its reference id in the initiative, its parameter values."""

    definition: str
    reference: str
    parameters: Mapping[str, Any]


class Enforcement:
    """Works out rows; one per inventory. `sets`: policy set definitions by lower-case name; `now`: RFC 3339."""

    def __init__(self, sets: Mapping[str, Resource], now: str) -> None:
        self._sets = sets
        self._now = instant(now) or 0.0

    def rows(
        self,
        registry: Resource,
        chain: Sequence[str],
        assignments: Sequence[Resource],
        exemptions: Sequence[Resource],
        unread: Unknown | None,
        states: Mapping[tuple[str, str], str] | Unknown,
    ) -> list[Any]:
        """A row per covering assignment and definition; an `UnreadTail` last where an initiative's content is not known.

        `chain`: the registry and the scopes above it; assignments and exemptions are those at these scopes. `states`:
        compliance state by (assignment id, definition GUID), both lower case. `unread`: why exemptions may be missing.
        """
        rows: list[Any] = []
        tail = ""
        scopes = frozenset(chain)
        for assignment in assignments:
            properties = assignment.body.get("properties")
            if not isinstance(properties, Mapping):
                tail = tail or f"policy assignment {assignment.name} not read"
                continue
            covering = _covers(properties, registry, scopes)
            if covering is False:
                continue
            found = members(properties, self._sets)
            if found is None:
                tail = tail or f"initiative of policy assignment {assignment.name} not read"
                continue
            for member in found:
                selected = _selected_members(properties, registry, member) if covering is None else True
                if selected is not False:
                    exempt, until = self._exempt(exemptions, unread, assignment, member, registry)
                    row = _row(assignment, properties, member, exempt, states, sure=selected is True)
                    rows.append({**row, "exemptUntil": until})
        return [*rows, UnreadTail(tail)] if tail else rows

    def _exempt(
        self,
        exemptions: Sequence[Resource],
        unread: Unknown | None,
        assignment: Resource,
        member: Member,
        registry: Resource,
    ) -> tuple[bool | Unknown, str | None]:
        """Whether the registry is exempt, and until when (RFC 3339); None for no end, and where it is not exempt."""
        answers = [self._exempts(row, assignment, member, registry) for row in exemptions]
        if True in answers:
            acting = [row for row, answer in zip(exemptions, answers, strict=True) if answer]
            return True, _last_end(acting)
        if None in answers:
            return Unknown("an exemption's resource selectors leave it open"), None
        return (False if unread is None else unread), None

    def _exempts(
        self, row: Resource, assignment: Resource, member: Member, registry: Resource
    ) -> bool | None:
        """Whether an exemption (already known to be in the chain) takes the registry out of the definition now."""
        properties = row.body.get("properties")
        target = properties.get("policyAssignmentId") if isinstance(properties, Mapping) else None
        if not isinstance(properties, Mapping) or isinstance(target, Unknown):
            return None
        if not isinstance(target, str) or ids.normalise(target) != ids.normalise(assignment.id):
            return False
        expires = properties.get("expiresOn")
        moment = instant(expires) if isinstance(expires, str) else None
        if moment is not None and moment <= self._now:
            return False
        references = properties.get("policyDefinitionReferenceIds")
        if isinstance(references, list) and references:
            named = {item.lower() for item in references if isinstance(item, str)}
            if member.reference.lower() not in named:
                return None if _partly_read(references) else False
        selected = _covers({"resourceSelectors": properties.get("resourceSelectors")}, registry, frozenset())
        return None if isinstance(expires, Unknown) or _partly_read(references) else selected


def _last_end(exemptions: Sequence[Resource]) -> str | None:
    """When the last of several exemptions ends; None where one of them has no end."""
    ends = [str(row.body["properties"].get("expiresOn")) for row in exemptions]
    moments = [instant(end) for end in ends]
    if None in moments:
        return None
    return max(zip((moment or 0.0 for moment in moments), ends, strict=True))[1]


def _row(
    assignment: Resource,
    properties: Mapping[str, Any],
    member: Member,
    exempt: bool | Unknown,
    states: Mapping[tuple[str, str], str] | Unknown,
    *,
    sure: bool,
) -> dict[str, Any]:
    mode = properties.get("enforcementMode")
    facts = built_in.policies().get(member.definition)
    key = (ids.normalise(assignment.id), member.definition)
    return {
        "definitionId": member.definition,
        "definitionName": facts["name"] if facts else "",
        "assignmentId": assignment.id,
        "effect": _effect(properties, member) if sure else _PARTLY,
        "scope": scope_of(assignment),
        "exempt": exempt,
        "enforcementMode": "Default" if mode is None else mode,
        "complianceState": states if isinstance(states, Unknown) else states.get(key),
    }


def members(properties: Mapping[str, Any], sets: Mapping[str, Resource]) -> list[Member] | None:
    """The definitions an assignment brings; None for an initiative whose content was not read."""
    identifier = properties.get("policyDefinitionId")
    if not isinstance(identifier, str):
        return None
    given = {name.lower(): _value(item) for name, item in _items(properties.get("parameters"))}
    guid = ids.name_of(identifier).lower()
    if "/policysetdefinitions/" not in identifier.lower():
        return [Member(guid, "", given)]
    held = sets.get(guid)
    inside = held.body.get("properties") if held else None
    listed = inside.get("policyDefinitions") if isinstance(inside, Mapping) else None
    if not isinstance(inside, Mapping) or not isinstance(listed, list):
        return None
    defaults = {
        name.lower(): item["defaultValue"]
        for name, item in _items(inside.get("parameters"))
        if isinstance(item, Mapping) and "defaultValue" in item
    }
    values = {**defaults, **given}
    found = []
    for item in listed:
        definition = item.get("policyDefinitionId") if isinstance(item, Mapping) else None
        if not isinstance(definition, str):
            return None
        reference = item.get("policyDefinitionReferenceId")
        parameters = {
            name.lower(): _resolved(_value(value), values) for name, value in _items(item.get("parameters"))
        }
        name = reference if isinstance(reference, str) else ""
        found.append(Member(ids.name_of(definition).lower(), name, parameters))
    return found


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    return iter(value.items()) if isinstance(value, Mapping) else iter(())


def _value(item: Any) -> Any:
    return item.get("value") if isinstance(item, Mapping) and "value" in item else item


def _resolved(value: Any, values: Mapping[str, Any]) -> Any:
    """A member's parameter with a reference to the initiative's parameters replaced; other expressions are UNKNOWN."""
    if not isinstance(value, str) or not value.startswith("[") or value.startswith("[["):
        return value
    found = _PARAMETER.match(value)
    unknown = Unknown(f"parameter {value} of the initiative is not known")
    return values.get(found.group(1).lower(), unknown) if found else unknown


def _covers(properties: Mapping[str, Any], registry: Resource, chain: frozenset[str]) -> bool | None:
    """Whether an assignment at a scope in the chain covers the registry; None where its selectors leave it open."""
    excluded = properties.get("notScopes")
    if isinstance(excluded, list) and any(
        ids.normalise(item) in chain for item in excluded if isinstance(item, str)
    ):
        return False
    selectors = properties.get("resourceSelectors")
    open_end = _partly_read(excluded) or isinstance(selectors, Unknown)
    if not isinstance(selectors, list) or not selectors:
        return None if open_end else True
    answers = [_selected(item, registry, "") for item in selectors]
    if True in answers:
        return None if open_end else True
    return None if None in answers else False


def _partly_read(value: Any) -> bool:
    """Whether a list was not read, or not to its end."""
    return isinstance(value, Unknown) or (
        isinstance(value, list) and any(isinstance(item, Unknown | UnreadTail) for item in value)
    )


def _selected_members(properties: Mapping[str, Any], registry: Resource, member: Member) -> bool | None:
    """The same for one definition of the initiative: selectors may name it."""
    selectors = properties.get("resourceSelectors")
    if not isinstance(selectors, list) or _partly_read(properties.get("notScopes")):
        return None
    answers = [_selected(item, registry, member.reference) for item in selectors]
    return True if True in answers else None if None in answers else False


def _selected(item: Any, registry: Resource, reference: str) -> bool | None:
    """Whether all selectors of one entry of `resourceSelectors` match; None where that is not known."""
    selectors = item.get("selectors") if isinstance(item, Mapping) else item
    if not isinstance(selectors, list):
        return True if selectors is None else None
    subjects = {
        "resourcelocation": registry.location,
        "resourcetype": registry.type,
        "policydefinitionreferenceid": reference,
    }
    answer: bool | None = True
    for selector in selectors:
        kind = selector.get("kind") if isinstance(selector, Mapping) else None
        subject = subjects.get(kind.lower(), "") if isinstance(kind, str) else ""
        if not subject or not isinstance(selector, Mapping):
            without = isinstance(kind, str) and kind.lower() == "resourcewithoutlocation"
            if without and registry.location:
                return False
            answer = None
            continue
        wanted, unwanted = _lowered(selector.get("in")), _lowered(selector.get("notIn"))
        named = subject.lower().replace(" ", "")
        if (wanted and named not in wanted) or named in unwanted:
            return False
    return answer


def _lowered(items: Any) -> set[str]:
    listed = items if isinstance(items, list) else ()
    return {item.lower().replace(" ", "") for item in listed if isinstance(item, str)}


def _effect(properties: Mapping[str, Any], member: Member) -> Any:
    """The effect that acts: an override, else the parameter `effect`, else the definition's default; may be Unknown."""
    overrides = properties.get("overrides")
    if isinstance(overrides, Unknown):
        return overrides
    for item in overrides if isinstance(overrides, list) else ():
        if isinstance(item, Mapping) and _overrides(item, member):
            return item.get("value")
    given = member.parameters.get("effect")
    if isinstance(given, (str, Unknown)):
        return given
    facts = built_in.policies().get(member.definition)
    return (
        str(facts["default"])
        if facts
        else Unknown(f"default effect of policy definition {member.definition}")
    )


def _overrides(item: Mapping[str, Any], member: Member) -> bool:
    """Whether an entry of `overrides` is about the effect of this definition."""
    if str(item.get("kind")).lower() != "policyeffect":
        return False
    selectors = item.get("selectors")
    for selector in selectors if isinstance(selectors, list) else ():
        if (
            not isinstance(selector, Mapping)
            or str(selector.get("kind")).lower() != "policydefinitionreferenceid"
        ):
            return False
        wanted, unwanted = _lowered(selector.get("in")), _lowered(selector.get("notIn"))
        named = member.reference.lower().replace(" ", "")
        if (wanted and named not in wanted) or named in unwanted:
            return False
    return True
