"""OCSF compliance findings (class 2003), one event a line, for data lakes and security information systems.

A finding is an event: created, updated, or closed where the baseline has it and this scan has not. Open questions are
warnings, never passes. Source: https://schema.ocsf.io/1.5.0/classes/compliance_finding
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO

from scanner.formats._columns import Facts, json_text
from scanner.formats._settings import DEFAULT, Settings
from scanner.formats._text import visible
from scanner.formats.sarif.result import harmless
from scanner.formats.sarif.texts import identifier
from scanner.model.codec import encode
from scanner.model.finding import Finding, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.model.scan import RuleCard, Scan, ScanHeader

EXTENSION = ".ocsf.ndjson"
VERSION = "1.5.0"
CLASS, CATEGORY = 2003, 2
SEVERITIES = {"critical": (5, "Critical"), "high": (4, "High"), "medium": (3, "Medium"), "low": (2, "Low"), "info": (1, "Informational")}  # fmt: skip
_ACTIVITIES = {1: "Create", 2: "Update", 3: "Close"}
_CHANGES = {"new": 1, "reopened": 1, "changed": 2, "persisting": 2, "resolved": 3}
_NEW, _SUPPRESSED, _RESOLVED = (1, "New"), (3, "Suppressed"), (4, "Resolved")
_CHECKED = {Verdict.FAIL: (3, "Fail"), Verdict.PASS: (1, "Pass")}
_UNDECIDED = (2, "Warning")
_PARTITIONS = {"usgov": "AzureUSGovernment", "usdod": "AzureUSGovernment", "china": "AzureChinaCloud"}


def render(scan: Scan, out: BinaryIO, settings: Settings = DEFAULT) -> None:  # noqa: ARG001 - this format has none
    """Write the events: rows of the scan, then rows of the baseline that it has not; constant memory."""
    facts = Facts.of(scan)
    out.writelines(encode(_event(row, scan.header, facts)) + b"\n" for row in _rows(scan))


def _rows(scan: Scan) -> Iterator[Finding]:
    yield from scan.findings
    yield from scan.earlier


def _event(row: Finding, head: ScanHeader, facts: Facts) -> dict[str, Any]:
    activity = _CHANGES.get(row.change or "new", 1)
    severity = SEVERITIES.get(row.severity, (99, "Other"))
    status = _RESOLVED if row.change == "resolved" else _SUPPRESSED if row.waiver else _NEW
    card = facts.cards.get(row.rule)
    now = _millis(head.now)
    return {
        "activity_id": activity,
        "activity_name": _ACTIVITIES[activity],
        "category_uid": CATEGORY,
        "category_name": "Findings",
        "class_uid": CLASS,
        "class_name": "Compliance Finding",
        "type_uid": CLASS * 100 + activity,
        "type_name": f"Compliance Finding: {_ACTIVITIES[activity]}",
        "severity_id": severity[0],
        "severity": severity[1],
        "status_id": status[0],
        "status": status[1],
        "time": now,
        "message": visible(row.message or row.reason or row.rule),
        "metadata": _metadata(row, head),
        "cloud": {
            "provider": "Azure",
            "region": visible(row.location),
            "account": {
                "uid": row.subscription,
                "name": visible(head.subscriptions.get(row.subscription, "")),
                "type": "Azure Subscription",
            },
        },
        "compliance": _compliance(row, card),
        "finding_info": _info(row, card, now),
        "resources": [_resource(row, resource) for resource in row.resources],
        "evidences": [_evidence(row, at) for at in range(len(row.evidence))],
        **({"remediation": found} if (found := _remediation(row, card)) else {}),
        "unmapped": _unmapped(row, facts),
    }


def _metadata(row: Finding, head: ScanHeader) -> dict[str, Any]:
    found: dict[str, Any] = {
        "version": VERSION,
        "profiles": ["cloud"],
        "uid": identifier(
            "ocsf", head.inventory_digest, head.pack_digest, head.now, row.fingerprint, row.verdict.value
        ),
        "event_code": row.rule,
        "original_time": head.now,
        "product": {"name": "acrscan", "vendor_name": "acrscan", "version": head.tool_version, "lang": "en"},
    }
    if head.tenant:
        found["tenant_uid"] = visible(head.tenant)
    return found


def _compliance(row: Finding, card: RuleCard | None) -> dict[str, Any]:
    """The check's own outcome; a row that the baseline had and that is gone passed, or does not apply any more."""
    status = (1, "Pass") if row.change == "resolved" else _CHECKED.get(row.verdict, _UNDECIDED)
    controls = card.controls if card else ()
    return {
        "control": row.rule,
        "standards": sorted({one.framework for one in controls}),
        "requirements": [f"{one.framework} {one.id}" for one in controls],
        "checks": [
            {
                "uid": row.rule,
                "name": visible(card.title if card else row.rule),
                "severity_id": SEVERITIES.get(row.severity, (99, ""))[0],
                "status_id": status[0],
                "status": row.verdict.value,
            }
        ],
        "status_id": status[0],
        "status": status[1],
        "status_details": [visible(text) for text in (row.verdict.value, row.reason) if text],
    }


def _info(row: Finding, card: RuleCard | None, now: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "uid": row.fingerprint,
        "title": visible(card.title if card else row.rule),
        "desc": visible(row.message or row.reason or row.rule),
        "types": ["Compliance"],
        "analytic": {"type": "Rule", "type_id": 1, "uid": row.rule, "name": card.name if card else row.rule},
        "data_sources": [visible(row.origin.where)] if row.origin.where else [],
        "last_seen_time": now,
    }
    if row.first_seen:
        found["first_seen_time"] = found["created_time"] = _millis(row.first_seen)
    return found


def _resource(row: Finding, resource: str) -> dict[str, Any]:
    own = resource == row.resource
    region = row.location.lower()
    partition = next((name for head, name in _PARTITIONS.items() if region.startswith(head)), "AzureCloud")
    found: dict[str, Any] = {
        "uid": visible(resource),
        "type": row.resource_type,
        "cloud_partition": partition,
    }
    if own:
        found |= {
            "name": visible(row.resource_name),
            "region": visible(row.location),
            "group": {"name": visible(row.resource_group)},
        }
    return found


def _evidence(row: Finding, at: int) -> dict[str, Any]:
    item = row.evidence[at]
    seen = visible(json_text(item.actual)) if item.state == "present" else None
    wanted = visible(f"{item.operator} {json_text(item.expected)}".strip())
    return {
        "name": visible(item.path),
        "data": {
            "state": item.state,
            "observed": seen,
            "expected": wanted,
            "rule": visible(item.rule_place),
            "source": visible(item.source),
        },
    }


def _remediation(row: Finding, card: RuleCard | None) -> dict[str, Any] | None:
    commands = [" ".join(words) for words in row.commands]
    text = "; ".join([*commands, card.manual_remediation if card else ""]).strip("; ")
    if not text:
        return None
    return {"desc": visible(text), "references": list(card.references) if card else []}


def _unmapped(row: Finding, facts: Facts) -> dict[str, Any]:
    said = {
        "verdict": row.verdict.value,
        "element": row.element,
        "qualifier": row.qualifier,
        "change": row.change,
        "why": row.why,
        "was": row.was,
        "waiver": row.waiver,
        "lapsed_waiver": row.lapsed,
        "attestation": row.attestation,
        "cause": row.cause,
        "controls": facts.controls(row.rule),
    }
    found: dict[str, Any] = harmless({key: value for key, value in said.items() if value})
    return found


def _millis(moment: str) -> int:
    """RFC 3339 as milliseconds since 1970; 0 for what is no time."""
    try:
        return int(datetime.fromisoformat(moment).timestamp() * 1000)
    except ValueError:
        return 0
