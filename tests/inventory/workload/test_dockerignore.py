"""`.dockerignore` as `az acr build` reads it."""

import pytest

from tests.inventory.workload.trees import read, row_position, rows


@pytest.mark.parametrize(
    ("text", "patterns"),
    [
        ("!.git/**\n", ["!.git/**"]),
        ("*\n!.git/**\n", ["!.git/**"]),
        ("!.git/**\n.git\n", ["!.git/**"]),
        ("!.git/**\n.git/**\n", []),
        ("!.git/**\n**\n", []),
        ("!**\n", ["!**"]),
        ("!/.git/**/\n", ["!/.git/**/"]),
        ("!.git/config\n", ["!.git/config"]),
        ("!.git/objects/**\n!.git/HEAD\n", ["!.git/objects/**", "!.git/HEAD"]),
        ("!.git\n", []),
        ("!.git/\n", []),
        (".git\nnode_modules\n", []),
        ("#!.git/**\n\n", []),
        ("!.gitignore\n!src/.git/**\n", []),
        ("\ufeff!.git/**\r\n", ["!.git/**"]),
        ("![\n!.git/**\n", ["!.git/**"]),
    ],
)
def test_lines_that_send_the_history(tmp_path, text, patterns):
    """The last line that fits a file decides; `.git` itself is left out by the command, and what is below it inherits that."""
    reading = read(tmp_path, {".dockerignore": text})
    assert [row["pattern"] for row in rows(reading, "gitHistory")] == patterns


def test_a_line_has_its_place(tmp_path):
    """The line that decides."""
    reading = read(tmp_path, {"a/Dockerfile.dockerignore": "node_modules\n!.git/**\n"})
    assert row_position(reading, "gitHistory") == ("a/Dockerfile.dockerignore", 2, 1)


def test_a_pattern_that_no_engine_takes_is_said(tmp_path):
    """With its line."""
    reading = read(tmp_path, {".dockerignore": "a\n!(\n"})
    assert reading.inventory.diagnostics == (
        ".dockerignore:2: the pattern '!(' cannot be read; it was left out",
    )


def test_too_many_lines_leave_the_rest_open(tmp_path):
    """Not passed."""
    reading = read(tmp_path, {".dockerignore": "a\n" * 2_001})
    assert [type(row).__name__ for row in rows(reading, "gitHistory")] == ["UnreadTail"]


def test_hostile_patterns_take_no_time(tmp_path):
    """The engine is linear."""
    assert rows(read(tmp_path, {".dockerignore": "!" + "**/" * 300 + "zzz\n"}), "gitHistory") == []
