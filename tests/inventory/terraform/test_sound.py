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
