"""Which files of a pack go into a bundle, and what keeps a folder from becoming one."""

from __future__ import annotations

import os
import sys

import pytest

from scanner.bundle import gather as gathering
from scanner.bundle.gather import gather
from scanner.errors import Problems, UsageError
from tests.bundle.packs import write_pack, write_profile

LINKS = pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")


def problems(folder, *profiles):
    with pytest.raises(Problems) as caught:
        gather(folder, profiles)
    return [str(error) for error in caught.value.errors]


def test_all_yaml_and_nothing_else(tmp_path, pack):
    """Rules, tests, catalogues and profiles are in it, each with its role; other files are named as left out."""
    (pack / "README.md").write_text("x")
    (pack / ".git").mkdir()
    (pack / ".git" / "config").write_text("x")
    found = gather(pack, [write_profile(tmp_path)])
    assert {one.path: one.role for one in found.entries()} == {
        "pack/pack.yaml": "pack",
        "pack/TNY101-admin-off.yaml": "rules",
        "pack/more/TNY102-limit.yaml": "rules",
        "pack/TNY101.test.yaml": "tests",
        "pack/frameworks/house.yaml": "framework",
        "profiles/strict.yaml": "profile",
    }
    assert found.left_out == ("README.md", ".git/config")


@LINKS
def test_links(tmp_path, pack):
    """A link inside the pack is its content; one that leads out, and one to a folder, are errors."""
    (tmp_path / "secret.yaml").write_text("id: X\n")
    (pack / "inner.yaml").symlink_to(pack / "TNY101.test.yaml")
    (pack / "outer.yaml").symlink_to(tmp_path / "secret.yaml")
    (pack / "gone.yaml").symlink_to(pack / "nothing.yaml")
    (pack / "folder").symlink_to(tmp_path)
    found = problems(pack)
    assert len(found) == 3
    assert "pack/folder: is a link to a folder" in found[0]
    assert any("pack/outer.yaml: is a link that leads out of the pack" in one for one in found)
    assert any("pack/gone.yaml: is no file" in one for one in found)
    for name in ("outer.yaml", "gone.yaml", "folder"):
        (pack / name).unlink()
    assert gather(pack).files["pack/inner.yaml"] == (pack / "TNY101.test.yaml").read_bytes()


@LINKS
def test_a_pipe_is_not_opened(pack):
    """A pipe that is named like a rule is refused without waiting for who writes into it."""
    os.mkfifo(pack / "pipe.yaml")
    assert "pipe.yaml: is no file" in problems(pack)[0]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("con.yaml", "Windows keeps for a device"),
        ("größe.yaml", "not the same on every platform"),
        (".hidden.yaml", "not the same on every platform"),
        ("a" * 100 + ".yaml", "more than 96 characters"),
        ("a" * 80 + "/" + "b" * 80 + ".yaml", "more than 150 characters"),
    ],
)
def test_names_that_no_bundle_holds(pack, name, words):
    """Each is told with its place, before anything is written."""
    path = pack / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("x: 1\n")
    (found,) = problems(pack)
    assert words in found
    assert "Rename it" in found


@pytest.mark.skipif(sys.platform != "linux", reason="the file system folds case")
def test_names_that_differ_by_case(pack):
    """Two names that Windows and macOS take for one are an error."""
    (pack / "tny101-ADMIN-off.yaml").write_text("x: 1\n")
    assert "are one name on some platforms" in problems(pack)[0]


def test_bounds(pack, monkeypatch):
    """A file, a number of files, and all files together have a limit; every limit that is passed is told."""
    monkeypatch.setattr(gathering, "MAX_BYTES", 300)
    monkeypatch.setattr(gathering, "MAX_FILES", 2)
    monkeypatch.setattr(gathering, "LARGEST", 100)
    found = problems(pack)
    assert "TNY101-admin-off.yaml: has more than the 300 bytes allowed" in found[0]
    assert any("holds more than 2 files" in one for one in found)
    assert any("more than the 100 allowed" in one for one in found)


def test_profiles_of_one_name(tmp_path, pack):
    """Two profiles cannot lie under one name."""
    (tmp_path / "other").mkdir()
    with pytest.raises(UsageError, match="two profiles are named 'strict'"):
        gather(pack, [write_profile(tmp_path), write_profile(tmp_path / "other")])


def test_bytes_are_taken_as_they_are(tmp_path):
    """Nothing is rewritten: a BOM and the ends of lines stay, so the digests are those of the files."""
    folder = write_pack(tmp_path / "pack", **{"TNY101.test.yaml": "\ufeff# a\r\n"})
    assert gather(folder).files["pack/TNY101.test.yaml"] == b"\xef\xbb\xbf# a\r\n"
