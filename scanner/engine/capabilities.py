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
from typing import Any, TypeAlias

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
NEVER_IN_ABAC = frozenset({"sign", "softDeleted"})
"""ABAC mode has no content trust, and its documentation says of every role, Owner included, that it does not reach
soft-deleted artifacts."""
_DATA_IN_LEGACY = frozenset({"sign", "quarantineRead", "quarantineWrite"})
CAPABILITIES = tuple(ACTIONS)

EVERYTHING = (
    _R + "write",
    _R + "delete",
    *(
        ACTIONS[name][0]
        for name in (
            "pull",
            "push",
            "delete",
            "credentials",
            "mint",
            "tasks",
            "exfiltrate",
            "deleteReplication",
        )
    ),
)
"""Who is allowed all of these is in full control of a registry: Owner and Contributor are (action `*`), and so is a
custom role with `Microsoft.ContainerRegistry/*`. What matters is the actions, whatever the role is called."""


@dataclass(frozen=True, slots=True)
class Permission:
    """One block of a role definition (or deny assignment), patterns in lower case."""

    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    data_actions: tuple[str, ...]
    not_data_actions: tuple[str, ...]


Permissions: TypeAlias = tuple[Permission, ...]
ALL: Permissions = (Permission(("*",), (), ("*",), ()),)
"""Everything, on both planes."""


@dataclass(frozen=True, slots=True)
class Role:
    """A role definition. `kind`: BuiltInRole or CustomRole."""

    id: str
    name: str
    kind: str
    permissions: Permissions


@dataclass(frozen=True, slots=True)
class Grants:
    """What permissions give in one mode.

    `can`: capability -> the data actions it comes through, () where a control-plane action gives it. `everything`: all
    of `EVERYTHING`, so the holder is in full control without granting itself anything first.
    """

    can: Mapping[str, tuple[str, ...]]
    wildcard: frozenset[str]
    """Capabilities that a pattern with `*` gives, whether or not a plain one gives them too."""
    everything: bool


def permissions_of(blocks: Any) -> Permissions | None:
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
    """Whether an action fits a pattern (both lower case); `*` stands for anything, slashes included."""
    if "*" not in pattern:
        return pattern == action
    first, *middle, last = pattern.split("*")
    if not action.startswith(first) or not action.endswith(last) or len(action) < len(first) + len(last):
        return False
    at, end = len(first), len(action) - len(last)
    for part in middle:
        found = action.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _giving(action: str, allowed: Iterable[str], removed: Iterable[str]) -> str:
    """The pattern through which an action is given, or ""; of several one with `*`, which says how wide the role is."""
    if any(matches(pattern, action) for pattern in removed):
        return ""
    return _widest(pattern for pattern in allowed if matches(pattern, action))


def _widest(patterns: Iterable[str]) -> str:
    return max(patterns, key=lambda pattern: "*" in pattern, default="")


def _control(role: Permissions, action: str) -> str:
    """The pattern that gives a control-plane action; notActions take away within their own block only."""
    return _widest(hit for block in role if (hit := _giving(action, block.actions, block.not_actions)))


def _data(role: Permissions, action: str) -> str:
    return _widest(
        hit for block in role if (hit := _giving(action, block.data_actions, block.not_data_actions))
    )


@lru_cache(maxsize=4096)
def grants(role: Permissions, mode: str, denied: tuple[Permissions, ...] = ()) -> Grants:
    """What a role gives on a registry in a mode (`legacy` or `abac`) after deny assignments took their part."""

    def control(action: str) -> str:
        return "" if any(_control(deny, action) for deny in denied) else _control(role, action)

    def data(action: str) -> str:
        return "" if any(_data(deny, action) for deny in denied) else _data(role, action)

    can: dict[str, tuple[str, ...]] = {}
    wildcard: set[str] = set()
    for capability, actions in ACTIONS.items():
        if mode == ABAC and capability in NEVER_IN_ABAC:
            continue
        by_control = not (mode == ABAC and capability in ONLY_DATA_IN_ABAC)
        patterns = [hit for action in actions if by_control and (hit := control(action))]
        if capability == "mint" and not patterns:
            together = [control(action) for action in MINT_TOGETHER]
            patterns = together if all(together) else []
        through: tuple[str, ...] = ()
        if not patterns and _data_counts(capability, mode):
            through = tuple(action for action in DATA_ACTIONS[capability] if data(action))
            patterns = [data(action) for action in through]
        if patterns:
            can[capability] = through
            if any("*" in pattern for pattern in patterns):
                wildcard.add(capability)
    return Grants(can, frozenset(wildcard), all(control(action) for action in EVERYTHING))


def _data_counts(capability: str, mode: str) -> bool:
    if capability not in DATA_ACTIONS:
        return False
    return capability in (ONLY_DATA_IN_ABAC if mode == ABAC else _DATA_IN_LEGACY)
