"""What the tools of remediations know: commands of the Azure CLI with their options, attributes of Terraform's azurerm resources.

Commands: https://learn.microsoft.com/cli/azure/acr, .../role/assignment, .../policy, .../monitor/diagnostic-settings,
.../network/nsg/rule, .../network/private-endpoint, .../resource, .../lock, .../tag, .../security/pricing. Attributes:
https://registry.terraform.io/providers/hashicorp/azurerm/latest/docs. Only what rules about registries use is here: a
command that is not here is not judged, except below `az acr`.
"""

from __future__ import annotations

GLOBAL = frozenset(
    [
        "--subscription",
        "--output",
        "-o",
        "--query",
        "--only-show-errors",
        "--debug",
        "--verbose",
        "--help",
        "-h",
        "--ids",
        "--resource-group",
        "-g",
        "--no-wait",
        "--yes",
        "-y",
        "--tags",
        "--location",
        "-l",
        "--set",
        "--add",
        "--remove",
        "--force-string",
    ]
)
"""Options that every command takes, or most: https://learn.microsoft.com/cli/azure/reference-index#global-parameters."""
_REGISTRY = "--registry -r --name -n "
_UPDATE_ACR = (
    "--name -n --sku --admin-enabled --default-action --data-endpoint-enabled --public-network-enabled "
    "--allow-trusted-services --anonymous-pull-enabled --allow-exports --role-assignment-mode --endpoint-protocol "
    "--allow-metadata-search --dnl-scope --zone-redundancy --identity --key-encryption-key --workspace --regional-endpoints "
)
_TASK = (
    _REGISTRY
    + "--agent-pool --arg --assign-identity --auth-mode --base-image-trigger-enabled --base-image-trigger-name "
    "--base-image-trigger-type --cmd --commit-trigger-enabled --context -c --cpu --file -f --git-access-token --image -t "
    "--is-system-task --log-template --no-cache --no-push --platform --pull-request-trigger-enabled --schedule "
    "--secret-arg --set-secret --source-acr-auth-id --source-trigger-name --status --target --timeout "
    "--update-trigger-endpoint --update-trigger-payload-type --values --update-trigger-token --no-format --no-logs "
    "--with-secure-properties --run-id --run-status --top --no-archive "
)
_CREDENTIAL = _REGISTRY + "--login-server --username -u --password -p --use-identity "
_REPOSITORY = "--name -n --suffix --username -u --password -p "
_ENABLED = "--delete-enabled --list-enabled --read-enabled --write-enabled "
_CONNECTION = "--name -n --registry-name -r --description "
_POLICY = "--registry -r --status "
_CONNECTED = (
    _REGISTRY + "--parent -p --repository --sync-token --cleanup --mode -m --client-tokens --sync-window -w "
    "--sync-schedule -s --sync-message-ttl --log-level --notifications --add-client-tokens --remove-client-tokens "
    "--add-notifications --remove-notifications --no-children --parent-protocol --generate-password --audit-logs-enabled "
    "--garbage-collection-enabled --garbage-collection-schedule "
)
_SCOPE = "--scope --assignee --assignee-object-id --assignee-principal-type --role --description --condition "
_ACR = {
    **dict.fromkeys(("create", "update"), _UPDATE_ACR),
    **dict.fromkeys(
        ("show", "show-usage", "delete", "check-name", "show-endpoints"), "--name -n --dnl-scope "
    ),
    "list": "",
    "login": _REPOSITORY + "--expose-token -t ",
    "import": "--name -n --source --registry -r --image -t --repository --force --username -u --password -p ",
    "check-health": "--name -n --ignore-errors --vnet --repository ",
    "build": "--registry -r --image -t --file -f --build-arg --secret-build-arg --agent-pool --no-push --no-format "
    "--no-logs --platform --target --timeout --auth-mode --log-template --source-acr-auth-id ",
    "run": "--registry -r --cmd --file -f --values --set-secret --agent-pool --timeout --platform --auth-mode --no-format "
    "--no-logs --log-template --source-acr-auth-id ",
    "credential show": "--name -n ",
    "credential renew": "--name -n --password-name ",
    **{
        f"repository {name}": _REPOSITORY + "--repository --image -t --detail --orderby --top " + _ENABLED
        for name in (
            "list",
            "show",
            "show-tags",
            "show-manifests",
            "update",
            "delete",
            "untag",
            "list-deleted",
        )
    },
    **{
        f"manifest {name}": _REPOSITORY
        + "--registry -r --orderby --top --raw --artifact-type --recursive "
        + _ENABLED
        for name in (
            "show",
            "list",
            "delete",
            "list-referrers",
            "show-metadata",
            "list-metadata",
            "update-metadata",
            "metadata show",
            "metadata list",
            "metadata update",
            "list-deleted",
            "list-deleted-tags",
            "restore",
        )
    },
    **{
        f"webhook {name}": _REGISTRY + "--uri --actions --headers --status --scope "
        for name in ("list", "create", "update", "delete", "show", "get-config", "list-events", "ping")
    },
    **{
        f"replication {name}": _REGISTRY
        + "--region-endpoint-enabled --zone-redundancy --global-endpoint-routing "
        for name in ("list", "create", "update", "delete", "show")
    },
    **{
        f"task {name}": _TASK
        for name in (
            "create",
            "show",
            "list",
            "delete",
            "update",
            "run",
            "list-runs",
            "show-run",
            "cancel-run",
            "update-run",
            "logs",
        )
    },
    **{f"task identity {name}": _REGISTRY + "--identities " for name in ("assign", "remove", "show")},
    **{f"task credential {name}": _CREDENTIAL for name in ("add", "update", "remove", "list")},
    **{
        f"task timer {name}": _REGISTRY + "--timer-name --schedule --enabled "
        for name in ("add", "update", "remove", "list")
    },
    **{f"taskrun {name}": _REGISTRY + "--no-format " for name in ("list", "delete", "show", "logs")},
    **{f"config content-trust {name}": _POLICY for name in ("show", "update")},
    **{f"config retention {name}": _POLICY + "--days --type " for name in ("show", "update")},
    **{f"config soft-delete {name}": _POLICY + "--days " for name in ("show", "update")},
    **{f"config authentication-as-arm {name}": _POLICY for name in ("show", "update")},
    **{
        f"network-rule {name}": "--name -n --ip-address --subnet --vnet-name "
        for name in ("list", "add", "remove")
    },
    **{
        f"scope-map {name}": _REGISTRY
        + "--description --repository --gateway --add-repository --remove-repository "
        "--add-gateway --remove-gateway "
        for name in ("create", "delete", "update", "show", "list")
    },
    **{
        f"token {name}": _REGISTRY
        + "--scope-map --status --repository --gateway --no-passwords --expiration "
        "--expiration-in-days "
        for name in ("create", "delete", "update", "show", "list")
    },
    **{
        f"token credential {name}": _REGISTRY + "--password1 --password2 --expiration --expiration-in-days "
        for name in ("generate", "delete")
    },
    **{
        f"agentpool {name}": _REGISTRY + "--count -c --tier --subnet-id --queue-count "
        for name in ("create", "update", "delete", "list", "show")
    },
    **{
        f"private-endpoint-connection {name}": _CONNECTION
        for name in ("approve", "delete", "list", "reject", "show")
    },
    **{f"identity {name}": "--name -n --identities " for name in ("show", "assign", "remove")},
    **{f"encryption {name}": "--name -n --identity --key-encryption-key " for name in ("show", "rotate-key")},
    **{
        f"cache {name}": _REGISTRY + "--cred-set --source-repo -s --target-repo -t --remove-cred-set "
        for name in ("create", "update", "delete", "list", "show")
    },
    **{
        f"credential-set {name}": _REGISTRY + "--login-server -l --username-id -u --password-id -p "
        for name in ("create", "update", "delete", "list", "show")
    },
    **{
        f"connected-registry {name}": _CONNECTED
        for name in (
            "create",
            "update",
            "delete",
            "list",
            "show",
            "deactivate",
            "list-client-tokens",
            "get-settings",
            "permissions update",
            "permissions show",
        )
    },
    **{
        f"{kind} {name}": _REGISTRY + "--resource-id --secret-uri -s --storage-container-uri -c --options -z "
        "--assign-identity -i --source-trigger-enabled -e --pipeline --pipeline-type --storage-blob -b --artifacts -a --force-redeploy -f "
        for kind in ("import-pipeline", "export-pipeline", "pipeline-run")
        for name in ("create", "delete", "list", "show", "clean")
    },
    **{
        f"artifact-streaming {name}": _REPOSITORY + "--image -t --repository --enable-streaming --id "
        for name in ("create", "show", "update", "operation show", "operation cancel")
    },
    "pack build": "--registry -r --image -t --builder -b --pull --pack-image-tag --agent-pool --timeout --platform --no-format --no-logs ",
    "helm list": _REPOSITORY,
}
COMMANDS: dict[str, frozenset[str]] = {
    **{f"acr {name}": frozenset(options.split()) for name, options in _ACR.items()},
    **{
        name: frozenset(options.split())
        for name, options in {
            "role assignment create": _SCOPE + "--name -n --condition-version --assignee-object-id ",
            "role assignment delete": _SCOPE + "--include-inherited --at-scope ",
            "role assignment list": _SCOPE
            + "--all --include-inherited --include-groups --include-classic-administrators --at-scope "
            "--fill-role-definition-name --fill-principal-name ",
            "role assignment update": "--role-assignment ",
            "policy assignment create": "--name -n --display-name --policy --policy-set-definition -d --params -p --scope --not-scopes "
            "--enforcement-mode -e --description --mi-system-assigned --mi-user-assigned --identity-scope --role --sku "
            "--definition-version --assign-identity ",
            "policy exemption update": "--name -n --scope --description --display-name --exemption-category -e --expires-on "
            "--metadata --policy-definition-reference-ids -r ",
            "policy exemption create": "--name -n --scope --policy-assignment -a --description --display-name "
            "--exemption-category -e --expires-on --metadata --policy-definition-reference-ids -r ",
            "policy exemption delete": "--name -n --scope ",
            "policy state trigger-scan": "",
            "monitor diagnostic-settings create": "--name -n --resource --workspace --storage-account --event-hub --event-hub-rule "
            "--logs --metrics --export-to-resource-specific --resource-namespace --resource-parent --resource-type --marketplace-partner-id ",
            "monitor diagnostic-settings delete": "--name -n --resource --resource-namespace --resource-parent --resource-type ",
            "monitor diagnostic-settings list": "--resource --resource-namespace --resource-parent --resource-type ",
            "network nsg rule create": "--name -n --nsg-name --priority --access --description --direction --protocol "
            "--source-address-prefixes --source-port-ranges --source-asgs --destination-address-prefixes "
            "--destination-port-ranges --destination-asgs ",
            "network private-endpoint create": "--name -n --connection-name --private-connection-resource-id --subnet --vnet-name "
            "--group-id --group-ids --asg --ip-config --edge-zone --manual-request --nic-name --request-message ",
            "network private-endpoint dns-zone-group create": "--name -n --endpoint-name --private-dns-zone --zone-name ",
            "resource update": "--name -n --namespace --parent --resource-type --api-version --latest-include-preview "
            "--include-response-body ",
            "resource delete": "--name -n --namespace --parent --resource-type --api-version --latest-include-preview ",
            "lock create": "--name -n --lock-type -t --resource --resource-name --resource-type --namespace --parent --notes ",
            "lock delete": "--name -n --resource --resource-name --resource-type --namespace --parent ",
            "tag update": "--resource-id --operation ",
            "security pricing create": "--name -n --tier --subplan --extensions ",
        }.items()
    },
}
"""Command (without `az`) -> the options it takes beside `GLOBAL`."""

TERRAFORM = frozenset(
    [
        "admin_enabled",
        "anonymous_pull_enabled",
        "public_network_access_enabled",
        "network_rule_bypass_option",
        "network_rule_bypass_for_tasks_enabled",
        "network_rule_set",
        "default_action",
        "ip_rule",
        "action",
        "ip_range",
        "data_endpoint_enabled",
        "export_policy_enabled",
        "trust_policy_enabled",
        "quarantine_policy_enabled",
        "retention_policy_in_days",
        "retention_policy",
        "zone_redundancy_enabled",
        "georeplications",
        "location",
        "regional_endpoint_enabled",
        "encryption",
        "key_vault_key_id",
        "identity_client_id",
        "identity",
        "type",
        "identity_ids",
        "sku",
        "tags",
        "name",
        "resource_group_name",
        "role_assignment_mode",
        "azuread_authentication_as_arm_policy_enabled",
        "enabled",
        "actions",
        "scope_map_id",
        "container_registry_id",
        "container_registry_name",
        "container_registry_token_id",
        "password1",
        "password2",
        "expiry",
        "value",
        "description",
        "service_uri",
        "status",
        "scope",
        "custom_headers",
        "credential_set_id",
        "login_server",
        "authentication_credentials",
        "username_secret_id",
        "password_secret_id",
        "source_repo",
        "target_repo",
        "mode",
        "audit_log_enabled",
        "client_token_ids",
        "log_level",
        "notification",
        "parent_registry_id",
        "sync_message_ttl",
        "sync_schedule",
        "sync_token_id",
        "sync_window",
        "secret_arguments",
        "arguments",
        "docker_step",
        "file_step",
        "encoded_step",
        "base_image_trigger",
        "source_trigger",
        "timer_trigger",
        "authentication",
        "token",
        "token_type",
        "expire_in_seconds",
        "refresh_token",
        "repository_url",
        "source_type",
        "branch",
        "events",
        "platform",
        "architecture",
        "os",
        "variant",
        "registry_credential",
        "custom",
        "source",
        "login_mode",
        "username",
        "password",
        "agent_setting",
        "agent_pool_name",
        "instance_count",
        "tier",
        "virtual_network_subnet_id",
        "timeout_in_seconds",
        "is_system_task",
        "log_template",
        "context_path",
        "context_access_token",
        "image_names",
        "dockerfile_path",
        "cache_enabled",
        "push_enabled",
        "target",
        "secrets",
        "value_file_path",
        "values",
        "private_dns_zone_group",
        "private_dns_zone_ids",
        "private_service_connection",
        "private_connection_resource_id",
        "subresource_names",
        "is_manual_connection",
        "subnet_id",
        "expires_on",
        "policy_definition_id",
        "policy_assignment_id",
        "exemption_category",
        "resource_id",
        "subscription_id",
        "parameters",
        "metadata",
        "display_name",
        "lock_level",
        "notes",
        "target_resource_id",
        "log_analytics_workspace_id",
        "storage_account_id",
        "enabled_log",
        "category_group",
        "category",
        "metric",
        "enabled_metric",
        "resource_type",
        "subplan",
        "extension",
        "additional_extension_properties",
        "security_rule",
        "priority",
        "direction",
        "access",
        "protocol",
        "source_port_range",
        "source_port_ranges",
        "destination_port_range",
        "destination_port_ranges",
        "source_address_prefix",
        "source_address_prefixes",
        "destination_address_prefix",
        "destination_address_prefixes",
        "role_definition_name",
        "role_definition_id",
        "principal_id",
        "principal_type",
        "condition",
        "condition_version",
        "update_trigger_endpoint",
        "update_trigger_payload_type",
        "count",
        "for_each",
        "depends_on",
        "lifecycle",
        "provider",
        "dynamic",
        "content",
    ]
)
"""Attributes and blocks of the azurerm resources about registries and what rules ask around them."""
