"""What is scanned: scopes as a user names them come in; subscriptions, and whether a registry belongs to them, come out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from scanner.errors import ScopeError, UsageError
from scanner.inventory import arm, resource_graph
from scanner.inventory._azure.client import Client, NotRead
from scanner.inventory.live import CHAIN_QUERY
from scanner.model import ids

VERSION = "2022-12-01"
GONE = frozenset({"deleted"})
"""States of a subscription in which nothing can be read any more."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a user names. All empty: every subscription that is visible.

    `subscriptions`: ids or display names. `resource_groups`: `group` or `subscription/group`. `registries`: names or
    ids. `excludes`: patterns of subscription ids or names, `subscription/group`, or registry names.
    `expect`: subscription ids or names that must be there.
    """

    tenant: str = ""
    management_groups: tuple[str, ...] = ()
    subscriptions: tuple[str, ...] = ()
    resource_groups: tuple[str, ...] = ()
    registries: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    expect: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """The same as JSON: what a journal must match to be continued."""
        return {
            "tenant": self.tenant,
            "managementGroups": sorted(self.management_groups),
            "subscriptions": sorted(self.subscriptions),
            "resourceGroups": sorted(self.resource_groups),
            "registries": sorted(self.registries),
            "excludes": sorted(self.excludes),
        }


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription. `row` is how Azure lists it."""

    id: str
    name: str
    state: str
    tenant: str
    row: dict[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Scope:
    """What is scanned, and all that is visible. `missing`: expected subscriptions that are not."""

    wanted: Wanted
    subscriptions: tuple[Subscription, ...]
    visible: tuple[Subscription, ...]
    missing: tuple[str, ...]
    """Expected subscriptions that are not scanned."""
    notes: tuple[str, ...]
    owners: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Subscription id -> its id and lower-case name."""

    def takes(self, resource_id: str) -> bool:
        """Whether a registry, or something that lies in one, belongs to the scope; other resources always do."""
        registry = ids.registry_of(resource_id)
        if not registry:
            return True
        parts = ids.segments(registry)
        name, group = parts[-1], parts[3] if len(parts) > 3 else ""
        owners = self.owners.get(parts[1], (parts[1],)) if len(parts) > 1 else ()
        if self.wanted.resource_groups and not any(
            _is_group(one.lower(), owners, group) for one in self.wanted.resource_groups
        ):
            return False
        if self.wanted.registries and not any(
            ids.normalise(one) == ids.normalise(registry) if "/" in one else one.lower() == name
            for one in self.wanted.registries
        ):
            return False
        for pattern in self.wanted.excludes:
            lowered = pattern.lower()
            groups = (f"{owner}/{group}" for owner in owners)
            if fnmatchcase(name, lowered) or any(fnmatchcase(one, lowered) for one in groups):
                return False
        return True


def excluded(one: Subscription, wanted: Wanted) -> bool:
    """Whether the user leaves a subscription out."""
    return _excluded(one, wanted.excludes)


def _is_group(wanted: str, owners: tuple[str, ...], group: str) -> bool:
    owner, _, name = wanted.rpartition("/")
    return name == group and (not owner or owner in owners)


async def resolve(client: Client, wanted: Wanted) -> Scope:
    """The scope. Raises `ScopeError` where nothing is visible or a name leads nowhere, `UsageError` for two of one name."""
    try:
        rows = [
            row async for page in arm.pages(client, "/subscriptions", VERSION, "tenant") for row in page.rows
        ]
    except NotRead as error:
        raise ScopeError(
            f"subscriptions cannot be listed: {error.reason}", "", "Run `acrscan doctor`."
        ) from error
    visible = tuple(sorted(_subscriptions(rows), key=lambda one: one.id))
    if not visible:
        raise ScopeError(
            "no subscription is visible to this identity",
            f"tenant {wanted.tenant}" if wanted.tenant else "",
            "Assign it Reader on a subscription or management group; `acrscan doctor` shows who it is.",
        )
    chosen = await _chosen(client, wanted, visible)
    left = [one for one in chosen if not _excluded(one, wanted.excludes)]
    if not left:
        raise ScopeError("every subscription is excluded", "", "Look at --exclude.")
    notes = [
        f"subscription {one.name} ({one.id}) is {one.state}"
        for one in left
        if one.state.lower() not in ("enabled", "")
    ]
    # What is expected must be scanned, not only visible: a management group may lag behind; what is excluded may be missing.
    spared = [one for one in visible if _excluded(one, wanted.excludes)]
    known = {name.lower() for one in (*left, *spared) for name in (one.id, one.name)}
    missing = tuple(sorted(one for one in wanted.expect if one.lower() not in known))
    owners: dict[str, tuple[str, ...]] = {one.id: (one.id, one.name.lower()) for one in left}
    return Scope(wanted, tuple(left), visible, missing, tuple(notes), owners)


def _subscriptions(rows: Iterable[dict[str, Any]]) -> Iterable[Subscription]:
    for row in rows:
        identifier = row.get("subscriptionId")
        if isinstance(identifier, str) and str(row.get("state", "")).lower() not in GONE:
            yield Subscription(
                identifier.lower(),
                str(row.get("displayName") or ""),
                str(row.get("state") or ""),
                str(row.get("tenantId") or "").lower(),
                row,
            )


async def _chosen(client: Client, wanted: Wanted, visible: tuple[Subscription, ...]) -> list[Subscription]:
    """The subscriptions that the user names, each once."""
    found: dict[str, Subscription] = {}
    for name in wanted.management_groups:
        found.update(await _below(client, name, visible))
    for name in (*wanted.subscriptions, *_owners(wanted)):
        one = _named(name, visible)
        found[one.id] = one
    if not (wanted.management_groups or wanted.subscriptions or _owners(wanted)):
        found = {one.id: one for one in visible}
    if wanted.tenant and "-" in wanted.tenant:
        found = {key: one for key, one in found.items() if one.tenant in ("", wanted.tenant.lower())}
        if not found:
            raise ScopeError(f"no subscription of tenant {wanted.tenant} is visible")
    return [found[key] for key in sorted(found)]


def _owners(wanted: Wanted) -> list[str]:
    """Subscriptions that resource groups and registry ids name."""
    groups = [one.rpartition("/")[0] for one in wanted.resource_groups if "/" in one]
    registries = [ids.subscription_of(one) for one in wanted.registries if "/" in one]
    plain = any("/" not in one for one in (*wanted.resource_groups, *wanted.registries))
    return [] if plain else [one for one in (*groups, *registries) if one]


def _named(name: str, visible: tuple[Subscription, ...]) -> Subscription:
    lowered = name.lower().removeprefix("/subscriptions/")
    found = [one for one in visible if one.id == lowered] or [
        one for one in visible if one.name.lower() == lowered
    ]
    if len(found) > 1:
        listed = ", ".join(one.id for one in found)
        raise UsageError(f"{len(found)} subscriptions are called {name!r}", "", f"Give the id: {listed}.")
    if not found:
        raise ScopeError(
            f"subscription {name!r} is not visible to this identity",
            "",
            "Check the id; assign Reader on it; `acrscan doctor` lists what is visible.",
        )
    return found[0]


async def _below(client: Client, name: str, visible: tuple[Subscription, ...]) -> dict[str, Subscription]:
    """The visible subscriptions below a management group."""
    below: set[str] = set()
    try:
        async for page in resource_graph.pages(client, CHAIN_QUERY, (), management_groups=[name]):
            below.update(str(row.get("subscriptionId", "")).lower() for row in page.rows)
    except NotRead as error:
        raise ScopeError(
            f"management group {name!r} cannot be read: {error.reason}",
            "",
            "Check its name (not its display name).",
        ) from error
    found = {one.id: one for one in visible if one.id in below}
    if not found:
        raise ScopeError(f"no visible subscription lies below management group {name!r}")
    return found


def _excluded(one: Subscription, patterns: tuple[str, ...]) -> bool:
    return any(
        fnmatchcase(value, pattern.lower())
        for pattern in patterns
        if "/" not in pattern
        for value in (one.id, one.name.lower())
    )
