"""Effective access: a registry's role assignments and other doors come in, rows of who can do what come out.

Algorithm (https://learn.microsoft.com/azure/role-based-access-control/overview): an assignment applies where its scope is
the registry or lies above it; a role allows an action if a block's actions hold it and its notActions do not; several
assignments add up; deny assignments win. Conditions limit data actions and the granting of roles only.
Roles, not rules, dominate cost: what is inherited is worked out once for all registries that inherit the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scanner.engine import conditions_abac, doors
from scanner.engine.capabilities import (
    ABAC,
    LEGACY,
    Permission,
    Role,
    covers,
    giving_actions,
    grants,
    permissions_of,
)
from scanner.engine.operators.time import instant
from scanner.engine.scopes import level_of
from scanner.model import ids
from scanner.model.resource import Principal, Resource
from scanner.model.scan import AccessLine
from scanner.model.values import Hidden, Unknown, UnreadTail
from scanner.types import absences

if TYPE_CHECKING:
    from scanner.engine.estate import Linked

EVERYONE = "00000000-0000-0000-0000-000000000000"
"""The principal of a deny assignment that stands for all users, groups and applications."""
_MODES = {"legacyregistrypermissions": LEGACY, "abacrepositorypermissions": ABAC}


@dataclass(frozen=True, slots=True)
class Assigned:
    """One role assignment that applies to a registry, with what is known of its role and schedule."""

    row: Resource
    scope: str
    inherited: bool
    eligible: bool


@dataclass(frozen=True, slots=True)
class Deny:
    """A deny assignment that applies to a registry; `permissions` is None where they could not be read."""

    named: frozenset[str]
    spared: frozenset[str]
    permissions: tuple[Permission, ...] | None
    conditional: bool


def deny_of(row: Resource) -> Deny:
    """What matters of a deny assignment."""
    properties = row.body.get("properties")
    if not isinstance(properties, Mapping):
        return Deny(frozenset(), frozenset(), None, conditional=False)
    return Deny(
        frozenset(_ids(properties.get("principals"))),
        frozenset(_ids(properties.get("excludePrincipals"))),
        permissions_of(properties.get("permissions")),
        conditional=bool(properties.get("condition")),
    )


class Access:
    """Works out access rows; one per inventory. `roles` by lower-case GUID; `until` by lower-case assignment id."""

    def __init__(
        self,
        roles: Mapping[str, Role],
        principals: Mapping[str, Principal],
        until: Mapping[str, str],
        now: str,
    ) -> None:
        self._roles = roles
        self._principals = {key.lower(): value for key, value in principals.items()}
        self._members: dict[str, list[Principal]] = {}
        for principal in principals.values():
            for group in principal.groups:
                self._members.setdefault(group.lower(), []).append(principal)
        self._until = until
        self._now = instant(now) or 0.0
        self._memo: dict[tuple[int, int, str], tuple[list[Assigned], list[Deny], list[Any]]] = {}
        """Rows by the identity of the lists they come from; holding the lists keeps the identities valid."""

    def rows(
        self,
        registry: Resource,
        inherited: list[Assigned],
        own: list[Assigned],
        denies: list[Deny],
        tokens: Any,
        scope_maps: Any,
    ) -> list[Any]:
        """All rows for a registry; an `UnreadTail` at the end where something that gives access was not read."""
        mode = mode_of(registry)
        if isinstance(mode, Unknown):
            legacy = self._roles_rows(inherited, own, denies, LEGACY)
            abac = {
                _identity(row)
                for row in self._roles_rows(inherited, own, denies, ABAC)
                if isinstance(row, dict)
            }
            shared = [row for row in legacy if not isinstance(row, dict) or _identity(row) in abac]
            found = [*shared, UnreadTail(f"roleAssignmentMode not read: {mode.reason}")]
        else:
            found = self._roles_rows(inherited, own, denies, mode)
        others = doors.rows(registry, tokens, scope_maps, self._now)
        return _tails_last(found, others) if others else found

    def _roles_rows(
        self, inherited: list[Assigned], own: list[Assigned], denies: list[Deny], mode: str
    ) -> list[Any]:
        """Rows of the role door; the list is shared by all registries with the same inherited assignments."""
        if not own:
            key = (id(inherited), id(denies), mode)
            found = self._memo.get(key)
            if found is None:
                found = self._memo[key] = (inherited, denies, self._work_out(inherited, denies, mode))
            return found[2]
        above = self._roles_rows(inherited, [], denies, mode) if inherited else []
        return _tails_last(above, self._work_out(own, denies, mode))

    def _work_out(self, assigned: list[Assigned], denies: list[Deny], mode: str) -> list[Any]:
        rows: list[Any] = []
        tail = ""
        for item in assigned:
            properties = item.row.body.get("properties")
            if not isinstance(properties, Mapping):
                tail = tail or f"role assignment {item.row.name} not read"
                continue
            role_id = properties.get("roleDefinitionId")
            role = self._roles.get(ids.name_of(role_id).lower()) if isinstance(role_id, str) else None
            principal = properties.get("principalId")
            if role is None or not isinstance(principal, str):
                missing = (
                    f"role definition {ids.name_of(role_id)}"
                    if isinstance(role_id, str)
                    else f"assignment {item.row.name}"
                )
                tail = tail or f"{missing} not read"
                continue
            rows += self._of_assignment(item, properties, role, principal, denies, mode)
        return [*rows, UnreadTail(tail)] if tail else rows

    def _of_assignment(
        self,
        item: Assigned,
        properties: Mapping[str, Any],
        role: Role,
        principal: str,
        denies: list[Deny],
        mode: str,
    ) -> list[dict[str, Any]]:
        given = grants(role.permissions, mode)
        condition = properties.get("condition")
        limited = conditions_abac.limits(condition) if isinstance(condition, str) and condition else None
        assignment = item.row.id
        level = level_of(item.scope)
        until = self._until.get(assignment.lower(), "")
        rows: list[dict[str, Any]] = []
        people = [(principal, "")] + [
            (member.id, principal) for member in self._members.get(principal.lower(), ())
        ]
        for who, group in people:
            known = self._principals.get(who.lower())
            groups = known.groups if known else ()
            names = frozenset(name.lower() for name in (who, group, *groups) if name)
            for capability in sorted(given.can):
                if capability == "readSubscription" and level in ("registry", "group"):
                    continue
                denied = _denied(denies, names, role.permissions, capability, mode)
                if denied is True:
                    continue
                affected = capability in given.through_data or capability == "grant"
                narrowed = limited if affected else None
                rows.append(
                    {
                        "principalId": who,
                        "principalType": _type(properties, known, group),
                        "principalName": known.name if known else "",
                        "door": "role",
                        "can": capability,
                        "at": "subscription" if capability == "readSubscription" else "registry",
                        "via": {
                            "assignmentId": assignment,
                            "roleDefinitionId": ids.name_of(str(properties.get("roleDefinitionId"))).lower(),
                            "role": role.name,
                            "roleType": role.kind,
                            "wildcard": role.kind == "CustomRole" and capability in given.wildcard,
                            "scope": item.scope,
                            "level": level,
                            "inherited": item.inherited,
                            "group": group or None,
                        },
                        "repositories": list(narrowed.repositories) if narrowed else "all",
                        "prefixes": list(narrowed.prefixes) if narrowed else [],
                        "fullControl": given.full_control,
                        "eligible": item.eligible,
                        "temporary": bool(until),
                        "until": until or None,
                        "conditional": narrowed is not None or denied is None,
                        "updatedOn": properties.get("updatedOn") or properties.get("createdOn"),
                    }
                )
        return rows


def mode_of(registry: Resource) -> str | Unknown:
    """The registry's mode: `legacy`, `abac`, or why it is not known. Absent means legacy (the API's default)."""
    properties = registry.body.get("properties")
    if isinstance(properties, (Unknown, Hidden)):
        return properties if isinstance(properties, Unknown) else Unknown("properties withheld")
    if not isinstance(properties, Mapping):
        return Unknown("properties missing", "required")
    value = properties.get("roleAssignmentMode")
    if value is None:
        reason = absences(registry.type, registry.api_version, registry.origin.source).get(
            "properties.roleAssignmentMode"
        )
        return Unknown(reason, "api-version") if reason and "roleAssignmentMode" not in properties else LEGACY
    if isinstance(value, Unknown):
        return value
    return (
        _MODES.get(value.lower(), Unknown(f"roleAssignmentMode {value!r}"))
        if isinstance(value, str)
        else Unknown("roleAssignmentMode is no text")
    )


def _type(properties: Mapping[str, Any], known: Principal | None, group: str) -> str:
    """The principal's type as the assignment says it; for members as the principals file does."""
    given = properties.get("principalType")
    if group:
        return known.type if known and known.type else "User"
    if isinstance(given, str) and given:
        return given
    return known.type if known and known.type else "Unknown"


def _denied(
    denies: list[Deny], who: frozenset[str], role: tuple[Permission, ...], capability: str, mode: str
) -> bool | None:
    """Whether deny assignments take a capability away; None where that cannot be decided.

    `who`: the principal and the groups it is known to be in. A capability is gone only when every action that gives
    it is denied.
    """
    left = set(giving_actions(role, capability, mode))
    undecided = False
    for deny in denies:
        hit = {item for item in left if deny.permissions is None or covers(deny.permissions, *item)}
        if not hit or deny.spared & who:
            continue
        if deny.permissions is None or deny.conditional or not (deny.named & who or EVERYONE in deny.named):
            undecided = True  # unreadable, conditional, or for a group whose members we do not know
            continue
        left -= hit
    if not left:
        return True
    return None if undecided else False


def _ids(value: Any) -> set[str]:
    if not isinstance(value, list):
        return set()
    return {
        item["id"].lower() for item in value if isinstance(item, Mapping) and isinstance(item.get("id"), str)
    }


def _identity(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["principalId"], row["can"], row["via"]["assignmentId"], str(row["repositories"])


def _tails_last(first: Iterable[Any], second: Iterable[Any]) -> list[Any]:
    """Two lists as one, with at most one unread tail, at the end."""
    rows = [*first, *second]
    tails = [row for row in rows if isinstance(row, UnreadTail)]
    return [row for row in rows if not isinstance(row, UnreadTail)] + tails[:1]


def access_lines(linked: Linked) -> tuple[AccessLine, ...]:
    """A registry's rows grouped by path for reports: one line per principal and assignment (or other door)."""
    rows = linked.related("access")
    if not isinstance(rows, list):
        return ()
    grouped: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        if isinstance(row, dict):
            via = row.get("via") or {}
            grouped.setdefault((row["door"], row["principalId"], via.get("assignmentId", "")), []).append(row)
    return tuple(_line(linked.resource.id, found) for _, found in sorted(grouped.items()))


def _line(registry: str, rows: list[Mapping[str, Any]]) -> AccessLine:
    first = rows[0]
    via = first.get("via") or {}
    limits = {row["can"]: row["repositories"] for row in rows if row["repositories"] != "all"}
    names = sorted({name for found in limits.values() for name in found})
    return AccessLine(
        registry=registry,
        principal=first["principalId"],
        principal_name=first.get("principalName", ""),
        principal_type=first["principalType"],
        door=first["door"],
        can=tuple(sorted(row["can"] for row in rows)),
        role=via.get("role", ""),
        scope=via.get("scope", ""),
        level=via.get("level", ""),
        repositories=", ".join(names) if names else "all",
        eligible=first["eligible"],
        conditional=any(row["conditional"] for row in rows),
        assignment=via.get("assignmentId", ""),
    )
