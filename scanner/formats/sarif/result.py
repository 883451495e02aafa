"""One finding in, one SARIF result out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scanner.formats._text import visible
from scanner.formats.sarif.place import in_file, physical
from scanner.formats.sarif.texts import KINDS, LEVELS, identifier, message, plain
from scanner.model.codec import to_record
from scanner.model.finding import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.model.finding import Finding

FINGERPRINT = "acrscan/v1"
COARSE = "acrscan/ruleAndResource/v1"
LINE_HASH = "primaryLocationLineHash"
BASELINE = frozenset({"new", "unchanged", "updated", "absent"})


@dataclass(frozen=True, slots=True)
class Traits:
    """What holds for all results of a run: SARIF wants some properties on every result or on none."""

    run: str
    """The run's guid."""
    rules: Mapping[str, int]
    """Rule id -> place in the driver's rules."""
    suppressions: bool
    baseline: bool
    snippets: bool
    """Small logs repeat the first character of the inventory file, which viewers ask for; large ones save the bytes."""


def result(row: Finding, resource: int, traits: Traits) -> dict[str, Any]:
    """The result of a finding; `resource` is its place among the run's logical locations."""
    found: dict[str, Any] = {"ruleId": row.rule}
    if row.rule in traits.rules:
        found["ruleIndex"] = traits.rules[row.rule]
    found["kind"], found["level"] = _kind_and_level(row)
    found["message"] = message(row.verdict, [row.resource_name or row.resource, _said(row)])
    if row.rule not in traits.rules:
        del found["message"]["id"], found["message"]["arguments"]
    found["locations"] = [
        {
            "physicalLocation": physical(row, snippet=traits.snippets),
            "logicalLocations": [{"index": resource, "fullyQualifiedName": visible(row.resource)}],
        }
    ]
    found["guid"] = identifier(traits.run, row.fingerprint)
    found["correlationGuid"] = identifier(row.fingerprint)
    found["fingerprints"] = {FINGERPRINT: row.fingerprint}
    found["partialFingerprints"] = _partial(row)
    if traits.suppressions:
        found["suppressions"] = _suppressions(row, traits)
    if traits.baseline:
        found["baselineState"] = row.change
    found["properties"] = _properties(row)
    return found


def _kind_and_level(row: Finding) -> tuple[str, str]:
    if row.verdict is not Verdict.FAIL:
        return KINDS[row.verdict], "none"
    level = LEVELS.get(row.severity, "warning")
    return ("informational", level) if level == "none" else ("fail", level)


def _said(row: Finding) -> str:
    """Undecided rows speak through their reason, all others through their message."""
    undecided = row.verdict in {Verdict.UNKNOWN, Verdict.ERROR, Verdict.NOT_APPLICABLE}
    return (row.reason if undecided else row.message) or row.message or row.reason or "no further words"


def _partial(row: Finding) -> dict[str, str]:
    """Keys to match by. For a file that exists, the uploader hashes the line itself."""
    both = f"{row.rule.lower()}\x1f{row.resource.lower()}".encode("utf-8", "replace")
    found = {COARSE: hashlib.sha256(both).hexdigest()}
    if not in_file(row):
        found[LINE_HASH] = f"{row.fingerprint[:16]}:1"
    return found


def _suppressions(row: Finding, traits: Traits) -> list[dict[str, Any]]:
    if not row.waiver:
        return []
    guid = identifier(traits.run, row.fingerprint, "waiver", row.waiver)
    said = f"Waived: '{plain(row.waiver)}'."
    return [{"kind": "external", "status": "accepted", "guid": guid, "justification": said}]


def _properties(row: Finding) -> dict[str, Any]:
    """What SARIF has no place for; empty values are left out."""
    said = {
        "verdict": row.verdict.value,
        "severity": row.severity,
        "reason": row.reason,
        "element": row.element,
        "qualifier": row.qualifier,
        "affected": row.affected,
        "commands": row.commands,
        "location": row.location,
        "apiVersion": row.api_version,
        "collectedAt": row.origin.collected_at,
        "source": row.origin.where,
        "waiver": row.waiver,
        "firstSeen": row.first_seen,
        "evidence": [_evidence(to_record(one)) for one in row.evidence],
    }
    return {f"acrscan/{key}": harmless(value) for key, value in said.items() if value}


def _evidence(record: dict[str, Any]) -> dict[str, Any]:
    always = {"path", "state", "actual", "operator", "expected"}
    return {key: value for key, value in record.items() if value or key in always}


def harmless(value: Any) -> Any:
    """A JSON value with every text in it made visible."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible(str(key)): harmless(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [harmless(item) for item in value]
    return value
