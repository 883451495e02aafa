"""The capability table: role definitions come in, what they allow on a registry comes out - by actions, never by name.

Sources: https://learn.microsoft.com/azure/role-based-access-control/permissions/containers (actions),
https://learn.microsoft.com/azure/container-registry/container-registry-rbac-built-in-roles-overview (what each does),
https://learn.microsoft.com/azure/container-registry/container-registry-rbac-abac-repository-permissions (ABAC mode),
https://learn.microsoft.com/azure/role-based-access-control/role-definitions (wildcards, notActions).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_R = "microsoft.containerregistry/registries/"
LEGACY, ABAC = "legacy", "abac"

ACTIONS: Mapping[str, tuple[str, ...]] = {
    "pull": (_R + "pull/read",),
    "catalog": (_R + "pull/read",),
    "push": (_R + "push/write",),
    "delete": (_R + "artifacts/delete",),
    "sign": (_R + "sign/write",),
    "quarantineRead": (_R + "quarantine/read",),
    "quarantineWrite": (_R + "quarantine/write",),
    "softDeleted": (_R + "deleted/read", _R + "deleted/restore/action"),
    "credentials": (_R + "listcredentials/action", _R + "regeneratecredential/action"),
    "mint": (_R + "generatecredentials/action",),
    "tasks": (_R + "schedulerun/action", _R + "tasks/write", _R + "taskruns/write"),
    "exfiltrate": (_R + "exportpipelines/write", _R + "importimage/action"),
    "configure": (_R + "write", _R + "updatepolicies/write"),
    "deleteReplication": (_R + "replications/delete",),
    "readSubscription": ("microsoft.resources/subscriptions/read",),
    "grant": ("microsoft.authorization/roleassignments/write",),
}
"""Capability -> control-plane actions, any of which gives it. `catalog`: in legacy mode whoever pulls may list."""

MINT_TOGETHER = (_R + "tokens/write", _R + "scopemaps/write")
"""Both together mint credentials too: a new token on a new scope map."""

DATA_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "pull": (_R + "repositories/content/read",),
    "push": (_R + "repositories/content/write",),
    "delete": (_R + "repositories/content/delete",),
    "catalog": (_R + "catalog/read",),
    "sign": (_R + "trustedcollections/write",),
    "quarantineRead": (_R + "quarantinedartifacts/read",),
    "quarantineWrite": (_R + "quarantinedartifacts/write",),
}
"""Capability -> data actions. The first four count in ABAC mode only, signing in legacy mode only."""

ONLY_DATA_IN_ABAC = frozenset({"pull", "push", "delete", "catalog", "quarantineRead", "quarantineWrite"})
_DATA_IN_LEGACY = frozenset({"sign", "quarantineRead", "quarantineWrite"})
CAPABILITIES = tuple(ACTIONS)


@dataclass(frozen=True, slots=True)
class Permission:
    """One block of a role definition (or deny assignment), patterns in lower case."""

    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    data_actions: tuple[str, ...]
    not_data_actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Role:
    """A role definition. `kind`: BuiltInRole or CustomRole."""

    id: str
    name: str
    kind: str
    permissions: tuple[Permission, ...]


@dataclass(frozen=True, slots=True)
class Grants:
    """What a role gives in one mode: capabilities, those among them through data actions, and how broad it is."""

    can: frozenset[str]
    through_data: frozenset[str]
    full_control: bool
    wildcard: frozenset[str]
    """Capabilities that come through a pattern with `*`."""


def permissions_of(blocks: Any) -> tuple[Permission, ...] | None:
    """The permission blocks of a role or deny assignment, or None when they are not as the API writes them."""
    if not isinstance(blocks, list):
        return None
    found = []
    for block in blocks:
        if not isinstance(block, Mapping):
            return None
        lists = [
            _patterns(block.get(key)) for key in ("actions", "notActions", "dataActions", "notDataActions")
        ]
        if any(item is None for item in lists):
            return None
        found.append(Permission(*(item or () for item in lists)))
    return tuple(found)


def _patterns(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return None
    return tuple(item.lower() for item in value)


def matches(pattern: str, action: str) -> bool:
    """Whether an action fits a pattern; `*` stands for anything, slashes included."""
    if "*" not in pattern:
        return pattern == action
    parts = pattern.split("*")
    if (
        not action.startswith(parts[0])
        or not action.endswith(parts[-1])
        or len(action) < len(parts[0]) + len(parts[-1])
    ):
        return False
    at, end = len(parts[0]), len(action) - len(parts[-1])
    for part in parts[1:-1]:
        found = action.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _giving(action: str, allowed: Iterable[str], removed: Iterable[str]) -> str:
    """The pattern through which an action is given, or ""; one without a wildcard is preferred."""
    if any(matches(pattern, action) for pattern in removed):
        return ""
    hits = [pattern for pattern in allowed if matches(pattern, action)]
    return min(hits, key=lambda pattern: "*" in pattern, default="")


def _control(role: tuple[Permission, ...], action: str) -> str:
    """The pattern that gives a control-plane action; notActions take away within their own block only."""
    return next((found for block in role if (found := _giving(action, block.actions, block.not_actions))), "")


def _data(role: tuple[Permission, ...], action: str) -> str:
    return next(
        (found for block in role if (found := _giving(action, block.data_actions, block.not_data_actions))),
        "",
    )


@lru_cache(maxsize=4096)
def grants(permissions: tuple[Permission, ...], mode: str) -> Grants:
    """What permissions give on a registry in a mode (`legacy` or `abac`)."""
    can: set[str] = set()
    through_data: set[str] = set()
    wildcard: set[str] = set()
    for capability, actions in ACTIONS.items():
        pattern = (
            ""
            if mode == ABAC and capability in (ONLY_DATA_IN_ABAC | {"sign"})
            else _first(permissions, actions)
        )
        if (
            not pattern
            and capability == "mint"
            and all(_control(permissions, action) for action in MINT_TOGETHER)
        ):
            pattern = _control(permissions, MINT_TOGETHER[0])
        if not pattern and _data_counts(capability, mode):
            pattern = next(
                (found for action in DATA_ACTIONS[capability] if (found := _data(permissions, action))), ""
            )
            if pattern:
                through_data.add(capability)
        if pattern:
            can.add(capability)
            if "*" in pattern:
                wildcard.add(capability)
    return Grants(frozenset(can), frozenset(through_data), full_control(permissions), frozenset(wildcard))


def _first(permissions: tuple[Permission, ...], actions: tuple[str, ...]) -> str:
    return next((found for action in actions if (found := _control(permissions, action))), "")


def _data_counts(capability: str, mode: str) -> bool:
    if capability not in DATA_ACTIONS:
        return False
    return capability in ONLY_DATA_IN_ABAC if mode == ABAC else capability in _DATA_IN_LEGACY


@lru_cache(maxsize=4096)
def giving_actions(
    permissions: tuple[Permission, ...], capability: str, mode: str
) -> frozenset[tuple[str, str]]:
    """Every (plane, action) by which permissions give a capability; plane is `control` or `data`."""
    found = set()
    if not (mode == ABAC and capability in (ONLY_DATA_IN_ABAC | {"sign"})):
        wanted = ACTIONS[capability] + (MINT_TOGETHER if capability == "mint" else ())
        found |= {("control", action) for action in wanted if _control(permissions, action)}
    if _data_counts(capability, mode):
        found |= {("data", action) for action in DATA_ACTIONS[capability] if _data(permissions, action)}
    return frozenset(found)


def covers(permissions: tuple[Permission, ...], plane: str, action: str) -> bool:
    """Whether permissions (of a deny assignment) name an action."""
    return bool(_control(permissions, action) if plane == "control" else _data(permissions, action))


def full_control(permissions: tuple[Permission, ...]) -> bool:
    """Whether a role is an administrator's: everything (`*`), or the right to give itself any role.

    Owner and Contributor have the action `*`; User Access Administrator and Role Based Access Control Administrator
    may write role assignments, so they can grant themselves what they lack.
    """
    everything = any("*" in block.actions for block in permissions)
    return everything or bool(_control(permissions, ACTIONS["grant"][0]))
