"""What a repository ignores, compared with git itself."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.inventory.ignored import LARGEST, Ignored

FILES = (
    "a.json",
    "b.tf",
    "x/a.json",
    "x/b.tf",
    "x/y/a.json",
    "x/y/c.yaml",
    "build/a.json",
    "z/build/a.json",
    "x/.hidden",
)


def git(folder, *words):
    """What git prints."""
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, check=False, text=True)
    return done.stdout


def repository(folder):
    """A repository with some files and no patterns."""
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    for name in FILES:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    return folder


def by_git(folder):
    """The files that git would not add."""
    told = git(folder, "ls-files", "--others", "--exclude-standard").splitlines()
    return {name for name in FILES if name not in told}


def by_us(folder):
    """The files that are ignored."""
    ignored = Ignored(folder)
    return {name for name in FILES if ignored(folder / name, folder=False)}


LINES = st.sampled_from(
    ["*.json", "!*.json", "build/", "/build", "x/*", "!x/y", "!x/y/", "**/y", "x/**", "!x/y/a.json", "# c", "", " ", "*.tf", "y/", "?.json", "[ab].tf", "!b.tf", "x", "/x/y/c.yaml", "\\!a", "a.json "]
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(root=st.lists(LINES, max_size=4), deeper=st.lists(LINES, max_size=3), own=st.lists(LINES, max_size=2))
def test_git_says_the_same(tmp_path_factory, root, deeper, own):
    """For patterns in the root, in a folder and in git's own file, the answer is git's."""
    folder = repository(tmp_path_factory.mktemp("repository"))
    (folder / ".gitignore").write_text("\n".join(root))
    (folder / "x" / ".gitignore").write_text("\n".join(deeper))
    (folder / ".git" / "info" / "exclude").write_text("\n".join(own))
    assert by_us(folder) == by_git(folder)


def test_a_folder_below_the_root_knows_what_stands_above(tmp_path):
    """A check of a sub-folder still reads the repository's own file."""
    folder = repository(tmp_path)
    (folder / ".gitignore").write_text("y/\n")
    assert Ignored(folder / "x")(folder / "x/y/a.json", folder=False)
    assert Ignored(folder / "x")(folder / "x/y", folder=True)
    assert not Ignored(folder / "x")(folder / "x/a.json", folder=False)


def test_outside_a_repository_nothing_is_ignored(tmp_path):
    """Without `.git` a `.gitignore` means nothing."""
    (tmp_path / ".gitignore").write_text("*\n")
    assert not Ignored(tmp_path)(tmp_path / "a.json", folder=False)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"!\n*.tf\n", "its patterns were not used"),
        (b"#" * (LARGEST + 1), "larger than 1 MiB"),
        (b"\xff\xfe*\n", ""),
    ],
)
def test_hostile_files_are_told(tmp_path, content, says):
    """A file that cannot be used ignores nothing and is named."""
    folder = repository(tmp_path)
    (folder / ".gitignore").write_bytes(content)
    ignored = Ignored(folder)
    assert not ignored(folder / "a.json", folder=False)
    assert says in "".join(ignored.notes)
    assert bool(says) == bool(ignored.notes)
