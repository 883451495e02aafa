"""The sample scan with everything that people and earlier scans add: waivers, attestations, drift, trend, scope, frameworks."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from scanner.model.finding import CHANGES, Finding, Verdict
from scanner.model.framework import Framework, FrameworkControl
from scanner.model.scan import Drift, Scan, ScopeLine, TrendPoint
from scanner.model.waiver import Attestation, AttestationLine, Coverage, Waiver, WaiverLine
from tests.formats import sample

FAR = "00000000-0000-0000-0000-000000000003"
DIGEST = "a" * 64
BEFORE = "2026-11-16T02:00:00Z"
PROOF = "https://intranet.contoso.example/proofs/rehearsal"


def waiver(number: str, rule: str, state: str, days: int, findings: int, **changes: Any) -> WaiverLine:
    """A waiver as a report shows it."""
    base = Waiver(
        id=number,
        covers=Coverage(rule, resource=sample.CONTOSOPROD),
        kind="risk-accepted",
        reason=f"The label printers need {rule} until spring.",
        owner="Mira Solberg",
        ticket="PLAT-412",
        approver="Ines Dahl",
        created="2026-09-01",
        expires="2027-03-31",
        place="acr-waivers.yaml:5:5",
    )
    why = "the rule may not be waived" if state == "refused" else ""
    return WaiverLine(replace(base, **changes), state, why, days, findings)


WAIVERS = (
    waiver("W-12", "ACR102", "in-force", 128, 1),
    waiver("W-13", "ACR402", "expires-soon", 9, 1, covers=Coverage("ACR402", glob="/subscriptions/*/contosodev")),
    waiver("W-08", "ACR101", "expired", -6, 1, kind="compensating-control", expires="2026-11-17"),
    waiver("W-14", "ACR201", "refused", 400, 1, kind="false-positive", covers=Coverage("ACR201", resource=sample.CONTOSOPROD, element="0.0.0.0/1")),
    waiver("W-15", "ACR401", "not-yet", 90, 0, created="2026-12-01"),
    waiver("W-03", "ACR501", "unused", 1, 0, source=sample.POLICY, covers=Coverage("ACR501", fingerprint=DIGEST)),
)  # fmt: skip


def attestation(number: str, state: str, days: int, evaluations: int, **changes: Any) -> AttestationLine:
    """An attestation as a report shows it."""
    base = Attestation(
        id=number,
        covers=Coverage("ACR801", glob="**"),
        result="met",
        reason="The restore was rehearsed in the region next door.",
        owner="Tomas Quist",
        approver="Jon Vik",
        evidence=PROOF,
        created="2026-10-01",
        expires="2027-03-31",
        place="acr-waivers.yaml:45:5",
    )
    return AttestationLine(replace(base, **changes), state, "", days, evaluations)


ATTESTATIONS = (
    attestation("A-02", "in-force", 128, 1),
    attestation("A-01", "expired", -54, 1, expires="2026-09-30", evidence="minutes-2025.pdf"),
)

FRAMEWORKS = (
    Framework(
        id="mcsb",
        title="Microsoft cloud security benchmark",
        source="https://learn.microsoft.com/security/benchmark/azure/overview",
        mapping="The initiative's own groups; the rest is ours.",
        controls=(
            FrameworkControl("IM-1", "Use centralized identity"),
            FrameworkControl("NS-2", "Secure services with network controls"),
            FrameworkControl("LT-9", "Clocks are synchronised", scanner="tests/test_clock.py"),
            FrameworkControl("PV-6", "Vulnerable hosts are mended", untouched="it is about hosts"),
            FrameworkControl("GS-1", "Duties are defined"),
        ),
        version="v1",
        note="No initiative names a control for anonymous pull.",
        digest=DIGEST,
    ),
)

SCOPE = (
    ScopeLine(sample.PROD, "Contoso production", 2),
    ScopeLine(sample.DEV, "Contoso development", 1, "its resource group rg-locked may not be read"),
    ScopeLine(FAR, "Contoso far", 0),
)


def rows() -> tuple[Finding, ...]:
    """The sample's findings, each change and each standing among them."""
    marks: tuple[dict[str, Any], ...] = (
        {"change": "new", "why": "resource"},
        {"change": "persisting"},
        {"change": "persisting", "attestation": "A-02"},
        {"change": "persisting", "lapsed": "W-08"},
        {"change": "reopened", "why": "data", "waiver": "W-12"},
        {"change": "changed", "why": "rule", "was": "$r.value was '0.0.0.0/0'", "lapsed": "W-14"},
        {"change": "new", "why": "scope"},
        {"change": "persisting"},
        {"change": "persisting"},
        {"change": "persisting"},
        {"change": "persisting"},
        {"change": "persisting", "lapsed": "A-01"},
        {"change": "changed", "why": "waiver", "was": "waived by W-01"},
        {"change": "persisting", "waiver": "W-13"},
        {"change": "persisting"},
    )
    return tuple(
        replace(row, **{"waiver": None, "first_seen": BEFORE, **mark})
        for row, mark in zip(sample.findings(), marks, strict=True)
    )


def earlier() -> tuple[Finding, ...]:
    """One that is gone, and two that could not be looked at."""
    gone, unread, away = sample.findings()[3:6]
    return (
        replace(gone, change="resolved", why="resource", message="Anonymous pull was on.", first_seen=BEFORE),
        replace(unread, change="persisting", why="data", message="Was open a week ago.", first_seen=BEFORE),
        replace(away, change="persisting", why="scope", message="Lies outside the scope now.", first_seen=BEFORE),
    )  # fmt: skip


def trend() -> tuple[TrendPoint, ...]:
    """Seven nights: one that could not read everything, one with other rules."""
    return tuple(
        TrendPoint(
            now=f"2026-11-{17 + night}T02:00:00Z",
            verdicts={"pass": 10 + night, "fail": 12 - night, "unknown": night % 2},
            waived=2,
            open_findings=14 - night,
            complete=night != 3,
            pack_digest=("b" if night < 5 else "c") * 64,
        )
        for night in range(7)
    )


def marked_scan(**changes: Any) -> Scan:
    """The sample with all of it; `changes` replace fields of the scan."""
    scan = sample.sample_scan(
        findings=rows(),
        organisation="Contoso",
        started="2026-11-23T01:40:00Z",
        tenant="99999999-0000-0000-0000-000000000009",
        identity="application 11111111-0000-0000-0000-000000000001",
        scope=SCOPE,
        frameworks=FRAMEWORKS,
        profile_digest="d" * 64,
        waiver_file="acr-waivers.yaml",
        waiver_digest="e" * 64,
    )
    failed = [row for row in rows() if row.verdict is Verdict.FAIL]
    counts = Counter(row.change for row in failed)
    reasons = Counter(f"{row.change}:{row.why}" for row in failed if row.why)
    drift = Drift(
        words="reports/week-47.ndjson",
        now=BEFORE,
        inventory_digest="f" * 64,
        pack_version="0.9.0",
        pack_digest="1" * 64,
        profile="production",
        changes={**{change: counts.get(change, 0) for change in CHANGES}, "resolved": 1},
        reasons={**reasons, "resolved:resource": 1},
        carried=2,
        notes=("the rules differ: acr 0.9.0 before, 1.0.0 now",),
    )
    tallies = replace(
        scan.tallies,
        waived={"high": 1, "info": 1},
        waived_evaluations={"ACR102": {sample.PROD: 1}, "ACR402": {sample.DEV: 1}},
        attested={"ACR801": {sample.PROD: 1}},
    )
    base = replace(
        scan,
        tallies=tallies,
        waivers=WAIVERS,
        attestations=ATTESTATIONS,
        earlier=earlier(),
        drift=drift,
        trend=trend(),
    )
    return replace(base, **changes)


def hostile_marked(text: str) -> Scan:
    """The same with one hostile text in every field that a file or another scan can write."""
    scan = marked_scan()
    framework = replace(
        FRAMEWORKS[0], title=text, source=text, mapping=text, note=text, version=text, digest=text,
        controls=(FrameworkControl(text, text, scanner=text), FrameworkControl(f"{text}2", text, untouched=text), FrameworkControl("IM-1", text)),
    )  # fmt: skip
    drift = scan.drift
    assert drift
    return replace(
        scan,
        header=replace(
            scan.header, organisation=text, started=text, tenant=text, identity=text, scope=(ScopeLine(text, text, 1, text),),
            frameworks=(framework,), profile_digest=text, waiver_file=text, waiver_digest=text, now=text,
        ),
        findings=tuple(
            replace(row, waiver=row.waiver and text, lapsed=row.lapsed and f"{text}2", attestation=row.attestation and f"{text}3", why=text, was=text, change=text, first_seen=text, cause=text)
            for row in rows()
        ),
        earlier=tuple(replace(row, why=text, was=text, message=text, first_seen=text, resource_name=text, resource_group=text, rule=text) for row in earlier()),
        waivers=tuple(
            replace(line, why=text, state=text, waiver=replace(line.waiver, id=f"{text}{place or ''}", covers=Coverage(text, resource=text, element=text), kind=text, reason=text, owner=text, ticket=text, approver=text, created=text, expires=text, place=text, source=text))
            for place, line in enumerate(WAIVERS[:2])
        ),
        attestations=tuple(
            replace(line, why=text, state=text, attestation=replace(line.attestation, id=f"{text}3", result=text, reason=text, owner=text, approver=text, evidence=text, created=text, expires=text, place=text))
            for line in ATTESTATIONS[:1]
        ),
        drift=replace(drift, words=text, now=text, inventory_digest=text, pack_version=text, pack_digest=text, profile=text, notes=(text,), reasons={"new:resource": 1}),
        trend=tuple(replace(point, now=text, pack_digest=text) for point in trend()),
    )  # fmt: skip
