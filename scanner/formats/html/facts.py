"""What the page's script tells beside the findings: rule cards, waivers and attestations as plain JSON values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scanner.formats.html.show import evidence_link, link, visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.model.scan import RuleCard, Scan
    from scanner.model.waiver import Attestation, Waiver


def rule(card: RuleCard) -> Mapping[str, Any]:
    """A rule card."""
    return {
        "id": visible(card.id),
        "title": visible(card.title),
        "rationale": visible(card.rationale),
        "effort": visible(card.effort),
        "az": [visible(line) for line in card.az],
        "bicep": visible(card.bicep),
        "terraform": visible(card.terraform),
        "mend": visible(card.manual_remediation),
        "manual": visible(card.manual),
        "place": visible(f"{card.file}:{card.line}"),
        "waivable": card.waivable,
        "references": [[visible(address), link(address)] for address in card.references],
        "controls": [
            [visible(item.framework), visible(item.id), visible(item.basis)] for item in card.controls
        ],
    }


def waivers(scan: Scan) -> dict[str, Any]:
    """Waivers by id."""
    return {
        visible(line.waiver.id): {
            **_entry(line.waiver),
            "kind": visible(line.waiver.kind),
            "ticket": visible(line.waiver.ticket),
            "source": visible(line.waiver.source),
            "state": visible(line.state),
            "why": visible(line.why),
            "daysLeft": line.days_left,
        }
        for line in scan.waivers
    }


def attestations(scan: Scan) -> dict[str, Any]:
    """Attestations by id."""
    return {
        visible(line.attestation.id): {
            **_entry(line.attestation),
            "result": visible(line.attestation.result),
            "evidence": visible(line.attestation.evidence),
            "evidenceLink": evidence_link(line.attestation.evidence),
            "state": visible(line.state),
            "why": visible(line.why),
            "daysLeft": line.days_left,
        }
        for line in scan.attestations
    }


def _entry(entry: Waiver | Attestation) -> dict[str, Any]:
    return {
        "reason": visible(entry.reason),
        "owner": visible(entry.owner),
        "approver": visible(entry.approver),
        "created": visible(entry.created),
        "expires": visible(entry.expires),
        "place": visible(entry.place),
    }
