"""Scans for the tests of formats: a plain one, a hostile one, an empty one and a large one."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from scanner.model import ids
from scanner.model.finding import LETTERS, Evidence, Finding, Verdict, order
from scanner.model.resource import Origin, Place, Problem, SourceRun
from scanner.model.rule import SEVERITIES, Control
from scanner.model.scan import (
    AccessLine,
    AgreementRow,
    AgreementTally,
    Assigned,
    Effective,
    ResourceLine,
    RuleCard,
    Scan,
    ScanHeader,
    Stated,
    Tallies,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

REGISTRIES = "Microsoft.ContainerRegistry/registries"
NOW = "2026-11-23T02:01:12Z"
PROD = "00000000-0000-0000-0000-000000000001"
DEV = "00000000-0000-0000-0000-000000000002"
PROVIDER = f"providers/{REGISTRIES}"
CONTOSOPROD = f"/subscriptions/{PROD}/resourceGroups/rg-prod/{PROVIDER}/contosoprod"
CONTOSOEU = f"/subscriptions/{PROD}/resourceGroups/rg-prod/{PROVIDER}/contosoeu"
CONTOSODEV = f"/subscriptions/{DEV}/resourceGroups/RG-Dev/{PROVIDER}/contosodev"
CALL = f"GET /subscriptions/{PROD}/{PROVIDER}?api-version=2025-11-01"
OWNER_ROLE = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
ASSIGNMENT = f"/subscriptions/{PROD}/providers/Microsoft.Authorization/roleAssignments/5f7b4a3e-0001-4000-8000-00000000abcd"

PLACES = (
    Place("infra/registry.bicep", 12, 3, 12, 27),
    Place("infra/prod.bicepparam", 4, 7, 4, 11, "parameter file"),
    Place("infra/main.bicep", 2, 1, what="module argument"),
)
"""Where a value stands in a template, and where it comes from."""
HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "\"><svg/onload=alert(1)>'`${7*7}{{7*7}}",
    '=HYPERLINK("http://evil.example","x")',
    "+1+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd",
    "\uff1d1+1",
    "\u202egpj.exe\u202c \u2066x\u2069",
    "nul\x00tab\tnew\nline\rback\x08bell\x07",
    "\x1b[2J\x1b]8;;http://evil.example\x07click\x1b]8;;\x07\x1b[31mred",
    "\x9b31mc1\x85next\u2028line\u2029para",
    "[link](javascript:alert(1)) ![i](http://evil.example/i.png) @team #1 |a|b| *b* _i_ ~s~ <!-- -->",
    "</script><!--<script>]]>&amp;&lt;",
    "{0} {1} {{0}} %s %n ${x}",
    "é\u0301\u200b\u200d\ufeff👩‍💻 日本語 עברית",
)
"""Texts that mean something to one output or another; each is data and nothing else."""


def fingerprint(rule: str, resource: str, element: str = "") -> str:
    """The fingerprint that the engine gives: rule, resource and element, nothing else."""
    return hashlib.sha256(f"{rule.lower()}\x1f{resource.lower()}\x1f{element}".encode()).hexdigest()


def card(number: str, name: str, severity: str, title: str, **changes: Any) -> RuleCard:
    """A rule card with everything filled in."""
    base = RuleCard(
        id=number,
        name=name,
        title=title,
        severity=severity,
        target=REGISTRIES,
        rationale=f"Without it, {title.lower()} does not hold and a leaked credential reaches every image.",
        effort="low",
        az=("az acr update --name {{ name }} --admin-enabled false",),
        bicep="properties: {\n  adminUserEnabled: false\n}",
        terraform="admin_enabled = false",
        manual_remediation="",
        manual="",
        references=(
            "https://learn.microsoft.com/azure/container-registry/container-registry-authentication",
        ),
        reviewed="2026-11-20",
        controls=(Control("acr-faq", "admin-user"), Control("mcsb", "IM-1", "derived")),
        status="stable",
        enabled=True,
        disabled_reason="",
        digest=hashlib.sha256(number.encode()).hexdigest(),
        file=f"policies/acr/{number}.yaml",
        line=2,
    )
    return replace(base, **changes)


CARDS = (
    card("ACR101", "admin-user-disabled", "critical", "Admin user is disabled"),
    card("ACR102", "anonymous-pull-disabled", "high", "Anonymous pull is disabled"),
    card(
        "ACR201",
        "ip-rules-narrow",
        "medium",
        "IP rules admit narrow ranges only",
        az=("az acr network-rule remove --name {{ name }} --ip-address {{ matched.r.value }}",),
        controls=(Control("mcsb", "NS-2"), Control("cis-azure", "9.3", "derived")),
    ),
    card(
        "ACR301",
        "no-owner-for-workloads",
        "high",
        "Workload identities hold no owner role",
        az=(),
        manual_remediation="Replace the assignment by AcrPull or AcrPush on the registry.",
    ),
    card("ACR401", "retention-of-untagged", "low", "Untagged manifests expire", controls=()),
    card(
        "ACR402",
        "tags-tell-the-owner",
        "info",
        "The registry names its owner",
        controls=(),
        status="experimental",
    ),
    card("ACR501", "locks-against-deletion", "medium", "A lock guards the registry against deletion"),
    card("ACR601", "policies-in-force", "medium", "Azure Policy denies public registries"),
    card(
        "ACR801",
        "restore-rehearsed",
        "medium",
        "A restore was rehearsed",
        manual="Show the protocol of the last rehearsal (not older than a year).",
        az=(),
        bicep="",
        terraform="",
    ),
    card(
        "ACR901",
        "images-signed",
        "high",
        "Released images are signed",
        target=f"{REGISTRIES}/repositories",
        not_evaluated="data plane not asked for (--data-plane)",
    ),
    card(
        "ACR902",
        "geo-replicated",
        "low",
        "Production registries are geo-replicated",
        enabled=False,
        disabled_reason="the profile development.yaml switches it off",
    ),
)

ORDER = {
    REGISTRIES: ("ACR101", "ACR102", "ACR201", "ACR301", "ACR401", "ACR402", "ACR501", "ACR601", "ACR801"),
    f"{REGISTRIES}/repositories": ("ACR901",),
}

LINES = (
    ResourceLine(CONTOSOEU, REGISTRIES, "contosoeu", PROD, "rg-prod", "westeurope", "Premium", "PPPFPPUPM"),
    ResourceLine(
        CONTOSOPROD, REGISTRIES, "contosoprod", PROD, "rg-prod", "westeurope", "Premium", "FFFFFFUEM"
    ),
    ResourceLine(CONTOSODEV, REGISTRIES, "contosodev", DEV, "RG-Dev", "northeurope", "Basic", "FPNPNFPPM"),
)
"""Three registries; the letters stand in the order of `ORDER`."""


def finding(rule: str, line: ResourceLine, verdict: Verdict, message: str, **changes: Any) -> Finding:
    """A finding of a rule on a registry."""
    severity = next((one.severity for one in CARDS if one.id == rule), "medium")
    element = str(changes.get("element", ""))
    base = Finding(
        rule=rule,
        severity=severity,
        verdict=verdict,
        resource=line.id,
        resource_type=line.type,
        resource_name=line.name,
        subscription=line.subscription,
        resource_group=line.resource_group,
        location=line.location,
        message=message,
        reason="",
        element="",
        evidence=(),
        fingerprint=fingerprint(rule, line.id, element),
        origin=Origin("azure", CALL, collected_at=NOW),
        api_version="2025-11-01",
    )
    return replace(base, **changes)


def proof(path: str, actual: Any, operator: str, expected: Any, **changes: Any) -> Evidence:
    """A decisive leaf."""
    base = Evidence(path, "present", actual, operator, expected, "policies/acr/ACR101.yaml:14:5", CALL, NOW)
    return replace(base, **changes)


def findings() -> tuple[Finding, ...]:
    """Failures of every severity, one with elements, one shared by two registries; unknown, error and manual."""
    eu, prod, dev = LINES
    denied = "HTTP 403: Microsoft.Authorization/locks/read is missing"
    unread = proof("related.locks", None, "exists", True, state="unread", note=denied)
    admin = proof("properties.adminUserEnabled", True, "equals", False)
    fix = (("az", "acr", "update", "--name", "contosoprod", "--admin-enabled", "false"),)
    rehearse = "Attest: a restore was rehearsed."
    rows = [
        finding(
            "ACR301",
            eu,
            Verdict.FAIL,
            "The service principal build-agent is Owner through subscription 'Contoso production'.",
            element=ASSIGNMENT,
            affected=(CONTOSOPROD,),
            evidence=(
                proof("$a.properties.roleDefinitionId", OWNER_ROLE, "notEquals", OWNER_ROLE),
                proof("$a.properties.principalType", "ServicePrincipal", "in", ["User", "Group"]),
            ),
        ),
        finding("ACR501", eu, Verdict.UNKNOWN, "Locks were not read.", reason=denied, evidence=(unread,)),
        finding("ACR801", eu, Verdict.MANUAL, rehearse),
        finding(
            "ACR101",
            prod,
            Verdict.FAIL,
            "The admin user is enabled.",
            evidence=(admin,),
            commands=fix,
            change="new",
            first_seen="2026-11-20T02:01:12Z",
        ),
        finding(
            "ACR102",
            prod,
            Verdict.FAIL,
            "Anyone can pull without credentials.",
            evidence=(proof("properties.anonymousPullEnabled", True, "equals", False),),
            waiver="W-12",
        ),
        finding(
            "ACR201",
            prod,
            Verdict.FAIL,
            "The rule 0.0.0.0/1 admits 2,147,483,648 addresses.",
            element="0.0.0.0/1",
            evidence=(proof("$r.value", "0.0.0.0/1", "prefixAtLeast", 24),),
            commands=(
                ("az", "acr", "network-rule", "remove", "--name", "contosoprod", "--ip-address", "0.0.0.0/1"),
            ),
        ),
        finding(
            "ACR201",
            prod,
            Verdict.FAIL,
            "The rule 20.0.0.0/8 admits 16,777,216 addresses.",
            element="20.0.0.0/8",
            evidence=(proof("$r.value", "20.0.0.0/8", "prefixAtLeast", 24),),
            commands=(
                (
                    "az",
                    "acr",
                    "network-rule",
                    "remove",
                    "--name",
                    "contosoprod",
                    "--ip-address",
                    "20.0.0.0/8",
                ),
            ),
        ),
        finding(
            "ACR401",
            prod,
            Verdict.FAIL,
            "The retention policy is (not set).",
            evidence=(
                proof(
                    "properties.policies.retentionPolicy.status", None, "equals", "enabled", state="absent"
                ),
                proof(
                    "properties.encryption.keyVaultProperties",
                    None,
                    "exists",
                    True,
                    state="hidden",
                    note="keyId",
                ),
            ),
            qualifier="settling",
        ),
        finding(
            "ACR402",
            prod,
            Verdict.FAIL,
            "No tag names an owner.",
            evidence=(proof("tags", {}, "containsKey", "owner"),),
        ),
        finding("ACR501", prod, Verdict.UNKNOWN, "Locks were not read.", reason=denied, evidence=(unread,)),
        finding(
            "ACR601",
            prod,
            Verdict.ERROR,
            "The value is a list where text was expected.",
            reason="wrong type: properties.publicNetworkAccess is a list",
            evidence=(
                proof("properties.publicNetworkAccess", ["Enabled"], "equals", "Disabled", state="error"),
            ),
        ),
        finding("ACR801", prod, Verdict.MANUAL, rehearse),
        finding(
            "ACR101",
            dev,
            Verdict.FAIL,
            "The admin user is enabled.",
            evidence=(admin,),
            qualifier="ifDeployed",
            origin=Origin("arm", "infra/registry.bicep", 12, 3),
            places=PLACES,
            api_version=None,
        ),
        finding(
            "ACR402",
            dev,
            Verdict.FAIL,
            "No tag names an owner.",
            evidence=(proof("tags", {}, "containsKey", "owner"),),
        ),
        finding("ACR801", dev, Verdict.MANUAL, rehearse),
    ]
    return tuple(rows)


def access() -> tuple[AccessLine, ...]:
    """A role, the admin door, anonymous pull and a token."""
    return (
        AccessLine(
            CONTOSOEU,
            "11111111-0000-0000-0000-000000000001",
            "build-agent",
            "ServicePrincipal",
            "role",
            ("configure", "delete", "grant", "pull", "push"),
            "Owner",
            f"/subscriptions/{PROD}",
            "subscription",
            "all",
            False,
            False,
            ASSIGNMENT,
        ),
        AccessLine(
            CONTOSOPROD, "", "anybody", "", "anonymous", ("pull",), "", "", "registry", "all", False, False
        ),
        AccessLine(
            CONTOSOPROD,
            "",
            "admin user",
            "",
            "admin",
            ("delete", "pull", "push"),
            "",
            "",
            "registry",
            "all",
            False,
            False,
        ),
        AccessLine(
            CONTOSOPROD,
            "ci-token",
            "ci-token",
            "Token",
            "token",
            ("pull", "push"),
            "_repositories_push",
            "",
            "registry",
            "team/app, team/web",
            False,
            False,
        ),
        AccessLine(
            CONTOSODEV,
            "22222222-0000-0000-0000-000000000002",
            "Platform team",
            "Group",
            "role",
            ("pull",),
            "AcrPull",
            CONTOSODEV,
            "registry",
            "all",
            True,
            True,
            "/a/b",
        ),
    )


POLICY = f"/subscriptions/{PROD}/providers/Microsoft.Authorization/policyAssignments/no-admin"
ADMIN_POLICY = "dc921057-6b28-4fbe-9b83-f7bec05db6c2"
NETWORK_POLICY = "d0793b48-0edc-4296-a390-4c75d1bdfd71"


def agreement() -> tuple[AgreementRow, ...]:
    """One row of each answer: differs, settling, agrees, not comparable."""
    differs = AgreementRow(
        registry=CONTOSOPROD,
        definition=ADMIN_POLICY,
        definition_name="Container registries should have local admin account disabled",
        rule="ACR101",
        configured="fail",
        here="NonCompliant",
        azure="Compliant",
        stated=(Stated(POLICY, "Compliant", "2026-11-22T10:00:00Z", "differs"),),
        enforced="no",
        assigned=(Assigned(POLICY, ADMIN_POLICY, "Deny", "Default", "no", "yes", "2026-12-31T00:00:00Z"),),
        exempt="yes",
        until="2026-12-31T00:00:00Z",
        agrees="differs",
        why="Azure says Compliant, but asked of the settings that were read, the definition says NonCompliant",
    )
    return (
        differs,
        replace(
            differs,
            definition=NETWORK_POLICY,
            definition_name="Container registries should not allow unrestricted network access",
            rule="ACR201",
            configured="unknown",
            stated=(replace(differs.stated[0], agrees="settling"),),
            assigned=(replace(differs.assigned[0], definition=NETWORK_POLICY, effect="", mode=""),),
            enforced="unknown",
            exempt="unknown",
            agrees="settling",
        ),
        replace(
            differs,
            registry=CONTOSOEU,
            configured="pass",
            here="Compliant",
            stated=(replace(differs.stated[0], agrees="agrees"),),
            assigned=(replace(differs.assigned[0], enforces="yes", exempt="no", until=""),),
            enforced="yes",
            exempt="no",
            until="",
            agrees="agrees",
        ),
        replace(
            differs,
            registry=CONTOSODEV,
            configured="off",
            here="",
            azure="noAssignment",
            stated=(),
            assigned=(),
            exempt="no",
            until="",
            agrees="notComparable",
        ),
    )


AGREED = AgreementTally(
    rows=6,
    agrees=1,
    differs=1,
    settling=1,
    not_comparable=3,
    registries=3,
    assigned=2,
    enforced=1,
    exempt=1,
)
"""The counts of `agreement()`, and of two rows that were not kept."""


def header(**changes: Any) -> ScanHeader:
    """A header with complete, partial, failed and unasked collections."""
    fix = f"az role assignment create --assignee me --role Reader --scope /subscriptions/{PROD}"
    base = ScanHeader(
        tool_version="0.1.0",
        pack_id="acr",
        pack_version="1.0.0",
        pack_digest=hashlib.sha256(b"pack").hexdigest(),
        profile="production",
        parameters=(
            Effective("minimumPrefix", 24, "pack"),
            Effective("allowedLocations", ["westeurope", "northeurope"], "policies/profiles/production.yaml"),
        ),
        rules=CARDS,
        order=ORDER,
        runs=(
            SourceRun("azure", REGISTRIES, "complete", 3, (), NOW),
            SourceRun(
                "azure",
                "Microsoft.Authorization/locks",
                "partial",
                2,
                (
                    Problem(
                        f"/subscriptions/{PROD}",
                        "the caller may not list locks",
                        403,
                        "Microsoft.Authorization/locks/read",
                        fix,
                    ),
                ),
                NOW,
            ),
            SourceRun(
                "azure",
                "Microsoft.Security/assessments",
                "failed",
                0,
                (Problem("", "timed out after 60 s"),),
                NOW,
            ),
            SourceRun("azure", f"{REGISTRIES}/repositories", "not-asked"),
        ),
        inventory_digest=hashlib.sha256(b"inventory").hexdigest(),
        inventory="saved ./answers",
        now=NOW,
        subscriptions={PROD: "Contoso production", DEV: ""},
        diagnostics=("ignored answers/notes.txt: not JSON",),
    )
    return replace(base, **changes)


def tally(
    lines: Iterable[ResourceLine], rows: Iterable[Finding], order: dict[str, tuple[str, ...]] | None = None
) -> Tallies:
    """The tallies that belong to lines and findings."""
    verdicts: dict[str, dict[str, dict[Verdict, int]]] = {}
    resources: Counter[str] = Counter()
    for line in lines:
        resources[line.type] += 1
        for rule, letter in zip((order or ORDER)[line.type], line.letters, strict=True):
            counts = verdicts.setdefault(rule, {}).setdefault(line.subscription, {})
            counts[LETTERS[letter]] = counts.get(LETTERS[letter], 0) + 1
    severities = Counter(row.severity for row in rows if row.verdict is Verdict.FAIL)
    waived = Counter(row.severity for row in rows if row.verdict is Verdict.FAIL and row.waiver)
    return Tallies(
        verdicts,
        {name: severities[name] for name in SEVERITIES},
        dict(resources),
        waived={name: waived[name] for name in SEVERITIES},
    )


def sample_scan(**changes: Any) -> Scan:
    """A small scan with one of everything; `changes` replace header fields or `findings`, `resources`, `access`."""
    rows = changes.pop("findings", findings())
    lines = changes.pop("resources", LINES)
    paths = changes.pop("access", access())
    compared = changes.pop("agreement", agreement())
    agreed = changes.pop("agreed", AGREED)
    return Scan(header(**changes), tally(lines, rows), rows, lines, paths, compared, agreed)


def empty_scan() -> Scan:
    """A scan that found no resource at all."""
    return sample_scan(
        findings=(),
        resources=(),
        access=(),
        agreement=(),
        agreed=AgreementTally(reason="nothing was collected"),
        runs=(SourceRun("azure", REGISTRIES, "complete", 0),),
    )


def hostile_scan() -> Scan:
    """The sample with hostile text in every field that the outside world can write."""
    lines = []
    rows = []
    paths = []
    compared = []
    for number, text in enumerate(HOSTILE):
        line = replace(
            LINES[1],
            id=f"{CONTOSOPROD}{text}",
            name=text,
            resource_group=text,
            location=text,
            sku=text,
            letters="FFFFFFUEM",
        )
        lines.append(line)
        for row in findings():
            if row.resource != CONTOSOPROD:
                continue
            rows.append(
                replace(
                    row,
                    resource=line.id,
                    resource_name=text,
                    resource_group=text,
                    location=text,
                    message=f"{row.message} {text}",
                    reason=text if row.reason else "",
                    element=text,
                    evidence=tuple(replace(one, actual=text, note=text, source=text) for one in row.evidence),
                    fingerprint=fingerprint(row.rule, line.id, f"{row.element}{number}"),
                    origin=Origin("arm" if row.places else "saved", text, 1, 1),
                    places=(Place(text, 1, 1), Place(text, 2, 2, what=text)) if row.places else (),
                    affected=(text,),
                    commands=(("az", text),),
                    waiver=text,
                    first_seen=None,
                )
            )
        paths.append(
            replace(
                access()[0],
                registry=line.id,
                principal=text,
                principal_name=text,
                role=text,
                scope=text,
                repositories=text,
                assignment=text,
            )
        )
        compared.append(
            replace(
                agreement()[0],
                registry=line.id,
                azure=text,
                stated=(Stated(text, text, text, "differs"),),
                assigned=(Assigned(text, ADMIN_POLICY, text, text, "no", "yes", text),),
                until=text,
                why=text,
            )
        )
    runs = (
        SourceRun("saved", REGISTRIES, "complete", len(lines)),
        *(
            SourceRun("saved", text, "partial", 1, (Problem(text, text, 403, text, text),))
            for text in HOSTILE
        ),
    )
    names = {ids.subscription_of(CONTOSOPROD): HOSTILE[0], DEV: HOSTILE[8]}
    return sample_scan(
        findings=tuple(sorted(rows, key=order)),
        resources=tuple(sorted(lines, key=lambda line: (line.type, ids.order_key(line.id)))),
        access=tuple(paths),
        agreement=tuple(compared),
        runs=runs,
        subscriptions=names,
        inventory=" ".join(HOSTILE),
        diagnostics=HOSTILE,
        parameters=tuple(Effective("knob", text, text) for text in HOSTILE),
    )


@dataclass(frozen=True)
class Many:
    """Findings or lines made while they are read; can be read again and again."""

    make: Any
    number: int

    def __iter__(self) -> Iterator[Any]:
        return (self.make(at) for at in range(self.number))

    def __len__(self) -> int:
        return self.number


def _many_line(at: int) -> ResourceLine:
    name = f"reg{at:06d}"
    resource = f"/subscriptions/{PROD}/resourceGroups/rg-{at // 2000:02d}/{PROVIDER}/{name}"
    return replace(
        LINES[1], id=resource, name=name, resource_group=f"rg-{at // 2000:02d}", letters="FPPPPPPPM"
    )


def _many_finding(at: int) -> Finding:
    line = _many_line(at)
    return finding(
        "ACR101",
        line,
        Verdict.FAIL,
        f"The admin user of {line.name} is enabled.",
        evidence=(proof("properties.adminUserEnabled", True, "equals", False),),
        commands=(("az", "acr", "update", "--name", line.name, "--admin-enabled", "false"),),
    )


def large_scan(number: int) -> Scan:
    """A scan of `number` registries with one failure each; nothing of it is held in memory."""
    verdicts = {
        rule: {
            PROD: {
                (
                    Verdict.FAIL if rule == "ACR101" else Verdict.MANUAL if rule == "ACR801" else Verdict.PASS
                ): number
            }
        }
        for rule in ORDER[REGISTRIES]
    }
    severities = {name: number if name == "critical" else 0 for name in SEVERITIES}
    return Scan(
        header(),
        Tallies(verdicts, severities, {REGISTRIES: number}),
        Many(_many_finding, number),
        Many(_many_line, number),
        (),
    )
