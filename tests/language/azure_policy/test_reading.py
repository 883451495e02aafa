"""Reading definitions: wrapped or bare, escaped, odd casing; every mistake is named with its place and construct."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from scanner.errors import InputError
from scanner.language.azure_policy.bulk import Bulk
from scanner.language.azure_policy.definition import definitions_in, kind_of, read_definition
from scanner.language.azure_policy.importing import Options, convert, rule_id
from scanner.language.azure_policy.judging import DATA_MODES
from scanner.language.azure_policy.nodes import entry, nodes_of, places, word
from scanner.language.azure_policy.rule_key import parse_key
from scanner.language.form import Form
from scanner.text import Sequence, load_yaml
from tests.language.azure_policy.asking import REGISTRIES, THINGS, parsed

GUID = "dc921057-6b28-4fbe-9b83-f7bec05db6c2"
ADMIN = {"field": f"{REGISTRIES}/adminUserEnabled", "equals": "true"}
TYPE = {"field": "type", "equals": "microsoft.containerregistry/registries"}
EFFECT = {
    "effect": {"type": "String", "allowedValues": ["Audit", "Deny", "Disabled"], "defaultValue": "Audit"}
}


def definition(clause=None, then=None, **more):
    """A wrapped definition."""
    properties = {
        "displayName": "Admin user off.",
        "description": "Nobody logs in with it.",
        "mode": "Indexed",
        "metadata": {"version": "1.0.1", "category": "Container Registry"},
        "parameters": EFFECT,
        "policyRule": {
            "if": clause or {"allOf": [TYPE, ADMIN]},
            "then": then or {"effect": "[parameters('effect')]"},
        },
    } | more
    return {
        "properties": properties,
        "id": f"/providers/Microsoft.Authorization/policyDefinitions/{GUID}",
        "name": GUID,
    }


def converted(value, options=None, values=None):
    """What a definition gives; text is taken as it is."""
    node, source = nodes_of(value if isinstance(value, str) else json.dumps(value, indent=1), "d.json")
    (held,) = definitions_in(node)
    return convert(held, source, options or Options("2026-11-26"), values)


def test_a_definition_becomes_a_rule():
    """Id from the GUID, the type in canonical spelling, everything else as Azure wrote it."""
    made = converted(definition()).made
    assert made.id == f"AZP{int('dc921057', 16)}" == "AZP3700559959"
    assert made.target == REGISTRIES
    assert made.name == "admin-user-off"
    assert "title: Admin user off\n" in made.text
    assert f"azure-policy:\n  - {GUID}" in made.text


def test_bare_definitions_and_bare_rules_are_read():
    """With and without `properties`; a file may hold only the rule, a list, or a page of Azure's answer."""
    whole = definition()
    assert converted(whole["properties"]).made.target == REGISTRIES
    assert converted(whole["properties"]["policyRule"] | {"x": 1}).left  # a parameter that nobody declares
    rule = {"if": {"allOf": [TYPE, ADMIN]}, "then": {"effect": "audit"}}
    assert converted(rule).made.target == REGISTRIES
    for held in ([whole], {"value": [whole]}):
        node, _ = nodes_of(json.dumps(held), "d.json")
        assert len(list(definitions_in(node))) == 1


def test_definitions_in_templates_are_unescaped():
    """A template writes `[[` for the bracket that begins a policy's expression; resources may be named or listed."""
    body = json.loads(json.dumps(definition()["properties"]).replace("[parameters", "[[parameters"))
    resource = {"type": "Microsoft.Authorization/policyDefinitions", "name": "x", "properties": body}
    for resources in ([resource], {"policy": resource}):
        template = {"$schema": "s", "contentVersion": "1.0.0.0", "resources": resources}
        assert converted(template).made is not None
    assert converted({"properties": body, "name": "x"}).made is not None


def test_what_a_file_is():
    """Definitions, initiatives, templates, and what is none of them."""
    for text, kind in (
        ('{"properties": {"policyRule": {}}}', "definition"),
        ('{"properties": {"policyType": "Static"}}', "definition"),
        ('{"policyDefinitions": []}', "initiative"),
        ('{"contentVersion": "1.0.0.0", "resources": []}', "template"),
        ('{"a": 1}', ""),
        ("[]", ""),
        ("7", ""),
    ):
        assert kind_of(nodes_of(text, "x")[0]) == kind


@pytest.mark.parametrize(
    ("value", "note"),
    [
        ({"policyType": "Static", "mode": None}, "attest"),
        ({"policyType": "Static", "policyRule": None}, "attest"),
        (
            {
                "policyRule": {
                    "if": TYPE,
                    "then": {"effect": "Manual", "details": {"defaultState": "Unknown"}},
                }
            },
            "attest",
        ),
    ],
)
def test_metadata_only_becomes_a_manual_control(value, note):
    """Placeholders of regulations and manual effects are attested by a person, never passed."""
    whole = definition()
    whole["properties"] = {k: v for k, v in (whole["properties"] | value).items() if v is not None}
    found = converted(whole)
    assert found.made.manual
    assert "\nmanual: " in found.made.text
    assert "azurePolicy" not in found.made.text
    assert any(note in one.reason for one in found.notes)


LEFT = [
    # change of the definition, construct, words of the reason
    ({"clause": {"allOf": [TYPE, {"field": f"{REGISTRIES}/adminUserEnable", "equals": True}]}}, f"{REGISTRIES}/adminUserEnable", 'Did you mean "Microsoft.ContainerRegistry/registries/adminUserEnabled"'),
    ({"clause": {"allOf": [TYPE, {"value": "[reference('x')]", "equals": 1}]}}, "reference()", "does not allow"),
    ({"clause": {"allOf": [TYPE, {"value": "[frob('x')]", "equals": 1}]}}, "frob()", "not supported"),
    ({"clause": {"allOf": [TYPE, {"field": "name", "equal": "x"}]}}, "equal", 'Did you mean "equals"'),
    ({"clause": {"allOf": [TYPE, {"field": "name", "equals": "x", "like": "y"}]}}, "field", "exactly one operator"),
    ({"clause": {"allOf": [TYPE, {"field": "name", "value": 1, "equals": "x"}]}}, "field", "one of"),
    ({"clause": {"allOf": [TYPE, {"field": "name"}]}}, "field", "exactly one operator"),
    ({"clause": {"allOf": [TYPE, {"source": "action", "like": "x"}]}}, "source", "test the field type"),
    ({"clause": {"allOf": []}}, "allOf", "empty"),
    ({"clause": {"allOf": {"a": 1}}}, "allOf", "needs a list"),
    ({"clause": {"anyOf": [TYPE], "not": TYPE}}, "anyOf", "one of"),
    ({"clause": {"allOf": [TYPE, {"field": "name", "exists": "perhaps"}]}}, "exists", "true or false"),
    ({"clause": {"allOf": [TYPE, {"field": "name", "in": "x"}]}}, "in", "needs a list"),
    ({"clause": {"allOf": [TYPE, {"field": "name", "like": "a*b*"}]}}, "like", "at most one"),
    ({"clause": {"allOf": [TYPE, {"field": "name", "equals": "[parameters('nope')]"}]}}, "parameters()", "unknown parameter"),
    ({"clause": {"allOf": [TYPE, {"value": "[current()]", "equals": 1}]}}, "current()", "outside a count"),
    ({"clause": {"allOf": [TYPE, {"count": {"field": f"{REGISTRIES}/networkRuleSet.ipRules"}, "less": 1}]}}, "count.field", "array alias"),
    ({"clause": {"allOf": [TYPE, {"count": {"field": f"{REGISTRIES}/privateEndpointConnections[*]", "greater": 0}}]}}, "count", "exactly one operator"),
    ({"clause": {"allOf": [TYPE, {"count": {"field": f"{REGISTRIES}/privateEndpointConnections[*]", "greater": 0}, "less": 1}]}}, "count.greater", "beside"),
    ({"clause": {"allOf": [TYPE, {"count": {"value": [1], "name": "a-b"}, "less": 1}]}}, "count.name", "letters and digits"),
    ({"clause": {"allOf": [TYPE, {"count": {}, "less": 1}]}}, "count", "one of field and value"),
    ({"clause": {"allOf": [TYPE, {"field": 7, "equals": 1}]}}, "field", "named by text"),
    ({"clause": {"allOf": [TYPE, {"field": "nonsense", "equals": 1}]}}, "nonsense", "unknown field"),
    ({"clause": {"allOf": [TYPE, "text"]}}, "condition", "must be an object"),
    ({"clause": {"allOf": [TYPE, {"field": "type", "equals": "Microsoft.Storage/storageAccounts"}]}}, "type", "contradict"),
    ({"then": {"effect": "audits"}}, "effect audits", 'Did you mean "audit"'),
    ({"then": {"details": {}}}, "then.effect", "no effect"),
    ({"then": {"effect": "auditIfNotExists"}}, "details.type", "needs details.type"),
    ({"then": {"effect": "auditIfNotExists", "details": {"type": "[field('type')]"}}}, "details.type", "written out"),
    ({"then": {"effect": "auditIfNotExists", "details": {"type": f"{REGISTRIES}/tokens", "existenceScope": "tenant"}}}, "existenceScope", "unknown"),
    ({"mode": "Microsoft.Kubernetes.Data"}, "mode Microsoft.Kubernetes.Data", "resource provider"),
    ({"mode": "Indexd"}, "mode Indexd", 'Did you mean "Indexed"'),
    ({"parameters": {"effect": {"type": "Strng", "defaultValue": "Audit"}}}, "parameters", "unknown type"),
    ({"parameters": {"effect": 7}}, "parameters", "must be an object"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "construct", "says"), LEFT)
def test_what_cannot_be_taken_is_named(change, construct, says):
    """File, line, column, JSON path, construct and reason; never a rule that decides something else."""
    found = converted(definition(**change))
    assert found.made is None
    left = found.left[0]
    assert construct in {one.construct for one in found.left}
    assert any(says in one.reason for one in found.left), [one.reason for one in found.left]
    assert left.place.startswith("d.json:")
    assert left.place.count(":") == 2


def test_a_problem_has_its_json_path():
    """The path leads to the value."""
    found = converted(definition(clause={"allOf": [TYPE, {"not": {"value": "[frob()]", "equals": 1}}]}))
    assert found.left[0].path == "properties.policyRule.if.allOf[1].not.value"


def test_all_problems_of_a_definition_are_told():
    """One run shows every mistake."""
    clause = {"allOf": [{"field": "name", "lik": "x"}, {"value": "[frob()]", "equals": 1}, TYPE]}
    assert [one.construct for one in converted(definition(clause=clause)).left] == ["lik", "frob()"]


@pytest.mark.parametrize(
    ("text", "says", "place"),
    [
        ("", "is empty", "d.json"),
        ('{"a": }', "not valid JSON", "d.json:1:7"),
        ('{"a": 1,\n "a": 2}', "duplicate key", "d.json:2:2"),
        ('{"a": NaN}', "no JSON number", "d.json"),
        ('{"a": ["x", "\\ud800"]}', "half a character", "d.json:1:13"),
        ('{"a": ' + "9" * 5000 + "}", "not valid JSON", "d.json"),
        ("[" * 200 + "]" * 200, "nested deeper", "d.json"),
    ],
)
def test_broken_json_is_refused_with_its_place(text, says, place):
    """Broken text, duplicated keys and depth are errors of the file."""
    with pytest.raises(InputError) as caught:
        nodes_of(text, "d.json")
    assert says in str(caught.value)
    assert caught.value.where == place


def test_places_count_lines_and_columns():
    """Escapes, blanks and line ends of any sort do not move a place."""
    node, _ = nodes_of('{\r\n\t"a\\"b": [1,\n   {"c": "\\u00e9\\ud83d\\ude00"}]}', "f")
    found = {path: str(mark) for mark, path in places(node)}
    assert found['a"b[1].c'] == "f:3:10"
    held = entry(node, 'a"b')
    assert isinstance(held, Sequence)
    assert word(entry(held.items[1], "c")) == "é😀"


def test_deep_conditions_are_bounded():
    """A tower of `not` ends in an error, not in a crash."""
    clause: dict[str, Any] = TYPE
    for _ in range(110):
        clause = {"not": clause}
    assert "levels" in parsed(clause)[1][0]


TYPES = [
    (TYPE, REGISTRIES, ""),
    ({"anyOf": [{"allOf": [ADMIN, TYPE]}]}, REGISTRIES, ""),
    ({"allOf": [ADMIN, {"not": {"not": ADMIN}}, TYPE]}, REGISTRIES, ""),
    ({"field": "TYPE", "in": ["Microsoft.Storage/storageAccounts", REGISTRIES]}, REGISTRIES, "also about Microsoft.Storage"),
    ({"anyOf": [{"field": "type", "equals": THINGS}, {"field": "type", "equals": "Contoso.Test/others"}]}, THINGS, "also about Contoso.Test/others"),
    ({"field": "name", "like": "x*"}, REGISTRIES, "no test of the type"),
    ({"field": "type", "like": "Microsoft.*"}, REGISTRIES, "no test of the type"),
    ({"not": {"field": "type", "equals": THINGS}}, REGISTRIES, "no test of the type"),
]  # fmt: skip


@pytest.mark.parametrize(("clause", "target", "note"), TYPES)
def test_the_type_is_found_anywhere(clause, target, note):
    """One, several or no tests of the type: a target is chosen, and what else is meant is told."""
    found = converted(definition(clause=clause))
    assert found.made.target == target
    told = [one.reason for one in found.notes]
    assert any(note in reason for reason in told) if note else not told


def test_a_type_can_be_asked_for():
    """--type picks one of several; one that the definition is not about is an error."""
    clause = {"field": "type", "in": [THINGS, REGISTRIES]}
    assert converted(definition(clause=clause), Options("2026-11-26", THINGS)).made.target == THINGS
    found = converted(definition(clause=TYPE), Options("2026-11-26", THINGS))
    assert "is about" in found.left[0].reason


def test_disabled_definitions_are_off():
    """A policy whose effect is Disabled is imported and off, with a reason."""
    made = converted(definition(then={"effect": "disabled"})).made
    assert not made.enabled
    assert "enabled: false" in made.text
    by_default = {"effect": EFFECT["effect"] | {"defaultValue": "Disabled"}}
    assert not converted(definition(parameters=by_default)).made.enabled
    assert converted(definition(), values={"effect": "Disabled"}).made.enabled is False


def test_values_must_fit_their_parameters():
    """A value outside the allowed ones, or for a parameter that is not there, is told."""
    assert "must be one of" in converted(definition(), values={"effect": "Modify"}).left[0].reason
    assert "unknown parameter" in converted(definition(), values={"nope": 1}).left[0].reason


def test_deployments_stay_out_of_the_rule():
    """The template of a deployment is not part of the check; the reader is told."""
    details = {
        "type": f"{REGISTRIES}/tokens",
        "deployment": {"properties": {"template": {"resources": ["[variables('x')]"]}}},
        "roleDefinitionIds": ["/x"],
    }
    found = converted(definition(then={"effect": "deployIfNotExists", "details": details}))
    assert "template" not in found.made.text
    assert "roleDefinitionIds" in found.made.text
    assert any("deployment" in one.reason for one in found.notes)


def test_hostile_words_stay_words():
    """Placeholders, YAML and control characters in names and texts do nothing."""
    words = 'x: {{ evil }} "q" #c\n- [a]\t!tag &b *c \u0007\u2028 % | >'
    found = converted(definition(displayName=words, description=words + " " + "y" * 5000))
    assert found.made is not None
    assert "{{ evil }}" not in found.made.text.partition("message:")[2].partition("rationale:")[0]


def test_ids_without_a_guid():
    """A definition of one's own has an id that hangs on its name alone."""
    node, _ = nodes_of(json.dumps({"name": "my-policy", "properties": {"policyRule": {}}}), "x")
    first = rule_id(read_definition(node))
    assert first == rule_id(read_definition(node))
    assert first.startswith("AZP")
    assert first != rule_id(read_definition(node), "again")


@pytest.mark.parametrize("mode", [*DATA_MODES, "All", "indexed", ""])
def test_every_mode_is_taken_or_told(mode):
    """Resource modes are imported; a mode of a resource provider is told as such."""
    found = converted(definition(mode=mode))
    assert bool(found.made) == (mode.lower() in ("all", "indexed", ""))


WHOLE = definition(
    {
        "allOf": [
            TYPE,
            {"not": {"anyof": [ADMIN]}},
            {"count": {"field": f"{REGISTRIES}/networkRuleSet.ipRules[*]", "where": {"value": "[current()]", "equals": "a"}}, "greater": 0},
            {"count": {"value": ["a"], "name": "n", "where": {"value": "[current('n')]", "in": ["a"]}}, "less": 5},
        ]
    },
    {
        "effect": "[parameters('effect')]",
        "details": {
            "type": f"{REGISTRIES}/tokens", "name": "x", "resourceGroupName": "g", "existenceScope": "subscription",
            "existenceCondition": {"field": f"{REGISTRIES}/tokens/status", "equals": "x"},
        },
    },
    parameters={"effect": {"type": "String", "defaultValue": "AuditIfNotExists", "allowedValues": ["AuditIfNotExists"], "metadata": {"displayName": "d"}}},
)  # fmt: skip
ODD: list[Any] = [
    None, True, -1, 1.5, 10**18, "", "[", "[[x]", "[parameters('effect')]", "[field('x')]", "[json('{}')]", "a" * 30_000,
    "{{x}}", "x: y\n- z", "\u2028\u0085\x1b", [], [1], [[]], {}, {"a": {}},
]  # fmt: skip


def spots(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value."""
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from spots(item, (*at, key))


def with_at(value: Any, at: tuple[Any, ...], other: Any) -> Any:
    """A copy with something else at a place."""
    if not at:
        return other
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[at[0]] = with_at(value[at[0]], at[1:], other)
    return copied


def test_any_value_anywhere_is_taken_or_told(tmp_path):
    """A definition with anything at any place is a rule that loads, or a problem with its place; nothing else happens."""
    assert converted(WHOLE).made is not None
    taken = told = 0
    for number, (at, other) in enumerate(itertools.product(spots(WHOLE), ODD)):
        path = tmp_path / "a.json"
        path.write_text(json.dumps(with_at(WHOLE, at, other)), encoding="utf-8")
        (result, *_) = Bulk(Options("2026-11-26")).run([path])
        if result.made is None:
            told += 1
            assert all(one.place and one.reason for one in result.left), (at, other)
            assert result.left or result.notes, (at, other)
        elif number % 5 == 0:
            taken += 1
            documents, source = load_yaml(result.made.text, "rule.yaml")
            form = Form(source)
            for document in documents:
                key = entry(document, "azurePolicy")
                assert key is None or parse_key(form, key, result.made.target) is not None, (at, other)
            assert form.errors == []
    assert min(taken, told) > 50
