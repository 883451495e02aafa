"""The JSON Schema of a waiver file for editors, from the tables that the reader uses (draft 2020-12, closed)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from scanner.language.pack import API_VERSION
from scanner.language.schema import DRAFT
from scanner.model.waiver import KINDS, RESULTS, WaiverPolicy
from scanner.waivers.read import ATTESTATION_KEYS, MAX_GLOB, POLICY, REQUIRED, TARGETS, WAIVER_KEYS

_WORDS: dict[str, str] = {
    "id": "Your own id, once in the file",
    "rule": "The rule whose findings are meant",
    "resource": "One exact resource id; for inherited findings the id of their cause",
    "resourceGlob": "A pattern over ids: * within a segment, ** across segments",
    "fingerprint": "The fingerprint of one finding",
    "element": "Only the offending element with this key",
    "kind": "Why it is accepted",
    "reason": "Why, in words that an auditor understands",
    "owner": "Who carries the risk",
    "ticket": "Where it was discussed",
    "approver": "Who approved it; somebody else than the owner",
    "created": "The day it begins (YYYY-MM-DD, UTC)",
    "expires": "The last day on which it counts (YYYY-MM-DD, UTC)",
    "exemption": "The Azure Policy exemption it was imported from",
    "result": "Whether the manual control is met",
    "evidence": "Where the evidence lies: an https address or a file",
}
_SHAPES: dict[str, dict[str, Any]] = {
    "id": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$"},
    "rule": {"type": "string", "pattern": "^[A-Z]{2,8}[0-9]{3,10}$"},
    "resource": {"type": "string", "pattern": "^(/|file:)[^*]*$"},
    "resourceGlob": {"type": "string", "minLength": 1, "maxLength": MAX_GLOB},
    "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    "kind": {"enum": list(KINDS)},
    "result": {"enum": list(RESULTS)},
    "created": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
    "expires": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
}
_TEXT = {"type": "string", "pattern": r"\S"}


def waiver_schema() -> dict[str, Any]:
    """The schema of acr-waivers.yaml."""
    default = asdict(WaiverPolicy())
    numbers = {
        key: {"type": "integer", "minimum": 0, "default": default[name]} for key, name in POLICY.items()
    }
    return {
        "$schema": DRAFT,
        "$id": "waivers.schema.json",
        "title": "acrscan waivers and attestations",
        "type": "object",
        "additionalProperties": False,
        "required": ["apiVersion"],
        "properties": {
            "apiVersion": {"const": API_VERSION},
            "policy": {"type": "object", "additionalProperties": False, "properties": numbers},
            "waivers": {"type": "array", "items": _entry(WAIVER_KEYS, (*REQUIRED, "kind"))},
            "attestations": {
                "type": "array",
                "items": _entry(ATTESTATION_KEYS, (*REQUIRED, "result", "evidence")),
            },
        },
    }


def _entry(keys: tuple[str, ...], required: tuple[str, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "oneOf": [{"required": [key]} for key in TARGETS],
        "properties": {key: {**_SHAPES.get(key, _TEXT), "description": _WORDS[key]} for key in keys},
    }
