"""Terraform's syntax: what each form means, where it stands, and what is refused with its place."""

from __future__ import annotations

import pytest

from scanner.errors import InputError
from scanner.inventory.terraform.evaluate import value_of
from scanner.inventory.terraform.parse import parse
from scanner.inventory.terraform.syntax import Source
from scanner.inventory.terraform.values import Choice, EvaluationError, Sym, Text
from tests.inventory.terraform.writing import context, plain, unknown, value


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("-2 + 3", 1),
        ("7 % 4", 3),
        ("10 / 4", 2.5),
        ('1e3 + 2.5e1 == 1025 && "1e3" != "111"', True),
        ("!true || true && false", False),
        ("1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3", True),
        ('"a" == "a"', True),
        ('"1" == 1', False),
        ("true ? 1 : 2", 1),
        ("false ? 1 : false ? 2 : 3", 3),
        ("false ? 1 : true ? 2 : 3", 2),
        ("[1, 2][1]", 2),
        ('{a = 1, "b c" = 2}["b c"]', 2),
        ("{a : 1}.a", 1),
        ("[{a = 1}, {a = 2}][*].a", [1, 2]),
        ("[{a = 1}, {a = 2}].*.a", [1, 2]),
        ("null[*]", []),
        ("{a = 1}[*].a", [1]),
        ("[for x in [1, 2, 3] : x * 2 if x > 1]", [4, 6]),
        ("{for k, v in {a = 1, b = 2} : v => k...}", {"1": ["a"], "2": ["b"]}),
        ("[for i, x in [7, 8] : i]", [0, 1]),
        ('"a${1 + 1}b"', "a2b"),
        ('"$${x} %%{y}"', "${x} %{y}"),
        (r'"tab\t quote\" \u00e9"', 'tab\t quote" é'),
        ('"%{ if true }yes%{ else }no%{ endif }"', "yes"),
        ('"%{ for x in [1, 2] }${x},%{ endfor }"', "1,2,"),
        ('"${[1, 2][0]}"', 1),
        ("<<EOT\nline ${1}\n  two\nEOT", "line 1\n  two\n"),
        ("<<-EOT\n    a\n      b\n    EOT", "a\n  b\n"),
    ],
)
def test_expressions_mean_what_terraform_says(text, wanted):
    """Operators, conditionals, collections, splats, loops and templates give Terraform's values."""
    assert plain(text) == wanted


def test_places_are_exact_in_utf16():
    """Columns count as SARIF counts: a character outside of the basic plane is two."""
    body = parse(Source("m.tf", 'locals {\n  a = "😀" /* x */\n  b = 1\n}\n'.encode()))
    place = body.blocks[0].body.attributes["a"].place()
    assert (place.line, place.column, place.end_line, place.end_column) == (2, 3, 2, 11)
    assert body.blocks[0].place().line == 1


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('resource "a" "b" {\n  x = \n}\n', ":2:"),
        ('resource "a" "b" {\n  x = 1\n', ":"),
        ("locals {\n  a = 1\n  a = 2\n}\n", ":3:"),
        ("locals { a = 1 b = 2 }\n", ":1:"),
        ("}{", ":1:"),
    ],
)
def test_what_does_not_parse_is_told_with_its_place(text, where):
    """One clear error with file, line and column."""
    with pytest.raises(InputError) as caught:
        parse(Source("bad.tf", text.encode()))
    assert caught.value.where.startswith("bad.tf:")
    assert where in caught.value.where


def test_secrets_of_a_broken_line_are_not_quoted():
    """The excerpt of an error shows the shape of the line, never a value."""
    with pytest.raises(InputError) as caught:
        parse(Source("bad.tf", b'locals {\n  password = "hunter2" "x\n}\n'))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["(" * 3000 + "1" + ")" * 3000, "[" * 3000 + "]" * 3000, "!" * 3000 + "true"]
)
def test_nesting_is_bounded(text):
    """Thousands of brackets are an error, no crash."""
    with pytest.raises((InputError, EvaluationError)):
        value(text)


def test_a_long_sum_is_bounded():
    """A chain of operators as long as a file is an error, no crash."""
    with pytest.raises(InputError):
        value(" + ".join(["1"] * 20_000))


def test_texts_keep_their_known_parts():
    """A text with a hole stays a text: its beginning can be tested."""
    found = value('"acr${x}prod"', x=unknown())
    assert isinstance(found, Text)
    assert value('startswith("https://${x}", "https://")', x=unknown()) is True
    assert value('"acr${x}" == "other"', x=unknown()) is False


def test_a_condition_that_is_not_known_gives_both_ways():
    """Both ways are kept; equal ways are known."""
    found = value('c ? "a" : "b"', c=unknown())
    assert isinstance(found, Choice)
    assert found.values == ("a", "b")
    assert value('c ? "a" : "a"', c=unknown()) == "a"


def test_choices_of_one_cause_go_together():
    """Two uses of one unknown condition do not multiply."""
    found = value('"${c ? "a" : "b"}-${c ? "x" : "y"}"', c=unknown())
    assert isinstance(found, Choice)
    assert found.values == ("a-x", "b-y")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("false && x", False),
        ("true || x", True),
        ("x == x", True),
        ("x || true", True),
        ("[x][0] == x", True),
    ],
)
def test_what_can_be_known_is_known(text, wanted):
    """Logic decides where one side does, and a value equals itself."""
    assert value(text, x=unknown()) is wanted


def test_a_wrong_way_counts_only_where_it_is_taken():
    """A way that cannot be worked out is no error while the other one may be taken."""
    assert value("true ? 1 : [][0]") == 1
    with pytest.raises(EvaluationError):
        value("false ? 1 : [][0]")
    found = value("x ? 1 : [][0]", x=unknown())
    assert isinstance(found, Choice)
    assert isinstance(found.values[1], Sym)


@pytest.mark.parametrize(
    ("text", "ways"),
    [
        ('try((c ? ["a"] : [])[0], "none")', ("a", "none")),
        ('try((c ? { k = "a" } : {}).k, "none")', ("a", "none")),
        ('try(upper((c ? ["a"] : [])[0]), "none")', ("A", "none")),
        ('try("${(c ? ["a"] : [])[0]}-x", "none")', ("a-x", "none")),
        ('can((c ? ["a"] : [])[0])', (True, False)),
        ('try((c ? ["a"] : [])[0], (c ? [] : ["b"])[0], "none")', ("a", "b")),
    ],
)
def test_try_asks_each_way_by_itself(text, ways):
    """A way that is an error has its fallback; the other ways keep their value."""
    found = value(text, c=unknown("var.c"))
    assert isinstance(found, Choice)
    assert found.values == ways


def test_a_way_that_is_an_error_is_not_taken():
    """Without `try` the configuration can only be one in which the element is there."""
    attribute = parse(Source("m.tf", b'x = (c ? ["a"] : [])[0]\n')).attributes["x"]
    assert value_of(attribute, context(c=unknown("var.c"))) == "a"


def test_an_object_with_an_unknown_key_has_no_known_keys():
    """The unknown key could be any: a default or another element must not be taken for certain."""
    for text in (
        'lookup({ (k) = "a" }, "x", "b")',
        '{ (k) = "a", x = "b" }.x',
        'contains(keys({ (k) = 1 }), "x")',
    ):
        assert isinstance(value(text, k=unknown("var.k")), Sym), text


def test_loops_over_the_same_unknown_are_the_same_only_with_the_same_names():
    """What is made of an unknown list differs where the other names differ."""
    text = '[for y in x : "${z}${y}"]'
    same_one, same_two = (value(text, x=unknown(), z="a") for _ in range(2))
    other = value(text, x=unknown(), z="b")
    assert same_one.key == same_two.key
    assert same_one.key != other.key
