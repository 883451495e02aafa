"""`acrscan scan --from host`: roots and homes as options, exit codes, and what contradicts itself."""

from __future__ import annotations

import json

import pytest

from scanner.cli.door import run
from tests.inventory.host.building import CONFIG, DAEMON, DPKG, STATUS, auth, put


def invoke(capsys, *arguments):
    """Exit code, standard output and error of one run."""
    code = run(arguments)
    told = capsys.readouterr()
    return code, told.out, told.err


@pytest.fixture
def root(tmp_path):
    """A host with a current Docker."""
    return put(tmp_path / "disk", {STATUS: DPKG, "etc/hostname": "build-1\n"})


def test_a_host_in_order_leaves_with_0(capsys, root):
    """Every rule about hosts was decided, those about Azure were left out with a reason."""
    code, out, _ = invoke(capsys, "scan", "--from", "host", "--root", str(root), "-f", "json", "-o", "-")
    assert code == 0
    summary = json.loads(out)["summary"]
    assert summary["evaluations"] == 8
    assert summary["verdicts"]["fail"] == summary["verdicts"]["unknown"] == 0
    left_out = {one["rule"]: one["reason"] for one in summary["rulesNotEvaluated"]}
    assert left_out["ACR101"] == "a host was scanned (--from host), and it tells nothing about Azure"


def test_a_stored_password_gates_with_its_place(capsys, root):
    """A high finding leaves with 1 and is told with registry, file and line, never with the value."""
    put(root, {CONFIG: {"auths": {"contoso.azurecr.io": {"auth": auth("contoso", "hunter2hunter2")}}}})
    code, out, _ = invoke(capsys, "scan", "--from", "host", "--root", str(root), "-f", "sarif", "-o", "-")
    assert code == 1
    results = [one for one in json.loads(out)["runs"][0]["results"] if one["ruleId"] == "ACR811"]
    place = results[0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("root/.docker/config.json")
    assert place["region"]["startLine"] == 3
    assert "hunter2" not in out
    assert auth("contoso", "hunter2hunter2") not in out


def test_what_is_unknown_is_incomplete(capsys, root):
    """A home's credentials that cannot be decided leave with 3: a high rule has no verdict."""
    put(root, {CONFIG: "{"})
    code, out, err = invoke(capsys, "scan", "--from", "host", "--root", str(root))
    assert code == 3
    assert "is not valid JSON" in out
    assert "exit 3" in err


def test_several_roots_one_of_which_is_not_there(capsys, root, tmp_path):
    """The others are scanned and reported; the missing one is said and leaves with 2."""
    put(root, {DAEMON: {"debug": True}})
    code, out, err = invoke(
        capsys,
        "scan",
        "--from",
        "host",
        "--root",
        str(tmp_path / "none"),
        "--root",
        str(root),
        "--fail-on",
        "never",
    )
    assert code == 2
    assert "cannot be used as a root" in err
    assert "ACR802" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--from", "host", "{root}"], "--from host reads no PATH"),
        (["--root", "{root}"], "--root and --home are for hosts"),
        (["--from", "saved", "{root}", "--home", "/root"], "--root and --home are for hosts"),
        (["--from", "host", "--root", "{root}", "--home", "/none"], "no such folder in the root"),
        (["--from", "host", "--root", "{root}", "--parameters", "p.json"], "are for templates"),
        (["--from", "host", "--root", "{root}", "--probe"], "for Azure itself"),
    ],
)
def test_what_contradicts_itself_leaves_with_2(capsys, root, arguments, words):
    """Each says what is wrong, and what to write instead."""
    code, _, err = invoke(capsys, "scan", *(one.replace("{root}", str(root)) for one in arguments))
    assert code == 2
    assert words in err


def test_the_help_shows_how(capsys):
    """Options and an example are in the help of scan."""
    code, out, _ = invoke(capsys, "scan", "--help")
    assert code == 0
    for words in ("--root DIR", "--home DIR", "acrscan scan --from host"):
        assert words in out


def test_a_scan_can_be_stored_and_reported_later(capsys, root, tmp_path):
    """The stored scan of a host gives the same findings again."""
    put(root, {DAEMON: {"debug": True}})
    stored = tmp_path / "out"
    invoke(
        capsys,
        "scan",
        "--from",
        "host",
        "--root",
        str(root),
        "-f",
        "ndjson",
        "-o",
        str(stored),
        "--fail-on",
        "never",
    )
    (file,) = stored.glob("*.ndjson")
    code, out, _ = invoke(capsys, "report", str(file), "-f", "csv", "-o", "-")
    assert code == 0
    assert "ACR802" in out
