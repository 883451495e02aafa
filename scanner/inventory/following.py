"""What answers lead to: DNS zone groups of private endpoints, subnets of agent pools, definitions of policy assignments."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

from scanner.inventory import arm, live
from scanner.inventory.arm import Page
from scanner.inventory.attempt import ARM
from scanner.inventory.collecting import AT_ONCE, Collector, batches, bounded
from scanner.inventory.journal import Unit
from scanner.inventory.live import List
from scanner.model import ids
from scanner.model.resource import Resource

_ZONES = List(live.ZONE_GROUPS, "privateDnsZoneGroups", live.NETWORK_VERSION)
_NAMES_AT_ONCE = 100
_NAME = re.compile(r"[\w.-]{1,128}")


async def follow(collector: Collector) -> None:
    """Read what the answers of `collector` lead to."""
    endpoints = sorted(set(collector.facts("privateEndpoints")))
    await bounded((collector.listing(_ZONES, one, ids.subscription_of(one)) for one in endpoints), AT_ONCE)
    for subnet in sorted(set(collector.facts("agentPools"))):
        await _subnet(collector, subnet)
    await _definitions(collector)
    await _roles(collector)


async def _roles(collector: Collector) -> None:
    """The role definitions that assignments name and Resource Graph did not give (built-in ones may be among them)."""
    known = {ids.name_of(found).lower() for found, _ in collector.books.journal.ids(live.ROLES)}
    named = _named(collector, live.ROLE_ASSIGNMENTS, "roleDefinitionId")
    used = {ids.name_of(role).lower(): role for role in named}
    missing = [role for name, role in sorted(used.items()) if name not in known]
    await bounded((_thing(collector, role, live.ROLES, "2022-04-01") for role in missing), AT_ONCE)


def _named(collector: Collector, kind: str, key: str) -> Iterator[str]:
    """The ids that a property of all resources of a type names, from whichever source they came; one at a time."""
    for rows in collector.books.journal.rows(kind):
        properties = rows[-1].record["body"].get("properties")
        found = properties.get(key) if isinstance(properties, dict) else None
        if isinstance(found, str) and found.startswith("/"):
            yield found


async def _definitions(collector: Collector) -> None:
    """The initiatives and definitions that assignments name; built-in ones are asked for like the others."""
    scanned = batches([one.id for one in collector.scope.subscriptions])
    used = {found.lower() for found in _named(collector, live.ASSIGNMENTS, "policyDefinitionId")}
    for kind in (live.SETS, live.DEFINITIONS):
        leaf = f"/{ids.name_of(kind).lower()}/"
        names = sorted(
            {ids.name_of(one) for one in used if leaf in one and _NAME.fullmatch(ids.name_of(one))}
        )
        for at in range(0, len(names), _NAMES_AT_ONCE):
            query = live.named_query(kind, names[at : at + _NAMES_AT_ONCE])
            for batch in scanned:
                await collector.query(query, batch)


async def _subnet(collector: Collector, subnet: str) -> None:
    """A subnet, its network security group and its route table."""
    unit = await _thing(collector, subnet, live.SUBNETS)
    for fact in unit.facts:
        for key, kind in (
            ("networkSecurityGroup", live.SECURITY_GROUPS),
            ("routeTable", live.ROUTE_TABLES),
        ):
            if isinstance(fact.get(key), str):
                await _thing(collector, fact[key], kind)


async def _thing(
    collector: Collector, identifier: str, kind: str, version: str = live.NETWORK_VERSION
) -> Unit:
    """One resource by its id."""
    name = f"thing/{identifier}"
    done = collector.books.journal.done(name)
    if done is None:
        attempt = collector.books.attempt()

        async def page() -> AsyncIterator[Page]:
            bucket = ids.subscription_of(identifier)
            reply = await arm.one(collector.client, identifier, version, bucket)
            yield Page([reply.body], f"{identifier}?api-version={version}", reply.at)

        await attempt.read(kind, [identifier], page(), rank=ARM, version=version, seen=_neighbours)
        done = attempt.commit(name)
    return done


def _neighbours(resource: Resource) -> dict[str, Any] | None:
    properties = resource.body.get("properties")
    if not isinstance(properties, dict):
        return None
    return {
        key: value.get("id")
        for key in ("networkSecurityGroup", "routeTable")
        if isinstance(value := properties.get(key), dict)
    }
