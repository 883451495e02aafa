"""The JSON Schemas for editors, generated from the tables that the parser uses (draft 2020-12, closed everywhere)."""

from __future__ import annotations

from typing import Any

from scanner.engine.operators import NEGATED, OPERATORS, ORDERED
from scanner.engine.operators.text import FORMATS
from scanner.language import frameworks, parameters, rules
from scanner.language.azure_policy import rule_key
from scanner.language.conditions import PARAM_OPERATORS, QUANTIFIERS
from scanner.language.pack import API_VERSION
from scanner.model.rule import SEVERITIES

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_SCALAR = {"type": ["string", "number", "boolean", "null"]}
_VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"
_PATH = r"^(\$[A-Za-z_][A-Za-z0-9_]*|[A-Za-z_@][A-Za-z0-9_-]*|\['[^'\\]{1,256}'\])(\.[A-Za-z_@][A-Za-z0-9_-]*|\['[^'\\]{1,256}'\])*$"
_TEXT = {"type": "string", "pattern": r"\S"}
_DATE = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
_OPERAND_KINDS: dict[str, dict[str, Any]] = {
    "scalar": _SCALAR,
    "scalars": {"type": "array", "items": _SCALAR},
    "strings": {"type": "array", "items": {"type": "string"}},
    "numbers": {"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": 2},
    "string": {"type": "string"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
}


def _closed(properties: dict[str, Any], required: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        **more,
    }
    if required:
        found["required"] = list(required)
    return found


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def _operand(name: str) -> dict[str, Any]:
    literals = [_OPERAND_KINDS[kind] for kind in sorted(OPERATORS[name].operands)]
    if name == "format":
        literals = [{"enum": sorted(FORMATS)}]
    choices = [*literals, _reference("param")]
    if name not in ("exists", "empty", "matches", "format"):
        choices.append(_closed({"fieldRef": _reference("path")}, ("fieldRef",)))
    return {"anyOf": choices, "description": OPERATORS[name].help}


def _leaves() -> list[dict[str, Any]]:
    extra = {
        "default": {"type": ["string", "number", "boolean", "array"], "maxItems": 0},
        "caseSensitive": {"type": "boolean"},
    }
    spellings = {**{name: name for name in OPERATORS}, **NEGATED}
    leaves = [
        _closed({"field": _reference("path"), spelling: _operand(name), **extra}, ("field", spelling))
        for spelling, name in spellings.items()
    ]
    leaves += [
        _closed({"param": {"type": "string"}, name: _operand(name)}, ("param", name))
        for name in PARAM_OPERATORS
    ]
    return leaves


def _counts() -> list[dict[str, Any]]:
    body = _closed(
        {"of": _reference("list"), "as": _reference("variable"), "where": _reference("condition")},
        ("of",),
        dependentRequired={"where": ["as"]},
    )
    number = {
        "anyOf": [
            {"type": "integer", "minimum": 0},
            _reference("param"),
            _closed({"fieldRef": _reference("path")}, ("fieldRef",)),
        ]
    }
    return [
        _closed({"count": body, name: number}, ("count", name))
        for name in (*sorted(ORDERED), "equals", "notEquals")
    ]


def _condition() -> dict[str, Any]:
    many = {"type": "array", "minItems": 1, "items": _reference("condition")}
    quantifier = _closed(
        {
            "of": _reference("list"),
            "as": _reference("variable"),
            "where": _reference("condition"),
            "whenEmpty": {"enum": ["pass", "fail"]},
        },
        ("of", "as", "where"),
    )
    return {
        "oneOf": [
            _closed({"allOf": many}, ("allOf",)),
            _closed({"anyOf": many}, ("anyOf",)),
            _closed({"not": _reference("condition")}, ("not",)),
            _closed({"ref": _TEXT}, ("ref",)),
            *(_closed({name: quantifier}, (name,)) for name in QUANTIFIERS),
            *_counts(),
            *_leaves(),
        ]
    }


def _parameter() -> dict[str, Any]:
    names = {"enum": list(parameters.TYPES)}
    items = _closed({"type": names, "format": {"enum": list(parameters.FORMATS)}}, ("type",))
    return _closed(
        {
            "type": {"anyOf": [names, {"type": "array", "items": names, "minItems": 1}]},
            "items": items,
            "minimum": {"type": "number"},
            "maximum": {"type": "number"},
            "enum": {"type": "array"},
            "default": True,
            "description": _TEXT,
        },
        ("type", "default", "description"),
    )


def _definitions() -> dict[str, Any]:
    return {
        "condition": _condition(),
        "path": {"type": "string", "pattern": _PATH},
        "variable": {"type": "string", "pattern": _VARIABLE},
        "param": _closed({"param": {"type": "string"}}, ("param",)),
        "list": {"anyOf": [_reference("path"), _reference("param")]},
        "parameters": {
            "type": "object",
            "propertyNames": {"pattern": "^[a-z][A-Za-z0-9]{0,63}$"},
            "additionalProperties": _parameter(),
        },
    }


def _controls() -> dict[str, Any]:
    item = _closed({"id": _TEXT, "basis": {"enum": ["stated", "derived"]}}, ("id",))
    return {
        "type": "object",
        "propertyNames": {"pattern": r"^[a-z0-9]+(-[a-z0-9.]+)*$"},
        "additionalProperties": {"type": "array", "items": {"anyOf": [_TEXT, item]}},
    }


def _test() -> dict[str, Any]:
    return _closed(
        {
            "name": _TEXT,
            "resource": True,
            "related": {"type": "object"},
            "params": {"type": "object"},
            "now": _TEXT,
            "expect": {"enum": list(rules.EXPECTATIONS)},
            "messageContains": {"type": ["string", "number"]},
            "findings": {"type": "integer", "minimum": 0},
        },
        ("name", "resource", "expect"),
    )


def rule_schema() -> dict[str, Any]:
    """The schema of one rule document."""
    texts = {"type": "array", "items": _TEXT}
    properties: dict[str, Any] = {
        "id": {"type": "string", "pattern": "^[A-Z]{2,8}[0-9]{3,10}$"},
        "name": {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"},
        "title": {"type": "string", "minLength": 1, "maxLength": 120, "pattern": r"[^.\n]$"},
        "severity": {"enum": list(SEVERITIES)},
        "target": {"type": "string", "pattern": rules.TARGET.pattern.replace(r"\Z", "$").join(("^", ""))},
        "when": _reference("condition"),
        "notApplicableMessage": _TEXT,
        "assert": _reference("condition"),
        "failIf": _reference("condition"),
        "manual": _TEXT,
        "parameters": _reference("parameters"),
        "message": _TEXT,
        "rationale": _TEXT,
        "remediation": _closed(
            {
                "effort": {"enum": list(rules.EFFORTS)},
                "az": _TEXT,
                "bicep": _TEXT,
                "terraform": _TEXT,
                "manual": _TEXT,
            },
            ("effort",),
            minProperties=2,
        ),
        "references": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "string", "pattern": r"^https://[^\s/]+/\S*$"},
        },
        "reviewed": _DATE,
        "controls": _controls(),
        "status": {"enum": list(rules.STATUSES)},
        "enabled": {"type": "boolean"},
        "disabledReason": _TEXT,
        "settles": {"type": "boolean"},
        "waivable": {"type": "boolean"},
        "replaces": texts,
        "semantics": {"enum": ["native", "azure"]},
        rule_key.KEY: _closed(
            {
                "definition": _TEXT,
                "mode": _TEXT,
                "parameters": {"type": "object", "additionalProperties": {"type": "object"}},
                "aliases": {"type": "object", "additionalProperties": _TEXT},
                "policyRule": {"type": "object", "required": ["if", "then"]},
            },
            ("policyRule",),
        ),
        "tests": {"type": "array", "items": _test()},
    }
    one_of = [
        {"required": ["assert", "message"]},
        {"required": ["failIf", "message"]},
        {"required": ["manual"]},
        {
            "required": [rule_key.KEY, "message", "semantics"],
            "properties": {"semantics": {"const": "azure"}},
            "not": {"anyOf": [{"required": ["when"]}, {"required": ["parameters"]}]},
        },
    ]
    return {
        "$schema": DRAFT,
        "$id": "rule.schema.json",
        "title": "acrscan rule",
        **_closed(
            properties,
            rules.REQUIRED,
            oneOf=one_of,
            dependentRequired={"notApplicableMessage": ["when"]},
            dependentSchemas={
                "semantics": {
                    "anyOf": [
                        {"properties": {"semantics": {"const": "native"}}},
                        {"required": [rule_key.KEY]},
                    ]
                }
            },
            **{
                "if": {"required": ["enabled"], "properties": {"enabled": {"const": False}}},
                "then": {"required": ["disabledReason"]},
            },
        ),
        "$defs": _definitions(),
    }


def pack_schema() -> dict[str, Any]:
    """The schema of pack.yaml."""
    about = {
        "id": _TEXT,
        "prefix": {"type": "string", "pattern": "^[A-Z]{2,8}$"},
        "version": {"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
        "requires": _TEXT,
        "docs": _TEXT,
    }
    return {
        "$schema": DRAFT,
        "$id": "pack.schema.json",
        "title": "acrscan pack",
        **_closed(
            {
                "apiVersion": {"const": API_VERSION},
                "pack": _closed(about, ("id", "prefix", "version")),
                "parameters": _reference("parameters"),
                "definitions": {"type": "object", "additionalProperties": _reference("condition")},
            },
            ("apiVersion", "pack"),
        ),
        "$defs": _definitions(),
    }


def profile_schema() -> dict[str, Any]:
    """The schema of a profile."""
    ids: dict[str, Any] = {"type": "array", "items": {"type": "string", "pattern": "^[A-Z]{2,8}[0-9]{3,10}$"}}
    reasoned = _closed({"id": ids["items"], "reason": _TEXT}, ("id", "reason"))
    values = {"type": "object"}
    scopes = ("resource", "resourceGroup", "subscription", "managementGroup", "tag")
    blocks = [_closed({kind: _TEXT, "parameters": values}, (kind, "parameters")) for kind in scopes]
    return {
        "$schema": DRAFT,
        "$id": "profile.schema.json",
        "title": "acrscan profile",
        **_closed(
            {
                "apiVersion": {"const": API_VERSION},
                "profile": _closed({"id": _TEXT, "description": _TEXT, "requires": _TEXT}, ("id",)),
                "select": ids,
                "deselect": {**ids, "items": {"anyOf": [ids["items"], reasoned]}},
                "severity": {
                    "type": "object",
                    "additionalProperties": _closed(
                        {"level": {"enum": list(SEVERITIES)}, "reason": _TEXT}, ("level", "reason")
                    ),
                },
                "parameters": values,
                "scope": {"type": "array", "items": {"oneOf": blocks}},
            },
            ("apiVersion", "profile"),
        ),
    }


def framework_schema() -> dict[str, Any]:
    """The schema of a framework's catalogue."""
    about: dict[str, Any] = {
        key: {"type": "boolean"} if key == "complete" else _TEXT for key in frameworks.ABOUT
    }
    about["id"] = {"type": "string", "pattern": rules.FRAMEWORK.pattern.replace(r"\Z", "$").join(("^", ""))}
    control = _closed(dict.fromkeys(frameworks.CONTROL, _TEXT), ("id", "title"))
    control["not"] = {"required": ["scanner", "untouched"]}
    return {
        "$schema": DRAFT,
        "$id": "framework.schema.json",
        "title": "acrscan framework",
        **_closed(
            {
                "apiVersion": {"const": API_VERSION},
                "framework": _closed(about, ("id", "title", "source", "mapping")),
                "controls": {"type": "array", "items": control},
            },
            ("apiVersion", "framework", "controls"),
        ),
    }


def config_schema(keys: dict[str, tuple[str, str]], scopes: dict[str, tuple[str, str]]) -> dict[str, Any]:
    """The schema of acrscan.yaml, from the command line's own tables of keys."""
    kinds: dict[str, dict[str, Any]] = {
        "text": {"type": "string"},
        "texts": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        "map": {"type": "object"},
        "flag": {"type": "boolean"},
        "number": {"type": "integer", "minimum": 0},
    }
    kinds["scopes"] = _closed(
        {
            key: {**kinds["text" if key == "tenant" else "texts"], "description": words}
            for key, (_, words) in scopes.items()
        }
    )
    return {
        "$schema": DRAFT,
        "$id": "config.schema.json",
        "title": "acrscan configuration",
        **_closed({key: {**kinds[kind], "description": words} for key, (kind, words) in keys.items()}),
    }
