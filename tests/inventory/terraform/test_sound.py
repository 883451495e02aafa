"""What is decided without values holds for every value: random configurations, each read open and with all values given."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner import pipeline
from scanner.data import policies
from scanner.engine.evaluate import Options
from scanner.language.pack import load_pack
from scanner.language.tailor import select
from tests.inventory.terraform.writing import NOW, R, read

NAMES = ("a", "b")
RULES = (
    "ACR101",
    "ACR103",
    "ACR201",
    "ACR205",
    "ACR208",
    "ACR210",
    "ACR306",
    "ACR309",
    "ACR405",
    "ACR505",
    "ACR504",
    "ACR502",
)

FLAGS = st.recursive(
    st.sampled_from(
        ["true", "false", *(f"var.{name}" for name in NAMES), *(f"!var.{name}" for name in NAMES)]
    ),
    lambda inner: st.one_of(
        st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]} ? {parts[1]} : {parts[2]})"),
        st.tuples(inner, st.sampled_from(["&&", "||", "==", "!="]), inner).map(
            lambda parts: f"({' '.join(parts)})"
        ),
        inner.map(lambda one: f"try({one}, false)"),
        inner.map(lambda one: f"alltrue([{one}, true])"),
        inner.map(lambda one: f"contains([{one}], true)"),
        inner.map(lambda one: f'tobool("${{{one}}}")'),
        inner.map(lambda one: f'lookup({{ k = {one} }}, "k", true)'),
        inner.map(lambda one: f"[for x in [{one}] : x][0]"),
        inner.map(lambda one: f"coalesce({one}, false)"),
    ),
    max_leaves=4,
)


@st.composite
def configurations(draw):
    """A registry whose arguments, blocks, lock and logs depend on two variables."""
    flag = lambda: draw(FLAGS)  # noqa: E731
    return f"""
variable "a" {{
  type = bool
}}
variable "b" {{
  type = bool
}}
locals {{
  middle = {flag()}
}}
resource "azurerm_container_registry" "acr" {{
  name                          = "acrone"
  resource_group_name           = "rg"
  location                      = "westeurope"
  sku                           = {flag()} ? "Premium" : "Standard"
  admin_enabled                 = {flag()}
  anonymous_pull_enabled        = local.middle
  public_network_access_enabled = {flag()}
  data_endpoint_enabled         = {flag()}
  export_policy_enabled         = {flag()}
  quarantine_policy_enabled     = {flag()}
  retention_policy_in_days      = {flag()} ? 7 : 0
  dynamic "network_rule_set" {{
    for_each = {flag()} ? [1] : []
    content {{
      default_action = {flag()} ? "Deny" : "Allow"
      dynamic "ip_rule" {{
        for_each = toset({flag()} ? ["0.0.0.0/0"] : ["10.0.0.1"])
        content {{
          action   = "Allow"
          ip_range = ip_rule.value
        }}
      }}
    }}
  }}
}}
resource "azurerm_management_lock" "l" {{
  count      = {flag()} ? 1 : 0
  name       = "l"
  scope      = azurerm_container_registry.acr.id
  lock_level = {flag()} ? "CanNotDelete" : "ReadOnly"
}}
resource "azurerm_monitor_diagnostic_setting" "d" {{
  name                       = "d"
  target_resource_id         = azurerm_container_registry.acr.id
  log_analytics_workspace_id = {flag()} ? "/subscriptions/s/w" : null
  enabled_log {{
    category_group = {flag()} ? "audit" : "other"
  }}
}}
"""


@pytest.fixture(scope="module")
def pack():
    """The rules that such a registry can fail."""
    return select(load_pack(policies() / "acr"), RULES, ())


@pytest.fixture(scope="module")
def all_rules():
    """The shipped pack."""
    return load_pack(policies() / "acr")


def verdicts(pack, text, *values):
    """Rule -> letter of the registry."""
    with tempfile.TemporaryDirectory() as folder:
        inventory = read(Path(folder), text, *values).inventory
    scan = pipeline.scan(pack, inventory, now=NOW, words="t", options=Options(check_every=1))
    (line,) = [one for one in scan.resources if one.type == R]
    return dict(zip(scan.header.order[R], line.letters, strict=True))


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(text=configurations())
def test_an_open_verdict_is_never_wrong(pack, text):
    """Pass, fail and not applicable without values are pass, fail and not applicable with any values; none is an error."""
    opened = verdicts(pack, text)
    closed = [
        verdicts(pack, text, *(f"{name}={value}" for name, value in zip(NAMES, values, strict=True)))
        for values in itertools.product(("true", "false"), repeat=len(NAMES))
    ]
    for rule, letter in opened.items():
        assert letter != "E", rule
        if letter in "PFN":
            assert {one[rule] for one in closed} == {letter}, (rule, letter, [one[rule] for one in closed])
    assert all(letter in "PFNM" for one in closed for letter in one.values())


@st.composite
def modules(draw):
    """Registries of a module that is called any number of times, with tokens, roles and locks that may not exist."""
    flag = lambda: draw(FLAGS)  # noqa: E731
    main = f"""
variable "a" {{
  type = bool
}}
variable "b" {{
  type = bool
}}
locals {{
  middle = {flag()}
  names  = {flag()} ? ["one"] : ["one", "two"]
  kinds  = {{ one = {flag()}, two = {flag()} }}
}}
module "acr" {{
  source   = "./acr"
  for_each = toset(local.names)
  name     = "acr${{each.key}}"
  admin    = local.kinds[each.key]
  options  = {{ anonymous = {flag()}, lock = {flag()} ? {{ level = "ReadOnly" }} : null }}
  ranges   = concat({flag()} ? ["0.0.0.0/0"] : [], ["10.0.0.1"])
}}
resource "azurerm_role_assignment" "r" {{
  count                = {flag()} ? 1 : 0
  scope                = try(module.acr["two"].id, module.acr["one"].id)
  role_definition_name = {flag()} ? "AcrPush" : "AcrPull"
  principal_id         = "11111111-1111-4111-8111-111111111111"
  principal_type       = "ServicePrincipal"
}}
"""
    inner = f"""
variable "name" {{
  type = string
}}
variable "admin" {{
  type = bool
}}
variable "options" {{
  type = object({{ anonymous = optional(bool, false), lock = optional(object({{ level = string }})) }})
}}
variable "ranges" {{
  type = list(string)
}}
resource "azurerm_container_registry" "this" {{
  count                  = {draw(st.sampled_from(["1", "var.admin ? 1 : 2"]))}
  name                   = "${{var.name}}${{count.index}}"
  resource_group_name    = "rg"
  location               = "westeurope"
  sku                    = "Premium"
  admin_enabled          = var.admin
  anonymous_pull_enabled = try(var.options.anonymous, true)
  dynamic "network_rule_set" {{
    for_each = length(var.ranges) > 1 || var.admin ? [1] : []
    content {{
      default_action = "Deny"
      dynamic "ip_rule" {{
        for_each = var.ranges
        content {{
          action   = "Allow"
          ip_range = ip_rule.value
        }}
      }}
    }}
  }}
}}
resource "azurerm_management_lock" "l" {{
  count      = var.options.lock == null ? 0 : 1
  name       = "l"
  scope      = azurerm_container_registry.this[0].id
  lock_level = try(var.options.lock.level, "CanNotDelete")
}}
resource "azurerm_container_registry_token" "t" {{
  for_each                = {{ for k, v in {{ x = var.admin, y = true }} : k => v if v }}
  name                    = each.key
  container_registry_name = azurerm_container_registry.this[0].name
  resource_group_name     = "rg"
  scope_map_id            = "${{azurerm_container_registry.this[0].id}}/scopeMaps/_repositories_admin"
  enabled                 = each.value
}}
output "id" {{
  value = azurerm_container_registry.this[0].id
}}
"""
    return {"main.tf": main, "acr/main.tf": inner}


def lines(pack, files, *values):
    """(type, id, rule) -> letter of everything that is described, but for rules that were not asked."""
    with tempfile.TemporaryDirectory() as folder:
        inventory = read(Path(folder), files, *values).inventory
    scan = pipeline.scan(pack, inventory, now=NOW, words="t", options=Options(check_every=1))
    not_asked = {card.id for card in scan.header.rules if card.not_evaluated}
    return {
        (one.type, one.id.partition("/resourceGroups/")[2], rule): letter
        for one in scan.resources
        if one.type != "acrscan/templateFiles"
        for rule, letter in zip(scan.header.order[one.type], one.letters, strict=True)
        if rule not in not_asked
    }


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(files=modules())
def test_an_open_verdict_of_modules_is_never_wrong(all_rules, files):
    """With any values every resource that exists was foreseen, and what was decided of it holds."""
    opened = lines(all_rules, files)
    for values in itertools.product(("true", "false"), repeat=len(NAMES)):
        closed = lines(
            all_rules, files, *(f"{name}={value}" for name, value in zip(NAMES, values, strict=True))
        )
        symbolic = {kind for kind, name, _ in opened if "%7B" in name}
        missing = {key[:2] for key in closed} - {key[:2] for key in opened}
        assert {kind for kind, _ in missing} <= symbolic
        for key, letter in closed.items():
            assert opened.get(key, letter) in (letter, "U"), (key, opened[key], letter, values)


def test_what_all_values_agree_on_is_decided(pack):
    """Two variables of which one decides nothing leave nothing open."""
    text = (
        'variable "a" {\n  type = bool\n}\n'
        """
resource "azurerm_container_registry" "acr" {
  name                   = "acrone"
  resource_group_name    = "rg"
  location               = "westeurope"
  sku                    = var.a ? "Premium" : "Standard"
  admin_enabled          = var.a || !var.a
  anonymous_pull_enabled = var.a && !var.a
}
"""
    )
    found = verdicts(pack, text)
    assert (found["ACR101"], found["ACR103"]) == ("F", "P")
