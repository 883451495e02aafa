"""One finding in, one SARIF result out."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scanner.formats._text import visible
from scanner.formats.sarif.place import in_file
from scanner.formats.sarif.selection import STATES
from scanner.formats.sarif.suppression import suppressions
from scanner.formats.sarif.texts import CARRIED, KINDS, RESOLVED, identifier, message
from scanner.model.codec import to_record
from scanner.model.finding import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.formats.sarif.place import Places
    from scanner.formats.sarif.profile import Profile
    from scanner.formats.sarif.selection import Picked
    from scanner.model.finding import Finding
    from scanner.model.waiver import WaiverLine

FINGERPRINT = "acrscan/v1"
COARSE = "acrscan/ruleAndResource/v1"
LINE_HASH = "primaryLocationLineHash"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@dataclass(frozen=True, slots=True)
class Traits:
    """What holds for all results of a run: SARIF wants some properties on every result or on none."""

    run: str
    """The run's guid."""
    rules: Mapping[str, int]
    """Rule id -> place in the driver's rules."""
    profile: Profile
    places: Places
    waivers: Mapping[str, WaiverLine]
    suppressions: bool
    baseline: bool
    small: bool
    """Small logs say things twice where viewers ask for it (snippets, guids, Markdown); large ones save the bytes."""
    artifacts: Mapping[str, int]
    """Address -> place among the run's artifacts."""


def result(picked: Picked, resource: int, spelled: str, traits: Traits) -> dict[str, Any]:
    """The result of a finding; `resource` is its place among the logical locations, `spelled` its id as given there."""
    row = picked.row
    found: dict[str, Any] = {"ruleId": row.rule}
    known = row.rule in traits.rules
    if known:
        found["ruleIndex"] = traits.rules[row.rule]
    found["kind"], found["level"] = _kind_and_level(row, traits.profile)
    words = [row.resource_name or row.resource, _said(row)]
    found["message"] = message(_template(picked), words, rich=traits.small)
    if not known:
        del found["message"]["id"], found["message"]["arguments"]
    physical = traits.places.physical(row, snippet=traits.small)
    artifact = physical["artifactLocation"]
    if artifact["uri"] in traits.artifacts:
        physical["artifactLocation"] = {**artifact, "index": traits.artifacts[artifact["uri"]]}
    logical = {"index": resource, "fullyQualifiedName": visible(spelled)}
    found["locations"] = [{"physicalLocation": physical, "logicalLocations": [logical]}]
    if row.places[1:]:
        found["relatedLocations"] = traits.places.related(row)
    if traits.small:
        found["guid"] = identifier(traits.run, row.fingerprint, _template(picked))
        found["correlationGuid"] = identifier(row.fingerprint)
    found["fingerprints"] = {FINGERPRINT: row.fingerprint}
    found["partialFingerprints"] = _partial(row, traits)
    if traits.suppressions:
        found["suppressions"] = suppressions(picked, traits.run, traits.waivers, traits.places)
    if traits.baseline:
        found["baselineState"] = STATES[row.change or ""]
    if row.first_seen and _MOMENT.fullmatch(row.first_seen):
        found["provenance"] = {"firstDetectionTimeUtc": row.first_seen}
    found["properties"] = _properties(picked, traits)
    return found


def _template(picked: Picked) -> str:
    if picked.carried:
        return CARRIED
    return RESOLVED if picked.earlier else picked.row.verdict.value


def _kind_and_level(row: Finding, profile: Profile) -> tuple[str, str]:
    if row.verdict is not Verdict.FAIL:
        return KINDS[row.verdict], "none"
    level = profile.level(row.severity)
    return ("informational", level) if level == "none" else ("fail", level)


def _said(row: Finding) -> str:
    """Undecided rows speak through their reason, all others through their message."""
    undecided = row.verdict in {Verdict.UNKNOWN, Verdict.ERROR, Verdict.NOT_APPLICABLE}
    return (row.reason if undecided else row.message) or row.message or row.reason or "no further words"


def _partial(row: Finding, traits: Traits) -> dict[str, str]:
    """Keys to match by. For a file that is checked out, the uploader hashes the line itself."""
    found = {}
    if traits.small:
        both = f"{row.rule.lower()}\x1f{row.resource.lower()}".encode("utf-8", "replace")
        found[COARSE] = hashlib.sha256(both).hexdigest()
    if traits.places.checked_out(row):
        return found or {FINGERPRINT: row.fingerprint}
    return {**found, LINE_HASH: f"{row.fingerprint[:16]}:1"}


def _properties(picked: Picked, traits: Traits) -> dict[str, Any]:
    """What SARIF has no place for; empty values are left out."""
    row = picked.row
    said = {
        "verdict": row.verdict.value,
        "severity": row.severity,
        "carriedForward": picked.carried,
        "change": row.change if traits.baseline else None,
        "why": row.why,
        "was": row.was,
        "reason": row.reason,
        "element": row.element,
        "cause": row.cause,
        "qualifier": row.qualifier,
        "affected": row.affected,
        "commands": row.commands,
        "location": row.location,
        "apiVersion": row.api_version,
        "collectedAt": row.origin.collected_at,
        "source": row.origin.where,
        "declaredIn": row.origin.source if in_file(row) else "",
        "waiver": row.waiver,
        "lapsed": row.lapsed,
        "attestation": row.attestation,
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
