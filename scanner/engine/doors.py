"""The doors beside Entra roles: the admin user, anonymous pull, and repository-scoped tokens with their scope maps.

Sources: https://learn.microsoft.com/azure/container-registry/container-registry-authentication (admin user: pull and push
of the whole registry), .../anonymous-pull-access, .../container-registry-repository-scoped-permissions (tokens).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scanner.engine.operators.time import instant
from scanner.model import ids
from scanner.model.resource import Resource
from scanner.model.values import Hidden, Unknown, UnreadTail

_VIA = {
    "assignmentId": "",
    "roleDefinitionId": "",
    "role": "",
    "roleType": "",
    "wildcard": False,
    "level": "registry",
    "inherited": False,
}
_OF_ACTION = {
    "content/read": "pull",
    "content/write": "push",
    "content/delete": "delete",
    "metadata/read": "catalog",
}


def shut(registry: Resource) -> bool:
    """Whether the registry itself is known to open neither the admin user nor anonymous pull."""
    properties = registry.body.get("properties")
    if not isinstance(properties, dict):
        return False
    return all(properties.get(key) in (None, False) for key in ("adminUserEnabled", "anonymousPullEnabled"))


def rows(registry: Resource, tokens: Any, scope_maps: Any, now: float) -> list[Any]:
    """Access rows of these doors; an `UnreadTail` last where a door could not be looked at."""
    found: list[Any] = []
    tail = ""
    properties = registry.body.get("properties")
    if isinstance(properties, Mapping):
        for key, principal, kind, door, can in (
            ("adminUserEnabled", "admin", "AdminUser", "admin", ("pull", "catalog", "push", "delete")),
            ("anonymousPullEnabled", "anonymous", "Anonymous", "anonymous", ("pull",)),
        ):
            value = properties.get(key)
            if value is True:
                found += [_row(registry, principal, kind, door, capability, "all") for capability in can]
            elif isinstance(value, (Unknown, Hidden)):
                tail = tail or f"{key} not read"
    if isinstance(tokens, Unknown):
        return [*found, UnreadTail(tail or f"tokens not read: {tokens.reason}")]
    maps = _maps(scope_maps)
    for token in tokens or ():
        if isinstance(token, UnreadTail):
            tail = tail or f"tokens not read: {token.reason}"
        elif isinstance(token, Resource):
            given, problem = _of_token(registry, token, maps, now)
            found += given
            tail = tail or problem
    return [*found, UnreadTail(tail)] if tail else found


def _maps(scope_maps: Any) -> dict[str, Resource]:
    if isinstance(scope_maps, Unknown) or scope_maps is None:
        return {}
    return {ids.normalise(row.id): row for row in scope_maps if isinstance(row, Resource)}


def _of_token(
    registry: Resource, token: Resource, maps: Mapping[str, Resource], now: float
) -> tuple[list[Any], str]:
    properties = token.body.get("properties")
    if not isinstance(properties, Mapping):
        return [], f"token {token.name} not read"
    status = properties.get("status")
    if isinstance(status, str) and status.lower() == "disabled":
        return [], ""
    if not _usable(properties.get("credentials"), now):
        return [], ""
    wanted = properties.get("scopeMapId")
    row = maps.get(ids.normalise(wanted)) if isinstance(wanted, str) else None
    inside = row.body.get("properties") if row is not None else None
    actions = inside.get("actions") if isinstance(inside, Mapping) else None
    if not isinstance(actions, list):
        return [], f"scope map of token {token.name} not read"
    by_capability: dict[str, list[str]] = {}
    for repository, capability in _parsed(actions):
        by_capability.setdefault(capability, []).append(repository)
    name = ids.name_of(wanted) if isinstance(wanted, str) else ""
    found = []
    for capability, repositories in sorted(by_capability.items()):
        limit: Any = "all" if "*" in repositories else sorted(set(repositories))
        found.append(_row(registry, token.id, "Token", "token", capability, limit, name, token.name))
    return found, ""


def _usable(credentials: Any, now: float) -> bool:
    """Whether any credential of a token still works; unknown ones count as working."""
    if not isinstance(credentials, Mapping):
        return True
    items = [item for key in ("passwords", "certificates") for item in (credentials.get(key) or ())]
    if not items:
        return credentials.get("passwords") is None and credentials.get("certificates") is None
    for item in items:
        expiry = item.get("expiry") if isinstance(item, Mapping) else None
        moment = instant(expiry) if isinstance(expiry, str) else None
        if moment is None or moment > now:
            return True
    return False


def _parsed(actions: list[Any]) -> Iterator[tuple[str, str]]:
    for action in actions:
        if not isinstance(action, str) or not action.lower().startswith("repositories/"):
            continue
        for ending, capability in _OF_ACTION.items():
            if action.lower().endswith("/" + ending):
                yield action[len("repositories/") : -len(ending) - 1], capability


def _row(
    registry: Resource,
    principal: str,
    kind: str,
    door: str,
    can: str,
    repositories: Any,
    role: str = "",
    name: str = "",
) -> dict[str, Any]:
    return {
        "principalId": principal,
        "principalType": kind,
        "principalName": name,
        "door": door,
        "can": can,
        "at": "registry",
        "via": {**_VIA, "role": role, "scope": registry.id},
        "repositories": repositories,
        "prefixes": [],
        "fullControl": False,
        "eligible": False,
        "temporary": False,
        "until": None,
        "conditional": repositories != "all",
    }
