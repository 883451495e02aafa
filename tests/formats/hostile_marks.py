"""Scans with waivers, attestations, a comparison and catalogues of frameworks, plain and with hostile text in every field."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from scanner.model.finding import Finding
from scanner.model.framework import Framework, FrameworkControl
from scanner.model.rule import Control
from scanner.model.scan import Drift, Scan, ScopeLine
from scanner.model.waiver import Attestation, AttestationLine, Coverage, Waiver, WaiverLine
from tests.formats.sample import CARDS, CONTOSOPROD, DEV, HOSTILE, NOW, PROD, hostile_scan, sample_scan

WAIVER = Waiver(
    id="W-12",
    covers=Coverage("ACR102", resource=CONTOSOPROD),
    kind="risk-accepted",
    reason="Public base images, reviewed by security.",
    owner="owner@contoso.example",
    ticket="SEC-12",
    approver="ciso@contoso.example",
    created="2026-10-01",
    expires="2026-12-01",
    place="acr-waivers.yaml:3:5",
)
ATTESTATION = Attestation(
    id="A-1",
    covers=Coverage("ACR801", resource=CONTOSOPROD),
    result="met",
    reason="Rehearsed on 2 November.",
    owner="ops@contoso.example",
    approver="ciso@contoso.example",
    evidence="https://wiki.contoso.example/restore",
    created="2026-11-02",
    expires="2027-11-01",
    place="acr-waivers.yaml:20:5",
)
LAPSED = replace(WAIVER, id="W-9", covers=Coverage("ACR101", glob="*"), expires="2026-11-01")
DRIFT = Drift(
    words="the scan of a week before",
    now="2026-11-16T02:01:12Z",
    inventory_digest="0" * 64,
    pack_version="1.0.0",
    pack_digest="0" * 64,
    profile="production",
    changes={"new": 1, "persisting": 2, "resolved": 1},
    reasons={"new:resource": 1, "resolved:resource": 1},
    carried=1,
    notes=("the profile is another one",),
)


def marked_scan() -> Scan:
    """The sample with one waiver in force, one that lapsed, an attestation, and rows of an earlier scan."""
    scan = sample_scan()
    rows = tuple(_marked(row) for row in scan.findings)
    resolved = replace(rows[0], change="resolved", why="resource", fingerprint="f" * 64, affected=())
    carried = replace(rows[1], change="persisting", why="data", fingerprint="e" * 64)
    tallies = replace(
        scan.tallies,
        waived={"high": 1},
        waived_evaluations={"ACR102": {PROD: 1}},
        attested={"ACR801": {PROD: 1}},
    )
    return replace(
        scan,
        header=replace(
            scan.header,
            organisation="Contoso",
            scope=(
                ScopeLine(PROD, "Contoso production", 2),
                ScopeLine("00000000-0000-0000-0000-000000000003", "", 0, "no right to read it"),
            ),
            frameworks=(CATALOGUE,),
            waiver_file="acr-waivers.yaml",
            waiver_digest="1" * 64,
        ),
        tallies=tallies,
        findings=rows,
        waivers=(
            WaiverLine(WAIVER, "expires-soon", "", 8, 1),
            WaiverLine(LAPSED, "expired", "ended on 2026-11-01", -22, 1),
        ),
        attestations=(AttestationLine(ATTESTATION, "in-force", "", 343, 1),),
        earlier=(resolved, carried),
        drift=DRIFT,
    )


CATALOGUE = Framework(
    "mcsb",
    "Microsoft cloud security benchmark",
    "https://learn.microsoft.com/security/benchmark/azure/overview",
    "the initiative's own groups",
    (
        FrameworkControl("IM-1", "Central identity"),
        FrameworkControl("NS-2", "Closed networks"),
        FrameworkControl("IR-1", "A plan for incidents", untouched="it is about people"),
    ),
    version="1",
)


def _marked(row: Finding) -> Finding:
    if row.rule == "ACR101" and row.subscription == DEV:
        return replace(row, lapsed="W-9", change="persisting")
    if row.rule == "ACR801" and row.resource == CONTOSOPROD:
        return replace(row, attestation="A-1")
    return replace(row, change=row.change or "persisting")


def spread(value: Any, text: str, but: frozenset[str] = frozenset()) -> Any:
    """A dataclass with the text in every field that holds text."""
    held = {one.name: object.__getattribute__(value, one.name) for one in fields(value)}
    texts = {name: text for name, old in held.items() if isinstance(old, str) and name not in but}
    return replace(value, **texts)


def hostile_marked() -> Scan:
    """The hostile scan with hostile waivers, attestations, cards, catalogues, drift and earlier rows."""
    scan = hostile_scan()
    rows = tuple(
        replace(
            row,
            change=("new", "persisting", "changed")[at % 3],
            was=row.element,
            lapsed=row.element,
            cause=row.element,
        )
        for at, row in enumerate(scan.findings)
    )
    waivers, attestations, cards, frameworks = [], [], [], []
    for at, text in enumerate(HOSTILE):
        covers = spread(WAIVER.covers, text)
        waivers.append(WaiverLine(replace(spread(WAIVER, text), covers=covers), "expires-soon", text, at, 1))
        attestations.append(
            AttestationLine(replace(spread(ATTESTATION, text), covers=covers), "in-force", text, at, 1)
        )
        card = replace(
            spread(CARDS[at % len(CARDS)], text, frozenset({"id", "severity", "digest", "target", "status"})),
            az=(text,),
            references=(text,),
            controls=(Control(text, text, text),),
        )
        cards.append(card if at < len(CARDS) else replace(card, id=f"ACR95{at}"))
        controls = (replace(FrameworkControl(text, text), untouched=text),)
        frameworks.append(replace(spread(CATALOGUE, text), controls=controls))
    everything = " ".join(HOSTILE)
    header = replace(
        scan.header,
        rules=tuple(cards),
        frameworks=tuple(frameworks),
        organisation=everything,
        tenant=everything,
        identity=everything,
        profile=everything,
        waiver_file=everything,
        scope=tuple(ScopeLine(text, text, 0, text) for text in HOSTILE),
        waiver_digest="1" * 64,
    )
    return replace(
        scan,
        header=header,
        findings=rows,
        waivers=tuple(waivers),
        attestations=tuple(attestations),
        earlier=tuple(replace(row, change="resolved", why="resource") for row in rows[:14]),
        drift=replace(DRIFT, words=everything, notes=HOSTILE, now=NOW),
    )
