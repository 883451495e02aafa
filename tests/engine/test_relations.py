"""The table of relations, and each relation on a small estate: its rows, and what it says when something was not read."""

from __future__ import annotations

from typing import Any

import pytest

from scanner import types
from scanner.engine.estate import Estate
from scanner.engine.relations import CHILDREN, TABLE, relation, relations_for
from scanner.model.resource import Origin, Resource, SourceRun
from scanner.model.values import Unknown, UnreadTail
from tests.engine.building import (
    ANN,
    APP,
    ASSIGNMENTS,
    BOB,
    GROUP,
    NOW,
    OWNER,
    PULL,
    PUSH,
    REGISTRIES,
    SUB,
    assignment,
    estate,
    inventory,
    registry,
    related,
    resource,
)

TOKENS = f"{REGISTRIES}/tokens"
MAPS = f"{REGISTRIES}/scopeMaps"
REPOSITORIES = f"{REGISTRIES}/repositories"
PRICINGS = "Microsoft.Security/pricings"
CLUSTERS = "Microsoft.ContainerService/managedClusters"
DIAGNOSTICS = "Microsoft.Insights/diagnosticSettings"
ENDPOINTS = "Microsoft.Network/privateEndpoints"
ZONES = f"{ENDPOINTS}/privateDnsZoneGroups"
OTHER = "/subscriptions/22222222-2222-4222-8222-222222222222"


def child(name, identifier, home=APP, **properties):
    return resource(CHILDREN[name], f"{home}/{name}/{identifier}", properties=properties)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.name}-{row.of[0].rpartition('/')[2]}")
def test_every_relation_is_documented_and_known_to_the_facts(row):
    """A sentence, a key, an element type with facts, and targets with facts (or the scanner's own)."""
    assert row.doc
    assert row.key
    facts = types.facts_for(row.element) if row.element else None
    assert facts or row.name == "pipelines"
    assert all(types.facts_for(target) for target in row.of)
    if facts and facts.computed:
        assert (
            set(row.key) <= {path.split(".")[0] for path in facts.facts} or row.element == "acrscan/storage"
        )


def test_a_name_is_one_relation_per_target():
    """No target has two relations of a name; lookups take any casing."""
    for target in {target for row in TABLE for target in row.of}:
        names = [row.name for row in relations_for(target)]
        assert len(names) == len(set(names))
    assert relation("tokens", REGISTRIES.upper()) is not None
    assert relation("tokens", PRICINGS) is None


@pytest.mark.parametrize("name", sorted(CHILDREN))
def test_children_of_a_registry(name):
    """Each child type, of this registry only."""
    built = estate(registry(), registry(f"{APP}2"), child(name, "one"), child(name, "two", f"{APP}2"))
    assert [row.name for row in related(built, name)] == ["one"]


def test_children_in_one_pass_for_many_registries():
    """Every registry gets its own, in the order of the inventory."""
    homes = [f"{APP}{number:02d}" for number in range(30)]
    built = estate(*(registry(home) for home in homes), *(child("tokens", "t", home) for home in homes[::2]))
    found = {
        linked.resource.id: [row.id for row in linked.related("tokens")]
        for linked in built.targets(REGISTRIES, frozenset({"tokens"}))
    }
    assert found == {
        home: [f"{home}/tokens/t"] if number % 2 == 0 else [] for number, home in enumerate(homes)
    }


def test_a_child_knows_its_registry_and_its_siblings():
    """Tokens see scope maps; a child whose registry is not there says so."""
    orphan = child("tokens", "x", f"{APP}2")
    built = estate(registry(), child("tokens", "t"), child("scopeMaps", "m"), child("scopeMaps", "n"), orphan)
    wanted = frozenset({"registry", "scopeMaps", "tokens"})
    mine, lost = built.targets(TOKENS, wanted)
    assert [row.id for row in mine.related("registry")] == [APP]
    assert [row.name for row in mine.related("scopeMaps")] == ["m", "n"]
    assert isinstance(lost.related("registry"), Unknown)
    assert lost.related("scopeMaps") == []
    assert isinstance(mine.related("webhooks"), Unknown)


def test_both_sorts_of_pipelines():
    """Import and export pipelines together; one of them not collected leaves the list open."""
    rows = (child("importPipelines", "i"), child("exportPipelines", "e"))
    assert {row.name for row in related(estate(registry(), *rows), "pipelines")} == {"i", "e"}
    found = related(estate(registry(), rows[0]), "pipelines")
    assert isinstance(found[-1], UnreadTail)


def test_usages_carry_their_share():
    """Percent of the limit; an unlimited quota has none."""
    rows = [
        resource(CHILDREN["usages"], f"{APP}/usages/{name}", limit=limit, currentValue=9)
        for name, limit in (("Webhooks", 10), ("Tokens", -1))
    ]
    found = {row.name: row.body.get("percent") for row in related(estate(registry(), *rows), "usages")}
    assert found == {"Webhooks": 90, "Tokens": None}


def test_extension_rows_are_never_inherited():
    """Diagnostic settings of the registry itself; not of its group, not of its namesake."""
    scopes = (APP, GROUP, f"{APP}2", f"{APP}/webhooks/w")
    rows = [
        resource(DIAGNOSTICS, f"{scope}/providers/{DIAGNOSTICS}/d{number}", properties={})
        for number, scope in enumerate(scopes)
    ]
    assert [row.name for row in related(estate(registry(), *rows), "diagnosticSettings")] == ["d0"]


def test_policy_states_say_what_they_are_about():
    """A state is matched by its resourceId, in any casing."""
    kind = "Microsoft.PolicyInsights/policyStates"
    row = resource(
        kind, "/states/1", resourceId=APP.lower(), policyAssignmentId="/a", policyDefinitionId="/d"
    )
    assert related(estate(registry(), row), "policyStates") == [row]


def plan(name, subscription=SUB):
    return resource(
        PRICINGS, f"{subscription}/providers/{PRICINGS}/{name}", properties={"pricingTier": "Standard"}
    )


def test_plans_and_registries_of_a_subscription():
    """A registry sees its subscription's plans, a plan its subscription's registries."""
    elsewhere = APP.replace(SUB, OTHER)
    built = estate(
        registry(), registry(elsewhere), plan("Containers"), plan("CloudPosture"), plan("Containers", OTHER)
    )
    assert {row.name for row in related(built, "pricings")} == {"Containers", "CloudPosture"}
    found = {
        linked.resource.id: [row.id for row in linked.related("registries")]
        for linked in built.targets(PRICINGS, frozenset({"registries"}))
    }
    assert set(map(tuple, found.values())) == {(APP,), (elsewhere,)}
    assert len(found) == 3


def test_manifests_and_tags_of_a_repository():
    """Repositories of one registry do not see each other's."""
    rows = []
    for name in ("app", "app%2Fweb"):
        home = f"{APP}/repositories/{name}"
        rows += [
            resource(REPOSITORIES, home),
            resource(f"{REPOSITORIES}/manifests", f"{home}/manifests/sha256:{name}"),
        ]
        rows += [resource(f"{REPOSITORIES}/tags", f"{home}/tags/v1")]
    built = estate(registry(), *rows)
    for linked in built.targets(REPOSITORIES, frozenset({"manifests", "tags", "registry"})):
        assert [row.name for row in linked.related("manifests")] == [f"sha256:{linked.resource.name}"]
        assert [row.id for row in linked.related("tags")] == [f"{linked.resource.id}/tags/v1"]
        assert [row.id for row in linked.related("registry")] == [APP]


def test_what_is_not_collected_is_unknown():
    """No run: Unknown, never an empty list. A run without rows: an empty list."""
    found = related(estate(registry()), "webhooks")
    assert found == Unknown(f"{REGISTRIES}/webhooks not collected", "not-collected")
    assert related(estate(registry(), collected={f"{REGISTRIES}/webhooks"}), "webhooks") == []


@pytest.mark.parametrize(
    ("scope", "touched"),
    [
        ("", True),
        ("/", True),
        (SUB, True),
        (GROUP.upper(), True),
        (APP, True),
        (f"{APP}2", False),
        (OTHER, False),
    ],
)
def test_problems_count_where_they_are(scope, touched):
    """A missing page at or above the registry leaves its list open; elsewhere it does not matter."""
    built = estate(registry(), child("webhooks", "w"), problems={f"{REGISTRIES}/webhooks": [(scope, "403")]})
    rows = related(built, "webhooks")
    assert rows[0].name == "w"
    assert [row.reason for row in rows[1:]] == (["403"] if touched else [])
    empty = estate(registry(), problems={f"{REGISTRIES}/webhooks": [(scope, "403")]})
    assert related(empty, "webhooks") == (Unknown("403") if touched else [])


def test_a_failed_collection_is_unknown_everywhere():
    """Even when the run does not say why."""
    held = inventory(registry())
    runs = (*held.runs, SourceRun("saved", f"{REGISTRIES}/webhooks", "failed"))
    built = Estate(type(held)(held.parts, runs, held.digest, NOW), now=NOW)
    assert isinstance(related(built, "webhooks"), Unknown)


def test_opt_in_sources_are_not_asked_for():
    """The data plane: said by a run, or by its absence; an ordinary collection without a run is not opt-in."""
    built = estate(registry())
    assert built.not_asked(REPOSITORIES) == "data plane not asked for"
    manifests = relation("manifests", REPOSITORIES)
    assert manifests is not None
    assert built.not_asked(manifests)
    assert built.not_asked(f"{REGISTRIES}/webhooks") == ""
    assert estate(registry(), collected={REPOSITORIES}).not_asked(REPOSITORIES) == ""
    held = inventory(registry())
    runs = (*held.runs, SourceRun("probe", "acrscan/endpoints", "not-asked"))
    probe = Estate(type(held)(held.parts, runs, held.digest, NOW), now=NOW)
    assert probe.not_asked("acrscan/endpoints") == "probe of endpoints not asked for"


def test_notes_tell_what_access_was_worked_out_without():
    """Deny assignments and PIM schedules: their absence changes no row, but a reader should know."""
    assert "denyAssignments" in estate(registry()).notes()[0]
    kinds = ("denyAssignments", "roleEligibilityScheduleInstances", "roleAssignmentScheduleInstances")
    assert estate(registry(), collected={f"Microsoft.Authorization/{kind}" for kind in kinds}).notes() == ()


def endpoint(name, target=APP, subscription=SUB):
    identifier = f"{subscription}/resourceGroups/net/providers/{ENDPOINTS}/{name}"
    link = {"name": "l", "properties": {"privateLinkServiceId": target}}
    return resource(ENDPOINTS, identifier, properties={"privateLinkServiceConnections": [link]})


def names(*endpoints):
    return [
        {"name": str(number), "properties": {"privateEndpoint": {"id": identifier}}}
        for number, identifier in enumerate(endpoints)
    ]


def test_private_endpoints_with_their_zone_groups():
    """Those that lead to the registry, in any casing, with the zone groups below them."""
    one, other = endpoint("one", APP.upper()), endpoint("other", f"{APP}2")
    zone = resource(ZONES, f"{one.id}/privateDnsZoneGroups/default", properties={})
    built = estate(registry(privateEndpointConnections=names(one.id)), one, other, zone)
    (found,) = related(built, "privateEndpoints")
    assert found.id == one.id
    assert [row["name"] for row in found.body["privateDnsZoneGroups"]] == ["default"]


def test_an_endpoint_of_a_subscription_that_was_not_read_is_a_row_without_contents():
    """Its id is certain, the rest is not known; the other endpoints are complete."""
    one = endpoint("one")
    foreign = endpoint("two", subscription=OTHER).id
    built = estate(registry(privateEndpointConnections=names(one.id, foreign)), one, collected={ZONES})
    rows = {row.id: row.body["privateDnsZoneGroups"] for row in related(built, "privateEndpoints")}
    assert rows[one.id] == []
    assert isinstance(rows[foreign], Unknown)
    gone = f"{one.id}-gone"
    deleted = estate(registry(privateEndpointConnections=names(gone)), one, collected={ZONES})
    assert [row.id for row in related(deleted, "privateEndpoints")] == [one.id]


def test_endpoints_are_open_where_the_registry_does_not_name_them():
    """Without the registry's own list, a subscription that was not read may hold one."""
    built = estate(registry(), endpoint("one"), collected={ZONES}, problems={ENDPOINTS: [(OTHER, "403")]})
    assert isinstance(related(built, "privateEndpoints")[-1], UnreadTail)
    listed = estate(
        registry(privateEndpointConnections=[]), collected={ZONES}, problems={ENDPOINTS: [(OTHER, "403")]}
    )
    assert related(listed, "privateEndpoints") == []


def cluster(principal=BOB):
    profile = {"kubeletIdentity": {"objectId": principal}} if principal else {}
    return resource(
        CLUSTERS,
        f"{GROUP}/providers/{CLUSTERS}/aks",
        properties={"identityProfile": profile},
    )


def test_what_a_kubelet_may_do_on_each_registry():
    """One row per registry and capability, through whichever scope."""
    other = f"{APP}2"
    built = estate(
        registry(), registry(other), cluster(), assignment(PULL, GROUP, BOB), assignment(PUSH, other, BOB, 2)
    )
    rows = related(built, "identityAccess", cluster().id, CLUSTERS)
    assert {(row["registry"], row["can"], row["role"], row["level"]) for row in rows} == {
        (APP, "pull", "AcrPull", "group"),
        (APP, "catalog", "AcrPull", "group"),
        (other, "pull", "AcrPull", "group"),
        (other, "catalog", "AcrPull", "group"),
        (other, "pull", "AcrPush", "registry"),
        (other, "catalog", "AcrPush", "registry"),
        (other, "push", "AcrPush", "registry"),
    }
    assert {row["loginServer"] for row in rows} == {"app.azurecr.io"}
    assert isinstance(
        related(estate(registry(), cluster("")), "identityAccess", cluster().id, CLUSTERS), Unknown
    )


def test_tokens_that_were_not_read_do_not_open_a_kubelets_list():
    """A kubelet logs in with a role; what is missing of other doors says nothing about it."""
    held = inventory(registry(), cluster(), assignment(PULL, APP, BOB))
    built = Estate(held, now=NOW)
    rows = related(built, "identityAccess", cluster().id, CLUSTERS)
    assert {row["can"] for row in rows} == {"pull", "catalog"}
    unread = estate(registry(), cluster(), assignment(PULL, APP, BOB), problems={ASSIGNMENTS: [(APP, "429")]})
    assert isinstance(related(unread, "identityAccess", cluster().id, CLUSTERS)[-1], UnreadTail)


def task(**identity):
    return resource(CHILDREN["tasks"], f"{APP}/tasks/build", identity=identity, properties={})


def test_roles_of_a_tasks_identities():
    """System-assigned and user-assigned, anywhere; an identity without an object id leaves the list open."""
    vault = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
    built = estate(
        registry(),
        task(principalId=ANN, userAssignedIdentities={"/id/one": {"principalId": BOB.upper()}}),
        assignment(PULL, APP),
        assignment(OWNER, vault, BOB, 2),
        assignment(PUSH, APP, "someone-else", 3),
    )
    rows = related(built, "identityAccess", task().id, CHILDREN["tasks"])
    assert {(row["principalId"], row["role"], row["scope"]) for row in rows} == {
        (ANN, "AcrPull", APP),
        (BOB, "Owner", vault),
    }
    bare = estate(registry(), task(userAssignedIdentities={"/id/one": {}}))
    assert isinstance(related(bare, "identityAccess", task().id, CHILDREN["tasks"])[-1], UnreadTail)


NSG = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/nsg"
ROUTES = f"{GROUP}/providers/Microsoft.Network/routeTables/rt"
SUBNET = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
DEFAULTS = (
    (65000, "Allow", "VirtualNetwork", "*"),
    (65001, "Allow", "Internet", "*"),
    (65500, "Deny", "*", "*"),
)


def rule(priority, access, target, port):
    properties = {
        "priority": priority,
        "direction": "Outbound",
        "access": access,
        "protocol": "*",
        "sourceAddressPrefix": "*",
        "destinationAddressPrefix": target,
        "destinationPortRange": port,
    }
    return {"name": f"{access}-{target}", "properties": properties}


def pool_rows(*rules, routes=None, endpoints=(), with_group=True):
    """The rows of a pool whose subnet has these outbound rules besides the default ones, as service:port -> access."""
    subnet: dict[str, Any] = {"serviceEndpoints": [{"service": item} for item in endpoints]}
    rows = [
        child("agentPools", "p", virtualNetworkSubnetResourceId=SUBNET.upper()),
        resource("Microsoft.Network/virtualNetworks/subnets", SUBNET, properties=subnet),
    ]
    if with_group:
        subnet["networkSecurityGroup"] = {"id": NSG}
        properties = {
            "securityRules": [rule(*item) for item in rules],
            "defaultSecurityRules": [rule(*item) for item in DEFAULTS],
        }
        rows.append(resource("Microsoft.Network/networkSecurityGroups", NSG, properties=properties))
    if routes is not None:
        subnet["routeTable"] = {"id": ROUTES}
        listed = [{"properties": item} for item in routes]
        rows.append(resource("Microsoft.Network/routeTables", ROUTES, properties={"routes": listed}))
    found = related(estate(registry(), *rows), "subnetRules", f"{APP}/agentPools/p", CHILDREN["agentPools"])
    return {f"{row['service']}:{row['port']}": row["access"] for row in found}


def test_outbound_rules_in_order_of_priority():
    """Open by default; the first rule about a service decides; a regional tag is that service."""
    assert set(pool_rows().values()) == {"Allow"}
    assert set(pool_rows(with_group=False).values()) == {"Allow"}
    closed = (4000, "Deny", "Internet", "*")
    assert set(pool_rows(closed).values()) == {"Deny"}
    some = pool_rows(
        closed,
        (100, "Allow", "Storage.WestEurope", "443"),
        (110, "Allow", "AzureMonitor", "443-12000"),
        (120, "Allow", "EventHub", "80"),
        (130, "Allow", "Sql", "443"),
        (140, "Allow", "10.0.0.0/8", "443"),
    )
    assert {key for key, access in some.items() if access == "Allow"} == {
        "Storage:443",
        "AzureMonitor:443",
        "AzureMonitor:12000",
    }
    assert set(some.values()) == {"Allow", "Deny"}


def test_addresses_cannot_be_mapped_to_services():
    """An allowed public range before a denial may be the service's, and the other way round: not known."""
    assert all(
        isinstance(access, Unknown)
        for access in pool_rows((100, "Allow", "20.0.0.0/8", "*"), (200, "Deny", "Internet", "*")).values()
    )
    assert all(isinstance(access, Unknown) for access in pool_rows((100, "Deny", "20.0.0.0/8", "*")).values())
    assert set(pool_rows((100, "Allow", "20.0.0.0/8", "*")).values()) == {"Allow"}


def test_a_route_to_an_appliance_is_not_known():
    """Except for services that the subnet reaches by a service endpoint; other routes do not matter."""
    through = {
        "addressPrefix": "0.0.0.0/0",
        "nextHopType": "VirtualAppliance",
        "nextHopIpAddress": "10.0.0.4",
    }
    found = pool_rows(routes=[through], endpoints=["Microsoft.Storage"])
    assert {key for key, access in found.items() if access == "Allow"} == {"Storage:443"}
    assert all(isinstance(access, Unknown) for key, access in found.items() if key != "Storage:443")
    local = {"addressPrefix": "10.0.0.0/8", "nextHopType": "VirtualAppliance"}
    assert set(pool_rows(routes=[local]).values()) == {"Allow"}


def test_networks_that_were_not_read():
    """No subnet: nothing to check. A subnet, group or table that is not there: not known."""
    kind = CHILDREN["agentPools"]
    pool = child("agentPools", "p")
    assert related(estate(registry(), pool), "subnetRules", pool.id, kind) == []
    pool = child("agentPools", "p", virtualNetworkSubnetResourceId=SUBNET)
    assert isinstance(related(estate(registry(), pool), "subnetRules", pool.id, kind), Unknown)
    subnet = resource(
        "Microsoft.Network/virtualNetworks/subnets", SUBNET, properties={"networkSecurityGroup": {"id": NSG}}
    )
    rows = related(estate(registry(), pool, subnet), "subnetRules", pool.id, kind)
    assert all(isinstance(row["access"], Unknown) for row in rows)


EXTENSIONS = [
    f"Microsoft.Authorization/{name}"
    for name in (
        "denyAssignments",
        "policyAssignments",
        "policySetDefinitions",
        "roleAssignmentScheduleInstances",
        "roleDefinitions",
        "roleEligibilityScheduleInstances",
    )
]
MARKERS: tuple[Any, ...] = (
    Unknown("gone"),
    None,
    "text",
    7,
    [],
    [Unknown("gone")],
    {},
    {"id": Unknown("gone")},
)


@pytest.mark.parametrize("marker", MARKERS, ids=repr)
def test_odd_bodies_never_raise(marker):
    """Whatever stands where properties are expected, every relation answers."""
    body = {"properties": marker, "identity": marker, "resourceId": marker}
    kinds = {row.element for row in TABLE if "/" in row.element and "acrscan/" not in row.element}
    odd = [
        Resource(place, kind, "x", body, origin=Origin("arm"))
        for kind in sorted(kinds | set(EXTENSIONS))
        if kind != REGISTRIES
        for place in (
            f"{APP}/{kind.rpartition('/')[2]}/x",
            f"{APP}/providers/{kind}/x",
            f"{SUB}/providers/{kind}/x",
        )
    ]
    deep = [
        assignment(PULL, APP, properties=marker, principals=marker, permissions=marker, condition=marker),
        child("tokens", "t", credentials=marker, status=marker, scopeMapId=f"{APP}/scopeMaps/m"),
        child("tokens", "u", credentials={"passwords": marker}, scopeMapId=f"{APP}/scopeMaps/m"),
        child("scopeMaps", "m", actions=marker),
        child("agentPools", "p", virtualNetworkSubnetResourceId=SUBNET),
        resource(
            "Microsoft.Network/virtualNetworks/subnets",
            SUBNET,
            properties={"networkSecurityGroup": marker, "routeTable": marker, "serviceEndpoints": marker},
        ),
    ]
    target = registry(privateEndpointConnections=marker, adminUserEnabled=marker, roleAssignmentMode=marker)
    bare = Resource(f"{APP}2", REGISTRIES, "app2", {"properties": marker}, origin=Origin("arm"))
    built = estate(target, bare, *odd, *deep)
    for kind in {target for row in TABLE for target in row.of}:
        wanted = relations_for(kind)
        for linked in built.targets(kind, frozenset(row.name for row in wanted)):
            for row in wanted:
                assert isinstance(linked.related(row.name), list | Unknown)


def test_why_rules_of_a_type_are_asked_of_nothing():
    """Not asked for, not collected, or none there; else nothing to say."""
    built = estate(registry(), collected={f"{REGISTRIES}/webhooks"})
    assert built.not_evaluated(REGISTRIES, {"access"}) == ""
    assert built.not_evaluated(REPOSITORIES, {"manifests"}) == "data plane not asked for"
    assert built.not_evaluated(CLUSTERS, set()) == f"{CLUSTERS} not collected"
    assert (
        built.not_evaluated(f"{REGISTRIES}/webhooks", set()) == f"no {REGISTRIES}/webhooks in the inventory"
    )


def test_clusters_see_all_registries():
    """And one list serves every cluster."""
    built = estate(registry(), registry(f"{APP}2"), cluster())
    assert [row.id for row in related(built, "registries", cluster().id, CLUSTERS)] == [APP, f"{APP}2"]
