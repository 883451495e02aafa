"""Waivers and attestations: what people accepted or vouch for, by whom, why and until when."""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "WAV"
"""What the ids of the scanner's own checks of waivers and attestations begin with."""
KINDS = ("risk-accepted", "false-positive", "compensating-control")
STATES = ("in-force", "expires-soon", "expired", "not-yet", "refused", "unused")
"""What a waiver is at the scan's own clock; `unused` ones are in force and cover nothing. The first two and the last
are in force; `refused`: the rule may not be waived, or it lasts longer than the policy allows."""
IN_FORCE = frozenset({"in-force", "expires-soon", "unused"})
RESULTS = ("met", "not-met")


@dataclass(frozen=True, slots=True)
class Coverage:
    """What an entry is about: one rule on an exact resource id, on ids that match a glob, or one fingerprint.

    Exactly one of `resource`, `glob` and `fingerprint` is not "". `element`: the key of one offending element, "" = all.
    """

    rule: str
    resource: str = ""
    glob: str = ""
    fingerprint: str = ""
    element: str = ""


@dataclass(frozen=True, slots=True)
class Waiver:
    """An accepted finding. Dates are YYYY-MM-DD (UTC); `expires` is the last day on which it counts.

    `place`: file:line:column. `source`: "" for the waiver file, else the id of the Azure Policy exemption it came from.
    """

    id: str
    covers: Coverage
    kind: str
    reason: str
    owner: str
    ticket: str
    approver: str
    created: str
    expires: str
    place: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Attestation:
    """A person's word on a manual control. `result`: met or not-met; `evidence`: an https address or a file's name."""

    id: str
    covers: Coverage
    result: str
    reason: str
    owner: str
    approver: str
    evidence: str
    created: str
    expires: str
    place: str


@dataclass(frozen=True, slots=True)
class WaiverPolicy:
    """What a waiver file may ask for.

    `maximum_days`: from created to expires; `soon_days`: when to warn before the end;
    `broad`: findings from which on a glob counts as too broad.
    """

    maximum_days: int = 365
    soon_days: int = 30
    broad: int = 20


@dataclass(frozen=True, slots=True)
class Register:
    """A waiver file: entries in the order of the file. `digest`: sha256 (hex) of its bytes; `words`: its path."""

    waivers: tuple[Waiver, ...] = ()
    attestations: tuple[Attestation, ...] = ()
    policy: WaiverPolicy = WaiverPolicy()
    words: str = ""
    digest: str = ""

    @property
    def entries(self) -> tuple[Waiver | Attestation, ...]:
        """Waivers, then attestations."""
        return (*self.waivers, *self.attestations)


@dataclass(frozen=True, slots=True)
class WaiverLine:
    """A waiver as a report shows it. `state`: one of `STATES`; `why`: what makes it refused, or "".

    `days_left`: whole days until the end of `expires` (negative: since). `findings`: rows it covers, counted also where
    it is not in force.
    """

    waiver: Waiver
    state: str
    why: str
    days_left: int
    findings: int


@dataclass(frozen=True, slots=True)
class AttestationLine:
    """An attestation as a report shows it; `state` as for waivers, `evaluations`: manual evaluations it covers."""

    attestation: Attestation
    state: str
    why: str
    days_left: int
    evaluations: int
