"""Waivers that are themselves findings: the marked entries come in, rule cards, resource lines and rows come out.

Each entry of the waiver file is a resource of the type `acrscan/waivers` or `acrscan/attestations` with a verdict per
check, so that every report counts and shows them like anything else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from scanner.model.finding import Evidence, Finding, Verdict, fingerprint
from scanner.model.resource import Origin
from scanner.model.rule import Control
from scanner.model.scan import ResourceLine, RuleCard
from scanner.model.waiver import Attestation, Waiver
from scanner.waivers.standing import Standing

WAIVERS, ATTESTATIONS = "acrscan/waivers", "acrscan/attestations"
REVIEWED = "2026-11-25"
_DOCS = "docs/waivers.md"


@dataclass(slots=True)
class Tried:
    """What an entry did in this scan.

    `findings`: rows (or manual evaluations) it covers; `undecided`: rows it would cover that had no verdict; `doubles`:
    an earlier entry that covers one of the same rows, or "".
    """

    standing: Standing
    findings: int = 0
    undecided: int = 0
    doubles: str = ""
    not_asked: str = ""
    """Why its rule was asked of nothing, or ""."""
    broad: str = ""
    """What makes it too broad, or ""."""
    prints: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its rule, what it says of an entry (`None` = it does not apply), and how to mend it."""

    id: str
    name: str
    severity: str
    title: str
    rationale: str
    mend: str


CHECKS = (
    Check("WAV001", "waiver-current", "medium", "Waivers have not expired",
          "An expired waiver does not count: what it covered fails again. Left in the file it hides that nobody decided anew.",
          "Mend the findings, or have a new waiver approved; then remove this one (acrscan waiver prune)."),
    Check("WAV002", "waiver-used", "low", "Every waiver covers a finding",
          "A waiver that covers nothing would silently cover the next finding of its kind.",
          "Remove it (acrscan waiver prune), or correct its rule, resource or element."),
    Check("WAV003", "waiver-narrow", "medium", "Waivers are narrow",
          "A glob that names nothing of its own, or covers very many findings, accepts risks that nobody has looked at.",
          "Name exact resources, or a glob with a subscription and a resource group."),
    Check("WAV004", "waiver-once", "low", "No two waivers cover the same finding",
          "Of two waivers the first counts; ending that one changes nothing, which nobody expects.",
          "Keep the waiver with the better reason and remove the other."),
    Check("WAV005", "waiver-not-ending", "info", "No waiver ends soon",
          "What it covers will fail again when it ends.",
          "Mend the findings before that day, or have a new waiver approved."),
    Check("WAV006", "waiver-allowed", "high", "Waivers keep to the policy",
          "A waiver for a rule that may not be waived, or for longer than is allowed, does not count.",
          "Remove it, or shorten it to what the policy allows."),
    Check("WAV007", "waiver-four-eyes", "low", "Nobody approves a waiver of their own",
          "Owner and approver are the same person: the risk was accepted without a second look.",
          "Have somebody else approve it."),
)  # fmt: skip
ATTESTED = (
    Check("WAV101", "attestation-current", "medium", "Attestations have not expired",
          "After its last day the control counts as not reviewed.",
          "Review the control again and renew the attestation."),
    Check("WAV102", "attestation-used", "low", "Every attestation vouches for a manual control",
          "An attestation that covers nothing vouches for nothing.",
          "Correct its rule or resource, or remove it."),
    Check("WAV103", "attestation-met", "medium", "Attested controls are met",
          "A person reviewed the control and found that it is not met.",
          "Do what the control asks for, then attest again."),
    Check("WAV104", "attestation-allowed", "high", "Attestations keep to the policy",
          "An attestation of what the scanner decides itself, or for longer than is allowed, does not count.",
          "Remove it, or shorten it to what the policy allows."),
)  # fmt: skip
TABLE = {WAIVERS: CHECKS, ATTESTATIONS: ATTESTED}


def cards(place: str) -> tuple[RuleCard, ...]:
    """The rule cards of all checks; `place`: the waiver file."""
    return tuple(
        RuleCard(
            id=check.id,
            name=check.name,
            title=check.title,
            severity=check.severity,
            target=kind,
            rationale=check.rationale,
            effort="low",
            az=(),
            bicep="",
            terraform="",
            manual_remediation=check.mend,
            manual="",
            references=(),
            reviewed=REVIEWED,
            controls=_NO_CONTROLS,
            status="stable",
            enabled=True,
            disabled_reason="",
            digest=hashlib.sha256(f"{check.id} 1".encode()).hexdigest(),
            file=place,
            line=1,
            waivable=False,
        )
        for kind, checks in TABLE.items()
        for check in checks
    )


_NO_CONTROLS: tuple[Control, ...] = ()


def verdicts(entry: Waiver | Attestation, tried: Tried) -> Iterator[tuple[Check, Verdict, str]]:
    """Each check's verdict on an entry, with the sentence that says why."""
    if isinstance(entry, Attestation):
        yield from _of_attestation(entry, tried)
        return
    state = tried.standing.state
    counts = tried.standing.counts
    expired, used, narrow, once, soon, allowed, eyes = CHECKS
    yield (expired, *_expiry(entry, tried))
    yield (used, *_use(tried, "findings"))
    broad = bool(tried.broad) and counts
    yield narrow, _failed(broad), f"It is too broad: {tried.broad}" if broad else "It is narrow"
    double = bool(tried.doubles) and counts
    yield (
        once,
        _failed(double),
        f"{tried.doubles} covers the same" if double else "Nothing else covers the same",
    )
    ends = state == "expires-soon"
    yield soon, _failed(ends), f"It ends on {entry.expires}, in {tried.standing.days_left} days"
    yield allowed, _failed(state == "refused"), tried.standing.why or "It keeps to the policy"
    same = entry.owner.casefold() == entry.approver.casefold()
    yield eyes, _failed(same), f"{entry.owner} is owner and approver" if same else "Two people agreed"


def _of_attestation(entry: Attestation, tried: Tried) -> Iterator[tuple[Check, Verdict, str]]:
    current, used, met, allowed = ATTESTED
    yield (current, *_expiry(entry, tried))
    yield (used, *_use(tried, "manual evaluations"))
    unmet = entry.result != "met" and tried.standing.counts
    yield met, _failed(unmet), f"{entry.owner} found that it is {'not ' if unmet else ''}met"
    yield allowed, _failed(tried.standing.state == "refused"), tried.standing.why or "It keeps to the policy"


def _expiry(entry: Waiver | Attestation, tried: Tried) -> tuple[Verdict, str]:
    if tried.standing.state != "expired":
        return Verdict.PASS, f"It lasts until {entry.expires}"
    again = f"; {tried.findings} that it covered are open again" if tried.findings else ""
    return Verdict.FAIL, (tried.standing.why or f"It expired on {entry.expires}") + again


def _use(tried: Tried, what: str) -> tuple[Verdict, str]:
    if tried.findings:
        return Verdict.PASS, f"It covers {tried.findings} {what}"
    if not tried.standing.counts:
        return Verdict.NOT_APPLICABLE, "It is not in force"
    if tried.undecided:
        return Verdict.UNKNOWN, f"{tried.undecided} evaluations that it may cover were not decided"
    if tried.not_asked:
        return Verdict.NOT_APPLICABLE, tried.not_asked
    return Verdict.FAIL, f"It covers none of the {what}"


def _failed(bad: bool) -> Verdict:
    return Verdict.FAIL if bad else Verdict.PASS


def told(
    entry: Waiver | Attestation, tried: Tried, collected_at: str
) -> tuple[ResourceLine, list[Finding], list[tuple[str, Verdict]]]:
    """The resource line of an entry, its rows, and the verdict of each check."""
    kind = WAIVERS if isinstance(entry, Waiver) else ATTESTATIONS
    identifier = f"file:{_path(entry.place)}#{entry.id}"
    rows, letters, given = [], [], []
    for check, verdict, words in verdicts(entry, tried):
        letters.append(verdict.letter)
        given.append((check.id, verdict))
        if verdict in (Verdict.FAIL, Verdict.UNKNOWN):
            rows.append(_row(entry, kind, identifier, check, verdict, words, collected_at))
    line = ResourceLine(identifier, kind, entry.id, "", "", "", "", "".join(letters))
    return line, rows, given


def _path(place: str) -> str:
    return place.rsplit(":", 2)[0].replace("\\", "/")


def _row(
    entry: Waiver | Attestation,
    kind: str,
    identifier: str,
    check: Check,
    verdict: Verdict,
    words: str,
    collected_at: str,
) -> Finding:
    file, line, column = entry.place.rsplit(":", 2)
    proof = Evidence("expires", "present", entry.expires, "", None, entry.place, entry.place)
    return Finding(
        rule=check.id,
        severity=check.severity,
        verdict=verdict,
        resource=identifier,
        resource_type=kind,
        resource_name=entry.id,
        subscription="",
        resource_group="",
        location="",
        message=f"{words} ({entry.covers.rule}, {entry.owner})",
        reason=words if verdict is Verdict.UNKNOWN else "",
        element="",
        evidence=(proof,),
        # By the entry's id alone: a waiver file that moves keeps its findings.
        fingerprint=fingerprint(check.id, f"{kind}/{entry.id}", ""),
        origin=Origin("waivers", file, int(line), int(column), collected_at),
    )
