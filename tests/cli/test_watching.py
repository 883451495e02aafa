"""`policy test --watch`: runs again after a change, tells files that cannot be used, and ends when it is interrupted."""

from __future__ import annotations

import time

import pytest

from scanner.cli import watching
from scanner.cli.door import run
from scanner.errors import UsageError
from tests.workbench.packs import write

CHECK = "assert: {field: sku.name, equals: Premium}"
TESTS = "[{name: a, resource: {sku: {name: %s}}, expect: pass}]"


def paused(monkeypatch, steps):
    """A clock whose pauses do one thing after the other and then press Ctrl-C."""
    left = list(steps)

    def sleep(_seconds):
        if not left:
            raise KeyboardInterrupt
        left.pop(0)()

    monkeypatch.setattr(time, "sleep", sleep)


def test_every_change_is_tested_until_somebody_ends_it(capsys, tmp_path, monkeypatch):
    """A pass, a failure after an edit, an error after a worse one, a pass again; then Ctrl-C, which leaves with 130."""
    write(tmp_path, check=CHECK, tests=TESTS % "Premium")
    paused(
        monkeypatch,
        [
            lambda: write(tmp_path, check=CHECK, tests=TESTS % "Standard"),
            lambda: write(tmp_path, check="assert: {nothing: 1}", tests=TESTS % "Standard"),
            lambda: None,
            lambda: write(tmp_path, check=CHECK, tests=TESTS % "Premium"),
        ],
    )
    assert run(["policy", "test", str(tmp_path), "--watch"]) == 130
    out, err = capsys.readouterr()
    assert [line for line in out.splitlines() if "passed" in line] == [
        "1 tests passed, 0 failed",
        "0 tests passed, 1 failed",
        "1 tests passed, 0 failed",
    ]
    assert err.count("watching 2 files; Ctrl-C ends") == 4
    assert "exit 1: 1 tests failed" in err
    assert "nothing" in err
    assert err.endswith("exit 130: interrupted\n")


def test_new_gone_and_changed_files_are_changes(tmp_path):
    """Policy files of every folder count, others do not; a file that is named counts alone."""
    write(tmp_path, check=CHECK)
    before = watching.stamps([tmp_path])
    assert {path.name for path in before} == {"pack.yaml", "TST101-one-rule.yaml"}
    (tmp_path / "notes.txt").write_text("a")
    assert watching.stamps([tmp_path]) == before
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "a.test.yaml").write_text("a")
    more = watching.stamps([tmp_path])
    assert len(more) == 3
    (tmp_path / "tests" / "a.test.yaml").write_text("ab")
    assert watching.stamps([tmp_path]) != more
    (tmp_path / "tests" / "a.test.yaml").unlink()
    assert watching.stamps([tmp_path]) == before
    assert len(watching.stamps([tmp_path / "pack.yaml"])) == 1
    assert watching.stamps([tmp_path / "nowhere.yaml"]) == {}


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    """Somebody's whole disk is not watched."""
    write(tmp_path, check=CHECK)
    monkeypatch.setattr(watching, "MAX_FILES", 1)
    with pytest.raises(UsageError, match="more than 1 files"):
        watching.stamps([tmp_path])


def test_a_file_is_watched_with_its_pack(capsys, tmp_path, monkeypatch):
    """A rule file's definitions stand in the pack: a change there is tested as well."""
    folder = write(tmp_path, check="assert: {ref: isPremium}", tests=TESTS % "Premium")
    text = (folder / "pack.yaml").read_text()
    paused(
        monkeypatch,
        [lambda: (folder / "pack.yaml").write_text(text.replace("equals: Premium", "equals: Basic"))],
    )
    assert run(["policy", "test", str(folder / "TST101-one-rule.yaml"), "--watch"]) == 130
    out, _ = capsys.readouterr()
    assert [line for line in out.splitlines() if "passed" in line] == [
        "1 tests passed, 0 failed",
        "0 tests passed, 1 failed",
    ]
