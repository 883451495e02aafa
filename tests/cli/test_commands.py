"""The commands as a person runs them: what they print, what they write, and the code they leave with."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from scanner import data
from scanner.cli.door import run

ESTATE = data.estate()
ANSWERS = str(ESTATE / "answers")
PEOPLE = str(ESTATE / "principals.json")
REGISTRY = {
    "value": [
        {
            "id": "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/oneacr",
            "name": "oneacr",
            "type": "microsoft.containerregistry/REGISTRIES",
            "location": "westeurope",
            "sku": {"name": "Basic", "tier": "Basic"},
            "properties": {
                "loginServer": "oneacr.azurecr.io",
                "provisioningState": "Succeeded",
                "ADMINUSERENABLED": True,
            },
        }
    ]
}


@pytest.fixture
def answers(tmp_path):
    """A folder with one registry, in odd casing."""
    folder = tmp_path / "answers"
    folder.mkdir()
    (folder / "registries.json").write_text(json.dumps(REGISTRY))
    return str(folder)


def invoke(capsys, *arguments):
    code = run(arguments)
    out = capsys.readouterr()
    return code, out.out, out.err


def test_scan_finds_what_is_there(capsys, answers):
    """An admin user in odd casing fails; the exit code and its reason say so on the last line."""
    code, out, err = invoke(capsys, "scan", answers, "--rule", "ACR101", "--color", "never")
    assert code == 1
    assert "ACR101" in out
    assert err.splitlines()[-1] == "exit 1: 1 high (limit: high)"


def test_fail_on_never_and_exit_zero(capsys, answers):
    """Thresholds change the code, nothing else."""
    assert invoke(capsys, "scan", answers, "--rule", "ACR101", "--fail-on", "critical")[0] == 0
    assert invoke(capsys, "scan", answers, "--rule", "ACR101", "--exit-zero")[0] == 0


def test_missing_collections_are_incomplete(capsys, answers):
    """Half the answers: the other half is unknown, exit 3, and the reason names the limit."""
    code, _, err = invoke(capsys, "scan", answers, "--rule", "ACR104")
    assert code == 3
    assert "undecided (limit: 0)" in err.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["scan", "nowhere"], 2, "nowhere"),
        (["scna"], 2, "scan"),
        (["scan", "--from", "saved"], 2, "PATH"),
        (["scan", "{answers}", "--subscription", "prod"], 2, "for Azure itself"),
        (["scan", "{answers}", "--rule", "ACR999"], 2, "unknown rule"),
        (["scan", "{answers}", "--profile", "nobody"], 2, "Shipped profiles"),
        (["scan", "{answers}", "--param", "x"], 2, "NAME=VALUE"),
        (["scan", "{answers}", "--param", "declaredPushrs=[]"], 2, "declaredPushers"),
        (["scan", "{answers}", "-f", "sarf"], 2, "sarif"),
        (["scan", "{answers}", "--now", "soon"], 2, "no time"),
        (["scan", "{answers}", "-o", "x"], 2, "-o needs a format"),
        (["report", "{answers}"], 2, "answers"),
        (["policy", "show", "ACR9"], 2, "unknown rule"),
        (["policy", "coverage"], 2, "--faq"),
        (["explain", "ACR101", "{answers}", "--resource", "other"], 3, "no such resource"),
        (["access", "other", "{answers}"], 3, "no registry"),
    ],
)
def test_errors_are_one_clear_line(capsys, answers, arguments, code, words):
    """What is wrong and what to do next, never a traceback; the code is the documented one."""
    found, out, err = invoke(capsys, *(argument.replace("{answers}", answers) for argument in arguments))
    assert found == code
    assert words in out + err
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith(f"exit {code}: ")


def test_snapshot_and_saved_answers_agree(capsys, answers, tmp_path):
    """`collect`, then `scan` of the snapshot: the same findings as scanning the answers."""
    night = str(tmp_path / "night")
    assert invoke(capsys, "collect", answers, "--out", night, "--now", "2026-11-25T02:00:00Z")[0] == 0
    first = invoke(capsys, "scan", answers, "--now", "2026-11-25T02:00:00Z", "-f", "json", "-o", "-")[1]
    second = invoke(capsys, "scan", night, "-f", "json", "-o", "-")[1]
    assert json.loads(first)["summary"] == json.loads(second)["summary"]


def test_report_gives_the_same_numbers(capsys, answers, tmp_path):
    """A stored scan renders later with the same summary and the same exit code."""
    stored = tmp_path / "scan.ndjson"
    first = invoke(
        capsys, "scan", answers, "-f", "ndjson", "-o", str(stored), "--now", "2026-11-25T02:00:00Z"
    )
    direct = invoke(capsys, "scan", answers, "-f", "json", "-o", "-", "--now", "2026-11-25T02:00:00Z")[1]
    again = invoke(capsys, "report", str(stored), "-f", "json", "-o", "-")
    assert first[0] == again[0]
    assert json.loads(direct)["summary"] == json.loads(again[1])["summary"]


def test_explain_names_value_and_rule_line(capsys, answers):
    """The proof shows the leaf, what was seen and where the rule asks."""
    code, out, _ = invoke(capsys, "explain", "acr101", answers, "--resource", "oneacr")
    assert code == 0
    assert "properties.adminUserEnabled equals false: true" in out
    assert "ACR101-admin-user-disabled.yaml:" in out


@pytest.mark.parametrize(
    ("body", "code"), [({"adminUserEnabled": False}, 0), ({"adminUserEnabled": True}, 1), (None, 3)]
)
def test_policy_try(capsys, tmp_path, body, code):
    """One rule on one resource: 0 compliant, 1 not, 3 unknown; JSON holds the proof."""
    path = tmp_path / "registry.json"
    path.write_text(json.dumps({"name": "x", "properties": body}))
    rule = str(data.policies() / "acr" / "ACR101-admin-user-disabled.yaml")
    found, out, _ = invoke(capsys, "policy", "try", rule, "--resource", str(path), "-f", "json")
    assert found == code
    assert json.loads(out)["check"]["label"] is not None


def test_policy_commands(capsys, tmp_path):
    """list, show, lint, compile, new: each does its one thing."""
    assert "ACR101" in invoke(capsys, "policy", "list")[1]
    assert "admin-user-disabled" in invoke(capsys, "policy", "show", "ACR101")[1]
    code, out, _ = invoke(capsys, "policy", "lint")
    assert (code, "0 errors" in out) == (0, True)
    assert "def evaluate" in invoke(capsys, "policy", "compile", "--rule", "ACR101")[1]
    words = ("policy", "new", "TST101", "--name", "my-rule", "--new-pack", "--dir", str(tmp_path))
    assert invoke(capsys, *words)[0] == 0
    new = tmp_path / "TST101-my-rule.yaml"
    code, out, err = invoke(capsys, "policy", "test", str(new))
    assert code == 1, (out, err)
    assert "3 failed" in out


def test_configuration_file(capsys, answers, tmp_path, monkeypatch):
    """Options come from acrscan.yaml; the command line wins; an unknown key is an error with a suggestion."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "acrscan.yaml").write_text("fail-on: never\nrule: [ACR101]\n")
    assert invoke(capsys, "scan", answers)[0] == 0
    assert invoke(capsys, "scan", answers, "--fail-on", "low")[0] == 1
    monkeypatch.setenv("ACRSCAN_SCAN_FAIL_ON", "low")
    assert invoke(capsys, "scan", answers)[0] == 1
    (tmp_path / "acrscan.yaml").write_text("fail-onn: never\n")
    code, _, err = invoke(capsys, "scan", answers)
    assert (code, '"fail-on"' in err) == (2, True)


def test_outputs_are_whole_or_absent(capsys, answers, tmp_path):
    """A report that cannot be written names its path; the other one is there."""
    blocked = tmp_path / "out"
    (blocked / "acrscan.html").mkdir(parents=True)
    code, _, err = invoke(capsys, "scan", answers, "-f", "html", "-f", "json", "-o", str(blocked))
    assert code == 2
    assert "acrscan.html" in err
    assert json.loads((blocked / "acrscan.json").read_text())
    assert not [path for path in blocked.iterdir() if path.name.startswith(".")]


def test_demo(capsys, tmp_path):
    """The embedded estate: a console report, three files, exit 0."""
    code, out, _ = invoke(capsys, "demo", "-o", str(tmp_path), "--color", "never")
    assert code == 0
    assert "ACR103" in out
    assert {path.suffix for path in tmp_path.iterdir()} == {".html", ".sarif", ".json"}


def test_broken_pipe_is_silent():
    """`acrscan policy list | head -1` ends without noise."""
    done = subprocess.run(
        f"{sys.executable} -m scanner policy list | head -1",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""


def test_progress_shows_on_a_terminal_only(capsys, monkeypatch):
    """Every thousandth resource on a terminal, cleared at the end; nothing in a pipe or in CI."""
    from scanner.cli.show import Progress  # noqa: PLC0415

    def shown(*, terminal, ci=""):
        monkeypatch.setenv("CI", ci)
        monkeypatch.setattr("sys.stderr.isatty", lambda: terminal, raising=False)
        progress = Progress(quiet=False)
        for number in range(2500):
            progress(number)
        progress.done()
        return capsys.readouterr().err

    assert "2,000 resources" in shown(terminal=True)
    assert shown(terminal=False) == ""
    assert shown(terminal=True, ci="true") == ""
