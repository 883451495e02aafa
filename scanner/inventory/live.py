"""The table of what is read live: for each resource type the query or list, its api-version, and who may ask for it.

Bulk comes from Resource Graph; what Graph lacks (https://learn.microsoft.com/azure/governance/resource-graph/reference/supported-tables-resources)
is listed by Azure Resource Manager, once per subscription or per registry. Children that a tier cannot have
(https://learn.microsoft.com/azure/container-registry/container-registry-skus) are not asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

REGISTRIES = "Microsoft.ContainerRegistry/registries"
SUBSCRIPTIONS = "Microsoft.Resources/subscriptions"
MANAGEMENT_GROUPS = "Microsoft.Management/managementGroups"
ENDPOINTS = "Microsoft.Network/privateEndpoints"
ZONE_GROUPS = f"{ENDPOINTS}/privateDnsZoneGroups"
SUBNETS = "Microsoft.Network/virtualNetworks/subnets"
SECURITY_GROUPS = "Microsoft.Network/networkSecurityGroups"
ROUTE_TABLES = "Microsoft.Network/routeTables"
ROLES = "Microsoft.Authorization/roleDefinitions"
ROLE_ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"
ASSIGNMENTS = "Microsoft.Authorization/policyAssignments"
SETS = "Microsoft.Authorization/policySetDefinitions"
DEFINITIONS = "Microsoft.Authorization/policyDefinitions"
STATES = "Microsoft.PolicyInsights/policyStates"
USAGES = f"{REGISTRIES}/usages"
CONNECTIONS = f"{REGISTRIES}/privateEndpointConnections"
AGENT_POOLS = f"{REGISTRIES}/agentPools"

STABLE, PREVIEW = "2025-11-01", "2026-01-01-preview"
"""Api-versions of registries: the stable one decides, the preview one adds the keys that only previews have."""
TASKS_VERSION = "2025-03-01-preview"
TRANSFER_VERSION = "2025-06-01-preview"
NETWORK_VERSION = "2023-09-01"
STATES_VERSION = "2019-10-01"
PREMIUM = frozenset({"premium"})
MANAGED = frozenset({"basic", "standard", "premium"})
TIERS = MANAGED | {"classic"}
"""Tiers that are known; a registry of another one is asked for everything."""


@dataclass(frozen=True, slots=True)
class Query:
    """One Resource Graph query. `types`: what its rows are; `above`: also rows at management groups and the root.

    `everywhere`: over all visible subscriptions, also those that are not scanned (an endpoint may lie in a hub).
    """

    name: str
    text: str
    types: tuple[str, ...]
    above: bool = False
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class List:
    """One list of Azure Resource Manager below a scope. `leaf` is what follows the scope; `tiers`: which registries."""

    type: str
    leaf: str
    version: str
    tiers: frozenset[str] = MANAGED
    filter: str = ""


_COLUMNS = "project id, name, type, location, subscriptionId, kind, sku, identity, tags, zones, properties, apiVersion"
_PLAIN = "project id, name, type, properties"


def _resources(name: str, kind: str, *more: str, everywhere: bool = False) -> Query:
    where = f"where type =~ '{kind.lower()}'"
    return Query(
        name,
        " | ".join(("resources", where, *more, _COLUMNS, "order by id asc")),
        (kind,),
        everywhere=everywhere,
    )


REGISTRY_QUERY = _resources("registries", REGISTRIES)
_OF_REGISTRIES = "where properties has 'microsoft.containerregistry/registries'"

QUERIES = (
    REGISTRY_QUERY,
    *(
        _resources(leaf, f"{REGISTRIES}/{leaf}")
        for leaf in ("replications", "webhooks", "tasks", "taskRuns", "agentPools")
    ),
    _resources("privateEndpoints", ENDPOINTS, _OF_REGISTRIES, everywhere=True),
    _resources("managedClusters", "Microsoft.ContainerService/managedClusters"),
    Query("roleAssignments", f"authorizationresources | where type =~ 'microsoft.authorization/roleassignments' | {_PLAIN} | order by id asc", (ROLE_ASSIGNMENTS,), above=True),
    Query("roleDefinitions", f"authorizationresources | where type =~ 'microsoft.authorization/roledefinitions' | {_PLAIN} | order by id asc", (ROLES,), above=True),
    Query("policyAssignments", f"policyresources | where type =~ 'microsoft.authorization/policyassignments' | {_PLAIN} | order by id asc", (ASSIGNMENTS,), above=True),
    Query("policyExemptions", f"policyresources | where type =~ 'microsoft.authorization/policyexemptions' | {_PLAIN} | order by id asc", ("Microsoft.Authorization/policyExemptions",), above=True),
    Query("pricings", f"securityresources | where type =~ 'microsoft.security/pricings' | where name in~ ('Containers', 'ContainerRegistry', 'CloudPosture') | {_PLAIN} | order by id asc", ("Microsoft.Security/pricings",)),
    Query("assessments", f"securityresources | where type =~ 'microsoft.security/assessments' | {_OF_REGISTRIES} | {_PLAIN} | order by id asc", ("Microsoft.Security/assessments",)),
    Query("managementGroups", f"resourcecontainers | where type =~ 'microsoft.management/managementgroups' | {_PLAIN} | order by id asc", (MANAGEMENT_GROUPS,), above=True),
)  # fmt: skip
"""What is asked of Resource Graph, for every batch of subscriptions."""

CHAIN_QUERY = Query(
    "subscriptions",
    "resourcecontainers | where type =~ 'microsoft.resources/subscriptions' | project id, name, type, subscriptionId, properties | order by id asc",
    (SUBSCRIPTIONS,),
)
"""Subscriptions with the management groups above them."""


def named_query(kind: str, names: list[str]) -> Query:
    """Policy set definitions or policy definitions by name (checked to be plain names by the caller)."""
    leaf = kind.rpartition("/")[2]
    listed = ", ".join(f"'{name}'" for name in names)
    text = f"policyresources | where type =~ '{kind.lower()}' | where name in~ ({listed}) | {_PLAIN} | order by id asc"
    return Query(leaf, text, (kind,), above=True)


_AUTHORIZATION = "providers/Microsoft.Authorization"
_ABOVE = "atScope()"
PER_SUBSCRIPTION = (
    List(ROLE_ASSIGNMENTS, f"{_AUTHORIZATION}/roleAssignments", "2022-04-01", filter=_ABOVE),
    List(ASSIGNMENTS, f"{_AUTHORIZATION}/policyAssignments", "2023-04-01", filter=_ABOVE),
    List("Microsoft.Authorization/policyExemptions", f"{_AUTHORIZATION}/policyExemptions", "2022-07-01-preview", filter=_ABOVE),
    List("Microsoft.Authorization/locks", f"{_AUTHORIZATION}/locks", "2020-05-01"),
    List("Microsoft.Authorization/denyAssignments", f"{_AUTHORIZATION}/denyAssignments", "2022-04-01"),
    List("Microsoft.Authorization/roleEligibilityScheduleInstances", f"{_AUTHORIZATION}/roleEligibilityScheduleInstances", "2020-10-01"),
    List("Microsoft.Authorization/roleAssignmentScheduleInstances", f"{_AUTHORIZATION}/roleAssignmentScheduleInstances", "2020-10-01"),
)  # fmt: skip
"""What Resource Graph lacks and a subscription lists. What stands above a subscription is asked of both: whether Graph gives it
to somebody who may only read below is said nowhere."""

_UNFINISHED = "Status eq 'Queued' or Status eq 'Started' or Status eq 'Running'"
PER_REGISTRY = (
    *(
        List(f"{REGISTRIES}/{leaf}", leaf, STABLE)
        for leaf in ("tokens", "scopeMaps", "cacheRules", "credentialSets")
    ),
    List(f"{REGISTRIES}/connectedRegistries", "connectedRegistries", STABLE, PREMIUM),
    List(f"{REGISTRIES}/importPipelines", "importPipelines", TRANSFER_VERSION, PREMIUM),
    List(f"{REGISTRIES}/exportPipelines", "exportPipelines", TRANSFER_VERSION, PREMIUM),
    List(USAGES, "listUsages", STABLE),
    List(f"{REGISTRIES}/runs", "runs", TASKS_VERSION, filter=_UNFINISHED),
    List(
        "Microsoft.Insights/diagnosticSettings",
        "providers/Microsoft.Insights/diagnosticSettings",
        "2021-05-01-preview",
        TIERS,
    ),
)
"""What Resource Graph lacks and a registry lists. Of runs only those that have not finished: thousands lie behind them."""

VERSIONS = {
    REGISTRIES: STABLE,
    **{one.type: one.version for one in PER_REGISTRY if one.leaf not in ("listUsages", "runs")},
    **{f"{REGISTRIES}/{leaf}": STABLE for leaf in ("replications", "webhooks", "privateEndpointConnections")},
    f"{REGISTRIES}/tasks": TASKS_VERSION,
    AGENT_POOLS: TASKS_VERSION,
    ENDPOINTS: NETWORK_VERSION,
    ROLE_ASSIGNMENTS: "2022-04-01",
    "Microsoft.Security/pricings": "2024-01-01",
    "Microsoft.ContainerService/managedClusters": "2024-09-01",
    ASSIGNMENTS: "2023-04-01",
    "Microsoft.Authorization/policyExemptions": "2022-07-01-preview",
}
"""Api-versions for reading one resource by its id."""

ALWAYS = (
    SUBSCRIPTIONS,
    ZONE_GROUPS,
    SUBNETS,
    SECURITY_GROUPS,
    ROUTE_TABLES,
    SETS,
    DEFINITIONS,
    CONNECTIONS,
    STATES,
)
"""Types that are read in ways of their own."""

COLLECTED = tuple(
    dict.fromkeys(
        (
            *(kind for query in QUERIES for kind in query.types),
            *(one.type for one in (*PER_SUBSCRIPTION, *PER_REGISTRY)),
            *ALWAYS,
        )
    )
)
"""Every type a live collection answers for, so that an empty one is known to be empty."""


def read_action(kind: str) -> str:
    """The action that lets somebody read resources of a type."""
    if kind == STATES:
        return f"{STATES}/queryResults/action"
    return f"{REGISTRIES}/listUsages/read" if kind == USAGES else f"{kind}/read"
