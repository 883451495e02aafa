"""Private endpoints by what they lead to, and whether an agent pool's subnet lets out what ACR Tasks need.

Sources: https://learn.microsoft.com/azure/container-registry/container-registry-private-link,
https://learn.microsoft.com/azure/container-registry/tasks-agent-pools (outbound rules),
https://learn.microsoft.com/azure/virtual-network/network-security-groups-overview (priorities, default rules).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scanner.engine import relations as table
from scanner.model import ids
from scanner.model.resource import Resource
from scanner.model.values import Unknown, UnreadTail

if TYPE_CHECKING:
    from scanner.engine.estate import Estate

NEEDED = (
    ("AzureKeyVault", 443),
    ("Storage", 443),
    ("EventHub", 443),
    ("AzureActiveDirectory", 443),
    ("AzureMonitor", 443),
    ("AzureMonitor", 12000),
)
"""Service tags and ports that an agent pool's subnet must let out."""
_ANYWHERE = frozenset({"*", "internet", "0.0.0.0/0", "azurecloud"})
_CONNECTIONS = ("privateLinkServiceConnections", "manualPrivateLinkServiceConnections")


class Endpoints:
    """Private endpoints with their zone groups, indexed by id and by the resource they lead to."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._by_id: dict[str, Resource] = {}
        self._by_target: dict[str, list[str]] = {}
        groups: dict[str, list[Any]] = {}
        for row in estate.part(table.ZONE_GROUPS):
            groups.setdefault(ids.normalise(ids.parent_of(row.id)), []).append(row.body)
        for row in estate.part(table.ENDPOINTS):
            key = ids.normalise(row.id)
            gap = estate.completeness.gap(table.ZONE_GROUPS, row.id)
            found: Any = groups.get(key, [])
            if gap is not None:
                found = [*found, UnreadTail(gap.reason)] if found else gap
            self._by_id[key] = replace(row, body={**row.body, "privateDnsZoneGroups": found})
            for target in _leads_to(row):
                self._by_target.setdefault(target, []).append(key)

    def of(self, registry: Resource) -> Any:
        """The endpoints of a registry: those that name it, and those that it names."""
        wanted = dict.fromkeys(self._by_target.get(ids.normalise(registry.id), ()))
        wanted.update(dict.fromkeys(_named_by(registry)))
        rows: list[Any] = [self._by_id[key] for key in wanted if key in self._by_id]
        absent = [key for key in wanted if key not in self._by_id]
        found = self._estate.completeness.rows(rows, "/", (table.ENDPOINTS,))
        if not absent or not isinstance(found, list) or any(isinstance(row, UnreadTail) for row in found):
            return found
        subscription = ids.subscription_of(absent[0])
        if subscription in self._estate.subscriptions:
            return found
        return [*found, UnreadTail(f"private endpoint in subscription {subscription}, which was not read")]


def _leads_to(row: Resource) -> Iterator[str]:
    properties = row.body.get("properties")
    for key in _CONNECTIONS if isinstance(properties, Mapping) else ():
        items = properties.get(key) if isinstance(properties, Mapping) else None
        for item in items if isinstance(items, list) else ():
            inner = item.get("properties") if isinstance(item, Mapping) else None
            target = inner.get("privateLinkServiceId") if isinstance(inner, Mapping) else None
            if isinstance(target, str):
                yield ids.normalise(target)


def _named_by(registry: Resource) -> Iterator[str]:
    properties = registry.body.get("properties")
    items = properties.get("privateEndpointConnections") if isinstance(properties, Mapping) else None
    for item in items if isinstance(items, list) else ():
        inner = item.get("properties") if isinstance(item, Mapping) else None
        endpoint = inner.get("privateEndpoint") if isinstance(inner, Mapping) else None
        if isinstance(endpoint, Mapping) and isinstance(endpoint.get("id"), str):
            yield ids.normalise(endpoint["id"])


class Network:
    """Subnets, network security groups and route tables by normalised id."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._subnets = _by_id(estate, table.SUBNETS)
        self._groups = _by_id(estate, table.SECURITY_GROUPS)
        self._routes = _by_id(estate, table.ROUTE_TABLES)

    def rules_of(self, pool: Resource) -> Any:
        """One row per needed service and port; [] for a pool without a subnet; Unknown where the subnet was not read."""
        properties = pool.body.get("properties")
        identifier = (
            properties.get("virtualNetworkSubnetResourceId") if isinstance(properties, Mapping) else None
        )
        if isinstance(identifier, Unknown):
            return identifier
        if not isinstance(identifier, str) or not identifier:
            return []
        subnet = self._subnets.get(ids.normalise(identifier))
        inside = subnet.body.get("properties") if subnet is not None else None
        if not isinstance(inside, Mapping):
            gap = self._estate.completeness.gap(table.SUBNETS, identifier)
            return gap or Unknown(
                f"subnet {ids.name_of(identifier)} is not in the inventory", "not-collected"
            )
        rules = self._rules(inside)
        appliance = self._appliance(inside)
        services = {
            str(item.get("service", "")).lower()
            for item in inside.get("serviceEndpoints") or ()
            if isinstance(item, Mapping)
        }
        rows = []
        for service, port in NEEDED:
            access, via = _decide(rules, service, port)
            if access == "Allow" and appliance and f"microsoft.{service.lower()}" not in services:
                access, via = "Unknown", appliance
            shown = Unknown(via) if access == "Unknown" else access
            rows.append({"service": service, "port": port, "access": shown, "via": via, "source": identifier})
        return rows

    def _rules(self, subnet: Mapping[str, Any]) -> list[Mapping[str, Any]] | str | None:
        """Outbound rules by priority; None without a security group; a text where it was not read."""
        reference = subnet.get("networkSecurityGroup")
        identifier = reference.get("id") if isinstance(reference, Mapping) else None
        if not isinstance(identifier, str):
            return None
        group = self._groups.get(ids.normalise(identifier))
        inside = group.body.get("properties") if group is not None else None
        if not isinstance(inside, Mapping):
            return f"network security group {ids.name_of(identifier)} not read"
        found = []
        for key in ("securityRules", "defaultSecurityRules"):
            for item in inside.get(key) or ():
                rule = item.get("properties") if isinstance(item, Mapping) else None
                if isinstance(rule, Mapping) and str(rule.get("direction")).lower() == "outbound":
                    found.append({**rule, "name": item.get("name")})
        return sorted(found, key=_priority)

    def _appliance(self, subnet: Mapping[str, Any]) -> str:
        """Where everything is routed to an appliance, whose own rules we cannot see: a text that says so."""
        reference = subnet.get("routeTable")
        identifier = reference.get("id") if isinstance(reference, Mapping) else None
        if not isinstance(identifier, str):
            return ""
        held = self._routes.get(ids.normalise(identifier))
        inside = held.body.get("properties") if held is not None else None
        if not isinstance(inside, Mapping):
            return f"route table {ids.name_of(identifier)} not read"
        for item in inside.get("routes") or ():
            route = item.get("properties") if isinstance(item, Mapping) else None
            if (
                isinstance(route, Mapping)
                and route.get("addressPrefix") == "0.0.0.0/0"
                and str(route.get("nextHopType")).lower() == "virtualappliance"
            ):
                return f"routed to the appliance {route.get('nextHopIpAddress')}"
        return ""


def _priority(rule: Mapping[str, Any]) -> int:
    value = rule.get("priority")
    return value if isinstance(value, int) else 65_000


def _by_id(estate: Estate, kind: str) -> dict[str, Resource]:
    return {ids.normalise(row.id): row for row in estate.part(kind)}


def _decide(rules: list[Mapping[str, Any]] | str | None, service: str, port: int) -> tuple[str, str]:
    """The first rule that matches decides; without a security group everything may leave."""
    if rules is None:
        return "Allow", "no network security group"
    if isinstance(rules, str):
        return "Unknown", rules
    for rule in rules:
        fits = _fits(rule, service, port)
        if fits is None:
            return "Unknown", f"rule {rule.get('name')} names addresses"
        if fits:
            return str(rule.get("access")), f"rule {rule.get('name')}"
    return "Allow", "default rule AllowInternetOutBound"


def _fits(rule: Mapping[str, Any], service: str, port: int) -> bool | None:
    """Whether an outbound rule is about a service tag and TCP port; None where it names addresses we cannot map."""
    if str(rule.get("protocol", "*")).lower() not in ("*", "tcp"):
        return False
    ports = [*(rule.get("destinationPortRanges") or ()), rule.get("destinationPortRange")]
    if not any(_port_in(item, port) for item in ports if isinstance(item, str)):
        return False
    targets = {
        str(item).lower()
        for item in (*(rule.get("destinationAddressPrefixes") or ()), rule.get("destinationAddressPrefix"))
        if item
    }
    if targets & _ANYWHERE or any(
        item == service.lower() or item.startswith(f"{service.lower()}.") for item in targets
    ):
        return True
    tags = {name.lower() for name, _ in NEEDED} | {"virtualnetwork", "azureloadbalancer"}
    others = [item for item in targets if item.partition(".")[0] not in tags and not item.isalpha()]
    return None if others and str(rule.get("access")).lower() == "deny" else False


def _port_in(text: str, port: int) -> bool:
    if text == "*":
        return True
    low, _, high = text.partition("-")
    return low.isdigit() and int(low) <= port <= (int(high) if high.isdigit() else int(low))
