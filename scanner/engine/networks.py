"""Private endpoints by what they lead to, and whether an agent pool's subnet lets out what ACR Tasks need.

Sources: https://learn.microsoft.com/azure/container-registry/container-registry-private-link,
https://learn.microsoft.com/azure/container-registry/tasks-agent-pools (outbound rules),
https://learn.microsoft.com/azure/virtual-network/network-security-groups-overview (priorities, default rules).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from ipaddress import ip_network
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
            found = estate.completeness.rows(groups.get(key, []), row.id, (table.ZONE_GROUPS,))
            self._by_id[key] = replace(row, body={**row.body, "privateDnsZoneGroups": found})
            for target in _leads_to(row):
                self._by_target.setdefault(target, []).append(key)

    def of(self, registry: Resource) -> Any:
        """The endpoints of a registry: those that lead to it, and those that it names.

        A registry names all of its endpoints. One that was not read is a row of which only the id is known.
        """
        properties = registry.body.get("properties")
        items = properties.get("privateEndpointConnections") if isinstance(properties, Mapping) else None
        wanted = dict.fromkeys(self._by_target.get(ids.normalise(registry.id), ()))
        named = dict(_named(items))
        wanted.update(dict.fromkeys(named))
        rows: list[Any] = []
        for key in wanted:
            if key in self._by_id:
                rows.append(self._by_id[key])
            elif (gap := self._gap(key)) is not None:
                rows.append(_unread(named[key], gap, registry))
        if isinstance(items, list) and not any(isinstance(item, (Unknown, UnreadTail)) for item in items):
            return rows
        return self._estate.completeness.rows(rows, "/", (table.ENDPOINTS,))

    def _gap(self, endpoint: str) -> Unknown | None:
        """Why an endpoint that a registry names is not there; None where it does not exist any more."""
        subscription = ids.subscription_of(endpoint)
        if subscription not in self._estate.subscriptions():
            return Unknown(
                f"subscription {subscription} of the private endpoint was not read", "not-collected"
            )
        return self._estate.completeness.gap(table.ENDPOINTS, endpoint)


def _unread(identifier: str, gap: Unknown, registry: Resource) -> Resource:
    body = {"id": identifier, "name": ids.name_of(identifier), "properties": gap, "privateDnsZoneGroups": gap}
    return Resource(identifier, table.ENDPOINTS, ids.name_of(identifier), body, origin=registry.origin)


def _leads_to(row: Resource) -> Iterator[str]:
    properties = row.body.get("properties")
    for key in _CONNECTIONS:
        items = properties.get(key) if isinstance(properties, Mapping) else None
        for item in items if isinstance(items, list) else ():
            inner = item.get("properties") if isinstance(item, Mapping) else None
            target = inner.get("privateLinkServiceId") if isinstance(inner, Mapping) else None
            if isinstance(target, str):
                yield ids.normalise(target)


def _named(items: Any) -> Iterator[tuple[str, str]]:
    """(normalised id, id as written) of the endpoints of a registry's connections."""
    for item in items if isinstance(items, list) else ():
        inner = item.get("properties") if isinstance(item, Mapping) else None
        endpoint = inner.get("privateEndpoint") if isinstance(inner, Mapping) else None
        identifier = endpoint.get("id") if isinstance(endpoint, Mapping) else None
        if isinstance(identifier, str):
            yield ids.normalise(identifier), identifier


class Network:
    """Subnets, network security groups and route tables by normalised id."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._held = {
            kind: {ids.normalise(row.id): row for row in estate.part(kind)}
            for kind in (table.SUBNETS, table.SECURITY_GROUPS, table.ROUTE_TABLES)
        }

    def rules_of(self, pool: Resource) -> Any:
        """One row per needed service and port, `access` being Allow, Deny or Unknown; [] for a pool without a subnet; Unknown where the subnet was not read."""
        properties = pool.body.get("properties")
        given = (
            properties.get("virtualNetworkSubnetResourceId")
            if isinstance(properties, Mapping)
            else properties
        )
        if isinstance(given, Unknown):
            return given
        if not isinstance(given, str) or not given:
            return []
        subnet = self._inside(table.SUBNETS, given)
        if isinstance(subnet, Unknown):
            return subnet
        rules = self._rules(subnet)
        appliance = self._appliance(subnet)
        direct = {
            str(item.get("service")).lower()
            for item in _listed(subnet.get("serviceEndpoints"))
            if isinstance(item, Mapping)
        }
        rows = []
        for service, port in NEEDED:
            access, via = _decide(rules, service, port)
            if access == "Allow" and appliance and f"microsoft.{service.lower()}" not in direct:
                access, via = Unknown(appliance), appliance
            rows.append({"service": service, "port": port, "access": access, "via": via, "source": given})
        return rows

    def _inside(self, kind: str, identifier: str) -> Mapping[str, Any] | Unknown:
        """The properties of a resource of the network, or why they are not known."""
        row = self._held[kind].get(ids.normalise(identifier))
        inside = row.body.get("properties") if row is not None else None
        if isinstance(inside, Mapping):
            return inside
        what = f"{kind.rpartition('/')[2]} {ids.name_of(identifier)}"
        if isinstance(inside, Unknown):
            return Unknown(f"{what}: {inside.reason}")
        gap = self._estate.completeness.gap(kind, identifier)
        return gap or Unknown(f"{what} is not in the inventory", "not-collected")

    def _referred(self, subnet: Mapping[str, Any], key: str, kind: str) -> Mapping[str, Any] | Unknown | None:
        """What a subnet refers to: its properties, why they are not known, or None where it refers to nothing."""
        reference = subnet.get(key)
        if reference is None:
            return None
        identifier = reference.get("id") if isinstance(reference, Mapping) else None
        if isinstance(identifier, str):
            return self._inside(kind, identifier)
        return reference if isinstance(reference, Unknown) else Unknown(f"the subnet's {key} was not read")

    def _rules(self, subnet: Mapping[str, Any]) -> list[Mapping[str, Any]] | Unknown | None:
        """Outbound rules by priority; None without a security group."""
        group = self._referred(subnet, "networkSecurityGroup", table.SECURITY_GROUPS)
        if group is None or isinstance(group, Unknown):
            return group
        found = []
        for key in ("securityRules", "defaultSecurityRules"):
            items = group.get(key)
            for item in _listed(items):
                rule = item.get("properties") if isinstance(item, Mapping) else None
                if not isinstance(rule, Mapping):
                    return Unknown("a rule of the network security group was not read")
                if str(rule.get("direction")).lower() == "outbound":
                    found.append({**rule, "name": item.get("name")})
            if items is not None and not isinstance(items, list):
                return Unknown(f"{key} of the network security group were not read")
        return sorted(found, key=_priority)

    def _appliance(self, subnet: Mapping[str, Any]) -> str:
        """Where everything is routed to an appliance, whose own rules we cannot see: a text that says so."""
        routes = self._referred(subnet, "routeTable", table.ROUTE_TABLES)
        if routes is None:
            return ""
        items = routes.get("routes") if isinstance(routes, Mapping) else routes
        if isinstance(items, Unknown):
            return f"the subnet's route table was not read: {items.reason}"
        for item in _listed(items):
            route = item.get("properties") if isinstance(item, Mapping) else None
            if not isinstance(route, Mapping):
                return "a route of the subnet was not read"
            hop = str(route.get("nextHopType")).lower()
            if route.get("addressPrefix") == "0.0.0.0/0" and hop == "virtualappliance":
                return f"routed to the appliance {route.get('nextHopIpAddress')}"
        return ""


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _priority(rule: Mapping[str, Any]) -> int:
    value = rule.get("priority")
    return value if isinstance(value, int) else 65_000


def _decide(
    rules: list[Mapping[str, Any]] | Unknown | None, service: str, port: int
) -> tuple[str | Unknown, str]:
    """The first rule that is about the service decides, unless one before it may be and says otherwise.

    Without a security group everything may leave.
    """
    if rules is None:
        return "Allow", "no network security group"
    if isinstance(rules, Unknown):
        return rules, rules.reason
    unclear: dict[str, str] = {}
    decided, via = "Allow", "default rule AllowInternetOutBound"
    for rule in rules:
        fits = _fits(rule, service, port)
        access = "Allow" if str(rule.get("access")).lower() == "allow" else "Deny"
        if fits:
            decided, via = access, f"rule {rule.get('name')}"
            break
        if fits is None:
            unclear.setdefault(access, f"rule {rule.get('name')} names addresses")
    other = unclear.get("Deny" if decided == "Allow" else "Allow")
    return (Unknown(other), other) if other else (decided, via)


def _fits(rule: Mapping[str, Any], service: str, port: int) -> bool | None:
    """Whether an outbound rule is about a service tag and TCP port; None where it names addresses we cannot map."""
    if str(rule.get("protocol", "*")).lower() not in ("*", "tcp"):
        return False
    ports = [*_listed(rule.get("destinationPortRanges")), rule.get("destinationPortRange")]
    if not any(_port_in(item, port) for item in ports if isinstance(item, str)):
        return False
    listed = [*_listed(rule.get("destinationAddressPrefixes")), rule.get("destinationAddressPrefix")]
    targets = {item.lower() for item in listed if isinstance(item, str) and item}
    sources = [*_listed(rule.get("sourceAddressPrefixes")), rule.get("sourceAddressPrefix")]
    whole = any(isinstance(item, str) and item.lower() in ("*", "virtualnetwork") for item in sources)
    own = {item for item in targets if item.partition(".")[0] == service.lower()}
    if targets & _ANYWHERE or own:
        return True if whole or not any(sources) else None
    return None if any(_may_hold_services(item) for item in targets) else False


def _may_hold_services(target: str) -> bool:
    """Whether a destination may be where Azure's services are: public addresses, or the cloud's in one region.

    Other service tags are other services.
    """
    if target.startswith("azurecloud."):
        return True
    try:
        return not ip_network(target, strict=False).is_private
    except ValueError:
        return False


def _port_in(text: str, port: int) -> bool:
    if text == "*":
        return True
    low, _, high = text.partition("-")
    return low.isdigit() and int(low) <= port <= (int(high) if high.isdigit() else int(low))
