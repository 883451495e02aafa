"""The action on a runner of ours: what it asks acrscan, what it tells the service, and what hostile content cannot do."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
import yaml

from scanner.cli.first_files import Wanted, files, put
from tests.integrations.runner import ACTION, ROOT, read_outputs

ESTATE = ROOT / "tests" / "estate"
HOSTILE = [
    "a b",
    'it\'s "quoted"',
    "$(touch pwned)",
    "`touch pwned`",
    "; touch pwned #",
    "-o",
    "--help",
    "::set-output name=sarif::/etc/passwd",
    "${{ github.token }}",
    "*",
    "ünïcode ✓ \\ %0A",
]
TEMPLATE = json.dumps(
    {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "resources": [
            {
                "type": "Microsoft.ContainerRegistry/registries",
                "apiVersion": "2025-11-01",
                "name": "acrshop",
                "location": "westeurope",
                "sku": {"name": "Premium"},
                "properties": {"adminUserEnabled": True},
            }
        ],
    },
    indent=2,
)
"""A template with one registry whose admin user is on."""


def workbench(tool, *, error=0, warning=0, cases=()):
    """A report of the workbench as JSON."""
    found = {"error": error, "warning": warning, "info": 0}
    return json.dumps({
        "format": "acrscan-workbench/v1", "tool": tool, "counts": {}, "found": found, "problems": [],
        "cases": [{"suite": "ACME101", "name": str(at), "held": held} for at, held in enumerate(cases)],
    })  # fmt: skip


LINT = {
    "text": "policies/a.yaml:3:1: SEM007 unknown path\n",
    "github": "::error file=policies/a.yaml,line=3,col=1,title=SEM007::unknown path\n1 rules checked, 1 error\n",
    "sarif": '{"version": "2.1.0", "runs": []}',
    "markdown": "## Lint\n\n1 error\n",
    "json": workbench("lint", error=1, warning=2),
}
IMPACT = {
    "format": "acrscan-impact/v1",
    "errors": [],
    "rules": [{"id": "ACME101", "new": 3, "resolved": 1}, {"id": "ACME102", "new": 2, "resolved": 0}],
}
TEST = {
    "text": "1 failed\n",
    "github": "::error file=policies/a.yaml,line=9,title=TEST::no\n",
    "markdown": "## Tests\n",
    "json": workbench("test", cases=(True, False, False)),
}


def test_inputs_never_reach_the_text_of_a_script():
    """Every input goes through `env:`; no `run:` holds an expression, each input is handed over or used in an `if` or `with`."""
    document = yaml.safe_load(ACTION.read_text("utf-8"))
    used = set()
    for step in document["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
        used |= set(re.findall(r"inputs\.([a-z-]+)", json.dumps({**step, "run": ""})))
    assert used == set(document["inputs"])
    outputs = document["outputs"]
    assert all(one["value"] == f"${{{{ steps.run.outputs.{name} }}}}" for name, one in outputs.items())


def test_actions_of_others_are_pinned_by_commit():
    """A tag can be moved by whoever owns it."""
    pins = re.findall(r"uses: (\S+)", ACTION.read_text("utf-8"))
    assert pins
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", pin) for pin in pins)


def test_lint_and_test_of_a_pack(machine):
    """Formats are written, SARIF is uploaded before the run fails, counts and annotations are told."""
    machine.fake(
        policy_lint={"code": 2, "err": "exit 2: 1 error in rule files\n", "files": LINT},
        policy_test={"code": 1, "err": "exit 1: 2 tests failed\n", "files": TEST},
    )
    ran = machine.run(version="installed", pack="policies")
    assert ran.code == 2
    told = {
        "exit-code": "2",
        "errors": "1",
        "warnings": "2",
        "failed": "2",
        "unknown": "",
        "new": "",
        "fixed": "",
    }
    assert {name: ran.outputs[name] for name in told} == told
    assert ran.uploaded == ran.outputs["sarif"] == f"{ran.outputs['reports']}/lint.sarif"
    assert ran.annotations("error") == ["unknown path", "no"]
    assert "## Lint" in ran.summary
    assert "- acrscan policy lint: `exit 2: 1 error in rule files`" in ran.summary
    assert {tuple(call[:2]) for call in machine.calls()} == {("policy", "lint"), ("policy", "test")}
    assert all(call[-2:] == ["--", "policies"] for call in machine.calls())
    assert "SEM007 unknown path" in ran.log


def test_a_pull_request_is_compared_with_its_base(machine):
    """Mutants of changed rules, the semantic diff and the impact on last night's snapshot, each with its gates."""
    machine.fake(
        policy_lint={"files": {**LINT, "github": "0 errors\n", "json": workbench("lint")}},
        policy_impact={
            "code": 1,
            "err": "exit 1: 2 new critical findings (limit: critical=0)\n",
            "files": {"markdown": "## Impact\n", "json": json.dumps(IMPACT)},
        },
    )
    ran = machine.run(
        version="installed", pack="my pack", snapshot="last night", profile="production\nteam", waivers="w.yaml",
        min_branch="100", min_score="90", max_new="critical=0\nhigh=3", no_loosening="true", fail_on="warning",
        environment={"GITHUB_BASE_REF": "main"},
    )  # fmt: skip
    first: dict[str, list[str]] = {}
    for call in machine.calls():
        first.setdefault(" ".join(call[:2]), call[6:] if call[2] == "-f" else call[2:])
    assert list(first) == [
        "policy lint",
        "policy test",
        "policy mutate",
        "policy diff",
        "policy impact",
        "waiver check",
    ]
    assert first["policy lint"] == ["--fail-on=warning", "--waivers=w.yaml", "--", "my pack"]
    assert first["policy test"] == ["--coverage", "--min-branch=100", "--", "my pack"]
    assert first["policy mutate"] == ["--changed-since=origin/main", "--min-score=90", "--", "my pack"]
    assert first["policy diff"] == ["--base=origin/main", "--pack=my pack"]
    assert first["policy impact"] == [
        "--base=origin/main", "--pack=my pack", "--profile=production", "--profile=team", "--snapshot=last night",
        "--waivers=w.yaml", "--max-new=critical=0", "--max-new=high=3", "--no-loosening",
    ]  # fmt: skip
    assert first["waiver check"] == ["--pack=my pack", "--", "w.yaml"]
    assert (ran.outputs["new"], ran.outputs["fixed"]) == ("5", "1")
    assert ran.code == 5  # the fake wrote nothing for the tests, which no success may hide
    assert "no report was written" in ran.annotations("error")


def test_a_release_and_a_base_that_is_broken(machine):
    """The version is compared with the last release, all else with the base; a base that does not parse may be looked over."""
    machine.fake(policy_lint={"files": LINT}, policy_test={"files": TEST})
    machine.run(version="installed", pack="p", base="main", release="v1.4.0", base_broken="ok")
    first = {" ".join(call[:2]): call[6:] for call in reversed(machine.calls())}
    assert first["policy diff"] == ["--base=v1.4.0", "--pack=p", "--base-broken=ok"]
    assert first["policy impact"] == ["--base=main", "--pack=p", "--base-broken=ok"]
    machine.calls_file.unlink()
    machine.run(version="installed", pack="p", release="v1.4.0")
    assert {call[1] for call in machine.calls()} == {"lint", "test", "diff"}


def test_a_pull_request_of_a_fork(machine):
    """It cannot have last night's snapshot, nor upload SARIF: the sample estate is asked for, nothing is uploaded."""
    machine.fake(
        policy_lint={"files": LINT}, policy_impact={"files": {"text": "i", "json": json.dumps(IMPACT)}}
    )
    ran = machine.run(
        version="installed", pack="p", base="main", snapshot="night", checks="lint impact", fork=True
    )
    assert "--estate=synthetic" in machine.calls()[-1]
    assert ran.outputs["sarif"]
    assert not ran.uploaded
    assert ran.code == 0


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_inputs_are_one_argument(machine, value):
    """Blanks, quotes, substitutions, options and workflow commands in inputs arrive as they are, and nothing else happens."""
    machine.fake()
    ran = machine.run(
        version="installed", pack=value, base=value, release=value, snapshot=value, waivers=value, fail_on=value, min_branch=value,
        min_score=value, max_new=value, profile=value,
    )  # fmt: skip
    calls = machine.calls()
    assert len(calls) == 5 + 4 + 3 + 3 + 4 + 1  # formats of lint, test, mutate, diff, impact; the waivers
    for call in calls:
        assert any(one in (value, f"--pack={value}") for one in call)
    assert not list(machine.workspace.iterdir())
    assert {name for name, _, _ in ran.commands} <= {"group", "endgroup", "error"}


def test_hostile_reports_add_no_output_and_no_command(machine):
    """What commands print is shown as text: no output, no mask, no environment, and no annotation but annotations."""
    evil = "::set-output name=exit-code::0\n::add-mask::e\n  ::error::forged\n::stop-commands::x\nvalue_\nexit-code=0\n"
    machine.fake(
        policy_lint={
            "code": 1,
            "out": evil,
            "err": evil + "exit 1: `evil` <b>| ::warning::x\n",
            "files": {
                **LINT,
                "text": evil,
                "github": evil.replace("  ::error::forged\n", "::add-path::/tmp\n"),
            },
        }
    )
    ran = machine.run(version="installed", pack="p", checks="lint")
    assert {name for name, _, _ in ran.commands} == {"group", "endgroup"}
    assert ran.outputs["exit-code"] == "1"
    assert ran.code == 1
    assert "- acrscan policy lint: `exit 1: evil <b>| ::warning::x`" in ran.summary


def test_values_with_lines_stay_one_output(machine):
    """A folder of reports whose name holds line ends and the syntax of outputs is one value."""
    machine.fake(policy_lint={"files": LINT})
    name = "re\nexit-code<<x\n0\nx\nports"
    ran = machine.run(version="installed", pack="p", checks="lint", reports=name)
    assert ran.outputs["reports"] == str(machine.workspace / name)
    assert ran.outputs["exit-code"] == "0"


@pytest.mark.parametrize(
    ("codes", "wins"), [((0, 0), 0), ((3, 1), 1), ((1, 2), 2), ((4, 2), 4), ((6, 1), 6), ((0, 99), 5)]
)
def test_the_weightiest_code_is_the_code(machine, codes, wins):
    """As within one command; a code of nobody's is an internal error and no success."""
    machine.fake(policy_lint={"code": codes[0], "files": LINT}, policy_test={"code": codes[1], "files": TEST})
    assert machine.run(version="installed", pack="p").code == wins


def test_what_lint_told_is_not_told_again(machine):
    """Rules that do not load stop every check alike: one annotation at the place, and each check in the summary."""
    stopped = {"code": 2, "err": "a.yaml:3:1: SEM007 unknown path\nexit 2: 1 error\n"}
    machine.fake(policy_lint={**stopped, "files": LINT}, policy_test=stopped, policy_mutate=stopped)
    ran = machine.run(version="installed", paths="p", base="main")
    assert ran.annotations("error") == ["unknown path"]
    assert ran.summary.count("`exit 2: 1 error`") == 3
    assert ran.code == 2


def test_a_check_that_wrote_nothing_is_told(machine):
    """A command that stops before its report becomes an annotation with its own words."""
    machine.fake(
        policy_lint={"code": 2, "err": "no pack.yaml in the folder\n100 % lost\nexit 2: no pack.yaml\n"}
    )
    ran = machine.run(version="installed", pack="p", checks="lint")
    assert ran.annotations("error") == [
        "no pack.yaml in the folder\n100 % lost\nexit 2: no pack.yaml\nno report was written"
    ]
    assert ran.code == 2
    assert ran.outputs["errors"] == ""
    assert ran.uploaded == ""


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({}, "there is nothing to check"),
        ({"command": "destroy"}, "there is no command destroy"),
        ({"checks": "lint"}, "the check lint needs a pack or paths"),
        ({"pack": "p", "checks": "impact"}, "the check impact needs a base"),
        ({"paths": "p", "base": "main", "checks": "diff"}, "the check diff needs a pack"),
        ({"pack": "p", "checks": "waivers"}, "needs a waiver file"),
        ({"pack": "p", "checks": "lint fuzz"}, "there is no check fuzz"),
        ({"pack": "p", "base_broken": "maybe"}, "base-broken is neither stop nor ok"),
        ({"pack": "p", "release": "v1", "checks": "impact"}, "the check impact needs a base"),
        ({"pack": "p", "no_loosening": "yes"}, "no-loosening is neither true nor false"),
        ({"version": "--index-url=evil"}, "the version begins with a dash"),
    ],
)
def test_inputs_that_make_no_sense(machine, inputs, words):
    """The action says which input, runs nothing, and fails."""
    machine.fake()
    ran = machine.run(**{"version": "installed", **inputs})
    assert words in ran.annotations("error")[0]
    assert ran.code == 2
    assert not machine.calls()


def test_no_acrscan_at_all(machine):
    """`version: installed` without one is an error, not a success."""
    ran = machine.run(version="installed", pack="p", environment={"PATH": "/usr/bin:/bin"})
    assert ran.code == 2
    assert "there is no acrscan on PATH" in ran.annotations("error")[0]


def test_a_run_that_died_is_no_success(machine):
    """Without an exit code the last step fails."""
    machine.fake(policy_lint={"files": {**LINT, "json": "{}"}})
    ran = machine.run(version="installed", pack="p", checks="lint")
    assert ran.code == 5
    assert "The numbers of the reports could not be read" in ran.annotations("error")[-1]


def test_annotations_are_as_many_as_the_service_keeps(machine):
    """Ten of each level over all commands, errors first, and a count of the rest; a job summary stays below 1 MiB."""
    many = "".join(f"::warning file=a.yaml,line={at}::w{at}\n" for at in range(30))
    many += "".join(f"::error file=a.yaml,line={at}::e{at}\n" for at in range(30))
    long = "## Lint\n\n" + "".join(f"- row {at} {'x' * 80}\n" for at in range(12_000))
    machine.fake(
        policy_lint={"files": {**LINT, "github": many, "markdown": long}},
        policy_test={"files": {**TEST, "markdown": "## Tests\n"}},
    )
    ran = machine.run(version="installed", pack="p")
    assert ran.annotations("error") == [f"e{at}" for at in range(10)]
    assert len(ran.annotations("warning")) == 10
    assert "21 more annotations of level error" in ran.log
    size = len(ran.summary.encode())
    assert 1_000_000 < size <= 1_048_576
    assert ran.summary.startswith("> **policy lint is shortened**")
    assert all(line.startswith(("- row", "##", ">")) or not line for line in ran.summary.splitlines())


def test_scan_of_saved_answers(machine, registry):
    """The real thing: SARIF for code scanning, a summary, and numbers that agree with the JSON report."""
    machine.real()
    asked = {
        "version": "installed",
        "command": "scan",
        "paths": registry,
        "arguments": "--rule=ACR101\n--rule=ACR201\n",
    }
    ran = machine.run(**asked, fail_on="high", reports="re ports")
    report = json.loads((machine.workspace / "re ports" / "acrscan.json").read_text("utf-8"))
    rows = report["summary"]["failRows"]
    assert ran.outputs["failed"] == str(rows["total"] - rows["waived"]) != "0"
    verdicts = report["summary"]["verdicts"]
    assert ran.outputs["unknown"] == str(verdicts["unknown"] + verdicts["error"])
    assert (ran.outputs["new"], ran.outputs["fixed"]) == ("", "")
    assert ran.code == int(ran.outputs["exit-code"]) == 1
    assert ran.annotations("error") == ["exit 1: 1 high (limit: high)"]
    assert ran.uploaded == str(machine.workspace / "re ports" / "acrscan.sarif")
    sarif = json.loads((machine.workspace / "re ports" / "acrscan.sarif").read_text("utf-8"))
    assert {result["ruleId"] for result in sarif["runs"][0]["results"]} == {"ACR101"}
    assert "- acrscan scan: `exit 1: 1 high (limit: high)`" in ran.summary
    assert "ACR101" in ran.summary
    assert "ACR101" in ran.log

    again = machine.run(**asked, baseline="re ports/acrscan.ndjson", fail_on="never")
    assert (again.code, again.outputs["new"], again.outputs["fixed"]) == (0, "0", "0")
    assert again.outputs["reports"] != ran.outputs["reports"]


def test_a_check_of_the_repository(machine):
    """Templates of the checkout: the finding in code scanning stands at the line of the property."""
    machine.real()
    (machine.workspace / "infra").mkdir()
    (machine.workspace / "infra" / "main.json").write_text(TEMPLATE)
    ran = machine.run(version="installed", command="check", paths="infra", arguments="--rule=ACR101")
    assert ran.code == 1, ran.log
    assert "- acrscan check: `exit 1: 1 high (limit: high)`" in ran.summary
    (result,) = json.loads(Path(ran.outputs["sarif"]).read_text("utf-8"))["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "infra/main.json"
    line = place["region"]["startLine"]
    assert "adminUserEnabled" in TEMPLATE.splitlines()[line - 1]


def test_a_partial_scan_uploads_nothing(machine):
    """Code scanning would close alerts of what was not read: exit code 6, no SARIF, the other reports are there."""
    machine.real()
    ran = machine.run(
        version="installed",
        command="scan",
        paths=str(ESTATE / "answers"),
        arguments="--exit-zero",
        fail_on="never",
    )
    assert ran.code == 6
    assert "sarif" not in ran.outputs
    assert not ran.uploaded
    assert int(ran.outputs["failed"]) > 0


def test_a_scan_that_writes_nothing_uploads_nothing(machine):
    """Reports of an earlier run in the same folder are not taken for this one's."""
    machine.real()
    folder = machine.workspace / "out"
    folder.mkdir()
    for name in ("acrscan.sarif", "acrscan.json", "acrscan.md"):
        (folder / name).write_text("from yesterday")
    for path in folder.iterdir():
        os.utime(path, (1, 1))
    ran = machine.run(version="installed", command="scan", paths="nowhere", reports="out")
    assert ran.code == 2
    assert ran.uploaded == ""
    assert ran.outputs["failed"] == ""
    assert "yesterday" not in ran.summary


def test_waivers_of_a_repository(machine):
    """A waiver file alone is checked for real; what is wrong is told with its place."""
    machine.real()
    (machine.workspace / "good.yaml").write_text("apiVersion: acrscan/v1\nwaivers: []\n")
    (machine.workspace / "bad.yaml").write_text(
        "apiVersion: acrscan/v1\nwaivers:\n  - {id: W-1, rule: ACR999}\n"
    )
    assert machine.run(version="installed", waivers="good.yaml").code == 0
    ran = machine.run(version="installed", waivers="bad.yaml")
    assert ran.code == 2
    assert "bad.yaml:3:" in ran.annotations("error")[0]


def test_the_copy_that_init_writes(machine):
    """The action within a repository of its user: the same work; it comes without acrscan and says so."""
    for name, text in files(Wanted()).items():
        put(machine.workspace / name, text)
    action = machine.workspace / ".github/actions/acrscan/action.yml"
    machine.real()
    ran = machine.run(action, version="installed", waivers="acr-waivers.yaml")
    assert (ran.code, ran.outputs["exit-code"]) == (0, "0"), ran.log
    ran = machine.run(action, waivers="acr-waivers.yaml")
    assert ran.code == 2
    assert ran.annotations("error") == ["this action comes without acrscan itself. Set the input version."]


@pytest.mark.slow
def test_the_action_installs_what_it_came_with(machine):
    """Without a version the action installs its own checkout, isolated from what lies in the workspace."""
    for name in ("venv", "pip", "sitecustomize", "yaml", "click"):
        (machine.workspace / f"{name}.py").write_text("open('pwned', 'w').close()\n")
    (machine.workspace / "w.yaml").write_text("apiVersion: acrscan/v1\nwaivers: []\n")
    ran = machine.run(waivers="w.yaml")
    assert ran.code == 0, ran.log
    assert not (machine.workspace / "pwned").exists()


def test_the_reader_of_outputs_reads_as_the_service_does():
    """The oracle of these tests: plain values, values with lines, a delimiter within a value."""
    assert read_outputs("a=1\nb<<X\n1\n=\nXX\nX\nc==\n") == {"a": "1", "b": "1\n=\nXX", "c": "="}
