"""Observations and risks: one observation for each rule and each row, one risk for each failing row."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from scanner.formats._columns import json_text, observed
from scanner.formats.oscal.ids import TOOL
from scanner.formats.oscal.ids import risk as risk_id
from scanner.formats.oscal.subjects import carried as is_carried
from scanner.formats.oscal.subjects import subjects
from scanner.formats.oscal.texts import NAMESPACE, line, moment, props, prose
from scanner.model.finding import Verdict
from scanner.model.summary import not_evaluated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scanner.formats.oscal.ids import Ids
    from scanner.model.finding import Evidence, Finding
    from scanner.model.scan import RuleCard, Scan, ScanHeader
    from scanner.model.waiver import WaiverLine

_IMPACTS = {"critical": "high", "high": "high", "medium": "moderate", "low": "low", "info": "low"}
_STATES = {
    "risk-accepted": "deviation-approved",
    "compensating-control": "deviation-approved",
    "false-positive": "closed",
}
"""A waiver's kind as what becomes of the risk. A waiver that does not count yet is a deviation that was requested."""


def observations(scan: Scan, ids: Ids) -> Iterator[dict[str, Any]]:
    """One for each rule with its counts, then one for each row, then one for each row carried over from the baseline."""
    reasons = {card.id: reason for card, reason in not_evaluated(scan.header)}
    end = moment(scan.header.now, "1970-01-01T00:00:00Z")
    for card in scan.header.rules:
        yield _of_rule(card, scan, reasons.get(card.id, ""), ids, end)
    evidence = f"#{ids.run('inventory')}"
    for row in scan.findings:
        yield _of_row(row, ids.row(row), evidence, end)
    then = moment(scan.drift.now, end) if scan.drift else end
    baseline = f"#{ids.run('baseline' if scan.drift else 'inventory')}"
    for row in scan.earlier:
        if is_carried(row):
            found = _of_row(row, ids.row(row, carried=True), baseline, then)
            found["props"] += props(carried="yes")
            found["remarks"] = (
                f"As the baseline saw it; it could not be looked at this time ({prose(row.why)})."
            )
            yield found


def _of_rule(card: RuleCard, scan: Scan, reason: str, ids: Ids, end: str) -> dict[str, Any]:
    counts = scan.tallies.of_rule(card.id)
    parts = [f"{number} {verdict.value}" for verdict, number in counts.items() if number]
    said = ", ".join(parts) or "asked of nothing"
    return {
        "uuid": ids.rule(card.id),
        "title": prose(f"{card.id} {card.title}"),
        "description": prose(f"{said}; not evaluated: {reason}" if reason else said),
        "props": props(rule=card.id, severity=card.severity, status=card.status, sha256=card.digest),
        "methods": ["EXAMINE" if card.manual else "TEST"],
        "types": ["control-objective"],
        "collected": end,
    }


def _of_row(row: Finding, identity: str, evidence: str, end: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "uuid": identity,
        "title": prose(f"{row.rule} {row.resource_name or row.resource}"),
        "description": prose(row.message or row.reason or row.rule),
        "props": props(
            rule=row.rule,
            severity=row.severity,
            verdict=row.verdict.value,
            fingerprint=row.fingerprint,
            element=row.element,
            qualifier=row.qualifier,
            change=row.change or "",
            why=row.why,
            first_seen=row.first_seen or "",
            waiver=row.waiver or "",
            lapsed_waiver=row.lapsed,
            attestation=row.attestation,
        ),
        "methods": ["EXAMINE" if row.verdict is Verdict.MANUAL else "TEST"],
        "types": ["finding"],
        "subjects": subjects(row),
        "collected": moment(row.origin.collected_at, end),
    }
    if row.evidence:
        found["relevant-evidence"] = [_evidence(row, item, evidence) for item in row.evidence]
    if row.reason or row.was:
        found["remarks"] = prose(". ".join(text for text in (row.reason, row.was) if text))
    return found


def _evidence(row: Finding, item: Evidence, href: str) -> dict[str, Any]:
    wanted = f", expected {item.operator} {json_text(item.expected)}" if item.operator else ""
    source = item.source or row.origin.where or "no source was noted"
    return {
        "href": href,
        "description": prose(f"{item.path} is {observed(item)}{wanted}"),
        "remarks": prose(f"{source}; rule {item.rule_place}; sha256 of the inventory in the back matter"),
    }


def risks(scan: Scan, ids: Ids) -> Iterator[dict[str, Any]]:
    """One for each failing row, also for those carried over; what is waived is a deviation with its end."""
    facts = _Facts(scan.header, {one.waiver.id: one for one in scan.waivers})
    for row in scan.findings:
        if row.verdict is Verdict.FAIL:
            yield facts.risk(row, ids.row(row))
    for row in scan.earlier:
        if row.verdict is Verdict.FAIL and is_carried(row):
            found = facts.risk(row, ids.row(row, carried=True))
            found["props"] += props(carried="yes")
            yield found


class _Facts:
    """What risks look up."""

    def __init__(self, head: ScanHeader, waivers: Mapping[str, WaiverLine]) -> None:
        self._cards = {card.id: card for card in head.rules}
        self._waivers = waivers

    def risk(self, row: Finding, observation: str) -> dict[str, Any]:
        """The risk of a row. Its id is the same in every scan, so that governance tools can follow it."""
        card = self._cards.get(row.rule)
        found: dict[str, Any] = {
            "uuid": risk_id(row),
            "title": prose(f"{row.rule} {row.resource_name or row.resource}"),
            "description": prose(row.message or row.rule),
            "statement": prose(card.rationale if card and card.rationale else row.message or row.rule),
            "props": props(fingerprint=row.fingerprint, waiver=row.waiver or "", change=row.change or ""),
            "status": "deviation-approved" if row.waiver else "open",
            "characterizations": [
                {
                    "origin": {"actors": [{"type": "tool", "actor-uuid": TOOL}]},
                    "facets": [
                        {"name": "severity", "system": NAMESPACE, "value": line(row.severity)},
                        {"name": "impact", "system": NAMESPACE, "value": _IMPACTS.get(row.severity, "low")},
                    ],
                }
            ],
            "related-observations": [{"observation-uuid": observation}],
        }
        if row.waiver and row.waiver in self._waivers:
            found |= _accepted(row, self._waivers[row.waiver])
        elif row.lapsed:
            found |= _refused(row, self._waivers.get(row.lapsed), found["props"])
        if steps := [
            text for text in (*map(shlex.join, row.commands), card.manual_remediation if card else "") if text
        ]:
            found["remediations"] = [
                {
                    "uuid": risk_id(row, "remediation"),
                    "lifecycle": "recommendation",
                    "title": prose(f"Mend {row.rule}"),
                    "description": prose("; ".join(steps), 8_000),
                }
            ]
        return found


def _accepted(row: Finding, entry: WaiverLine) -> dict[str, Any]:
    waiver = entry.waiver
    text = (
        f"{waiver.id} ({waiver.kind}): {waiver.reason} Owner {waiver.owner}, approved by {waiver.approver}"
        f"{f', ticket {waiver.ticket}' if waiver.ticket else ''}, until {waiver.expires}."
    )
    end = moment(f"{waiver.expires}T23:59:59Z", "")
    return {
        "status": _STATES.get(waiver.kind, "deviation-approved"),
        "mitigating-factors": [{"uuid": risk_id(row, "waiver", waiver.id), "description": prose(text)}],
        **({"deadline": end} if end else {}),
    }


def _refused(row: Finding, entry: WaiverLine | None, said: list[dict[str, Any]]) -> dict[str, Any]:
    state = entry.state if entry else "unknown"
    why = f"It does not count: {state}{f', {entry.why}' if entry and entry.why else ''}."
    lapsed = [{**one, "remarks": prose(why)} for one in props(lapsed_waiver=row.lapsed)]
    return {"status": "deviation-requested" if state == "not-yet" else "open", "props": said + lapsed}
