"""Strict YAML: what is refused, where the error points, and what plain words mean."""

from __future__ import annotations

import pytest

from scanner.errors import InputError, RuleError
from scanner.model.values import Unknown, UnreadTail
from scanner.text import MAX_DEPTH, load_yaml, plain, read_text

REFUSED = [
    ("a: 1\na: 2", "2:1", "duplicate key"),
    ("a: &x 1", "1:4", "anchors"),
    ("a: [1]\nb: *x", "2:4", "alias"),
    ("a: !!python/object:os.system x", "1:4", "tag"),
    ("a: !!str 5", "1:4", "tag"),
    ("a: !unknown why", "1:4", "tag"),
    ("a: !!map {}", "1:4", "tag"),
    ("<<: {a: 1}", "1:1", "merge"),
    ("a:\n\t- b", "2:1", "cannot start any token"),
    ("a: [1,", "2:1", "did not find"),
    ("[a, b]: 1", "1:1", "key must be text"),
    ("- " * (MAX_DEPTH + 2), f"1:{2 * MAX_DEPTH + 1}", "deeper"),
]


@pytest.mark.parametrize(("text", "place", "what"), REFUSED)
def test_refused(text, place, what):
    """Each forbidden construct is one error at its line and column, with the line and a caret."""
    with pytest.raises(RuleError) as caught:
        load_yaml(text, "f.yaml")
    assert caught.value.where == f"f.yaml:{place}"
    assert what in caught.value.what
    assert "^" in caught.value.excerpt or not text.splitlines()[int(place.split(":")[0]) - 1 :]


def test_alias_bombs_cannot_be_written():
    """A YAML bomb needs anchors, and the first one is refused."""
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]"
    with pytest.raises(RuleError, match="anchors"):
        load_yaml(bomb, "bomb.yaml")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("0o17", "0o17"),
        ("1e3", "1e3"),
        ("2026-11-25", "2026-11-25"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("true", True),
        ("null", None),
        ("-7", -7),
        ("1.5", 1.5),
        ("007", "007"),
        ('"5"', "5"),
    ],
)
def test_plain_words(text, value):
    """Only the YAML 1.2 core is a boolean, null or number; everything else stays text."""
    documents, _ = load_yaml(f"a: {text}", "f.yaml")
    assert plain(documents[0]) == {"a": value}


def test_markers_where_allowed():
    """Tests of rules may hold the two tags."""
    documents, _ = load_yaml('a: !unknown "403"\nb: [1, !unread "429"]', "f.yaml", tags=True)
    assert plain(documents[0]) == {"a": Unknown("403"), "b": [1, UnreadTail("429")]}


@pytest.mark.parametrize(
    ("raw", "what"),
    [(b"a: \xff\xfe", "UTF-8"), (b"a: \x00b", "control character"), (b"x" * 20, "bytes")],
)
def test_unreadable_files(tmp_path, raw, what):
    """Not UTF-8, NUL bytes and files over the limit are clear errors that name the file."""
    path = tmp_path / "rule.yaml"
    path.write_bytes(raw)
    with pytest.raises(InputError) as caught:
        read_text(path, limit=10)
    assert what in caught.value.what
    assert "rule.yaml" in caught.value.where


def test_byte_order_mark(tmp_path):
    """A BOM is no content."""
    path = tmp_path / "rule.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1")
    assert read_text(path) == "a: 1"
