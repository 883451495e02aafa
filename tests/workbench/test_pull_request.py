"""A pull request on the shipped pack that loosens one rule, renames one and breaks one: the commands name exactly these."""

import json
import shutil

import pytest

from scanner import data
from scanner.cli.door import run
from tests.workbench.repository import Repository

LOOSENED, RENAMED, BROKEN = (
    "policies/acr/ACR201-public-network-restricted.yaml",
    "policies/acr/ACR199-admin-user-disabled.yaml",
    "policies/acr/ACR118-token-passwords-expire.yaml",
)
GAP = "    - {field: properties.adminUserEnabled, equals: false}\n"


@pytest.fixture
def pull_request(tmp_path, monkeypatch):
    """A clone of the policies with the three changes on a branch."""
    found = Repository(tmp_path / "repo")
    shutil.copytree(data.policies(), found.place / "policies")
    found.commit({})
    found.git("switch", "-q", "-c", "work")
    loosened = (found.place / LOOSENED).read_text()
    assert loosened.count("\n  anyOf:\n") == 1
    old = "policies/acr/ACR101-admin-user-disabled.yaml"
    renamed = (found.place / old).read_text().replace("id: ACR101", "id: ACR199")
    found.commit(
        {
            LOOSENED: loosened.replace("\n  anyOf:\n", "\n  anyOf:\n" + GAP),
            old: None,
            RENAMED: renamed.replace("\nmessage:", "\nreplaces: [ACR101]\nmessage:"),
            BROKEN: (found.place / BROKEN).read_text() + "serverity: high\n",
        }
    )
    monkeypatch.chdir(found.place)
    return found


def place_of(repository, file, text, skip=0):
    """file:line:col of a text in a file; `skip`: characters of it that come before the place."""
    lines = (repository.place / file).read_text().splitlines()
    line = next(number for number, one in enumerate(lines) if text in one)
    return f"{file}:{line + 1}:{lines[line].index(text) + skip + 1}"


def places(repository):
    """Where the three stand."""
    return {
        "loosened": place_of(repository, LOOSENED, "{field: properties.adminUserEnabled"),
        "renamed": place_of(repository, RENAMED, "id: ACR199", len("id: ")),
        "broken": place_of(repository, BROKEN, "serverity"),
    }


def report(capsys, *arguments):
    """The exit code and the JSON that a command prints."""
    code = run(arguments)
    return code, json.loads(capsys.readouterr().out)


def at(one):
    return f"{one['file']}:{one['line']}:{one['column']}"


def test_lint_names_the_broken_one(pull_request, capsys):
    """The only error of lint is the rule that does not parse."""
    code, found = report(capsys, "policy", "lint", "policies/acr", "-f", "json")
    assert [at(one) for one in found["problems"] if one["level"] == "error"] == [
        places(pull_request)["broken"]
    ]
    assert code == 2


def test_impact_names_the_three(pull_request, capsys):
    """One error, one loosening, one rename; no other rule has a new or a resolved finding."""
    code, found = report(capsys, "policy", "impact", "--base", "main", "--pack", "policies/acr", "-f", "json", "--no-loosening")  # fmt: skip
    wanted = places(pull_request)
    assert [at(one) for one in found["errors"]] == [wanted["broken"]]
    assert [(one["code"], at(one)) for one in found["loosenings"]] == [("LOOSE001", wanted["loosened"])]
    kinds = {one["id"]: one["kind"] for one in found["rules"] if one["kind"] != "same"}
    assert kinds == {"ACR199": "renamed", "ACR118": "unread"}
    assert found["notCompared"] == ["ACR118"]
    touched = {
        one["id"]
        for one in found["rules"]
        if one["new"] or one["resolved"] or one["changed"] or one["verdicts"]
    }
    assert touched == {"ACR201"}
    assert code == 2
    run(["policy", "impact", "--base", "main", "--pack", "policies/acr", "-f", "github"])
    annotations = [line for line in capsys.readouterr().out.splitlines() if line.startswith("::")]
    spots = {f"file={file},line={line},col={column}" for file, line, column in (one.rsplit(":", 2) for one in wanted.values())}  # fmt: skip
    assert {spot for spot in spots if any(spot in line for line in annotations)} == spots
    assert {line.partition("file=")[2].partition(",")[0] for line in annotations} == {
        LOOSENED,
        RENAMED,
        BROKEN,
    }


def test_diff_names_the_three(pull_request, capsys):
    """The rename asks for the largest step, the loosened rule shows its case, the broken one is an error."""
    code, found = report(capsys, "policy", "diff", "--base", "main", "--pack", "policies/acr", "-f", "json")
    wanted = places(pull_request)
    assert [at(one) for one in found["errors"]] == [wanted["broken"]]
    assert {(one["code"], one["rule"], at(one)) for one in found["changes"]} == {
        ("DIFF003", "ACR199", wanted["renamed"]),
        ("DIFF005", "ACR201", wanted["loosened"]),
    }
    assert found["notCompared"] == ["ACR118"]
    assert (code, found["step"], found["tooLow"]) == (2, "major", True)


def test_without_the_three_nothing_is_named(pull_request, capsys):
    """The same commands on main itself find nothing."""
    pull_request.git("switch", "-q", "main")
    code, found = report(capsys, "policy", "impact", "--base", "main", "--pack", "policies/acr", "-f", "json", "--no-loosening")  # fmt: skip
    assert (code, found["loosenings"], found["errors"]) == (0, [], [])
    code, found = report(capsys, "policy", "diff", "--base", "main", "--pack", "policies/acr", "-f", "json")
    assert (code, found["changes"], found["tooLow"]) == (0, [], False)
