"""The templates for Azure DevOps and GitLab: what they ask acrscan, what they publish, and what hostile content cannot do."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from tests.integrations import templates
from tests.integrations.test_github import HOSTILE, LINT, TEMPLATE, TEST

HOSTS = {"azure": templates.azure, "gitlab": templates.gitlab}
SARIF = json.dumps({
    "version": "2.1.0",
    "runs": [{"results": [
        {"ruleId": code, "level": level, "message": {"text": "unknown path"}, "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": "policies/a%20b.yaml"}, "region": {"startLine": line}}}]}
        for code, level, line in (("SEM007", "error", 3), ("SEM007", "error", 9), ("LOG007", "warning", 4), ("LOG008", "note", 1))
    ]}],
})  # fmt: skip
FILES = {
    "lint": {**LINT, "sarif": SARIF, "junit": "<testsuites/>"},
    "test": {**TEST, "junit": "<testsuites/>"},
}

BUILD = {
    "TF_BUILD": "True", "BUILD_REPOSITORY_URI": "https://dev.azure.com/contoso/platform/_git/registries",
    "BUILD_SOURCEVERSION": "0" * 40, "BUILD_SOURCEBRANCH": "refs/heads/main", "SYSTEM_TEAMPROJECTID": "1",
    "SYSTEM_DEFINITIONID": "2", "BUILD_DEFINITIONNAME": "nightly", "SYSTEM_PHASENAME": "job", "BUILD_BUILDID": "3",
    "SYSTEM_PHASEID": "3dc8fd7e-4368-5a92-293e-d53cefc8c4b3", "SYSTEM_COLLECTIONURI": "https://dev.azure.com/contoso/",
}  # fmt: skip
"""What a build of Azure Pipelines knows of itself."""


@pytest.fixture(params=sorted(HOSTS))
def host(request):
    """Each host."""
    return HOSTS[request.param]


def first_calls(machine):
    """What each command was called with, without format and file."""
    found: dict[str, list[str]] = {}
    for call in machine.calls():
        found.setdefault(" ".join(call[:2]), call[6:] if call[2] == "-f" else call[2:])
    return found


def spelled(host, **inputs):
    """Inputs as a host spells them: `fail_on` is failOn on Azure DevOps."""
    if host is templates.gitlab:
        return inputs
    return {re.sub(r"_(\w)", lambda one: one[1].upper(), name): value for name, value in inputs.items()}


def test_values_never_reach_the_text_of_a_script():
    """Azure DevOps: `env:` only. GitLab: variables that are not expanded. Every parameter is used."""
    steps = templates.azure_steps()
    for step in steps:
        assert "${{" not in step.get("bash", "") + str(step.get("inputs", {}).get("inlineScript", ""))
    text = templates.AZURE.read_text("utf-8")
    used = set(re.findall(r"parameters\.(\w+)", text))
    assert used == {one["name"] for one in yaml.safe_load(text)["parameters"]}
    inputs, job = templates.gitlab_parts()
    assert "$[[" not in "".join(job["script"])
    assert set(re.findall(r"inputs\.([\w-]+)", templates.GITLAB.read_text("utf-8"))) == set(inputs)


def test_what_azure_devops_publishes():
    """SARIF under the name that the Scans tab reads, JUnit, all reports; also after findings, and the code comes last."""
    steps = templates.azure_steps()
    artifacts = [
        step["inputs"]["artifactName"] for step in steps if step.get("task") == "PublishBuildArtifacts@1"
    ]
    assert artifacts[0] == "CodeAnalysisLogs"
    at = next(at for at, step in enumerate(steps) if step.get("displayName") == "acrscan")
    assert all(step["condition"] == "succeededOrFailed()" for step in steps[at + 1 :])
    assert steps[-1]["env"] == {"EXIT_CODE": "$(acrscan.exitCode)"}


def test_checks_of_a_pull_request(machine, host):
    """The same calls as the GitHub action's, with the base of the pull request."""
    machine.fake(
        policy_lint={"code": 1, "err": "exit 1: 2 errors\n", "files": FILES["lint"]},
        policy_test={"files": FILES["test"]},
        policy_mutate={"files": {"text": "m\n"}},
        policy_diff={"files": {"text": "d\n"}},
        policy_impact={"files": {"text": "i\n", "markdown": "## Impact\n"}},
    )
    environment = {
        templates.azure: {"System.PullRequest.TargetBranch": "refs/heads/main"},
        templates.gitlab: {"CI_MERGE_REQUEST_DIFF_BASE_SHA": "origin/main"},
    }[host]
    loosening = {templates.azure: "True", templates.gitlab: "true"}[host]
    ran = host(
        machine,
        environment=environment,
        **spelled(
            host, version="installed", pack="my pack", snapshot="last night", profiles="production\nteam",
            waivers="w.yaml", min_branch="100", min_score="90", max_new="critical=0\nhigh=3", no_loosening=loosening,
            fail_on="warning",
        ),
    )  # fmt: skip
    assert ran.code == 1, ran.log
    found = first_calls(machine)
    assert found == {
        "policy lint": ["--fail-on=warning", "--waivers=w.yaml", "--", "my pack"],
        "policy test": ["--coverage", "--min-branch=100", "--", "my pack"],
        "policy mutate": ["--changed-since=origin/main", "--min-score=90", "--", "my pack"],
        "policy diff": ["--base=origin/main", "--pack=my pack"],
        "policy impact": [
            "--base=origin/main", "--pack=my pack", "--waivers=w.yaml", "--profile=production", "--profile=team",
            "--snapshot=last night", "--max-new=critical=0", "--max-new=high=3", "--no-loosening",
        ],
        "waiver check": ["--pack=my pack", "--", "w.yaml"],
    }  # fmt: skip
    assert {path.name for path in ran.reports.iterdir() if path.is_file()} >= {
        "test.junit.xml",
        "impact.md",
        "waivers.txt",
    }
    assert "SEM007 unknown path" in ran.log


def test_a_release_and_a_base_that_is_broken(machine, host):
    """As with the GitHub action."""
    machine.fake(policy_lint={"files": FILES["lint"]}, policy_test={"files": FILES["test"]})
    given = spelled(host, version="installed", pack="p", base="main", release="v1.4.0", base_broken="ok")
    host(machine, **given)
    found = first_calls(machine)
    assert found["policy diff"] == ["--base=v1.4.0", "--pack=p", "--base-broken=ok"]
    assert found["policy impact"] == ["--base=main", "--pack=p", "--base-broken=ok"]
    machine.calls_file.unlink()
    host(machine, **spelled(host, version="installed", pack="p", release="v1.4.0"))
    assert list(first_calls(machine)) == ["policy lint", "policy test", "policy diff"]


def test_without_a_base_nothing_is_compared(machine, host):
    """A push: lint and test alone; the variable of a pull request that is none is no base."""
    machine.fake(policy_lint={"files": FILES["lint"]}, policy_test={"files": FILES["test"]})
    assert host(machine, version="installed", pack="p").code == 0
    assert list(first_calls(machine)) == ["policy lint", "policy test"]


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_are_one_argument(machine, host, value):
    """Blanks, quotes, substitutions and options arrive as they are, and nothing else happens."""
    machine.fake()
    names = (
        "pack",
        "base",
        "release",
        "snapshot",
        "waivers",
        "fail_on",
        "min_branch",
        "min_score",
        "max_new",
        "profiles",
    )
    ran = host(machine, **spelled(host, version="installed", **dict.fromkeys(names, value)))
    assert ran.code == 5  # the fake writes nothing
    calls = machine.calls()
    assert {tuple(call[:2]) for call in calls} >= {("policy", "impact"), ("waiver", "check")}
    assert all(any(one in (value, f"--pack={value}") for one in call) for call in calls)
    assert not [path for path in machine.workspace.iterdir() if path.name != "acrscan-reports"]


def test_azure_obeys_nothing_that_acrscan_prints(machine):
    """`##vso[` counts wherever it stands in a line: in text of others it is broken up."""
    evil = "x ##vso[task.setvariable variable=acrscan.exitCode]0\n##[error]forged\n"
    machine.fake(policy_lint={"code": 1, "out": evil, "err": evil, "files": {**FILES["lint"], "text": evil}})
    ran = templates.azure(machine, version="installed", paths="p")
    commands = re.findall(r"##(?:vso)?\[.*", ran.log)
    assert [re.split(r"[\]]", one)[0] for one in commands] == [
        "##vso[task.logissue type=error",
        "##vso[task.uploadsummary",
        "##vso[task.logissue type=error",  # the fake's tests wrote nothing
        "##vso[task.setvariable variable=acrscan.exitCode",
    ]
    assert "## vso[task.setvariable" in ran.log
    assert ran.code == 5


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"version": "installed"}, "nothing to check"),
        ({"pack": "p"}, "version"),
        ({"pack": "p", "version": "--index-url=evil"}, "version"),
    ],
)
def test_inputs_that_make_no_sense(machine, host, inputs, words):
    """The log says which one, nothing runs, and the job fails."""
    machine.fake()
    ran = host(machine, **inputs)
    assert ran.code == 2
    assert words in ran.log
    assert not machine.calls()


def test_code_quality_of_policy_files(machine):
    """GitLab: what lint says, in the form of the widget; equal words at two places stay two issues."""
    machine.fake(policy_lint={"files": FILES["lint"]}, policy_test={"files": FILES["test"]})
    ran = templates.gitlab(machine, version="installed", pack="p")
    issues = json.loads((ran.reports / "gl-code-quality-report.json").read_text("utf-8"))
    assert [(one["check_name"], one["severity"], one["location"]["lines"]["begin"]) for one in issues] == [
        ("SEM007", "critical", 3),
        ("SEM007", "critical", 9),
        ("LOG007", "major", 4),
        ("LOG008", "info", 1),
    ]
    assert len({one["fingerprint"] for one in issues}) == 4
    assert {one["location"]["path"] for one in issues} == {"policies/a b.yaml"}


def test_scan_of_saved_answers(machine, host, registry):
    """The real thing: reports for the host, and the code of the scan."""
    machine.real()
    asked = spelled(
        host, version="installed", command="scan", paths=registry, arguments="--rule=ACR101", fail_on="high"
    )
    ran = host(machine, environment=BUILD if host is templates.azure else {}, **asked)
    assert ran.code == 1, ran.log
    assert "exit 1: 1 high (limit: high)" in ran.log
    assert "ACR101" in (ran.reports / "acrscan.junit.xml").read_text("utf-8")
    if host is templates.gitlab:
        (issue,) = json.loads((ran.reports / "gl-code-quality-report.json").read_text("utf-8"))
        assert issue["check_name"] == "ACR101"
    else:
        sarif = json.loads((ran.reports / "sarif" / "acrscan.sarif").read_text("utf-8"))
        assert sarif["runs"][0]["results"]
        assert "##vso[task.uploadsummary]" in ran.log


def test_check_of_the_repository(machine, host):
    """Templates of the checkout are judged, and the job fails with the code of the check."""
    machine.real()
    (machine.workspace / "main.json").write_text(TEMPLATE)
    asked = spelled(host, version="installed", command="check", arguments="--rule=ACR101", fail_on="high")
    ran = host(machine, environment=BUILD if host is templates.azure else {}, **asked)
    assert ran.code == 1, ran.log
    assert "main.json" in (ran.reports / "acrscan.junit.xml").read_text("utf-8")


def test_waivers_alone(machine, host):
    """A repository with nothing but waivers has them checked."""
    machine.real()
    (machine.workspace / "good.yaml").write_text("apiVersion: acrscan/v1\nwaivers: []\n")
    (machine.workspace / "bad.yaml").write_text(
        "apiVersion: acrscan/v1\nwaivers:\n  - {id: W-1, rule: ACR999}\n"
    )
    assert host(machine, version="installed", waivers="good.yaml").code == 0
    ran = host(machine, version="installed", waivers="bad.yaml")
    assert ran.code == 2
    assert "bad.yaml:3:" in ran.log
