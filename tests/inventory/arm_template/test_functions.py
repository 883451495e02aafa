"""Template functions, one row per behaviour: an expression and its value, or what is wrong with it.

The published reference is the measure: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions
"""

from __future__ import annotations

from typing import Any

import pytest

from scanner.inventory.arm_template.evaluating import FUNCTIONS
from scanner.inventory.arm_template.syntax import Call, nodes, parse
from scanner.inventory.arm_template.values import ExpressionError
from scanner.model.values import Unknown
from tests.inventory.arm_template.expanding import value, worked_out

DATA: dict[str, Any] = {
    "l": [1, 2, 3],
    "words": ["one", "two", "three"],
    "o": {"one": "a", "Two": {"x": 1}},
    "deep": [{"age": 5, "name": "Evie"}, {"age": 10, "name": "Casper"}, {"age": 5, "name": "Kira"}],
}

KNOWN: list[tuple[str, Any]] = [
    # logical and comparison
    ("[and(true(), true(), not(false()))]", True),
    ("[or(false(), false())]", False),
    ("[bool('true')]", True),
    ("[bool(0)]", False),
    ("[bool('FALSE')]", False),
    ("[if('True', 1, 2)]", 1),
    ("[equals(createObject('a', 1), createObject('a', 1))]", True),
    ("[equals('a', 'A')]", False),
    ("[equals(1, '1')]", False),
    ("[equals(createArray(1, 2), createArray(1, 2))]", True),
    ("[less(1, 2)]", True),
    ("[lessOrEquals(2, 2)]", True),
    ("[greater('b', 'a')]", True),
    ("[greaterOrEquals(1, 2)]", False),
    ("[coalesce(null(), null(), 'x')]", "x"),
    ("[coalesce(null())]", None),
    # numeric
    ("[add(2, 3)]", 5),
    ("[sub(2, 3)]", -1),
    ("[mul(2, 3)]", 6),
    ("[div(8, 3)]", 2),
    ("[div(-8, 3)]", -2),
    ("[mod(7, 3)]", 1),
    ("[mod(-7, 3)]", -1),
    ("[int('42')]", 42),
    ("[int(4.7)]", 4),
    ("[float('3.5')]", 3.5),
    ("[min(3, 1, 2)]", 1),
    ("[max(parameters('l'))]", 3),
    ("[minInt()]", -(2**63)),
    ("[maxInt()]", 2**63 - 1),
    # texts
    ("[concat('a', 1, true())]", "a1True"),
    ("[concat(createArray(1), createArray(2))]", [1, 2]),
    ("[format('{0}-{1:D3}-{{x}}', 'a', 7)]", "a-007-{x}"),
    ("[format('{0,5}|{0,-5}|', 'ab')]", "   ab|ab   |"),
    ("[format('{0:N0}', 8175133)]", "8,175,133"),
    ("[format('{0:X}', 255)]", "FF"),
    ("[string(createObject('a', createArray(1, true())))]", '{"a":[1,true]}'),
    ("[string(true())]", "True"),
    ("[string(null())]", ""),
    ("[toLower('AbC')]", "abc"),
    ("[toUpper('AbC')]", "ABC"),
    ("[trim('  a ')]", "a"),
    ("[split('a,b;c', createArray(',', ';'))]", ["a", "b", "c"]),
    ("[split('a--b', '--')]", ["a", "b"]),
    ("[join(parameters('words'), '-')]", "one-two-three"),
    ("[replace('a-b-c', '-', '')]", "abc"),
    ("[substring('abcdef', 1, 2)]", "bc"),
    ("[substring('abcdef', 4)]", "ef"),
    ("[padLeft('7', 3, '0')]", "007"),
    ("[padLeft(7, 3)]", "  7"),
    ("[startsWith('abc', 'AB')]", True),
    ("[endsWith('abc', 'BC')]", True),
    ("[contains('abc', 'b')]", True),
    ("[contains('abc', 'B')]", False),
    ("[indexOf('ABC', 'b')]", 1),
    ("[lastIndexOf('abab', 'AB')]", 2),
    ("[length('abc')]", 3),
    ("[first('abc')]", "a"),
    ("[last('abc')]", "c"),
    ("[take('abc', 2)]", "ab"),
    ("[skip('abc', 2)]", "c"),
    ("[take('abc', 9)]", "abc"),
    ("[empty('')]", True),
    ("[base64('ab')]", "YWI="),
    ("[base64ToString('YWI=')]", "ab"),
    ("[base64ToJson('eyJhIjoxfQ==').a]", 1),
    ("[dataUri('Hello')]", "data:text/plain;charset=utf8;base64,SGVsbG8="),
    ("[dataUriToString('data:;base64,SGVsbG8=')]", "Hello"),
    ("[dataUriToString('data:,a%20b')]", "a b"),
    ("[uri('https://e.com/a/', 'b.json')]", "https://e.com/a/b.json"),
    ("[uriComponent('https://e.com/a b')]", "https%3A%2F%2Fe.com%2Fa%20b"),
    ("[uriComponentToString('a%20b')]", "a b"),
    ("[json('{\"a\": [1, /* two */ 2,]}').a]", [1, 2]),
    ("[json('null')]", None),
    ("['it''s']", "it's"),
    # lists and objects
    ("[array('a')]", ["a"]),
    ("[array(parameters('l'))]", [1, 2, 3]),
    ("[createArray()]", []),
    ("[createObject('a', null())]", {"a": None}),
    ("[contains(parameters('o'), 'two')]", True),
    ("[contains(parameters('l'), 2)]", True),
    ("[contains(parameters('words'), 'One')]", False),
    ("[empty(createObject())]", True),
    ("[first(parameters('l'))]", 1),
    ("[first(createArray())]", None),
    ("[last(createArray())]", None),
    ("[indexOf(parameters('words'), 'three')]", 2),
    ("[indexOf(parameters('l'), 9)]", -1),
    ("[lastIndexOf(createArray(1, 2, 1), 1)]", 2),
    ("[indexFromEnd(parameters('l'), 1)]", 3),
    ("[tryIndexFromEnd(parameters('l'), 9)]", None),
    ("[take(parameters('l'), 2)]", [1, 2]),
    ("[take(parameters('l'), -1)]", []),
    ("[skip(parameters('l'), 2)]", [3]),
    ("[range(3, 3)]", [3, 4, 5]),
    ("[union(createArray(1, 2), createArray(2, 3))]", [1, 2, 3]),
    ("[union(createArray('a'), createArray('a', 'b'))]", ["a", "b"]),
    ("[union(createObject('a', createObject('x', 1)), createObject('A', createObject('y', 2)))]", {"a": {"x": 1, "y": 2}}),
    ("[union(createObject('a', 1), null())]", {"a": 1}),
    ("[intersection(createArray(1, 2, 3), createArray(3, 1))]", [1, 3]),
    ("[intersection(createObject('a', 1, 'b', 2), createObject('a', 1, 'b', 3))]", {"a": 1}),
    ("[items(parameters('o'))[1].key]", "Two"),
    ("[objectKeys(createObject('b', 1, 'a', 2))]", ["a", "b"]),
    ("[shallowMerge(createArray(createObject('a', createObject('x', 1)), createObject('A', 2)))]", {"a": 2}),
    ("[tryGet(parameters('o'), 'two', 'x')]", 1),
    ("[tryGet(parameters('o'), 'none', 'x')]", None),
    ("[tryGet(parameters('l'), 5)]", None),
    ("[tryGet(null(), 'x')]", None),
    ("[parameters('o').two.X]", 1),
    ("[parameters('o')['Two']]", {"x": 1}),
    ("[parameters('o').?none]", None),
    ("[parameters('o').?none.?x]", None),
    ("[parameters('o').?two.?x]", 1),
    ("[parameters('l')[1]]", 2),
    ("[length(parameters('o'))]", 2),
    # lambdas
    ("[filter(parameters('l'), lambda('x', greater(lambdaVariables('x'), 1)))]", [2, 3]),
    ("[filter(parameters('words'), lambda('x', 'i', equals(mod(lambdaVariables('i'), 2), 0)))]", ["one", "three"]),
    ("[map(parameters('l'), lambda('x', mul(lambdaVariables('x'), 2)))]", [2, 4, 6]),
    ("[map(createArray('a', 'b'), lambda('x', 'i', format('{0}{1}', lambdaVariables('x'), lambdaVariables('i'))))]", ["a0", "b1"]),
    ("[mapValues(createObject('a', 1), lambda('v', add(lambdaVariables('v'), 1)))]", {"a": 2}),
    ("[reduce(parameters('l'), 10, lambda('a', 'b', add(lambdaVariables('a'), lambdaVariables('b'))))]", 16),
    ("[sort(parameters('l'), lambda('a', 'b', greater(lambdaVariables('a'), lambdaVariables('b'))))]", [3, 2, 1]),
    ("[toObject(parameters('deep'), lambda('e', lambdaVariables('e').name), lambda('e', lambdaVariables('e').age))]", {"Evie": 5, "Casper": 10, "Kira": 5}),
    ("[toObject(parameters('words'), lambda('e', lambdaVariables('e')))]", {"one": "one", "two": "two", "three": "three"}),
    ("[objectKeys(groupBy(parameters('deep'), lambda('e', string(lambdaVariables('e').age))))]", ["10", "5"]),
    ("[map(createArray(1), lambda('x', map(createArray(2), lambda('y', add(lambdaVariables('x'), lambdaVariables('y'))))))]", [[3]]),
    # dates and ranges
    ("[dateTimeAdd('2020-04-07 14:53:14Z', 'P3Y')]", "2023-04-07T14:53:14Z"),
    ("[dateTimeAdd('2020-04-07 14:53:14Z', '-P9D', 'yyyy-MM-dd')]", "2020-03-29"),
    ("[dateTimeAdd('2020-01-31', 'P1M', 'd')]", "02/29/2020"),
    ("[dateTimeAdd('20200101T000000Z', 'PT1H30M')]", "2020-01-01T01:30:00Z"),
    ("[dateTimeFromEpoch(1683040573)]", "2023-05-02T15:16:13Z"),
    ("[dateTimeToEpoch('2023-05-02T15:16:13Z')]", 1683040573),
    ("[parseCidr('10.144.0.0/20').lastUsable]", "10.144.15.254"),
    ("[parseCidr('10.144.0.0/20').netmask]", "255.255.240.0"),
    ("[cidrSubnet('10.144.0.0/20', 24, 1)]", "10.144.1.0/24"),
    ("[cidrHost('10.144.3.0/24', 0)]", "10.144.3.1"),
    # scope and resources
    ("[resourceId('a', 'Microsoft.X/y', 'n')]", "/subscriptions/file:main.json/resourceGroups/a/providers/Microsoft.X/y/n"),
    ("[resourceId('Microsoft.X/y/z', 'n/m')]", "/subscriptions/file:main.json/resourceGroups/-/providers/Microsoft.X/y/n/z/m"),
    ("[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'g')]", "/subscriptions/file:main.json/providers/Microsoft.Authorization/roleDefinitions/g"),
    ("[tenantResourceId('Microsoft.X/y', 'n')]", "/providers/Microsoft.X/y/n"),
    ("[managementGroupResourceId('mg', 'Microsoft.X/y', 'n')]", "/providers/Microsoft.Management/managementGroups/mg/providers/Microsoft.X/y/n"),
    ("[extensionResourceId('/a/b', 'Microsoft.X/y', 'n')]", "/a/b/providers/Microsoft.X/y/n"),
    ("[environment().suffixes.acrLoginServer]", ".azurecr.io"),
    ("[environment().name]", "AzureCloud"),
    ("[resourceGroup().type]", "Microsoft.Resources/resourceGroups"),
    ("[tenant().id]", "/"),
]  # fmt: skip

WRONG: list[tuple[str, str]] = [
    ("[int('x')]", "no whole number"),
    ("[int('99999999999999999999')]", "no whole number"),
    ("[float('x')]", "no number"),
    ("[bool('x')]", "neither true nor false"),
    ("[add('a', 1)]", "a number expected"),
    ("[add(9223372036854775807, 1)]", "64 bits"),
    ("[div(1, 0)]", "division by zero"),
    ("[mod(1, 0)]", "division by zero"),
    ("[min(createArray())]", "nothing to choose from"),
    ("[not('x')]", "true or false expected"),
    ("[if(1, 2, 3)]", "true or false expected"),
    ("[if(true(), 1)]", "2 arguments"),
    ("[concat('a', createArray(1))]", "lists and texts"),
    ("[format('{1}', 'a')]", "no such argument"),
    ("[format('{', 'a')]", "lone bracket"),
    ("[format('{0:Q}', 1)]", "not supported"),
    ("[substring('abc', 2, 5)]", "outside the text"),
    ("[replace('a', '', 'b')]", "nothing to replace"),
    ("[padLeft('a', 3, 'xy')]", "one character"),
    ("[json('{')]", "no JSON"),
    ("[base64ToString('%')]", "no Base64"),
    ("[dataUriToString('x')]", "no data URI"),
    ("[first(1)]", "a list expected"),
    ("[length(null())]", "null has no length"),
    ("[empty(1)]", "text, list or object expected"),
    ("[indexFromEnd(parameters('l'), 4)]", "index 4 from the end"),
    ("[range(1, -1)]", "less than nothing"),
    ("[createObject('a')]", "key without a value"),
    ("[parameters('none')]", "no parameter 'none'"),
    ("[variables('none')]", "no variable 'none'"),
    ("[parameters('o').none]", "no 'none' in the object"),
    ("[parameters('l')[7]]", "index 7 in a list of 3"),
    ("[parameters('l').x]", "a list has no 'x'"),
    ("[copyIndex()]", "outside its loop"),
    ("[copyIndex('loop')]", "outside its loop"),
    ("[resourceId('Microsoft.X/y')]", "1 arguments"),
    ("[resourceId('Microsoft.X/y', 'a', 'b')]", "with 2 names"),
    ("[resourceId('a', 'b')]", "no resource type"),
    ("[dateTimeAdd('x', 'P1D')]", "no date"),
    ("[dateTimeAdd('2020-01-01', 'P')]", "no duration"),
    ("[dateTimeAdd('9999-12-31', 'P1Y')]", "beyond the calendar"),
    ("[dateTimeFromEpoch(99999999999999)]", "beyond the calendar"),
    ("[parseCidr('x')]", "no address range"),
    ("[cidrSubnet('10.0.0.0/24', 16, 0)]", "no such subnet"),
    ("[cidrHost('10.0.0.0/24', 300)]", "no such host"),
    ("[fail('not here')]", "refuses these values: not here"),
    ("[map(parameters('l'), 1)]", "a lambda expected"),
    ("[lambdaVariables('x')]", "no lambda variable"),
    ("[contoso.f()]", "no function contoso.f"),
    ("[concat('a'", ""),
    ("[concat('a']", "',' or ')' expected"),
    ("['a' 'b']", "unexpected"),
    ("[concat(,)]", "a value expected"),
    ("[a.1()]", "name expected"),
    ("[f().1]", "a key expected"),
    ("[~]", "cannot read"),
    ("[concat]", "'(' expected"),
]


@pytest.mark.parametrize(("expression", "wanted"), KNOWN, ids=[row[0] for row in KNOWN])
def test_known_values(expression: str, wanted: Any):
    """An expression of known things has a known value and nothing wrong."""
    found, notes = worked_out(expression, **DATA)
    assert found == wanted
    assert type(found) is type(wanted)
    assert notes == []


@pytest.mark.parametrize(("expression", "words"), WRONG, ids=[row[0] for row in WRONG])
def test_what_is_wrong(expression: str, words: str):
    """A wrong call makes this one value unknown and is noted in words that name what is wrong."""
    found, notes = worked_out(expression, **DATA)
    if not words:
        assert found == expression, "a text that does not end in a bracket is no expression"
        return
    assert isinstance(found, Unknown)
    assert found.kind == "error"
    assert len(notes) == 1
    assert words in notes[0]


_UNKNOWN = "reference('x').y"
UNKNOWN_ARGUMENTS: dict[str, str] = {
    name: f"[{call}]"
    for name, call in {
        "concat": f"concat({_UNKNOWN}, createArray(1))",
        "format": f"format({_UNKNOWN})",
        "string": f"string({_UNKNOWN})",
        "toLower": f"toLower({_UNKNOWN})",
        "split": f"split({_UNKNOWN}, ',')",
        "substring": f"substring({_UNKNOWN}, 1)",
        "startsWith": f"startsWith({_UNKNOWN}, 'a')",
        "endsWith": f"endsWith({_UNKNOWN}, 'a')",
        "take": f"take({_UNKNOWN}, 1)",
        "take a number": f"take('abc', {_UNKNOWN})",
        "contains": f"contains({_UNKNOWN}, 'a')",
        "contains a list": f"contains(createArray({_UNKNOWN}), 'a')",
        "contains a key": f"contains(createObject('a', 1), {_UNKNOWN})",
        "empty": f"empty({_UNKNOWN})",
        "equals": f"equals({_UNKNOWN}, 'a')",
        "not": f"not({_UNKNOWN})",
        "and": f"and(true(), {_UNKNOWN})",
        "or": f"or(false(), {_UNKNOWN})",
        "min": f"min(createArray({_UNKNOWN}, 1))",
        "union": f"union({_UNKNOWN}, createArray(1))",
        "intersection": f"intersection(createArray({_UNKNOWN}), createArray(1))",
        "createObject": f"createObject({_UNKNOWN}, 1)",
        "shallowMerge": f"shallowMerge(createArray({_UNKNOWN}))",
        "tryGet": f"tryGet({_UNKNOWN}, 'a')",
        "filter": f"filter({_UNKNOWN}, lambda('x', true()))",
        "filter by": f"filter(createArray(1), lambda('x', {_UNKNOWN}))",
        "map": f"map({_UNKNOWN}, lambda('x', lambdaVariables('x')))",
        "toObject": f"toObject(createArray(1), lambda('x', {_UNKNOWN}))",
        "groupBy": f"groupBy(createArray(1), lambda('x', {_UNKNOWN}))",
        "resourceId": f"resourceId({_UNKNOWN}, 'a')",
        "index": f"createArray(1, 2)[{_UNKNOWN}]",
        "add": f"add({_UNKNOWN}, 1)",
    }.items()
}


@pytest.mark.parametrize("expression", UNKNOWN_ARGUMENTS.values(), ids=UNKNOWN_ARGUMENTS.keys())
def test_unknown_arguments_give_unknown_values(expression: str):
    """What depends on something unknown is unknown for that reason, and nothing is called wrong."""
    found, notes = worked_out(expression, **DATA)
    assert isinstance(found, Unknown)
    assert found.kind == "runtime"
    assert notes == []


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        (f"[and(false(), {_UNKNOWN})]", False),
        (f"[and({_UNKNOWN}, false())]", False),
        (f"[or({_UNKNOWN}, true())]", True),
        (f"[startsWith(concat('https://', {_UNKNOWN}), 'https')]", True),
        (f"[startsWith(concat('http://', {_UNKNOWN}), 'https')]", False),
        (f"[endsWith(concat({_UNKNOWN}, '.io'), '.io')]", True),
        (f"[contains(concat({_UNKNOWN}, '.azurecr.io'), 'azurecr')]", True),
        (f"[contains(createArray({_UNKNOWN}, 'a'), 'a')]", True),
        (f"[empty(concat('a', {_UNKNOWN}))]", False),
        (f"[length(createArray({_UNKNOWN}, {_UNKNOWN}))]", 2),
        (f"[take(concat('abc', {_UNKNOWN}), 2)]", "ab"),
        (f"[substring(concat('abc', {_UNKNOWN}), 1, 2)]", "bc"),
        (f"[equals(concat('a', {_UNKNOWN}), 'b')]", False),
        (f"[equals(concat('a', {_UNKNOWN}), createArray())]", False),
        (f"[first(createArray('a', {_UNKNOWN}))]", "a"),
        (f"[last(split(concat('/a/', {_UNKNOWN}, '/b'), '/'))]", "b"),
        (f"[if(true(), 'a', {_UNKNOWN})]", "a"),
        (f"[coalesce('a', {_UNKNOWN})]", "a"),
    ],
)
def test_what_is_certain_although_parts_are_unknown(expression: str, wanted: Any):
    """An unknown part does not matter where the known parts decide."""
    assert value(expression, **DATA) == wanted


def test_every_function_of_the_reference_is_there():
    """The names that the published reference lists are all known."""
    names = [
        "array",
        "concat",
        "contains",
        "createArray",
        "empty",
        "first",
        "indexFromEnd",
        "indexOf",
        "intersection",
        "items",
        "last",
        "lastIndexOf",
        "length",
        "max",
        "min",
        "objectKeys",
        "range",
        "shallowMerge",
        "skip",
        "take",
        "tryGet",
        "tryIndexFromEnd",
        "union",
        "coalesce",
        "equals",
        "greater",
        "greaterOrEquals",
        "less",
        "lessOrEquals",
        "dateTimeAdd",
        "dateTimeFromEpoch",
        "dateTimeToEpoch",
        "utcNow",
        "deployer",
        "deployment",
        "environment",
        "parameters",
        "variables",
        "externalInput",
        "fail",
        "filter",
        "groupBy",
        "map",
        "mapValues",
        "reduce",
        "sort",
        "toObject",
        "lambda",
        "lambdaVariables",
        "and",
        "bool",
        "false",
        "if",
        "not",
        "or",
        "true",
        "add",
        "copyIndex",
        "div",
        "float",
        "int",
        "mod",
        "mul",
        "sub",
        "createObject",
        "json",
        "null",
        "extensionResourceId",
        "pickZones",
        "providers",
        "reference",
        "references",
        "resourceId",
        "roleDefinitions",
        "subscriptionResourceId",
        "tenantResourceId",
        "managementGroupResourceId",
        "managementGroup",
        "resourceGroup",
        "subscription",
        "tenant",
        "base64",
        "base64ToJson",
        "base64ToString",
        "dataUri",
        "dataUriToString",
        "endsWith",
        "format",
        "guid",
        "join",
        "newGuid",
        "padLeft",
        "replace",
        "split",
        "startsWith",
        "string",
        "substring",
        "toLower",
        "toUpper",
        "trim",
        "uniqueString",
        "uri",
        "uriComponent",
        "uriComponentToString",
        "cidrHost",
        "cidrSubnet",
        "parseCidr",
        "toLogicalZone",
        "toLogicalZones",
        "toPhysicalZone",
        "toPhysicalZones",
    ]
    assert [name for name in names if name.lower() not in FUNCTIONS] == []


def test_every_pure_function_has_a_row_here():
    """No function is without a test: each is called in a row above, or is one whose answer only Azure has."""
    written = [row[0] for row in (*KNOWN, *WRONG)] + list(UNKNOWN_ARGUMENTS.values())
    called = set()
    for expression in written:
        if expression.endswith((")]", "]")):
            try:
                called |= {node.name for node in nodes(parse(expression)) if isinstance(node, Call)}
            except ExpressionError:  # rows that do not parse are tests of their own
                continue
    elsewhere = {
        "guid", "uniquestring", "utcnow", "newguid", "deployer", "pickzones", "field", "deployment", "providers",
        "references", "subscription", "managementgroup",
    }  # fmt: skip
    asked = {
        "tologicalzone", "tologicalzones", "tophysicalzone", "tophysicalzones", "roledefinitions", "externalinput",
        "externalinputs", "policy", "requestcontext", "current", "claims",
    }  # fmt: skip
    assert set(FUNCTIONS) - called - elsewhere - asked == set()


@pytest.mark.parametrize("name", ["toLogicalZone", "roleDefinitions", "externalInput", "policy", "claims"])
def test_functions_whose_answer_only_azure_has(name: str):
    """They give an unknown value whatever they are called with."""
    found, notes = worked_out(f"[{name}('a', 'b')]")
    assert isinstance(found, Unknown)
    assert notes == []
