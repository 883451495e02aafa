"""A partly known text is decided only where every text of its form decides the same."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from scanner.engine import partial
from scanner.engine.operators import OPERATORS, Options
from scanner.engine.proof import Truth
from scanner.model.values import ABSENT, Partial
from tests.engine.test_explain import leaf, truth

FILLS = ("", "a", "b", "A", "*", "?", "/", "ab", "a/b", "/b/")
FORMS = [
    ("a", None),
    (None, "b"),
    ("a", None, "b"),
    (None,),
    (None, "a", None),
    ("/subscriptions/a/", None),
    ("/subscriptions/a", None),
    ("/subscriptions/a/b", None, "/c"),
    ("a*", None),
    ("?", None),
]
OPERANDS: dict[str, list[Any]] = {
    "exists": [True, False],
    "empty": [True, False],
    "equals": ["a", "b", "ab", "A", "a*", "*", "/subscriptions/a/b/c", ""],
    "in": [["a", "b"], ["x"], ["ab", "A*"], []],
    "like": ["a*", "*b", "*", "a*b", "x*", "*a*", "?*", "a", "/subscriptions/*"],
    "likeAny": [["x", "a*"], ["x*", "y*"], []],
    "contains": ["a", "b", "x", "a/"],
    "matches": ["^[a-z]*$", "^[^A-Z]*$", "^[^a-z]+$", "a", "^a.*$", "^[a/]*", "[a]*$", "^a", "b$"],
    "format": ["repositoryName", "registryName", "uuid", "url"],
    "idWithin": [
        "/subscriptions/a",
        "/subscriptions/b",
        "/subscriptions/a/b",
        ["/x", "/subscriptions/a/b/c"],
    ],
}


@pytest.mark.parametrize("parts", FORMS)
@pytest.mark.parametrize("operator", OPERANDS)
@pytest.mark.parametrize("sensitive", [False, True])
def test_what_is_decided_holds_for_every_text_of_that_form(
    parts: tuple[str | None, ...], operator: str, sensitive: bool
) -> None:
    """Each gap is filled with texts that mean something to patterns and ids; none contradicts the answer."""
    value = Partial(parts, "not known")
    options = Options(0.0, sensitive)
    gaps = parts.count(None)
    for operand in OPERANDS[operator]:
        said = partial.decide(operator, value, operand, options)
        for fills in itertools.product(FILLS, repeat=gaps):
            left = iter(fills)
            text = "".join(next(left) if part is None else part for part in parts)
            answer = OPERATORS[operator].decide(text, operand, options)
            if said is not Truth.UNKNOWN:
                assert answer is (said is Truth.TRUE), (text, operand)


@pytest.mark.parametrize(
    ("parts", "operator", "operand", "said"),
    [
        (("acr", None), "like", "acr*", Truth.TRUE),
        (("acr", None), "like", "prod*", Truth.FALSE),
        (("acr", None), "like", "acrprod*", Truth.UNKNOWN),
        ((None, ".azurecr.io"), "likeAny", ["*.azurecr.io", "x"], Truth.TRUE),
        (("acr", None), "equals", "prod", Truth.FALSE),
        (("acr", None), "equals", "ACRPROD", Truth.UNKNOWN),
        (("acr", None), "in", ["prod", "test"], Truth.FALSE),
        (("acr", None), "contains", "cr", Truth.TRUE),
        (("acr", None), "contains", "x", Truth.UNKNOWN),
        (("acr", None), "empty", True, Truth.FALSE),
        ((None,), "empty", True, Truth.UNKNOWN),
        ((None,), "exists", True, Truth.TRUE),
        (("/subscriptions/a/x", None), "idWithin", "/subscriptions/a", Truth.TRUE),
        (("/subscriptions/a/x", None), "idWithin", "/subscriptions/b", Truth.FALSE),
        (("/subscriptions/a", None), "idWithin", "/subscriptions/a", Truth.UNKNOWN),
    ],
)
def test_known_parts_decide_where_they_can(parts, operator, operand, said):
    """A known beginning, end or middle is used, not thrown away."""
    body = {"properties": {"x": Partial(parts, "parameter `name` has no value")}}
    assert truth(leaf("properties.x", operator, operand), body) is said


def test_one_cause_and_form_is_one_text():
    """Two values of the same form are equal only where they are the same expression; others may be."""
    one = Partial(("acr", None), "uniqueString(resourceGroup().id)")
    assert partial.same(one, Partial(("acr", None), "uniqueString(resourceGroup().id)")) is Truth.TRUE
    assert partial.same(one, Partial(("acr", None), "parameter `name`")) is Truth.UNKNOWN


def test_a_text_is_no_object_and_absent_is_no_text():
    """Walking into a partly known text is a wrong type, as for a known one; and an absent operand equals nothing."""
    body: dict[str, Any] = {"properties": Partial(("a", None), "r")}
    assert truth(leaf("properties.x", "equals", "a"), body) is Truth.ERROR
    body = {"properties": {"x": Partial(("a", None), "r")}}
    assert truth(leaf("properties.x", "equals", ABSENT), body) is Truth.FALSE


def test_gaps_are_shown():
    """People see where something is missing."""
    assert partial.shown(Partial(("acr", None, "x"), "r")) == "acr…x"
