"""Files of others as text: encodings, limits, what is no file; lines and columns as SARIF counts them."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.errors import InputError
from scanner.file_text import Lines, bytes_of, decoded


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_editors_and_shells_write_is_read(encoding):
    """UTF-8, the same with a byte order mark, and UTF-16 with one."""
    assert decoded("é 日本\n".encode(encoding), "f") == "é 日本\n"


@pytest.mark.parametrize(
    ("raw", "says"),
    [(b"a\nb\xe9", "f:2: is not UTF-8 text (byte 3)"), (b"\xff\xfe\x00\xd8", "f:1: is not UTF-16 text")],
)
def test_other_bytes_are_an_error_with_their_line(raw, says):
    """The file, the line and what to do."""
    with pytest.raises(InputError) as caught:
        decoded(raw, "f")
    assert says in str(caught.value)
    assert "Save the file as UTF-8." in str(caught.value)


def test_what_is_no_file_or_too_large_is_not_read(tmp_path):
    """A folder, a pipe, nothing, and a file over the limit."""
    (tmp_path / "large").write_bytes(b"12345")
    places = {
        tmp_path: "no ordinary file",
        tmp_path / "none": "No such file",
        tmp_path / "large": "5 bytes, more than the 4",
    }
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        places[tmp_path / "pipe"] = "no ordinary file"
    for place, says in places.items():
        with pytest.raises(InputError, match=says):
            bytes_of(place, "f", 4)
    assert bytes_of(tmp_path / "large", "f", 5) == b"12345"


@given(st.text(alphabet="a\n😀é"), st.integers(0, 60))
def test_columns_are_utf16_units(text, offset):
    """Line and column agree with counting by hand."""
    offset = min(offset, len(text))
    before = text[:offset]
    column = len(before.rpartition("\n")[2].encode("utf-16-le")) // 2 + 1
    assert Lines(text).at(offset) == (before.count("\n") + 1, column)
    assert Lines(text).number(offset) == before.count("\n")
