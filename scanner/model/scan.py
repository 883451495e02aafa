"""A finished scan: the one thing formats receive. Header, tallies, and spools that can be read again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from scanner.model.finding import Finding, Verdict
from scanner.model.framework import Framework
from scanner.model.resource import SourceRun
from scanner.model.rule import Control
from scanner.model.waiver import PREFIX, AttestationLine, WaiverLine


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
    values_digest: str = ""
    """sha256 of the effective parameter values that it decides with, or ""."""
    waivable: bool = True
    replaces: tuple[str, ...] = ()
    """Ids of older rules whose waivers and baselines this one carries on."""


@dataclass(frozen=True, slots=True)
class Effective:
    """A parameter's effective value and where it came from."""

    name: str
    value: Any
    origin: str


@dataclass(frozen=True, slots=True)
class ScopeLine:
    """One subscription in scope. `registries`: evaluated ones; `reason`: why some or all of it was not looked at, or ""."""

    subscription: str
    name: str
    registries: int
    reason: str = ""


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
    organisation: str = ""
    """Whose report it is, in the user's words."""
    started: str = ""
    """When the collection began (RFC 3339), or "" where nobody noted it; `now` is when it ended."""
    tenant: str = ""
    identity: str = ""
    """Who collected (`application <client id>`, `user <object id>`), or ""."""
    scope: tuple[ScopeLine, ...] = ()
    """Every subscription in scope, also those without a registry; sorted by id."""
    frameworks: tuple[Framework, ...] = ()
    """The catalogues of the frameworks that rules name, in the order in which reports show them."""
    profile_digest: str = ""
    """sha256 of the profiles' bytes in their order, or "" without one."""
    waiver_file: str = ""
    """The waiver file's path as given, or "" without one."""
    waiver_digest: str = ""


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
class Stated:
    """What Policy Insights says of one registry for one assignment of a definition.

    `state`: its complianceState; `at`: when Azure evaluated it (RFC 3339 or ""). `agrees` as in `AgreementRow`.
    """

    assignment: str
    state: str
    at: str
    agrees: str


@dataclass(frozen=True, slots=True)
class Assigned:
    """One assignment that covers a registry with a built-in definition, or with the one that mends what it audits.

    `effect` and `mode` (enforcementMode) are "" where they are not known. `enforces` and `exempt`: yes, no or unknown;
    `until`: when the exemption ends (RFC 3339), or "" for no end.
    """

    assignment: str
    definition: str
    effect: str
    mode: str
    enforces: str
    exempt: str
    until: str = ""


@dataclass(frozen=True, slots=True)
class AgreementRow:
    """One registry and one built-in definition of Azure Policy: configured, enforced, exempted, and whether we agree.

    `rule`: our rule about the same; `configured`: its verdict, or `off`. `here`: what the definition itself would say of
    the settings that were read: Compliant, NonCompliant, Unknown or "" (not worked out). `azure`: what Policy Insights
    says: a complianceState, mixed, noState, noAssignment or notRead. `enforced`, `exempt`: yes, no or unknown (of any of
    the assignments); `until`: when the first of the exemptions ends (RFC 3339), or "" for no end.
    `agrees`: agrees, differs, settling (differs, but Azure may not have looked since the last change) or notComparable;
    `why`: a sentence. `more`: assignments left out of `stated` and `assigned`.
    """

    registry: str
    definition: str
    definition_name: str
    rule: str
    configured: str
    here: str
    azure: str
    stated: tuple[Stated, ...]
    enforced: str
    assigned: tuple[Assigned, ...]
    exempt: str
    until: str
    agrees: str
    why: str
    more: int = 0


@dataclass(frozen=True, slots=True)
class AgreementTally:
    """Counts of everything that was compared. `rows` = agrees + differs + settling + not_comparable.

    Registries: all of them, those with an assignment or a state, those that an enforcing policy covers, those that are
    exempt from one. `reason`: why nothing was compared at all, or "".
    """

    rows: int = 0
    agrees: int = 0
    differs: int = 0
    settling: int = 0
    not_comparable: int = 0
    registries: int = 0
    assigned: int = 0
    enforced: int = 0
    exempt: int = 0
    reason: str = ""

    @property
    def compared(self) -> int:
        """Rows in which both sides said something."""
        return self.agrees + self.differs + self.settling


@dataclass(frozen=True, slots=True)
class Tallies:
    """Counts. `verdicts[rule][subscription][verdict]` counts evaluations; `findings[severity]` counts FAIL rows.

    Verdicts and findings are counted apart: one failing evaluation may give several findings, and one inherited
    cause may stand for many evaluations. `resources[type]` counts evaluated resources.

    `waived[severity]`: FAIL rows that are waived, a part of `findings`. `waived_evaluations[rule][subscription]`: failing
    evaluations all of whose rows are waived, a part of the FAIL verdicts. `attested[rule][subscription]`: MANUAL
    evaluations with an attestation in force that says they are met.
    """

    verdicts: Mapping[str, Mapping[str, Mapping[Verdict, int]]]
    findings: Mapping[str, int]
    resources: Mapping[str, int]
    waived: Mapping[str, int] = field(default_factory=dict)
    waived_evaluations: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    attested: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

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

    def scored(self) -> tuple[int, int]:
        """Passes and failures that the score is made of: all but the checks of waivers, which nobody scores by adding to."""
        counts = [self.of_rule(rule) for rule in self.verdicts if not rule.startswith(PREFIX)]
        return sum(one[Verdict.PASS] for one in counts), sum(one[Verdict.FAIL] for one in counts)

    def score(self) -> float | None:
        """Share of passes, pass / (pass + fail), or None when nothing was decided."""
        passed, failed = self.scored()
        return passed / (passed + failed) if passed + failed else None

    def accepted(self) -> int:
        """Failing evaluations that are waived altogether."""
        return sum(sum(counts.values()) for counts in self.waived_evaluations.values())

    def attested_total(self) -> int:
        """Manual evaluations that somebody vouches for."""
        return sum(sum(counts.values()) for counts in self.attested.values())


@dataclass(frozen=True, slots=True)
class Drift:
    """What a comparison with an earlier scan gave. `words`: the baseline's file; `now`: when it was scanned.

    `changes[change]` counts rows (`finding.CHANGES`), `reasons["change:why"]` the same by reason. `carried`: rows of the
    baseline that could not be looked at this time and so are still open. `notes`: what makes the two hard to compare.
    """

    words: str
    now: str
    inventory_digest: str
    pack_version: str
    pack_digest: str
    profile: str
    changes: Mapping[str, int]
    reasons: Mapping[str, int]
    carried: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One earlier scan of the same estate, from the history. `verdicts` by name; `waived`: evaluations."""

    now: str
    verdicts: Mapping[str, int]
    waived: int
    open_findings: int
    complete: bool
    pack_digest: str


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
    agreement: tuple[AgreementRow, ...] = ()
    """At most `engine.agreement.KEPT` rows, those that differ before all others, in the order of the registries."""
    agreed: AgreementTally = AgreementTally()
    """Counts of all rows, kept or not."""
    waivers: tuple[WaiverLine, ...] = ()
    attestations: tuple[AttestationLine, ...] = ()
    earlier: Iterable[Finding] = ()
    """Rows of the baseline that this scan has not: resolved ones, and carried ones (`change` persisting, `why` data or
    scope) about what was not read this time. In the order of findings; they count in `drift` alone."""
    drift: Drift | None = None
    trend: tuple[TrendPoint, ...] = ()
    """Earlier scans and this one, oldest first."""
