"""The one table of relations: what a rule may ask for about a target, and what must have been read to answer.

A relation is `related.<name>` in a rule. ARM relations give whole resources, computed ones flat rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

REGISTRIES = "Microsoft.ContainerRegistry/registries"
REPOSITORIES = f"{REGISTRIES}/repositories"
MANIFESTS = f"{REPOSITORIES}/manifests"
TAGS = f"{REPOSITORIES}/tags"
PROBED = "acrscan/endpoints"
TASKS = f"{REGISTRIES}/tasks"
AGENT_POOLS = f"{REGISTRIES}/agentPools"
CLUSTERS = "Microsoft.ContainerService/managedClusters"
PRICINGS = "Microsoft.Security/pricings"
ASSESSMENTS = "Microsoft.Security/assessments"
SUBSCRIPTIONS = "Microsoft.Resources/subscriptions"
MANAGEMENT_GROUPS = "Microsoft.Management/managementGroups"
ROLE_ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"
ROLE_DEFINITIONS = "Microsoft.Authorization/roleDefinitions"
DENY_ASSIGNMENTS = "Microsoft.Authorization/denyAssignments"
ELIGIBILITIES = "Microsoft.Authorization/roleEligibilityScheduleInstances"
SCHEDULES = "Microsoft.Authorization/roleAssignmentScheduleInstances"
LOCKS = "Microsoft.Authorization/locks"
POLICY_ASSIGNMENTS = "Microsoft.Authorization/policyAssignments"
POLICY_EXEMPTIONS = "Microsoft.Authorization/policyExemptions"
POLICY_SETS = "Microsoft.Authorization/policySetDefinitions"
POLICY_STATES = "Microsoft.PolicyInsights/policyStates"
DIAGNOSTICS = "Microsoft.Insights/diagnosticSettings"
ENDPOINTS = "Microsoft.Network/privateEndpoints"
ZONE_GROUPS = f"{ENDPOINTS}/privateDnsZoneGroups"
SUBNETS = "Microsoft.Network/virtualNetworks/subnets"
SECURITY_GROUPS = "Microsoft.Network/networkSecurityGroups"
ROUTE_TABLES = "Microsoft.Network/routeTables"

CHILDREN = {
    "replications": f"{REGISTRIES}/replications",
    "webhooks": f"{REGISTRIES}/webhooks",
    "tokens": f"{REGISTRIES}/tokens",
    "scopeMaps": f"{REGISTRIES}/scopeMaps",
    "cacheRules": f"{REGISTRIES}/cacheRules",
    "credentialSets": f"{REGISTRIES}/credentialSets",
    "connectedRegistries": f"{REGISTRIES}/connectedRegistries",
    "privateEndpointConnections": f"{REGISTRIES}/privateEndpointConnections",
    "usages": f"{REGISTRIES}/usages",
    "tasks": TASKS,
    "runs": f"{REGISTRIES}/runs",
    "taskRuns": f"{REGISTRIES}/taskRuns",
    "agentPools": AGENT_POOLS,
    "repositories": REPOSITORIES,
    "importPipelines": f"{REGISTRIES}/importPipelines",
    "exportPipelines": f"{REGISTRIES}/exportPipelines",
    "endpoints": PROBED,
}
"""Relation -> type of a registry's children."""


@dataclass(frozen=True, slots=True)
class Relation:
    """One row. `of`: target types in lower case; `kind`: how it is found (see `estate`); `element`: type of its rows.

    `collections`: types that must have been read; `key`: fields that identify an element; `cause`: the field whose
    value is one cause for many targets (`subscription`: the target's subscription), or "".
    """

    name: str
    of: tuple[str, ...]
    element: str
    kind: str
    collections: tuple[str, ...]
    doc: str
    key: tuple[str, ...] = ("id",)
    cause: str = ""


def _of(*names: str) -> tuple[str, ...]:
    return tuple(name.lower() for name in names)


_OF_REGISTRY = _of(*CHILDREN.values())
_ACCESS = (ROLE_ASSIGNMENTS, f"{REGISTRIES}/tokens", f"{REGISTRIES}/scopeMaps")

TABLE = (
    *(
        Relation(name, _of(REGISTRIES), kind, "children", (kind,), f"the registry's {name}")
        for name, kind in CHILDREN.items()
    ),
    *(
        Relation(name, tuple(of for of in _OF_REGISTRY if of != kind.lower()), kind, "children", (kind,), f"the {name} of the same registry")
        for name, kind in CHILDREN.items()
    ),
    Relation("pipelines", _of(REGISTRIES), "", "pipelines", (CHILDREN["importPipelines"], CHILDREN["exportPipelines"]), "import and export pipelines together"),
    Relation("registry", _OF_REGISTRY, REGISTRIES, "parent", (REGISTRIES,), "the registry it belongs to"),
    Relation("registries", _of(PRICINGS), REGISTRIES, "registriesBelow", (REGISTRIES,), "the registries of the subscription"),
    Relation("registries", _of(CLUSTERS), REGISTRIES, "all", (REGISTRIES,), "all registries of the inventory"),
    Relation("replications", _of(CLUSTERS), CHILDREN["replications"], "all", (CHILDREN["replications"],), "all replicas of the inventory"),
    Relation("manifests", _of(REPOSITORIES), MANIFESTS, "own", (MANIFESTS,), "the repository's manifests", ("digest",)),
    Relation("tags", _of(REPOSITORIES), TAGS, "own", (TAGS,), "the repository's tags", ("name",)),
    Relation("storage", _of(REPOSITORIES), "acrscan/storage", "storage", (MANIFESTS,), "what the repository's manifests take and what deleting untagged ones would free", ("repository",)),
    Relation("diagnosticSettings", _of(REGISTRIES), DIAGNOSTICS, "extension", (DIAGNOSTICS,), "diagnostic settings on the resource itself (never inherited)"),
    Relation("assessments", _of(REGISTRIES), ASSESSMENTS, "extension", (ASSESSMENTS,), "Defender's assessments of the registry"),
    Relation("policyStates", _of(REGISTRIES), POLICY_STATES, "extension", (POLICY_STATES,), "Policy Insights' latest states of the registry", ("policyAssignmentId", "policyDefinitionId")),
    Relation("roleAssignments", _of(REGISTRIES), ROLE_ASSIGNMENTS, "inherited", (ROLE_ASSIGNMENTS,), "role assignments on the registry and above it"),
    Relation("locks", _of(REGISTRIES), LOCKS, "inherited", (LOCKS,), "locks on the registry and above it"),
    Relation("exemptions", _of(REGISTRIES), POLICY_EXEMPTIONS, "inherited", (POLICY_EXEMPTIONS,), "policy exemptions on the registry and above it"),
    Relation("pricings", _of(REGISTRIES, PRICINGS), PRICINGS, "pricings", (PRICINGS,), "Defender plans of the subscription"),
    Relation("subscriptions", _of(REGISTRIES), SUBSCRIPTIONS, "all", (SUBSCRIPTIONS,), "all subscriptions of the inventory"),
    Relation("privateEndpoints", _of(REGISTRIES), ENDPOINTS, "endpoints", (ENDPOINTS, ZONE_GROUPS), "private endpoints that lead to the registry, with their DNS zone groups"),
    Relation("privateDnsZoneGroups", _of(ENDPOINTS), ZONE_GROUPS, "own", (ZONE_GROUPS,), "the private endpoint's DNS zone groups"),
    Relation("access", _of(REGISTRIES), "acrscan/access", "access", _ACCESS, "who can do what, and through which path", ("principalId", "can", "at"), "via.assignmentId"),
    Relation("enforcement", _of(REGISTRIES), "acrscan/enforcement", "enforcement", (POLICY_ASSIGNMENTS,), "policies that act on the registry, with their effects", ("definitionId", "assignmentId"), "subscription"),
    Relation("exemptedAssignment", _of(POLICY_EXEMPTIONS), "acrscan/exemptedAssignment", "exempted", (POLICY_ASSIGNMENTS,), "the exempted assignment and the definitions it brings", ("assignmentId",)),
    Relation("identityAccess", _of(TASKS), "acrscan/identityAccess", "taskIdentities", (ROLE_ASSIGNMENTS,), "roles that the task's identities hold anywhere", ("principalId", "roleDefinitionId", "scope")),
    Relation("identityAccess", _of(CLUSTERS), "acrscan/identityAccess", "kubelet", (ROLE_ASSIGNMENTS, REGISTRIES), "what the cluster's kubelet identity can do on each registry", ("principalId", "registry", "can")),
    Relation("subnetRules", _of(AGENT_POOLS), "acrscan/subnetRules", "subnetRules", (SUBNETS,), "whether the pool's subnet lets out what ACR Tasks need", ("service", "port")),
)  # fmt: skip
"""Every relation; the same name may stand for several targets."""


@lru_cache(maxsize=256)
def relations_for(target: str) -> tuple[Relation, ...]:
    """The relations of a target type, in the order of the table."""
    return tuple(row for row in TABLE if target.lower() in row.of)


def relation(name: str, target: str) -> Relation | None:
    """The relation of that name for a target type, or None."""
    return next((row for row in relations_for(target) if row.name == name), None)
