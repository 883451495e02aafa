"""One finding in, one SARIF result out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scanner.formats._text import visible
from scanner.formats.sarif.place import at_place, in_file, physical
from scanner.formats.sarif.texts import KINDS, LEVELS, identifier, message, plain
from scanner.model.codec import to_record
from scanner.model.finding import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.model.finding import Finding
    from scanner.model.waiver import Waiver

FINGERPRINT = "acrscan/v1"
COARSE = "acrscan/ruleAndResource/v1"
LINE_HASH = "primaryLocationLineHash"
BASELINE = {
    "new": "new",
    "reopened": "new",
    "changed": "updated",
    "persisting": "unchanged",
    "resolved": "absent",
}
"""Our word for a change -> SARIF's."""


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
    waivers: Mapping[str, Waiver] = field(default_factory=dict)
    failures_only: bool = False
    """The reader knows failures alone: what is informational becomes a note."""


def result(row: Finding, resource: int, traits: Traits) -> dict[str, Any]:
    """The result of a finding; `resource` is its place among the run's logical locations."""
    found: dict[str, Any] = {"ruleId": row.rule}
    if row.rule in traits.rules:
        found["ruleIndex"] = traits.rules[row.rule]
    found["kind"], found["level"] = _kind_and_level(row, traits)
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
        found["baselineState"] = BASELINE[row.change or ""]
    found["properties"] = _properties(row)
    return found


def _kind_and_level(row: Finding, traits: Traits) -> tuple[str, str]:
    if row.verdict is not Verdict.FAIL:
        return KINDS[row.verdict], "none"
    level = LEVELS.get(row.severity, "warning")
    if level != "none":
        return "fail", level
    return ("fail", "note") if traits.failures_only else ("informational", level)


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
    """The waiver in force as accepted, one that does not count as rejected, which hides nothing."""
    name = row.waiver or row.lapsed
    if not name:
        return []
    guid = identifier(traits.run, row.fingerprint, "waiver", name)
    found: dict[str, Any] = {
        "kind": "external",
        "status": "accepted" if row.waiver else "rejected",
        "guid": guid,
        "justification": f"Waived: '{plain(name)}'.",
    }
    waiver = traits.waivers.get(name)
    if waiver is not None:
        ticket = f"; ticket {waiver.ticket}" if waiver.ticket else ""
        people = f"owner {waiver.owner}; approved by {waiver.approver}; expires {waiver.expires}{ticket}"
        found["justification"] = f"{plain(f'{name}: {waiver.reason}; {people}').rstrip('.')}."
        found["location"] = {"physicalLocation": at_place(waiver.place)}
        said = {
            "expires": waiver.expires,
            "owner": waiver.owner,
            "approver": waiver.approver,
            "kind": waiver.kind,
            "ticket": waiver.ticket,
        }
        found["properties"] = {f"acrscan/{key}": harmless(value) for key, value in said.items() if value}
    return [found]


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
        "lapsedWaiver": row.lapsed,
        "attestation": row.attestation,
        "cause": row.cause,
        "change": row.change,
        "why": row.why,
        "was": row.was,
        "carriedForward": row.change == "persisting" and row.why in {"data", "scope"},
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
