"""Templates as current Bicep compiles them: symbolic names, typed parameters, modules as nested deployments with copies.

The shape is that of public registry modules (optional settings through `tryGet` and `coalesce`, nullable types by `$ref`,
loops over optional lists); the text is our own. `compiled(filler)` grows with descriptions and unused types.
"""

from __future__ import annotations

from typing import Any

from tests.inventory.arm_template.expanding import REGISTRY, SCHEMA

API = "2025-11-01"
_NULLABLE = {
    "type": "string",
    "nullable": True,
    "metadata": {"description": "Optional. As the API describes it."},
}


def compiled(filler: int = 0) -> dict[str, Any]:
    """A registry module with its children."""
    return {
        "$schema": SCHEMA,
        "languageVersion": "2.0",
        "contentVersion": "1.0.0.0",
        "metadata": {"_generator": {"name": "bicep", "version": "0.38.33", "templateHash": "1"}},
        "definitions": {
            "lockType": {
                "type": "object",
                "properties": {"kind": _NULLABLE, "name": _NULLABLE},
                "nullable": True,
            },
            "replicationType": {"type": "object", "properties": {"location": {"type": "string"}}},
            **{
                f"type{number}": {
                    "type": "object",
                    "properties": {f"property{at}": _NULLABLE for at in range(8)},
                    "metadata": {"__bicep_export!": True, "description": "The type of a setting. " * 4},
                }
                for number in range(filler)
            },
        },
        "parameters": _parameters(),
        "variables": {
            "formattedUserAssignedIdentities": "[reduce(map(coalesce(tryGet(parameters('managedIdentities'), 'userAssignedResourceIds'), createArray()), lambda('id', createObject(format('{0}', lambdaVariables('id')), createObject()))), createObject(), lambda('cur', 'next', union(lambdaVariables('cur'), lambdaVariables('next'))))]",
            "identity": "[if(not(empty(parameters('managedIdentities'))), createObject('type', if(coalesce(tryGet(parameters('managedIdentities'), 'systemAssigned'), false()), if(not(empty(coalesce(tryGet(parameters('managedIdentities'), 'userAssignedResourceIds'), createObject()))), 'SystemAssigned, UserAssigned', 'SystemAssigned'), if(not(empty(coalesce(tryGet(parameters('managedIdentities'), 'userAssignedResourceIds'), createObject()))), 'UserAssigned', 'None')), 'userAssignedIdentities', if(not(empty(variables('formattedUserAssignedIdentities'))), variables('formattedUserAssignedIdentities'), null())), null())]",
            "builtInRoleNames": {
                "AcrPull": "[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '7f951dda-4ed3-4680-a7ca-43fe172d538d')]",
                "AcrPush": "[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '8311e382-0749-4cb8-b61a-304f252e45ec')]",
            },
        },
        "resources": _resources(),
        "outputs": {
            "name": {"type": "string", "value": "[parameters('name')]"},
            "loginServer": {"type": "string", "value": "[reference('registry').loginServer]"},
            "systemAssignedMIPrincipalId": {
                "type": "string",
                "nullable": True,
                "value": f"[tryGet(tryGet(reference('registry', '{API}', 'full'), 'identity'), 'principalId')]",
            },
        },
    }


def _parameters() -> dict[str, Any]:
    text, flag, rows = {"type": "string"}, {"type": "bool"}, {"type": "array", "nullable": True}
    return {
        "name": {**text, "minLength": 5, "maxLength": 50},
        "acrSku": {**text, "defaultValue": "Premium", "allowedValues": ["Basic", "Premium", "Standard"]},
        "location": {**text, "defaultValue": "[resourceGroup().location]"},
        "acrAdminUserEnabled": {**flag, "defaultValue": False},
        "anonymousPullEnabled": {**flag, "defaultValue": False},
        "publicNetworkAccess": {**text, "nullable": True, "allowedValues": ["Disabled", "Enabled"]},
        "exportPolicyStatus": {**text, "defaultValue": "disabled", "allowedValues": ["disabled", "enabled"]},
        "softDeletePolicyStatus": {**text, "defaultValue": "disabled"},
        "networkRuleSetIpRules": rows,
        "networkRuleSetDefaultAction": {**text, "defaultValue": "Deny"},
        "privateEndpoints": rows,
        "replications": {
            "type": "array",
            "items": {"$ref": "#/definitions/replicationType"},
            "nullable": True,
        },
        "webhooks": rows,
        "scopeMaps": rows,
        "cacheRules": rows,
        "roleAssignments": rows,
        "diagnosticSettings": rows,
        "lock": {"$ref": "#/definitions/lockType"},
        "managedIdentities": {"type": "object", "nullable": True},
        "tags": {"type": "object", "nullable": True},
    }


def _resources() -> dict[str, Any]:
    count = "[length(coalesce(parameters('{0}'), createArray()))]"
    scope = "[resourceId('Microsoft.ContainerRegistry/registries', parameters('name'))]"
    row = "coalesce(parameters('{0}'), createArray())[copyIndex()]"
    diagnostics, roles = row.format("diagnosticSettings"), row.format("roleAssignments")
    return {
        "registry": {
            "type": REGISTRY,
            "apiVersion": API,
            "name": "[parameters('name')]",
            "location": "[parameters('location')]",
            "identity": "[variables('identity')]",
            "tags": "[parameters('tags')]",
            "sku": {"name": "[parameters('acrSku')]"},
            "properties": {
                "anonymousPullEnabled": "[parameters('anonymousPullEnabled')]",
                "adminUserEnabled": "[parameters('acrAdminUserEnabled')]",
                "policies": {
                    "azureADAuthenticationAsArmPolicy": {"status": "disabled"},
                    "exportPolicy": "[if(equals(parameters('acrSku'), 'Premium'), createObject('status', parameters('exportPolicyStatus')), null())]",
                    "softDeletePolicy": {
                        "retentionDays": 7,
                        "status": "[parameters('softDeletePolicyStatus')]",
                    },
                },
                "publicNetworkAccess": "[if(not(empty(parameters('publicNetworkAccess'))), parameters('publicNetworkAccess'), if(and(not(empty(parameters('privateEndpoints'))), empty(parameters('networkRuleSetIpRules'))), 'Disabled', null()))]",
                "networkRuleSet": "[if(not(empty(parameters('networkRuleSetIpRules'))), createObject('defaultAction', parameters('networkRuleSetDefaultAction'), 'ipRules', parameters('networkRuleSetIpRules')), null())]",
            },
        },
        "registry_lock": {
            "condition": "[and(not(empty(coalesce(parameters('lock'), createObject()))), not(equals(tryGet(parameters('lock'), 'kind'), 'None')))]",
            "type": "Microsoft.Authorization/locks",
            "apiVersion": "2020-05-01",
            "scope": scope,
            "name": "[coalesce(tryGet(parameters('lock'), 'name'), format('lock-{0}', parameters('name')))]",
            "properties": {"level": "[coalesce(tryGet(parameters('lock'), 'kind'), '')]"},
            "dependsOn": ["registry"],
        },
        "registry_diagnosticSettings": {
            "copy": {"name": "registry_diagnosticSettings", "count": count.format("diagnosticSettings")},
            "type": "Microsoft.Insights/diagnosticSettings",
            "apiVersion": "2021-05-01-preview",
            "scope": scope,
            "name": f"[coalesce(tryGet({diagnostics}, 'name'), format('{{0}}-diagnosticSettings', parameters('name')))]",
            "properties": {
                "copy": [
                    {
                        "name": "logs",
                        "count": f"[length(coalesce(tryGet({diagnostics}, 'logCategoriesAndGroups'), createArray(createObject('categoryGroup', 'allLogs'))))]",
                        "input": {
                            "categoryGroup": f"[tryGet(coalesce(tryGet({diagnostics}, 'logCategoriesAndGroups'), createArray(createObject('categoryGroup', 'allLogs')))[copyIndex('logs')], 'categoryGroup')]",
                            "enabled": True,
                        },
                    }
                ],
                "workspaceId": f"[tryGet({diagnostics}, 'workspaceResourceId')]",
            },
            "dependsOn": ["registry"],
        },
        "registry_roleAssignments": {
            "copy": {"name": "registry_roleAssignments", "count": count.format("roleAssignments")},
            "type": "Microsoft.Authorization/roleAssignments",
            "apiVersion": "2022-04-01",
            "scope": scope,
            "name": f"[guid(resourceId('{REGISTRY}', parameters('name')), {roles}.principalId, {roles}.roleDefinitionIdOrName)]",
            "properties": {
                "roleDefinitionId": f"[coalesce(tryGet(variables('builtInRoleNames'), {roles}.roleDefinitionIdOrName), {roles}.roleDefinitionIdOrName)]",
                "principalId": f"[{roles}.principalId]",
                "principalType": f"[tryGet({roles}, 'principalType')]",
            },
            "dependsOn": ["registry"],
        },
        "registry_replications": _module(
            "replications",
            {
                "location": "location",
                "zoneRedundancy": "zoneRedundancy",
                "regionEndpointEnabled": "regionEndpointEnabled",
            },
            {
                "location": {"type": "string"},
                "zoneRedundancy": {"type": "string", "defaultValue": "Enabled"},
                "regionEndpointEnabled": {"type": "bool", "defaultValue": True},
                "name": {"type": "string", "defaultValue": "[parameters('location')]"},
            },
            {
                "location": "[parameters('location')]",
                "properties": {
                    "regionEndpointEnabled": "[parameters('regionEndpointEnabled')]",
                    "zoneRedundancy": "[parameters('zoneRedundancy')]",
                },
            },
            "replication",
        ),
        "registry_webhooks": _module(
            "webhooks",
            {"name": "name", "serviceUri": "serviceUri", "status": "status", "actions": "action"},
            {
                "name": {
                    "type": "string",
                    "defaultValue": "[format('{0}webhook', parameters('registryName'))]",
                },
                "serviceUri": {"type": "string"},
                "status": {"type": "string", "defaultValue": "enabled"},
                "actions": {"type": "array", "defaultValue": ["push", "delete"]},
            },
            {
                "location": "westeurope",
                "properties": {
                    "serviceUri": "[parameters('serviceUri')]",
                    "status": "[parameters('status')]",
                    "actions": "[parameters('actions')]",
                },
            },
            "webhook",
        ),
        "registry_scopeMaps": _module(
            "scopeMaps",
            {"name": "name", "actions": "actions"},
            {
                "name": {
                    "type": "string",
                    "defaultValue": "[format('{0}-scopemaps', parameters('registryName'))]",
                },
                "actions": {"type": "array"},
            },
            {"properties": {"actions": "[parameters('actions')]"}},
            "scopeMap",
        ),
        "registry_cacheRules": _module(
            "cacheRules",
            {"name": "name", "sourceRepository": "sourceRepository"},
            {
                "name": {
                    "type": "string",
                    "defaultValue": "[replace(replace(replace(parameters('sourceRepository'), '/', '-'), '.', '-'), '*', '')]",
                },
                "sourceRepository": {"type": "string"},
            },
            {
                "properties": {
                    "sourceRepository": "[parameters('sourceRepository')]",
                    "targetRepository": "[parameters('sourceRepository')]",
                }
            },
            "cacheRule",
        ),
    }


def _module(
    leaf: str, values: dict[str, str], parameters: dict[str, Any], body: dict[str, Any], symbol: str
) -> dict[str, Any]:
    """A loop of a module: one nested deployment per row of a list, optional values through `tryGet`."""
    row = f"coalesce(parameters('{leaf}'), createArray())[copyIndex()]"
    return {
        "copy": {
            "name": f"registry_{leaf}",
            "count": f"[length(coalesce(parameters('{leaf}'), createArray()))]",
        },
        "type": "Microsoft.Resources/deployments",
        "apiVersion": "2022-09-01",
        "name": f"[format('{{0}}-Registry-{leaf}-{{1}}', uniqueString(deployment().name, parameters('location')), copyIndex())]",
        "properties": {
            "expressionEvaluationOptions": {"scope": "inner"},
            "mode": "Incremental",
            "parameters": {
                "registryName": {"value": "[parameters('name')]"},
                **{name: {"value": f"[tryGet({row}, '{key}')]"} for name, key in values.items()},
            },
            "template": {
                "$schema": SCHEMA,
                "languageVersion": "2.0",
                "contentVersion": "1.0.0.0",
                "parameters": {"registryName": {"type": "string"}, **parameters},
                "resources": {
                    "registry": {
                        "existing": True,
                        "type": REGISTRY,
                        "apiVersion": API,
                        "name": "[parameters('registryName')]",
                    },
                    symbol: {
                        "type": f"{REGISTRY}/{leaf}",
                        "apiVersion": API,
                        "name": "[format('{0}/{1}', parameters('registryName'), parameters('name'))]",
                        **body,
                    },
                },
                "outputs": {
                    "resourceId": {
                        "type": "string",
                        "value": f"[resourceId('{REGISTRY}/{leaf}', parameters('registryName'), parameters('name'))]",
                    }
                },
            },
        },
        "dependsOn": ["registry"],
    }


FULL: dict[str, Any] = {
    "name": "crrmax001",
    "location": "westeurope",
    "publicNetworkAccess": "Enabled",
    "networkRuleSetIpRules": [{"action": "Allow", "value": "40.74.28.0/23"}],
    "lock": {"kind": "CanNotDelete", "name": "keep"},
    "managedIdentities": {"systemAssigned": True, "userAssignedResourceIds": ["/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i1"]},
    "diagnosticSettings": [{"workspaceResourceId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w"}],
    "roleAssignments": [
        {"principalId": "11111111-1111-4111-8111-111111111111", "roleDefinitionIdOrName": "AcrPull", "principalType": "ServicePrincipal"},
        {"principalId": "22222222-2222-4222-8222-222222222222", "roleDefinitionIdOrName": "AcrPush", "principalType": "Group"},
    ],
    "replications": [{"location": "northeurope"}, {"location": "eastus", "zoneRedundancy": "Disabled"}],
    "webhooks": [{"serviceUri": "https://hooks.example.com/acr"}, {"name": "own", "serviceUri": "https://hooks.example.com/own", "action": ["push"]}],
    "scopeMaps": [{"name": "pull", "actions": ["repositories/app/content/read"]}],
    "cacheRules": [{"sourceRepository": "docker.io/library/nginx"}, {"name": "own", "sourceRepository": "mcr.microsoft.com/*"}],
    "tags": {"env": "prod"},
}  # fmt: skip
"""Values for everything that the module can do."""
