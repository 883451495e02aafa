"""The doors beside Entra roles: the admin user, anonymous pull, and repository-scoped tokens with their scope maps.

Sources: https://learn.microsoft.com/azure/container-registry/container-registry-authentication (the admin user has push and
pull access to the whole registry; the CLI's repository commands list and delete with its password as well),
https://learn.microsoft.com/azure/container-registry/anonymous-pull-access,
https://learn.microsoft.com/azure/container-registry/container-registry-token-based-repository-permissions (actions of
scope maps, wildcards; tokens cannot list the catalog).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scanner.engine.operators.time import instant
from scanner.model import ids
from scanner.model.resource import Resource
from scanner.model.values import Unknown, UnreadTail
from scanner.types import absences

_DOORS = (
    ("adminUserEnabled", "admin", "AdminUser", "admin", ("pull", "catalog", "push", "delete")),
    ("anonymousPullEnabled", "anonymous", "Anonymous", "anonymous", ("pull",)),
)
"""Property of the registry, then principal, its type and its door, then what it can do."""
_OF_ACTION = {"/content/read": "pull", "/content/write": "push", "/content/delete": "delete"}
"""End of a scope map's action -> capability."""


def look(registry: Resource, key: str) -> Any:
    """A property of the registry: its value, None where it is absent, Unknown where absence tells nothing."""
    properties = registry.body.get("properties")
    if not isinstance(properties, dict):
        if isinstance(properties, Unknown):
            return properties
        return Unknown("the registry's properties are missing", "required")
    value = properties.get(key)
    if value is None and key not in properties:
        reasons = absences(registry.type, registry.api_version, registry.origin.source)
        reason = reasons.get(f"properties.{key}")
        return None if reason is None else Unknown(reason, "api-version")
    return value


def rows(registry: Resource, tokens: Any, scope_maps: Any, now: float) -> list[Any]:
    """Access rows of these doors; an `UnreadTail` after them for each door that could not be looked at."""
    found: list[Any] = []
    tails: list[UnreadTail] = []
    for key, principal, kind, door, can in _DOORS:
        value = look(registry, key)
        if value is True:
            found += [_row(registry, principal, kind, door, capability) for capability in can]
        elif value is not None and value is not False:
            reason = value.reason if isinstance(value, Unknown) else "it is neither true nor false"
            tails.append(_missing(registry, f"{key} not read: {reason}", principal, kind, door))
    if isinstance(tokens, Unknown):
        tails.append(_missing(registry, f"tokens not read: {tokens.reason}"))
    elif tokens:
        maps = _maps(scope_maps)
        for token in tokens:
            given, problem = _of_token(registry, token, maps, now)
            found += given
            if problem:
                tails.append(_missing(registry, problem))
    return [*found, *tails] if tails else found


def _maps(scope_maps: Any) -> dict[str, Resource]:
    rows = scope_maps if isinstance(scope_maps, list) else ()
    return {ids.normalise(row.id): row for row in rows if isinstance(row, Resource)}


def _of_token(
    registry: Resource, token: Any, maps: Mapping[str, Resource], now: float
) -> tuple[list[dict[str, Any]], str]:
    """The rows of a token, and why it may give more than they say."""
    if isinstance(token, UnreadTail):
        return [], f"tokens not read: {token.reason}"
    properties = token.body.get("properties")
    if not isinstance(properties, Mapping):
        return [], f"token {token.name} not read"
    status = properties.get("status")
    if isinstance(status, str) and status.lower() == "disabled":
        return [], ""
    usable = _usable(properties.get("credentials"), now)
    if usable is False:
        return [], ""
    wanted = properties.get("scopeMapId")
    row = maps.get(ids.normalise(wanted)) if isinstance(wanted, str) else None
    inside = row.body.get("properties") if row is not None else None
    actions = inside.get("actions") if isinstance(inside, Mapping) else None
    if usable is None or isinstance(status, Unknown):
        return [], f"status or credentials of token {token.name} not read"
    if row is None or not isinstance(actions, list):
        return [], f"scope map of token {token.name} not read"
    by_capability: dict[str, set[str]] = {}
    for repository, capability in _parsed(actions):
        by_capability.setdefault(capability, set()).add(repository)
    found = [
        _row(registry, token.id, "Token", "token", capability, sorted(names), row.name, token.name)
        for capability, names in sorted(by_capability.items())
    ]
    return found, "" if all(
        isinstance(action, str) for action in actions
    ) else f"scope map {row.name} not read"


def _usable(credentials: Any, now: float) -> bool | None:
    """Whether any credential of a token works; None where that was not read. One without an expiry never ends."""
    lists = (
        [credentials.get(key) for key in ("passwords", "certificates")]
        if isinstance(credentials, Mapping)
        else []
    )
    unread = not lists or any(not isinstance(items, list) and items is not None for items in lists)
    for items in lists:
        for item in items if isinstance(items, list) else ():
            expiry = item.get("expiry") if isinstance(item, Mapping) else item
            if expiry is None:
                return True
            moment = instant(expiry) if isinstance(expiry, str) else None
            if moment is None:
                unread = True
            elif moment > now:
                return True
    return None if unread else False


def _parsed(actions: list[Any]) -> Iterator[tuple[str, str]]:
    """(repository or pattern, capability) of each action that is about images."""
    for action in actions:
        if not isinstance(action, str) or not action.lower().startswith("repositories/"):
            continue
        for ending, capability in _OF_ACTION.items():
            if action.lower().endswith(ending):
                yield action[len("repositories/") : -len(ending)], capability


def _missing(
    registry: Resource, why: str, principal: str = "", kind: str = "Token", door: str = "token"
) -> UnreadTail:
    """Rows of a door that were not read; all but who, what and where in the registry is known of them."""
    row = _row(registry, principal, kind, door, "")
    if not principal:
        row["via"]["role"] = Unknown(why)
    left = {"principalName", "can", "repositories", "prefixes", *(() if principal else ("principalId",))}
    return UnreadTail(why, tuple((key, value) for key, value in row.items() if key not in left))


def _row(
    registry: Resource,
    principal: str,
    kind: str,
    door: str,
    can: str,
    names: list[str] | None = None,
    role: str = "",
    name: str = "",
) -> dict[str, Any]:
    """A row; `names`: the repositories it is limited to, None for all."""
    everything = names is None or "*" in names
    return {
        "principalId": principal,
        "principalType": kind,
        "principalName": name,
        "door": door,
        "can": can,
        "at": "registry",
        "via": {
            "assignmentId": "",
            "roleDefinitionId": "",
            "role": role,
            "roleType": "",
            "wildcard": False,
            "scope": registry.id,
            "level": "registry",
            "inherited": False,
            "group": None,
        },
        "repositories": "all" if everything else names,
        "prefixes": [] if everything else [item[:-1] for item in names or () if item.endswith("*")],
        "fullControl": False,
        "eligible": False,
        "temporary": False,
        "until": None,
        "conditional": False,
    }
