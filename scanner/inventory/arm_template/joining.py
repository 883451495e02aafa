"""What belongs together: the resources of one evaluation come in, registries with their private endpoint connections come out.

A template describes endpoints, Azure makes the connections. One that needs no approval is approved where registry and
endpoint are deployed together: who deploys the registry may approve.
Source: https://learn.microsoft.com/azure/private-link/private-endpoint-overview
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from scanner.inventory.arm_template.values import lookup
from scanner.model import ids
from scanner.model.resource import Resource
from scanner.model.values import Alternatives, Partial, Unknown, UnreadTail

REGISTRIES = "Microsoft.ContainerRegistry/registries"
CONNECTIONS = f"{REGISTRIES}/privateEndpointConnections"
ENDPOINTS = "Microsoft.Network/privateEndpoints"
_STATES = {"privateLinkServiceConnections": "Approved", "manualPrivateLinkServiceConnections": "Pending"}


def connected(resources: list[Resource]) -> list[Resource]:
    """All resources, registries with their connections, and each connection as a resource of its own."""
    registries = {ids.normalise(one.id): one for one in resources if one.type == REGISTRIES}
    if not registries:
        return resources
    rows: dict[str, list[Any]] = {key: [] for key in registries}
    made: list[Resource] = []
    for endpoint in resources:
        if endpoint.type == ENDPOINTS:
            for status, target, reason in _targets(endpoint):
                made += _connect(endpoint, status, target, reason, registries, rows)
    found = [_with(one, rows[ids.normalise(one.id)]) if one.type == REGISTRIES else one for one in resources]
    return [*found, *made]


def _targets(endpoint: Resource) -> Iterator[tuple[str, Any, str]]:
    """(status, id it leads to, why that is not known) of every connection that an endpoint asks for."""
    properties = endpoint.body.get("properties")
    if not isinstance(properties, Mapping):
        if isinstance(properties, (Unknown, Alternatives)):
            yield "", None, properties.reason
        return
    for name, status in _STATES.items():
        rows = lookup(properties, name)
        if isinstance(rows, (Unknown, Alternatives)):
            yield status, None, rows.reason
        for row in rows if isinstance(rows, list) else ():
            inner = lookup(row, "properties") if isinstance(row, Mapping) else row
            target = lookup(inner, "privateLinkServiceId") if isinstance(inner, Mapping) else inner
            if isinstance(target, str):
                yield status, target, ""
            elif isinstance(target, (Unknown, Alternatives, Partial)):
                yield status, None, target.reason


def _connect(
    endpoint: Resource,
    status: str,
    target: str | None,
    reason: str,
    registries: Mapping[str, Resource],
    rows: Mapping[str, list[Any]],
) -> Iterator[Resource]:
    if target is None:
        for held in rows.values():
            held.append(UnreadTail(f"where {endpoint.name} leads is not known: {reason}"))
        return
    registry = registries.get(ids.normalise(target))
    if registry is None:
        return
    held = rows[ids.normalise(target)]
    if endpoint.optional:
        held.append(UnreadTail(f"{endpoint.name}: {endpoint.optional}"))
        return
    identifier = f"{registry.id}/privateEndpointConnections/{ids.name_of(endpoint.id)}"
    body = {
        "id": identifier,
        "name": endpoint.name,
        "type": CONNECTIONS,
        "properties": {
            "privateEndpoint": {"id": endpoint.id},
            "privateLinkServiceConnectionState": {"status": status},
        },
    }
    held.append(body)
    yield replace(
        endpoint,
        id=identifier,
        type=CONNECTIONS,
        body=body,
        location="",
        api_version=None,
        unread={},
        hidden={},
        places={"": endpoint.places[""]},
    )


def _with(registry: Resource, rows: list[Any]) -> Resource:
    properties = registry.body.get("properties", {})
    if not isinstance(properties, Mapping) or "privateEndpointConnections" in properties:
        return registry
    known = [row for row in rows if not isinstance(row, UnreadTail)]
    open_ones = [row for row in rows if isinstance(row, UnreadTail)]
    filled = {**properties, "privateEndpointConnections": known + open_ones[:1]}
    return replace(registry, body={**registry.body, "properties": filled})
