"""OSCAL assessment results for governance tools: observations, risks, and a finding for each control of each framework.

A control is satisfied only when every rule about it was decided and held for everything; what was not evaluated, or is
accepted by a waiver, is not satisfied, and says why. Source: https://pages.nist.gov/OSCAL/reference/1.1.2/assessment-results/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, BinaryIO

from scanner.formats._columns import json_text, observed
from scanner.formats._controls import by_framework, reasons, standing
from scanner.formats._settings import DEFAULT, Settings
from scanner.formats._stream import array, entry
from scanner.formats._text import visible
from scanner.formats.sarif.texts import identifier
from scanner.model.finding import Finding, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scanner.model.scan import RuleCard, Scan
    from scanner.model.waiver import Waiver

EXTENSION = ".oscal.json"
VERSION = "1.1.2"
NAMESPACE = "https://acrscan.dev/ns/oscal"
_TOKEN = re.compile(r"[^A-Za-z0-9._-]")
_LEVELS = {"critical": "high", "high": "high", "medium": "moderate", "low": "low", "info": "low"}
_RISK_STATES = {
    "risk-accepted": "deviation-approved",
    "compensating-control": "deviation-approved",
    "false-positive": "closed",
}
_METHODS = {Verdict.MANUAL: "EXAMINE"}


def render(scan: Scan, out: BinaryIO, settings: Settings = DEFAULT) -> None:  # noqa: ARG001 - this format has none
    """Write the document; the rows are read twice, memory is constant."""
    run = _Run(scan)
    out.write(b'{"assessment-results":{')
    entry(out, "uuid", run.id("document"), first=True)
    entry(out, "metadata", run.metadata())
    entry(
        out,
        "import-ap",
        {
            "href": f"#{run.id('plan')}",
            "remarks": "No assessment plan was written; the rule pack says what is assessed.",
        },
    )
    out.write(b',\n"results":[{')
    entry(out, "uuid", run.id("result"), first=True)
    entry(out, "title", "Compliance scan of Azure container registries")
    entry(out, "description", run.words())
    entry(out, "start", scan.header.started or scan.header.now)
    entry(out, "end", scan.header.now)
    entry(out, "props", run.counts())
    entry(out, "reviewed-controls", run.reviewed())
    array(out, "attestations", run.attestations(), empty=False)
    array(out, "observations", run.observations(), empty=False)
    array(out, "risks", run.risks(), empty=False)
    array(out, "findings", run.findings(), empty=False)
    out.write(b"\n}]")
    entry(out, "back-matter", {"resources": list(run.resources())})
    out.write(b"\n}}\n")


def token(text: str) -> str:
    """A text as an OSCAL token: letters, digits, dots, dashes; beginning with a letter."""
    plain = _TOKEN.sub(".", text).strip(".-")
    return plain if plain[:1].isalpha() else f"c.{plain}"


def _line(text: str) -> str:
    """A text as a line that OSCAL accepts: not empty, no blanks at its ends."""
    return visible(text).strip() or "(nothing)"


class _Run:
    """One scan on its way into a document."""

    def __init__(self, scan: Scan) -> None:
        head = scan.header
        self._scan = scan
        self._cards = {card.id: card for card in head.rules}
        self._waivers: Mapping[str, Waiver] = {line.waiver.id: line.waiver for line in scan.waivers}
        self._base = identifier(
            "oscal", head.inventory_digest, head.pack_digest, head.profile, head.waiver_digest, head.now
        )
        self._reasons = reasons(scan)

    def id(self, *parts: str) -> str:
        """A uuid that is the same for the same scan."""
        return identifier(self._base, *parts)

    def metadata(self) -> dict[str, Any]:
        """Who, when, with what."""
        head = self._scan.header
        owner = {
            "uuid": identifier("party", head.organisation or "unnamed"),
            "type": "organization",
            "name": _line(head.organisation or "The owner of the registries"),
        }
        people = {word.owner for word in (line.attestation for line in self._scan.attestations)}
        parties = [
            owner,
            *(
                {"uuid": identifier("party", "person", name), "type": "person", "name": _line(name)}
                for name in sorted(people)
            ),
        ]
        return {
            "title": "acrscan assessment results",
            "last-modified": head.now,
            "version": _line(f"{head.pack_id} {head.pack_version}"),
            "oscal-version": VERSION,
            "roles": [
                {"id": "owner", "title": "Owner of the registries"},
                {"id": "attestor", "title": "Vouches for manual controls"},
            ],
            "parties": parties,
            "responsible-parties": [{"role-id": "owner", "party-uuids": [owner["uuid"]]}],
        }

    def words(self) -> str:
        """What was assessed, and how completely."""
        head = self._scan.header
        total = self._scan.tallies.total()
        undecided = total[Verdict.UNKNOWN] + total[Verdict.ERROR]
        return visible(
            f"acrscan {head.tool_version} evaluated {sum(total.values())} rules on resources of: {head.inventory}; {undecided} of them could not be decided."
        )

    def counts(self) -> list[dict[str, str]]:
        """The scan's counts as properties."""
        total = self._scan.tallies.total()
        named = {f"evaluations-{verdict.value}": number for verdict, number in total.items()}
        named |= {f"findings-{severity}": number for severity, number in self._scan.tallies.findings.items()}
        named["findings-waived"] = sum(self._scan.tallies.waived.values())
        return [
            {"name": token(name), "ns": NAMESPACE, "value": str(number)} for name, number in named.items()
        ]

    def reviewed(self) -> dict[str, Any]:
        """Every control that a rule names, by framework."""
        selections = []
        for framework, controls in by_framework(self._scan.header).items():
            include = [{"control-id": token(f"{framework}_{control}")} for control in controls]
            selections.append(
                {
                    "description": f"Controls of {_line(framework)} that rules name.",
                    "include-controls": include,
                }
            )
        return {
            "control-selections": selections
            or [{"description": "The rules name no controls.", "include-all": {}}]
        }

    def attestations(self) -> Iterator[dict[str, Any]]:
        """What people vouch for."""
        for line in self._scan.attestations:
            word = line.attestation
            text = f"{word.covers.rule}: {word.result}. {word.reason} Evidence: {word.evidence}. Approved by {word.approver}; {word.created} to {word.expires}, {line.state}."
            yield {
                "responsible-parties": [
                    {"role-id": "attestor", "party-uuids": [identifier("party", "person", word.owner)]}
                ],
                "parts": [
                    {
                        "uuid": self.id("attestation", word.id),
                        "name": token(word.id),
                        "title": _line(f"{word.covers.rule} {word.result}"),
                        "prose": visible(text),
                    }
                ],
            }

    def observations(self) -> Iterator[dict[str, Any]]:
        """One for each rule with its counts, then one for each row."""
        for card in self._scan.header.rules:
            yield self._of_rule(card)
        for row in self._scan.findings:
            yield self._of_row(row)

    def _of_rule(self, card: RuleCard) -> dict[str, Any]:
        counts = self._scan.tallies.of_rule(card.id)
        said = (
            ", ".join(f"{number} {verdict.value}" for verdict, number in counts.items() if number)
            or "asked of nothing"
        )
        reason = f"; not evaluated: {self._reasons[card.id]}" if card.id in self._reasons else ""
        return {
            "uuid": self.id("rule", card.id),
            "title": _line(f"{card.id} {card.title}"),
            "description": visible(f"{said}{reason}"),
            "methods": ["EXAMINE" if card.manual else "TEST"],
            "types": ["control-objective"],
            "collected": self._scan.header.now,
        }

    def _row_id(self, row: Finding) -> str:
        return self.id("row", row.fingerprint, row.verdict.value)

    def _of_row(self, row: Finding) -> dict[str, Any]:
        said = {
            "rule": row.rule,
            "severity": row.severity,
            "verdict": row.verdict.value,
            "fingerprint": row.fingerprint,
            "change": row.change or "",
            "why": row.why,
            "waiver": row.waiver or "",
            "lapsed-waiver": row.lapsed,
            "attestation": row.attestation,
        }
        evidence = [
            {
                "href": f"#{self.id('inventory')}",
                "description": visible(
                    f"{item.path} is {observed(item)}, expected {item.operator} {json_text(item.expected)}"
                ),
                "remarks": visible(
                    f"{item.source or row.origin.where}; rule {item.rule_place}; sha256 of the inventory in the back matter"
                ),
            }
            for item in row.evidence
        ]
        found: dict[str, Any] = {
            "uuid": self._row_id(row),
            "title": _line(f"{row.rule} {row.resource_name}"),
            "description": visible(row.message or row.reason or row.rule),
            "props": [
                {"name": name, "ns": NAMESPACE, "value": _line(value)}
                for name, value in said.items()
                if value
            ],
            "methods": [_METHODS.get(row.verdict, "TEST")],
            "types": ["finding"],
            "subjects": [self._subject(row, resource) for resource in row.resources],
            "collected": row.origin.collected_at or self._scan.header.now,
        }
        if evidence:
            found["relevant-evidence"] = evidence
        if row.reason:
            found["remarks"] = visible(row.reason)
        return found

    def _subject(self, row: Finding, resource: str) -> dict[str, Any]:
        return {
            "subject-uuid": identifier("resource", resource.lower()),
            "type": "inventory-item",
            "title": _line(resource),
            "props": [{"name": "resource-type", "ns": NAMESPACE, "value": _line(row.resource_type)}],
        }

    def risks(self) -> Iterator[dict[str, Any]]:
        """One for each failing row; what is waived is a deviation with its end."""
        for row in self._scan.findings:
            if row.verdict is Verdict.FAIL:
                yield self._risk(row)

    def _risk(self, row: Finding) -> dict[str, Any]:
        card = self._cards.get(row.rule)
        waiver = self._waivers.get(row.waiver or "")
        found: dict[str, Any] = {
            "uuid": self.id("risk", row.fingerprint),
            "title": _line(f"{row.rule} {row.resource_name}"),
            "description": visible(row.message or row.rule),
            "statement": visible(card.rationale if card and card.rationale else row.message or row.rule),
            "status": _RISK_STATES[waiver.kind] if waiver else "deviation-approved" if row.waiver else "open",
            "characterizations": [
                {
                    "origin": {"actors": [{"type": "tool", "actor-uuid": identifier("tool", "acrscan")}]},
                    "facets": [
                        {"name": "severity", "system": NAMESPACE, "value": row.severity},
                        {"name": "impact", "system": NAMESPACE, "value": _LEVELS.get(row.severity, "low")},
                    ],
                }
            ],
            "related-observations": [{"observation-uuid": self._row_id(row)}],
        }
        if waiver:
            found["deadline"] = f"{waiver.expires}T23:59:59Z"
            text = f"{waiver.id} ({waiver.kind}): {waiver.reason} Owner {waiver.owner}, approved by {waiver.approver}, until {waiver.expires}."
            found["mitigating-factors"] = [
                {"uuid": self.id("waiver", waiver.id, row.fingerprint), "description": visible(text)}
            ]
        steps = "; ".join(
            [*(" ".join(words) for words in row.commands), card.manual_remediation if card else ""]
        ).strip("; ")
        if steps:
            found["remediations"] = [
                {
                    "uuid": self.id("remediation", row.fingerprint),
                    "lifecycle": "recommendation",
                    "title": _line(f"Mend {row.rule}"),
                    "description": visible(steps),
                }
            ]
        return found

    def findings(self) -> Iterator[dict[str, Any]]:
        """One for each control: satisfied only where every rule about it was decided and held."""
        titles = {
            (one.id, control.id): control.title
            for one in self._scan.header.frameworks
            for control in one.controls
        }
        for framework, controls in by_framework(self._scan.header).items():
            for control, cards in controls.items():
                state, reason, why = standing(self._scan, cards)
                name = _line(f"{framework} {control}")
                yield {
                    "uuid": self.id("control", framework, control),
                    "title": name,
                    "description": _line(titles.get((framework, control), "") or name),
                    "target": {
                        "type": "objective-id",
                        "target-id": token(f"{framework}_{control}"),
                        "status": {"state": state, "reason": reason, "remarks": why},
                    },
                    "related-observations": [
                        {"observation-uuid": self.id("rule", card.id)}
                        for card in {card.id: card for card in cards}.values()
                    ],
                }

    def resources(self) -> Iterator[dict[str, Any]]:
        """What the results rest on, with digests."""
        head = self._scan.header
        yield {
            "uuid": self.id("plan"),
            "title": "Assessment plan",
            "description": _line(
                f"Rule pack {head.pack_id} {head.pack_version}, profile {head.profile or 'none'}."
            ),
            "rlinks": [_linked(head.pack_digest)],
        }
        yield {
            "uuid": self.id("inventory"),
            "title": "Inventory",
            "description": _line(head.inventory),
            "rlinks": [_linked(head.inventory_digest)],
        }
        if head.waiver_digest:
            yield {
                "uuid": self.id("waivers"),
                "title": "Waivers and attestations",
                "description": _line(head.waiver_file),
                "rlinks": [_linked(head.waiver_digest)],
            }


def _linked(digest: str) -> dict[str, Any]:
    return {
        "href": f"urn:sha256:{digest}",
        "media-type": "application/octet-stream",
        "hashes": [{"algorithm": "SHA-256", "value": digest}],
    }
