"""One registry described in four ways: folder, plan, azapi body and the live answers give the same verdicts."""

from __future__ import annotations

import json

import pytest

from scanner import pipeline
from scanner.data import policies
from scanner.engine.evaluate import Options
from scanner.inventory import saved
from scanner.inventory.terraform.collecting import Wanted, read_terraform
from scanner.language.pack import load_pack
from tests.inventory.terraform.test_plan import change, plan, refers
from tests.inventory.terraform.writing import NOW, R, read

SUB = "/subscriptions/11111111-1111-4111-8111-111111111111"
GROUP = f"{SUB}/resourceGroups/rg"
ID = f"{GROUP}/providers/{R}/harbour"
WORKSPACE = f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/logs"
PUSH = "/providers/Microsoft.Authorization/roleDefinitions/8311e382-0749-4cb8-b61a-304f252e45ec"
PRINCIPAL = "33333333-3333-4333-8333-333333333333"

HCL = f"""
terraform {{
  required_providers {{
    azurerm = {{
      source  = "hashicorp/azurerm"
      version = "~> 4.81"
    }}
  }}
}}
variable "open" {{
  type    = bool
  default = OPEN
}}
locals {{
  ranges = var.open ? ["0.0.0.0/1"] : ["203.0.113.7/32"]
}}
resource "azurerm_container_registry" "acr" {{
  name                       = "harbour"
  resource_group_name        = "rg"
  location                   = "West Europe"
  sku                        = "Premium"
  admin_enabled              = var.open
  anonymous_pull_enabled     = false
  data_endpoint_enabled      = true
  export_policy_enabled      = true
  zone_redundancy_enabled    = true
  retention_policy_in_days   = var.open ? 0 : 14
  tags                       = {{ owner = "platform" }}
  network_rule_set {{
    default_action = "Deny"
    dynamic "ip_rule" {{
      for_each = local.ranges
      content {{
        action   = "Allow"
        ip_range = ip_rule.value
      }}
    }}
  }}
  georeplications {{
    location                  = "North Europe"
    zone_redundancy_enabled   = var.open ? false : true
    regional_endpoint_enabled = true
  }}
}}
resource "azurerm_container_registry_scope_map" "m" {{
  name                    = "ci"
  container_registry_name = azurerm_container_registry.acr.name
  resource_group_name     = "rg"
  actions                 = var.open ? ["repositories/*/content/delete"] : ["repositories/app/content/read"]
}}
resource "azurerm_container_registry_token" "t" {{
  name                    = "ci"
  container_registry_name = azurerm_container_registry.acr.name
  resource_group_name     = "rg"
  scope_map_id            = azurerm_container_registry_scope_map.m.id
}}
resource "azurerm_container_registry_token_password" "p" {{
  container_registry_token_id = azurerm_container_registry_token.t.id
  password1 {{
    expiry = var.open ? null : "2026-12-20T00:00:00Z"
  }}
}}
resource "azurerm_container_registry_webhook" "w" {{
  name                = "deploy"
  registry_name       = azurerm_container_registry.acr.name
  resource_group_name = "rg"
  location            = "West Europe"
  service_uri         = var.open ? "http://hooks.example/" : "https://hooks.example/"
  actions             = ["push"]
}}
resource "azurerm_role_assignment" "push" {{
  name                 = "22222222-2222-4222-8222-222222222222"
  scope                = azurerm_container_registry.acr.id
  role_definition_name = "AcrPush"
  principal_id         = "{PRINCIPAL}"
  principal_type       = "ServicePrincipal"
}}
resource "azurerm_management_lock" "l" {{
  count      = var.open ? 0 : 1
  name       = "keep"
  scope      = azurerm_container_registry.acr.id
  lock_level = "CanNotDelete"
}}
resource "azurerm_monitor_diagnostic_setting" "d" {{
  name                       = "audit"
  target_resource_id         = azurerm_container_registry.acr.id
  log_analytics_workspace_id = "{WORKSPACE}"
  enabled_log {{
    category_group = "audit"
  }}
}}
"""


def hcl(*, opened):
    """The configuration."""
    return HCL.replace("OPEN", json.dumps(opened))


def plan_of(*, opened):
    """The plan that Terraform would make of the configuration."""
    registry = {
        "name": "harbour", "resource_group_name": "rg", "location": "westeurope", "sku": "Premium", "admin_enabled": opened,
        "anonymous_pull_enabled": False, "data_endpoint_enabled": True, "export_policy_enabled": True, "public_network_access_enabled": True,
        "zone_redundancy_enabled": True, "retention_policy_in_days": 0 if opened else 14, "tags": {"owner": "platform"},
        "trust_policy_enabled": False, "quarantine_policy_enabled": False, "network_rule_bypass_option": "AzureServices", "encryption": [], "identity": [],
        "azuread_authentication_as_arm_policy_enabled": True, "role_assignment_mode": "LegacyRegistryPermissions", "network_rule_bypass_for_tasks_enabled": False,
        "network_rule_set": [{"default_action": "Deny", "ip_rule": [{"action": "Allow", "ip_range": "0.0.0.0/1" if opened else "203.0.113.7/32"}]}],
        "georeplications": [{"location": "northeurope", "zone_redundancy_enabled": not opened, "regional_endpoint_enabled": True, "tags": None}],
    }  # fmt: skip
    below = {"name": "ci", "container_registry_name": "harbour", "resource_group_name": "rg"}
    changes = [
        change("azurerm_container_registry", "acr", registry, {"id": True, "login_server": True}),
        change("azurerm_container_registry_scope_map", "m", below | {"actions": ["repositories/*/content/delete" if opened else "repositories/app/content/read"]}, {"id": True}),
        change("azurerm_container_registry_token", "t", below | {"enabled": True}, {"id": True, "scope_map_id": True}),
        change("azurerm_container_registry_token_password", "p", {"password1": [{"expiry": None if opened else "2026-12-20T00:00:00Z"}], "password2": []}, {"id": True, "container_registry_token_id": True, "password1": [{"value": True}]}, {"password1": [{"value": True}]}),
        change("azurerm_container_registry_webhook", "w", {"name": "deploy", "registry_name": "harbour", "resource_group_name": "rg", "location": "westeurope", "service_uri": "http://hooks.example/" if opened else "https://hooks.example/", "actions": ["push"], "status": "enabled", "scope": "", "custom_headers": None}, {"id": True}),
        change("azurerm_role_assignment", "push", {"name": "22222222-2222-4222-8222-222222222222", "role_definition_name": "AcrPush", "principal_id": PRINCIPAL, "principal_type": "ServicePrincipal"}, {"id": True, "scope": True, "role_definition_id": True}),
        change("azurerm_monitor_diagnostic_setting", "d", {"name": "audit", "log_analytics_workspace_id": WORKSPACE, "enabled_log": [{"category": None, "category_group": "audit"}], "metric": []}, {"id": True, "target_resource_id": True}),
    ]  # fmt: skip
    if not opened:
        changes.append(
            change(
                "azurerm_management_lock",
                "l",
                {"name": "keep", "lock_level": "CanNotDelete"},
                {"id": True, "scope": True},
                index=0,
            )
        )
    acr = ["azurerm_container_registry.acr.id", "azurerm_container_registry.acr"]
    root = {
        "resources": [
            refers(
                "azurerm_container_registry_token.t",
                scope_map_id=[
                    "azurerm_container_registry_scope_map.m.id",
                    "azurerm_container_registry_scope_map.m",
                ],
            ),
            refers(
                "azurerm_container_registry_token_password.p",
                container_registry_token_id=[
                    "azurerm_container_registry_token.t.id",
                    "azurerm_container_registry_token.t",
                ],
            ),
            refers("azurerm_role_assignment.push", scope=acr),
            refers("azurerm_monitor_diagnostic_setting.d", target_resource_id=acr),
            refers("azurerm_management_lock.l", scope=acr),
        ]
    }
    return plan(*changes, root=root, version="~> 4.81")


def answers(*, opened):
    """What Azure answers after the configuration was applied."""
    registry = {
        "id": ID, "name": "harbour", "type": R, "location": "westeurope", "tags": {"owner": "platform"}, "sku": {"name": "Premium", "tier": "Premium"},
        "properties": {
            "loginServer": "harbour.azurecr.io", "provisioningState": "Succeeded", "creationDate": "2026-01-01T00:00:00Z",
            "adminUserEnabled": opened, "anonymousPullEnabled": False, "dataEndpointEnabled": True, "publicNetworkAccess": "Enabled", "zoneRedundancy": "Enabled",
            "networkRuleBypassOptions": "AzureServices", "networkRuleBypassAllowedForTasks": False, "roleAssignmentMode": "LegacyRegistryPermissions",
            "networkRuleSet": {"defaultAction": "Deny", "ipRules": [{"action": "Allow", "value": "0.0.0.0/1" if opened else "203.0.113.7"}]},
            "policies": {
                "exportPolicy": {"status": "enabled"}, "quarantinePolicy": {"status": "disabled"}, "trustPolicy": {"type": "Notary", "status": "disabled"},
                "azureADAuthenticationAsArmPolicy": {"status": "enabled"}, "retentionPolicy": {"status": "disabled" if opened else "enabled", "days": 14},
                "softDeletePolicy": {"status": "disabled", "retentionDays": 7},
            },
            "encryption": {"status": "disabled"}, "privateEndpointConnections": [], "autoGeneratedDomainNameLabelScope": "Unsecure",
        },
    }  # fmt: skip
    children = {
        "replications": [{"id": f"{ID}/replications/northeurope", "name": "northeurope", "location": "northeurope", "properties": {"zoneRedundancy": "Disabled" if opened else "Enabled", "regionEndpointEnabled": True, "provisioningState": "Succeeded"}}],
        "scopeMaps": [{"id": f"{ID}/scopeMaps/ci", "name": "ci", "properties": {"type": "UserDefined", "actions": ["repositories/*/content/delete" if opened else "repositories/app/content/read"]}}],
        "tokens": [{"id": f"{ID}/tokens/ci", "name": "ci", "properties": {"scopeMapId": f"{ID}/scopeMaps/ci", "status": "enabled", "credentials": {"passwords": [{"name": "password1"} if opened else {"name": "password1", "expiry": "2026-12-20T00:00:00Z"}]}}}],
        "webhooks": [{"id": f"{ID}/webhooks/deploy", "name": "deploy", "location": "westeurope", "properties": {"status": "enabled", "scope": "", "actions": ["push"], "serviceUri": "http://hooks.example/" if opened else "https://hooks.example/", "provisioningState": "Succeeded"}}],
        **{name: [] for name in ("cacheRules", "credentialSets", "connectedRegistries", "tasks", "agentPools", "importPipelines", "exportPipelines", "privateEndpointConnections")},
    }  # fmt: skip
    level = "Microsoft.Authorization"
    assignment = {
        "scope": ID,
        "roleDefinitionId": SUB + PUSH,
        "principalId": PRINCIPAL,
        "principalType": "ServicePrincipal",
    }
    yield f"{SUB}/providers/{R}", {"value": [registry]}
    for name, found in children.items():
        yield f"{ID}/{name}", {"value": found}
    assigned = {
        "id": f"{ID}/providers/{level}/roleAssignments/22222222-2222-4222-8222-222222222222",
        "properties": assignment,
    }
    yield f"{SUB}/providers/{level}/roleAssignments", {"value": [assigned]}
    locks = (
        []
        if opened
        else [
            {
                "id": f"{ID}/providers/{level}/locks/keep",
                "name": "keep",
                "properties": {"level": "CanNotDelete"},
            }
        ]
    )
    yield f"{SUB}/providers/{level}/locks", {"value": locks}
    setting = {"workspaceId": WORKSPACE, "logs": [{"categoryGroup": "audit", "enabled": True}], "metrics": []}
    yield (
        f"{ID}/providers/Microsoft.Insights/diagnosticSettings",
        {
            "value": [
                {
                    "id": f"{ID}/providers/Microsoft.Insights/diagnosticSettings/audit",
                    "name": "audit",
                    "properties": setting,
                }
            ]
        },
    )
    yield f"{SUB}/providers/Microsoft.Network/privateEndpoints", {"value": []}


def live(folder, *, opened):
    """The inventory of these answers."""
    folder.mkdir()
    interactions = [
        {
            "request": {"method": "GET", "uri": f"https://management.azure.com{path}?api-version=2025-11-01"},
            "response": {
                "status": {"code": 200},
                "headers": {"date": ["Thu, 26 Nov 2026 00:00:00 GMT"]},
                "body": {"data": body},
            },
        }
        for path, body in answers(opened=opened)
    ]
    (folder / "answers.json").write_text(json.dumps({"interactions": interactions}), "utf-8")
    return saved.collect([folder], now=NOW)


@pytest.fixture(scope="module")
def pack():
    """The shipped pack."""
    return load_pack(policies() / "acr")


def verdicts(pack, inventory):
    """(type, name, rule) -> verdict, the rules aside whose sources exist in Azure only."""
    scan = pipeline.scan(pack, inventory, now=NOW, words="t", options=Options())
    found = {}
    for resource in scan.resources:
        if resource.type == "acrscan/templateFiles":
            continue  # A file is no part of Azure.
        for rule, letter in zip(scan.header.order[resource.type], resource.letters, strict=True):
            found[resource.type, resource.name, rule] = letter
    return found, {card.id for card in scan.header.rules if card.not_evaluated}


@pytest.mark.parametrize("opened", [True, False])
def test_folder_plan_and_live_answers_agree(tmp_path, pack, opened):
    """Every rule that a description can answer says the same of the same registry, whoever describes it."""
    real, real_out = verdicts(pack, live(tmp_path / "live", opened=opened))
    folder, folder_out = verdicts(pack, read(tmp_path / "tf", hcl(opened=opened)).inventory)
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(plan_of(opened=opened)), "utf-8")
    planned, _ = verdicts(pack, read_terraform([path], Wanted(), now=NOW).inventory)
    assert folder == planned
    webhook = (f"{R}/webhooks", "deploy", "ACR509")
    assert folder[webhook] == ("F" if opened else "P")
    unanswered = real_out | folder_out | {"ACR509"}  # Answers of Azure withhold the address of a webhook.
    compared = {key: letter for key, letter in folder.items() if key[2] not in unanswered and letter != "N"}
    assert {key: real.get(key) for key in compared} == compared
    letters = set(compared.values())
    assert {"P", "F"} <= letters
    assert "E" not in letters
    assert len(compared) > 30


def test_the_open_one_fails_what_the_closed_one_passes(tmp_path, pack):
    """The switch of the sample really changes verdicts, so that agreement means something."""
    opened, _ = verdicts(pack, read(tmp_path / "a", hcl(opened=True)).inventory)
    closed, _ = verdicts(pack, read(tmp_path / "b", hcl(opened=False)).inventory)
    changed = {key[2] for key in opened if closed.get(key, "N") == "P" and opened[key] == "F"}
    assert {"ACR101", "ACR118", "ACR120", "ACR201", "ACR505"} <= changed


def test_an_unknown_switch_decides_only_what_both_ways_agree_on(tmp_path, pack):
    """Without a value for the switch a rule passes or fails only where it does so either way."""
    either, _ = verdicts(pack, read(tmp_path / "c", HCL.replace("  default = OPEN\n", "")).inventory)
    opened, _ = verdicts(pack, read(tmp_path / "a", hcl(opened=True)).inventory)
    closed, _ = verdicts(pack, read(tmp_path / "b", hcl(opened=False)).inventory)
    for key, letter in either.items():
        if letter in "PF":
            assert {opened.get(key, letter), closed.get(key, letter)} == {letter}, key
    assert either[R, "harbour", "ACR101"] == "U"
    assert either[R, "harbour", "ACR505"] == "U"
    assert either[R, "harbour", "ACR103"] == "P"
