"""Which policies act on a registry: scopes, exclusions, initiatives, effects, exemptions, and what stays open."""

from __future__ import annotations

import pytest

from scanner.model.values import Unknown, UnreadTail
from tests.engine.building import APP, GROUP, SUB, estate, registry, related, resource

ASSIGNMENTS = "Microsoft.Authorization/policyAssignments"
EXEMPTIONS = "Microsoft.Authorization/policyExemptions"
ADMIN = "dc921057-6b28-4fbe-9b83-f7bec05db6c2"
MODIFY = "79fdfe03-ffcb-4e55-b4d0-b925b8241759"
DEFINITION = f"/providers/Microsoft.Authorization/policyDefinitions/{ADMIN}"


def assigned(scope=SUB, **properties):
    body = {
        "policyDefinitionId": DEFINITION,
        "scope": scope,
        "parameters": {"effect": {"value": "Deny"}},
        **properties,
    }
    return resource(ASSIGNMENTS, f"{scope}/providers/{ASSIGNMENTS}/deny-admin", properties=body)


def rows(*resources):
    return related(estate(registry(), *resources, collected={ASSIGNMENTS, EXEMPTIONS}), "enforcement")


def test_an_assignment_above_covers():
    """Definition, effect and mode as they act on the registry."""
    (row,) = rows(assigned())
    assert (row["definitionId"], row["effect"], row["exempt"], row["enforcementMode"]) == (
        ADMIN,
        "Deny",
        False,
        "Default",
    )
    assert row["definitionName"]


@pytest.mark.parametrize(
    ("properties", "count"),
    [
        ({"notScopes": [GROUP.upper()]}, 0),
        ({"notScopes": [f"{GROUP}2"]}, 1),
        (
            {
                "resourceSelectors": [
                    {"selectors": [{"kind": "resourceType", "in": ["Microsoft.Storage/storageAccounts"]}]}
                ]
            },
            0,
        ),
        (
            {
                "resourceSelectors": [
                    {
                        "selectors": [
                            {"kind": "resourceType", "in": ["microsoft.containerregistry/registries"]}
                        ]
                    }
                ]
            },
            1,
        ),
    ],
)
def test_what_takes_a_registry_out(properties, count):
    """notScopes by segments and without case; selectors by type."""
    assert len(rows(assigned(**properties))) == count


def test_a_rollout_percentage_leaves_the_effect_open():
    """A selector we cannot evaluate: the row is there, its effect is not known."""
    (row,) = rows(
        assigned(resourceSelectors=[{"selectors": [{"kind": "resourceRolloutPercentage", "in": ["50"]}]}])
    )
    assert isinstance(row["effect"], Unknown)


@pytest.mark.parametrize(
    ("properties", "effect"),
    [
        ({"parameters": {}}, "Audit"),
        ({"parameters": {"Effect": {"value": "Disabled"}}}, "Disabled"),
        ({"overrides": [{"kind": "policyEffect", "value": "Audit"}]}, "Audit"),
        (
            {
                "overrides": [
                    {
                        "kind": "policyEffect",
                        "value": "Audit",
                        "selectors": [{"kind": "policyDefinitionReferenceId", "in": ["other"]}],
                    }
                ]
            },
            "Deny",
        ),
    ],
)
def test_effects(properties, effect):
    """Override, then parameter, then the definition's default."""
    (row,) = rows(assigned(**properties))
    assert row["effect"] == effect


def initiative(parameters=None):
    members = [
        {
            "policyDefinitionId": DEFINITION,
            "policyDefinitionReferenceId": "admin",
            "parameters": {"effect": {"value": "[parameters('adminEffect')]"}},
        },
        {
            "policyDefinitionId": f"/providers/x/policyDefinitions/{MODIFY}",
            "policyDefinitionReferenceId": "modify",
        },
    ]
    identifier = "/providers/Microsoft.Authorization/policySetDefinitions/set1"
    inside = {
        "policyDefinitions": members,
        "parameters": parameters or {"adminEffect": {"defaultValue": "Audit"}},
    }
    return resource("Microsoft.Authorization/policySetDefinitions", identifier, properties=inside)


def test_initiatives_resolve_their_parameters():
    """Assignment value over initiative default; an initiative that was not read leaves the list open."""
    given = assigned(policyDefinitionId=initiative().id, parameters={"adminEffect": {"value": "Deny"}})
    assert {(row["definitionId"], row["effect"]) for row in rows(given, initiative())} == {
        (ADMIN, "Deny"),
        (MODIFY, "Modify"),
    }
    default = assigned(policyDefinitionId=initiative().id, parameters={})
    assert {row["effect"] for row in rows(default, initiative())} == {"Audit", "Modify"}
    (tail,) = rows(given)
    assert isinstance(tail, UnreadTail)


def exemption(**properties):
    body = {"policyAssignmentId": assigned().id, **properties}
    return resource(EXEMPTIONS, f"{GROUP}/providers/{EXEMPTIONS}/waived", properties=body)


@pytest.mark.parametrize(
    ("properties", "exempt"),
    [
        ({}, True),
        ({"expiresOn": "2026-11-24T00:00:00Z"}, False),
        ({"expiresOn": "2026-12-24T00:00:00Z"}, True),
        ({"policyDefinitionReferenceIds": ["other"]}, False),
        ({"policyAssignmentId": "/subscriptions/other"}, False),
    ],
)
def test_exemptions(properties, exempt):
    """Active ones of this assignment, in scope, for this definition."""
    (row,) = rows(assigned(), exemption(**properties))
    assert row["exempt"] is exempt


def test_policy_states_are_matched():
    """Policy Insights' state of the same assignment and definition stands in the row."""
    kind = "Microsoft.PolicyInsights/policyStates"
    state = resource(
        kind,
        f"{APP}/providers/{kind}/1",
        resourceId=APP.upper(),
        policyAssignmentId=assigned().id.upper(),
        policyDefinitionId=DEFINITION,
        complianceState="NonCompliant",
    )
    (row,) = rows(assigned(), state)
    assert row["complianceState"] == "NonCompliant"


def test_exempted_assignment():
    """An exemption knows whether what it exempts is about registries."""
    built = estate(registry(), assigned(), exemption(), collected={ASSIGNMENTS, EXEMPTIONS})
    (row,) = related(built, "exemptedAssignment", exemption().id, EXEMPTIONS)
    assert row["coversAcr"] is True
