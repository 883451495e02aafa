"""What one consumer of SARIF wants: which rows it shows properly, which it would misread, and what it calls a run.

Sources: https://docs.github.com/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning,
https://learn.microsoft.com/azure/devops/repos/security/github-advanced-security-code-scanning-third-party
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scanner.errors import PartialError, UsageError
from scanner.formats.sarif.place import in_file
from scanner.formats.sarif.texts import identifier
from scanner.model.finding import Verdict
from scanner.model.summary import summarise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.model.finding import Finding
    from scanner.model.scan import Scan, ScanHeader

_AZDO = "azuredevops/pipeline/build"
AZDO_FACTS = {
    "organisation": "SYSTEM_COLLECTIONURI",
    "project": "SYSTEM_TEAMPROJECT",
    "definitionId": "SYSTEM_DEFINITIONID",
    "definitionName": "BUILD_DEFINITIONNAME",
    "phaseId": "SYSTEM_PHASEID",
    "phaseName": "SYSTEM_PHASENAME",
    "branch": "BUILD_SOURCEBRANCH",
    "buildId": "BUILD_BUILDID",
}
"""Fact of the build -> the variable of Azure Pipelines that holds it."""


@dataclass(frozen=True, slots=True)
class Profile:
    """`verdicts` become results. `waived` and `absent`: such rows are written with their marks; else they are left out.

    `closes`: what is missing from a run counts as mended there, so that a run over part of the data must not be
    written as if it were whole. `limited`: at most `Settings.sarif_limit` results, the worst first.
    """

    name: str
    verdicts: frozenset[Verdict]
    waived: bool
    absent: bool = True
    closes: bool = False
    limited: bool = False

    def keeps(self, row: Finding) -> bool:
        """Whether the row becomes a result."""
        gone = row.change == "resolved"
        return row.verdict in self.verdicts and (self.waived or not row.waiver) and (self.absent or not gone)


GENERIC = Profile("generic", frozenset(Verdict), waived=True)
GITHUB = Profile("github", frozenset({Verdict.FAIL}), waived=False, absent=False, closes=True, limited=True)
AZDO = Profile("azdo", frozenset(Verdict), waived=True)
PROFILES = {profile.name: profile for profile in (GENERIC, GITHUB, AZDO)}


def category(scan: Scan, only: str = "") -> str:
    """What the run is about; consumers replace an older run of the same category by a newer one.

    Cloud scans and checks of files have categories apart, else each upload would close the other's alerts. `only`: the
    subscription of a file of its own.
    """
    first = next(iter(scan.findings), None)
    if first is not None and in_file(first) and first.origin.source != "waivers":
        return "acrscan-files"
    known = sorted(scan.header.subscriptions)
    one = only or (known[0] if len(known) == 1 else "")
    return f"acrscan/{one}" if one else "acrscan/estate"


def automation(
    profile: Profile, about: str, header: ScanHeader, facts: Mapping[str, str], run: str
) -> dict[str, Any]:
    """The run's `automationDetails`; for Azure DevOps with the ids of the build, without which it drops the run."""
    found: dict[str, Any] = {
        "id": f"{about}/{header.now}",
        "guid": run,
        "correlationGuid": identifier("category", about),
        "description": {"text": "Compliance scan of Azure container registries."},
    }
    if profile.name != "azdo":
        return found
    missing = [name for fact, name in AZDO_FACTS.items() if not facts.get(fact)]
    if missing:
        raise UsageError(
            f"the SARIF profile azdo needs facts of an Azure Pipelines run that are not there: {', '.join(missing)}",
            "",
            "Run it in Azure Pipelines, or use --sarif-profile generic.",
        )
    found["id"] = "/".join(
        [
            _AZDO,
            *(
                facts[key]
                for key in ("organisation", "project", "definitionId", "phaseId", "branch", "buildId")
            ),
        ]
    )
    found["properties"] = {
        f"{_AZDO}/buildDefinitionId": facts["definitionId"],
        f"{_AZDO}/buildDefinitionName": facts["definitionName"],
        f"{_AZDO}/phaseId": facts["phaseId"],
        f"{_AZDO}/phaseName": facts["phaseName"],
    }
    return found


def provenance(facts: Mapping[str, str], base: str) -> list[dict[str, Any]]:
    """Where the checkout comes from, as far as anybody knows."""
    if not facts.get("repository"):
        return []
    found: dict[str, Any] = {"repositoryUri": facts["repository"], "mappedTo": {"uriBaseId": base}}
    for key, fact in (("revisionId", "revision"), ("branch", "branch")):
        if facts.get(fact):
            found[key] = facts[fact]
    return [found]


def refuse_partial(scan: Scan, profile: Profile, *, first: bool) -> None:
    """Raise `PartialError` where the run would close alerts that nobody looked at.

    With a baseline the findings that could not be looked at are carried on in the run, and nothing is closed. `first`:
    the user says that there is nothing yet that could be closed.
    """
    if not profile.closes or scan.drift is not None or first:
        return
    counts = summarise(scan)
    undecided = counts.verdicts[Verdict.UNKNOWN] + counts.verdicts[Verdict.ERROR]
    unread = [
        run.collection
        for run in scan.header.runs
        if run.state in {"partial", "failed"} and not all(problem.chosen for problem in run.problems or ())
    ]
    if undecided or unread:
        what = (
            f"{undecided:,} evaluations are undecided"
            if undecided
            else f"{len(unread)} collections are incomplete"
        )
        raise PartialError(
            f"the SARIF for GitHub was not written: {what}, and GitHub would close the alerts about them",
            "",
            "Give the last scan with --baseline (its findings are carried on), or --sarif-first on the very first upload.",
        )
