"""`azurerm_private_endpoint` with its DNS zone group, and `azurerm_monitor_diagnostic_setting`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scanner.inventory.terraform.existence import Condition
from scanner.inventory.terraform.home import Home, child, under
from scanner.inventory.terraform.instance import Instance
from scanner.inventory.terraform.mapping.children import listed
from scanner.inventory.terraform.mapping.draft import Draft, each, flag, inside, region
from scanner.inventory.terraform.values import Sym, lift

ENDPOINTS = "Microsoft.Network/privateEndpoints"
SETTINGS = "Microsoft.Insights/diagnosticSettings"


def private_endpoint(instance: Instance, home: Home) -> Iterator[Draft]:
    """The endpoint, then its zone group where it has one."""
    del home
    draft = Draft(instance, ENDPOINTS, instance.get("id"), instance.value("name"))
    draft.put("location", region(instance.value("location")), "location")
    draft.put("tags", instance.value("tags"), "tags")
    draft.put("properties/subnet/id", instance.value("subnet_id"), "subnet_id")
    network_interface = instance.value("custom_network_interface_name")
    draft.put("properties/customNetworkInterfaceName", network_interface, "custom_network_interface_name")
    for name, wanted in (
        ("privateLinkServiceConnections", False),
        ("manualPrivateLinkServiceConnections", True),
    ):
        draft.put(f"properties/{name}", _connections(instance, manual=wanted), "private_service_connection")
    yield draft
    if instance.has("private_dns_zone_group"):
        yield _zone_group(draft, instance)


def _connections(instance: Instance, *, manual: bool) -> Any:
    """The connections that wait for approval, or those that do not."""

    def of(blocks: Any) -> Any:
        if not isinstance(blocks, list):
            return blocks
        kept = []
        for block in blocks:
            if not isinstance(block, dict):
                kept.append(block)
                continue
            waits = flag(block.get("is_manual_connection"))
            if waits is manual or (waits is None and not manual):
                kept.append(_connection(block))
            elif not isinstance(waits, bool):
                return Sym("whether the connection waits for approval is not known", "runtime")
        return kept

    return lift(of, instance.blocks("private_service_connection"))


def _connection(block: dict[str, Any]) -> dict[str, Any]:
    properties = {
        "privateLinkServiceId": block.get("private_connection_resource_id")
        or block.get("private_connection_resource_alias"),
        "groupIds": listed(block.get("subresource_names")),
        "requestMessage": block.get("request_message"),
    }
    return {
        "name": block.get("name"),
        "properties": {key: one for key, one in properties.items() if one is not None},
    }


def _zone_group(endpoint: Draft, instance: Instance) -> Draft:
    block = instance.block("private_dns_zone_group")
    name = (
        block.get("name")
        if isinstance(block, dict)
        else Sym("the zone group is not known", "runtime", "zone group")
    )
    draft = Draft(
        instance, f"{ENDPOINTS}/privateDnsZoneGroups", child(endpoint.id, "privateDnsZoneGroups", name), name
    )
    draft.places = {"": instance.places.get("private_dns_zone_group/0", endpoint.places[""])}
    configurations = inside(block, lambda one: {"all": lift(_zones, one.get("private_dns_zone_ids"))})
    found = lift(lambda one: one["all"] if isinstance(one, dict) else one, configurations)
    draft.put("properties/privateDnsZoneConfigs", found, "private_dns_zone_group/0/private_dns_zone_ids")
    if not isinstance(block, dict):
        draft.when = (
            *draft.when,
            Condition(f"{instance.address}.private_dns_zone_group", "its zone group is not known"),
        )
    return draft


def _zones(value: Any) -> Any:
    zones = listed(value)
    if not isinstance(zones, list):
        return zones
    return [{"name": f"zone{at}", "properties": {"privateDnsZoneId": zone}} for at, zone in enumerate(zones)]


def diagnostic_setting(instance: Instance, home: Home) -> Iterator[Draft]:
    """`azurerm_monitor_diagnostic_setting`: `enabled_log` of today, `log` up to 3.x, `metric` up to 4.x."""
    del home
    name = instance.value("name")
    target = instance.value("target_resource_id")
    draft = Draft(instance, SETTINGS, under(target, SETTINGS, name), name)
    for argument, key in (
        ("log_analytics_workspace_id", "workspaceId"),
        ("storage_account_id", "storageAccountId"),
        ("eventhub_authorization_rule_id", "eventHubAuthorizationRuleId"),
        ("eventhub_name", "eventHubName"),
        ("partner_solution_id", "marketplacePartnerId"),
        ("log_analytics_destination_type", "logAnalyticsDestinationType"),
    ):
        draft.put(f"properties/{key}", instance.value(argument), argument)
    logs = "enabled_log" if instance.has("enabled_log") or not instance.has("log") else "log"
    draft.put("properties/logs", each(instance.blocks(logs), _log), logs)
    metrics = "enabled_metric" if instance.has("enabled_metric") else "metric"
    draft.put("properties/metrics", each(instance.blocks(metrics), _log), metrics)
    for path, source in (("logs", logs), ("metrics", metrics)):
        given = instance.values.get(source)
        names = {"category": "category", "category_group": "categoryGroup", "enabled": "enabled"}
        draft.list_from(f"properties/{path}", source, names, len(given) if isinstance(given, list) else 0)
    yield draft


def _log(block: dict[str, Any]) -> dict[str, Any]:
    enabled = block.get("enabled")
    return {
        "category": block.get("category") or None,
        "categoryGroup": block.get("category_group") or None,
        "enabled": flag(True if enabled is None else enabled),
    }
