"""OCSF compliance findings (class 2003), one event a line, for data lakes and security information systems.

A finding is an event: created, updated, or closed where the baseline has it and this scan has not. Open questions are
warnings, never passes; a closed finding is no pass either, since its rule may be off or its resource gone.
Source: https://schema.ocsf.io/1.5.0/classes/compliance_finding
"""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO

from scanner.formats._columns import Facts, json_text
from scanner.formats._settings import DEFAULT, Settings
from scanner.formats.sarif.result import harmless
from scanner.formats.sarif.texts import identifier
from scanner.model.codec import encode
from scanner.model.finding import Finding, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scanner.model.finding import Evidence
    from scanner.model.scan import RuleCard, Scan, ScanHeader

EXTENSION = ".ocsf.ndjson"
VERSION = "1.5.0"
CLASS, CATEGORY = 2003, 2
SEVERITIES = {"critical": (5, "Critical"), "high": (4, "High"), "medium": (3, "Medium"), "low": (2, "Low"), "info": (1, "Informational")}  # fmt: skip
_ACTIVITIES = {1: "Create", 2: "Update", 3: "Close"}
_CHANGES = {"new": 1, "reopened": 1, "changed": 2, "persisting": 2, "resolved": 3}
_NEW, _SUPPRESSED, _RESOLVED = (1, "New"), (3, "Suppressed"), (4, "Resolved")
_CHECKED = {
    Verdict.PASS: (1, "Pass"),
    Verdict.UNKNOWN: (2, "Warning"),
    Verdict.ERROR: (2, "Warning"),
    Verdict.MANUAL: (2, "Warning"),
    Verdict.FAIL: (3, "Fail"),
    Verdict.NOT_APPLICABLE: (99, "Not applicable"),
}
_CLOSED = (99, "Not failing any more")
_HARMLESS = (1, "Informational")
"""The severity of rows that hold or do not apply: what they would be worth if they failed must alarm nobody."""
_QUIET = frozenset({Verdict.PASS, Verdict.NOT_APPLICABLE})
_PARTITIONS = {"usgov": "AzureUSGovernment", "usdod": "AzureUSGovernment", "china": "AzureChinaCloud"}


def render(scan: Scan, out: BinaryIO, settings: Settings = DEFAULT) -> None:  # noqa: ARG001 - this format has none
    """Write the events: rows of the scan, then rows of the baseline that it has not; constant memory."""
    facts = Facts.of(scan)
    standards = {one.id: f"{one.title} {one.version}".strip() for one in scan.header.frameworks}
    out.writelines(
        encode(harmless(_event(row, scan.header, facts, standards))) + b"\n" for row in _rows(scan)
    )


def _rows(scan: Scan) -> Iterator[Finding]:
    yield from scan.findings
    yield from scan.earlier


def _event(row: Finding, head: ScanHeader, facts: Facts, standards: Mapping[str, str]) -> dict[str, Any]:
    activity = _CHANGES.get(row.change or "new", 1)
    severity = _HARMLESS if row.verdict in _QUIET else SEVERITIES.get(row.severity, (99, row.severity))
    status = _RESOLVED if row.change == "resolved" else _SUPPRESSED if row.waiver else _NEW
    card = facts.cards.get(row.rule)
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
        "time": _millis(head.now) or 0,
        "message": row.message or row.reason or row.rule,
        **_told(comment=_comment(row, facts)),
        "metadata": _metadata(row, head),
        "cloud": _cloud(row, head),
        "compliance": _compliance(row, card, standards),
        "finding_info": _info(row, card, head),
        "resources": [_resource(row, resource) for resource in row.resources],
        "evidences": [_evidence(item) for item in row.evidence],
        **_told(remediation=_remediation(row, card)),
        "unmapped": _unmapped(row, facts),
    }


def _told(**values: Any) -> dict[str, Any]:
    """What there is something to say about; OCSF takes an empty text for a value."""
    return {key: value for key, value in values.items() if value}


def _comment(row: Finding, facts: Facts) -> str:
    """The waiver in people's words."""
    waiver = facts.waivers.get(row.waiver or "")
    if waiver is None:
        return f"Accepted by waiver {row.waiver}" if row.waiver else ""
    return (
        f"Accepted by waiver {waiver.id} ({waiver.kind}) until {waiver.expires}: {waiver.reason} "
        f"Owner {waiver.owner}, approved by {waiver.approver}"
    )


def _metadata(row: Finding, head: ScanHeader) -> dict[str, Any]:
    return {
        "version": VERSION,
        "profiles": ["cloud"],
        "uid": identifier(
            "ocsf", head.inventory_digest, head.pack_digest, head.now, row.fingerprint, row.verdict.value
        ),
        "event_code": row.rule,
        "original_time": head.now,
        "product": {"name": "acrscan", "vendor_name": "acrscan", "version": head.tool_version, "lang": "en"},
        **_told(tenant_uid=head.tenant),
    }


def _cloud(row: Finding, head: ScanHeader) -> dict[str, Any]:
    account = {
        "uid": row.subscription,
        "type": "Azure Subscription",
        **_told(name=head.subscriptions.get(row.subscription, "")),
    }
    return {"provider": "Azure", **_told(region=row.location, account=account if row.subscription else None)}


def _compliance(row: Finding, card: RuleCard | None, standards: Mapping[str, str]) -> dict[str, Any]:
    """The check's own outcome. What was decided stands in `status_details` in the scanner's own words."""
    closed = row.change == "resolved"
    status = _CLOSED if closed else _CHECKED[row.verdict]
    controls = card.controls if card else ()
    check = {
        "uid": row.rule,
        "name": card.title if card else row.rule,
        "severity_id": SEVERITIES.get(row.severity, (99, ""))[0],
        "severity": SEVERITIES.get(row.severity, (99, row.severity))[1],
        "status_id": status[0],
        "status": status[1],
    }
    return {
        "control": row.rule,
        "standards": sorted({standards.get(one.framework) or one.framework for one in controls}),
        "requirements": [f"{one.framework} {one.id}" for one in controls],
        "checks": [check],
        "status_id": status[0],
        "status": status[1],
        "status_details": [text for text in (*_standing(row), row.reason) if text],
    }


def _standing(row: Finding) -> tuple[str, ...]:
    if row.change == "resolved":
        return (f"failed in the baseline; why it does not any more: {row.why or 'not known'}",)
    if _carried(row):
        return (row.verdict.value, f"as the baseline saw it: not looked at this time ({row.why})")
    return (row.verdict.value,)


def _info(row: Finding, card: RuleCard | None, head: ScanHeader) -> dict[str, Any]:
    title = card.title if card else row.rule
    seen = None if row.change == "resolved" or _carried(row) else _millis(head.now)
    first = _millis(row.first_seen or "")
    return {
        "uid": row.fingerprint,
        "title": title,
        "desc": row.message or row.reason or row.rule,
        "types": ["Compliance"],
        "analytic": {"type": "Rule", "type_id": 1, "uid": row.rule, "name": card.name if card else row.rule},
        **_told(
            data_sources=[row.origin.where] if row.origin.where else [],
            last_seen_time=seen,
            first_seen_time=first,
            created_time=first,
        ),
    }


def _carried(row: Finding) -> bool:
    """Whether a persisting row is the baseline's, which could not be looked at this time."""
    return row.change == "persisting" and row.why in ("data", "scope")


def _resource(row: Finding, resource: str) -> dict[str, Any]:
    region = row.location.lower()
    partition = next((name for head, name in _PARTITIONS.items() if region.startswith(head)), "AzureCloud")
    found: dict[str, Any] = {"uid": resource, "type": row.resource_type, "cloud_partition": partition}
    if resource == row.resource:
        group = {"name": row.resource_group} if row.resource_group else None
        found |= _told(name=row.resource_name, region=row.location, group=group)
    return found


def _evidence(item: Evidence) -> dict[str, Any]:
    seen = json_text(item.actual) if item.state == "present" else None
    wanted = f"{item.operator} {json_text(item.expected)}" if item.operator else None
    data = {
        "state": item.state,
        "observed": seen,
        "expected": wanted,
        "rule": item.rule_place,
        "source": item.source,
    }
    return {"name": item.path, "data": data | _told(note=item.note)}


def _remediation(row: Finding, card: RuleCard | None) -> dict[str, Any] | None:
    commands = [shlex.join(words) for words in row.commands]
    steps = [text for text in (*commands, card.manual_remediation if card else "") if text]
    if not steps:
        return None
    return {"desc": "; ".join(steps), **_told(references=list(card.references) if card else [])}


def _unmapped(row: Finding, facts: Facts) -> dict[str, Any]:
    return _told(
        verdict=row.verdict.value,
        element=row.element,
        qualifier=row.qualifier,
        change=row.change,
        why=row.why,
        was=row.was,
        waiver=row.waiver,
        lapsed_waiver=row.lapsed,
        attestation=row.attestation,
        cause=row.cause,
        controls=facts.controls(row.rule),
    )


def _millis(moment: str) -> int | None:
    """RFC 3339 as milliseconds since 1970; None for what is no time. Without a zone it is UTC, wherever this runs."""
    try:
        found = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)
