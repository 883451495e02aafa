"""Scopes: levels, chains with management groups, and rows indexed by the scope they apply to."""

from __future__ import annotations

import pytest

from scanner.engine.scopes import Chains, ScopeIndex, level_of
from scanner.model.values import UnreadTail
from tests.engine.building import (
    APP,
    ASSIGNMENTS,
    GROUP,
    PULL,
    SUB,
    assignment,
    estate,
    registry,
    related,
    resource,
)

MG = "/providers/Microsoft.Management/managementGroups"
SUBSCRIPTIONS = "Microsoft.Resources/subscriptions"
LOCKS = "Microsoft.Authorization/locks"


@pytest.mark.parametrize(
    ("scope", "level"),
    [
        ("/", "root"),
        ("", "root"),
        (f"{MG}/Platform", "managementGroup"),
        (f"{SUB}/", "subscription"),
        (GROUP.upper(), "group"),
        (APP, "registry"),
    ],
)
def test_levels(scope, level):
    """The level of a scope, in any casing and with or without a final slash."""
    assert level_of(scope) == level


def test_a_chain_goes_from_the_resource_to_the_root():
    """Itself, group, subscription, management groups nearest first, root; all in lower case."""
    row = resource(
        SUBSCRIPTIONS,
        SUB,
        properties={"managementGroupAncestorsChain": [{"name": "Team"}, {"name": "Tenant"}]},
    )
    chains = Chains([row])
    above = (GROUP.lower(), SUB.lower(), f"{MG}/team".lower(), f"{MG}/tenant".lower(), "/")
    assert chains.above(APP) == (APP.lower(), *above)
    assert chains.above(f"{APP}/tokens/t") == (f"{APP}/tokens/t".lower(), APP.lower(), *above)
    assert chains.above(SUB) == above[1:]
    assert chains.above(f"{MG}/Team") == (f"{MG}/team".lower(), "/")
    assert chains.above("/") == ("/",)
    assert chains.over_parent(APP.lower()) is chains.over_parent(f"{APP}2".lower())


def group(name, parent, children=()):
    return resource(
        "Microsoft.Management/managementGroups",
        f"{MG}/{name}",
        properties={
            "details": {"parent": {"name": parent}} if parent else {},
            "children": [{"type": kind, "name": child} for kind, child in children],
        },
    )


def test_management_groups_that_name_their_children_give_the_chain_too():
    """Where subscriptions do not say it; a way up that breaks off is not a chain."""
    own = SUB.rpartition("/")[2]
    below = group("team", "Tenant", [("/subscriptions", own)])
    whole = Chains([], [below, group("tenant", "")])
    assert whole.known(own)
    assert whole.above(SUB) == (SUB.lower(), f"{MG}/team".lower(), f"{MG}/tenant".lower(), "/")
    assert not Chains([], [below]).known(own)
    circle = [below, group("tenant", "team")]
    assert not Chains([], circle).known(own)


def test_the_index_holds_what_is_inherited_only():
    """Rows at registries are merged while reading; those above are found by chain, one list for one combination."""
    rows = [assignment(PULL, scope, number=number) for number, scope in enumerate((APP, GROUP, SUB, "/"))]
    index = ScopeIndex(rows)
    chains = Chains([])
    found = index.above(chains.over_parent(APP.lower()))
    assert [row.name[-1] for row in found] == ["1", "2", "3"]
    assert index.above(chains.over_parent(f"{APP}9".lower())) is found
    elsewhere = [
        f"{SUB}/resourcegroups/other{n}/providers/microsoft.containerregistry/registries/x" for n in (1, 2)
    ]
    shared = [index.above(chains.over_parent(one)) for one in elsewhere]
    assert [row.name[-1] for row in shared[0]] == ["2", "3"]
    assert shared[0] is shared[1]


def lock(scope, name):
    return resource(LOCKS, f"{scope}/providers/{LOCKS}/{name}", properties={"level": "CanNotDelete"})


def test_inherited_rows_are_always_there_and_marked():
    """Locks of the registry, its group and its subscription; not those of another registry."""
    built = estate(
        registry(), lock(APP, "own"), lock(GROUP, "group"), lock(SUB, "sub"), lock(f"{APP}2", "other")
    )
    found = {row.name: row.body["inherited"] for row in related(built, "locks")}
    assert found == {"own": False, "group": True, "sub": True}


def test_rows_at_management_groups_need_the_chain():
    """Nobody said which management groups are above: the list is open."""
    row = assignment(PULL, f"{MG}/platform")
    found = related(estate(registry(), row, assignment(PULL, APP, number=2)), "roleAssignments")
    assert isinstance(found[-1], UnreadTail)
    chain = resource(SUBSCRIPTIONS, SUB, managementGroupAncestorsChain=[{"name": "platform"}])
    found = related(estate(registry(), row, chain), "roleAssignments")
    assert [item.body["inherited"] for item in found] == [True]


def test_a_page_that_is_missing_at_a_management_group_counts():
    """A problem above the subscription leaves open what comes from there."""
    chain = resource(SUBSCRIPTIONS, SUB, managementGroupAncestorsChain=[{"name": "platform"}])
    for scope, is_open in ((f"{MG}/Platform", True), (f"{MG}/other", False)):
        built = estate(registry(), chain, assignment(PULL, APP), problems={ASSIGNMENTS: [(scope, "403")]})
        found = related(built, "roleAssignments")
        assert isinstance(found[-1], UnreadTail) is is_open
