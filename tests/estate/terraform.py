"""The sample estate as Terraform: what Azure answers comes in, the configuration that would make it so comes out.

One folder per subscription, registries as `azurerm_container_registry` (what that cannot set as `azapi_update_resource`), children, locks,
roles, logs and private endpoints as resources of their own. `python -m tests.estate.terraform FOLDER` writes them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]
HERE = Path(__file__).resolve().parent
R = "Microsoft.ContainerRegistry/registries"
HEAD = """terraform {{
  required_providers {{
    azurerm = {{
      source  = "hashicorp/azurerm"
      version = "~> 4.81"
    }}
    azapi = {{
      source = "Azure/azapi"
    }}
  }}
}}

provider "azurerm" {{
  subscription_id = "{0}"
  features {{}}
}}
"""
BY_AZAPI = (("softDeletePolicy", "policies"),)


def rows(answers: Path = HERE / "answers") -> Iterator[Json]:
    """Every resource that the saved answers hold, with its raw body."""
    for file in sorted(answers.glob("*.json")):
        content = json.loads(file.read_text("utf-8"))
        for interaction in content.get("interactions", []) if isinstance(content, dict) else []:
            body = (interaction["response"].get("body") or {}).get("data")
            listed = body.get("value", body.get("data")) if isinstance(body, dict) else None
            yield from (
                row
                for row in (listed if isinstance(listed, list) else [])
                if isinstance(row, dict) and "id" in row
            )


def literal(value: Any, indent: int = 2) -> str:
    """A value as HCL."""
    pad = " " * indent
    if isinstance(value, dict):
        inner = "".join(
            f"{pad}  {json.dumps(key)} = {literal(item, indent + 2)}\n" for key, item in value.items()
        )
        return "{\n" + inner + pad + "}" if value else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(literal(item, indent) for item in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
    return json.dumps(value)


class Raw(str):
    """An expression, written as it is."""

    __slots__ = ()


def block(kind: str, name: str, arguments: Json) -> str:
    """A resource; `None` is left out, lists of objects under a name that ends in `*` are nested blocks."""
    return f'resource "{kind}" "{name}" {{\n{_body(arguments, 2)}}}\n'


def _body(arguments: Json, indent: int) -> str:
    found = ""
    pad = " " * indent
    for name, value in arguments.items():
        if value is None:
            continue
        if name.endswith("*"):
            for one in value:
                found += f"{pad}{name[:-1]} {{\n{_body(one, indent + 2)}{pad}}}\n"
        else:
            found += f"{pad}{name} = {value if isinstance(value, Raw) else literal(value, indent)}\n"
    return found


def on(value: Any, word: str, *, default: bool = False) -> bool:
    """A word as a boolean."""
    return default if value is None else str(value).lower() == word


def registry(row: Json, replicas: list[Json]) -> Iterator[str]:
    """A registry with its replicas, then what azurerm cannot set."""
    given = row["properties"]
    policies = given.get("policies") or {}
    retention = policies.get("retentionPolicy") or {}
    rules = given.get("networkRuleSet")
    encryption = given.get("encryption") or {}
    key = encryption.get("keyVaultProperties") or {}
    arguments: Json = {
        "name": row["name"],
        "resource_group_name": row["id"].split("/")[4],
        "location": row["location"],
        "sku": row["sku"]["name"],
        "tags": row.get("tags"),
        "admin_enabled": given.get("adminUserEnabled"),
        "anonymous_pull_enabled": given.get("anonymousPullEnabled"),
        "data_endpoint_enabled": given.get("dataEndpointEnabled"),
        "public_network_access_enabled": on(given.get("publicNetworkAccess"), "enabled", default=True),
        "zone_redundancy_enabled": on(given.get("zoneRedundancy"), "enabled"),
        "network_rule_bypass_option": given.get("networkRuleBypassOptions"),
        "network_rule_bypass_for_tasks_enabled": given.get("networkRuleBypassAllowedForTasks"),
        "role_assignment_mode": given.get("roleAssignmentMode"),
        "export_policy_enabled": on(
            (policies.get("exportPolicy") or {}).get("status"), "enabled", default=True
        ),
        "quarantine_policy_enabled": on((policies.get("quarantinePolicy") or {}).get("status"), "enabled"),
        "trust_policy_enabled": on((policies.get("trustPolicy") or {}).get("status"), "enabled"),
        "azuread_authentication_as_arm_policy_enabled": on(
            (policies.get("azureADAuthenticationAsArmPolicy") or {}).get("status"), "enabled", default=True
        ),
        "retention_policy_in_days": retention.get("days") if on(retention.get("status"), "enabled") else 0,
        "georeplications*": [
            {
                "location": one["location"],
                "zone_redundancy_enabled": on(one["properties"].get("zoneRedundancy"), "enabled"),
                "regional_endpoint_enabled": one["properties"].get("regionEndpointEnabled", True),
            }
            for one in replicas
        ],
    }
    if rules:
        listed = [
            {"action": rule.get("action", "Allow"), "ip_range": rule["value"]}
            for rule in rules.get("ipRules") or []
        ]
        arguments["network_rule_set*"] = [{"default_action": rules.get("defaultAction"), "ip_rule*": listed}]
    identity = row.get("identity") or {}
    if identity.get("type") and identity["type"] != "None":
        named = list(identity.get("userAssignedIdentities") or {})
        arguments["identity*"] = [{"type": identity["type"], "identity_ids": named or None}]
    if on(encryption.get("status"), "enabled"):
        arguments["encryption*"] = [
            {"key_vault_key_id": key.get("keyIdentifier"), "identity_client_id": key.get("identity")}
        ]
    name = row["name"]
    yield block("azurerm_container_registry", name, arguments)
    rest: Json = {
        key: given[key] for key in ("autoGeneratedDomainNameLabelScope", "endpointProtocol") if key in given
    }
    if policies.get("softDeletePolicy"):
        rest["policies"] = {"softDeletePolicy": {"status": policies["softDeletePolicy"].get("status")}}
    if rest:
        yield block(
            "azapi_update_resource",
            name,
            {
                "type": f"{R}@2026-01-01-preview",
                "resource_id": Raw(f"azurerm_container_registry.{name}.id"),
                "body": {"properties": rest},
            },
        )


def child(row: Json, kind: str, number: int) -> Iterator[str]:
    """A child of a registry."""
    name, home, given = row["name"], row["id"].split("/")[8], row["properties"]
    label = f"{home}_{number}"
    where = {
        "name": name,
        "resource_group_name": row["id"].split("/")[4],
        "container_registry_name": Raw(f"azurerm_container_registry.{home}.name"),
    }
    if kind == "scopeMaps" and given.get("type") != "SystemDefined":
        yield block("azurerm_container_registry_scope_map", label, where | {"actions": given.get("actions")})
    elif kind == "tokens":
        enabled = on(given.get("status"), "enabled", default=True)
        yield block(
            "azurerm_container_registry_token",
            label,
            where | {"scope_map_id": given.get("scopeMapId"), "enabled": enabled},
        )
        passwords = {
            f"{one['name']}*": [{"expiry": one.get("expiry")}]
            for one in (given.get("credentials") or {}).get("passwords") or []
        }
        if passwords:
            token = Raw(f"azurerm_container_registry_token.{label}.id")
            yield block(
                "azurerm_container_registry_token_password",
                label,
                {"container_registry_token_id": token, **passwords},
            )
    elif kind in ("tasks", "agentPools", "cacheRules", "credentialSets", "connectedRegistries", "webhooks"):
        body = {
            "properties": {
                key: value for key, value in given.items() if key not in ("provisioningState", "creationDate")
            }
        }
        arguments = {
            "type": f"{R}/{kind}@2025-03-01-preview"
            if kind in ("tasks", "agentPools")
            else f"{R}/{kind}@2025-11-01",
            "name": name,
            "parent_id": Raw(f"azurerm_container_registry.{home}.id"),
            "location": row.get("location"),
            "body": Raw(f"jsonencode({literal(body)})") if number % 2 else body,
        }
        identity = row.get("identity") or {}
        if identity.get("type"):
            named = list(identity.get("userAssignedIdentities") or {})
            arguments["identity*"] = [{"type": identity["type"], "identity_ids": named or None}]
        yield block("azapi_resource", f"{label}_{kind.lower()}", arguments)


def extension(row: Json, kind: str, number: int) -> Iterator[str]:
    """A lock, role assignment, role definition or diagnostic setting."""
    given, name = row["properties"], row.get("name") or row["id"].rpartition("/")[2]
    scope = given.get("scope") or row["id"].partition(f"/providers/{kind}")[0]
    if kind == "Microsoft.Authorization/locks":
        yield block(
            "azurerm_management_lock",
            f"l{number}",
            {"name": name, "scope": scope, "lock_level": given["level"]},
        )
    elif kind == "Microsoft.Authorization/roleAssignments":
        arguments = {
            "name": name,
            "scope": scope,
            "role_definition_id": given["roleDefinitionId"],
            "principal_id": given["principalId"],
            "principal_type": given.get("principalType"),
            "condition": given.get("condition"),
            "condition_version": given.get("conditionVersion"),
        }
        yield block("azurerm_role_assignment", f"r{number}", arguments)
    elif kind == "Microsoft.Authorization/roleDefinitions" and given.get("type") == "CustomRole":
        blocks = [
            {
                argument: one.get(key)
                for argument, key in (("actions", "actions"), ("not_actions", "notActions"), ("data_actions", "dataActions"), ("not_data_actions", "notDataActions"))
            }
            for one in given["permissions"]
        ]  # fmt: skip
        arguments = {
            "name": given["roleName"],
            "role_definition_id": name,
            "scope": given["assignableScopes"][0],
            "permissions*": blocks,
        }
        yield block("azurerm_role_definition", f"d{number}", arguments)
    elif kind == "Microsoft.Insights/diagnosticSettings":
        logs = [
            {"category": one.get("category"), "category_group": one.get("categoryGroup")}
            for one in given.get("logs") or []
            if one["enabled"]
        ]
        arguments = {
            "name": name,
            "target_resource_id": scope,
            "log_analytics_workspace_id": given.get("workspaceId"),
            "storage_account_id": given.get("storageAccountId"),
            "eventhub_authorization_rule_id": given.get("eventHubAuthorizationRuleId"),
            "enabled_log*": logs,
        }
        yield block("azurerm_monitor_diagnostic_setting", f"s{number}", arguments)


def endpoint(row: Json, groups: list[Json], number: int) -> Iterator[str]:
    """A private endpoint with its zone group."""
    given = row["properties"]
    arguments: Json = {
        "name": row["name"],
        "resource_group_name": row["id"].split("/")[4],
        "location": row["location"],
        "subnet_id": (given.get("subnet") or {}).get("id"),
        "private_service_connection*": [
            {
                "name": one["name"],
                "private_connection_resource_id": one["properties"]["privateLinkServiceId"],
                "subresource_names": one["properties"].get("groupIds"),
                "is_manual_connection": manual,
            }
            for key, manual in (
                ("privateLinkServiceConnections", False),
                ("manualPrivateLinkServiceConnections", True),
            )
            for one in given.get(key) or []
        ],
        "private_dns_zone_group*": [
            {
                "name": one["name"],
                "private_dns_zone_ids": [
                    zone["properties"]["privateDnsZoneId"]
                    for zone in one["properties"]["privateDnsZoneConfigs"]
                ],
            }
            for one in groups
        ],
    }
    yield block("azurerm_private_endpoint", f"p{number}", arguments)


def configurations(answers: Path = HERE / "answers") -> dict[str, str]:
    """Subscription -> its `main.tf`."""
    found: dict[str, list[str]] = {}
    everything = list(rows(answers))

    def kind_of(row: Json) -> str:
        tail = row["id"].rpartition("/providers/")[2].split("/")
        return "/".join([tail[0], *tail[1::2]])

    for number, row in enumerate(everything):
        subscription = row["id"].split("/")[2] if row["id"].lower().startswith("/subscriptions/") else ""
        kind = kind_of(row)
        texts: list[str] = []
        if kind == R:
            replicas = [
                one
                for one in everything
                if kind_of(one) == f"{R}/replications" and one["id"].startswith(row["id"] + "/")
            ]
            texts += registry(row, replicas)
        elif kind.startswith(f"{R}/"):
            texts += child(row, kind.rpartition("/")[2], number)
        elif kind == "Microsoft.Network/privateEndpoints":
            groups = [one for one in everything if one["id"].startswith(row["id"] + "/privateDnsZoneGroups/")]
            texts += endpoint(row, groups, number)
        else:
            texts += extension(row, kind, number)
        if subscription and texts:
            found.setdefault(subscription, []).extend(texts)
    return {name: HEAD.format(name) + "\n" + "\n".join(dict.fromkeys(texts)) for name, texts in found.items()}


def write(folder: Path) -> None:
    """Write one folder per subscription."""
    for name, text in configurations().items():
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        (place / "main.tf").write_text(text, "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
