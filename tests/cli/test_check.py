"""`acrscan check`: everything in a tree in one run, without what git ignores, and one bad file hides no other."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from scanner.cli.door import run
from scanner.inventory.tree import Tree

REGISTRY = {
    "type": "Microsoft.ContainerRegistry/registries",
    "apiVersion": "2025-11-01",
    "location": "westeurope",
    "sku": {"name": "Premium"},
}
SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


def template(name, admin):
    """A template with one registry."""
    body = {**REGISTRY, "name": name, "properties": {"adminUserEnabled": admin}}
    return json.dumps({"$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": [body]}, indent=2)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with two templates, one of them ignored, as the working folder."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "infra").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "infra" / "main.json").write_text(template("acrgood", admin=False))
    (tmp_path / "out" / "built.json").write_text(template("acrbuilt", admin=True))
    (tmp_path / "package.json").write_text('{"name": "nothing to do with it"}')
    (tmp_path / ".gitignore").write_text("out/\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(capsys, *arguments):
    """The exit code, the findings and what was said on stderr."""
    code = run(["check", "--rule", "ACR101", "-f", "json", "-o", "-", *map(str, arguments)])
    told = capsys.readouterr()
    rows = json.loads(told.out)["findings"] if told.out.startswith("{") else []
    return code, [(row["resourceName"], row["verdict"]) for row in rows], told.err


def test_the_working_folder_is_checked_without_what_git_ignores(repository, capsys):
    """The template is found by its content, other JSON is no error, and the built one is left out."""
    code, rows, err = call(capsys)
    assert (code, rows) == (0, []), err


def test_what_git_ignores_can_be_asked_for(repository, capsys):
    """With --no-ignore the built template fails the run."""
    assert call(capsys, "--no-ignore")[:2] == (1, [("acrbuilt", "fail")])


def test_a_named_folder_or_file_is_read(repository, capsys):
    """A file is taken for what it is; one that git ignores counts when it is named itself."""
    assert call(capsys, "infra")[0] == 0
    assert call(capsys, "infra/main.json")[0] == 0
    assert call(capsys, "out/built.json")[:2] == (1, [("acrbuilt", "fail")])


def test_one_bad_file_hides_no_other(repository, capsys):
    """A template that ends in the middle is an error with its place; the finding of the other is there."""
    (repository / "infra" / "broken.json").write_text(template("acrbroken", admin=True)[:-40])
    (repository / "infra" / "bad.json").write_text(template("acrbad", admin=True))
    code, rows, err = call(capsys)
    assert rows == [("acrbad", "fail")]
    assert code == 2
    assert "infra/broken.json:" in err
    assert "1 file could not be used" in err


def test_nothing_found_is_never_success(repository, capsys):
    """A tree without anything to judge is told and leaves with 3, unless that is accepted."""
    (repository / "infra" / "main.json").unlink()
    code, rows, err = call(capsys)
    assert (code, rows) == (3, []), err
    assert call(capsys, "--allow-empty")[0] == 0


def test_a_path_that_is_not_there(repository, capsys):
    """Said with its name, as wrong usage."""
    code, _, err = call(capsys, "infar")
    assert code == 2
    assert "infar: no such file or folder" in err


def test_one_kind_can_be_chosen(repository, capsys):
    """The kinds are those of `scan --from`."""
    (repository / "infra" / "main.json").write_text(template("acrbad", admin=True))
    assert call(capsys, "--kind", "arm")[:2] == (1, [("acrbad", "fail")])
    assert call(capsys, "--kind", "nothing")[0] == 2


def test_patterns_that_cannot_be_used_are_told(repository, capsys):
    """A `.gitignore` that is broken is named, and nothing is left out by it."""
    (repository / ".gitignore").write_text("!\n")
    code, rows, err = call(capsys)
    assert (code, rows) == (1, [("acrbuilt", "fail")])
    assert "patterns were not used" in err


def test_places_are_those_of_the_repository(repository, capsys):
    """A file has the same name from wherever its folder is named, as long as it lies below the working folder."""
    (repository / "infra" / "main.json").write_text(template("acrbad", admin=True))
    for path in ("infra", "./infra/", "infra/../infra", "infra/main.json", repository / "infra"):
        run(["check", "--rule", "ACR101", "-f", "json", "-o", "-", str(path)])
        (row,) = json.loads(capsys.readouterr().out)["findings"]
        assert row["origin"]["where"] == "infra/main.json"
        assert row["resource"].startswith("/subscriptions/file:infra%2Fmain.json/")


def test_files_can_be_left_out(repository, capsys):
    """Patterns are those of a .gitignore, for the names that reports show; one that is none is wrong usage."""
    (repository / "infra" / "main.json").write_text(template("acrbad", admin=True))
    (repository / "infra" / "examples").mkdir()
    (repository / "infra" / "examples" / "a.json").write_text(template("acrexample", admin=True))
    assert call(capsys, "--exclude", "examples/")[1] == [("acrbad", "fail")]
    assert call(capsys, "infra", "--exclude", "/infra/main.json")[1] == [("acrexample", "fail")]
    code, _, err = call(capsys, "--exclude", "!")
    assert code == 2
    assert "--exclude" in err


@pytest.mark.skipif(
    hasattr(os, "geteuid") and os.geteuid() == 0, reason="nothing is unreadable for this user"
)
def test_a_folder_that_cannot_be_read_is_told(repository, capsys):
    """It is named once, and the rest is judged."""
    closed = repository / "closed"
    closed.mkdir(mode=0)
    code, rows, err = call(capsys)
    closed.chmod(0o700)
    assert (code, rows) == (2, [])
    assert err.count("closed: cannot be read") == 1


def test_a_folder_that_goes_away_is_told(repository, monkeypatch):
    """A folder that cannot be listed is an error of its own, once for all kinds, and hides no other."""
    (repository / "gone").mkdir()
    listed = os.scandir

    def scandir(place):
        if Path(place).name == "gone":
            raise PermissionError(13, "Permission denied")
        return listed(place)

    monkeypatch.setattr("scanner.inventory.tree.os.scandir", scandir)
    tree = Tree.of([repository])
    for _ in range(2):
        names = [file.name for file in tree.files(lambda name: name.endswith(".json"))]
        assert "infra/main.json" in names
    (error,) = tree.unread.values()
    assert "gone: cannot be read: Permission denied" in str(error)


def test_all_kinds_come_together(repository, capsys):
    """A template, a module of Terraform and a Dockerfile are judged in one run, each with its own place."""
    (repository / "infra" / "main.json").write_text(template("acrbad", admin=True))
    (repository / "tf").mkdir()
    (repository / "tf" / "main.tf").write_text(
        'resource "azurerm_container_registry" "r" {\n  name = "acrtf"\n  resource_group_name = "rg"\n'
        '  location = "westeurope"\n  sku = "Premium"\n  admin_enabled = true\n}\n'
    )
    (repository / "Dockerfile").write_text("FROM Contoso.azurecr.io/app:1.0\n")
    code = run(["check", "--rule", "ACR101", "--rule", "ACR805", "-f", "json", "-o", "-"])
    rows = json.loads(capsys.readouterr().out)["findings"]
    assert code == 1
    assert {(row["rule"], row["origin"]["where"], row["origin"]["line"]) for row in rows} == {
        ("ACR101", "infra/main.json", 14),
        ("ACR101", "tf/main.tf", 6),
        ("ACR805", "Dockerfile", 1),
    }


def test_a_role_on_a_registry_that_is_only_referred_to_is_told(repository, capsys):
    """A grant on an existing registry has no registry in these files to be judged with: that is said, not passed over."""
    grant = {
        "type": "Microsoft.Authorization/roleAssignments",
        "apiVersion": "2022-04-01",
        "name": "[guid('x')]",
        "scope": "Microsoft.ContainerRegistry/registries/acrold",
        "properties": {
            "roleDefinitionId": "[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '8e3af657-a8ff-443c-a75c-2fe8c4bcb635')]",
            "principalId": "aaaaaaaa-0000-4000-8000-000000000001",
        },
    }
    content = {"$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": [grant]}
    (repository / "infra" / "grant.json").write_text(json.dumps(content))
    run(["check"])
    said = " ".join(capsys.readouterr().out.split())
    assert "gives a role on file:infra/grant.json#Microsoft.ContainerRegistry/registries/acrold" in said
    assert "no rule judges who may use it" in said
