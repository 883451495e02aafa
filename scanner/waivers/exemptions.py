"""Azure Policy exemptions and waivers, each made from the other; what cannot be carried over is told with its reason.

An exemption names an assignment and, for initiatives, members of it; the built-in definitions that a rule mirrors lead
from the one to the other. Nothing is written to Azure: an export is JSON for a deployment that somebody reviews.
Source: https://learn.microsoft.com/azure/governance/policy/concepts/exemption-structure
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from scanner.engine.enforcement import members
from scanner.model import ids
from scanner.model.resource import Inventory, Resource
from scanner.model.waiver import Coverage, Waiver
from scanner.types import built_in

EXEMPTIONS = "microsoft.authorization/policyexemptions"
ASSIGNMENTS = "microsoft.authorization/policyassignments"
SETS = "microsoft.authorization/policysetdefinitions"
CATEGORIES = {"waiver": "risk-accepted", "mitigated": "compensating-control"}
_CATEGORY = {"risk-accepted": "Waiver", "false-positive": "Waiver", "compensating-control": "Mitigated"}
_DAY = re.compile(r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d(?::\d\d)?))?")


@dataclass(slots=True)
class Converted:
    """What came of a conversion. `left_out`: what was not carried over, and why."""

    waivers: list[Waiver] = field(default_factory=list)
    exemptions: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class People:
    """Who stands in where an exemption names nobody, and the last day where it names none; "" = leave it out."""

    owner: str = ""
    approver: str = ""
    expires: str = ""


def imported(inventory: Inventory, today: date, people: People) -> Converted:
    """The exemptions of an inventory as waivers that begin today."""
    found = Converted()
    targets = {ids.normalise(row.id): row for row in inventory.parts.get(ASSIGNMENTS, ())}
    sets = _sets(inventory)
    for row in inventory.parts.get(EXEMPTIONS, ()):
        properties = row.body.get("properties")
        if not isinstance(properties, Mapping):
            found.left_out.append((row.id, "it was not read"))
            continue
        assignment = targets.get(ids.normalise(str(properties.get("policyAssignmentId"))))
        rules, why = _rules(properties, assignment, sets)
        if not why:
            why = _add(found, row, properties, rules, today, people)
        if why:
            found.left_out.append((row.id, why))
    return found


def _sets(inventory: Inventory) -> Mapping[str, Resource]:
    return {row.name.lower(): row for row in inventory.parts.get(SETS, ())}


def _rules(
    properties: Mapping[str, Any], assignment: Resource | None, sets: Mapping[str, Resource]
) -> tuple[list[str], str]:
    """The rules that mirror what an exemption is about, or why there are none."""
    if assignment is None:
        return [], "its assignment is not in the inventory"
    about = assignment.body.get("properties")
    brought = members(about, sets) if isinstance(about, Mapping) else None
    if brought is None:
        return [], "its initiative was not read"
    references = properties.get("policyDefinitionReferenceIds")
    named = (
        {item.lower() for item in references if isinstance(item, str)}
        if isinstance(references, list)
        else set()
    )
    rules = {
        fact["rule"]
        for member in brought
        if not named or member.reference.lower() in named
        for guid, fact in built_in.mirrors().items()
        if member.definition == guid or member.definition in fact["mended_by"]
    }
    return sorted(rules), "" if rules else "no rule asks for what its definitions ask for"


def _add(
    found: Converted,
    row: Resource,
    properties: Mapping[str, Any],
    rules: Iterable[str],
    today: date,
    people: People,
) -> str:
    """Add a waiver per rule; gives why it cannot be, or ""."""
    kind = CATEGORIES.get(str(properties.get("exemptionCategory")).lower())
    if kind is None:
        return f"its category is {properties.get('exemptionCategory')!r}"
    expires = _last_day(properties.get("expiresOn")) or people.expires
    if not expires:
        return "it has no end; --expires gives it one"
    if expires < today.isoformat():
        return f"it ended on {expires}"
    metadata = properties.get("metadata")
    said = metadata if isinstance(metadata, Mapping) else {}
    made = row.body.get("systemData")
    creator = made.get("createdBy") if isinstance(made, Mapping) else None
    owner = _first(said.get("requestedBy"), creator, people.owner)
    approver = _first(said.get("approvedBy"), people.approver, creator)
    if not owner or not approver:
        return "it names nobody; --owner and --approver stand in"
    scope = ids.parent_of(row.id)
    exact = bool(ids.registry_of(scope))
    reason = _first(properties.get("description"), properties.get("displayName"), row.name)
    for rule in rules:
        found.waivers.append(
            Waiver(
                id=f"EX-{rule}-{hashlib.sha256(f'{rule} {row.id.lower()}'.encode()).hexdigest()[:10]}",
                covers=Coverage(rule, resource=scope) if exact else Coverage(rule, glob=f"{scope}/**"),
                kind=kind,
                reason=reason,
                owner=owner,
                ticket=_first(said.get("ticketRef"), said.get("ticket")),
                approver=approver,
                created=today.isoformat(),
                expires=expires,
                place="",
                source=row.id,
            )
        )
    return ""


def _first(*texts: object) -> str:
    return next((text.strip() for text in texts if isinstance(text, str) and text.strip()), "")


def _last_day(expires: object) -> str:
    """The last whole UTC day before an exemption's end; "" where it has none."""
    match = _DAY.match(expires) if isinstance(expires, str) else None
    if match is None:
        return ""
    day = date.fromisoformat(match[1])
    late = (match[2] or "00:00") >= "23:59"
    return (day if late else day - timedelta(days=1)).isoformat()


def exported(waivers: Iterable[Waiver], inventory: Inventory) -> Converted:
    """Waivers on exact resources as the bodies of exemptions, one per assignment that asks for the same."""
    found = Converted()
    guids: dict[str, set[str]] = {}
    for guid, fact in built_in.mirrors().items():
        guids.setdefault(fact["rule"], set()).update({guid, *fact["mended_by"]})
    sets = _sets(inventory)
    assignments = list(inventory.parts.get(ASSIGNMENTS, ()))
    for waiver in waivers:
        covers = waiver.covers
        wanted = guids.get(covers.rule, set())
        if not wanted:
            found.left_out.append((waiver.id, f"no built-in definition asks for what {covers.rule} asks for"))
        elif not covers.resource or not ids.subscription_of(covers.resource) or covers.element:
            found.left_out.append((waiver.id, "an exemption needs one exact resource"))
        else:
            bodies = list(_bodies(waiver, wanted, assignments, sets))
            found.exemptions += bodies
            if not bodies:
                found.left_out.append((waiver.id, "no assignment in the inventory asks for it there"))
    return found


def _bodies(
    waiver: Waiver, wanted: set[str], assignments: Iterable[Resource], sets: Mapping[str, Resource]
) -> Iterator[dict[str, Any]]:
    for row in assignments:
        properties = row.body.get("properties")
        if not isinstance(properties, Mapping):
            continue
        scope = str(properties.get("scope") or ids.parent_of(row.id))
        below = ids.within(waiver.covers.resource, scope) or ids.normalise(scope).startswith(
            ids.MANAGEMENT_GROUP
        )
        hits = [member for member in members(properties, sets) or () if member.definition in wanted]
        if not hits or not below:
            continue
        digest = hashlib.sha256(f"{waiver.id} {row.id.lower()}".encode()).hexdigest()[:12]
        body: dict[str, Any] = {
            "policyAssignmentId": row.id,
            "exemptionCategory": _CATEGORY[waiver.kind],
            "expiresOn": f"{waiver.expires}T23:59:59Z",
            "displayName": f"{waiver.id}: {waiver.covers.rule}"[:128],
            "description": waiver.reason[:512],
            "metadata": {
                "requestedBy": waiver.owner,
                "approvedBy": waiver.approver,
                "approvedOn": f"{waiver.created}T00:00:00Z",
                "ticketRef": waiver.ticket,
                "waiver": waiver.id,
            },
        }
        references = sorted(member.reference for member in hits if member.reference)
        if references:
            body["policyDefinitionReferenceIds"] = references
        name = f"acrscan-{digest}"
        yield {
            "id": f"{waiver.covers.resource}/providers/Microsoft.Authorization/policyExemptions/{name}",
            "name": name,
            "type": "Microsoft.Authorization/policyExemptions",
            "apiVersion": "2022-07-01-preview",
            "properties": body,
        }
