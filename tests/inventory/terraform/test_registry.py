"""`azurerm_container_registry` of 3.x, 4.x and 5.x: what is written, what the provider sends, and what it never manages."""

from __future__ import annotations

import pytest

from scanner.model.values import Alternatives, Unknown
from tests.inventory.terraform.writing import R, at, one, read, registry, rows

P = "properties."


def provider(version: str) -> str:
    """A constraint on the provider."""
    return f'terraform {{\n  required_providers {{\n    azurerm = {{\n      source = "hashicorp/azurerm"\n      version = "{version}"\n    }}\n  }}\n}}\n'


def test_what_the_provider_sends_for_what_nobody_wrote(tmp_path):
    """Defaults of the provider are known values; what it does not manage is absent."""
    body = one(read(tmp_path, provider("~> 4.0") + registry())).body
    assert body["properties"] == {
        "loginServer": "acrone.azurecr.io",
        "adminUserEnabled": False,
        "anonymousPullEnabled": False,
        "dataEndpointEnabled": False,
        "networkRuleBypassAllowedForTasks": False,
        "publicNetworkAccess": "Enabled",
        "zoneRedundancy": "Disabled",
        "networkRuleBypassOptions": "AzureServices",
        "roleAssignmentMode": "LegacyRegistryPermissions",
        "policies": {
            "exportPolicy": {"status": "enabled"},
            "quarantinePolicy": {"status": "disabled"},
            "azureADAuthenticationAsArmPolicy": {"status": "enabled"},
            "retentionPolicy": {"status": "disabled"},
            "trustPolicy": {"status": "disabled"},
        },
        "privateEndpointConnections": [],
    }
    assert body["sku"] == {"name": "Premium", "tier": "Premium"}
    assert body["location"] == "westeurope"


@pytest.mark.parametrize(
    ("written", "path", "wanted"),
    [
        ("admin_enabled = true", "adminUserEnabled", True),
        ('admin_enabled = "true"', "adminUserEnabled", True),
        ("public_network_access_enabled = false", "publicNetworkAccess", "Disabled"),
        ("anonymous_pull_enabled = true", "anonymousPullEnabled", True),
        ("data_endpoint_enabled = true", "dataEndpointEnabled", True),
        ("export_policy_enabled = false", "policies.exportPolicy.status", "disabled"),
        ("quarantine_policy_enabled = true", "policies.quarantinePolicy.status", "enabled"),
        ("retention_policy_in_days = 7", "policies.retentionPolicy", {"status": "enabled", "days": 7}),
        ("retention_policy_in_days = 0", "policies.retentionPolicy", {"status": "disabled"}),
        ("trust_policy_enabled = true", "policies.trustPolicy.status", "enabled"),
        (
            "azuread_authentication_as_arm_policy_enabled = false",
            "policies.azureADAuthenticationAsArmPolicy.status",
            "disabled",
        ),
        (
            'role_assignment_mode = "AbacRepositoryPermissions"',
            "roleAssignmentMode",
            "AbacRepositoryPermissions",
        ),
        ('network_rule_bypass_option = "None"', "networkRuleBypassOptions", "None"),
        ("network_rule_bypass_for_tasks_enabled = true", "networkRuleBypassAllowedForTasks", True),
        ("zone_redundancy_enabled = true", "zoneRedundancy", "Enabled"),
        ("network_rule_set {}", "networkRuleSet", {"defaultAction": "Allow", "ipRules": []}),
        ("network_rule_set = []", "networkRuleSet", None),
    ],
)
def test_arguments_of_4_x(tmp_path, written, path, wanted):
    """Each argument has its place in Azure's body."""
    found = one(read(tmp_path, provider("~> 4.81") + registry(written)))
    assert at(found, P + path) == wanted


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ("~> 3.0", "disabled"),
        ("~> 4.0", "disabled"),
        (">= 5.0", None),
        ("~> 5.2", None),
        ("3.59.0", "disabled"),
    ],
)
def test_trust_policy_is_gone_in_5_x(tmp_path, version, status):
    """5.x does not send a trust policy; versions before send what is not written as disabled."""
    found = one(read(tmp_path, provider(version) + registry()))
    assert at(found, P + "policies.trustPolicy.status") == status


def test_blocks_of_3_x(tmp_path):
    """Retention and trust are blocks, encryption has a switch of its own, subnets have rules."""
    text = provider("~> 3.0") + registry("""
    retention_policy {
      enabled = true
      days = 30
    }
    trust_policy {
      enabled = true
    }
    encryption {
      key_vault_key_id   = "https://v.vault.azure.net/keys/k"
      identity_client_id = "11111111-1111-1111-1111-111111111111"
    }
    network_rule_set {
      default_action = "Deny"
      virtual_network {
        action    = "Allow"
        subnet_id = "/subscriptions/s/subnet"
      }
    }
    """)
    found = one(read(tmp_path, text))
    assert at(found, P + "policies.retentionPolicy") == {"status": "enabled", "days": 30}
    assert at(found, P + "policies.trustPolicy.status") == "enabled"
    assert at(found, P + "encryption.status") == "disabled"
    assert at(found, P + "networkRuleSet.virtualNetworkRules")[0]["id"] == "/subscriptions/s/subnet"
    assert found.places["/properties/policies/retentionPolicy/days"][0].line > 1


def test_encryption_of_4_x_is_on_where_the_block_is(tmp_path):
    """The block alone means the customer's key; a key without a version rotates."""
    text = (
        provider("~> 4.0")
        + registry("""
    encryption {
      key_vault_key_id   = azurerm_key_vault_key.k.versionless_id
      identity_client_id = "11111111-1111-1111-1111-111111111111"
    }
    """)
        + 'resource "azurerm_key_vault_key" "k" {\n  name = "k"\n}\n'
    )
    found = one(read(tmp_path, text))
    assert at(found, P + "encryption.status") == "enabled"
    assert at(found, P + "encryption.keyVaultProperties.keyRotationEnabled") is True
    made = 'format("%s%s", azurerm_key_vault_key.k.versionless_id, VERSION)'
    for version, rotation in (('""', True), ('"/abc123"', False)):
        text_of = text.replace("azurerm_key_vault_key.k.versionless_id", made.replace("VERSION", version))
        assert (
            at(one(read(tmp_path, text_of)), P + "encryption.keyVaultProperties.keyRotationEnabled")
            is rotation
        )
    pinned = one(read(tmp_path, text.replace("versionless_id", "id")))
    assert at(pinned, P + "encryption.keyVaultProperties.keyRotationEnabled") is False


def test_identities(tmp_path):
    """Own identities are listed by their ids; the system's one is known after deployment."""
    text = (
        registry("""
    identity {
      type = "SystemAssigned, UserAssigned"
      identity_ids = [azurerm_user_assigned_identity.u.id]
    }
    """)
        + 'resource "azurerm_user_assigned_identity" "u" {\n  name = "u"\n  resource_group_name = "rg"\n  location = "westeurope"\n}\n'
    )
    found = one(read(tmp_path, text))
    (name,) = at(found, "identity.userAssignedIdentities")
    assert name.endswith("/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/u")
    assert isinstance(at(found, "identity.principalId"), Unknown)


@pytest.mark.parametrize(
    ("written", "enabled"),
    [
        ("regional_endpoint_enabled = true", True),
        ("global_endpoint_routing_enabled = true", True),
        ("", False),
        ("global_endpoint_routing_enabled = false", False),
    ],
)
def test_replicas(tmp_path, written, enabled):
    """One child per block, with its endpoint's switch under the names of all versions."""
    text = registry(
        f'georeplications {{\n    location = "North Europe"\n    zone_redundancy_enabled = true\n    {written}\n  }}'
    )
    reading = read(tmp_path, text)
    found = one(reading, f"{R}/replications")
    assert found.id == one(reading).id + "/replications/northeurope"
    assert at(found, P + "zoneRedundancy") == "Enabled"
    assert at(found, P + "regionEndpointEnabled") is enabled
    assert found.places["/location"][0].line == found.places[""][0].line + 1


def test_unknown_values_keep_their_alternatives(tmp_path):
    """A condition on a variable gives both values, with one cause for all of them."""
    text = 'variable "prod" {\n  type = bool\n}\n' + registry(
        "public_network_access_enabled = var.prod ? false : true\n  retention_policy_in_days = var.prod ? 30 : 0"
    ).replace('"Premium"', 'var.prod ? "Premium" : "Basic"')
    found = one(read(tmp_path, text))
    sku, access, days = (
        at(found, "sku.name"),
        at(found, P + "publicNetworkAccess"),
        at(found, P + "policies.retentionPolicy.status"),
    )
    assert isinstance(sku, Alternatives)
    assert (sku.values, access.values, days.values) == (
        ("Premium", "Basic"),
        ("Disabled", "Enabled"),
        ("enabled", "disabled"),
    )
    assert sku.cause == access.cause == days.cause == "var.prod"


def test_retired_arguments_are_told(tmp_path):
    """An argument that the locked version refuses is a note about the input, no finding."""
    reading = read(
        tmp_path,
        {
            "main.tf": registry("trust_policy_enabled = true"),
            ".terraform.lock.hcl": 'provider "registry.terraform.io/hashicorp/azurerm" {\n  version = "5.2.0"\n}\n',
        },
    )
    assert any("trust_policy_enabled was removed in 5.0" in note for note in reading.inventory.diagnostics)
    assert at(one(reading), P + "policies.trustPolicy.status") == "enabled"


@pytest.mark.parametrize(
    ("files", "major"),
    [
        (
            {
                ".terraform.lock.hcl": 'provider "registry.terraform.io/hashicorp/azurerm" {\n  version = "3.59.0"\n}\n'
            },
            3,
        ),
        ({"v.tf": provider(">= 3.0, < 4.0")}, 3),
        ({"v.tf": provider(">= 3.71, < 5.0.0")}, 4),
        ({"v.tf": provider("~> 3.59.1")}, 3),
        ({"v.tf": 'provider "azurerm" {\n  version = "~> 3.0"\n  features {}\n}\n'}, 3),
        ({"v.tf": registry("retention_policy {\n    days = 7\n  }").replace('"acr"', '"old"')}, 3),
        ({}, 5),
    ],
)
def test_the_version_of_the_provider(tmp_path, files, major):
    """Lock file, constraint, or what the arguments show; without any of them the newest one, which is told."""
    reading = read(tmp_path, {"main.tf": registry(), **files})
    found = next(row for row in rows(reading, R) if row.places[""][0].file.endswith("main.tf"))
    assert at(found, P + "policies.trustPolicy.status") == (None if major == 5 else "disabled")
    assert any("is assumed" in note for note in reading.inventory.diagnostics) is (not files)
    encrypted = read(
        tmp_path / "e", {"main.tf": registry('encryption {\n    key_vault_key_id = "k"\n  }'), **files}
    )
    on = next(row for row in rows(encrypted, R) if row.places[""][0].file.endswith("main.tf"))
    assert at(on, P + "encryption.status") == ("disabled" if major == 3 else "enabled")


def test_replicas_of_every_way_are_looked_at(tmp_path):
    """Where a condition decides between two places, both are possible, and the one that both ways have is certain."""
    text = 'variable "eu" {\n  type = bool\n}\n' + registry("""
    dynamic "georeplications" {
      for_each = var.eu ? ["uksouth", "northeurope"] : ["uksouth", "eastus", "westus"]
      content {
        location = georeplications.value
      }
    }
    """)
    found = {row.name: row.optional for row in rows(read(tmp_path, text), f"{R}/replications")}
    assert set(found) == {"uksouth", "northeurope", "eastus", "westus"}
    assert [name for name, optional in found.items() if not optional] == ["uksouth"]
    assert "way 1 of 2" in found["northeurope"]
    assert "way 2 of 2" in found["eastus"]
