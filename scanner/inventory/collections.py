"""The one table of collections: for each resource type the level at which Azure lists it, and whether it is opt-in."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

_R = "Microsoft.ContainerRegistry/registries"

REGISTRY, ENDPOINT, SUBSCRIPTION, TENANT = "registry", "endpoint", "subscription", "tenant"

LEVELS: Final = MappingProxyType(
    {
        name.lower(): level
        for level, names in {
            REGISTRY: (
                *(
                    f"{_R}/{child}"
                    for child in (
                        "replications",
                        "webhooks",
                        "tokens",
                        "scopeMaps",
                        "cacheRules",
                        "credentialSets",
                        "connectedRegistries",
                        "privateEndpointConnections",
                        "usages",
                        "tasks",
                        "runs",
                        "taskRuns",
                        "agentPools",
                        "importPipelines",
                        "exportPipelines",
                        "repositories",
                        "repositories/manifests",
                        "repositories/tags",
                    )
                ),
                "Microsoft.Insights/diagnosticSettings",
                "acrscan/endpoints",
            ),
            ENDPOINT: ("Microsoft.Network/privateEndpoints/privateDnsZoneGroups",),
            SUBSCRIPTION: (
                _R,
                "Microsoft.Authorization/roleAssignments",
                "Microsoft.Authorization/denyAssignments",
                "Microsoft.Authorization/roleEligibilityScheduleInstances",
                "Microsoft.Authorization/roleAssignmentScheduleInstances",
                "Microsoft.Authorization/locks",
                "Microsoft.Authorization/policyAssignments",
                "Microsoft.Authorization/policyExemptions",
                "Microsoft.PolicyInsights/policyStates",
                "Microsoft.Security/pricings",
                "Microsoft.Security/assessments",
                "Microsoft.Network/privateEndpoints",
                "Microsoft.ContainerService/managedClusters",
            ),
        }.items()
        for name in names
    }
)
"""Lower-case type -> level; a type that is not here is complete once any answer gave it."""

OPT_IN: Final = (
    f"{_R}/repositories",
    f"{_R}/repositories/manifests",
    f"{_R}/repositories/tags",
    "acrscan/endpoints",
)
"""Types of the data plane and the probe, which a user asks for."""


def level_of(kind: str) -> str:
    """The level at which a type is listed."""
    return LEVELS.get(kind.lower(), TENANT)
