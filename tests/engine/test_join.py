"""Merge joins: what a pass over sorted parts gives is what looking at every pair would give."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.engine.estate import Estate
from scanner.engine.join import Follower, Grouper, sort_key
from scanner.inventory.record import ListPart
from scanner.model import ids
from tests.engine.building import (
    APP,
    ASSIGNMENTS,
    GROUP,
    REGISTRIES,
    assignment,
    inventory,
    registry,
    resource,
)

TOKENS = f"{REGISTRIES}/tokens"
NAMES = st.sampled_from(["app", "App2", "app-1", "app.b", "APP", "a", "zz"])
GROUPS = st.sampled_from(["rg", "RG2", "rg-x", "r"])


@st.composite
def registry_ids(draw):
    group, name = draw(GROUPS), draw(NAMES)
    return f"/subscriptions/{draw(st.sampled_from(['s1', 's2']))}/resourceGroups/{group}/providers/{REGISTRIES}/{name}"


@st.composite
def estates(draw):
    """Registries, tokens below some of them (or below registries that are not there), assignments anywhere."""
    parents = draw(st.lists(registry_ids(), max_size=8, unique_by=ids.normalise))
    holders = draw(st.lists(registry_ids(), max_size=10))
    tokens = {
        ids.normalise(row): row
        for number, holder in enumerate(holders)
        for row in [f"{holder.upper() if number % 3 == 0 else holder}/tokens/t{number % 4}"]
    }
    scopes = draw(
        st.lists(st.one_of(registry_ids(), st.sampled_from(["/", "/subscriptions/s1"])), max_size=10)
    )
    return parents, list(tokens.values()), scopes


@settings(deadline=None)
@given(estates())
def test_a_merge_join_equals_a_nested_loop(drawn):
    """For children, parents and extension rows alike, in any casing."""
    parents, tokens, scopes = drawn
    children = [resource(TOKENS, token, properties={}) for token in tokens]
    given_roles = [assignment("r", scope, number=number) for number, scope in enumerate(scopes)]
    built = Estate(
        inventory(
            *(registry(parent) for parent in parents),
            *children,
            *given_roles,
            collected={TOKENS, ASSIGNMENTS, REGISTRIES},
        ),
        now="2026-11-25T00:00:00Z",
    )
    seen = {}
    for linked in built.targets(REGISTRIES, frozenset({"tokens", "roleAssignments"})):
        seen[linked.resource.id] = (
            [row.id for row in linked.related("tokens")],
            sorted(row.name for row in linked.related("roleAssignments") if not row.body["inherited"]),
        )
    assert seen == {
        parent: (
            sorted(
                (token for token in tokens if ids.normalise(ids.parent_of(token)) == ids.normalise(parent)),
                key=ids.order_key,
            ),
            sorted(
                row.name
                for row in given_roles
                if ids.normalise(row.body["properties"]["scope"]) == ids.normalise(parent)
            ),
        )
        for parent in parents
    }
    for linked in built.targets(TOKENS, frozenset({"registry"})):
        found = linked.related("registry")
        home = ids.normalise(ids.parent_of(linked.resource.id))
        wanted = [parent for parent in parents if ids.normalise(parent) == home]
        assert (
            [row.id for row in found] == wanted
            if wanted
            else found.reason == "the registry is not in the inventory"
        )


def test_children_stop_at_the_end_of_a_segment():
    """/registries/app is not /registries/app2, nor /registries/app-b: each gets its own."""
    homes = [APP, f"{APP}2", f"{APP}-b"]
    part = ListPart(TOKENS, [resource(TOKENS, f"{home}/tokens/t", properties={}) for home in homes])
    grouper = Grouper(part)
    keys = sorted(ids.order_key(home) for home in homes)
    assert [[ids.order_key(ids.parent_of(row.id)) for row in grouper.take(key)] for key in keys] == [
        [key] for key in keys
    ]


def test_rows_without_a_parent_are_passed_over():
    """Orphans before, between and after the parents go to nobody."""
    rows = [
        resource(TOKENS, f"{GROUP}/providers/{REGISTRIES}/{name}/tokens/t", properties={}) for name in "abcd"
    ]
    grouper = Grouper(ListPart(TOKENS, rows))
    found = [
        grouper.take(ids.order_key(f"{GROUP}/providers/{REGISTRIES}/{name}")) for name in ("b", "bb", "d")
    ]
    assert [[row.id for row in group] for group in found] == [[rows[1].id], [], [rows[3].id]]


def test_a_follower_finds_parents_in_order():
    """The same parent for several children, none where it is missing, none after the end."""
    follower = Follower(ListPart(REGISTRIES, [registry(APP), registry(f"{APP}5")]))
    found = [follower.find(ids.order_key(f"{APP}{end}")) for end in ("", "", "2", "5", "7")]
    assert [row.id if row else None for row in found] == [APP, APP, None, f"{APP}5", None]


def test_extension_rows_sort_by_their_scope():
    """An assignment that names its scope only in its properties sorts right after what it applies to."""
    row = resource(
        ASSIGNMENTS,
        f"/providers/{ASSIGNMENTS}/1",
        properties={"scope": APP, "principalId": "p", "roleDefinitionId": "r"},
    )
    assert sort_key(row).startswith(ids.order_key(APP) + "\x01")
