"""What is inherited: rows at management groups, subscriptions and resource groups, indexed by scope, in memory.

Rows at a registry or below it are not held here: they are merged while reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scanner.model import ids
from scanner.model.resource import Resource

LEVELS = {"/": "root"}


def level_of(scope: str) -> str:
    """The level of a scope: registry, group, subscription, managementGroup or root."""
    normal = ids.normalise(scope)
    if normal == ids.ROOT:
        return "root"
    if normal.startswith(ids.MANAGEMENT_GROUP):
        return "managementGroup"
    return {2: "subscription", 4: "group"}.get(len(ids.segments(normal)), "registry")


class Chains:
    """The scopes above a resource: resource, group, subscription, management groups, root."""

    def __init__(self, subscriptions: Iterable[Resource]) -> None:
        self._groups: dict[str, tuple[str, ...]] = {}
        self._known: dict[str, tuple[str, ...]] = {}
        self.names: dict[str, str] = {}
        for row in subscriptions:
            identifier = ids.subscription_of(row.id)
            properties = row.body.get("properties")
            chain = row.body.get("managementGroupAncestorsChain")
            if chain is None and isinstance(properties, Mapping):
                chain = properties.get("managementGroupAncestorsChain")
            name = row.body.get("displayName")
            self.names[identifier] = name if isinstance(name, str) else ""
            if isinstance(chain, list):
                self._groups[identifier] = tuple(_groups(chain))

    def known(self, subscription: str) -> bool:
        """Whether the management groups above a subscription were read."""
        return subscription in self._groups

    def above(self, normal: str) -> tuple[str, ...]:
        """The normalised scopes above a normalised id, nearest first, root last; siblings share the tuple."""
        parent = ids.parent_of(normal)
        found = self._known.get(parent)
        if found is None:
            groups = self._groups.get(ids.subscription_of(parent), ())
            found = self._known[parent] = (*ids.ancestors(parent), *groups, ids.ROOT)
        return found


def _groups(chain: list[Any]) -> Iterator[str]:
    for item in chain:
        name = item.get("name") if isinstance(item, Mapping) else None
        if isinstance(name, str):
            yield ids.MANAGEMENT_GROUP + name.lower()


class ScopeIndex:
    """Rows of one extension type by the scope they apply to; only scopes above registries are kept."""

    def __init__(self, part: Iterable[Resource]) -> None:
        self._rows: dict[str, list[Resource]] = {}
        self.management_groups = False
        for row in part:
            scope = ids.normalise(ids.scope_of(row.type, row.id, row.body))
            if scope == ids.normalise(row.id):
                scope = ids.normalise(ids.parent_of(row.id))
            level = level_of(scope)
            if level != "registry":
                self._rows.setdefault(scope, []).append(row)
                self.management_groups = self.management_groups or level == "managementGroup"

    def above(self, chain: Iterable[str]) -> list[Resource]:
        """The rows that a resource with this chain inherits, nearest scope first."""
        return [row for scope in chain for row in self._rows.get(scope, ())]
