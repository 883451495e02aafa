"""Facts about resource types: how they are written, the api-versions that they have, the Resource Graph table they are in.

Source: https://learn.microsoft.com/azure/governance/resource-graph/reference/supported-tables-resources
"""

from __future__ import annotations

from dataclasses import dataclass

_STABLE = ("2017-10-01", "2019-05-01", "2021-09-01", "2022-12-01", "2023-07-01", "2025-04-01", "2025-11-01")
_PREVIEWS = (
    "2023-11-01-preview", "2024-11-01-preview", "2025-03-01-preview", "2025-05-01-preview", "2025-06-01-preview",
    "2025-09-01-preview", "2025-12-01-preview", "2026-01-01-preview", "2026-03-01-preview",
)  # fmt: skip
_TASKS = ("2019-04-01", "2019-06-01-preview", "2025-03-01-preview")
_ROLES = ("2022-04-01",)
_POLICIES = ("2021-06-01", "2023-04-01", "2025-01-01")
_NETWORK = ("2023-09-01", "2024-05-01")


@dataclass(frozen=True, slots=True)
class Kind:
    """One type. `versions`: oldest first; `table`: where Resource Graph has it, or nothing."""

    name: str
    versions: tuple[str, ...]
    table: str = ""

    @property
    def latest(self) -> str:
        """The newest stable api-version, or the newest of all."""
        stable = [one for one in self.versions if not one.endswith("-preview")]
        return (stable or self.versions)[-1]


def _registry(leaf: str, versions: tuple[str, ...], table: str = "") -> Kind:
    return Kind(f"Microsoft.ContainerRegistry/registries{leaf}", versions, table)


_ALL = (
    _registry("", _STABLE + _PREVIEWS, "resources"),
    _registry("/listUsages", _STABLE + _PREVIEWS),
    _registry("/replications", _STABLE + _PREVIEWS, "resources"),
    _registry("/webhooks", _STABLE + _PREVIEWS, "resources"),
    _registry("/privateEndpointConnections", _STABLE[2:] + _PREVIEWS),
    *(_registry(leaf, _STABLE[3:] + _PREVIEWS) for leaf in ("/tokens", "/scopeMaps")),
    *(_registry(leaf, _STABLE[4:] + _PREVIEWS) for leaf in ("/cacheRules", "/credentialSets")),
    _registry("/connectedRegistries", _STABLE[6:] + _PREVIEWS),
    *(_registry(leaf, _PREVIEWS) for leaf in ("/importPipelines", "/exportPipelines", "/pipelineRuns")),
    *(_registry(leaf, _TASKS, "resources") for leaf in ("/tasks", "/taskRuns", "/agentPools")),
    _registry("/runs", _TASKS),
    Kind("Microsoft.Insights/diagnosticSettings", ("2017-05-01-preview", "2021-05-01-preview")),
    Kind("Microsoft.Authorization/roleAssignments", _ROLES, "authorizationresources"),
    Kind("Microsoft.Authorization/roleDefinitions", _ROLES, "authorizationresources"),
    Kind("Microsoft.Authorization/denyAssignments", _ROLES),
    Kind("Microsoft.Authorization/permissions", _ROLES),
    Kind("Microsoft.Authorization/roleEligibilityScheduleInstances", ("2020-10-01",)),
    Kind("Microsoft.Authorization/roleAssignmentScheduleInstances", ("2020-10-01",)),
    Kind("Microsoft.Authorization/locks", ("2016-09-01", "2020-05-01")),
    Kind("Microsoft.Authorization/policyAssignments", _POLICIES, "policyresources"),
    Kind("Microsoft.Authorization/policyDefinitions", _POLICIES, "policyresources"),
    Kind("Microsoft.Authorization/policySetDefinitions", _POLICIES, "policyresources"),
    Kind("Microsoft.Authorization/policyExemptions", ("2022-07-01-preview", "2024-12-01-preview"), "policyresources"),
    Kind("Microsoft.PolicyInsights/policyStates", ("2019-10-01", "2024-10-01"), "policyresources"),
    Kind("Microsoft.Security/pricings", ("2023-01-01", "2024-01-01"), "securityresources"),
    Kind("Microsoft.Security/assessments", ("2020-01-01", "2021-06-01"), "securityresources"),
    *(Kind(f"Microsoft.Network/{leaf}", _NETWORK, "resources") for leaf in ("privateEndpoints", "networkSecurityGroups", "routeTables", "virtualNetworks")),
    *(Kind(f"Microsoft.Network/{leaf}", _NETWORK) for leaf in ("privateEndpoints/privateDnsZoneGroups", "virtualNetworks/subnets")),
    Kind("Microsoft.ContainerService/managedClusters", ("2024-05-01", "2024-09-01"), "resources"),
    Kind("Microsoft.Resources/subscriptions", ("2020-01-01", "2022-12-01"), "resourcecontainers"),
    Kind("Microsoft.Resources/subscriptions/resourceGroups", ("2021-04-01", "2022-09-01")),
    Kind("Microsoft.Management/managementGroups", ("2020-05-01", "2021-04-01", "2023-04-01"), "resourcecontainers"),
    Kind("Microsoft.ResourceGraph/resources", ("2022-10-01", "2024-04-01")),
)  # fmt: skip

KINDS = {one.name.lower(): one for one in _ALL}
"""Lower-case type -> its facts."""
TABLES = frozenset({one.table for one in _ALL if one.table})


def table_of(kind: str) -> str:
    """The Resource Graph table of a type (lower case); top-level types that are not listed here are plain resources."""
    known = KINDS.get(kind)
    if known is not None:
        return known.table
    return "resources" if kind.count("/") == 1 else ""


def split(path: str) -> tuple[str, str, bool]:
    """(scope, type, whether it ends with a name) of a lower-case path."""
    scope, slash, tail = path.rpartition("/providers/")
    if slash:
        parts = tail.split("/")
        return scope, "/".join([parts[0], *parts[1::2]]), len(parts) % 2 == 1
    parts = path.split("/")
    if parts[:2] != ["", "subscriptions"] or len(parts) not in (2, 3, 4, 5):
        return "", "", False
    kind = "microsoft.resources/subscriptions" + ("/resourcegroups" if len(parts) > 3 else "")
    if len(parts) > 3 and parts[3] != "resourcegroups":
        return "", "", False
    return "/".join(parts[:3]) if len(parts) > 3 else "", kind, len(parts) % 2 == 1


def action_of(path: str) -> str:
    """The action that reads a path (lower case), written as Azure writes it."""
    _, kind, _ = split(path)
    known = KINDS.get(kind)
    return f"{known.name if known else kind}/read"
