"""Azure's semantics case by case: every row of the table in docs/azure-policy.md, and what unread values do."""

from __future__ import annotations

import pytest

from scanner.model.values import Alternatives, Hidden, Partial, Unknown, UnreadTail
from tests.language.azure_policy.asking import REGISTRIES, THINGS, parsed, proof, truth

P = "Contoso.Test/things/p"
L = "Contoso.Test/things/list[*]"


def of(value):
    return {"properties": {"p": value}}


OPERATORS = [
    # operator, operand, value of the property ("-" = missing), truth
    ("equals", "Premium", "premium", "T"),
    ("less", "2026-01-01T00:00:00Z", "2025-12-31T23:59:59.99Z", "T"),
    ("less", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.0000000Z", "F"),
    ("greaterOrEquals", "2026-01-01T00:00:00Z", "2026-01-01T02:00:00+02:00", "T"),
    ("less", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+02:00", "T"),
    ("less", "2026-01-01T00:00:00Z", "2026-13-01", "F"),
    ("equals", "Premium", "Basic", "F"),
    ("equals", "x", "-", "F"),
    ("equals", "x", None, "F"),
    ("equals", "", None, "T"),
    ("equals", "", "-", "F"),
    ("equals", "", "", "T"),
    ("equals", None, "-", "T"),
    ("equals", None, None, "T"),
    ("equals", None, 0, "F"),
    ("equals", 80, "80", "T"),
    ("equals", "80", 80, "T"),
    ("equals", 80, "eighty", "F"),
    ("equals", True, "true", "T"),
    ("equals", "True", True, "T"),
    ("equals", True, "yes", "F"),
    ("equals", True, 1, "F"),
    ("equals", 1, 1.0, "T"),
    ("equals", "a", ["a"], "F"),
    ("equals", "MÜNCHEN", "münchen", "T"),
    ("notEquals", "x", "-", "T"),
    ("notEquals", "x", None, "T"),
    ("notEquals", "", None, "F"),
    ("notEquals", None, "-", "F"),
    ("notEquals", "X", "x", "F"),
    ("in", ["a", "B"], "b", "T"),
    ("in", [80, 443], "443", "T"),
    ("in", ["a"], "-", "F"),
    ("in", ["a", None], "-", "T"),
    ("in", ["a", None], None, "F"),
    ("in", ["a"], ["a"], "F"),
    ("notIn", ["a"], "-", "T"),
    ("notIn", ["a", None], "-", "F"),
    ("notIn", ["a"], "A", "F"),
    ("like", "prod-*", "PROD-1", "T"),
    ("like", "*-east", "x-East", "T"),
    ("like", "a*z", "abcz", "T"),
    ("like", "a*a", "a", "F"),
    ("like", "vm-?", "vm-1", "T"),
    ("like", "vm-?*", "vm-", "F"),
    ("like", "?*b", "ab", "T"),
    ("like", "a*", "-", "F"),
    ("like", "8*", 80, "T"),
    ("notLike", "a*", "-", "T"),
    ("notLike", "a*", "ab", "F"),
    ("contains", "PROD", "my-prod", "T"),
    ("contains", "x", "-", "F"),
    ("contains", "b", ["a", "B"], "T"),
    ("contains", "owner", {"Owner": 1}, "T"),
    ("contains", 5, {"a": 1}, "F"),
    ("notContains", "x", "-", "T"),
    ("notContains", "x", "xy", "F"),
    ("containsKey", "owner", {"Owner": None}, "T"),
    ("containsKey", "owner", "-", "F"),
    ("containsKey", "owner", "owner", "F"),
    ("notContainsKey", "owner", "-", "T"),
    ("notContainsKey", "owner", {"a": 1}, "T"),
    ("less", 5, 4, "T"),
    ("less", 5, "4", "T"),
    ("less", 5, "-", "F"),
    ("less", 5, None, "F"),
    ("less", 5, "four", "E"),
    ("less", 5, True, "E"),
    ("less", 5, [4], "E"),
    ("greater", "b", "C", "T"),
    ("greater", "2026-01-01", "2026-02-01T00:00:00Z", "T"),
    ("greaterOrEquals", 5, 5, "T"),
    ("lessOrEquals", 5, 6, "F"),
    ("exists", True, "-", "F"),
    ("exists", True, None, "F"),
    ("exists", True, "", "T"),
    ("exists", True, [], "T"),
    ("exists", True, {}, "T"),
    ("exists", True, 0, "T"),
    ("exists", True, False, "T"),
    ("exists", "false", "-", "T"),
    ("exists", "False", "x", "F"),
    ("exists", "True", "x", "T"),
    ("exists", False, None, "T"),
    ("match", "vm-##", "vm-01", "T"),
    ("match", "VM-##", "vm-01", "F"),
    ("match", "?.#", "a-1", "T"),
    ("match", "?.#", "1-1", "F"),
    ("match", "##", "123", "F"),
    ("match", "##", "-", "F"),
    ("matchInsensitively", "VM-##", "vm-01", "T"),
    ("notMatch", "##", "-", "T"),
    ("notMatch", "##", "12", "F"),
    ("notMatchInsensitively", "A#", "a1", "F"),
]


@pytest.mark.parametrize(("operator", "operand", "value", "want"), OPERATORS)
def test_operators(operator, operand, value, want):
    """Absent, null, case, text that writes a number or boolean, wrong types: one row each."""
    body: dict[str, object] = {"properties": {}} if value == "-" else of(value)
    assert truth({"field": P, operator: operand}, body) == want


@pytest.mark.parametrize(
    "operator", ["notEquals", "notIn", "notLike", "notContains", "notContainsKey", "notMatch"]
)
def test_negated_operators_are_the_opposite(operator):
    """A negated operator says the opposite of the plain one for every value, absent and null included."""
    plain = operator[3].lower() + operator[4:]
    operand = ["a", 1, None] if "In" in operator else "a"
    nothing: dict[str, object] = {"properties": {}}
    for body in (nothing, of(None), of("a"), of("b"), of(1), of(["a"]), of({"a": 1}), of(True)):
        one = truth({"field": P, plain: operand}, body)
        other = truth({"field": P, operator: operand}, body)
        assert {one, other} == {"T", "F"}, body


@pytest.mark.parametrize(
    "clause",
    [
        {"ALLOF": [{"Field": P, "Equals": "a"}]},
        {"anyof": [{"FIELD": P, "eQuals": "a"}]},
        {"NOT": {"field": P, "NotEquals": "a"}},
        {"Value": "a", "LIKE": "A"},
    ],
)
def test_keys_are_known_in_any_casing(clause):
    """Microsoft's own definitions write anyof, notequals and Like."""
    assert truth(clause, of("a")) == "T"


ARRAYS = [
    # clause on the list, the list ("-" = missing), truth
    ({"field": L, "equals": 1}, [1, 1], "T"),
    ({"field": L, "equals": 1}, [1, 2], "F"),
    ({"field": L, "notEquals": 1}, [2, 3], "T"),
    ({"field": L, "notEquals": 1}, [1, 2], "F"),
    ({"field": L, "equals": 1}, [], "T"),
    ({"field": L, "notEquals": 1}, [], "T"),
    ({"field": L, "exists": "false"}, [], "T"),
    ({"field": L, "equals": 1}, "-", "F"),
    ({"field": L, "notEquals": 1}, "-", "F"),
    ({"field": L, "exists": "false"}, "-", "F"),
    ({"field": L, "equals": 1}, None, "F"),
    ({"field": L, "equals": 1}, "text", "F"),
    ({"not": {"field": L, "notEquals": "*"}}, ["80", "*"], "T"),
    ({"not": {"field": L, "notEquals": "*"}}, ["80"], "F"),
    ({"field": f"{L}.a", "equals": "x"}, [{"a": "x"}, {"a": "X"}], "T"),
    ({"field": f"{L}.a", "exists": True}, [{"a": "x"}, {}], "F"),
    ({"field": f"{L}.a", "exists": False}, [{}, {"a": None}], "T"),
    ({"field": f"{L}.in[*]", "equals": 1}, [{"in": [1]}, {"in": [1, 1]}], "T"),
    ({"field": f"{L}.in[*]", "equals": 1}, [{"in": [1]}, {"in": [2]}], "F"),
    ({"field": f"{L}.in[*]", "equals": 1}, [{"in": []}, {"in": []}], "T"),
    ({"field": f"{L}.in[*]", "equals": 1}, [{}, {}], "F"),
    ({"field": f"{L}.deep.a", "equals": "x"}, [{"properties": {"deep": {"a": "x"}}}], "T"),
    ({"field": "Contoso.Test/things/list[1]", "equals": 2}, [1, 2], "T"),
    ({"field": "Contoso.Test/things/list[7]", "exists": True}, [1, 2], "F"),
    ({"count": {"field": L}, "equals": 2}, [1, 2], "T"),
    ({"count": {"field": L}, "equals": 0}, "-", "T"),
    ({"count": {"field": L}, "equals": 0}, [], "T"),
    ({"count": {"field": L}, "equals": 0}, None, "T"),
    ({"count": {"field": L, "where": {"field": L, "equals": 1}}, "equals": 1}, [1, 2, 3], "T"),
    ({"count": {"field": L, "where": {"field": f"{L}.a", "equals": "x"}}, "less": 1}, [{"a": "y"}], "T"),
    ({"count": {"field": L, "where": {"field": "tags.env", "equals": "prod"}}, "equals": 2}, [1, 2], "T"),
    ({"count": {"field": f"{L}.in[*]"}, "greaterOrEquals": 4}, [{"in": [1, 2]}, {"in": [3, 4]}, {}], "T"),
    (
        {
            "count": {"field": f"{L}.in[*]", "where": {"field": f"{L}.in[*]", "equals": "registry"}},
            "greaterOrEquals": 1,
        },
        [{"in": ["a", "registry"]}, {"in": ["b"]}],
        "T",
    ),
    (
        {
            "count": {
                "field": L,
                "where": {
                    "allOf": [{"field": f"{L}.a", "equals": "v2"}, {"field": f"{L}.in[*]", "greater": 2}]
                },
            },
            "equals": 1,
        },
        [{"a": "v1", "in": [1, 2]}, {"a": "v2", "in": [3, 4]}],
        "T",
    ),
    (
        {
            "count": {
                "field": L,
                "where": {
                    "count": {"field": f"{L}.in[*]", "where": {"field": f"{L}.in[*]", "equals": 3}},
                    "greater": 0,
                },
            },
            "equals": 1,
        },
        [{"in": [1]}, {"in": [3, 3]}],
        "T",
    ),
    (
        {"count": {"field": L, "where": {"value": "[current()]", "equals": "yes"}}, "equals": 2},
        ["yes", "no", "yes"],
        "T",
    ),
    (
        {"count": {"field": L, "where": {"field": L, "equals": f"[first(field('{L}'))]"}}, "equals": 3},
        ["a", "b", "c"],
        "T",
    ),
    (
        {"count": {"field": L, "where": {"field": L, "equals": f"[field('{L}')]"}}, "equals": 0},
        ["a", "b"],
        "T",
    ),
    (
        {"count": {"field": L, "where": {"value": f"[current('{L}.a')]", "equals": "x"}}, "equals": 1},
        [{"a": "x"}, {"a": "y"}, {}],
        "T",
    ),
    ({"value": f"[length(field('{L}'))]", "equals": 0}, "-", "T"),
    ({"value": f"[length(field('{L}.a'))]", "equals": 2}, [{"a": 1}, {}], "T"),
    ({"value": "[field('Contoso.Test/things/list')]", "equals": ""}, "-", "T"),
]


@pytest.mark.parametrize(("clause", "items", "want"), ARRAYS)
def test_arrays(clause, items, want):
    """`[*]` is all of, with an empty list true and a missing list false; a count of either is 0."""
    properties = {} if items == "-" else {"list": items}
    assert truth(clause, {"tags": {"env": "prod"}, "properties": properties}) == want


VALUE_COUNTS = [
    ({"count": {"value": ["a", "b", "c"]}, "equals": 3}, "T"),
    ({"count": {"value": ["p1*", "th*"], "name": "x", "where": {"field": "name", "like": "[current('x')]"}}, "greater": 0}, "T"),
    ({"count": {"value": ["p1*"], "where": {"field": "name", "like": "[current()]"}}, "greater": 0}, "F"),
    ({"count": {"value": "[parameters('names')]", "name": "n", "where": {"value": "[current('n').a]", "equals": 1}}, "equals": 1}, "T"),
    (
        {
            "count": {
                "value": "[parameters('tags')]", "name": "tag",
                "where": {"field": "[concat('tags[', current('tag'), ']')]", "exists": True},
            },
            "notEquals": "[length(parameters('tags'))]",
        },
        "T",
    ),
    ({"count": {"value": "text"}, "equals": 3}, "E"),
    ({"count": {"value": list(range(101))}, "equals": 101}, "E"),
]  # fmt: skip


@pytest.mark.parametrize(("clause", "want"), VALUE_COUNTS)
def test_counts_over_values(clause, want):
    """Literal lists and list parameters, with `current()`; what is no list, or too long, fails the evaluation."""
    parameters = {
        "names": {"type": "Array", "defaultValue": [{"a": 1}, {"a": 2}]},
        "tags": {"type": "array", "defaultValue": ["env", "owner"]},
    }
    body = {"name": "thing", "tags": {"env": "x"}, "properties": {}}
    assert truth(clause, body, parameters=parameters) == want


FIELDS = [
    ("type", "contoso.test/THINGS"),
    ("name", "Thing"),
    ("location", "East US 2"),
    ("kind", "v2"),
    ("identity.type", "systemassigned"),
    ("tags.env", "prod"),
    ("tags['a.b c']", "dotted"),
    ("tags[cost-center]", "7"),
    ("tags['''it's''']", "quote"),
    ("fullName", "thing"),
    ("Contoso.Test/things/sku.name", "p1"),
]


@pytest.mark.parametrize(("field", "value"), FIELDS)
def test_plain_fields(field, value):
    """Fields that are no aliases, tags in every spelling, and what stands beside `properties`."""
    body = {
        "name": "thing", "kind": "V2", "location": "eastus2", "identity": {"type": "SystemAssigned"}, "sku": {"name": "P1"},
        "tags": {"Env": "prod", "a.b c": "dotted", "cost-center": "7", "it's": "quote"}, "properties": {},
    }  # fmt: skip
    assert truth({"field": field, "equals": value}, body) == "T"


def test_the_full_name_has_the_parents():
    """`fullName` of a child is parent/child."""
    body = {"id": "/subscriptions/s/resourceGroups/g/providers/Contoso.Test/things/one/parts/two"}
    assert truth({"field": "fullName", "equals": "ONE/two"}, body, target=f"{THINGS}/parts") == "T"


def test_dots_and_slashes_lead_to_the_same_property():
    """An alias may join its parts by either."""
    token = f"{REGISTRIES}/tokens"
    for text in (f"{token}/status", f"{token}/properties.status"):
        assert (
            truth(
                {"field": text, "notequals": "disabled"}, {"properties": {"status": "enabled"}}, target=token
            )
            == "T"
        )


def test_type_facts_put_properties_in():
    """Where the specification nests `properties` inside elements, the alias does without it."""
    alias = f"{REGISTRIES}/privateEndpointConnections[*].privateLinkServiceConnectionState.status"
    body = {
        "properties": {
            "privateEndpointConnections": [
                {"properties": {"privateLinkServiceConnectionState": {"status": "Approved"}}}
            ]
        }
    }
    assert truth({"field": alias, "equals": "approved"}, body, target=REGISTRIES) == "T"


def test_a_given_table_of_aliases_decides():
    """A path that somebody looked up comes before the form of the alias."""
    clause = {"field": "Contoso.Test/imagePublisher", "equals": "x"}
    body = {"properties": {"storageProfile": {"imageReference": {"publisher": "X"}}}}
    table = {"Contoso.Test/imagePublisher": "properties.storageProfile.imageReference.publisher"}
    assert truth(clause, body, table=table) == "T"
    assert "unknown alias" in parsed(clause)[1][0]


UNREAD = [
    ({"field": P, "equals": "a"}, "U"),
    ({"field": P, "exists": True}, "U"),
    ({"not": {"field": P, "equals": "a"}}, "U"),
    ({"allOf": [{"field": P, "equals": "a"}, {"field": "name", "equals": "no"}]}, "F"),
    ({"anyOf": [{"field": P, "equals": "a"}, {"field": "name", "equals": "thing"}]}, "T"),
    ({"allOf": [{"field": P, "less": 1}, {"value": "x", "less": 1}]}, "E"),
    ({"value": f"[empty(field('{P}'))]", "equals": True}, "U"),
    ({"value": f"[if(equals(field('name'), 'thing'), 'y', field('{P}'))]", "equals": "y"}, "T"),
    ({"value": f"[or(equals(field('name'), 'thing'), equals(field('{P}'), 'a'))]", "equals": True}, "T"),
    ({"value": f"[and(equals(field('{P}'), 'a'), equals(field('name'), 'x'))]", "equals": False}, "T"),
    ({"field": "name", "equals": f"[field('{P}')]"}, "U"),
]


@pytest.mark.parametrize(
    "value", [Unknown("403"), Alternatives(("a", "b"), "parameter"), Partial(("a", None), "parameter")]
)
@pytest.mark.parametrize(("clause", "want"), UNREAD)
def test_what_was_not_read_stays_unknown(clause, want, value):
    """Nothing unread decides; what is settled without it is. What a template leaves open is not known here."""
    assert truth(clause, {"name": "thing", "properties": {"p": value}}) == want


TAILS = [
    ({"field": L, "equals": 1}, [1], "U"),
    ({"field": L, "equals": 1}, [2], "F"),
    ({"count": {"field": L}, "greaterOrEquals": 1}, [1], "T"),
    ({"count": {"field": L}, "less": 1}, [1], "F"),
    ({"count": {"field": L}, "equals": 1}, [1], "U"),
    ({"count": {"field": L}, "equals": 0}, [1], "F"),
    ({"count": {"field": L}, "notEquals": 0}, [1], "T"),
    ({"count": {"field": L, "where": {"field": L, "equals": 2}}, "greater": 0}, [1], "U"),
    ({"value": f"[length(field('{L}'))]", "equals": 1}, [1], "U"),
]


@pytest.mark.parametrize(("clause", "items", "want"), TAILS)
def test_a_list_with_an_unread_tail(clause, items, want):
    """More elements may follow: only what they cannot change is decided."""
    assert truth(clause, {"properties": {"list": [*items, UnreadTail("429")]}}) == want


def test_an_unread_list():
    """A list of which nothing was read is neither empty nor missing."""
    body = {"properties": {"list": Unknown("403")}}
    assert truth({"field": L, "equals": 1}, body) == "U"
    assert truth({"count": {"field": L}, "equals": 0}, body) == "U"


def test_a_withheld_value_exists():
    """A secret is there and is not empty; nothing else can be said of it."""
    body = of(Hidden("password"))
    assert truth({"field": P, "exists": True}, body) == "T"
    assert truth({"field": P, "equals": ""}, body) == "F"
    assert truth({"field": P, "notEquals": None}, body) == "T"
    assert truth({"field": P, "notEquals": "x"}, body) == "U"
    assert truth({"field": P, "in": ["", "x"]}, body) == "U"
    assert truth({"field": P, "equals": "x"}, body) == "U"


def test_an_api_version_that_lacks_the_key_is_unknown():
    """A key that an old answer cannot hold is not absent, in Azure's semantics either."""
    clause = {"field": f"{REGISTRIES}/publicNetworkAccess", "notEquals": "Disabled"}
    body = {"apiVersion": "2017-10-01", "properties": {}, "sku": {"name": "Premium"}}
    assert truth(clause, body, target=REGISTRIES, source="saved") == "U"
    assert truth(clause, {"properties": {}}, target=REGISTRIES) == "T"


def test_surroundings_are_known_from_the_id_and_no_further():
    """subscription() and resourceGroup() know ids and names; tags of the group were not read."""
    body = {"id": "/subscriptions/5/resourceGroups/rg-net/providers/Contoso.Test/things/t", "properties": {}}
    assert truth({"value": "[resourceGroup().name]", "like": "*NET"}, body) == "T"
    assert truth({"value": "[subscription().subscriptionId]", "equals": "5"}, body) == "T"
    assert truth({"value": "[resourceGroup().tags.env]", "equals": "x"}, body) == "U"
    assert truth({"value": "[requestContext().apiVersion]", "less": "2020"}, body) == "U"
    assert truth({"value": "[policy().assignmentId]", "equals": "x"}, body) == "U"


def test_the_clock_is_an_argument():
    """utcNow() and addDays() hang on the run's clock."""
    body = of("2025-11-20T00:00:00Z")
    assert truth({"field": P, "less": "[utcNow()]"}, body) == "T"
    assert truth({"field": P, "less": "[addDays(utcNow(), -30)]"}, body) == "F"
    assert truth({"value": "[utcNow('yyyy-MM-dd')]", "equals": "2025-11-25"}, body) == "T"


def test_a_parameter_without_a_value_is_unknown():
    """A parameter that the assignment must give is not empty."""
    parameters = {"sku": {"type": "String"}}
    clause = {"field": P, "equals": "[parameters('SKU')]"}
    assert truth(clause, of("a"), parameters=parameters) == "U"
    assert truth(clause, of("a"), parameters=parameters, values={"sku": "A"}) == "T"


def test_evaluations_that_azure_fails_are_errors_with_their_reason():
    """A function that cannot do its work is no verdict; the note says that Azure fails."""
    for text in (
        "[substring(field('name'), 0, 30)]",
        "[int('x')]",
        "[div(1, 0)]",
        "[ipRangeContains('10.0.0.0/8', 'x')]",
        "[field('name').first]",
        "[json('{')]",
        "[addDays('never', 1)]",
        "[parameters(field('name'))]",
    ):
        found = proof({"value": text, "equals": "x"}, {"name": "short", "properties": {}})
        assert found.truth.name == "ERROR", text
        assert "Azure fails the evaluation" in found.note, text


def test_a_missing_list_is_told():
    """The one place where sources disagree leaves a note in the proof."""
    found = proof({"field": L, "equals": 1}, {"properties": {}})
    assert "Microsoft's page" in next(iter(found.decisive())).note


def test_a_guessed_path_is_told():
    """Absent by a path that nobody knows for sure says so."""
    found = proof({"field": P, "exists": False}, {"properties": {}})
    assert "no facts" in found.note


def test_the_proof_names_paths_and_elements():
    """Evidence points at the element that decided."""
    found = proof({"field": f"{L}.a", "equals": "x"}, {"properties": {"list": [{"a": "x"}, {"a": "y"}]}})
    (leaf,) = found.decisive()
    assert (leaf.path, leaf.actual, leaf.operator, leaf.expected) == (
        "properties.list[1].a",
        "y",
        "equals",
        "x",
    )
