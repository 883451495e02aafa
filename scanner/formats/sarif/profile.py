"""What one consumer of SARIF wants: which rows it shows properly, which it would misread, and how it names a run.

`generic` leaves nothing out. `github` (code scanning) takes every result for an open alert, whatever its kind, baseline
state or suppression says: it gets real failures only. `azdo` (Advanced Security for Azure DevOps) is generic, but wants
its runs named after the pipeline.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.errors import UsageError
from scanner.formats.sarif.place import FILE_SOURCES
from scanner.formats.sarif.texts import LEVELS
from scanner.model.finding import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.model.finding import Finding
    from scanner.model.scan import ScanHeader

_PIPELINE = "azuredevops/pipeline/build/"
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
NEEDED = ("organisation", "project", "definitionId", "definitionName", "phaseId", "phaseName", "branch", "buildId", "repository", "revision")  # fmt: skip
"""The facts of a pipeline without which Azure DevOps drops a run."""


@dataclass(frozen=True, slots=True)
class Profile:
    """`verdicts` become results.

    `waived`: waived rows are written, with suppressions; else they are left out and no suppressions are written.
    `absent`: what was resolved since the baseline is written too. `limited`: the limit of results holds.
    `alerts`: every result is an alert, so that even the mildest has a level. `relative`: places must lie in the checkout.
    """

    name: str
    verdicts: frozenset[Verdict]
    waived: bool = True
    absent: bool = True
    limited: bool = False
    alerts: bool = False
    relative: bool = False

    def keeps(self, row: Finding, *, waived: bool) -> bool:
        """Whether the row becomes a result; `waived`: whether a waiver in force covers it."""
        if row.verdict not in self.verdicts or (waived and not self.waived):
            return False
        return self.absent or row.change != "resolved"

    def level(self, severity: str) -> str:
        """The level of a failure of that severity."""
        level = LEVELS.get(severity, "warning")
        return "note" if level == "none" and self.alerts else level

    def category(self, header: ScanHeader, subscription: str | None = None) -> str:
        """What the run is about; consumers replace an older run of the same category by a newer one.

        A check of files never has the category of a scan of Azure: each upload would close the other's alerts.
        `subscription`: the one that the file is for, "" for what lies in none, None for a file about everything.
        """
        asked = [run for run in header.runs if run.state != "not-asked"]
        if asked and all(run.source in FILE_SOURCES for run in asked):
            words = re.sub(r"[^a-z0-9]+", "-", header.inventory.lower()).strip("-")[:80].strip("-")
            return f"acrscan-files/{words or 'checkout'}"
        if subscription is not None:
            return f"acrscan/{subscription or 'no-subscription'}"
        known = sorted(header.subscriptions)
        return f"acrscan/{known[0]}" if len(known) == 1 else "acrscan/estate"

    def automation(
        self, header: ScanHeader, category: str, pipeline: Mapping[str, str]
    ) -> tuple[str, dict[str, str]]:
        """The run's id and the properties that belong to it."""
        if self.name != "azdo":
            return f"{category}/{header.now}", {}
        facts = {name: pipeline.get(name, "").strip() for name in NEEDED}
        missing = [name for name in NEEDED if not facts[name]]
        if missing:
            raise UsageError(
                f"the SARIF profile azdo needs facts of the pipeline that are not known: {', '.join(missing)}",
                "--sarif-profile",
                "Run it in a job of Azure Pipelines on a checkout, or choose the profile generic.",
            )
        if not _GUID.fullmatch(facts["phaseId"]):
            raise UsageError(
                f"the pipeline's phaseId is no GUID: {facts['phaseId'][:60]!r}",
                "--sarif-profile",
                "Azure Pipelines sets SYSTEM_PHASEID; do not overwrite it.",
            )
        if not facts["repository"].startswith("https://dev.azure.com/"):
            raise UsageError(
                f"the SARIF profile azdo is for repositories of Azure DevOps, not {facts['repository'][:120]!r}",
                "--sarif-profile",
                "Choose the profile of the service that holds the repository.",
            )
        path = [facts[name] for name in ("organisation", "project", "definitionId", "phaseId")]
        branch = facts["branch"] if facts["branch"].startswith("refs/") else f"refs/heads/{facts['branch']}"
        said = {
            "buildDefinitionId": facts["definitionId"],
            "buildDefinitionName": facts["definitionName"],
            "phaseId": facts["phaseId"],
            "phaseName": facts["phaseName"],
        }
        return (
            f"{_PIPELINE}{'/'.join(path)}/{branch}/{facts['buildId']}",
            {f"{_PIPELINE}{key}": value for key, value in said.items()},
        )


GENERIC = Profile("generic", frozenset(Verdict))
GITHUB = Profile(
    "github",
    frozenset({Verdict.FAIL}),
    waived=False,
    absent=False,
    limited=True,
    alerts=True,
    relative=True,
)
AZDO = Profile("azdo", frozenset(Verdict), relative=True)
PROFILES = {profile.name: profile for profile in (GENERIC, GITHUB, AZDO)}
