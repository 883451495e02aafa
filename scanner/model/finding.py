"""Verdicts, evidence and findings: what the engine says about one rule on one resource."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from scanner.model import ids
from scanner.model.resource import Origin, Place


class Verdict(StrEnum):
    """The six verdicts, everywhere."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    UNKNOWN = "unknown"
    ERROR = "error"
    NOT_APPLICABLE = "notApplicable"
    MANUAL = "manual"

    @property
    def letter(self) -> str:
        """One letter for compact tallies: P F U E N M."""
        return self.value[0].upper()


LETTERS = {verdict.letter: verdict for verdict in Verdict}


@dataclass(frozen=True, slots=True)
class Evidence:
    """One decisive leaf: what was observed, what the rule expected, and where both can be looked up.

    `state`: present, absent, unread, hidden or error; `actual` is a JSON value (None unless present).
    `expected` is a JSON value. `rule_place` is file:line:column, `source` the call or file of the value.
    """

    path: str
    state: str
    actual: Any
    operator: str
    expected: Any
    rule_place: str
    source: str = ""
    collected_at: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A row of a report. One per (rule, resource), or one per offending element, or one per inherited cause.

    `reason`: why unknown, error or notApplicable, for grouping ("" for fail). `element`: the offending element's
    key or "". `affected`: the other resource ids that share an inherited cause. `commands`: remediation as
    argument vectors with the placeholders filled in. `qualifier`: "", settling, or ifDeployed (it may never be deployed).

    `cause`: the id of what an inherited finding comes from (an assignment, a subscription), else "". `waiver`: the id of
    the waiver in force, `lapsed` that of one that would cover the row but does not count (expired, refused ...).
    `attestation`: the id of the attestation in force, for manual rows.
    `change`: new, persisting, changed, reopened, resolved or None where nothing was compared; `why`: resource, rule,
    waiver, data or scope; `was`: what differs, in words. `first_seen`: RFC 3339, when a scan first told of it.
    """

    rule: str
    severity: str
    verdict: Verdict
    resource: str
    resource_type: str
    resource_name: str
    subscription: str
    resource_group: str
    location: str
    message: str
    reason: str
    element: str
    evidence: tuple[Evidence, ...]
    fingerprint: str
    origin: Origin
    qualifier: str = ""
    affected: tuple[str, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    api_version: str | None = None
    waiver: str | None = None
    change: str | None = None
    first_seen: str | None = None
    cause: str = ""
    lapsed: str = ""
    attestation: str = ""
    why: str = ""
    was: str = ""
    places: tuple[Place, ...] = ()
    """For what is written in files: where the decisive value stands, then where it comes from (parameter, variable ...)."""

    @property
    def resources(self) -> tuple[str, ...]:
        """Every resource the row stands for: its own and those that share its cause."""
        return (self.resource, *self.affected)

    @property
    def gating(self) -> bool:
        """Whether the row is a failure that nobody accepted."""
        return self.verdict is Verdict.FAIL and not self.waiver


CHANGES = ("new", "reopened", "changed", "persisting", "resolved")
"""What a comparison says of a finding; `resolved` rows are rows of the baseline."""
REASONS = ("resource", "rule", "waiver", "data", "scope")
"""Why it changed: the resource, the rule (or its parameters), a waiver, data that was or is missing, what was scanned."""


def order(finding: Finding) -> tuple[str, str, str, str]:
    """The one order of findings: target type, resource id, rule id, element key."""
    return (finding.resource_type, ids.order_key(finding.resource), finding.rule, finding.element)


def fingerprint(rule: str, where: str, element: str) -> str:
    """sha256 (hex) of rule, place and element: the same in every scan, on every machine, in any order."""
    text = "\x1f".join((rule.lower(), ids.normalise(where), element))
    return hashlib.sha256(text.encode()).hexdigest()
