"""Verdicts, evidence and findings: what the engine says about one rule on one resource."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from scanner.model.resource import Origin


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
    argument vectors with the placeholders filled in. `qualifier`: "", settling or ifDeployed.
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
