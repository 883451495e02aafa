"""Functions: Terraform's values for known arguments, as much as is known for others."""

from __future__ import annotations

import uuid

import pytest

from scanner.inventory.terraform.values import Choice, EvaluationError, Secret, Sym, Tail, Text
from tests.inventory.terraform.writing import plain, unknown, value


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("abs(-3)", 3), ("ceil(1.2)", 2), ("floor(1.8)", 1), ("max(1, 3, 2)", 3), ("min([4, 2]...)", 2), ("pow(2, 10)", 1024),
        ("signum(-2)", -1), ('parseint("ff", 16)', 255), ("log(8, 2)", 3),
        ('lower("AbC")', "abc"), ('upper("a")', "A"), ('title("hello world")', "Hello World"), ('trimspace(" a ")', "a"),
        ('trim("xxaxx", "x")', "a"), ('trimprefix("abc", "a")', "bc"), ('trimsuffix("abc", "c")', "ab"),
        ('replace("a-b-c", "-", "")', "abc"), ('replace("a1b2", "/[0-9]/", "_")', "a_b_"), ('substr("hello", 1, 3)', "ell"),
        ('substr("hello", -2, -1)', "lo"), ('strrev("abc")', "cba"), ('split(",", "a,b")', ["a", "b"]), ('join("-", ["a", "b"])', "a-b"),
        ('format("%s-%03d-%v", "a", 7, true)', "a-007-true"), ('formatlist("%s!", ["a", "b"])', ["a!", "b!"]),
        ('regex("[a-z]+", "12ab")', "ab"), ('regex("(?P<x>[a-z])", "1b")', {"x": "b"}), ('regexall("[a-z]", "a1b")', ["a", "b"]),
        ('startswith("abc", "ab")', True), ('endswith("abc", "bc")', True), ('strcontains("abc", "b")', True), ('chomp("a\\n")', "a"),
        ("length([1, 2])", 2), ('length("abc")', 3), ("concat([1], [2])", [1, 2]), ("contains([1, 2], 2)", True), ("distinct([1, 1])", [1]),
        ("flatten([[1], [2, [3]]])", [1, 2, 3]), ("keys({b = 1, a = 2})", ["a", "b"]), ("values({b = 1, a = 2})", [2, 1]),
        ('lookup({a = 1}, "b", 9)', 9), ("merge({a = 1}, {b = 2})", {"a": 1, "b": 2}), ("merge({a = 1}, null)", {"a": 1}), ("one([])", None),
        ("one([1])", 1), ("reverse([1, 2])", [2, 1]), ("slice([1, 2, 3], 1, 2)", [2]), ('sort(["b", "a"])', ["a", "b"]), ("sum([1, 2])", 3),
        ('toset(["b", "a", "b"])', ["a", "b"]), ('zipmap(["a"], [1])', {"a": 1}), ("range(3)", [0, 1, 2]), ("element([1, 2], 3)", 2),
        ('index(["a", "b"], "b")', 1), ('coalesce(null, "", "x")', "x"), ("coalescelist([], [1])", [1]), ('compact(["a", "", null])', ["a"]),
        ("setunion([1], [2])", [1, 2]), ('setsubtract(["a", "b"], ["a"])', ["b"]), ('setintersection(["a", "b"], ["b"])', ["b"]),
        ("alltrue([true, false])", False), ("anytrue([false, true])", True), ("chunklist([1, 2, 3], 2)", [[1, 2], [3]]),
        ('setproduct(["a"], ["x", "y"])', [["a", "x"], ["a", "y"]]), ('transpose({a = ["x"]})', {"x": ["a"]}),
        ('jsonencode({a = [1, true, null], b = "<"})', '{"a":[1,true,null],"b":"\\u003c"}'), ('jsondecode("{\\"a\\": 1}")', {"a": 1}),
        ('yamldecode("a: [1, 2]")', {"a": [1, 2]}), ('base64encode("a")', "YQ=="), ('base64decode("YQ==")', "a"), ('urlencode("a b")', "a+b"),
        ('md5("a")', "0cc175b9c0f1b6a831c399e269772661"), ('csvdecode("a,b\\n1,2")', [{"a": "1", "b": "2"}]),
        ('cidrsubnet("10.0.0.0/16", 8, 2)', "10.0.2.0/24"), ('cidrhost("10.0.0.0/24", 5)', "10.0.0.5"), ('cidrnetmask("10.0.0.0/8")', "255.0.0.0"),
        ('cidrsubnets("10.0.0.0/16", 8, 8)', ["10.0.0.0/24", "10.0.1.0/24"]), ('timeadd("2026-01-01T00:00:00Z", "24h")', "2026-01-02T00:00:00Z"),
        ('formatdate("DD MMM YYYY", "2026-01-02T00:00:00Z")', "02 Jan 2026"), ('timecmp("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")', -1),
        ('tobool("true")', True), ('tonumber("5")', 5), ("tostring(5)", "5"), ("try([][0], 7)", 7), ("can([][0])", False), ("can(1)", True),
        ('uuidv5("dns", "a.b")', str(uuid.uuid5(uuid.NAMESPACE_DNS, "a.b"))), ("nonsensitive(1)", 1), ("ephemeralasnull(1)", None),
    ],
)  # fmt: skip
def test_functions_give_terraforms_values(text, wanted):
    """Each function, as Terraform's reference shows it."""
    assert plain(text) == wanted


@pytest.mark.parametrize(
    "text",
    ["lower()", "length(1)", 'regex("(", "a")', 'regex("b", "a")', "range(1000000000)", 'cidrsubnet("x", 1, 1)', "pow(10, 9999)",
     'jsondecode("{")', 'base64decode("*")', "element([], 0)", "one([1, 2])", 'tonumber("x")', 'lookup({}, "a")', "1 / 0", "1 % 0",
     'format("%d", "x")', 'timeadd("today", "1h")', 'coalesce("")', "setproduct(range(1000), range(1000))", "nosuch", "{}.a"],
)  # fmt: skip
def test_wrong_calls_are_told(text):
    """What is wrong is an error of the expression, whatever it is."""
    with pytest.raises(EvaluationError):
        value(text)


def test_a_function_that_is_not_there_gives_an_unknown_value():
    """An unsupported function never fails a file."""
    found = value("nosuchfunction(1)")
    assert isinstance(found, Sym)
    assert found.kind == "function"
    assert "nosuchfunction" in found.reason


@pytest.mark.parametrize("text", ["timestamp()", "uuid()", 'bcrypt("a")'])
def test_what_differs_from_run_to_run_is_unknown(text):
    """Times and random values are not known before the run."""
    found = value(text)
    assert isinstance(found, Sym)
    assert found.kind == "runtime"


def test_hostile_patterns_do_not_hang():
    """Patterns run in RE2: no input makes them take forever."""
    assert value('can(regex("(a+)+$", "' + "a" * 5000 + '!"))') is False


def test_names_are_made_of_unknown_parts():
    """format, join, lower, replace and coalesce keep what is known."""
    x = unknown()
    assert isinstance(value('format("acr%s", x)', x=x), Text)
    assert isinstance(value('join("", ["acr", x])', x=x), Text)
    assert isinstance(value('lower("ACR${x}")', x=x), Text)
    assert value('lower("ACR${x}")', x=x).parts[0] == "acr"
    assert isinstance(value('replace("a-b${x}", "-", "")', x=x), Text)
    assert value("coalesce(x, 1)", x=x) == Choice((x, 1), x.reason, value("coalesce(x, 1)", x=x).cause)


def test_one_unknown_element_does_not_hide_the_others():
    """Lists and maps are walked; what depends on the unknown element only is unknown."""
    x = unknown()
    assert value('contains(["a", x], "a")', x=x) is True
    assert isinstance(value('contains(["a", x], "b")', x=x), Sym)
    assert value("length([1, x])", x=x) == 2
    assert value("merge({a = x}, {b = 1}).b", x=x) == 1
    assert value("alltrue([false, x])", x=x) is False
    assert isinstance(value("alltrue([true, x])", x=x), Sym)
    assert value("flatten([[1], [2]])[1]") == 2
    assert value("keys({a = x})", x=x) == ["a"]


def test_open_lists_stay_open():
    """A list that goes on in an unknown way does so after concat and for; its length is not known."""
    found = value("concat([1], [for y in [1, 2] : y if y == x])", x=unknown())
    assert isinstance(found[-1], Tail)
    assert isinstance(value("length([for y in [1] : y if y == x])", x=unknown()), Sym)


def test_json_of_unknown_parts_comes_back_whole():
    """jsondecode of jsonencode gives the value, with what is known in it."""
    assert value("jsondecode(jsonencode({a = x, b = 2})).b", x=unknown()) == 2


def test_secrets_stay_secret():
    """A sensitive value is there and never shown; what is made of it is secret too."""
    found = value('sensitive("hunter2")')
    assert isinstance(found, Secret)
    made = plain('"pw-${sensitive("hunter2")}"')
    assert "hunter2" not in repr(made)
    assert made.kind == "secret"
    assert value('issensitive(sensitive("a"))') is True


def test_growth_is_bounded():
    """Doubling a text again and again ends as an unknown value, not as a full memory."""
    found = value('join("", [for x in range(5000) : join("", [for y in range(5000) : "aaaaaaaaaa"])])')
    unknown_parts = [part for part in found.parts if isinstance(part, Sym)]
    assert {part.kind for part in unknown_parts} == {"limit"}
    doubled = value(
        'join("", [for x in range(40) : join("", [for y in range(2000) : "${z}"])])', z="a" * 4000
    )
    assert isinstance(doubled, Sym)
    assert doubled.kind == "limit"
