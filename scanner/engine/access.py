"""Effective access: a registry's role assignments and other doors come in, rows of who can do what come out.

Algorithm: an assignment applies where its scope is the registry or lies above it; a role allows an action if a block's
actions hold it and its notActions do not; several assignments add up; deny assignments win. Conditions limit data actions
and the granting of roles only. Roles, not rules, dominate cost: what is inherited is worked out once for all registries
that inherit the same, and they get the same list.
Sources: https://learn.microsoft.com/azure/role-based-access-control/overview (evaluation),
https://learn.microsoft.com/azure/role-based-access-control/deny-assignments,
https://learn.microsoft.com/azure/role-based-access-control/conditions-overview
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from scanner.engine import doors, partial
from scanner.engine.assignments import EVERYONE, Above, Assigned, Deny, Schedules, content_of
from scanner.engine.capabilities import (
    ABAC,
    ACTIONS,
    ALL,
    LEGACY,
    Permissions,
    Role,
    grants,
)
from scanner.engine.conditions_abac import EVERYTHING, UNCLEAR, Limits, limits
from scanner.engine.doors import look
from scanner.model import ids
from scanner.model.resource import LIVE_SOURCES, Principal, Resource
from scanner.model.scan import AccessLine
from scanner.model.values import Alternatives, Partial, Unknown, UnreadTail

if TYPE_CHECKING:
    from scanner.engine.estate import Linked

ROLE_DOOR = (("door", "role"),)
_MODES = {"legacyregistrypermissions": LEGACY, "abacrepositorypermissions": ABAC}


class Cuts(NamedTuple):
    """What deny assignments take from a principal: on the registry, and on its subscription (`above`)."""

    certain: tuple[Permissions, ...] = ()
    possible: tuple[Permissions, ...] = ()
    certain_above: tuple[Permissions, ...] = ()
    possible_above: tuple[Permissions, ...] = ()


NO_CUTS = Cuts()


class Shape(NamedTuple):
    """What rows of equal assignments have in common."""

    can: str
    at: str
    wildcard: bool
    repositories: Any
    prefixes: list[str]
    conditional: bool


class Access:
    """Works out access rows; one per inventory. `roles` by lower-case GUID; `now`: seconds since 1970."""

    def __init__(
        self,
        roles: Mapping[str, Role],
        principals: Mapping[str, Principal],
        schedules: Schedules,
        now: float,
    ) -> None:
        self._roles = roles
        self._principals = {key.lower(): value for key, value in principals.items()}
        self._members: dict[str, list[Principal]] = {}
        for principal in self._principals.values():
            for group in principal.groups:
                self._members.setdefault(group.lower(), []).append(principal)
        self._schedules = schedules
        self._now = now
        self._known_shapes: dict[tuple[Any, ...], tuple[bool, list[Shape]]] = {}

    def rows(
        self,
        registry: Resource,
        above: Above,
        own: Sequence[Assigned],
        denies: Sequence[Deny],
        tokens: Any,
        scope_maps: Any,
    ) -> list[Any]:
        """All rows for a registry; one `UnreadTail` at the end where something that gives access was not read.

        `own` and `denies` are the assignments at the registry itself. The list may be shared: it is never changed.
        """
        mode = mode_of(registry)
        if isinstance(mode, Unknown):
            found = self._in_both(above, own, denies, mode.reason)
        else:
            found = self._in(above, own, denies, mode)
        others = doors.rows(registry, tokens, scope_maps, self._now)
        return joined(found, others) if others else found

    def _in_both(self, above: Above, own: Sequence[Assigned], denies: Sequence[Deny], why: str) -> list[Any]:
        """Rows that hold whatever the mode is; others may exist."""
        abac = {_identity(row) for row in self._in(above, own, denies, ABAC) if isinstance(row, dict)}
        legacy = self._in(above, own, denies, LEGACY)
        rows = [row for row in legacy if not isinstance(row, dict) or _identity(row) in abac]
        return joined(rows, [UnreadTail(f"roleAssignmentMode not read: {why}", ROLE_DOOR)])

    def _in(self, above: Above, own: Sequence[Assigned], denies: Sequence[Deny], mode: str) -> list[Any]:
        """Rows of the role door in a mode; without anything at the registry itself the shared list."""
        if denies:
            return self._work_out([*above.assigned, *own], [*above.denies, *denies], mode)
        if mode not in above.rows:
            above.rows[mode] = self._work_out(above.assigned, above.denies, mode)
        inherited = above.rows[mode]
        return joined(inherited, self._work_out(own, above.denies, mode)) if own else inherited

    def _work_out(self, given: Iterable[Assigned], denies: Sequence[Deny], mode: str) -> list[Any]:
        rows: list[Any] = []
        tails: list[UnreadTail] = []
        for item in given:
            properties = item.row.body.get("properties")
            if not isinstance(properties, dict):
                tails.append(UnreadTail(f"role assignment {item.row.name} not read", ROLE_DOOR))
                continue
            role_id = partial.last_segment(properties.get("roleDefinitionId"))
            principal = _principal(item.row, properties.get("principalId"))
            if role_id is None or principal is None:
                tails.append(UnreadTail(f"role assignment {item.row.name} not read", ROLE_DOOR))
                continue
            role = self._roles.get(role_id.lower())
            if role is None:
                reason = f"role definition {role_id} not read"
                tails.append(UnreadTail(reason, (*ROLE_DOOR, ("principalId", principal))))
                continue
            rows += self._of_assignment(item, properties, role, principal, denies, mode)
        return joined(rows, tails) if tails else rows

    def _of_assignment(
        self,
        item: Assigned,
        properties: Mapping[str, Any],
        role: Role,
        principal: Any,
        denies: Sequence[Deny],
        mode: str,
    ) -> Iterator[dict[str, Any]]:
        """The rows of one assignment: for its principal, and for members of its group that a file names."""
        condition = properties.get("condition") or None
        if condition is not None and not isinstance(condition, str):
            condition = Unknown("the condition was not read")
        ends, until = self._end(item, properties)
        via = {
            "assignmentId": item.row.id,
            "roleDefinitionId": role.id,
            "role": role.name,
            "roleType": role.kind,
            "wildcard": False,
            "scope": item.scope,
            "level": item.level,
            "inherited": item.inherited,
            "group": None,
        }
        base = {
            "door": "role",
            "eligible": item.eligible,
            "temporary": ends and not item.eligible,
            "until": until or None,
            "updatedOn": properties.get("updatedOn") or properties.get("createdOn"),
        }
        name = principal if isinstance(principal, str) else ""
        members = self._members.get(name.lower())
        for who, group in (
            (principal, ""),
            *((one.id, principal) for one in members or ()),
        ):
            known = self._principals.get(who.lower()) if isinstance(who, str) else None
            cuts = self._cuts(denies, name if who is principal else who, group, known) if denies else NO_CUTS
            plain = {**via, "group": group} if group else via
            broad = {**plain, "wildcard": True}
            full_control, shapes = self._shapes(role, mode, item.level, condition, cuts)
            one = {
                **base,
                "principalId": who,
                "principalType": _type(properties, known, group),
                "principalName": known.name if known else "",
                "fullControl": full_control,
            }
            for shape in shapes:
                yield {
                    **one,
                    "can": shape.can,
                    "at": shape.at,
                    "via": broad if shape.wildcard else plain,
                    "repositories": shape.repositories,
                    "prefixes": shape.prefixes,
                    "conditional": shape.conditional,
                }

    def _shapes(
        self, role: Role, mode: str, level: str, condition: Any, cuts: Cuts
    ) -> tuple[bool, list[Shape]]:
        """Whether a role gives full control, and what it gives; the same for every assignment that is alike."""
        key = (role.id, mode, level in ("registry", "group"), condition, cuts)
        if key not in self._known_shapes:
            self._known_shapes[key] = shapes_of(role, mode, level, condition, cuts)
        return self._known_shapes[key]

    def _cuts(self, denies: Sequence[Deny], who: str, group: str, known: Principal | None) -> Cuts:
        """What deny assignments take from a principal for certain, and what they may take."""
        names = frozenset(name.lower() for name in (who, group, *(known.groups if known else ())) if name)
        found: dict[tuple[bool, bool], list[Permissions]] = {}
        for deny in denies:
            hit = self._hit(deny, names, memberships_known=known is not None and bool(known.groups))
            if hit is False:
                continue
            certain = hit is True and deny.permissions is not None and not deny.conditional
            denied = ALL if deny.permissions is None else deny.permissions
            for wide in (False, True) if deny.wide else (False,):
                found.setdefault((wide, False), []).append(denied)
                if certain:
                    found.setdefault((wide, True), []).append(denied)
        certain_here, possible_here, certain_above, possible_above = (
            tuple(found.get(key, ())) for key in ((False, True), (False, False), (True, True), (True, False))
        )
        return Cuts(certain_here, possible_here, certain_above, possible_above)

    def _hit(self, deny: Deny, names: frozenset[str], *, memberships_known: bool) -> bool | None:
        """Whether a deny assignment is about a principal with these ids; None where a group's members are not known."""

        def listed(people: frozenset[str]) -> bool | None:
            if people & names:
                return True
            if memberships_known:
                return False
            return None if any(one not in self._members for one in people & deny.groups) else False

        spared = listed(deny.spared)
        named = True if EVERYONE in deny.named else listed(deny.named)
        if spared is True or named is False:
            return False
        return True if named and spared is False else None

    def _end(self, item: Assigned, properties: Mapping[str, Any]) -> tuple[bool, str]:
        """Whether an assignment ends by itself, and when ("" = not known)."""
        if item.eligible:
            end = properties.get("endDateTime")
            return isinstance(end, str), end if isinstance(end, str) else ""
        found = self._schedules.by_id.get(ids.normalise(item.row.id)) if self._schedules.by_id else None
        if found is None and self._schedules.by_content:
            found = self._schedules.by_content.get(content_of(item.row))
        return found is not None, found or ""


def shapes_of(role: Role, mode: str, level: str, condition: Any, cuts: Cuts) -> tuple[bool, list[Shape]]:
    """Whether a role assigned at a level gives full control, and the capabilities it gives with their limits.

    Full control: all actions of `capabilities.EVERYTHING`, or the right to give oneself any role (role assignments may
    be written and no condition limits which).
    """
    given, sure = (grants(role.permissions, mode, denied) for denied in (cuts.certain, cuts.possible))
    granting = _limit(condition, ACTIONS["grant"])
    found = []
    for capability in ACTIONS:
        left, surely = given, sure
        if capability == "readSubscription":
            if level in ("registry", "group"):
                continue
            left = grants(role.permissions, mode, cuts.certain_above)
            surely = grants(role.permissions, mode, cuts.possible_above)
        if capability not in left.can:
            continue
        limit = granting if capability == "grant" else _limit(condition, left.can[capability])
        if not limit.nothing:
            found.append(
                Shape(
                    capability,
                    "subscription" if capability == "readSubscription" else "registry",
                    role.kind == "CustomRole" and capability in left.wildcard,
                    "all" if limit.everything else list(limit.repositories),
                    list(limit.prefixes),
                    not limit.everything or capability not in surely.can,
                )
            )
    return given.everything or ("grant" in given.can and granting.everything), found


def _limit(condition: Any, actions: tuple[str, ...]) -> Limits:
    """What a condition limits the actions to; those of the control plane (none given) are not limited by any."""
    if not actions or condition is None:
        return EVERYTHING
    return limits(condition, actions[0]) if isinstance(condition, str) else UNCLEAR


def mode_of(registry: Resource) -> str | Unknown:
    """The registry's mode: `legacy`, `abac`, or why it is not known. A key that could not be there tells nothing."""
    value = look(registry, "roleAssignmentMode")
    if value is None:
        return LEGACY
    if isinstance(value, str):
        return _MODES.get(value.lower(), Unknown(f"{value!r} is not a known mode"))
    return value if isinstance(value, Unknown) else Unknown("it is no text")


def _principal(row: Resource, value: Any) -> str | Partial | None:
    """The object id; one that is made only at deployment is some text, and None is for what was not read."""
    if isinstance(value, (str, Partial)):
        return value
    if isinstance(value, Unknown) and row.origin.source not in LIVE_SOURCES:
        return Partial((None,), value.reason)
    return None


def _type(properties: Mapping[str, Any], known: Principal | None, group: str) -> Any:
    """The principal's type as the assignment says it; for members, or where it says none, as the principals file does."""
    given = properties.get("principalType")
    if group:
        return known.type if known and known.type else "User"
    if (isinstance(given, str) and given) or isinstance(given, Alternatives):
        return given
    return known.type if known and known.type else Unknown("principalType is not in the role assignment")


def _identity(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["principalId"], row["can"], row["via"]["assignmentId"], str(row["repositories"])


def joined(first: Iterable[Any], second: Iterable[Any]) -> list[Any]:
    """Two lists as one, with at most one unread tail, at the end; it keeps what all tails have in common."""
    rows: list[Any] = []
    tail: UnreadTail | None = None
    for row in (*first, *second):
        if not isinstance(row, UnreadTail):
            rows.append(row)
        elif tail is None:
            tail = row
        else:
            tail = UnreadTail(tail.reason, tuple(pair for pair in tail.known if pair in row.known))
    return [*rows, tail] if tail is not None else rows


def access_lines(linked: Linked) -> tuple[AccessLine, ...]:
    """A registry's rows grouped by path for reports: one line per principal and assignment (or other door)."""
    rows = linked.related("access")
    grouped: dict[tuple[str, Any, str], list[Mapping[str, Any]]] = {}
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict):
            path = row["via"].get("assignmentId", "")
            grouped.setdefault((row["door"], row["principalId"], path), []).append(row)
    paths = sorted(grouped, key=lambda path: (path[0], _text(path[1]), path[2]))
    return tuple(_line(linked.resource.id, grouped[path]) for path in paths)


def _text(principal: Any) -> str:
    """An object id for people, also where it is known only after the deployment."""
    return partial.shown(principal) if isinstance(principal, Partial) else str(principal)


def _line(registry: str, rows: list[Mapping[str, Any]]) -> AccessLine:
    first = rows[0]
    via = first["via"]
    kind = first["principalType"]
    names = {name for row in rows if row["repositories"] != "all" for name in row["repositories"]}
    return AccessLine(
        registry=registry,
        principal=_text(first["principalId"]),
        principal_name=first["principalName"],
        principal_type=kind if isinstance(kind, str) else "",
        door=first["door"],
        can=tuple(sorted({row["can"] for row in rows})),
        role=via.get("role", ""),
        scope=via.get("scope", ""),
        level=via.get("level", ""),
        repositories=", ".join(sorted(names)) if names else "all",
        eligible=first["eligible"],
        conditional=any(row["conditional"] for row in rows),
        assignment=via.get("assignmentId", ""),
    )
