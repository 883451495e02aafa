"""What gives and takes roles: assignments, eligibilities and deny assignments come in, in the form that access works with.

Sources: https://learn.microsoft.com/rest/api/authorization/role-assignments/list-for-scope,
https://learn.microsoft.com/azure/role-based-access-control/deny-assignments (principals, exclusions, child scopes),
https://learn.microsoft.com/rest/api/authorization/role-assignment-schedule-instances (PIM)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from scanner.engine.capabilities import Permissions, permissions_of
from scanner.engine.operators.time import instant
from scanner.engine.scopes import level_of, scope_of
from scanner.model import ids
from scanner.model.resource import Resource

EVERYONE = "00000000-0000-0000-0000-000000000000"
"""The principal of a deny assignment that stands for all users, groups and applications."""


class Assigned(NamedTuple):
    """One role assignment, standing or eligible, that applies to a registry."""

    row: Resource
    scope: str
    level: str
    inherited: bool
    eligible: bool


@dataclass(frozen=True, slots=True)
class Deny:
    """A deny assignment that applies to a registry. `groups`: those of its principals that are, or may be, groups.

    `permissions` is None where they could not be read. `wide`: it applies to the subscription itself, too.
    """

    named: frozenset[str]
    spared: frozenset[str]
    groups: frozenset[str]
    permissions: Permissions | None
    conditional: bool
    wide: bool


@dataclass(slots=True)
class Above:
    """What registries of one place inherit; `rows`: what was worked out for them, by mode."""

    assigned: list[Assigned]
    denies: list[Deny]
    rows: dict[str, list[Any]] = field(default_factory=dict)


class Schedules(NamedTuple):
    """Ends of assignments that end by themselves ("" = it ends, the moment is not known): by id, and by what they say."""

    by_id: Mapping[str, str]
    by_content: Mapping[tuple[str, str, str], str]


def assigned(rows: Iterable[Resource], now: float, *, eligible: bool, at: str = "") -> Iterator[Assigned]:
    """Assignments that still hold; an eligibility that has ended gives nothing.

    `at`: the registry that they are assigned on; without it they are inherited and say their scope themselves.
    """
    for row in rows:
        if eligible and _ended(row, now):
            continue
        if at:
            yield Assigned(row, at, "registry", False, eligible)
        else:
            scope = scope_of(row)
            yield Assigned(row, scope, level_of(scope), True, eligible)


def _ended(row: Resource, now: float) -> bool:
    properties = row.body.get("properties")
    end = properties.get("endDateTime") if isinstance(properties, Mapping) else None
    moment = instant(end) if isinstance(end, str) else None
    return moment is not None and moment <= now


def deny_of(row: Resource) -> Deny:
    """What matters of a deny assignment."""
    properties = row.body.get("properties")
    wide = level_of(scope_of(row)) not in ("group", "registry")
    if not isinstance(properties, Mapping):
        everyone = frozenset({EVERYONE})
        return Deny(everyone, frozenset(), frozenset(), None, conditional=True, wide=wide)
    named, spared = (
        dict(_people(properties.get("principals"))),
        dict(_people(properties.get("excludePrincipals"))),
    )
    groups = {name for people in (named, spared) for name, kind in people.items() if kind in ("group", "")}
    condition = properties.get("condition")
    return Deny(
        frozenset(named),
        frozenset(spared),
        frozenset(groups - {EVERYONE}),
        permissions_of(properties.get("permissions")),
        conditional=condition is not None and condition != "",
        wide=wide,
    )


def _people(value: Any) -> Iterator[tuple[str, str]]:
    """(lower-case object id, lower-case type or "")."""
    for item in value if isinstance(value, list) else ():
        name = item.get("id") if isinstance(item, Mapping) else None
        kind = item.get("type") if isinstance(item, Mapping) else None
        if isinstance(name, str):
            yield name.lower(), kind.lower() if isinstance(kind, str) else ""


def content_of(row: Resource) -> tuple[str, str, str]:
    """What identifies an assignment besides its id: principal, role, scope."""
    properties = row.body.get("properties")
    given = properties if isinstance(properties, Mapping) else {}
    principal, role = (
        str(given.get("principalId")).lower(),
        ids.name_of(str(given.get("roleDefinitionId"))).lower(),
    )
    return principal, role, ids.normalise(scope_of(row))
