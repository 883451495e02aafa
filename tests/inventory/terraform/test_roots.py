"""Root modules: variables, locals, count, for_each, dynamic blocks and modules give what Terraform would make of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scanner.errors import InputError, Problems, ScopeError
from scanner.inventory.terraform.collecting import Wanted, read_terraform
from scanner.model.values import ABSENT, Alternatives, Hidden, Partial, Unknown, UnreadTail
from tests.inventory.terraform.writing import NOW, R, at, one, read, registry, rows, run, write

ADMIN = "properties.adminUserEnabled"
VARIABLE = 'variable "admin" {\n  type = bool\n}\n'


def test_a_registry_with_its_places(tmp_path):
    """Each property knows where it is written; the resource knows its head."""
    found = one(read(tmp_path, registry("admin_enabled = true")))
    assert found.id.endswith(f"/resourceGroups/rg/providers/{R}/acrone")
    assert found.type == R
    assert found.name == "acrone"
    assert found.location == "westeurope"
    assert at(found, ADMIN) is True
    place = found.places["/properties/adminUserEnabled"][0]
    assert (place.line, place.column) == (7, 3)
    assert found.places[""][0].line == 2
    assert (found.origin.source, found.origin.line) == ("terraform", 2)


def test_a_variable_without_a_value_is_one_cause(tmp_path):
    """What needs the variable is unknown, and says how to give it a value."""
    found = one(read(tmp_path, 'variable "admin" {}\n' + registry("admin_enabled = var.admin")))
    value = at(found, ADMIN)
    assert isinstance(value, Unknown)
    assert value.kind == "parameter"
    assert value.reason == "variable `admin` has no value; pass --var admin=VALUE or --var-file FILE"
    typed = one(read(tmp_path, VARIABLE + registry("admin_enabled = !var.admin")))
    assert at(typed, ADMIN) == Alternatives((False, True), value.reason, "var.admin")
    assert found.places["/properties/adminUserEnabled"][1].what == "variable"


def test_values_of_variables_in_terraforms_order(tmp_path):
    """Default, terraform.tfvars, auto files, --var-file, --var: what comes later wins, and the place says which it was."""
    files = {"main.tf": 'variable "sku" {\n  default = "A"\n}\n' + registry().replace('"Premium"', "var.sku")}
    assert at(one(read(tmp_path, files)), "sku.name") == "A"
    assert one(read(tmp_path, files)).places["/sku/name"][1].what == "variable default"
    files["terraform.tfvars"] = 'sku = "B"\n'
    assert at(one(read(tmp_path, files)), "sku.name") == "B"
    files["x.auto.tfvars"] = 'sku = "C"\n'
    found = one(read(tmp_path, files))
    assert at(found, "sku.name") == "C"
    assert (found.places["/sku/name"][1].file.rpartition("/")[2], found.places["/sku/name"][1].what) == (
        "x.auto.tfvars",
        "variable file",
    )
    files["y.auto.tfvars.json"] = '{"sku": "D"}'
    assert at(one(read(tmp_path, files)), "sku.name") == "D"
    files["prod.tfvars"] = 'sku = "E"\n'
    assert at(one(read(tmp_path, files)), "sku.name") == "D"
    assert at(one(read(tmp_path, files, var_files=("prod.tfvars",))), "sku.name") == "E"
    assert at(one(read(tmp_path, files, "sku=F", var_files=("prod.tfvars",))), "sku.name") == "F"


def test_a_file_of_values_that_is_not_used_is_told(tmp_path):
    """Values that lie beside the root but are not taken are named."""
    reading = read(
        tmp_path,
        {"main.tf": VARIABLE + registry("admin_enabled = var.admin"), "prod.tfvars": "admin = true\n"},
    )
    assert any("prod.tfvars" in note and "--var-file" in note for note in reading.inventory.diagnostics)


def test_values_are_converted_to_the_type(tmp_path):
    """A text is a boolean where the type says so; optional attributes get their defaults, whole objects too."""
    files = """
    variable "registry" {
      type = object({ admin = optional(bool, true), skus = optional(list(string), ["Basic"]), inner = optional(object({ a = optional(string, "x") }), {}) })
      default = {}
    }
    resource "azurerm_container_registry" "acr" {
      name = "acr${var.registry.inner.a}"
      resource_group_name = "rg"
      location = "westeurope"
      sku = var.registry.skus[0]
      admin_enabled = var.registry.admin
    }
    """
    found = one(read(tmp_path, files))
    assert (found.name, at(found, "sku.name"), at(found, ADMIN)) == ("acrx", "Basic", True)
    found = one(read(tmp_path, files, 'registry={admin = "false"}'))
    assert at(found, ADMIN) is False


def test_a_value_of_another_type_is_told(tmp_path):
    """A value that does not fit makes that value unknown; the rest of the resource stands."""
    reading = read(tmp_path, VARIABLE + registry("admin_enabled = var.admin"), "admin=perhaps")
    assert at(one(reading), ADMIN).kind == "error"
    assert any("variable admin: a bool is needed" in note for note in reading.inventory.diagnostics)


def test_a_variable_that_is_not_declared_is_an_error(tmp_path):
    """A misspelt --var is no silent nothing."""
    with pytest.raises(InputError, match="no root module declares the variable 'admn'"):
        read(tmp_path, VARIABLE + registry(), "admn=true")
    with pytest.raises(InputError, match="NAME=VALUE"):
        read(tmp_path, registry(), "admin")


def test_nullable_decides_whether_null_is_the_default(tmp_path):
    """null stays null, unless the variable is not nullable."""
    child = 'variable "a" {\n  default = true\n  nullable = %s\n}\n' + registry("admin_enabled = var.a")
    files = {"main.tf": 'module "m" {\n  source = "./m"\n  a = null\n}\n'}
    assert at(one(read(tmp_path, files | {"m/main.tf": child % "false"})), ADMIN) is True
    assert at(one(read(tmp_path, files | {"m/main.tf": child % "true"})), ADMIN) is False


def test_sensitive_variables_are_never_shown(tmp_path):
    """A sensitive value is there, hidden; one without a value is an unknown secret."""
    files = (
        'variable "u" {\n  sensitive = true\n  default = "hunter2"\n}\n'
        + registry()
        + """
    resource "azurerm_container_registry_webhook" "w" {
      name = "w"
      registry_name = azurerm_container_registry.acr.name
      resource_group_name = "rg"
      location = "westeurope"
      service_uri = var.u
      actions = ["push"]
      tags = { a = "x-${var.u}" }
    }
    """
    )
    reading = read(tmp_path, files)
    hook = one(reading, f"{R}/webhooks")
    assert isinstance(at(hook, "properties.serviceUri"), Hidden)
    assert "hunter2" not in repr(reading.inventory)
    assert "hunter2" not in repr([dict(row.body) for row in rows(reading, f"{R}/webhooks")])


def test_allowed_values_are_possible_values(tmp_path):
    """A validation that lists values makes the variable one of them."""
    text = 'variable "sku" {\n  validation {\n    condition = contains(["Basic", "Premium"], var.sku)\n    error_message = "no"\n  }\n}\n'
    found = one(read(tmp_path, text + registry().replace('"Premium"', "var.sku")))
    assert at(found, "sku.name") == Alternatives(
        ("Basic", "Premium"), at(found, "sku.name").reason, "var.sku"
    )
    single = text.replace('["Basic", "Premium"]', '["Premium"]')
    assert (
        at(one(read(tmp_path, single + registry().replace('"Premium"', "var.sku"))), "sku.name") == "Premium"
    )


def test_locals_and_where_they_come_from(tmp_path):
    """A local leads to the variable behind it."""
    text = VARIABLE + "locals {\n  open = !var.admin\n}\n" + registry("admin_enabled = !local.open")
    given = one(read(tmp_path, text, "admin=true"))
    assert at(given, ADMIN) is True
    assert [place.what for place in given.places["/properties/adminUserEnabled"]] == ["property", "local"]
    found = one(read(tmp_path, {"main.tf": text, "terraform.tfvars": "admin = true\n"}))
    places = found.places["/properties/adminUserEnabled"]
    assert [place.what for place in places] == ["property", "local", "variable file"]


def test_count(tmp_path):
    """One resource per index; zero is none, and that is told, not an error."""
    text = registry("count = 2\n  admin_enabled = count.index == 1").replace(
        '"acrone"', '"acr${count.index}"'
    )
    found = rows(read(tmp_path, text), R)
    assert [(row.name, at(row, ADMIN)) for row in found] == [("acr0", False), ("acr1", True)]
    assert found[0].places[""] == found[1].places[""]
    reading = read(tmp_path, registry("count = 0"))
    assert rows(reading, R) == []
    assert any("has no instances" in note for note in reading.inventory.diagnostics)
    assert not reading.errors


def test_for_each(tmp_path):
    """One resource per key, with each.key and each.value."""
    text = registry("for_each = { b = true, a = false }\n  admin_enabled = each.value").replace(
        '"acrone"', '"acr${each.key}"'
    )
    assert [(row.name, at(row, ADMIN)) for row in rows(read(tmp_path, text), R)] == [
        ("acra", False),
        ("acrb", True),
    ]
    text = registry('for_each = toset(["x", "y"])\n  admin_enabled = each.value == "y"').replace(
        '"acrone"', '"acr${each.key}"'
    )
    assert [at(row, ADMIN) for row in rows(read(tmp_path, text), R)] == [False, True]


@pytest.mark.parametrize(
    "how", ["count = var.n", "for_each = var.n", "count = length(var.n)", "for_each = toset(var.n)"]
)
def test_an_unknown_number_is_one_symbolic_resource(tmp_path, how):
    """It may exist any number of times: it is there, marked as optional."""
    found = one(read(tmp_path, 'variable "n" {}\n' + registry(how + "\n  admin_enabled = true")))
    assert "variable `n`" in found.optional
    assert at(found, ADMIN) is True


def test_a_condition_decides_whether_it_exists(tmp_path):
    """`count = var.on ? 1 : 0` with an unknown variable is one optional resource; a reference to it is a choice."""
    text = (
        'variable "on" {}\n'
        + registry("count = var.on ? 1 : 0")
        + """
    resource "azurerm_management_lock" "l" {
      count = var.on ? 1 : 0
      name = "l"
      scope = azurerm_container_registry.acr[0].id
      lock_level = "CanNotDelete"
    }
    """
    )
    reading = read(tmp_path, text)
    assert "variable `on`" in one(reading).optional
    assert one(reading, "Microsoft.Authorization/locks").id.startswith(one(reading).id + "/")
    assert one(read(tmp_path, text, "on=true")).optional == ""


def test_symbolic_resources_of_one_cause_join(tmp_path):
    """Registries and locks for each of an unknown map belong together."""
    text = (
        'variable "all" {}\n'
        + registry("for_each = var.all").replace('"acrone"', "each.key")
        + """
    resource "azurerm_management_lock" "l" {
      for_each = var.all
      name = "l"
      scope = azurerm_container_registry.acr[each.key].id
      lock_level = "CanNotDelete"
    }
    """
    )
    reading = read(tmp_path, text)
    assert one(reading, "Microsoft.Authorization/locks").id.startswith(one(reading).id + "/")


def test_dynamic_blocks_keep_every_item(tmp_path):
    """Dynamic blocks beside and inside of static ones lose nothing, last items and single ones included."""
    text = registry("""
    network_rule_set {
      default_action = "Deny"
      dynamic "ip_rule" {
        for_each = ["0.0.0.0/0"]
        content {
          action   = "Allow"
          ip_range = ip_rule.value
        }
      }
      ip_rule {
        action   = "Allow"
        ip_range = "10.0.0.1/32"
      }
    }
    dynamic "georeplications" {
      for_each = ["northeurope", "uksouth"]
      iterator = place
      content {
        location = place.value
      }
    }
    georeplications {
      location = "eastus"
    }
    """)
    reading = read(tmp_path, text)
    rules = at(one(reading), "properties.networkRuleSet.ipRules")
    assert [rule["value"] for rule in rules] == ["0.0.0.0/0", "10.0.0.1"]
    assert sorted(row.name for row in rows(reading, f"{R}/replications")) == [
        "eastus",
        "northeurope",
        "uksouth",
    ]


def test_an_unknown_dynamic_block_leaves_the_list_open(tmp_path):
    """How many rules there are is not known; those that are known stay."""
    text = 'variable "ranges" {}\n' + registry("""
    network_rule_set {
      default_action = "Deny"
      ip_rule {
        action   = "Allow"
        ip_range = "10.0.0.1"
      }
      dynamic "ip_rule" {
        for_each = var.ranges
        content {
          action   = "Allow"
          ip_range = ip_rule.value
        }
      }
    }
    """)
    rules = at(one(read(tmp_path, text)), "properties.networkRuleSet.ipRules")
    assert rules[0] == {"action": "Allow", "value": "10.0.0.1"}
    assert isinstance(rules[1], UnreadTail)
    assert "variable `ranges`" in rules[1].reason


def test_a_conditional_dynamic_block_is_one_of_two(tmp_path):
    """A block that depends on an unknown condition is there or not."""
    text = 'variable "closed" {}\n' + registry("""
    dynamic "network_rule_set" {
      for_each = var.closed ? [1] : []
      content {
        default_action = "Deny"
      }
    }
    """)
    found = at(one(read(tmp_path, text)), "properties.networkRuleSet")
    assert isinstance(found, Alternatives)
    assert found.values[0]["defaultAction"] == "Deny"
    assert found.values[1] is ABSENT


def test_local_modules_with_outputs(tmp_path):
    """Arguments go in, outputs come out, instances of a module each have their own registry; places name the argument."""
    files = {
        "main.tf": """
        module "acr" {
          source   = "./modules/acr"
          for_each = { one = true, two = false }
          name     = "acr${each.key}"
          admin    = each.value
        }
        resource "azurerm_management_lock" "l" {
          name       = "l"
          scope      = module.acr["one"].id
          lock_level = "ReadOnly"
        }
        """,
        "modules/acr/main.tf": 'variable "name" {}\nvariable "admin" {}\n'
        + registry("admin_enabled = var.admin").replace('"acrone"', "var.name")
        + 'output "id" {\n  value = azurerm_container_registry.acr.id\n}\n',
    }
    reading = read(tmp_path, files)
    found = rows(reading, R)
    assert [(row.name, at(row, ADMIN)) for row in found] == [("acrone", True), ("acrtwo", False)]
    assert one(reading, "Microsoft.Authorization/locks").id.startswith(found[0].id)
    places = found[0].places["/properties/adminUserEnabled"]
    assert [place.what for place in places] == ["property", "module argument"]
    assert places[1].file.endswith("main.tf")
    assert len(reading.inventory.parts[R.lower()]) == 2


def test_folders_that_nobody_calls_are_roots(tmp_path):
    """Every root below a folder is read; a called module is not read a second time by itself."""
    files = {
        "live/prod/main.tf": 'module "m" {\n  source = "../../lib"\n}\n',
        "live/dev/main.tf": registry().replace("acrone", "acrdev"),
        "lib/main.tf": registry().replace("acrone", "acrprod"),
        ".terraform/modules/x/main.tf": registry().replace("acrone", "acrcached"),
    }
    assert sorted(row.name for row in rows(read(tmp_path, files), R)) == ["acrdev", "acrprod"]


def test_modules_of_a_registry_are_one_unknown_each(tmp_path):
    """A module that was not fetched is not looked into: one part that was not read, which names what looks like a registry."""
    files = (
        'module "acr" {\n  source = "Azure/avm-res-containerregistry-registry/azurerm"\n  acr_name = "x"\n}\n'
    )
    files += 'module "net" {\n  source = "Azure/network/azurerm"\n}\n' + registry()
    reading = read(tmp_path, files)
    problems = run(reading, R).problems
    assert len(problems) == 1
    assert "module.acr cannot be looked into" in problems[0].reason
    assert "terraform init" in problems[0].reason
    assert any("module.net" in note for note in reading.inventory.diagnostics)
    assert one(reading).name == "acrone"


def test_modules_that_were_fetched_are_read(tmp_path):
    """What `terraform init` fetched is used."""
    manifest = {
        "Modules": [
            {"Key": "", "Source": "", "Dir": "."},
            {"Key": "acr", "Source": "r", "Dir": ".terraform/modules/acr"},
        ]
    }
    files = {
        "main.tf": 'module "acr" {\n  source = "registry.example/acr/azurerm"\n}\n',
        ".terraform/modules/modules.json": json.dumps(manifest),
        ".terraform/modules/acr/main.tf": registry(),
    }
    assert one(read(tmp_path, files)).name == "acrone"


def test_module_loops_end(tmp_path):
    """A module that calls itself is cut off and told."""
    files = {
        "main.tf": 'module "acr" {\n  source = "./m"\n}\n' + registry(),
        "m/main.tf": 'module "acr" {\n  source = "../m"\n}\n',
    }
    reading = read(tmp_path, files)
    assert any("deep" in problem.reason for problem in run(reading, R).problems)


def test_circles_are_told(tmp_path):
    """Values that refer to themselves are unknown, with a note."""
    text = "locals {\n  a = local.b\n  b = local.a\n}\n" + registry("admin_enabled = local.a")
    reading = read(tmp_path, text)
    assert at(one(reading), ADMIN).kind == "error"
    assert any("refers to itself" in note for note in reading.inventory.diagnostics)
    circle = registry("tags = azurerm_container_registry.acr.tags")
    assert one(read(tmp_path, circle)).name == "acrone"


def test_ignored_changes_are_unknown(tmp_path):
    """What Terraform no longer looks after may have changed; a single ignored tag changes nothing."""
    text = registry(
        'admin_enabled = false\n  lifecycle {\n    ignore_changes = [admin_enabled, tags["x"]]\n  }'
    )
    found = one(read(tmp_path, text))
    assert isinstance(at(found, ADMIN), Unknown)
    assert "ignore_changes" in at(found, ADMIN).reason
    everything = one(
        read(tmp_path, registry("admin_enabled = false\n  lifecycle {\n    ignore_changes = all\n  }"))
    )
    assert isinstance(at(everything, ADMIN), Unknown)
    assert everything.name == "acrone"


def test_override_files_change_what_others_say(tmp_path):
    """An override wins attribute by attribute."""
    files = {
        "main.tf": registry("admin_enabled = true"),
        "override.tf": 'resource "azurerm_container_registry" "acr" {\n  admin_enabled = false\n}\n',
    }
    found = one(read(tmp_path, files))
    assert at(found, ADMIN) is False
    assert at(found, "sku.name") == "Premium"


def test_json_syntax(tmp_path):
    """`.tf.json` files say the same as `.tf` files."""
    content = {
        "variable": {"admin": {"default": True}},
        "resource": {
            "azurerm_container_registry": {
                "acr": {
                    "name": 'acr${lower("ONE")}',
                    "resource_group_name": "rg",
                    "location": "westeurope",
                    "sku": "Premium",
                    "admin_enabled": "${var.admin}",
                    "network_rule_set": [
                        {"default_action": "Deny", "ip_rule": [{"action": "Allow", "ip_range": "10.0.0.0/8"}]}
                    ],
                    "georeplications": {"location": "northeurope"},
                }
            }
        },
    }
    reading = read(tmp_path, {"main.tf.json": json.dumps(content)})
    found = one(reading)
    assert (found.name, at(found, ADMIN)) == ("acrone", True)
    assert at(found, "properties.networkRuleSet.ipRules") == [{"action": "Allow", "value": "10.0.0.0/8"}]
    assert one(reading, f"{R}/replications").name == "northeurope"


def test_names_of_unknown_parts_join(tmp_path):
    """A registry with an unknown name is the same registry wherever that name is used."""
    text = (
        'variable "app" {}\n'
        + registry().replace('"acrone"', '"acr${var.app}"')
        + """
    resource "azurerm_container_registry_token" "t" {
      name = "t"
      container_registry_name = azurerm_container_registry.acr.name
      resource_group_name = "rg"
      scope_map_id = "${azurerm_container_registry.acr.id}/scopeMaps/m"
    }
    """
    )
    reading = read(tmp_path, text)
    assert one(reading, f"{R}/tokens").id.startswith(one(reading).id + "/tokens/")
    assert isinstance(one(reading).body["name"], Partial)
    assert at(one(reading, f"{R}/tokens"), "properties.scopeMapId") == one(reading).id + "/scopeMaps/m"


def test_a_child_of_an_unknown_registry_leaves_every_list_open(tmp_path):
    """A token whose registry is not known could belong to any of them."""
    text = (
        'variable "scope" {}\n'
        + registry()
        + """
    resource "azurerm_role_assignment" "a" {
      scope = var.scope
      role_definition_name = "AcrPush"
      principal_id = "11111111-1111-1111-1111-111111111111"
    }
    """
    )
    reading = read(tmp_path, text)
    found = run(reading, "Microsoft.Authorization/roleAssignments")
    assert found.state == "partial"
    assert "where it belongs is not known: variable `scope`" in found.problems[0].reason


def test_data_sources(tmp_path):
    """What is read from Azure is unknown; the id of a named resource is not."""
    text = (
        registry()
        + """
    data "azurerm_client_config" "c" {}
    data "azurerm_resource_group" "rg" {
      name = "rg"
    }
    resource "azurerm_management_lock" "l" {
      name = "l"
      scope = data.azurerm_resource_group.rg.id
      lock_level = "ReadOnly"
    }
    resource "azurerm_role_assignment" "a" {
      scope = "/subscriptions/${data.azurerm_client_config.c.subscription_id}/resourceGroups/rg"
      role_definition_name = "AcrPull"
      principal_id = data.azurerm_client_config.c.object_id
    }
    """
    )
    reading = read(tmp_path, text)
    group = one(reading).id.partition("/providers/")[0]
    assert one(reading, "Microsoft.Authorization/locks").id.startswith(group + "/providers/")
    assert at(one(reading, "Microsoft.Authorization/roleAssignments"), "properties.scope") == group
    assert (
        "read from Azure"
        in at(one(reading, "Microsoft.Authorization/roleAssignments"), "properties.principalId").reason
    )


def test_ids_of_the_providers_subscription(tmp_path):
    """A real id of the subscription that the provider names is an id of what is described here."""
    text = (
        'provider "azurerm" {\n  subscription_id = var.sub\n  features {}\n}\nvariable "sub" {\n  default = "1111"\n}\n'
        + registry()
        + """
    resource "azurerm_management_lock" "l" {
      name = "l"
      scope = "/subscriptions/1111/resourceGroups/rg"
      lock_level = "ReadOnly"
    }
    """
    )
    reading = read(tmp_path, text)
    lock = one(reading, "Microsoft.Authorization/locks").id
    assert one(reading).id.startswith(lock.partition("/providers/")[0] + "/")


def test_ephemeral_values_are_secrets(tmp_path):
    """Ephemeral resources are known while Terraform runs only."""
    found = one(read(tmp_path, registry("admin_enabled = ephemeral.x.y.value")))
    assert at(found, ADMIN).kind == "secret"


def test_files_of_a_module_can_be_read(tmp_path):
    """file, templatefile, fileexists and fileset read inside of the folder."""
    files = {
        "main.tf": registry("""
        admin_enabled = fileexists("${path.module}/x.txt")
        tags = {
          a = trimspace(file("x.txt"))
          b = templatefile("t.tpl", { who = "you" })
          c = join(",", fileset(path.module, "*.txt"))
          d = yamldecode(file("${path.module}/d.yaml")).k
        }
        """),
        "x.txt": "content\n",
        "t.tpl": "hello ${who}",
        "d.yaml": "k: v\n",
    }
    found = one(read(tmp_path, files))
    assert found.body["tags"] == {"a": "content", "b": "hello you", "c": "x.txt", "d": "v"}
    assert at(found, ADMIN) is True


@pytest.mark.parametrize("named", ["infra", "./infra", "infra/../infra", ""])
def test_files_of_a_module_can_be_read_from_a_relative_path(tmp_path, monkeypatch, named):
    """`path.module` leads into a module's own folder however the root was named; a bare path belongs to the root."""
    files = {
        "main.tf": 'module "m" {\n  source = "./mod"\n}\n'
        + registry("tags = { p = path.module, r = path.root }"),
        "which.txt": "root",
        "mod/main.tf": registry("""
        admin_enabled = jsondecode(file("${path.module}/cfg.json")).admin
        tags = {
          bare   = file("which.txt")
          own    = file("${path.module}/which.txt")
          root   = file("${path.root}/which.txt")
          here   = file("${path.cwd}/which.txt")
          whole  = file(abspath("${path.module}/which.txt"))
          listed = join(",", fileset(path.module, "*.json"))
          module = path.module
        }
        """).replace("acrone", "acrtwo"),
        "mod/which.txt": "module",
        "mod/cfg.json": '{"admin": true}',
    }
    write(tmp_path / "infra", files)
    monkeypatch.chdir(tmp_path if named else tmp_path / "infra")
    found = {row.name: row for row in rows(read_terraform([Path(named)], Wanted(), now=NOW), R)}
    assert at(found["acrtwo"], ADMIN) is True
    assert found["acrtwo"].body["tags"] == {
        "bare": "root",
        "own": "module",
        "root": "root",
        "here": "root",
        "whole": "module",
        "listed": "cfg.json",
        "module": "mod",
    }
    assert found["acrone"].body["tags"] == {"p": ".", "r": "."}


def test_the_workspace_is_not_guessed(tmp_path):
    """Which workspace is used is chosen when Terraform runs: what depends on it goes both ways."""
    found = one(
        read(
            tmp_path,
            registry('admin_enabled = terraform.workspace == "prod"\ntags = { w = terraform.workspace }'),
        )
    )
    assert isinstance(at(found, ADMIN), (Unknown, Alternatives))
    assert "the workspace is chosen when Terraform runs" in at(found, ADMIN).reason
    assert "the workspace is chosen when Terraform runs" in at(found, "tags.w").reason


def test_nothing_of_terraform_is_an_error(tmp_path):
    """A folder without files and a path that is not there are told."""
    with pytest.raises(Problems, match=r"holds no \.tf file"):
        read_terraform([tmp_path], Wanted(), now=NOW)
    with pytest.raises(Problems, match="no such file or folder"):
        read_terraform([tmp_path / "x"], Wanted(), now=NOW)
    with pytest.raises(ScopeError):
        read_terraform([], Wanted(), now=NOW)


def test_a_single_file_is_refused(tmp_path):
    """One file of a module says little without the others."""
    write(tmp_path, {"main.tf": registry()})
    with pytest.raises(Problems, match="Name its folder"):
        read_terraform([tmp_path / "main.tf"], Wanted(), now=NOW)


def test_what_speaks_of_registries_and_gives_nothing_is_an_error(tmp_path):
    """A mention without a resource is never clean; a data source alone is told as such."""
    with pytest.raises(Problems, match="speaks of registries"):
        read(tmp_path, 'locals {\n  a = "azurerm_container_registry"\n}\n')
    reading = read(
        tmp_path, 'data "azurerm_container_registry" "a" {\n  name = "a"\n  resource_group_name = "rg"\n}\n'
    )
    assert any("read from Azure" in note for note in reading.inventory.diagnostics)


def test_a_type_of_registries_that_is_not_known_is_an_error(tmp_path):
    """A resource of a newer provider is not skipped in silence."""
    reading = read(
        tmp_path, registry() + 'resource "azurerm_container_registry_magic" "m" {\n  name = "m"\n}\n'
    )
    assert "azurerm_container_registry_magic is not known" in str(reading.errors[0])
    assert run(reading, R).problems


def test_live_only_types_were_not_asked_for(tmp_path):
    """What exists in Azure only is not asked for; what a description leaves out is not there."""
    reading = read(tmp_path, registry())
    assert run(reading, f"{R}/usages").state == "not-asked"
    assert run(reading, f"{R}/runs").state == "not-asked"
    assert run(reading, f"{R}/tokens").state == "complete"
    assert run(reading, "Microsoft.Authorization/roleAssignments").state == "not-asked"


@pytest.mark.parametrize(
    ("lock", "counted"),
    [("var.on ? 1 : 0", True), ("var.on ? 0 : 1", False), ("1", True), ("var.other ? 1 : 0", False)],
)
def test_a_lock_counts_only_where_it_is_there_with_its_registry(tmp_path, lock, counted):
    """The same condition counts; its opposite, or another one, leaves it open whether there is a lock."""
    text = 'variable "on" {\n  type = bool\n}\nvariable "other" {\n  type = bool\n}\n' + registry(
        "count = var.on ? 1 : 0"
    )
    text += f'resource "azurerm_management_lock" "l" {{\n  count = {lock}\n  name = "l"\n  lock_level = "ReadOnly"\n'
    text += "  scope = one(azurerm_container_registry.acr[*].id)\n}\n"
    reading = read(tmp_path, text)
    locks = rows(reading, "Microsoft.Authorization/locks")
    assert (
        bool([row for row in locks if row.optional == "" and row.id.startswith(one(reading).id)]) is counted
    )
