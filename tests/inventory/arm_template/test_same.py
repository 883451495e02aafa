"""One rule, one verdict: the same registry as a template in several forms and as live answers gives the same verdicts."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from scanner import pipeline
from scanner.cli.options import inventory_from, pack_from
from scanner.engine.evaluate import Options
from scanner.model.finding import Verdict
from scanner.model.resource import Inventory
from scanner.model.scan import Scan
from tests.inventory.arm_template.expanding import NOW, REGISTRY, nested, read, registry, template, write

HOME = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers"
LISTS = ("replications", "webhooks", "tokens", "scopeMaps", "cacheRules")
CHILDREN: dict[str, dict[str, Any]] = {
    "scopeMaps/all": {"properties": {"type": "UserDefined", "actions": ["repositories/*/content/read"]}},
    "cacheRules/hub": {
        "properties": {"sourceRepository": "docker.io/library/nginx", "targetRepository": "nginx"}
    },
    "replications/eastus": {
        "location": "eastus",
        "properties": {"zoneRedundancy": "Disabled", "regionEndpointEnabled": True},
    },
}
CASES: dict[str, dict[str, Any]] = {
    "open": {
        "properties": {
            "adminUserEnabled": True,
            "anonymousPullEnabled": True,
            "publicNetworkAccess": "Enabled",
            "networkRuleBypassOptions": "AzureServices",
            "policies": {
                "exportPolicy": {"status": "enabled"},
                "trustPolicy": {"type": "Notary", "status": "enabled"},
                "azureADAuthenticationAsArmPolicy": {"status": "enabled"},
            },
        }
    },
    "closed": {
        "identity": {"type": "SystemAssigned"},
        "tags": {"owner": "team"},
        "properties": {
            "adminUserEnabled": False,
            "anonymousPullEnabled": False,
            "publicNetworkAccess": "Disabled",
            "dataEndpointEnabled": True,
            "networkRuleBypassOptions": "None",
            "networkRuleBypassAllowedForTasks": False,
            "roleAssignmentMode": "AbacRepositoryPermissions",
            "policies": {
                "exportPolicy": {"status": "disabled"},
                "trustPolicy": {"type": "Notary", "status": "disabled"},
                "quarantinePolicy": {"status": "disabled"},
                "azureADAuthenticationAsArmPolicy": {"status": "disabled"},
            },
        },
    },
    "narrow": {
        "properties": {
            "adminUserEnabled": False,
            "publicNetworkAccess": "Enabled",
            "networkRuleSet": {
                "defaultAction": "Deny",
                "ipRules": [{"action": "Allow", "value": "203.0.113.0/28"}, {"action": "Allow", "value": "10.0.0.0/8"}],
            },
            "policies": {"retentionPolicy": {"status": "enabled", "days": 7}, "softDeletePolicy": {"status": "enabled", "retentionDays": 7}},
        }
    },
    "basic": {"sku": {"name": "Basic"}, "properties": {"adminUserEnabled": True}},
}  # fmt: skip


def _evaluated(inventory: Inventory) -> Scan:
    return pipeline.scan(pack_from(None), inventory, now=NOW, words="test", options=Options(keep_passes=True))


def _verdicts(scan: Scan) -> dict[tuple[str, str], Verdict]:
    return {
        (one.rule, one.resource_name): one.verdict
        for one in scan.findings
        if "templateFiles" not in one.resource_type
    }


def _children(parent: str) -> list[dict[str, Any]]:
    return [
        {"type": f"{REGISTRY}/{key.split('/')[0]}", "apiVersion": "2023-07-01", "name": f"{parent}/{key.split('/')[1]}", **child}
        for key, child in CHILDREN.items()
    ]  # fmt: skip


def _template(folder: Path, content: Any, values: Mapping[str, Any] | None = None) -> Scan:
    files: dict[str, Any] = {"main.json": content}
    if values is not None:
        files["main.parameters.json"] = {
            "$schema": "https://x/deploymentParameters.json#",
            "parameters": {name: {"value": value} for name, value in values.items()},
        }
    found = read(write(folder, files))
    assert found.errors == []
    return _evaluated(found.inventory)


def _live(folder: Path, body: Mapping[str, Any]) -> Scan:
    """The same as Azure answers, with what only Azure adds."""
    identifier = f"{HOME}/{REGISTRY}/acr1"
    answers: dict[str, Any] = {
        "registries.json": {
            "value": [
                {
                    "id": identifier,
                    "name": "acr1",
                    "type": REGISTRY,
                    **{
                        key: value for key, value in body.items() if key not in ("apiVersion", "type", "name")
                    },
                    "properties": {
                        "loginServer": "acr1.azurecr.io",
                        "provisioningState": "Succeeded",
                        "creationDate": "2024-01-01T00:00:00Z",
                        **body["properties"],
                    },
                }
            ]
        }
    }
    for leaf in LISTS:
        rows = [
            {
                "id": f"{identifier}/{key}",
                "name": key.split("/")[1],
                "type": f"{REGISTRY}/{leaf}",
                **child,
                "properties": {"provisioningState": "Succeeded", **child["properties"]},
            }
            for key, child in CHILDREN.items()
            if key.startswith(leaf)
        ]
        answers[f"{leaf}.json"] = {"id": f"{identifier}/{leaf}", "value": rows}
    write(folder, answers)
    return _evaluated(inventory_from((str(folder),), "saved", None, "2025-11-01", NOW))


@pytest.mark.parametrize("case", CASES, ids=list(CASES))
def test_a_template_and_live_answers_give_the_same_verdicts(tmp_path: Path, case: str):
    """Wherever both decide, they decide alike; and many rules are decided in both."""
    body = registry(**CASES[case])
    described = _verdicts(_template(tmp_path / "t", template([body, *_children("acr1")])))
    live = _verdicts(_live(tmp_path / "l", body))
    decided = (Verdict.PASS, Verdict.FAIL)
    both = {
        key for key in described.keys() & live.keys() if described[key] in decided and live[key] in decided
    }
    assert {key: described[key] for key in both} == {key: live[key] for key in both}
    assert len(both) >= 10
    assert Verdict.ERROR not in described.values()


@pytest.mark.parametrize("case", CASES, ids=list(CASES))
def test_all_forms_of_a_template_give_the_same_verdicts(tmp_path: Path, case: str):
    """As a list, with symbolic names, nested with inner and outer scope, through parameters and variables: one verdict."""
    body = registry(**CASES[case])
    rows = [body, *_children("acr1")]
    plain = _verdicts(_template(tmp_path / "a", template(rows)))
    symbolic = template({f"r{at}": row for at, row in enumerate(rows)}, languageVersion="2.0")
    through = {**body, "name": "[parameters('n')]", "properties": "[variables('all').properties]"}
    forms: dict[str, tuple[Any, Mapping[str, Any] | None]] = {
        "symbolic": (symbolic, None),
        "outer": (template([nested(rows, inner=False)]), None),
        "inner": (template([nested(rows)]), None),
        "children inside": (template([{**body, "resources": _children("acr1")}]), None),
        "values": (
            template(
                [through, *_children("acr1")],
                parameters={"n": {"type": "string"}, "p": {"type": "object"}},
                variables={"all": {"properties": "[parameters('p')]"}},
            ),
            {"n": "acr1", "p": body["properties"]},
        ),
    }
    for name, (content, values) in forms.items():
        assert _verdicts(_template(tmp_path / name, content, values)) == plain, name


def test_rules_that_only_azure_can_answer_do_not_apply(tmp_path: Path):
    """Usage, health, scans and access from above are not asked of a template, and nothing of it is unknown."""
    scan = _template(tmp_path, template([registry(**CASES["closed"])]))
    cards = {card.id: card.not_evaluated for card in scan.header.rules}
    for rule in ("ACR301", "ACR303", "ACR403", "ACR501", "ACR503"):
        assert cards[rule] == "not described by these files", rule
    verdicts = _verdicts(scan)
    assert Verdict.UNKNOWN not in verdicts.values()


def test_findings_lead_to_the_line_that_is_wrong(tmp_path: Path):
    """A finding names the property's line, then where its value comes from; what is missing leads to the nearest line."""
    content = template(
        [registry(properties={"adminUserEnabled": "[parameters('admin')]"})],
        parameters={"admin": {"type": "bool", "defaultValue": True}},
    )
    scan = _template(tmp_path, content)
    text = json.dumps(content, indent=2).splitlines()
    admin = next(one for one in scan.findings if one.rule == "ACR101" and one.verdict is Verdict.FAIL)
    assert "adminUserEnabled" in text[admin.places[0].line - 1]
    assert "defaultValue" in text[admin.places[1].line - 1]
    assert [place.what for place in admin.places] == ["property", "parameter default"]
    missing = next(one for one in scan.findings if one.rule == "ACR201" and one.verdict is Verdict.FAIL)
    assert '"properties"' in text[missing.places[0].line - 1]


def test_one_unknown_parameter_is_one_reason(tmp_path: Path):
    """All rules that need a parameter give the same reason, so that reports tell it once."""
    content = template(
        [
            registry(
                properties={
                    "publicNetworkAccess": "[parameters('settings').access]",
                    "adminUserEnabled": "[parameters('settings').admin]",
                    "anonymousPullEnabled": "[parameters('settings').anonymous]",
                }
            )
        ],
        parameters={"settings": {"type": "object"}},
    )
    scan = _template(tmp_path, content)
    unknown = [one for one in scan.findings if one.verdict is Verdict.UNKNOWN]
    assert {one.rule for one in unknown} >= {"ACR101", "ACR103", "ACR201"}
    assert {one.reason for one in unknown} == {"parameter `settings` has no value; pass --parameters FILE"}


OPEN = template(
    [
        registry(
            sku={"name": "[parameters('sku')]"},
            properties={
                "adminUserEnabled": "[parameters('admin')]",
                "anonymousPullEnabled": "[and(parameters('admin'), equals(parameters('sku'), 'Premium'))]",
                "publicNetworkAccess": "[parameters('access')]",
                "networkRuleBypassOptions": "[if(equals(parameters('access'), 'Disabled'), 'None', 'AzureServices')]",
                "networkRuleSet": "[if(parameters('rules'), createObject('defaultAction', 'Deny', 'ipRules', createArray(createObject('action', 'Allow', 'value', parameters('range')))), null())]",
                "policies": {
                    "exportPolicy": {
                        "status": "[if(equals(parameters('access'), 'Disabled'), 'disabled', 'enabled')]"
                    },
                    "retentionPolicy": {"status": "[parameters('retention')]", "days": 7},
                },
            },
        )
    ],
    parameters={
        "sku": {"type": "string", "allowedValues": ["Basic", "Standard", "Premium"]},
        "admin": {"type": "bool"},
        "access": {"type": "string", "allowedValues": ["Enabled", "Disabled"]},
        "rules": {"type": "bool"},
        "range": {"type": "string"},
        "retention": {"type": "string"},
    },
)
VALUES: dict[str, tuple[Any, ...]] = {
    "sku": ("Basic", "Standard", "Premium"),
    "admin": (True, False),
    "access": ("Enabled", "Disabled"),
    "rules": (True, False),
    "range": ("203.0.113.7", "0.0.0.0/0"),
    "retention": ("enabled", "disabled"),
}


@pytest.mark.parametrize(
    "given", [(), ("admin",), ("access", "rules"), ("sku", "range"), ("sku", "admin", "access")]
)
def test_what_is_decided_without_values_is_decided_alike_with_any(tmp_path: Path, given: tuple[str, ...]):
    """A verdict on a template whose parameters are open holds for every value of them."""
    dice = random.Random(repr(given))
    for number in range(3):
        values = {name: dice.choice(VALUES[name]) for name in VALUES}
        partly = {name: values[name] for name in given}
        before = _verdicts(_template(tmp_path / f"{number}a", OPEN, partly))
        after = _verdicts(_template(tmp_path / f"{number}b", OPEN, values))
        sure = {key: one for key, one in before.items() if one in (Verdict.PASS, Verdict.FAIL)}
        assert sure == {key: after[key] for key in sure}, values
        assert len(sure) >= 5


@pytest.mark.parametrize("scope", ["registry", "group", "subscription"])
@pytest.mark.parametrize(("role", "verdict"), [("b24988ac-6180-42a0-ab88-20f7382dd24c", Verdict.FAIL), ("7f951dda-4ed3-4680-a7ca-43fe172d538d", Verdict.PASS)])  # fmt: skip
def test_roles_that_a_template_gives(tmp_path: Path, scope: str, role: str, verdict: Verdict):
    """Full control of a machine is found wherever the template assigns it, although nobody knows the principal yet."""
    assignment: dict[str, Any] = {
        "type": "Microsoft.Authorization/roleAssignments",
        "apiVersion": "2022-04-01",
        "name": "[guid(parameters('who'))]",
        "properties": {
            "roleDefinitionId": f"[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{role}')]",
            "principalId": "[parameters('who')]",
            "principalType": "ServicePrincipal",
        },
    }
    who = {"who": {"type": "string"}}
    if scope == "registry":
        assignment["scope"] = f"[resourceId('{REGISTRY}', 'acr1')]"
    rows: list[dict[str, Any]] = [registry(**CASES["closed"]), assignment]
    content = template(rows, parameters=who)
    if scope == "subscription":
        around = "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#"
        content = template([nested(rows[:1], resourceGroup="rg"), assignment], parameters=who)
        content["$schema"] = around
    assert _verdicts(_template(tmp_path, content))[("ACR104", "acr1")] is verdict
