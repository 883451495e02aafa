"""SARIF for its three readers: valid, accepted, never closing what nobody looked at, split by subscription."""

import io
import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from scanner.cli.demo import sampled
from scanner.errors import PartialError, UsageError
from scanner.formats import sarif
from scanner.formats._settings import Settings
from scanner.model.finding import Verdict, order
from scanner.model.resource import Origin, Problem, SourceRun
from scanner.model.scan import ScopeLine
from tests.formats.github_ingestion import alerts, category, complaints
from tests.formats.sample import (
    ASSIGNMENT,
    CONTOSODEV,
    CONTOSOPROD,
    DEV,
    LINES,
    PROD,
    REGISTRIES,
    empty_scan,
    finding,
    hostile_scan,
    large_scan,
    sample_scan,
)
from tests.formats.sarif_tools import (
    DONE,
    GOLDENS,
    KINDS,
    compared_scan,
    golden,
    rendered,
    results,
    run_of,
    schema,
    settings_of,
    unmarked,
    validated,
    waived_scan,
    whole_scan,
)

GITHUB = settings_of("github")


def hostile():
    """Hostile text in every field, compared, nothing waived."""
    scan = hostile_scan()
    rows = tuple(replace(row, waiver=None) for row in scan.findings)
    return replace(scan, findings=rows, drift=compared_scan().drift)


def large(number):
    """A large scan with everything read."""
    scan = large_scan(number)
    return replace(scan, header=replace(scan.header, runs=DONE))


SCANS = {
    "sample": whole_scan,
    "compared": compared_scan,
    "demo": sampled,
    "hostile": hostile,
    "empty": empty_scan,
}


@pytest.mark.parametrize("profile", KINDS)
@pytest.mark.parametrize("name", SCANS)
def test_the_official_schema_accepts_the_log(name, profile):
    """No error by the JSON schema of SARIF 2.1.0."""
    log = json.loads(rendered(SCANS[name](), settings_of(profile)))
    assert [f"{error.json_path}: {error.message}" for error in schema().iter_errors(log)] == []


@pytest.mark.parametrize("profile", KINDS)
@pytest.mark.parametrize("name", SCANS)
def test_the_official_validator_has_nothing_to_say(name, profile):
    """0 errors, 0 warnings, 0 notes, with the rules of the profile's reader."""
    assert validated(rendered(SCANS[name](), settings_of(profile)), KINDS[profile]) == []


@pytest.mark.parametrize("profile", KINDS)
def test_goldens(profile):
    """What a release would change is seen in a review (`python -m tests.formats.sarif_tools` rewrites them)."""
    assert golden(profile) == (GOLDENS / f"{profile}.sarif").read_bytes()


@pytest.mark.parametrize("name", [*SCANS, "large"])
def test_code_scanning_takes_the_log(name):
    """Our list of what GitHub refuses, cuts or misreads."""
    scan = large(5_001) if name == "large" else SCANS[name]()
    data = rendered(scan, GITHUB)
    assert complaints(data) == []
    (run,) = json.loads(data)["runs"]
    failing = sum(row.gating for row in (*scan.findings, *scan.earlier) if row.change != "resolved")
    assert len(run["results"]) == min(failing, 5_000)
    assert len(alerts(run)) == len(run["results"])


def test_the_list_finds_what_is_wrong():
    """The generic profile would be misread in many ways."""
    found = " ".join(complaints(rendered(compared_scan())))
    for words in ("kind open", "kind review", "what is gone", "a suppressed result", "level none"):
        assert words in found


def test_github_gets_open_failures_only():
    """Of one scan: what each row becomes, and a count of what is not there."""
    scan = compared_scan()
    run = run_of(scan, GITHUB)
    wanted = [row.fingerprint for row in scan.findings if row.verdict is Verdict.FAIL and not row.waiver]
    wanted += [row.fingerprint for row in scan.earlier if row.change == "persisting"]
    assert Counter(row["fingerprints"]["acrscan/v1"] for row in run["results"]) == Counter(wanted)
    assert not any("suppressions" in row for row in run["results"])
    assert run["properties"]["acrscan/leftOut"] == {
        "error": 1,
        "manual": 3,
        "resolved": 1,
        "unknown": 2,
        "waived": 1,
    }
    (said,) = told(run, "ACRN008")
    assert said["message"]["text"].startswith("'8' rows are left out because")
    assert said["level"] == "note"


def told(run, number):
    """The configuration notifications of a kind."""
    return [
        one
        for one in run["invocations"][0]["toolConfigurationNotifications"]
        if one["descriptor"]["id"] == number
    ]


def test_even_the_mildest_alert_has_a_level():
    """Code scanning knows no level `none`: what informs is a note there."""
    for profile, wanted in (("github", ("fail", "note")), ("generic", ("informational", "none"))):
        (row, *_) = [
            row for row in run_of(whole_scan(), settings_of(profile))["results"] if row["ruleId"] == "ACR402"
        ]
        assert (row["kind"], row["level"]) == wanted


def test_the_limit_takes_the_mildest_and_says_so():
    """By severity, in the scan's order; the count stands in the log."""
    run = run_of(whole_scan(), replace(GITHUB, sarif_limit=5))
    kept = Counter(row["properties"]["acrscan/severity"] for row in run["results"])
    assert kept == {"critical": 2, "high": 2, "medium": 1}
    assert [row["properties"].get("acrscan/element") for row in results(run, severity="medium")] == [
        "0.0.0.0/1"
    ]
    (said,) = told(run, "ACRN007")
    assert said["message"]["text"] == "'4' results are left out, the limit is '5': '1 medium, 1 low, 2 info'."
    assert said["level"] == "warning"
    assert run["properties"]["acrscan/leftOut"]["limit"] == {"medium": 1, "low": 1, "info": 2}
    places = {one["fullyQualifiedName"] for one in run["logicalLocations"]}
    assert places == {
        row["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] for row in run["results"]
    }


def test_no_limit_where_the_reader_has_none():
    """The generic profile writes everything, also above the limit."""
    run = run_of(whole_scan(), settings_of(sarif_limit=1))
    assert len(run["results"]) == len(list(whole_scan().findings))
    assert told(run, "ACRN007") == []
    assert told(run_of(whole_scan(), replace(GITHUB, sarif_limit=9)), "ACRN007") == []


GAPS: dict[str, dict[str, Any]] = {
    "failed collection": {"runs": (*DONE, SourceRun("azure", "x/y", "failed"))},
    "problem": {"runs": (SourceRun("azure", REGISTRIES, "partial", 1, (Problem("", "HTTP 403"),)),)},
    "problem of a complete one": {
        "runs": (SourceRun("azure", REGISTRIES, "complete", 1, (Problem("", "cut"),)),)
    },
    "subscription": {"scope": (ScopeLine(DEV, "", 0, "no right to read"),)},
    "undecided": {"resources": LINES},
}


@pytest.mark.parametrize("name", GAPS)
def test_a_partial_scan_is_refused_for_github(name):
    """Its alerts would be closed; the error says what is missing and what to do."""
    scan = whole_scan(**GAPS[name])
    with pytest.raises(PartialError) as caught:
        rendered(scan, GITHUB)
    assert caught.value.exit_code == 6
    assert "--baseline" in caught.value.advice
    rendered(scan)
    rendered(scan, settings_of("azdo"))
    rendered(replace(scan, drift=compared_scan().drift), GITHUB)


def test_what_was_left_out_on_purpose_is_no_gap():
    """Chosen problems and sources that nobody asked for."""
    runs = (
        SourceRun("azure", REGISTRIES, "partial", 1, (Problem("", "--subscription", chosen=True),)),
        SourceRun("azure", "x/y", "not-asked"),
    )
    assert len(run_of(whole_scan(runs=runs), GITHUB)["results"]) == 9


def test_long_lists_of_gaps_are_counted():
    """The error stays readable."""
    runs = tuple(SourceRun("azure", f"x/y{number}", "failed") for number in range(9))
    with pytest.raises(PartialError, match=r"x/y4: failed; and 4 more\n"):
        rendered(whole_scan(runs=runs), GITHUB)


def test_azure_devops_gets_its_pipeline():
    """The id and the properties without which it drops a run."""
    run = run_of(whole_scan(), settings_of("azdo"))
    details = run["automationDetails"]
    assert details["id"] == (
        "azuredevops/pipeline/build/contoso/00000000-0000-0000-0000-0000000000aa/42/"
        "3c9f4a0e-2f0e-5e44-9d38-0d3f5a1a9b10/refs/heads/main/1001"
    )
    assert details["properties"] == {
        "azuredevops/pipeline/build/buildDefinitionId": "42",
        "azuredevops/pipeline/build/buildDefinitionName": "acr nightly",
        "azuredevops/pipeline/build/phaseId": "3c9f4a0e-2f0e-5e44-9d38-0d3f5a1a9b10",
        "azuredevops/pipeline/build/phaseName": "scan",
    }
    assert run["versionControlProvenance"][0]["repositoryUri"].startswith("https://dev.azure.com/")


def test_outside_a_pipeline_azure_devops_is_refused_with_what_is_missing():
    """Each missing fact is named; a phase that is no GUID too."""
    with pytest.raises(UsageError, match=r"not known: organisation, project, .*, revision\n"):
        rendered(whole_scan(), Settings(sarif_profile="azdo"))
    facts = dict(settings_of("azdo").pipeline)
    with pytest.raises(UsageError, match=r"not known: buildId\n"):
        rendered(whole_scan(), Settings(sarif_profile="azdo", pipeline={**facts, "buildId": " "}))
    with pytest.raises(UsageError, match="no GUID"):
        rendered(whole_scan(), Settings(sarif_profile="azdo", pipeline={**facts, "phaseId": "scan"}))


def test_the_checkout_is_named_where_it_is_known():
    """Repository, revision and branch; nothing where there is none."""
    assert run_of(whole_scan())["versionControlProvenance"] == [
        {
            "repositoryUri": "https://github.com/contoso/registries",
            "revisionId": "0123456789abcdef0123456789abcdef01234567",
            "branch": "refs/heads/main",
            "mappedTo": {"uriBaseId": "SRCROOT"},
        }
    ]
    assert "versionControlProvenance" not in run_of(whole_scan(), Settings())
    assert "versionControlProvenance" not in run_of(
        whole_scan(), Settings(pipeline={"repository": "git@x:y"})
    )


@pytest.mark.parametrize(
    ("where", "facts", "uri"),
    [
        ("infra/main.bicep", {}, "infra/main.bicep"),
        ("main.bicep", {"root": "/src", "folder": "infra"}, "infra/main.bicep"),
        ("../main.bicep", {"root": "/src", "folder": "infra"}, "main.bicep"),
        ("../../main.bicep", {"root": "/src", "folder": "infra"}, "_../main.bicep"),
        ("/src/infra/main.bicep", {"root": "/src", "folder": "infra"}, "infra/main.bicep"),
        ("D:\\src\\infra\\main.bicep", {"root": "D:/src"}, "infra/main.bicep"),
        ("/elsewhere/main.bicep", {"root": "/src"}, "outside/main.bicep"),
    ],
)
def test_template_findings_point_into_the_checkout(where, facts, uri):
    """Relative to its root, whatever folder the command ran in; never an absolute address for code scanning."""
    row = finding("ACR101", LINES[1], Verdict.FAIL, "x", origin=Origin("arm", where, 12, 3))
    data = rendered(whole_scan(findings=(row,)), replace(GITHUB, pipeline=facts))
    assert complaints(data) == []
    (result,) = json.loads(data)["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == uri
    region = {key: value for key, value in place["region"].items() if key != "snippet"}
    assert region == {"startLine": 12, "startColumn": 3, "endLine": 12, "endColumn": 4}


def test_a_check_of_files_has_a_category_of_its_own():
    """Nightly scan and pull request would close each other's alerts."""
    files = whole_scan(runs=(SourceRun("arm", REGISTRIES, "complete", 1),), inventory="files ./infra/Prod")
    assert category(run_of(files, GITHUB)) == "acrscan-files/files-infra-prod"
    assert category(run_of(whole_scan(), GITHUB)) == "acrscan/estate"
    assert category(run_of(whole_scan(subscriptions={PROD: ""}), GITHUB)) == f"acrscan/{PROD}"


def split(scan, settings):
    """Suffix -> run, or the error, of each file."""
    found = {}
    for suffix, writer in sarif.writers(scan, settings).items():
        out = io.BytesIO()
        try:
            writer(scan, out)
        except PartialError as error:
            found[suffix] = error
        else:
            (found[suffix],) = json.loads(out.getvalue())["runs"]
    return found


def test_one_file_for_each_subscription():
    """Own names, categories and guids; every row in the files of the subscriptions it is about."""
    scan = waived_scan()
    files = split(scan, replace(GITHUB, sarif_split=True))
    assert list(files) == [".no-subscription.sarif", f".{PROD}.sarif", f".{DEV}.sarif"]
    assert [category(run) for run in files.values()] == [
        "acrscan/no-subscription",
        f"acrscan/{PROD}",
        f"acrscan/{DEV}",
    ]
    assert len({run["automationDetails"]["guid"] for run in files.values()}) == 3
    whole = run_of(scan, GITHUB)
    together = [row["fingerprints"] for run in files.values() for row in run["results"]]
    assert sorted(together, key=str) == sorted((row["fingerprints"] for row in whole["results"]), key=str)
    assert {row["ruleId"] for row in files[".no-subscription.sarif"]["results"]} == {"WAV001"}
    assert sarif.writers(scan, GITHUB) == {}


def test_a_cause_of_two_subscriptions_stands_in_both_files():
    """An inherited finding is not hidden from the second one."""
    row = finding(
        "ACR301", LINES[1], Verdict.FAIL, "Owner above.", element=ASSIGNMENT, affected=(CONTOSODEV,)
    )
    files = split(whole_scan(findings=(row,)), replace(GITHUB, sarif_split=True))
    assert [len(run["results"]) for run in files.values()] == [0, 1, 1]


def test_only_the_subscription_that_was_not_read_is_refused():
    """The others are written first; the error names the one."""
    hole = SourceRun("azure", REGISTRIES, "partial", 1, (Problem(f"/subscriptions/{PROD}", "HTTP 403"),))
    files = split(whole_scan(runs=(hole,)), replace(GITHUB, sarif_split=True))
    assert list(files)[-1] == f".{PROD}.sarif"
    assert isinstance(files[f".{PROD}.sarif"], PartialError)
    assert f"not everything of {PROD} was looked at" in str(files[f".{PROD}.sarif"])
    assert complaints(json.dumps({"$schema": "https://x", "version": "2.1.0", "runs": [files[f".{DEV}.sarif"]]}).encode()) == []  # fmt: skip


def test_odd_names_of_subscriptions_make_no_paths():
    """Whatever a file calls a subscription."""
    names = list(sarif.writers(whole_scan(subscriptions={"../../etc": ""}), settings_of(sarif_split=True)))
    assert not any("/" in name or ".." in name for name in names)
    assert len(names) == 4


def test_a_split_that_cannot_be_is_refused():
    """Into one stream, and for Azure DevOps, which would take the files for one another."""
    with pytest.raises(UsageError, match="one stream"):
        rendered(whole_scan(), settings_of(sarif_split=True))
    with pytest.raises(UsageError, match="by pipeline"):
        sarif.writers(whole_scan(), settings_of("azdo", sarif_split=True))


def test_rows_are_in_the_order_of_the_scan():
    """Also those that come from the baseline."""
    scan = compared_scan()
    marks = [row["fingerprints"]["acrscan/v1"] for row in run_of(scan)["results"]]
    assert marks == [row.fingerprint for row in sorted([*scan.findings, *scan.earlier], key=order)]
    assert {row.resource for row in unmarked()} >= {CONTOSOPROD}
    assert sample_scan().drift is None
