"""The generated schemas and the parser agree: what one takes the other takes, what one refuses the other refuses."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from scanner import data
from scanner.cli.config import KEYS, SCOPES
from scanner.errors import Problems, RuleError
from scanner.language import schema
from scanner.language.pack import load_rule_file
from scanner.text import load_yaml, plain, read_text
from tests.language.test_pack import RULE

ACR = data.policies() / "acr"
SCHEMAS = {
    "rule": schema.rule_schema(),
    "pack": schema.pack_schema(),
    "profile": schema.profile_schema(),
    "config": schema.config_schema(KEYS, SCOPES),
}
SEMANTIC = ("SEM002", "SEM004", "SEM005", "SEM006", "SEM007", "META009", "META012", "PROF003", "YAML002")
"""Checks that need facts, names or values a schema does not know."""


def documents(text):
    nodes, _ = load_yaml(text, "f.yaml", tags=True)
    return json.loads(json.dumps([plain(node) for node in nodes], default=lambda marker: "marker"))


def accepted_by_schema(text):
    validator = jsonschema.Draft202012Validator(SCHEMAS["rule"])
    return all(validator.is_valid(document) for document in documents(text))


def parser_says(text, tmp_path):
    """True, False, or None where only checks beyond a schema's reach complain."""
    path = tmp_path / "TST101.yaml"
    path.write_text(text)
    try:
        load_rule_file(path)
    except (Problems, RuleError) as error:
        errors = error.errors if isinstance(error, Problems) else [error]
        return None if all(item.code in SEMANTIC for item in errors) else False
    return True


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schemas_are_valid_and_written(name):
    """Each is a valid 2020-12 schema, and the committed file is the generated one."""
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])
    written = json.loads((data.policies() / "schemas" / f"{name}.schema.json").read_text())
    assert written == SCHEMAS[name]


@pytest.mark.parametrize("path", sorted(ACR.glob("ACR*.yaml")), ids=lambda path: path.stem)
def test_shipped_rules_fit_the_schema(path):
    """Every shipped rule validates."""
    validator = jsonschema.Draft202012Validator(SCHEMAS["rule"])
    for document in documents(read_text(path)):
        assert [error.message for error in validator.iter_errors(document)] == []


def test_pack_and_profiles_fit_their_schemas():
    """pack.yaml and every shipped profile validate."""
    jsonschema.Draft202012Validator(SCHEMAS["pack"]).validate(documents(read_text(ACR / "pack.yaml"))[0])
    for path in (data.policies() / "profiles").glob("*.yaml"):
        jsonschema.Draft202012Validator(SCHEMAS["profile"]).validate(documents(read_text(path))[0])


CONDITION = "{field: properties.adminUserEnabled, equals: false}"
GOOD = [
    "{field: properties.adminUserEnabled, notEquals: true, default: false}",
    "{field: sku.name, in: [Basic, null], caseSensitive: true}",
    "{allOf: [{field: sku.name, like: 'P*'}, {not: {field: tags, containsKey: owner}}]}",
    "{none: {of: properties.networkRuleSet.ipRules, as: r, where: {field: $r.value, cidrPrefixLess: [8, 32]}}}",
    "{every: {of: related.access, as: g, where: {field: $g.can, equals: pull}, whenEmpty: fail}}",
    "{count: {of: related.tokens}, lessOrEquals: 3}",
    "{count: {of: related.tokens, as: t, where: {field: $t.name, exists: true}}, notEquals: 0}",
    "{field: \"tags['odd key']\", matches: '^x$'}",
    "{field: location, equals: {fieldRef: location}}",
    "{field: name, format: registryName}",
]
BAD = [
    "{}",
    "[]",
    "{field: sku.name}",
    "{field: sku.name, equals: a, in: [b]}",
    "{field: sku.name, equals: {fieldRef: name, x: 1}}",
    "{field: sku.name, equals: {other: 1}}",
    "{field: sku.name, exists: maybe}",
    "{field: sku.name, exists: {fieldRef: name}}",
    "{field: sku.name, default: x}",
    "{field: sku..name, exists: true}",
    "{field: 5, exists: true}",
    "{field: name, format: phoneNumber}",
    "{allOf: []}",
    "{allOf: {field: name, exists: true}}",
    "{allOf: [{field: name, exists: true}], anyOf: [{field: name, exists: true}]}",
    "{not: []}",
    "{none: {of: related.access, as: g}}",
    "{none: {of: related.access, as: g, where: {field: $g.can, exists: true}, whenEmpty: maybe}}",
    "{none: {of: related.access, as: '1g', where: {field: name, exists: true}}}",
    "{count: {of: related.tokens}}",
    "{count: {of: related.tokens}, less: -1}",
    "{count: {of: related.tokens}, less: 1.5}",
    "{count: {of: related.tokens}, like: x}",
    "{count: {of: related.tokens, where: {field: name, exists: true}}, less: 1}",
    "{param: limit, like: x}",
    "{ref: ''}",
    "{unknown: 1}",
]


@pytest.mark.parametrize("condition", GOOD)
def test_good_conditions(condition, tmp_path):
    """Both take it."""
    text = RULE.replace(CONDITION, condition)
    assert parser_says(text, tmp_path) is True
    assert accepted_by_schema(text)


@pytest.mark.parametrize("condition", BAD)
def test_bad_conditions(condition, tmp_path):
    """Both refuse it (the parser may name a check that a schema knows as well)."""
    text = RULE.replace(CONDITION, condition)
    assert parser_says(text, tmp_path) is not True
    assert not accepted_by_schema(text)


CHANGES = [
    ("severity: high", "severity: worst"),
    ("id: TST101", "id: T1"),
    ("name: admin-off", "name: Admin_Off"),
    ("is off", "is off."),
    ("title:", "titel:"),
    ("rationale: It is shared.\n", ""),
    ("message:", "manual: x\nmessage:"),
    ("effort: low", "effort: tiny"),
    ('effort: low, az: "az acr update --name {{ name }} --admin-enabled false"', "effort: low"),
    ("https://learn.microsoft.com/azure/container-registry/", "http://x"),
    ("reviewed: 2026-11-25", "reviewed: soon"),
    ("{faq: [RM4]}", "{FAQ: [RM4]}"),
    ("{faq: [RM4]}", "{faq: [{id: RM4, basis: guessed}]}"),
    ("{faq: [RM4]}", "{faq: RM4}"),
    ("reviewed:", "enabled: false\nreviewed:"),
    ("reviewed:", "notApplicableMessage: never shown\nreviewed:"),
    ("reviewed:", "parameters: {Big: {type: string, default: x, description: d}}\nreviewed:"),
    ("reviewed:", "parameters: {a: {type: text, default: x, description: d}}\nreviewed:"),
    ("reviewed:", "parameters: {a: {type: string, default: x}}\nreviewed:"),
    ("reviewed:", "tests: [{name: a, resource: {}}]\nreviewed:"),
    ("reviewed:", "tests: [{name: a, resource: {}, expect: ok}]\nreviewed:"),
    ("reviewed:", "tests: [{name: a, resource: {}, expect: pass, findings: -1}]\nreviewed:"),
    ("reviewed:", "settles: sometimes\nreviewed:"),
]


@pytest.mark.parametrize(("old", "new"), CHANGES)
def test_bad_rules(old, new, tmp_path):
    """A rule with one structural mistake is refused by both."""
    assert old in RULE
    text = RULE.replace(old, new, 1)
    assert parser_says(text, tmp_path) is False
    assert not accepted_by_schema(text)


def test_the_example_rule(tmp_path):
    """And the rule without a mistake is taken by both."""
    assert parser_says(RULE, tmp_path) is True
    assert accepted_by_schema(RULE)
    assert Path(ACR).is_dir()
