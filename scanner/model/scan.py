"""A finished scan: the one thing formats receive. Header, tallies, and three spools that can be read again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from scanner.model.finding import Finding, Verdict
from scanner.model.resource import SourceRun
from scanner.model.rule import Control


@dataclass(frozen=True, slots=True)
class RuleCard:
    """What a report says about a rule; nothing in it comes from a resource."""

    id: str
    name: str
    title: str
    severity: str
    target: str
    rationale: str
    effort: str
    az: tuple[str, ...]
    bicep: str
    terraform: str
    manual_remediation: str
    manual: str
    """The text to attest, for manual rules; else ""."""
    references: tuple[str, ...]
    reviewed: str
    controls: tuple[Control, ...]
    status: str
    enabled: bool
    disabled_reason: str
    digest: str
    file: str
    line: int
    not_evaluated: str = ""
    """Why the rule was not asked at all in this scan (source not asked for, no such resources ...), or ""."""


@dataclass(frozen=True, slots=True)
class Effective:
    """A parameter's effective value and where it came from."""

    name: str
    value: Any
    origin: str


@dataclass(frozen=True, slots=True)
class ScanHeader:
    """Everything about a scan but its results. Times are RFC 3339 UTC; digests are sha256 hex."""

    tool_version: str
    pack_id: str
    pack_version: str
    pack_digest: str
    profile: str
    parameters: tuple[Effective, ...]
    rules: tuple[RuleCard, ...]
    order: Mapping[str, tuple[str, ...]]
    """For each target type the rule ids, in the order of the letters of `ResourceLine.letters`."""
    runs: tuple[SourceRun, ...]
    inventory_digest: str
    inventory: str
    """What was scanned, in the user's words (`saved ./answers`, `snapshot ./night`)."""
    now: str
    subscriptions: Mapping[str, str]
    """Lower-case subscription id -> display name ("" where unknown)."""
    diagnostics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResourceLine:
    """One evaluated resource: `letters[i]` is the verdict letter (P F U E N M) of `order[type][i]`."""

    id: str
    type: str
    name: str
    subscription: str
    resource_group: str
    location: str
    sku: str
    letters: str


@dataclass(frozen=True, slots=True)
class AccessLine:
    """Who can do what on a registry, through which path (the effective-access view).

    `door`: role, admin, anonymous, token. `can`: capabilities, sorted. `level`: registry, group, subscription,
    managementGroup, root or "". `repositories`: `all` or the limits in words.
    """

    registry: str
    principal: str
    principal_name: str
    principal_type: str
    door: str
    can: tuple[str, ...]
    role: str
    scope: str
    level: str
    repositories: str
    eligible: bool
    conditional: bool
    assignment: str = ""


@dataclass(frozen=True, slots=True)
class Tallies:
    """Counts. `verdicts[rule][subscription][verdict]` counts evaluations; `findings[severity]` counts FAIL rows.

    Verdicts and findings are counted apart: one failing evaluation may give several findings, and one inherited
    cause may stand for many evaluations. `resources[type]` counts evaluated resources.
    """

    verdicts: Mapping[str, Mapping[str, Mapping[Verdict, int]]]
    findings: Mapping[str, int]
    resources: Mapping[str, int]

    def of_rule(self, rule: str) -> dict[Verdict, int]:
        """The verdict counts of one rule over all subscriptions."""
        total = dict.fromkeys(Verdict, 0)
        for counts in self.verdicts.get(rule, {}).values():
            for verdict, number in counts.items():
                total[verdict] += number
        return total

    def total(self) -> dict[Verdict, int]:
        """The verdict counts of everything."""
        total = dict.fromkeys(Verdict, 0)
        for rule in self.verdicts:
            for verdict, number in self.of_rule(rule).items():
                total[verdict] += number
        return total

    def score(self) -> float | None:
        """Share of passes, pass / (pass + fail), or None when nothing was decided."""
        total = self.total()
        decided = total[Verdict.PASS] + total[Verdict.FAIL]
        return total[Verdict.PASS] / decided if decided else None


@dataclass(frozen=True, slots=True)
class Scan:
    """Header, tallies and re-iterable rows in one order: target type, resource id, rule id, element key.

    `findings` holds fail, unknown, error and manual rows (and pass/notApplicable with `--keep-passes`).
    """

    header: ScanHeader
    tallies: Tallies
    findings: Iterable[Finding]
    resources: Iterable[ResourceLine]
    access: Iterable[AccessLine] = ()
    agreement: tuple[Any, ...] = field(default=())
