"""SARIF as a person asks for it: profiles, splitting, and a refusal that keeps no other report from being written."""

import json

import pytest

from scanner.cli.door import PARTIAL, PRECEDENCE, run
from tests.cli.test_commands import REGISTRY

NOW = ("--now", "2026-11-25T02:00:00Z")
SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"
PIPELINES = ("GITHUB_ACTIONS", "TF_BUILD", "GITLAB_CI")


@pytest.fixture
def answers(tmp_path, monkeypatch):
    """A folder with one registry and no pipeline around it; rules about its roles and locks stay undecided."""
    for name in PIPELINES:
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "answers"
    folder.mkdir()
    (folder / "registries.json").write_text(json.dumps(REGISTRY))
    monkeypatch.chdir(tmp_path)
    return str(folder)


def invoke(capsys, *words):
    code = run(words)
    return code, capsys.readouterr().err


def log_of(path):
    (found,) = json.loads(path.read_text())["runs"]
    return found


def test_a_partial_scan_leaves_with_six_and_writes_the_others(capsys, answers, tmp_path):
    """The code wins over findings; the JSON report is there, the SARIF is not, and the message says what to do."""
    code, err = invoke(capsys, "scan", answers, *NOW, "-q", "-f", "sarif", "-f", "json", "-o", "out",
                       "--sarif-profile", "github", "--fail-on", "low")  # fmt: skip
    assert code == PARTIAL == 6
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["acrscan.json"]
    assert "--baseline" in err
    assert err.splitlines()[-1].startswith("exit 6: not written: not everything was looked at")
    assert PRECEDENCE.index(PARTIAL) < PRECEDENCE.index(1)


def test_with_a_baseline_it_is_written(capsys, answers, tmp_path):
    """The first night's stored scan carries the second night's alerts."""
    invoke(capsys, "scan", answers, *NOW, "-q", "-f", "ndjson", "-o", "first.ndjson")
    words = ("-q", "-f", "sarif", "-o", "second.sarif", "--sarif-profile", "github", "--exit-zero")
    code, _ = invoke(
        capsys, "scan", answers, "--now", "2026-11-26T02:00:00Z", *words, "--baseline", "first.ndjson"
    )
    assert code == 0
    assert {row["baselineState"] for row in log_of(tmp_path / "second.sarif")["results"]} == {"unchanged"}


def test_nothing_goes_to_stdout_where_it_is_refused(capfdbinary, answers):
    """Not half a log, and the same code."""
    assert run(["scan", answers, *NOW, "-f", "sarif", "-o", "-", "--sarif-profile", "github"]) == PARTIAL
    assert capfdbinary.readouterr().out == b""


def test_azure_devops_outside_a_pipeline(capsys, answers, monkeypatch, tmp_path):
    """What is missing is named; in a pipeline the log is written."""
    words = (
        "scan",
        answers,
        *NOW,
        "-q",
        "--exit-zero",
        "-f",
        "sarif",
        "-o",
        "log.sarif",
        "--sarif-profile",
        "azdo",
    )
    code, err = invoke(capsys, *words)
    assert code == 2
    assert "facts of the pipeline that are not known: organisation" in err
    for name, value in {
        "TF_BUILD": "True",
        "SYSTEM_COLLECTIONURI": "https://dev.azure.com/contoso/",
        "SYSTEM_TEAMPROJECTID": "00000000-0000-0000-0000-0000000000aa",
        "SYSTEM_DEFINITIONID": "42",
        "SYSTEM_PHASEID": "3c9f4a0e-2f0e-5e44-9d38-0d3f5a1a9b10",
        "SYSTEM_PHASENAME": "scan",
        "BUILD_DEFINITIONNAME": "nightly",
        "BUILD_BUILDID": "1001",
        "BUILD_REPOSITORY_URI": "https://dev.azure.com/contoso/platform/_git/registries",
        "BUILD_SOURCEVERSION": "0123456789abcdef0123456789abcdef01234567",
        "BUILD_SOURCEBRANCH": "refs/heads/main",
    }.items():
        monkeypatch.setenv(name, value)
    assert invoke(capsys, *words)[0] == 0
    assert log_of(tmp_path / "log.sarif")["automationDetails"]["id"].endswith("/refs/heads/main/1001")


def test_one_file_for_each_subscription(capsys, answers, tmp_path):
    """Beside each other in the folder, and none for everything."""
    words = ("-q", "--exit-zero", "--rule", "ACR101", "-f", "sarif", "-o", "out", "--sarif-split")
    assert invoke(capsys, "scan", answers, *NOW, *words, "--sarif-profile", "github")[0] == 0
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [f"acrscan.{SUBSCRIPTION}.sarif", "acrscan.no-subscription.sarif"]
    assert len(log_of(tmp_path / "out" / names[0])["results"]) == 1
    assert log_of(tmp_path / "out" / names[1])["results"] == []
