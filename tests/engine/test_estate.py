"""Joins, inherited rows, completeness and the smaller relations."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scanner.engine.estate import Estate
from scanner.engine.join import Follower, Grouper, sort_key
from scanner.engine.relations import CHILDREN, TABLE, relations_for
from scanner.inventory.record import ListPart
from scanner.model import ids
from scanner.model.resource import SourceRun
from scanner.model.values import Unknown, UnreadTail
from scanner.types import facts_for
from tests.engine.building import APP, GROUP, REGISTRIES, SUB, estate, inventory, registry, related, resource

TOKENS = f"{REGISTRIES}/tokens"
names = st.text("ab-.1", min_size=1, max_size=4)


@given(st.sets(names, max_size=6), st.lists(st.tuples(names, names), max_size=12))
def test_the_merge_join_equals_a_nested_loop(parents, children):
    """Whatever the names, dashes and prefixes included, each parent gets exactly its own children."""
    registries = [registry(f"{GROUP}/providers/{REGISTRIES}/{name}") for name in parents]
    tokens = [
        resource(TOKENS, f"{GROUP}/providers/{REGISTRIES}/{parent}/tokens/{name}")
        for parent, name in set(children)
    ]
    part, below = ListPart(REGISTRIES, registries), ListPart(TOKENS, tokens)
    grouper = Grouper(below)
    for parent in part:
        found = {row.id for row in grouper.take(ids.order_key(parent.id))}
        assert found == {
            row.id for row in tokens if ids.normalise(ids.parent_of(row.id)) == ids.normalise(parent.id)
        }
    follower = Follower(part)
    for child in below:
        home = follower.find(ids.order_key(ids.parent_of(child.id)))
        assert (home.id if home else None) == next(
            (row.id for row in registries if row.id == ids.parent_of(child.id)), None
        )


def test_every_relation_has_facts_and_a_sentence():
    """Element types have facts (or are open on purpose), keys exist in them, each row says what it is."""
    for row in TABLE:
        assert row.doc
        facts = facts_for(row.element)
        if row.element:
            assert facts is not None, row
            assert all(facts.fact(tuple(key.split("."))) is not None for key in row.key), row
        assert len({(item.name, target) for item in TABLE for target in item.of}) == sum(
            len(item.of) for item in TABLE
        )


def test_children_siblings_and_parent():
    """A registry sees its children; a child sees its siblings and its registry."""
    token = resource(TOKENS, f"{APP}/tokens/t")
    scope_map = resource(f"{REGISTRIES}/scopeMaps", f"{APP}/scopeMaps/m")
    other = resource(TOKENS, f"{APP}2/tokens/x")
    built = estate(registry(), registry(f"{APP}2"), token, other, scope_map)
    assert [row.id for row in related(built, "tokens")] == [token.id]
    assert [row.id for row in related(built, "scopeMaps", token.id, TOKENS)] == [scope_map.id]
    assert [row.id for row in related(built, "registry", token.id, TOKENS)] == [APP]
    assert [row.id for row in related(built, "registry", other.id, TOKENS)] == [f"{APP}2"]


def test_a_relation_that_was_not_collected_is_unknown():
    """Never an empty list; an unread place leaves what was read with an open end."""
    built = Estate(inventory(registry()), now="2026-11-25T00:00:00Z")
    for name in CHILDREN:
        found = related(built, name)
        assert isinstance(found, Unknown), name
        assert found.kind == "not-collected"
    partial = estate(registry(), resource(TOKENS, f"{APP}/tokens/t"), problems={TOKENS: [(APP, "403")]})
    assert isinstance(related(partial, "tokens")[-1], UnreadTail)
    elsewhere = estate(registry(), problems={TOKENS: [(f"{APP}2", "403")]})
    assert related(elsewhere, "tokens") == []


def test_opt_in_sources():
    """Nobody asked for the data plane: its rules do not apply, and the reason says so."""
    built = estate(registry())
    manifests = next(row for row in relations_for(f"{REGISTRIES}/repositories") if row.name == "manifests")
    assert "data plane" in built.not_asked(manifests)
    assert "data plane" in built.not_evaluated(f"{REGISTRIES}/repositories", set())
    assert built.not_evaluated(TOKENS, set()) == f"no {TOKENS} in the inventory"
    assert "not collected" in built.not_evaluated("Microsoft.Security/pricings", set())


LOCKS = "Microsoft.Authorization/locks"
DIAGNOSTICS = "Microsoft.Insights/diagnosticSettings"


def test_locks_are_inherited_and_diagnostic_settings_are_not():
    """A lock on the group holds for the registry; a diagnostic setting on the subscription does not."""
    here = resource(LOCKS, f"{APP}/providers/{LOCKS}/a")
    above = resource(LOCKS, f"{GROUP}/providers/{LOCKS}/b")
    setting = resource(DIAGNOSTICS, f"{SUB}/providers/{DIAGNOSTICS}/c")
    built = estate(registry(), here, above, setting)
    assert [(row.name, row.body["inherited"]) for row in related(built, "locks")] == [
        ("a", False),
        ("b", True),
    ]
    assert related(built, "diagnosticSettings") == []


def test_usages_get_a_percentage():
    """100 * currentValue / limit; an unlimited limit has none."""
    rows = [
        resource(f"{REGISTRIES}/usages", f"{APP}/usages/{name}", limit=limit, currentValue=value)
        for name, limit, value in (("Size", 200, 50), ("Geo-replications", -1, 3))
    ]
    found = {row.name: row.body.get("percent") for row in related(estate(registry(), *rows), "usages")}
    assert found == {"Size": 25.0, "Geo-replications": None}


ENDPOINTS = "Microsoft.Network/privateEndpoints"


def test_private_endpoints_and_their_zone_groups():
    """Endpoints that lead to the registry, with their zone groups."""
    endpoint = f"{GROUP}/providers/{ENDPOINTS}/pe"
    body = {
        "properties": {
            "privateLinkServiceConnections": [{"properties": {"privateLinkServiceId": APP.upper()}}]
        }
    }
    group = resource(f"{ENDPOINTS}/privateDnsZoneGroups", f"{endpoint}/privateDnsZoneGroups/default")
    built = estate(registry(), resource(ENDPOINTS, endpoint, **body), group)
    rows = related(built, "privateEndpoints")
    assert [len(row.body["privateDnsZoneGroups"]) for row in rows] == [1]


POOLS = f"{REGISTRIES}/agentPools"
SUBNET = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
NSG = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/n"
ROUTES = f"{GROUP}/providers/Microsoft.Network/routeTables/r"


def pool(*others, subnet=None):
    properties = {"virtualNetworkSubnetResourceId": SUBNET}
    subnets = (
        [resource("Microsoft.Network/virtualNetworks/subnets", SUBNET, properties=subnet)]
        if subnet is not None
        else []
    )
    built = estate(
        registry(), resource(POOLS, f"{APP}/agentPools/p", properties=properties), *subnets, *others
    )
    return related(built, "subnetRules", f"{APP}/agentPools/p", POOLS)


def outbound(name, priority, access, prefix, ports="443"):
    rule = {
        "direction": "Outbound",
        "priority": priority,
        "access": access,
        "protocol": "Tcp",
        "destinationAddressPrefix": prefix,
        "destinationPortRange": ports,
    }
    return {"name": name, "properties": rule}


def test_what_a_pools_subnet_lets_out():
    """Rules by priority decide per service and port; no group lets everything out; an appliance hides the answer."""
    assert {row["access"] for row in pool(subnet={})} == {"Allow"}
    rules = [
        outbound("deny-all", 4000, "Deny", "*", "*"),
        outbound("vault", 100, "Allow", "AzureKeyVault"),
        outbound("monitor", 110, "Allow", "AzureMonitor", "443-12000"),
    ]
    group = resource("Microsoft.Network/networkSecurityGroups", NSG, properties={"securityRules": rules})
    found = {
        (row["service"], row["port"]): row["access"]
        for row in pool(group, subnet={"networkSecurityGroup": {"id": NSG}})
    }
    assert found == {
        ("AzureKeyVault", 443): "Allow",
        ("Storage", 443): "Deny",
        ("EventHub", 443): "Deny",
        ("AzureActiveDirectory", 443): "Deny",
        ("AzureMonitor", 443): "Allow",
        ("AzureMonitor", 12000): "Allow",
    }
    route = {
        "properties": {
            "addressPrefix": "0.0.0.0/0",
            "nextHopType": "VirtualAppliance",
            "nextHopIpAddress": "10.0.0.4",
        }
    }
    table = resource("Microsoft.Network/routeTables", ROUTES, properties={"routes": [route]})
    hidden = pool(table, subnet={"routeTable": {"id": ROUTES}})
    lost = pool(subnet={"networkSecurityGroup": {"id": NSG}})
    assert all(isinstance(row["access"], Unknown) for row in [*hidden, *lost])
    assert isinstance(pool(), Unknown)


def test_extension_rows_sort_beside_what_they_apply_to():
    """A role assignment's own id may stand elsewhere; its scope decides."""
    kind = "Microsoft.Authorization/roleAssignments"
    row = resource(kind, f"{SUB}/providers/{kind}/1", properties={"scope": APP})
    assert sort_key(row).startswith(ids.order_key(APP) + "\x01")


def test_runs_that_failed_without_a_word():
    """A failed run leaves its collection unknown even without a listed problem."""
    found = inventory(registry())
    runs = (*found.runs, SourceRun("saved", TOKENS, "failed"))
    built = Estate(
        type(found)(found.parts, runs, found.digest, found.collected_at), now="2026-11-25T00:00:00Z"
    )
    assert isinstance(related(built, "tokens"), Unknown)
