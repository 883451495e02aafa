"""Every operator: present values, ABSENT, wrong types, and the fine print of the language's table."""

from __future__ import annotations

import pytest

from scanner.engine.operators import OPERATORS, UNSURE, Options, Wrong
from scanner.engine.operators.text import like
from scanner.engine.operators.time import instant
from scanner.model.values import UnreadTail

NOW = instant("2026-11-25T00:00:00Z") or 0.0
ERROR = "error"

CASES = [
    ("equals", "Premium", "premium", True),
    ("equals", "STRASSE", "straße", True),
    ("equals", " Premium", "Premium", False),
    ("equals", 1, 1.0, True),
    ("equals", True, 1, ERROR),
    ("equals", "true", True, ERROR),
    ("equals", 80, "80", ERROR),
    ("equals", [], "x", ERROR),
    ("equals", {}, True, ERROR),
    ("equals", "x", None, False),
    ("in", "b", ("A", "B"), True),
    ("in", "c", ("A", "B"), False),
    ("in", 1, ("A",), ERROR),
    ("in", True, (1,), ERROR),
    ("in", "x", (), False),
    ("in", ["a"], ("a",), ERROR),
    ("less", 1, 2, True),
    ("less", 2, 2, False),
    ("lessOrEquals", 2, 2, True),
    ("greater", 2, 2, False),
    ("greaterOrEquals", 2, 2, True),
    ("less", "1", 2, ERROR),
    ("less", True, 2, ERROR),
    ("exists", 0, True, True),
    ("exists", "", False, False),
    ("empty", "", True, True),
    ("empty", [], True, True),
    ("empty", {}, True, True),
    ("empty", [1], True, False),
    ("empty", 0, True, False),
    ("empty", [UnreadTail("429")], True, UNSURE),
    ("empty", [1, UnreadTail("429")], True, False),
    ("like", "contoso.azurecr.io", "*.AZURECR.io", True),
    ("like", "contoso", "con*o*o", True),
    ("like", "abc", "abc*abc", False),
    ("like", 5, "*", ERROR),
    ("likeAny", "docker.io/library/x", ("mcr.*", "docker.io/*"), True),
    ("likeAny", "x", (), False),
    ("matches", "abc1", "[0-9]", True),
    ("matches", "ABC", "^[a-z]+$", False),
    ("matches", "x", "(", ERROR),
    ("format", "acr1", "registryName", False),
    ("format", "acr12", "registryName", True),
    ("format", "team/app-web", "repositoryName", True),
    ("format", "Team/app", "repositoryName", False),
    ("format", "x.azurecr.io/team/app:1.0", "imageReference", True),
    ("format", "X.azurecr.io/app", "imageReference", False),
    ("format", "11111111-2222-3333-4444-555555555555", "uuid", True),
    ("format", "http://x", "url", True),
    ("format", "ftp://x", "url", False),
    ("contains", "Secret=1", "secret", True),
    ("contains", ["A", "b"], "a", True),
    ("contains", [1, "b"], 2, False),
    ("contains", ["a", UnreadTail("429")], "a", True),
    ("contains", ["a", UnreadTail("429")], "b", UNSURE),
    ("contains", 5, "a", ERROR),
    ("containsKey", {"Owner": 1}, "owner", True),
    ("containsKey", {"Owner": 1}, "team", False),
    ("containsKey", [], "x", ERROR),
    ("idWithin", "/subscriptions/S/resourceGroups/g/providers/x/y/app", ("/subscriptions/s/resourceGroups/G",), True),
    ("idWithin", "/subscriptions/s/providers/x/y/app2", ("/subscriptions/s/providers/x/y/app",), False),
    ("idWithin", "/subscriptions/s", "/subscriptions/s", True),
    ("cidrWithin", "10.1.2.3", ("10.0.0.0/8",), True),
    ("cidrWithin", "11.0.0.0/8", ("10.0.0.0/8",), False),
    ("cidrWithin", "2001:db8::1", ("10.0.0.0/8", "2001:db8::/32"), True),
    ("cidrWithin", "no address", ("10.0.0.0/8",), ERROR),
    ("cidrPrefixLess", "10.0.0.0/7", 8, True),
    ("cidrPrefixLess", "10.0.0.0/8", 8, False),
    ("cidrPrefixLess", "203.0.113.7", 32, False),
    ("cidrPrefixLess", "2001:db8::/16", 8, ERROR),
    ("cidrPrefixLess", "2001:db8::/16", (8, 32), True),
    ("olderThanDays", "2026-11-14T23:59:59.1234567Z", 10, True),
    ("olderThanDays", "2026-11-15T00:00:00Z", 10, False),
    ("olderThanDays", "2026-12-01T00:00:00Z", -30, True),
    ("newerThanDays", "2026-11-24T00:00:00+02:00", 3, True),
    ("newerThanDays", "2027-11-24", 3, True),
    ("newerThanDays", "yesterday", 3, ERROR),
    ("olderThanDays", "0001-01-01T00:00:00Z", 1, True),
    ("versionLess", "18.03.1-ce", "18.4", True),
    ("versionLess", "18.10", "18.9", False),
    ("versionLess", "1.0.0", "1", False),
    ("versionGreaterOrEquals", "v2.2.9", "2.2.9", True),
    ("versionLess", "latest", "1", ERROR),
]  # fmt: skip


@pytest.mark.parametrize(("operator", "value", "operand", "answer"), CASES)
def test_present_values(operator, value, operand, answer):
    """The answer for a present value; a type that cannot be judged is an error, never a guess."""
    found = OPERATORS[operator].decide(value, operand, Options(NOW))
    assert isinstance(found, Wrong) if answer is ERROR else found is answer


def test_every_operator_has_a_case():
    """No row of the tables goes untested."""
    assert {name for name, *_ in CASES} == set(OPERATORS)


@pytest.mark.parametrize(
    ("operator", "operand", "answer"),
    [("equals", None, True), ("equals", "x", False), ("in", ("x", None), True), ("in", ("x",), False), ("exists", False, True),
     ("exists", True, False), ("empty", True, True), ("empty", False, False), ("like", "*", False), ("greaterOrEquals", 0, False)],
)  # fmt: skip
def test_absent(operator, operand, answer):
    """What each operator says of a property that is not set."""
    assert OPERATORS[operator].absent(operand) is answer


def test_case_and_regions():
    """`caseSensitive` compares as written; regions compare without blanks."""
    equals = OPERATORS["equals"].decide
    assert equals("Premium", "premium", Options(NOW, case_sensitive=True)) is False
    assert equals("East US 2", "eastus2", Options(NOW, location=True)) is True
    assert equals("East US 2", "eastus2", Options(NOW)) is False


def test_like_is_linear():
    """Many stars over a long text end at once (a backtracking matcher would not)."""
    assert not like("a" * 50_000, "*a" * 500 + "b")


def test_backtracking_patterns_end():
    """The textbook pattern against 60,000 characters is answered by the linear-time engine."""
    assert OPERATORS["matches"].decide("a" * 60_000, r"^(a+)+$", Options(NOW)) is True
    assert OPERATORS["matches"].decide("a" * 60_000 + "b", r"^(a|aa)+$", Options(NOW)) is False
