"""Every template function: a result worked out by hand, and arguments that it refuses."""

from __future__ import annotations

import itertools
import time
from contextlib import suppress
from typing import Any

import pytest

from scanner.engine.azure.failing import EvaluationFailed
from scanner.engine.azure.functions import FUNCTIONS, PLAIN, SPECIAL
from scanner.language.azure_policy.expressions import ExpressionProblem, parse_text
from tests.engine.azure.valuing import value_of

RESULTS = [
    ("add(1, 2)", 3),
    ("addDays('2026-01-31T00:00:00Z', 1)", "2026-02-01T00:00:00.0000000Z"),
    ("addDays('2026-01-01T10:20:30.5Z', -1)", "2025-12-31T10:20:30.5000000Z"),
    ("and(true(), equals(1, 1))", True),
    ("array('a')", ["a"]),
    ("array(createArray(1))", [1]),
    ("base64('one')", "b25l"),
    ("base64ToString('b25l')", "one"),
    ("base64ToJson('eyJhIjoxfQ==')", {"a": 1}),
    ("bool('TRUE')", True),
    ("bool(0)", False),
    ("cidrHost('10.144.3.0/24', 0)", "10.144.3.1"),
    ("cidrSubnet('10.144.0.0/20', 24, 1)", "10.144.1.0/24"),
    ("coalesce(null(), 'b')", "b"),
    ("concat('a', 1, true())", "a1True"),
    ("concat(createArray(1), createArray(2))", [1, 2]),
    ("contains('OneTwo', 'e')", True),
    ("contains('OneTwo', 'z')", False),
    ("contains('OneTwo', 'o')", True),
    ("contains('ONE', 'one')", False),
    ("contains(createObject('One', 1), 'one')", True),
    ("contains(createArray('a', 'b'), 'b')", True),
    ("createArray()", []),
    ("createObject('a', 1)", {"a": 1}),
    ("dataUri('Hello')", "data:text/plain;charset=utf8;base64,SGVsbG8="),
    ("dataUriToString('data:;base64,SGVsbG8=')", "Hello"),
    ("div(8, 3)", 2),
    ("div(-8, 3)", -2),
    ("empty('')", True),
    ("empty(createArray(1))", False),
    ("empty(createObject())", True),
    ("endsWith('abcdef', 'EF')", True),
    ("equals('a', 'A')", False),
    ("equals(1, 1)", True),
    ("equals(createArray(1, 2), createArray(1, 2))", True),
    ("equals(createObject('A', 1), createObject('a', 1))", True),
    ("equals(1, '1')", False),
    ("false()", False),
    ("first('One Two')", "O"),
    ("first(createArray('one', 'two'))", "one"),
    ("float('1.5')", 1.5),
    ("format('{0}, {1}. {{x}}', 'Hello', 3)", "Hello, 3. {x}"),
    ("greater(2, 1)", True),
    ("greaterOrEquals('a', 'b')", False),
    ("if(true(), 'yes', substring('', 5))", "yes"),
    ("indexFromEnd(createArray('a', 'b', 'c'), 2)", "b"),
    ("indexOf('test', 'T')", 0),
    ("indexOf(createArray('a', 'b'), 'b')", 1),
    ("indexOf('abc', 'z')", -1),
    ("int('4')", 4),
    ("intersection(createArray(1, 2, 3), createArray(3, 2))", [2, 3]),
    ("intersection(createObject('a', 1, 'b', 2), createObject('a', 1, 'b', 3))", {"a": 1}),
    ("ipRangeContains('10.0.0.0/24', '10.0.0.7')", True),
    ("ipRangeContains('10.0.0.0-10.0.0.9', '10.0.0.10')", False),
    ("ipRangeContains('2001:db8::/32', '2001:db8::1')", True),
    ("items(createObject('b', 2, 'a', 1))", [{"key": "a", "value": 1}, {"key": "b", "value": 2}]),
    ("join(createArray('a', 'b'), '-')", "a-b"),
    ("json('[1, true]')", [1, True]),
    ("last('One')", "e"),
    ("last(split('a/b/c', '/'))", "c"),
    ("lastIndexOf('test', 't')", 3),
    ("length('four')", 4),
    ("length(createArray(1, 2))", 2),
    ("less(1, 2)", True),
    ("lessOrEquals(2, 2)", True),
    ("max(0, 3, 2)", 3),
    ("max(createArray(1, 9))", 9),
    ("min(5, 3)", 3),
    ("mod(7, 3)", 1),
    ("mul(5, 3)", 15),
    ("not(false())", True),
    ("null()", None),
    ("objectKeys(createObject('b', 1, 'a', 1))", ["a", "b"]),
    ("or(false(), true())", True),
    ("padLeft('123', 5, '0')", "00123"),
    ("parseCidr('10.0.0.0/28').lastUsable", "10.0.0.14"),
    ("range(5, 3)", [5, 6, 7]),
    ("replace('123-123', '-', '')", "123123"),
    ("skip('one two', 4)", "two"),
    ("skip(createArray(1, 2, 3), 2)", [3]),
    ("split('one,two;three', createArray(',', ';'))", ["one", "two", "three"]),
    ("split('abc', '')", ["abc"]),
    ("startsWith('abcdef', 'AB')", True),
    ("string(createObject('a', true()))", '{"a":true}'),
    ("string(5)", "5"),
    ("sub(7, 3)", 4),
    ("substring('one two three', 4, 3)", "two"),
    ("substring('abc', 1)", "bc"),
    ("take('one two', 2)", "on"),
    ("take(createArray(1, 2), 5)", [1, 2]),
    ("toLower('ABC')", "abc"),
    ("toUpper('abc')", "ABC"),
    ("trim('  a ')", "a"),
    ("true()", True),
    ("tryGet(createObject('a', createObject('b', 7)), 'a', 'b')", 7),
    ("tryGet(createObject('a', 1), 'z')", None),
    ("tryIndexFromEnd(createArray(1), 5)", None),
    ("union(createArray(1, 2), createArray(2, 3))", [1, 2, 3]),
    ("union(createObject('a', createObject('x', 1)), createObject('A', createObject('y', 2)))", {"a": {"x": 1, "y": 2}}),
    ("uri('http://a.org/b/', 'c.json')", "http://a.org/b/c.json"),
    ("uriComponent('a b/c')", "a%20b%2Fc"),
    ("uriComponentToString('a%20b%2Fc')", "a b/c"),
    ("createArray(1, 2)[1]", 2),
    ("createObject('It', 1)['it']", 1),
    ("concat('it''s ', '(1)')", "it's (1)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "want"), RESULTS)
def test_results(text, want):
    """Each function gives what Microsoft's reference shows."""
    assert value_of(parse_text(f"[{text}]")) == want


def test_every_plain_function_has_a_result_above():
    """No function is in the table without a worked example."""
    told = " ".join(text.lower() for text, _ in RESULTS)
    assert [name for name in PLAIN if f"{name}(" not in told] == []
    assert set(SPECIAL) >= {
        "parameters",
        "field",
        "current",
        "subscription",
        "resourcegroup",
        "utcnow",
        "policy",
    }


REFUSED = [
    "add('a', 1)",
    "add(1.5, 1)",
    "base64('x', 'y')",
    "base64ToString('%')",
    "bool('maybe')",
    "cidrSubnet('10.0.0.0/20', 19, 0)",
    "concat(createArray(1), 'a')",
    "createObject('a')",
    "dataUriToString('x')",
    "first(1)",
    "float('x')",
    "format('{1}', 'a')",
    "greater(1, 'a')",
    "if('true', 1, 2)",
    "indexFromEnd(createArray(1), 2)",
    "int(createArray())",
    "ipRangeContains('10.0.0.0/8', '::1')",
    "ipRangeContains('10.0.0.9-10.0.0.1', '10.0.0.2')",
    "join('a', ',')",
    "length(5)",
    "max(createArray())",
    "mod(1, 0)",
    "not('x')",
    "padLeft('a', 5, 'xy')",
    "parseCidr('x')",
    "range(1, 10001)",
    "replace('a', '', 'b')",
    "split(1, ',')",
    "string(padLeft('a', 131073))",
    "substring('abc', 2, 5)",
    "toLower(1)",
    "trim(null())",
    "union('a', 'b')",
    "utcNow('dddd')",
    "int(json('1e999'))",
    "json('1e999')",
    "json('NaN')",
    "json('[" + "[" * 70 + "]" * 70 + "]')",
    "json('[" + "[" * 90_000 + "')",
    "base64(json('\"\\ud800\"'))",
    "uri('http://[', 'x')",
    "mul(999999999999999999, 999999999999999999)",
    "9" * 5000,
    "createArray(1)[1]",
    "createObject('a', 1).b",
]


@pytest.mark.parametrize("text", REFUSED)
def test_arguments_that_fail_the_evaluation(text):
    """Wrong kinds, ranges and sizes stop the evaluation or are refused when they are read; nothing is made up."""
    with pytest.raises((EvaluationFailed, ExpressionProblem)):
        value_of(parse_text(f"[{text}]"))


ODD: list[Any] = [
    None, True, 0, -1, 2**63, 10**400, 1.5, 1e308, "", "a", "-1", "\ud800", "http://[", "9" * 5000, "2026-01-01T00:00:00Z",
    "9999-12-31", "::/0", "10.0.0.0/33", [], ["a", 1], ["\ud800"], [[["a"]]], {}, {"a": 1, "A": 2}, {"": None},
]  # fmt: skip


@pytest.mark.parametrize("name", sorted(name for name in PLAIN if PLAIN[name].call))
def test_no_argument_breaks_a_function(name):
    """Whatever a function is given, it answers or fails the evaluation."""
    call = PLAIN[name].call
    assert call is not None
    tried = 0
    for size in range(4):
        if not PLAIN[name].least <= size <= PLAIN[name].most:
            continue
        for arguments in itertools.product(ODD, repeat=size):
            tried += 1
            with suppress(EvaluationFailed):
                call(*arguments)
    assert tried > 0


def test_large_lists_are_compared_in_time():
    """union and intersection of lists of Azure's whole size do not compare each with each."""
    one, two = (
        [{"a": [number, str(number)]} for number in range(start, start + 16_000)] for start in (0, 8_000)
    )
    started = time.monotonic()
    union, common = PLAIN["union"].call, PLAIN["intersection"].call
    assert union is not None
    assert common is not None
    assert len(union(one, two)) == 24_000
    assert common(one, two) == two[:8_000]
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("reference('x')", "does not allow"),
        ("resourceId('a', 'b')", "does not allow"),
        ("listKeys('a', 'b')", "does not allow"),
        ("newGuid()", "does not allow"),
        ("uniqueString('a')", "not supported"),
        ("guid('a')", "not supported"),
        ("frobnicate()", "not supported"),
        ("concat(reference('x').y, 'b')", "does not allow"),
        ("substring('a')", "takes 2 to 3 arguments"),
        ("true(1)", "takes 0 arguments"),
        ("concat('a'", "expected"),
        ("concat('a',)", "expected a value"),
        ("concat('a') 'b'", "not expected"),
        ("'open", "cannot read"),
        ("name", "no function call"),
        ("a.b()", "not supported"),
        ("", "expected a value"),
        ("not(" * 70 + "true()" + ")" * 70, "nested deeper"),
        ("'" + "a" * 90_000 + "'", "at most"),
    ],
)
def test_expressions_that_cannot_be_read(text, says):
    """Unknown and forbidden functions, wrong numbers of arguments and broken syntax are named."""
    with pytest.raises(ExpressionProblem) as caught:
        parse_text(f"[{text}]")
    assert says in caught.value.what


def test_text_that_is_no_expression():
    """`[[` begins text with a bracket; a lone bracket is text too."""
    assert parse_text("[[x]") == "[x]"
    assert parse_text("[open") == "[open"
    assert parse_text("plain") == "plain"


def test_names_are_known_in_any_casing():
    """Functions are found whatever their casing."""
    assert value_of(parse_text("[TOLOWER(ResourceGroup().Name)]")) == "g"
    assert "resourcegroup" in FUNCTIONS
