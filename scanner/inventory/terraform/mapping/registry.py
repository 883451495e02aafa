"""`azurerm_container_registry`: a registry and its replicas, with what the provider sends for what nobody wrote.

Source: the provider's `container_registry_resource.go` of 3.x, 4.x and 5.x,
https://github.com/hashicorp/terraform-provider-azurerm/tree/main/internal/services/containers
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from scanner.inventory.terraform.existence import Condition, When
from scanner.inventory.terraform.home import Home, R, child
from scanner.inventory.terraform.instance import Instance
from scanner.inventory.terraform.mapping.draft import (
    Draft,
    each,
    flag,
    identity,
    inside,
    known_length,
    region,
    worded,
)
from scanner.inventory.terraform.values import Choice, Sym, Text, first_unknown, key_of, lift, text

_VERSIONED = re.compile(r"https://[^/]+/keys/[^/]+/[0-9a-fA-F]+/?")
_VERSIONLESS = re.compile(r"https://[^/]+/keys/[^/]+/?")


def registry(instance: Instance, home: Home) -> Iterator[Draft]:
    """The registry, then one replica per `georeplications` block."""
    del home
    draft = Draft(instance, R, instance.get("id"), instance.value("name"))
    draft.put("location", region(instance.value("location")), "location")
    draft.put("tags", instance.value("tags"), "tags")
    draft.put("sku/name", instance.value("sku"), "sku")
    draft.put("sku/tier", instance.value("sku"), "sku")
    draft.put("identity", identity(instance.block("identity"), instance.address), "identity")
    draft.put("properties/loginServer", _login_server(instance.value("name")), "name")
    for path, argument, default in _FLAGS:
        draft.put(f"properties/{path}", flag(instance.value(argument, default)), argument)
    for path, argument, default, on, off in _WORDS:
        draft.put(f"properties/{path}", worded(instance.value(argument, default), on, off), argument)
    draft.put(
        "properties/networkRuleBypassOptions",
        instance.value("network_rule_bypass_option", "AzureServices"),
        "network_rule_bypass_option",
    )
    draft.put(
        "properties/roleAssignmentMode",
        instance.value("role_assignment_mode", "LegacyRegistryPermissions"),
        "role_assignment_mode",
    )
    _policies(draft, instance)
    _network(draft, instance)
    _encryption(draft, instance)
    yield draft
    yield from _replicas(draft, instance)


_FLAGS = (
    ("adminUserEnabled", "admin_enabled", False),
    ("anonymousPullEnabled", "anonymous_pull_enabled", False),
    ("dataEndpointEnabled", "data_endpoint_enabled", False),
    ("networkRuleBypassAllowedForTasks", "network_rule_bypass_for_tasks_enabled", False),
)
"""(property, argument, what is sent where nothing is written)."""

_WORDS = (
    ("publicNetworkAccess", "public_network_access_enabled", True, "Enabled", "Disabled"),
    ("policies/exportPolicy/status", "export_policy_enabled", True, "enabled", "disabled"),
    ("policies/quarantinePolicy/status", "quarantine_policy_enabled", False, "enabled", "disabled"),
    (
        "policies/azureADAuthenticationAsArmPolicy/status",
        "azuread_authentication_as_arm_policy_enabled",
        True,
        "enabled",
        "disabled",
    ),
    ("zoneRedundancy", "zone_redundancy_enabled", False, "Enabled", "Disabled"),
)


def _login_server(name: Any) -> Any:
    if isinstance(name, (str, Choice)):
        return lift(lambda one: f"{one.lower()}.azurecr.io" if isinstance(one, str) else None, name)
    return text([name, ".azurecr.io"]) if name is not None else None


def _policies(draft: Draft, instance: Instance) -> None:
    """Retention and trust: blocks up to 3.x, single arguments from 4.x on; 5.x knows no trust policy any more."""
    if instance.has("retention_policy"):
        retention = inside(
            instance.block("retention_policy"),
            lambda block: {
                "status": worded(_or(block.get("enabled"), default=False), "enabled", "disabled"),
                "days": _or(block.get("days"), default=7),
            },
        )
        draft.put("properties/policies/retentionPolicy", retention, "retention_policy")
        draft.came_from("properties/policies/retentionPolicy/status", "retention_policy/0/enabled")
        draft.came_from("properties/policies/retentionPolicy/days", "retention_policy/0/days")
    else:
        days = instance.value("retention_policy_in_days", 0)
        draft.put(
            "properties/policies/retentionPolicy/status",
            lift(_status_of_days, days),
            "retention_policy_in_days",
        )
        draft.put(
            "properties/policies/retentionPolicy/days",
            lift(lambda one: one or None, days),
            "retention_policy_in_days",
        )
    if instance.has("trust_policy"):
        trust = inside(
            instance.block("trust_policy"),
            lambda block: {
                "type": "Notary",
                "status": worded(_or(block.get("enabled"), default=False), "enabled", "disabled"),
            },
        )
        draft.put("properties/policies/trustPolicy", trust, "trust_policy")
        draft.came_from("properties/policies/trustPolicy/status", "trust_policy/0/enabled")
    elif instance.version < (5,) or instance.has("trust_policy_enabled"):
        status = worded(instance.value("trust_policy_enabled", False), "enabled", "disabled")
        draft.put("properties/policies/trustPolicy/status", status, "trust_policy_enabled")


def _status_of_days(days: Any) -> Any:
    """The provider takes 0 for "no policy"; Azure itself would delete at once."""
    if isinstance(days, str) and days.isdecimal():
        days = int(days)
    return ("enabled" if days > 0 else "disabled") if isinstance(days, (int, float)) else days


def _or(value: Any, *, default: Any) -> Any:
    return default if value is None else value


def _network(draft: Draft, instance: Instance) -> None:
    rules = instance.block("network_rule_set")
    if rules is None:
        return

    def made(block: dict[str, Any]) -> dict[str, Any]:
        found = {
            "defaultAction": _or(block.get("default_action"), default="Allow"),
            "ipRules": each(
                block.get("ip_rule"),
                lambda rule: {
                    "action": _or(rule.get("action"), default="Allow"),
                    "value": lift(_address, rule.get("ip_range")),
                },
            ),
        }
        if block.get("virtual_network") is not None:
            found["virtualNetworkRules"] = each(
                block.get("virtual_network"),
                lambda rule: {
                    "action": _or(rule.get("action"), default="Allow"),
                    "id": rule.get("subnet_id"),
                },
            )
        return found

    mapped = inside(rules, made)
    path = "properties/networkRuleSet"
    draft.put(path, mapped, "network_rule_set")
    draft.came_from(path, "network_rule_set/0")
    draft.came_from(f"{path}/defaultAction", "network_rule_set/0/default_action")
    if isinstance(mapped, dict):
        names = {"ip_range": "value", "action": "action"}
        draft.list_from(
            f"{path}/ipRules", "network_rule_set/0/ip_rule", names, known_length(mapped["ipRules"])
        )
        count = known_length(mapped.get("virtualNetworkRules"))
        if count:
            draft.list_from(
                f"{path}/virtualNetworkRules",
                "network_rule_set/0/virtual_network",
                {"subnet_id": "id"},
                count,
            )


def _address(value: Any) -> Any:
    """Azure keeps single addresses without `/32`."""
    return value.removesuffix("/32") if isinstance(value, str) else value


def _encryption(draft: Draft, instance: Instance) -> None:
    """A block means that the customer's key is used; up to 3.x it has a switch of its own."""
    if not instance.has("encryption"):
        return
    switch = instance.version < (4,)

    def made(block: dict[str, Any]) -> dict[str, Any]:
        key = block.get("key_vault_key_id")
        on = _or(block.get("enabled"), default=False) if switch or block.get("enabled") is not None else True
        return {
            "status": worded(on, "enabled", "disabled"),
            "keyVaultProperties": {
                "keyIdentifier": key,
                "identity": block.get("identity_client_id"),
                "keyRotationEnabled": rotates(key),
            },
        }

    draft.put("properties/encryption", inside(instance.block("encryption"), made), "encryption")
    draft.came_from("properties/encryption", "encryption/0")
    draft.came_from("properties/encryption/status", "encryption/0/enabled")
    for path in (
        "keyVaultProperties",
        "keyVaultProperties/keyIdentifier",
        "keyVaultProperties/keyRotationEnabled",
    ):
        draft.came_from(f"properties/encryption/{path}", "encryption/0/key_vault_key_id")


def rotates(key: Any) -> Any:
    """Whether a key without a version is named, so that Azure takes each new version."""
    if isinstance(key, Sym):
        if key.key.endswith(".versionless_id"):
            return True
        if re.search(r"(^|\.)azurerm_key_vault_key\.[^.]+\.id$", key.key):
            return False
        return key
    if (
        isinstance(key, Text)
        and isinstance(key.parts[0], Sym)
        and key.parts[0].key.endswith(".versionless_id")
    ):
        return False  # A version is put behind it.
    if isinstance(key, str):
        if _VERSIONLESS.fullmatch(key):
            return True
        return False if _VERSIONED.fullmatch(key) else None
    return key


def _replicas(parent: Draft, instance: Instance) -> Iterator[Draft]:
    blocks = instance.blocks("georeplications")
    if isinstance(blocks, Choice):
        yield from _possible(parent, instance, blocks)
    elif isinstance(blocks, (list, dict)):
        yield from _drafts(parent, instance, blocks if isinstance(blocks, list) else [blocks], ())
    old = instance.value("georeplication_locations")
    if isinstance(old, list):
        yield from _drafts(
            parent, instance, [{"location": one, "regional_endpoint_enabled": True} for one in old], ()
        )


def _possible(parent: Draft, instance: Instance, blocks: Choice) -> Iterator[Draft]:
    """Replicas of which there are others in each way: each once, with the ways in which it exists."""
    found: dict[str, tuple[int, Any, set[int]]] = {}
    for at, way in enumerate(blocks.values):
        for number, block in enumerate(way if isinstance(way, list) else []):
            key = key_of(block) or f"{at}/{number}"
            found.setdefault(key, (number, block, set()))[2].add(at)
    cause = blocks.cause or f"{instance.address}.georeplications"
    for number, block, ways in found.values():
        everywhere = len(ways) == len(blocks.values)
        when = () if everywhere else (Condition(cause, blocks.reason, len(blocks.values), frozenset(ways)),)
        yield from _drafts(parent, instance, [*[None] * number, block], when)


def _drafts(parent: Draft, instance: Instance, blocks: list[Any], when: When) -> Iterator[Draft]:
    for at, block in enumerate(blocks):
        source = f"georeplications/{at}"
        if block is None:
            continue
        unknown = first_unknown([block])
        known = (
            block
            if isinstance(block, dict)
            else {"location": unknown or Sym("the replica is no block", "error")}
        )
        location = region(known.get("location"))
        draft = Draft(instance, f"{R}/replications", child(parent.id, "replications", location), location)
        draft.places = {"": instance.places.get(source, draft.places[""])}
        draft.when = (*parent.when, *when)
        if not isinstance(block, dict):
            draft.when = (*draft.when, Condition(f"{instance.address}.{source}", known["location"].reason))
        draft.put("location", location, f"{source}/location")
        draft.put("tags", known.get("tags"), f"{source}/tags")
        zones = worded(_or(known.get("zone_redundancy_enabled"), default=False), "Enabled", "Disabled")
        draft.put("properties/zoneRedundancy", zones, f"{source}/zone_redundancy_enabled")
        name = "global_endpoint_routing_enabled"
        if known.get(name) is None:
            name = "regional_endpoint_enabled"
        routed = flag(_or(known.get(name), default=False))
        draft.put("properties/regionEndpointEnabled", routed, f"{source}/{name}")
        yield draft
