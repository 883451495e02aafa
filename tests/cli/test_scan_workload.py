"""`scan --from workload` as a person runs it: findings with their places, exit codes, options that do not fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scanner.cli.door import run
from tests.inventory.workload.trees import written

BAD = {
    "Dockerfile": "ARG REG=Contoso.azurecr.io\nFROM ${REG}/Team/Base:1\n",
    ".dockerignore": "!.git/**\n",
    "compose.yaml": "services:\n  web:\n    image: contoso.azurecr.io/web\n    volumes: ['/var/run/docker.sock:/x', '/:/h']\n",
    "push.sh": (
        "docker login contoso.azurecr.io -u contoso -p S3cret99\n"
        "kubectl create secret docker-registry s --docker-server=contoso.azurecr.io --docker-username=contoso --docker-password=$P\n"
        "docker push contoso.azurecr.io/web:1\n"
    ),
}
RULES = {
    "ACR702": (".dockerignore", 1),
    "ACR709": ("push.sh", 1),
    "ACR710": ("push.sh", 3),
    "ACR805": ("Dockerfile", 2),
    "ACR806": ("Dockerfile", 2),
    "ACR807": ("compose.yaml", 4),
    "ACR810": ("compose.yaml", 2),
    "ACR812": ("compose.yaml", 3),
    "ACR814": ("push.sh", 2),
    "ACR816": ("push.sh", 1),
}
GOOD = {
    "Dockerfile": "FROM contoso.azurecr.io/team/base:1\n",
    ".github/workflows/ci.yml": (
        "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - uses: azure/login@v2\n        with: {client-id: a, tenant-id: b}\n"
        "      - run: |\n          az acr login -n contoso\n          until docker push contoso.azurecr.io/a:1; do sleep 5; done\n"
    ),
}


def invoke(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command line."""
    code = run(arguments)
    out = capsys.readouterr()
    return code, out.out, out.err


def test_every_rule_on_workloads_finds_its_mistake_at_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """One tree with all of them; the password is nowhere in the report."""
    code, out, _ = invoke(
        capsys, "scan", "--from", "workload", str(written(tmp_path, BAD)), "-f", "json", "-o", "-"
    )
    assert code == 1
    findings = [row for row in json.loads(out)["findings"] if row["verdict"] == "fail"]
    found = {row["rule"]: (row["places"][0]["file"], row["places"][0]["line"]) for row in findings}
    assert found == RULES
    assert "S3cret99" not in out


def test_a_tree_without_mistakes_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Exit code 0, and registries are not asked about."""
    code, out, _ = invoke(capsys, "scan", "--from", "workload", str(written(tmp_path, GOOD)))
    assert code == 0
    assert "not described by these files" in out


def test_a_bad_file_decides_the_exit_code_and_hides_no_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Both are told."""
    folder = written(tmp_path, {**BAD, "k8s/x.yaml": "apiVersion: v1\n  kind: [\n"})
    code, out, err = invoke(capsys, "scan", "--from", "workload", str(folder))
    assert code == 2
    assert "k8s/x.yaml:2:" in err
    assert "ACR807" in out


def test_nothing_recognised_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A folder without workloads."""
    code, _, err = invoke(capsys, "scan", "--from", "workload", str(written(tmp_path, {"a.txt": "x"})))
    assert code == 3
    assert "exit 3" in err


@pytest.mark.parametrize("option", [("--parameters", "x.json"), ("--bicep-cli", "bicep")])
def test_options_for_templates_do_not_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: tuple[str, str]
):
    """Said, not ignored."""
    code, _, err = invoke(capsys, "scan", "--from", "workload", str(written(tmp_path, GOOD)), *option)
    assert code == 2
    assert "are for templates" in err


def test_check_reads_workloads_beside_templates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """The pull request's command finds them by itself, and options for templates do not disturb."""
    monkeypatch.chdir(written(tmp_path, BAD))
    code, out, _ = invoke(capsys, "check", "--rule", "ACR807", "--rule", "ACR101", "-f", "json", "-o", "-")
    assert code == 1
    assert [row["rule"] for row in json.loads(out)["findings"] if row["verdict"] == "fail"] == ["ACR807"]


def test_sarif_has_the_place_of_each_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """And where the value of a build argument was written."""
    code, out, _ = invoke(
        capsys,
        "scan",
        "--from",
        "workload",
        str(written(tmp_path, BAD)),
        "--rule",
        "ACR805",
        "--fail-on",
        "medium",
        "-f",
        "sarif",
        "-o",
        "-",
    )
    assert code == 1
    results = json.loads(out)["runs"][0]["results"]
    result = next(one for one in results if one["ruleId"] == "ACR805" and one.get("kind", "fail") == "fail")
    region = result["locations"][0]["physicalLocation"]["region"]
    assert (region["startLine"], region["startColumn"]) == (2, 6)
    assert result["relatedLocations"][0]["physicalLocation"]["region"]["startLine"] == 1
