"""`acrscan hook`: which packs and waiver files changed files belong to, and what comes of checking them."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.cli.door import run
from scanner.cli.hook import targets

GOOD = """\
id: ACME101
name: tagged
title: Registries are tagged
severity: low
target: Microsoft.ContainerRegistry/registries
assert: {field: tags.owner, exists: true}
message: no owner
rationale: Somebody must answer.
remediation: {effort: low, manual: Set the tag.}
references: [https://learn.microsoft.com/azure/container-registry/]
reviewed: 2026-11-26
controls: {faq: [RM4]}
tests:
  - {name: tagged, resource: {tags: {owner: team}}, expect: pass}
  - {name: bare, resource: {tags: {}}, expect: fail, messageContains: owner}
  - {name: not read, resource: {tags: !unknown "403"}, expect: unknown}
"""


def call(capsys, *arguments):
    code = run([str(one) for one in arguments])
    told = capsys.readouterr()
    return code, told.out + told.err


@pytest.fixture
def packs(tmp_path, monkeypatch):
    """Two packs and files beside them."""
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        folder = tmp_path / "packs" / name
        folder.mkdir(parents=True)
        (folder / "pack.yaml").write_text(
            f"apiVersion: acrscan/v1\npack: {{id: {name}, prefix: ACME, version: 0.1.0}}\n"
        )
        (folder / "ACME101-tagged.yaml").write_text(GOOD)
    (tmp_path / "values.yaml").write_text("replicas: 1\n")
    (tmp_path / "ACME200-alone.yaml").write_text(GOOD.replace("ACME101", "ACME200"))
    return tmp_path


def test_files_and_their_packs(packs):
    """A rule, pack.yaml, a fixture: the pack once; a rule without a pack alone; other YAML is left out and named."""
    names = (
        "packs/a/ACME101-tagged.yaml",
        "packs/a/pack.yaml",
        "packs/b/x.test.yaml",
        "values.yaml",
        "ACME200-alone.yaml",
    )
    found = targets(map(Path, names))
    assert [path.as_posix() for path in found.packs] == ["packs/a", "packs/b"]
    assert [path.as_posix() for path in found.alone] == ["ACME200-alone.yaml"]
    assert found.others == ["values.yaml"]


def test_the_whole_pack_is_checked(packs, capsys):
    """A change of pack.yaml alone is found to break a rule that did not change."""
    assert call(capsys, "hook", "lint", "packs/a/pack.yaml")[0] == 0
    code, told = call(
        capsys, "hook", "test", "packs/a/pack.yaml", "packs/b/ACME101-tagged.yaml", "ACME200-alone.yaml"
    )
    assert code == 0
    assert "9 tests passed, 0 failed" in told or "9 tests" in told
    main = packs / "packs/a/pack.yaml"
    main.write_text(main.read_text().replace("ACME", "OTHER"))
    code, told = call(capsys, "hook", "lint", "packs/a/pack.yaml")
    assert code == 2
    assert "packs/a/ACME101-tagged.yaml:1:5" in told


def test_a_failing_test_fails_the_hook(packs, capsys):
    """The code is that of `policy test`."""
    path = packs / "packs/a/ACME101-tagged.yaml"
    path.write_text(GOOD.replace("expect: unknown", "expect: pass"))
    code, told = call(capsys, "hook", "test", "packs/a/ACME101-tagged.yaml")
    assert code == 1
    assert "not read" in told


def test_files_of_no_pack(packs, capsys):
    """They are named, and that is no failure: pre-commit hands over every YAML file that changed."""
    code, told = call(capsys, "hook", "lint", "values.yaml")
    assert code == 0
    assert "nothing to check: no pack.yaml is above values.yaml" in told
    assert (
        "left out: no pack.yaml is above values.yaml"
        in call(capsys, "hook", "lint", "values.yaml", "packs/a/pack.yaml")[1]
    )
    assert call(capsys, "hook", "lint")[0] == 2


def test_options_go_on_to_the_check(packs, capsys):
    """One that the check has not is an error of the command line."""
    code, told = call(capsys, "hook", "test", "--no-such-option", "packs/a/pack.yaml")
    assert code == 2
    assert "--no-such-option" in told
    assert "tagged" in call(capsys, "hook", "test", "-v", "packs/a/pack.yaml")[1]


def test_every_waiver_file_is_checked(packs, capsys):
    """A file that cannot be read keeps no other from being checked; the weightiest code wins."""
    (packs / "broken.yaml").write_text("apiVersion: acrscan/v1\nwaivers: {}\n")
    (packs / "expired.yaml").write_text(
        "apiVersion: acrscan/v1\nwaivers:\n  - {id: W-1, rule: ACR101, resourceGlob: '**', kind: risk-accepted, reason: r,"
        " owner: a, approver: b, created: 2020-01-01, expires: 2020-02-01}\n"
    )
    (packs / "good.yaml").write_text("apiVersion: acrscan/v1\nwaivers: []\n")
    assert call(capsys, "hook", "waivers", "good.yaml")[0] == 0
    code, told = call(capsys, "hook", "waivers", "broken.yaml", "expired.yaml", "good.yaml")
    assert code == 2
    assert "broken.yaml:2:" in told
    assert "WAV001" in told
    assert call(capsys, "hook", "waivers", "expired.yaml")[0] == 1
