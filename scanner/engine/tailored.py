"""Which parameter values hold for one resource: the profile's narrowest block that covers it, else the pack's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scanner.engine.estate import Estate
from scanner.errors import RuleError
from scanner.model import ids
from scanner.model.resource import Resource
from scanner.model.rule import RulePack, ScopedValues

RANKS = ("resource", "resourceGroup", "subscription", "managementGroup", "tag")
"""Kinds of scope, the one that wins first."""


def values_for(pack: RulePack, resource: Resource, estate: Estate) -> Mapping[str, Any]:
    """The effective values; the same object for all resources that no scoped block covers."""
    if not pack.scoped:
        return pack.values
    chain = {ids.normalise(scope) for scope in estate.chain(resource.id)}
    covering = tuple(block for block in pack.scoped if _covers(block, resource, chain))
    if not covering:
        return pack.values
    merged = pack.merged.get(covering)
    if merged is None:
        merged = pack.merged[covering] = _merged(pack, covering)
    return merged


def _covers(block: ScopedValues, resource: Resource, chain: set[str]) -> bool:
    if block.kind == "tag":
        name, _, wanted = block.scope.partition("=")
        tags = resource.body.get("tags")
        if not isinstance(tags, dict):
            return False
        return any(
            key.casefold() == name.casefold()
            and isinstance(value, str)
            and value.casefold() == wanted.casefold()
            for key, value in tags.items()
        )
    if block.kind == "resource":
        return ids.within(resource.id, block.scope)
    return ids.normalise(block.scope) in chain


def _merged(pack: RulePack, covering: tuple[ScopedValues, ...]) -> Mapping[str, Any]:
    values = dict(pack.values)
    held: dict[str, ScopedValues] = {}
    for block in sorted(covering, key=lambda item: RANKS.index(item.kind)):
        for name, value in block.values:
            first = held.get(name)
            if first is None:
                held[name] = block
                values[name] = value
            elif first.kind == block.kind and values[name] != value:
                raise RuleError(
                    f"two blocks of the profile give {name} different values for one resource",
                    str(block.mark),
                    f"{first.kind} {first.scope} and {block.kind} {block.scope}: narrow one of them.",
                )
    return values
