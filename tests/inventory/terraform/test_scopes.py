"""Ids that name a subscription of Azure: they reach what is described where they mean it, and nothing passes where that is not known."""

from __future__ import annotations

import json

import pytest

from scanner import pipeline
from scanner.data import policies
from scanner.engine.evaluate import Options
from scanner.inventory.terraform.collecting import Wanted, read_terraform
from scanner.language.pack import load_pack
from tests.inventory.terraform.test_plan import VALUES, change, plan
from tests.inventory.terraform.writing import NOW, R, at, one, read, registry, rows, write

LITERAL = "/subscriptions/11111111-1111-4111-8111-111111111111"
OTHER = "/subscriptions/22222222-2222-4222-8222-222222222222"
OWNER = "ACR104"
VARIABLES = 'variable "sub" {}\nvariable "hub" {}\nvariable "group" {}\n'


def provider(subscription: str) -> str:
    """The provider with a subscription."""
    return f'provider "azurerm" {{\n  features {{}}\n  subscription_id = {subscription}\n}}\n'


def owner(scope: str, name: str = "o") -> str:
    """A machine that owns a scope."""
    return f"""
resource "azurerm_role_assignment" "{name}" {{
  scope                = "{scope}"
  role_definition_name = "Owner"
  principal_type       = "ServicePrincipal"
  principal_id         = "33333333-3333-4333-8333-333333333333"
}}
"""


@pytest.fixture(scope="module")
def pack():
    """The shipped pack."""
    return load_pack(policies() / "acr")


def verdict(pack, inventory, rule=OWNER, name="acrone"):
    """What a rule says of the registry of a name."""
    scan = pipeline.scan(pack, inventory, now=NOW, words="t", options=Options())
    found = [row for row in scan.resources if row.type == R and row.name == name]
    assert len(found) == 1
    return found[0].letters[list(scan.header.order[R]).index(rule)]


@pytest.mark.parametrize(
    "scope",
    [
        LITERAL,
        f"{LITERAL}/",
        f"{LITERAL}/resourceGroups/rg",
        f"{LITERAL}/resourcegroups/RG",
        f"{LITERAL}/resourceGroups/rg/providers/{R}/acrone",
        "/subscriptions/${var.sub}",
        "/subscriptions/${var.sub}/resourceGroups/rg",
        f"/subscriptions/${{var.sub}}/resourceGroups/rg/providers/{R}/ACROne",
    ],
)
def test_an_owner_at_a_scope_that_is_written_out_owns_the_registry(tmp_path, pack, scope):
    """Where no provider names a subscription, the only one that occurs is the one of the registry."""
    assert verdict(pack, read(tmp_path, VARIABLES + registry() + owner(scope)).inventory) == "F"


def test_a_group_that_is_not_known_is_the_same_wherever_it_is_used(tmp_path, pack):
    """The registry's group in a scope is the registry's group, also where its name has no value."""
    text = VARIABLES + registry().replace('"rg"', "var.group")
    inventory = read(
        tmp_path, text + owner("/subscriptions/${var.sub}/resourceGroups/${var.group}")
    ).inventory
    assert verdict(pack, inventory) == "F"


@pytest.mark.parametrize(
    ("given", "scope", "expected"),
    [
        ("var.sub", "/subscriptions/${var.sub}/resourceGroups/rg", "F"),
        ("var.sub", "/subscriptions/${var.hub}/resourceGroups/rg", "U"),
        ("var.sub", "/subscriptions/${var.hub}", "U"),
        ("var.sub", LITERAL, "U"),
        ("var.sub", f"{LITERAL}/resourceGroups/rg/providers/{R}/acrone", "F"),
        ("var.sub", f"{LITERAL}/resourceGroups/rg/providers/{R}/acrtwo", "P"),
        ("var.sub", f"{LITERAL}/resourceGroups/elsewhere", "P"),
        (f'"{LITERAL.rpartition("/")[2]}"', f"{LITERAL}/resourceGroups/rg", "F"),
        (f'"{LITERAL.rpartition("/")[2]}"', f"{OTHER}/resourceGroups/rg", "P"),
        (f'"{LITERAL.rpartition("/")[2]}"', "/subscriptions/${var.hub}/resourceGroups/rg", "U"),
    ],
)
def test_a_provider_that_names_its_subscription_decides(tmp_path, pack, given, scope, expected):
    """The same expression is the same subscription, another literal is another one, everything else is not known."""
    inventory = read(tmp_path, VARIABLES + provider(given) + registry() + owner(scope)).inventory
    assert verdict(pack, inventory) == expected


def test_one_of_several_subscriptions_is_not_guessed(tmp_path, pack):
    """Two subscriptions occur: whether the group of the registry is meant, is not known."""
    text = registry() + owner(f"{LITERAL}/resourceGroups/rg") + owner(f"{OTHER}/resourceGroups/x", "p")
    assert verdict(pack, read(tmp_path, text).inventory) == "U"


def test_a_group_without_a_known_name_may_be_that_of_the_registry(tmp_path, pack):
    """A scope whose group is not known leaves the list of assignments open."""
    scope = f"{LITERAL}/resourceGroups/${{var.group}}"
    assert verdict(pack, read(tmp_path, VARIABLES + registry() + owner(scope)).inventory) == "U"


def test_a_registry_with_an_id_of_its_own_keeps_it(tmp_path, pack):
    """An azapi registry below a literal group is at that group; its owner is not moved away from it."""
    text = f"""
resource "azapi_resource" "a" {{
  type      = "{R}@2023-07-01"
  name      = "acrtwo"
  parent_id = "{LITERAL}/resourceGroups/rg"
  body      = {{ properties = {{}} }}
}}
"""
    inventory = read(tmp_path, registry() + text + owner(f"{LITERAL}/resourceGroups/rg")).inventory
    assert verdict(pack, inventory, name="acrtwo") == "F"
    assert verdict(pack, inventory) == "U"


def test_an_owner_in_a_plan_owns_the_registry(tmp_path, pack):
    """A plan whose provider takes its subscription from the environment joins literal scopes as a folder does."""
    role = {
        "role_definition_name": "Owner",
        "principal_type": "ServicePrincipal",
        "principal_id": "33333333-3333-4333-8333-333333333333",
        "scope": f"{LITERAL}/resourceGroups/rg",
    }
    content = plan(
        change("azurerm_container_registry", "acr", VALUES, {"id": True}),
        change("azurerm_role_assignment", "o", role, {"id": True}),
    )
    write(tmp_path, {"plan.json": json.dumps(content)})
    assert verdict(pack, read_terraform([tmp_path / "plan.json"], Wanted(), now=NOW).inventory) == "F"


def test_locks_endpoints_and_updates_reach_a_registry_by_its_written_id(tmp_path, pack):
    """What stands at the registry's id in a literal subscription counts for it."""
    text = f"""
resource "azurerm_management_lock" "l" {{
  name       = "l"
  scope      = "{LITERAL}/resourceGroups/rg"
  lock_level = "CanNotDelete"
}}
resource "azurerm_private_endpoint" "pe" {{
  name                = "pe"
  resource_group_name = "rg"
  location            = "westeurope"
  subnet_id           = "{LITERAL}/x"
  private_service_connection {{
    name                           = "c"
    private_connection_resource_id = "{LITERAL}/resourceGroups/rg/providers/{R}/acrone"
    subresource_names              = ["registry"]
    is_manual_connection           = false
  }}
}}
resource "azapi_update_resource" "u" {{
  type        = "{R}@2023-07-01"
  resource_id = "{LITERAL}/resourceGroups/rg/providers/{R}/acrone"
  body        = {{ properties = {{ adminUserEnabled = true }} }}
}}
"""
    reading = read(tmp_path, registry() + text)
    found = one(reading)
    assert at(found, "properties.adminUserEnabled") is True
    assert len(found.body["properties"]["privateEndpointConnections"]) == 1
    assert rows(reading, "Microsoft.Authorization/locks")[0].id.startswith(
        found.id.partition("/providers/")[0]
    )
    assert verdict(pack, reading.inventory, "ACR505") == "P"


BY_ENV = """
variable "env" {
  type = string
  validation {
    condition     = contains(["dev", "prod"], var.env)
    error_message = "x"
  }
}
"""


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ('"rg"', '"rg-${var.env}"', "acrone"),
        ('"acrone"', '"acr${var.env}"', "[acrdev|acrprod]"),
        ('"acrone"', 'var.env == "prod" ? "acrprod" : "acrdev"', "[acrdev|acrprod]"),
    ],
)
def test_a_registry_with_several_names_is_one_that_gates(tmp_path, pack, old, new, name):
    """Whichever name it gets, the registry is there: it is one resource, it is not optional, and what is below it joins."""
    text = """
resource "azurerm_container_registry_scope_map" "m" {
  name                    = "m"
  container_registry_name = azurerm_container_registry.acr.name
  resource_group_name     = azurerm_container_registry.acr.resource_group_name
  actions                 = ["repositories/app/content/read"]
}
resource "azurerm_container_registry_token" "t" {
  name                    = "t"
  container_registry_name = azurerm_container_registry.acr.name
  resource_group_name     = azurerm_container_registry.acr.resource_group_name
  scope_map_id            = azurerm_container_registry_scope_map.m.id
}
resource "azurerm_container_registry_token_password" "p" {
  container_registry_token_id = azurerm_container_registry_token.t.id
  password1 {}
}
resource "azurerm_management_lock" "l" {
  name       = "l"
  scope      = azurerm_container_registry.acr.id
  lock_level = "CanNotDelete"
}
"""
    text += registry("admin_enabled = true").replace(old, new)
    reading = read(tmp_path, BY_ENV + text + owner("${azurerm_container_registry.acr.id}"))
    found = one(reading)
    assert (found.name, found.optional) == (name, "")
    token = one(reading, f"{R}/tokens")
    assert token.id == f"{found.id}/tokens/t"
    assert (
        at(token, "properties.scopeMapId") == one(reading, f"{R}/scopeMaps").id == f"{found.id}/scopeMaps/m"
    )
    assert len(at(token, "properties.credentials.passwords")) == 1
    assert at(token, "properties.credentials.passwords.0.name") == "password1"
    rules = ("ACR101", OWNER, "ACR505")
    assert [verdict(pack, reading.inventory, rule, name) for rule in rules] == ["F", "F", "P"]


def test_a_child_with_several_names_is_one(tmp_path):
    """A webhook whose own name depends on the environment is there in any case."""
    text = """
resource "azurerm_container_registry_webhook" "w" {
  name                = "hook${var.env}"
  registry_name       = azurerm_container_registry.acr.name
  resource_group_name = "rg"
  location            = "westeurope"
  service_uri         = "https://hooks.example/x"
  actions             = ["push"]
}
"""
    found = one(read(tmp_path, BY_ENV + registry() + text), f"{R}/webhooks")
    assert (found.name, found.optional) == ("[hookdev|hookprod]", "")


@pytest.mark.parametrize("subscription", [LITERAL, "${data.azurerm_subscription.s.id}"])
@pytest.mark.parametrize(("scope", "expected"), [("rg-prod", "U"), ("rg-test", "F")])
def test_what_lies_at_one_of_the_ways_leaves_the_list_open(tmp_path, pack, subscription, scope, expected):
    """A lock at one of the groups in which a registry may be neither counts nor is it absent."""
    text = f"""
data "azurerm_subscription" "s" {{}}
resource "azurerm_management_lock" "l" {{
  name       = "l"
  scope      = "{subscription}/resourceGroups/{scope}"
  lock_level = "CanNotDelete"
}}
"""
    text += registry().replace('"acr"', '"two"').replace("acrone", "acrtwo")
    inventory = read(tmp_path, BY_ENV + registry().replace('"rg"', '"rg-${var.env}"') + text).inventory
    assert verdict(pack, inventory, "ACR505") == expected
    assert verdict(pack, inventory, "ACR505", "acrtwo") == "F"  # It lies elsewhere.


def test_a_child_that_belongs_to_one_of_two_registries_stays_at_each(tmp_path):
    """Which of two registries gets the token is not known: it may be at each, and is certain at none."""
    text = """
variable "first" {
  type = bool
}
resource "azurerm_container_registry_token" "t" {
  name                    = "t"
  container_registry_name = var.first ? azurerm_container_registry.acr.name : azurerm_container_registry.two.name
  resource_group_name     = "rg"
  scope_map_id            = "x"
}
"""
    two = registry() + registry().replace('"acr"', '"two"').replace("acrone", "acrtwo")
    found = rows(read(tmp_path, text + two), f"{R}/tokens")
    assert len(found) == 2
    assert all(row.optional for row in found)


@pytest.mark.parametrize(("second", "lock"), [("env", "P"), ("unit", "U")])
def test_a_group_and_a_name_by_the_environment_go_together(tmp_path, pack, second, lock):
    """One variable in both makes two ways, not four: a lock at the group counts. By two variables the endpoint still joins."""
    text = """
resource "azurerm_resource_group" "g" {
  name     = "rg-${var.env}"
  location = "westeurope"
}
resource "azurerm_management_lock" "l" {
  name       = "l"
  scope      = azurerm_resource_group.g.id
  lock_level = "CanNotDelete"
}
resource "azurerm_private_endpoint" "pe" {
  name                = "pe"
  resource_group_name = azurerm_resource_group.g.name
  location            = "westeurope"
  subnet_id           = "x"
  private_service_connection {
    name                           = "c"
    private_connection_resource_id = azurerm_container_registry.acr.id
    subresource_names              = ["registry"]
    is_manual_connection           = false
  }
}
"""
    text += (
        registry().replace('"rg"', "azurerm_resource_group.g.name").replace("acrone", f"acr${{var.{second}}}")
    )
    reading = read(tmp_path, BY_ENV + BY_ENV.replace('"env"', '"unit"').replace("var.env", "var.unit") + text)
    found = one(reading)
    assert found.id.endswith(f"/[rg-dev|rg-prod]/providers/{R}/[acrdev|acrprod]")
    kept = found.body["properties"]["privateEndpointConnections"]
    assert [row["name"] for row in kept] == ["pe"]
    assert verdict(pack, reading.inventory, "ACR505", found.name) == lock
