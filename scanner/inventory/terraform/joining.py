"""What belongs together: drafts and instances come in, tokens get their passwords, registries their private endpoints.

What leads to a place that is not known leaves every list open to which it could belong.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scanner.inventory.terraform.existence import hangs_on
from scanner.inventory.terraform.home import Home, R, child, render
from scanner.inventory.terraform.instance import Instance
from scanner.inventory.terraform.mapping.azapi import decoded, merged, type_of
from scanner.inventory.terraform.mapping.children import passwords
from scanner.inventory.terraform.mapping.draft import Draft
from scanner.inventory.terraform.mapping.network import ENDPOINTS
from scanner.inventory.terraform.values import Choice, Sym, Tail
from scanner.model import ids
from scanner.types import ELEMENT, VALUE, Branch, facts_for

TOKENS = f"{R}/tokens"
CONNECTIONS = f"{R}/privateEndpointConnections"


class Joined:
    """Drafts by the ids that they may have."""

    def __init__(self, drafts: list[Draft], home: Home) -> None:
        self.drafts = drafts
        self._home = home
        self._by_id: dict[str, Draft] = {}
        for draft in drafts:
            for key in self.keys(draft.id):
                self._by_id.setdefault(key, draft)

    def keys(self, identifier: Any) -> list[str]:
        """The normalised ids that a value can be; [] where it is not known."""
        identifier = self._home.merged(identifier)
        ways = identifier.values if isinstance(identifier, Choice) else (identifier,)
        found = [self._home.settled(render(way)) for way in ways]
        return [ids.normalise(one) for one in found] if all(found) else []

    def one(self, identifier: Any) -> Any:
        """An id; one for all ways of what exists in each of them."""
        return self._home.merged(identifier)

    def at(self, identifier: Any) -> list[Draft]:
        """The drafts that an id leads to."""
        return [self._by_id[key] for key in self.keys(identifier) if key in self._by_id]

    def of(self, kind: str) -> list[Draft]:
        """The drafts of a type."""
        return [draft for draft in self.drafts if draft.kind.lower() == kind.lower()]


def join(drafts: list[Draft], others: list[Instance], home: Home) -> list[Draft]:
    """All drafts with what belongs to them. `others`: instances that change drafts of other instances."""
    joined = Joined(drafts, home)
    for instance in others:
        if instance.kind == "azurerm_container_registry_token_password":
            _password(instance, joined)
        else:
            drafts += _update(instance, joined)
    drafts += _connections(joined)
    return drafts


def _password(instance: Instance, joined: Joined) -> None:
    generated, sources = passwords(instance)
    identifier = joined.one(instance.value("container_registry_token_id"))
    found = joined.at(identifier)
    certain = (
        len(found) == 1 and hangs_on(instance.when, found[0].when) and not isinstance(identifier, Choice)
    )
    if not certain:
        reason = instance.optional or f"{instance.address}: for which token it is, is not known"
        generated, sources = [Tail(reason)], []
    for draft in found or joined.of(TOKENS):
        properties = draft.body.setdefault("properties", {})
        credentials = properties.setdefault("credentials", {})
        held = credentials.setdefault("passwords", [])
        held += generated
        held.sort(key=lambda one: isinstance(one, Tail))
        if certain:
            for at, (argument, _) in enumerate(sources):
                places = (
                    instance.places.get(f"{argument}/0")
                    or instance.places.get(argument)
                    or instance.places[""]
                )
                path = f"/properties/credentials/passwords/{at}"
                draft.places[path] = places
                if f"{argument}/0/expiry" in instance.places:
                    draft.places[f"{path}/expiry"] = instance.places[f"{argument}/0/expiry"]


def _connections(joined: Joined) -> Iterator[Draft]:
    """The private endpoint connections that the endpoints make.

    One that needs no approval is approved where both are ours: who makes the registry may approve.
    https://learn.microsoft.com/azure/private-link/private-endpoint-overview
    """
    registries = joined.of(R)
    held: dict[int, list[Any]] = {id(registry): [] for registry in registries}
    for endpoint in joined.of(ENDPOINTS):
        properties = endpoint.body.get("properties", {})
        for name, status in (
            ("privateLinkServiceConnections", "Approved"),
            ("manualPrivateLinkServiceConnections", "Pending"),
        ):
            for connection in _list(properties.get(name)):
                target = (
                    connection.get("properties", {}).get("privateLinkServiceId")
                    if isinstance(connection, dict)
                    else connection
                )
                target = joined.one(target)
                found = joined.at(target)
                if not isinstance(connection, dict) or isinstance(target, (Sym, Choice)):
                    reason = _why(target)
                    for registry in found or registries:
                        held[id(registry)].append(
                            Tail(f"where {endpoint.instance.address} leads is not known: {reason}")
                        )
                    continue
                for registry in found:
                    if id(registry) in held:
                        draft = _connection(endpoint, registry, connection, status)
                        if not hangs_on(endpoint.when, registry.when):
                            held[id(registry)].append(Tail(endpoint.instance.optional))
                        else:
                            held[id(registry)].append({**draft.body, "id": draft.id, "name": draft.name})
                        yield draft
    for registry in registries:
        rows = sorted(held[id(registry)], key=lambda one: isinstance(one, Tail))
        kept = [row for row in rows if not isinstance(row, Tail)]
        properties = registry.body.setdefault("properties", {})
        if isinstance(properties, dict) and "privateEndpointConnections" not in properties:
            properties["privateEndpointConnections"] = kept + rows[len(kept) : len(kept) + 1]


def _why(value: Any) -> str:
    """Why a value is not known, in words."""
    if isinstance(value, (Sym, Choice, Tail)):
        return value.reason
    return "it is no id"


def _list(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def _connection(endpoint: Draft, registry: Draft, connection: dict[str, Any], status: str) -> Draft:
    name = endpoint.name
    draft = Draft(
        endpoint.instance, CONNECTIONS, child(registry.id, "privateEndpointConnections", name), name
    )
    draft.put("properties/privateEndpoint/id", endpoint.id)
    draft.put(
        "properties/privateLinkServiceConnectionState/status",
        status,
        "private_service_connection/0/is_manual_connection",
    )
    description = connection.get("properties", {}).get("requestMessage")
    draft.put("properties/privateLinkServiceConnectionState/description", description)
    return draft


def _update(instance: Instance, joined: Joined) -> Iterator[Draft]:
    """`azapi_update_resource` on what is described here, or on what only exists in Azure: the rest of that is not known."""
    kind, version = type_of(instance)
    identifier = instance.value("resource_id")
    if identifier is None and kind:
        identifier = child(instance.value("parent_id"), kind.rpartition("/")[2], instance.value("name"))
    identifier = joined.one(identifier)
    content = decoded(instance.value("body"))
    if not isinstance(content, dict):
        content = {"properties": Sym("the body is not known", "runtime")} if content is not None else {}
    found = joined.at(identifier)
    for draft in found:
        over = content if hangs_on(instance.when, draft.when) else _doubtful(content, instance.optional)
        draft.body = merged(draft.body, over)
        for path in _paths(content, ""):
            draft.places[path] = instance.places.get("body", instance.places[""])
    if found or not kind:
        return
    name = instance.value("name") or ids.name_of(render(identifier)) or None
    draft = Draft(instance, kind, identifier, name, version or None)
    facts = facts_for(kind)
    draft.body = _filled(
        content, facts.tree if facts else {}, f"{instance.address} changes a part of it only"
    )
    draft.came_from("properties", "body")
    yield draft


def _doubtful(content: Any, reason: str) -> Any:
    if isinstance(content, dict):
        return {key: _doubtful(item, reason) for key, item in content.items()}
    return Sym(reason, "runtime")


def _paths(content: Any, above: str) -> Iterator[str]:
    if isinstance(content, dict):
        for key, item in content.items():
            yield f"{above}/{key}"
            yield from _paths(item, f"{above}/{key}")


def _filled(content: dict[str, Any], tree: Any, reason: str) -> dict[str, Any]:
    """A part of a body, with everything else that the type can have as not known."""
    lowered = {key.lower(): key for key in content}
    found: dict[str, Any] = dict(content)
    branches: dict[str, Branch] = dict(tree)
    for name, branch in branches.items():
        if name in (ELEMENT, VALUE, "id", "name", "type", "apiversion", "systemdata"):
            continue
        if name not in lowered:
            found[branch.key] = Sym(reason, "not-collected")
        elif isinstance(content[lowered[name]], dict) and branch.fact.kind == "object":
            found[lowered[name]] = _filled(content[lowered[name]], branch.below, reason)
    return found
