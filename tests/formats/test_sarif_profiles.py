"""SARIF for one reader each: what GitHub, Azure DevOps and general viewers get, and what must never close an alert."""

import io
import json
import uuid
from collections import Counter
from dataclasses import replace

import pytest

from scanner.cli.demo import sampled
from scanner.compare.against import Baseline, against
from scanner.errors import PartialError, UsageError
from scanner.formats import sarif
from scanner.formats._settings import Settings
from scanner.model.finding import Verdict
from scanner.model.resource import Problem, SourceRun
from scanner.model.scan import Tallies
from scanner.waivers.apply import apply
from tests.formats.github_ingestion import complaints
from tests.formats.sample import (
    CONTOSOPROD,
    DEV,
    LINES,
    PROD,
    REGISTRIES,
    empty_scan,
    findings,
    hostile_scan,
    large_scan,
    sample_scan,
    tally,
)
from tests.formats.test_sarif import validated, validator
from tests.waivers.building import register, waiver

DEMO = sampled()
BUILD = {
    "repository": "https://dev.azure.com/contoso/platform/_git/acr-policies",
    "revision": "0" * 40,
    "branch": "refs/heads/main",
    "organisation": "contoso",
    "project": "platform",
    "definitionId": "42",
    "definitionName": "acr-nightly",
    "phaseId": "3c9f4a0e-2f0e-5e44-9d38-0d3f5a1a9b10",
    "phaseName": "scan",
    "buildId": "1001",
}
FIRST = Settings(sarif_profile="github", sarif_first=True)
PROFILES = {
    "generic": (Settings(pipeline=BUILD), "Sarif"),
    "github": (
        replace(FIRST, pipeline={**BUILD, "repository": "https://github.com/contoso/acr"}),
        "Sarif;Ghas",
    ),
    "azdo": (Settings(sarif_profile="azdo", pipeline=BUILD), "Sarif;GHAzDO"),
}


def rendered(scan, settings):
    out = io.BytesIO()
    sarif.render(scan, out, settings)
    return out.getvalue()


def run_of(scan, settings=FIRST):
    return json.loads(rendered(scan, settings))["runs"][0]


def cloud(scan):
    """Without template findings, whose source lines a format cannot show."""
    return replace(
        scan, findings=tuple(row for row in scan.findings if row.origin.source not in ("arm", "waivers"))
    )


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize(
    "make", [sample_scan, hostile_scan, empty_scan, lambda: DEMO], ids=["sample", "hostile", "empty", "demo"]
)
def test_the_official_validator_has_nothing_to_say(name, make, tmp_path):
    """0 errors, 0 warnings, 0 notes in every profile; and the official schema agrees."""
    settings, kinds = PROFILES[name]
    content = rendered(cloud(make()), settings)
    path = tmp_path / "log.sarif"
    path.write_bytes(content)
    assert validated(path, kinds) == []
    assert list(validator().iter_errors(json.loads(content))) == []


@pytest.mark.parametrize(
    "make",
    [sample_scan, hostile_scan, empty_scan, lambda: DEMO, lambda: large_scan(30_000)],
    ids=["sample", "hostile", "empty", "demo", "large"],
)
def test_github_takes_and_shows_all_of_it(make):
    """By our own list of what it refuses, cuts, or misreads."""
    assert complaints(rendered(make(), FIRST)) == []


def test_github_gets_open_failures_only():
    """No pass, no open question, no manual control, nothing waived, nothing that is gone."""
    run = run_of(DEMO)
    gating = Counter(row.fingerprint for row in DEMO.findings if row.gating)
    assert Counter(result["fingerprints"]["acrscan/v1"] for result in run["results"]) == gating
    assert not any(result.get("suppressions") for result in run["results"])


def test_what_github_does_not_keep_is_chosen_by_severity_and_counted():
    """The worst are in, the rest is a notification."""
    rows = findings()
    run = run_of(sample_scan(), replace(FIRST, sarif_limit=3))
    assert [result["properties"]["acrscan/severity"] for result in run["results"]] == [
        "high",
        "critical",
        "critical",
    ]
    total = sum(row.gating for row in rows)
    (note,) = [
        one
        for one in run["invocations"][0]["toolConfigurationNotifications"]
        if one["descriptor"]["id"] == "ACRN006"
    ]
    assert f"'{total - 3}'" in note["message"]["text"]
    assert run["properties"]["acrscan/results"] == {"written": 3, "leftOut": total - 3}


PARTIAL = {
    "undecided": {},
    "unread": {
        "findings": tuple(row for row in findings() if row.verdict is Verdict.FAIL),
        "runs": (
            SourceRun("azure", REGISTRIES, "partial", 1, (Problem(f"/subscriptions/{PROD}", "403", 403),)),
        ),
    },
}


@pytest.mark.parametrize("name", PARTIAL)
def test_a_partial_scan_closes_no_alert(name):
    """Without a baseline it is refused with an exit code of its own; other profiles are written all the same."""
    scan = sample_scan(**PARTIAL[name])
    with pytest.raises(PartialError) as caught:
        rendered(scan, Settings(sarif_profile="github"))
    assert caught.value.exit_code == 6
    assert "--baseline" in str(caught.value)
    assert rendered(scan, Settings())


def test_a_whole_scan_needs_no_baseline():
    """Everything read, everything decided."""
    rows = tuple(row for row in findings() if row.verdict is Verdict.FAIL)
    lines = tuple(replace(line, letters=line.letters.replace("U", "P").replace("E", "P")) for line in LINES)
    whole = sample_scan(findings=rows, resources=lines, runs=(SourceRun("azure", REGISTRIES, "complete", 3),))
    assert run_of(whole, Settings(sarif_profile="github"))["results"]
    left_out = SourceRun(
        "azure", REGISTRIES, "partial", 1, (Problem(f"/subscriptions/{DEV}", "excluded", chosen=True),)
    )
    chosen = replace(whole, header=replace(whole.header, runs=(left_out,)))
    assert run_of(chosen, Settings(sarif_profile="github"))["results"]


def test_with_a_baseline_what_was_not_looked_at_is_carried_on():
    """The alert stays open because the result is there, marked; what was really mended is not."""
    before = sample_scan(now="2026-11-22T02:00:00Z")
    letters = {"contosoprod": "U", "contosodev": "P"}
    lines = tuple(
        replace(line, letters=letters.get(line.name, line.letters[0]) + line.letters[1:]) for line in LINES
    )
    rows = tuple(row for row in findings() if row.rule != "ACR101")
    scan = against(sample_scan(findings=rows, resources=lines), Baseline(before, "last.ndjson"))
    run = run_of(scan, Settings(sarif_profile="github"))
    carried = [result for result in run["results"] if result["properties"].get("acrscan/carriedForward")]
    assert [(result["ruleId"], result["baselineState"]) for result in carried] == [("ACR101", "unchanged")]
    assert CONTOSOPROD in carried[0]["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]
    assert complaints(rendered(scan, Settings(sarif_profile="github"))) == []
    generic = run_of(scan, Settings())
    states = Counter(result["baselineState"] for result in generic["results"])
    assert states["absent"] == 1
    assert all("baselineState" in result for result in generic["results"])
    assert uuid.UUID(generic["baselineGuid"])


def test_waivers_are_suppressions_on_all_results_or_on_none():
    """Accepted ones with people and place, those that do not count as rejected; all others say that they have none."""
    scan = apply(sample_scan(), register(waiver(), waiver("W-2", "ACR402", expires="2026-11-02")))
    results = run_of(scan, Settings())["results"]
    assert all("suppressions" in result for result in results)
    said = {result["ruleId"]: result["suppressions"][0] for result in results if result["suppressions"]}
    assert (said["ACR101"]["status"], said["ACR402"]["status"]) == ("accepted", "rejected")
    for words in (
        "W-1",
        "partner needs it",
        "owner mira",
        "approved by tomas",
        "expires 2027-03-31",
        "OPS-1",
    ):
        assert words in said["ACR101"]["justification"]
    place = said["ACR101"]["location"]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("acr-waivers.yaml", 4)
    notes = run_of(scan, Settings())["invocations"][0]["toolConfigurationNotifications"]
    assert any("W-2" in note["message"]["text"] and note["descriptor"]["id"] == "ACRN007" for note in notes)
    assert not any(
        "suppressions" in result
        for result in run_of(
            sample_scan(findings=tuple(replace(row, waiver=None) for row in findings())), Settings()
        )["results"]
    )


def test_azure_devops_gets_the_ids_of_its_build():
    """Without them it drops the run; outside a pipeline the error names what is missing."""
    details = run_of(DEMO, PROFILES["azdo"][0])["automationDetails"]
    assert (
        details["id"]
        == "azuredevops/pipeline/build/contoso/platform/42/3c9f4a0e-2f0e-5e44-9d38-0d3f5a1a9b10/refs/heads/main/1001"
    )
    assert details["properties"]["azuredevops/pipeline/build/buildDefinitionId"] == "42"
    with pytest.raises(UsageError) as caught:
        rendered(DEMO, Settings(sarif_profile="azdo", pipeline={"project": "platform"}))
    assert "BUILD_BUILDID" in str(caught.value)
    assert "SYSTEM_TEAMPROJECT" not in str(caught.value)


def test_one_log_per_subscription():
    """Together they hold what the single log holds, each in a category of its own."""
    settings = Settings(sarif_split=True)
    whole = Counter(result["guid"] for result in run_of(DEMO, Settings())["results"])
    parts, names, prints = [], [], Counter()
    for suffix, write in sarif.writers(DEMO, settings).items():
        out = io.BytesIO()
        write(DEMO, out)
        run = json.loads(out.getvalue())["runs"][0]
        names.append(run["automationDetails"]["id"].rpartition("/")[0])
        prints.update(result["fingerprints"]["acrscan/v1"] for result in run["results"])
        parts.append(suffix)
    assert len(set(names)) == len(parts) == 3
    assert sum(prints.values()) == sum(whole.values())
    assert sarif.writers(DEMO, Settings()) == {}


def test_checks_of_files_have_a_category_of_their_own():
    """Else the nightly scan and the pull request would close each other's alerts."""
    (row,) = [one for one in findings() if one.origin.source == "arm"]
    scan = sample_scan(findings=(row,))
    assert run_of(scan)["automationDetails"]["id"].startswith("acrscan-files/")
    assert run_of(sample_scan())["automationDetails"]["id"].startswith("acrscan/")


def test_an_empty_scan_is_told_from_no_scan():
    """A log with no results has its coverage, so that a reader sees that something was looked at."""
    scan = replace(empty_scan(), tallies=Tallies({}, {}, {}))
    assert run_of(scan, Settings())["results"] == []
    assert tally((), ()).resources == {}
    assert "acrscan/coverage" in run_of(scan, Settings())["invocations"][0]["properties"]
