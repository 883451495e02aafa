"""Everything around a registry: children, tasks, roles, locks, endpoints, logs, and bodies of azapi."""

from __future__ import annotations

import pytest

from scanner.model.values import Alternatives, Hidden, Partial, Unknown, UnreadTail
from tests.inventory.terraform.writing import R, at, one, read, registry, rows, run

P = "properties."
CHILD = '  container_registry_name = azurerm_container_registry.acr.name\n  resource_group_name = "rg"\n'
A = "Microsoft.Authorization"


def block(kind: str, body: str, name: str = "x") -> str:
    """A resource."""
    return f'resource "{kind}" "{name}" {{\n{body}\n}}\n'


TOKEN = block(
    "azurerm_container_registry_token",
    f'  name = "ci"\n{CHILD}  scope_map_id = azurerm_container_registry_scope_map.x.id',
)
MAP = block(
    "azurerm_container_registry_scope_map",
    f'  name = "m"\n{CHILD}  actions = ["repositories/app/content/read"]',
)


WITHHELD = "the rest of the address is withheld"
HOOK = """
resource "azurerm_container_registry_webhook" "w" {
  name                = "w"
  registry_name       = azurerm_container_registry.acr.name
  resource_group_name = "rg"
  location            = "westeurope"
  service_uri         = ADDRESS
  actions             = ["push"]
}
"""


def test_scope_maps_and_tokens(tmp_path):
    """A token belongs to its registry and names its map; without generated passwords it has none."""
    reading = read(tmp_path, registry() + MAP + TOKEN)
    token, scope_map = one(reading, f"{R}/tokens"), one(reading, f"{R}/scopeMaps")
    assert at(token, P + "scopeMapId") == scope_map.id
    assert at(token, P + "status") == "enabled"
    assert at(token, P + "credentials") is None
    assert at(scope_map, P + "actions") == ["repositories/app/content/read"]


def test_passwords_of_tokens(tmp_path):
    """A password without an expiry never expires; one with an expiry has it; both know their places."""
    text = (
        registry()
        + MAP
        + TOKEN
        + block(
            "azurerm_container_registry_token_password",
            '  container_registry_token_id = azurerm_container_registry_token.x.id\n  password1 {\n    expiry = "2027-01-01T00:00:00Z"\n  }\n  password2 {}',
        )
    )
    found = one(read(tmp_path, text), f"{R}/tokens")
    assert at(found, P + "credentials.passwords") == [
        {"name": "password1", "expiry": "2027-01-01T00:00:00Z"},
        {"name": "password2"},
    ]
    assert found.places["/properties/credentials/passwords/0/expiry"][0].line > found.places[""][0].line
    optional = text.replace('_password" "x" {', '_password" "x" {\n  count = var.n') + 'variable "n" {}\n'
    (tail,) = at(one(read(tmp_path, optional), f"{R}/tokens"), P + "credentials.passwords")
    assert isinstance(tail, UnreadTail)


def test_webhooks(tmp_path):
    """Address and headers, secrets among them hidden."""
    body = '  name = "w"\n  registry_name = azurerm_container_registry.acr.name\n  resource_group_name = "rg"\n  location = "westeurope"\n'
    body += '  service_uri = "http://a.example/"\n  actions = ["push"]\n  custom_headers = { Authorization = "Basic c2VjcmV0c2VjcmV0" }'
    found = one(
        read(tmp_path, registry() + block("azurerm_container_registry_webhook", body)), f"{R}/webhooks"
    )
    assert at(found, P + "actions") == ["push"]
    assert (at(found, P + "status"), at(found, P + "scope")) == ("enabled", "")
    assert "c2VjcmV0" not in repr(found.body)


def test_cache_rules_and_credential_sets(tmp_path):
    """Both lie below the registry whose id they name."""
    text = registry() + block(
        "azurerm_container_registry_credential_set",
        '  name = "c"\n  container_registry_id = azurerm_container_registry.acr.id\n  login_server = "docker.io"\n  identity {\n    type = "SystemAssigned"\n  }\n  authentication_credentials {\n    username_secret_id = "https://v/secrets/u"\n    password_secret_id = "https://v/secrets/p"\n  }',
    ) + block(
        "azurerm_container_registry_cache_rule",
        '  name = "r"\n  container_registry_id = azurerm_container_registry.acr.id\n  source_repo = "docker.io/library/nginx"\n  target_repo = "nginx"\n  credential_set_id = azurerm_container_registry_credential_set.x.id',
    )  # fmt: skip
    reading = read(tmp_path, text)
    rule, login = one(reading, f"{R}/cacheRules"), one(reading, f"{R}/credentialSets")
    assert at(rule, P + "credentialSetResourceId") == login.id
    assert at(login, P + "authCredentials.0.name") == "Credential1"
    assert rule.id.startswith(one(reading).id)


TASK = """
  name = "t"
  container_registry_id = azurerm_container_registry.acr.id
  platform {
    os = "Linux"
  }
  docker_step {
    dockerfile_path      = "Dockerfile"
    context_path         = "https://github.com/a/b"
    context_access_token = "ghp_realsecretvalue"
    image_names          = ["a:{{.Run.ID}}"]
    arguments            = { A = "1" }
    secret_arguments     = { B = "topsecret" }
  }
  source_trigger {
    name           = "s"
    events         = ["commit"]
    repository_url = "https://github.com/a/b"
    source_type    = "Github"
    authentication {
      token      = "ghp_othersecret"
      token_type = "PAT"
    }
  }
  timer_trigger {
    name     = "n"
    schedule = "0 1 * * *"
  }
  base_image_trigger {
    name = "b"
    type = "Runtime"
  }
  registry_credential {
    custom {
      login_server = "other.azurecr.io"
      username     = "u"
      password     = "hunter2"
    }
  }
"""


def test_tasks(tmp_path):
    """Step, triggers and credentials in the API's shape; every secret is hidden, none is lost."""
    found = one(read(tmp_path, registry() + block("azurerm_container_registry_task", TASK)), f"{R}/tasks")
    step = at(found, P + "step")
    assert (step["type"], step["dockerFilePath"], step["isPushEnabled"], step["noCache"]) == (
        "Docker",
        "Dockerfile",
        True,
        False,
    )
    assert isinstance(step["contextAccessToken"], Hidden)
    assert step["arguments"][0] == {"name": "A", "value": "1", "isSecret": False}
    assert isinstance(step["arguments"][1]["value"], Hidden)
    assert isinstance(
        at(found, P + "trigger.sourceTriggers.0.sourceRepository.sourceControlAuthProperties.token"), Hidden
    )
    assert at(found, P + "trigger.timerTriggers.0.status") == "Enabled"
    assert at(found, P + "trigger.baseImageTrigger.status") == "Enabled"
    custom = at(found, P + "credentials.customRegistries")["other.azurecr.io"]
    assert custom["password"]["type"] == "Opaque"
    assert found.api_version == "2019-06-01-preview"
    for secret in ("realsecret", "topsecret", "othersecret", "hunter2"):
        assert secret not in repr(found.body)
    assert found.places["/properties/step/contextAccessToken"][0].line > 10


@pytest.mark.parametrize(
    ("step", "kind", "key"),
    [
        (
            'file_step {\n    task_file_path = "t.yaml"\n    values = { A = "1" }\n  }',
            "FileTask",
            "taskFilePath",
        ),
        ('encoded_step {\n    task_content = "dmVy"\n  }', "EncodedTask", "encodedTaskContent"),
    ],
)
def test_steps_of_tasks(tmp_path, step, kind, key):
    """The other kinds of steps."""
    body = '  name = "t"\n  container_registry_id = azurerm_container_registry.acr.id\n  ' + step
    found = one(read(tmp_path, registry() + block("azurerm_container_registry_task", body)), f"{R}/tasks")
    assert at(found, P + "step.type") == kind
    assert at(found, f"{P}step.{key}")


def test_agent_pools_and_connected_registries(tmp_path):
    """Defaults of the provider, and notifications in Azure's form."""
    text = (
        registry()
        + block(
            "azurerm_container_registry_agent_pool",
            f'  name = "p"\n  location = "westeurope"\n{CHILD}  virtual_network_subnet_id = "/subscriptions/s/x"',
        )
        + block(
            "azurerm_container_connected_registry",
            '  name = "c"\n  container_registry_id = azurerm_container_registry.acr.id\n  sync_token_id = "/t"\n  notification {\n    name = "hello"\n    tag = "latest"\n    action = "*"\n  }',
        )
    )
    reading = read(tmp_path, text)
    pool, connected = one(reading, f"{R}/agentPools"), one(reading, f"{R}/connectedRegistries")
    assert (at(pool, P + "count"), at(pool, P + "tier"), at(pool, P + "os")) == (1, "S1", "Linux")
    assert at(connected, P + "mode") == "ReadWrite"
    assert at(connected, P + "notificationsList") == ["hello:latest:*"]


PUSH = "8311e382-0749-4cb8-b61a-304f252e45ec"


@pytest.mark.parametrize(
    ("role", "name"),
    [
        ('role_definition_name = "AcrPush"', PUSH),
        (f'role_definition_id = "/subscriptions/s/providers/{A}/roleDefinitions/{PUSH}"', PUSH),
        ("role_definition_id = data.azurerm_role_definition.d.id", PUSH),
        ("role_definition_id = azurerm_role_definition.own.role_definition_resource_id", "own"),
        ('role_definition_name = "own"', "own"),
    ],
)
def test_role_assignments(tmp_path, role, name):
    """A role by name, id, data source or definition of one's own; the kind of principal from its reference."""
    text = registry() + block(
        "azurerm_role_assignment",
        f"  scope = azurerm_container_registry.acr.id\n  {role}\n  principal_id = azuread_group.g.object_id",
    )
    text += 'data "azurerm_role_definition" "d" {\n  name = "AcrPush"\n}\n' + block(
        "azuread_group", '  display_name = "g"', "g"
    )
    text += block(
        "azurerm_role_definition",
        '  name = "own"\n  scope = azurerm_container_registry.acr.id\n  permissions {\n    actions = ["*"]\n  }',
        "own",
    )
    reading = read(tmp_path, text)
    found = one(reading, f"{A}/roleAssignments")
    assert at(found, P + "roleDefinitionId").rpartition("/")[2] == name
    assert at(found, P + "scope") == one(reading).id
    assert at(found, P + "principalType") == "Group"
    assert isinstance(at(found, P + "principalId"), Unknown)
    own = one(reading, f"{A}/roleDefinitions")
    assert at(own, P + "permissions") == [
        {"actions": ["*"], "notActions": [], "dataActions": [], "notDataActions": []}
    ]


def test_a_scope_that_is_one_of_two(tmp_path):
    """An assignment at one of two registries is possible at each of them."""
    text = (
        'variable "a" {\n  type = bool\n}\n'
        + registry()
        + registry().replace('"acr"', '"two"').replace("acrone", "acrtwo")
    )
    text += block(
        "azurerm_role_assignment",
        '  scope = var.a ? azurerm_container_registry.acr.id : azurerm_container_registry.two.id\n  role_definition_name = "AcrPush"\n  principal_id = "p"',
    )
    reading = read(tmp_path, text)
    assert rows(reading, f"{A}/roleAssignments") == []
    problems = run(reading, f"{A}/roleAssignments").problems
    assert sorted(problem.scope for problem in problems) == sorted(row.id for row in rows(reading, R))
    assert all("variable `a`" in problem.reason for problem in problems)


def test_locks_and_policies_and_plans(tmp_path):
    """Locks at the group, a policy assignment with its parameters, a Defender plan."""
    text = (
        registry()
        + 'data "azurerm_subscription" "s" {}\n'
        + block(
            "azurerm_management_lock",
            '  name = "l"\n  scope = data.azurerm_subscription.s.id\n  lock_level = "CanNotDelete"',
        )
        + block(
            "azurerm_resource_group_policy_assignment",
            '  name = "p"\n  resource_group_id = "${data.azurerm_subscription.s.id}/resourceGroups/rg"\n  policy_definition_id = "/providers/Microsoft.Authorization/policyDefinitions/dc921057-6b28-4fbe-9b83-f7bec05db6c2"\n  enforce = false\n  parameters = jsonencode({ effect = { value = "Deny" } })',
        )
        + block(
            "azurerm_security_center_subscription_pricing",
            '  tier = "Standard"\n  resource_type = "Containers"',
        )
    )
    reading = read(tmp_path, text)
    assert (
        one(reading, f"{A}/locks").id.partition("/providers/")[0]
        == one(reading).id.partition("/resourceGroups/")[0]
    )
    policy = one(reading, f"{A}/policyAssignments")
    assert (at(policy, P + "enforcementMode"), at(policy, P + "parameters.effect.value")) == (
        "DoNotEnforce",
        "Deny",
    )
    assert one(reading, "Microsoft.Security/pricings").name == "Containers"


ENDPOINT = """
  name = "pe"
  resource_group_name = "rg"
  location = "westeurope"
  subnet_id = "/subscriptions/s/subnets/x"
  private_service_connection {
    name = "c"
    private_connection_resource_id = azurerm_container_registry.acr.id
    subresource_names = ["registry"]
    is_manual_connection = MANUAL
  }
  private_dns_zone_group {
    name = "z"
    private_dns_zone_ids = [azurerm_private_dns_zone.z.id]
  }
"""


@pytest.mark.parametrize(("manual", "status"), [("false", "Approved"), ("true", "Pending")])
def test_private_endpoints(tmp_path, manual, status):
    """An endpoint makes a connection of its registry: approved where it needs no approval, pending where it does."""
    text = (
        registry()
        + block("azurerm_private_endpoint", ENDPOINT.replace("MANUAL", manual))
        + block(
            "azurerm_private_dns_zone", '  name = "privatelink.azurecr.io"\n  resource_group_name = "rg"', "z"
        )
    )
    reading = read(tmp_path, text)
    endpoint = one(reading, "Microsoft.Network/privateEndpoints")
    (connection,) = at(one(reading), P + "privateEndpointConnections")
    assert connection["properties"]["privateEndpoint"]["id"] == endpoint.id
    assert connection["properties"]["privateLinkServiceConnectionState"]["status"] == status
    group = one(reading, "Microsoft.Network/privateEndpoints/privateDnsZoneGroups")
    assert group.id == endpoint.id + "/privateDnsZoneGroups/z"
    assert at(group, P + "privateDnsZoneConfigs.0.properties.privateDnsZoneId").endswith(
        "privateDnsZones/privatelink.azurecr.io"
    )


def test_an_endpoint_that_leads_nowhere_known_leaves_connections_open(tmp_path):
    """It could lead to any registry."""
    text = (
        'variable "id" {}\n'
        + registry()
        + block(
            "azurerm_private_endpoint",
            ENDPOINT.replace("MANUAL", "false").replace("azurerm_container_registry.acr.id", "var.id"),
        )
    )
    (tail,) = at(one(read(tmp_path, text)), P + "privateEndpointConnections")
    assert isinstance(tail, UnreadTail)


@pytest.mark.parametrize(
    ("logs", "wanted"),
    [
        ('enabled_log {\n    category_group = "audit"\n  }', [{"categoryGroup": "audit", "enabled": True}]),
        (
            'log {\n    category = "ContainerRegistryLoginEvents"\n    enabled = false\n  }',
            [{"category": "ContainerRegistryLoginEvents", "enabled": False}],
        ),
        ('metric {\n    category = "AllMetrics"\n  }', []),
    ],
)
def test_diagnostic_settings(tmp_path, logs, wanted):
    """Logs of all versions of the provider, with where they are sent."""
    text = registry() + block(
        "azurerm_monitor_diagnostic_setting",
        f'  name = "d"\n  target_resource_id = azurerm_container_registry.acr.id\n  log_analytics_workspace_id = azurerm_log_analytics_workspace.w.id\n  {logs}',
    )
    text += block("azurerm_log_analytics_workspace", '  name = "w"\n  resource_group_name = "rg"', "w")
    reading = read(tmp_path, text)
    found = one(reading, "Microsoft.Insights/diagnosticSettings")
    assert found.id.startswith(one(reading).id)
    assert at(found, P + "logs") == wanted
    assert at(found, P + "workspaceId").endswith("/workspaces/w")


AZAPI = """
  type = "Microsoft.ContainerRegistry/registries@2025-11-01"
  name = "acrapi"
  parent_id = azurerm_resource_group.rg.id
  location = "West Europe"
  body = BODY
"""
GROUP = block("azurerm_resource_group", '  name = "rg"\n  location = "westeurope"', "rg")


@pytest.mark.parametrize("how", ["{0}", "jsonencode({0})"])
def test_azapi_bodies(tmp_path, how):
    """A body as an object or as JSON is taken as it is: what is not written is absent, no provider fills it in."""
    body = how.format(
        '{ sku = { name = "Premium" }, properties = { adminUserEnabled = var.admin, policies = { softDeletePolicy = { status = "enabled" } } } }'
    )
    text = 'variable "admin" {}\n' + GROUP + block("azapi_resource", AZAPI.replace("BODY", body))
    found = one(read(tmp_path, text))
    assert found.api_version == "2025-11-01"
    assert isinstance(at(found, P + "adminUserEnabled"), Unknown)
    assert at(found, P + "policies.softDeletePolicy.status") == "enabled"
    assert at(found, P + "publicNetworkAccess") is None
    assert found.location == "westeurope"


def test_azapi_children_and_updates(tmp_path):
    """A child lies below its parent; an update changes what is described here, with its place."""
    text = (
        registry()
        + block(
            "azapi_resource",
            '  type = "Microsoft.ContainerRegistry/registries/scopeMaps@2025-11-01"\n  name = "m"\n  parent_id = azurerm_container_registry.acr.id\n  body = { properties = { actions = ["repositories/a/content/read"] } }',
            "child",
        )
        + block(
            "azapi_update_resource",
            '  type = "Microsoft.ContainerRegistry/registries@2025-11-01"\n  resource_id = azurerm_container_registry.acr.id\n  body = { properties = { anonymousPullEnabled = true } }',
        )
    )
    reading = read(tmp_path, text)
    assert one(reading, f"{R}/scopeMaps").id == one(reading).id + "/scopeMaps/m"
    assert at(one(reading), P + "anonymousPullEnabled") is True
    assert at(one(reading), P + "adminUserEnabled") is False
    assert one(reading).places["/properties/anonymousPullEnabled"][0].line > 9


def test_an_update_of_what_is_elsewhere_knows_only_its_part(tmp_path):
    """The rest of the registry is not known, so nothing passes by being absent."""
    text = block(
        "azapi_update_resource",
        '  type = "Microsoft.ContainerRegistry/registries@2025-11-01"\n  resource_id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/other"\n  body = { properties = { adminUserEnabled = true } }',
    )
    found = one(read(tmp_path, text))
    assert at(found, P + "adminUserEnabled") is True
    assert isinstance(at(found, P + "anonymousPullEnabled"), Unknown)
    assert isinstance(at(found, "sku"), Unknown)


def test_secrets_of_azapi_are_hidden(tmp_path):
    """`sensitive_body` is there and never shown."""
    body = AZAPI.replace(
        "BODY",
        '{ properties = {} }\n  sensitive_body = { properties = { storageAccount = { accessKey = "hunter2" } } }',
    )
    found = one(read(tmp_path, GROUP + block("azapi_resource", body)))
    assert isinstance(at(found, P + "storageAccount.accessKey"), Hidden)


def test_other_types_are_left_alone(tmp_path):
    """A storage account is no registry and makes no resource."""
    reading = read(
        tmp_path, registry() + block("azurerm_storage_account", '  name = "s"\n  resource_group_name = "rg"')
    )
    assert set(reading.inventory.parts) == {R.lower(), "acrscan/templatefiles"}
    assert run(reading, R).count == 1


def test_alternatives_reach_nested_lists(tmp_path):
    """Unknown parts inside of nested blocks are marked where they are."""
    text = 'variable "open" {\n  type = bool\n}\n' + registry(
        'network_rule_set {\n    default_action = var.open ? "Allow" : "Deny"\n  }'
    )
    found = at(one(read(tmp_path, text)), P + "networkRuleSet.defaultAction")
    assert isinstance(found, Alternatives)
    assert found.values == ("Allow", "Deny")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            'jsonencode({ resources = [{ type = "Microsoft.ContainerRegistry/registries" }] })',
            "holds registries",
        ),
        ("var.template", "may hold registries"),
        ('jsonencode({ resources = [{ type = "Microsoft.Storage/storageAccounts" }] })', ""),
    ],
)
def test_templates_inside_of_terraform_are_not_passed_over(tmp_path, content, reason):
    """A template that holds registries, or may, is a part that was not read; another one is nothing."""
    body = f'  name = "t"\n  resource_group_name = "rg"\n  deployment_mode = "Incremental"\n  template_content = {content}'
    text = 'variable "template" {}\n' + registry() + block("azurerm_resource_group_template_deployment", body)
    problems = run(read(tmp_path, text), R).problems
    assert [reason in problem.reason for problem in problems] == ([True] if reason else [])


@pytest.mark.parametrize(
    "scope",
    ["azurerm_resource_group.rg.id", "data.azurerm_subscription.s.id", "azurerm_container_registry.acr.id"],
)
def test_roles_above_a_registry_reach_it(tmp_path, scope):
    """An assignment at the group or subscription is one of the registry: its scope lies above in the same ids."""
    text = (
        registry().replace('"rg"', "azurerm_resource_group.rg.name")
        + GROUP
        + 'data "azurerm_subscription" "s" {}\n'
    )
    text += block(
        "azurerm_role_assignment",
        f'  scope = {scope}\n  role_definition_name = "Owner"\n  principal_id = "p"',
    )
    reading = read(tmp_path, text)
    above = at(one(reading, f"{A}/roleAssignments"), P + "scope")
    assert (one(reading).id + "/").startswith(above + "/")


def test_values_that_functions_make(tmp_path):
    """A tier from title() and a name from several functions are what Terraform would send."""
    text = (
        registry()
        .replace('"Premium"', 'title("premium")')
        .replace('"acrone"', 'lower(replace(format("ACR-%s", "One"), "-", ""))')
    )
    found = one(read(tmp_path, text))
    assert (found.name, at(found, "sku.name")) == ("acrone", "Premium")


@pytest.mark.parametrize("mode", ["", "data."])
def test_what_applies_to_other_services_says_nothing_of_registries(tmp_path, mode):
    """Roles, logs and endpoints of a web app leave no list of registries open, although its id is not known."""
    web = "resource" if not mode else "data"
    text = (
        registry() + f'{web} "azurerm_linux_web_app" "w" {{\n  name = "w"\n  resource_group_name = "rg"\n}}\n'
    )
    target = f"{mode}azurerm_linux_web_app.w.id"
    text += block(
        "azurerm_role_assignment",
        f'  scope = {target}\n  role_definition_name = "Owner"\n  principal_id = "p"',
    )
    text += block(
        "azurerm_monitor_diagnostic_setting",
        f'  name = "d"\n  target_resource_id = {target}\n  storage_account_id = "/s"',
    )
    text += block(
        "azurerm_private_endpoint",
        ENDPOINT.replace("MANUAL", "false").replace("azurerm_container_registry.acr.id", target),
    )
    reading = read(tmp_path, text)
    for kind in (
        f"{A}/roleAssignments",
        "Microsoft.Insights/diagnosticSettings",
        "Microsoft.Network/privateEndpoints",
    ):
        assert run(reading, kind).state == "complete"
    assert at(one(reading), P + "privateEndpointConnections") == []


def test_arguments_of_a_newer_provider_are_told(tmp_path):
    """What nobody looked at is named."""
    reading = read(tmp_path, registry("soft_delete_policy_enabled = true"))
    assert any("soft_delete_policy_enabled is not known" in note for note in reading.inventory.diagnostics)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ('"http://u:hunter2@hooks.example/x?code=hunter2"', Partial(("http://", None), WITHHELD)),
        ('"HTTPS://hooks.example/${var.x}?code=hunter2"', Partial(("https://", None), WITHHELD)),
        ('"${var.x}://hooks.example"', None),
        ("var.x", None),
        ('"hunter2"', None),
        ('sensitive("https://hunter2")', None),
    ],
)
def test_of_a_webhooks_address_only_the_scheme_is_shown(tmp_path, address, expected):
    """Rules ask for https; what follows may hold a token and stays withheld, as does an address without a known scheme."""
    text = 'variable "x" {}\n' + registry() + HOOK.replace("ADDRESS", address)
    found = one(read(tmp_path, text), f"{R}/webhooks")
    held = at(found, P + "serviceUri")
    assert held == expected if expected is not None else isinstance(held, (Hidden, Unknown))
    assert "hunter2" not in repr(found)


def test_a_webhooks_address_that_is_one_of_two_shows_both_schemes(tmp_path):
    """With a condition that is not known both ways are there, by the same cause."""
    text = 'variable "x" {\n  type = bool\n}\n' + registry()
    text += HOOK.replace("ADDRESS", 'var.x ? "http://a.example/hunter2" : "https://a.example/hunter2"')
    held = at(one(read(tmp_path, text), f"{R}/webhooks"), P + "serviceUri")
    assert isinstance(held, Alternatives)
    assert {value.parts for value in held.values} == {("http://", None), ("https://", None)}
