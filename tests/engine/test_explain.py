"""The reference lane's logic: strong Kleene with errors above unknown, lists with unread parts, counts as intervals."""

from __future__ import annotations

import itertools

import pytest

from scanner.engine.case import case_for
from scanner.engine.explain import explain
from scanner.engine.proof import Truth, all_of, any_of, inverted
from scanner.model.condition import NOWHERE, Count, Leaf, Logic, Path, Quantifier, Related
from scanner.model.resource import Origin, Resource
from scanner.model.values import ABSENT, Hidden, Unknown, UnreadTail

T, F, U, E = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN, Truth.ERROR
REGISTRY = "Microsoft.ContainerRegistry/registries"


def leaf(path, operator, operand, default=ABSENT, var=""):
    return Leaf(Path(var, tuple(path.split("."))), operator, operand, default, False, NOWHERE)


def truth(condition, body=None, related=None, **origin):
    resource = Resource(
        "/x",
        REGISTRY,
        "x",
        body or {},
        api_version=origin.get("version"),
        origin=Origin(origin.get("source", "arm")),
    )
    rows = related or {}
    case = case_for(
        resource, lambda name: rows.get(name, Unknown("not collected")), {"access": "acrscan/access"}, {}, 0.0
    )
    return explain(condition, case).truth


def test_conjunction_ranks_false_error_unknown_true():
    """For every pair, in both orders: F wins, then E, then U."""
    rank = [F, E, U, T]
    for pair in itertools.product(Truth, repeat=2):
        assert all_of(pair) is min(pair, key=rank.index)


def test_disjunction_ranks_true_error_unknown_false():
    """For every pair, in both orders: T wins, then E, then U."""
    rank = [T, E, U, F]
    for pair in itertools.product(Truth, repeat=2):
        assert any_of(pair) is min(pair, key=rank.index)


def test_not_swaps_only_true_and_false():
    """Unknown and error stay what they are."""
    assert [inverted(value) for value in (T, F, U, E)] == [F, T, U, E]


@pytest.mark.parametrize(
    ("value", "operator", "operand", "answer"),
    [
        (None, "equals", "x", F),
        (Unknown("403"), "equals", "x", U),
        (Unknown("403"), "exists", True, U),
        (Hidden("password"), "exists", True, T),
        (Hidden("password"), "exists", False, F),
        (Hidden("password"), "empty", True, F),
        (Hidden("password"), "empty", False, T),
        (Hidden("password"), "equals", "x", U),
        ("text", "less", 5, E),
    ],
)
def test_the_four_kinds_of_nothing(value, operator, operand, answer):
    """ABSENT, UNKNOWN, HIDDEN and a wrong type are four different things."""
    assert truth(leaf("properties.x", operator, operand), {"properties": {"x": value}}) is answer


def test_a_path_through_a_scalar_is_an_error():
    """`sku: []` and `sku: "Premium"` have no name: that is no absence."""
    bodies: list[dict[str, object]] = [{"sku": []}, {"sku": "Premium"}, {"sku": 5}]
    for body in bodies:
        assert truth(leaf("sku.name", "equals", "Premium"), body) is E


def test_below_absent_is_absent_and_below_unknown_unknown():
    """`x` of an ABSENT parent is ABSENT, of an UNKNOWN parent UNKNOWN, of a HIDDEN one withheld."""
    condition = leaf("properties.policies.quarantinePolicy.status", "exists", False)
    assert truth(condition, {"properties": {}}) is T
    assert truth(condition, {"properties": {"policies": Unknown("403")}}) is U
    assert truth(condition, {"properties": {"policies": Hidden("key")}}) is F


def test_default_replaces_absent_only():
    """A default never stands in for something unread."""
    condition = leaf("properties.adminUserEnabled", "equals", False, default=False)
    assert truth(condition, {"properties": {}}) is T
    assert truth(condition, {"properties": {"adminUserEnabled": Unknown("403")}}) is U


def test_keys_that_a_version_does_not_return():
    """Missing in an old answer is unknown; missing in a template is absent."""
    condition = leaf("properties.publicNetworkAccess", "equals", "Disabled", default="Enabled")
    body = {"properties": {"loginServer": "x"}, "sku": {"name": "Basic"}}
    assert truth(condition, body, source="saved", version="2017-10-01") is U
    assert truth(condition, body, source="saved", version="2025-11-01") is F
    assert truth(condition, body, source="saved") is U
    assert truth(condition, body, source="arm", version="2017-10-01") is F


def test_a_key_given_as_null_is_absent():
    """The version knows the key: null says "not set"."""
    condition = leaf("properties.policies.softDeletePolicy", "exists", False)
    policies = {"softDeletePolicy": None}
    assert truth(condition, {"properties": {"policies": policies}}, source="saved", version="2025-11-01") is T


def rows(kind, items, **more):
    return Quantifier(
        kind, Related("access"), "g", leaf("can", "equals", "push", var="g"), more.get("when_empty"), NOWHERE
    ), {"access": items}


PUSH, PULL, TAIL, LOST = {"can": "push"}, {"can": "pull"}, UnreadTail("429"), Unknown("403")


@pytest.mark.parametrize(
    ("items", "none", "some", "every"),
    [
        ([], T, F, T),
        ([PULL], T, F, F),
        ([PUSH], F, T, T),
        ([PUSH, PULL], F, T, F),
        ([PULL, TAIL], U, U, F),
        ([PUSH, TAIL], F, T, U),
        ([PULL, LOST], U, U, F),
        ([PUSH, LOST], F, T, U),
        ([TAIL], U, U, U),
        ([{"can": 5}], E, E, E),
        ([{"can": 5}, PUSH], F, T, E),
        (Unknown("403"), U, U, U),
        ("text", E, E, E),
    ],
)
def test_quantifiers(items, none, some, every):
    """A hit decides even in a partial list; without one an unread part leaves it open."""
    for kind, answer in (("none", none), ("some", some), ("every", every)):
        condition, related = rows(kind, items)
        assert truth(condition, related=related) is answer


def test_when_empty_applies_to_complete_lists_only():
    """`whenEmpty` decides [] and says nothing of a list whose pages were not read."""
    for kind in ("none", "some", "every"):
        for word, answer in (("pass", T), ("fail", F)):
            condition, related = rows(kind, [], when_empty=word)
            assert truth(condition, related=related) is answer
            condition, related = rows(kind, [TAIL], when_empty=word)
            assert truth(condition, related=related) is U


@pytest.mark.parametrize(
    ("items", "operator", "bound", "answer"),
    [
        ([PUSH, PULL], "equals", 1, T),
        ([PUSH, LOST], "equals", 1, U),
        ([PUSH, LOST], "equals", 3, F),
        ([PUSH, LOST], "lessOrEquals", 2, T),
        ([PUSH, LOST], "lessOrEquals", 1, U),
        ([PUSH, TAIL], "lessOrEquals", 0, F),
        ([PUSH, TAIL], "greaterOrEquals", 1, T),
        ([PUSH, TAIL], "less", 9, U),
        ([PUSH, TAIL], "notEquals", 0, T),
        ([PUSH, TAIL], "notEquals", 1, U),
        ([{"can": 5}, PUSH], "greater", 0, E),
        ([], "equals", 0, T),
    ],
)
def test_counts_are_intervals(items, operator, bound, answer):
    """lo = hits, hi = hits + unknowns (no end with an unread tail); undecided only where the bound lies inside."""
    condition = Count(
        Related("access"), "g", leaf("can", "equals", "push", var="g"), operator, bound, NOWHERE
    )
    assert truth(condition, related={"access": items}) is answer


def test_no_order_dependence():
    """Children in any order give the same truth."""
    parts = [leaf("a.b", "equals", "x"), leaf("tags.t", "equals", "y"), leaf("sku.name", "equals", "z")]
    body = {"a": 5, "tags": Unknown("403"), "sku": {"name": "z"}}
    for kind in ("allOf", "anyOf"):
        found = {truth(Logic(kind, order, NOWHERE), body) for order in itertools.permutations(parts)}
        assert len(found) == 1
