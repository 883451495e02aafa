"""What is inherited: rows at management groups, subscriptions and resource groups, indexed by scope, in memory.

Rows at a registry or below it are not held here: they are merged while reading. Everything that one resource group's
registries share is one object, so that what is worked out from it can be kept.
Source: https://learn.microsoft.com/azure/role-based-access-control/scope-overview
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scanner.model import ids
from scanner.model.resource import Resource


def level_of(scope: str) -> str:
    """The level of a scope: registry (or any other resource), group, subscription, managementGroup or root."""
    return _level(ids.normalise(scope))


def _level(normal: str) -> str:
    if normal.startswith("/subscriptions/"):
        return {2: "subscription", 4: "group"}.get(normal.count("/"), "registry")
    if normal == ids.ROOT:
        return "root"
    return "managementGroup" if normal.startswith(ids.MANAGEMENT_GROUP) else "registry"


class Chains:
    """The scopes above a resource: its parents, group, subscription, management groups, root.

    A subscription's management groups come from its own `managementGroupAncestorsChain` (Resource Graph) or from the
    children and parents that management groups name.
    """

    def __init__(self, subscriptions: Iterable[Resource], management_groups: Iterable[Resource] = ()) -> None:
        self._groups: dict[str, tuple[str, ...]] = dict(_from_groups(management_groups))
        self.names: dict[str, str] = {}
        for row in subscriptions:
            identifier = ids.subscription_of(row.id)
            properties = row.body.get("properties")
            chain = row.body.get("managementGroupAncestorsChain")
            if chain is None and isinstance(properties, Mapping):
                chain = properties.get("managementGroupAncestorsChain")
            name = row.body.get("displayName")
            self.names[identifier] = name if isinstance(name, str) else ""
            if isinstance(chain, list) and all(_name(item) for item in chain):
                self._groups[identifier] = tuple(ids.MANAGEMENT_GROUP + _name(item) for item in chain)
        self._tails: dict[str, tuple[str, ...]] = {}
        self._scope = ""
        self._chain: tuple[str, ...] = ()

    def known(self, subscription: str) -> bool:
        """Whether the management groups above a subscription were read."""
        return subscription in self._groups

    def above(self, resource_id: str) -> tuple[str, ...]:
        """The normalised scopes that apply to a resource, itself first, root last."""
        normal = ids.normalise(resource_id)
        return (normal, *self.over_parent(normal)) if normal != ids.ROOT else (normal,)

    def over(self, scope: str) -> tuple[str, ...]:
        """The same for a normalised scope; the same tuple again while the scope stays the same."""
        if scope != self._scope:
            subscription = ids.subscription_of(scope)
            if subscription not in self._tails:
                groups = self._groups.get(subscription, ())
                top = (f"/subscriptions/{subscription}",) if subscription else ()
                self._tails[subscription] = (*top, *groups, ids.ROOT)
            tail = self._tails[subscription]
            self._scope = scope
            self._chain = (*_up_to(scope, tail[0]), *tail)
        return self._chain

    def over_parent(self, normal: str) -> tuple[str, ...]:
        """The scopes above a resource without itself."""
        if _level(normal) == "subscription":
            return self.over(normal)[1:]
        return self.over(_parent(normal))


def _parent(normal: str) -> str:
    """The normalised id one level up; quick for a resource right in a resource group."""
    parts = normal.split("/")
    if len(parts) == 9 and parts[5] == "providers":
        return "/".join(parts[:5])
    return ids.normalise(ids.parent_of(normal))


def _up_to(scope: str, top: str) -> tuple[str, ...]:
    """A scope and what lies above it, below `top`."""
    if scope in (top, ids.ROOT):
        return ()
    if scope.count("/") == 4 and scope.startswith(top):
        return (scope,)
    return tuple(above for above in ids.ancestors(scope) if above != top)


def _name(item: Any) -> str:
    """The lower-case name of an entry of a chain or of children, or ""."""
    name = item.get("name") if isinstance(item, Mapping) else None
    return name.lower() if isinstance(name, str) else ""


def _from_groups(part: Iterable[Resource]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(subscription, management groups nearest first), where the way up to the tenant's root group is known."""
    parents: dict[str, str] = {}
    subscriptions: dict[str, str] = {}
    for row in part:
        own = row.name.lower()
        properties = row.body.get("properties")
        details = properties.get("details") if isinstance(properties, Mapping) else None
        if not isinstance(properties, Mapping) or not isinstance(details, Mapping):
            continue
        parents[own] = _name(details.get("parent"))
        _children(own, properties.get("children"), parents, subscriptions)
    for subscription, nearest in subscriptions.items():
        chain = []
        at = nearest
        while at in parents and at not in chain:
            chain.append(at)
            at = parents[at]
        if at == "" and chain:
            yield subscription, tuple(ids.MANAGEMENT_GROUP + name for name in chain)


def _children(own: str, children: Any, parents: dict[str, str], subscriptions: dict[str, str]) -> None:
    waiting = [(own, children)]
    while waiting:
        above, items = waiting.pop()
        for item in items if isinstance(items, list) else ():
            kind = item.get("type") if isinstance(item, Mapping) else None
            if not isinstance(kind, str) or not _name(item):
                continue
            if kind.lower().endswith("subscriptions"):
                subscriptions[_name(item)] = above
            else:
                parents.setdefault(_name(item), above)
                waiting.append((_name(item), item.get("children")))


class ScopeIndex:
    """Rows of one extension type by the scope they apply to; only scopes above registries are kept."""

    def __init__(self, part: Iterable[Resource]) -> None:
        self._rows: dict[str, list[Resource]] = {}
        self._shared: dict[tuple[str, ...], list[Resource]] = {}
        self._chain: tuple[str, ...] = ()
        self._found: list[Resource] = []
        self.management_groups = False
        self.below = False
        """Whether any row applies to a registry or to something below one."""
        for row in part:
            scope = ids.normalise(scope_of(row))
            level = _level(scope)
            if level == "registry":
                self.below = True
            else:
                self._rows.setdefault(scope, []).append(row)
                self.management_groups = self.management_groups or level == "managementGroup"

    def above(self, chain: tuple[str, ...]) -> list[Resource]:
        """The rows that apply at the scopes of a chain, nearest first; one list per combination that occurs."""
        if chain is not self._chain:
            held = tuple(scope for scope in chain if scope in self._rows)
            if held not in self._shared:
                self._shared[held] = [row for scope in held for row in self._rows[scope]]
            self._chain, self._found = chain, self._shared[held]
        return self._found


def scope_of(row: Resource) -> str:
    """The id that an extension row applies to, as written."""
    scope = ids.scope_of(row.type, row.id, row.body)
    return ids.parent_of(row.id) if scope == row.id else scope
