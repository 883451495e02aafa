"""`acrscan explain` on files that describe resources: the same proof, before anything is deployed."""

from __future__ import annotations

import pytest

from scanner.cli.door import run
from tests.integrations.test_github import TEMPLATE


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a template."""
    (tmp_path / "main.json").write_text(TEMPLATE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(capsys, *arguments):
    """The exit code and what was printed."""
    code = run(["explain", *arguments])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_a_template_is_explained(folder, capsys):
    """The condition, the value and the line of the rule; the resource is named by its file."""
    code, out, _ = call(capsys, "ACR101", "--from", "arm", "main.json", "--resource", "acrshop")
    assert code == 0
    assert "file:main.json#Microsoft.ContainerRegistry/registries/acrshop\nfail: Admin user is true" in out
    assert "adminUserEnabled equals false: true" in out


def test_a_file_that_cannot_be_used_is_told(folder, capsys):
    """Its place and the code of an input error, as in a scan."""
    (folder / "broken.json").write_text(TEMPLATE[:-30])
    code, out, err = call(capsys, "ACR101", "--from", "arm", ".")
    assert code == 2
    assert "broken.json:" in err
    assert "fail: Admin user is true" in out


def test_options_of_templates_need_templates(folder, capsys):
    """A parameter file for saved answers is a mistake and said to be one."""
    code, _, err = call(capsys, "ACR101", "main.json", "--parameters", "p.json")
    assert code == 2
    assert "--from arm" in err
