"""The JSON Schema of a fixture file for editors, from the tables that the reader uses (draft 2020-12, closed)."""

from __future__ import annotations

from typing import Any

from scanner.language.pack import API_VERSION
from scanner.language.rules import EXPECTATIONS
from scanner.language.schema import DRAFT
from scanner.waivers.schema import waiver_schema
from scanner.workbench import fixture as reader

_TEXT = {"type": "string", "pattern": r"\S"}
_RULE = {"type": "string", "pattern": "^[A-Z]{2,8}[0-9]{3,10}$"}
_SHAPES: dict[str, dict[str, Any]] = {
    "apiVersion": {"const": API_VERSION},
    "name": {**_TEXT, "description": "What the estate shows, as reports name it"},
    "now": {**_TEXT, "description": "The clock, RFC 3339; 2026-11-25T00:00:00Z where it is left out"},
    "profile": {
        "description": "A profile or several, in order: a shipped one by name, or a file beside this one",
        "anyOf": [_TEXT, {"type": "array", "items": _TEXT}],
    },
    "params": {"type": "object", "description": "Parameter values; those of one rule as RULEID.name"},
    "rules": {
        "type": "array", "items": _RULE,
        "description": "Only these rules, also ones that are off; all enabled ones where it is left out",
    },
    "inventory": {**_TEXT, "description": "A folder or file beside this one: saved answers or a snapshot"},
    "asked": {
        "type": "array", "items": _TEXT,
        "description": "Opt-in collections (data plane, probe) that were read and hold nothing",
    },
}  # fmt: skip
_RESOURCE = {
    "type": "object",
    "required": ["type"],
    "anyOf": [{"required": ["id"]}, {"required": ["name"]}],
    "properties": {
        "type": {**_TEXT, "description": "The ARM type"},
        "id": {
            "type": "string",
            "pattern": "^/",
            "description": "The whole id; else made up from scope and name",
        },
        "name": {**_TEXT, "description": "Of a child with the names of its parents: registry/replica"},
        "scope": {
            "type": "string",
            "pattern": "^/",
            "description": "What an extension resource without id stands on",
        },
        "apiVersion": {**_TEXT, "description": "The api-version whose answer it is"},
    },
}
_EXPECT: dict[str, dict[str, Any]] = {
    "rule": _RULE,
    "resource": {**_TEXT, "description": "Its id or its name"},
    "verdict": {"enum": list(EXPECTATIONS)},
    "element": {"type": "string", "description": "Only the finding with this element key"},
    "messageContains": {**_TEXT, "description": "Only findings whose message holds this"},
    "findings": {"type": "integer", "minimum": 0, "description": "How many rows that must be"},
    "waived": {"type": "boolean", "description": "Only rows that are accepted (true) or are not (false)"},
}
_UNREAD: dict[str, dict[str, Any]] = {
    "type": {**_TEXT, "description": "The collection"},
    "scope": {
        "type": "string",
        "pattern": "^/",
        "description": "Not read at and below this id; everywhere without",
    },
    "reason": {**_TEXT, "description": "Why, as messages repeat it"},
}
_PRINCIPAL: dict[str, dict[str, Any]] = {
    "id": _TEXT,
    "name": _TEXT,
    "type": _TEXT,
    "groups": {"type": "array", "items": _TEXT},
}


def fixture_schema() -> dict[str, Any]:
    """The schema of one fixture (a file may hold several as a stream)."""
    accepted = waiver_schema()["properties"]
    properties = {
        **_SHAPES,
        "waivers": accepted["waivers"],
        "attestations": accepted["attestations"],
        "resources": {
            "type": "array",
            "items": _RESOURCE,
            "description": "The estate, as ARM answers write it",
        },
        "principals": _list(_PRINCIPAL, ("id", "name")),
        "unread": _list(_UNREAD, ("type", "reason")),
        "expect": _list(_EXPECT, reader.EXPECT_REQUIRED),
    }
    return {
        "$schema": DRAFT,
        "$id": "fixture.schema.json",
        "title": "acrscan whole-estate test",
        "type": "object",
        "additionalProperties": False,
        "properties": {key: properties[key] for key in reader.KEYS},
        "required": list(reader.REQUIRED),
        "oneOf": [{"required": ["resources"]}, {"required": ["inventory"]}],
    }


def _list(properties: dict[str, Any], required: tuple[str, ...]) -> dict[str, Any]:
    item = {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": list(required),
    }
    return {"type": "array", "items": item}
