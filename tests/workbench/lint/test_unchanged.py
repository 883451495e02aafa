"""Runs that are remembered as a whole: every input is in the key, and what is told is what was told."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from scanner.model.condition import Mark
from scanner.workbench.lint import memory, unchanged
from scanner.workbench.problem import Checked, Fix, Problem, Report

REPORT = Report(
    "lint",
    (
        Problem(
            "SEM007",
            "error",
            "no such path",
            Mark("a.yaml", 3, 4),
            "Did you mean b?",
            "R1",
            "  | x",
            9,
            "d\ne",
        ),
        Problem(
            "YAML003",
            "warning",
            "n\u00e4h \udcff",
            Mark("b.yaml", 1, 1),
            fix=Fix("b.yaml", 2, 4, '"no"'),
            units=(5, 7),
        ),
    ),
    {"rules": 2},
    (Checked("a.yaml", "R1", Mark("a.yaml", 1, 1), "why", "more"),),
)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A folder of its own to remember in."""
    monkeypatch.setattr(unchanged, "home", lambda: tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def pack(tmp_path):
    """A small pack with a folder in it and a catalogue."""
    folder = tmp_path / "pack"
    (folder / "deeper").mkdir(parents=True)
    (folder / "frameworks").mkdir()
    for name in ("pack.yaml", "a.yaml", "deeper/b.yml", "frameworks/f.yaml"):
        (folder / name).write_text(name)
    return folder


def key(pack, *options, others=()):
    """The key of a run."""
    made = unchanged.key_of(options, [pack], others)
    assert made is not None
    return made


def test_a_report_comes_back_as_it_was():
    """Problems, fixes, places, cases and counts, whatever characters they hold."""
    unchanged.keep("k", REPORT)
    assert unchanged.recall("k") == REPORT
    assert unchanged.recall("other") is None


@pytest.mark.parametrize("name", ["pack.yaml", "a.yaml", "deeper/b.yml", "frameworks/f.yaml"])
def test_each_file_of_a_pack_counts(pack, name):
    """Another content, a file more and a file less are other runs; the same content again is the same run."""
    first = key(pack)
    (pack / name).write_text("other")
    assert key(pack) != first
    (pack / name).write_text(name)
    assert key(pack) == first
    (pack / name).rename(pack / "moved.yaml")
    assert key(pack) != first


def test_a_new_file_counts(pack):
    """Also an empty one."""
    first = key(pack)
    (pack / "deeper" / "c.yaml").write_text("")
    assert key(pack) != first


def test_options_and_place_count(pack, monkeypatch, tmp_path):
    """The day, the checks, and the folder that places are told from."""
    keys = {key(pack, "2026-11-26"), key(pack, "2026-11-27"), key(pack, "2026-11-26", "x")}
    assert len(keys) == 3
    monkeypatch.chdir(tmp_path)
    here = key(pack, "2026-11-26")
    monkeypatch.chdir(pack)
    assert key(pack, "2026-11-26") != here


def test_the_code_counts(pack, monkeypatch):
    """Another version of the checks is asked again."""
    first = key(pack)
    monkeypatch.setattr(unchanged, "digest_of_code", lambda: "another")
    assert key(pack) != first


def test_files_beside_count(pack, tmp_path):
    """Waivers, profiles and catalogues; one that is missing is another run than one that is empty."""
    beside, folder = tmp_path / "w.yaml", tmp_path / "shipped"
    keys = [key(pack, others=[beside, folder])]
    beside.write_text("")
    keys.append(key(pack, others=[beside, folder]))
    folder.mkdir()
    (folder / "f.yaml").write_text("")
    keys.append(key(pack, others=[beside, folder]))
    assert len(set(keys)) == 3


def test_a_rule_file_depends_on_the_pack_above_it(pack):
    """Its own text, the nearest pack.yaml and that pack's catalogues; not its neighbours."""
    path = pack / "deeper" / "b.yml"
    first = key(path)
    (pack / "a.yaml").write_text("other")
    assert key(path) == first
    for name in ("pack.yaml", "frameworks/f.yaml", "deeper/b.yml"):
        (pack / name).write_text("other")
        changed = key(path)
        assert changed != first
        first = changed
    (pack / "deeper" / "pack.yaml").write_text("nearer")
    assert key(path) != first


def test_what_is_too_much_is_not_remembered(pack, monkeypatch):
    """Neither by number nor by size."""
    monkeypatch.setattr(unchanged, "_MOST_FILES", 3)
    assert unchanged.key_of((), [pack], ()) is None
    monkeypatch.setattr(unchanged, "_MOST_FILES", 100)
    monkeypatch.setattr(unchanged, "_MOST_BYTES", 10)
    assert unchanged.key_of((), [pack], ()) is None
    monkeypatch.setattr(unchanged, "_SIZE", 10)
    unchanged.keep("k", REPORT)
    assert unchanged.recall("k") is None


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="nothing is unreadable for this user"
)
def test_what_cannot_be_read_has_no_key(pack):
    """The run itself tells what is wrong."""
    (pack / "a.yaml").chmod(0)
    assert unchanged.key_of((), [pack], ()) is None


def test_a_loop_of_links_ends(pack):
    """A link to the folder above is not followed."""
    try:
        (pack / "deeper" / "up").symlink_to(pack, target_is_directory=True)
    except OSError:
        pytest.skip("links cannot be made here")
    assert key(pack)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"problems": 1, "counts": {}, "cases": []}',
        '{"problems": [], "counts": {"rules": "many"}, "cases": []}',
        '{"problems": [["A"]], "counts": {}, "cases": []}',
        '{"problems": [["A", "fatal", "", ["", 0, 0], "", "", "", 0, "", [], [0, 0]]], "counts": {}, "cases": []}',
        '{"problems": [["A", "error", "", ["", "0", 0], "", "", "", 0, "", [], [0, 0]]], "counts": {}, "cases": []}',
        '{"problems": [["A", "error", "", ["", 0, 0], "", "", "", 0, "", [1], [0, 0]]], "counts": {}, "cases": []}',
        '{"problems": [], "counts": {}, "cases": [["a", "b", [], "", ""]]}',
    ],
)
def test_a_broken_report_is_none(home, text):
    """Whatever stands in the file, the checks run again."""
    (home / "lint").mkdir(parents=True)
    (home / "lint" / "k.json").write_text(text)
    assert unchanged.recall("k") is None


def test_only_the_newest_are_kept(home):
    """The folder does not grow for ever."""
    for number in range(unchanged.KEPT + 5):
        unchanged.keep(f"k{number:02}", REPORT)
        os.utime(home / "lint" / f"k{number:02}.json", (number, number))
    unchanged.keep("last", REPORT)
    names = {path.stem for path in (home / "lint").iterdir()}
    assert len(names) == unchanged.KEPT
    assert "last" in names
    assert "k00" not in names


def test_without_a_home_nothing_is_kept(monkeypatch):
    """A user without a folder is told the truth all the same."""
    monkeypatch.setattr(unchanged, "home", lambda: None)
    unchanged.keep("k", REPORT)
    assert unchanged.recall("k") is None


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the custom of another platform")
def test_the_home_is_that_of_the_platform(monkeypatch, tmp_path):
    """XDG's folder, or the one below the home; one that is not absolute is none."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert memory.home() == tmp_path / "acrscan"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert memory.home() == tmp_path / ".cache" / "acrscan"
    monkeypatch.setenv("XDG_CACHE_HOME", "somewhere")
    assert memory.home() is None
    assert Path("somewhere").exists() is False
