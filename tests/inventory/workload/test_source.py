"""Files as text, and the places of what stands in them."""

from typing import Any

import pytest

from scanner.errors import InputError
from scanner.inventory.workload.source import (
    MAX_BYTES,
    Fragment,
    Text,
    joined,
    read_text,
    scalar_fragment,
    whole,
)


def test_utf8_with_and_without_mark_and_utf16_are_read(tmp_path):
    """A byte order mark is dropped, and line ends are line feeds."""
    for name, raw in (
        ("plain", b"FROM a\r\nRUN b\r\n"),
        ("marked", b"\xef\xbb\xbfFROM a\r\nRUN b\r\n"),
        ("wide", "FROM a\r\nRUN b\r\n".encode("utf-16")),
    ):
        path = tmp_path / name
        path.write_bytes(raw)
        assert read_text(path, name).text == "FROM a\nRUN b\n"


@pytest.mark.parametrize(
    ("raw", "words", "where"),
    [
        (b"a\nb\xff\xfe\n", "is not UTF-8 text (byte 3)", "f:2"),
        (b"\x7fELF\x02\x00", "is no text", "f:1:1"),
        (b"a: 1\nb: \x00", "is no text", "f:2:4"),
        (b"a" * (MAX_BYTES + 1), "more than the 5,000,000 allowed", "f"),
    ],
)
def test_what_is_no_text_is_refused_with_its_place(tmp_path, raw, words, where):
    """Wrong encodings, binary files and files that are too large are errors that say where."""
    path = tmp_path / "f"
    path.write_bytes(raw)
    with pytest.raises(InputError) as caught:
        read_text(path, "f")
    assert words in caught.value.what
    assert caught.value.where == where


def test_columns_count_utf16_units():
    """A character beyond the basic plane counts twice, as in editors and SARIF."""
    source = Text("f", "# 😀\nx 😀 y\n")
    assert source.lines.at(source.text.index("y")) == (2, 6)


@pytest.mark.parametrize(
    ("text", "word", "place"),
    [
        ("run: |\n  one\n  docker push a\n", "docker", (3, 3)),
        ("run: |2\n    one\n    docker push a\n", "docker", (3, 5)),
        ("run: |\n\n  docker push a\n", "docker", (3, 3)),
        ('run: "docker push a"\n', "push", (1, 14)),
        ("run: docker push a\n", "push", (1, 13)),
        ("run: >\n  one\n  docker push a\n", "docker", (1, 6)),
        ("run: docker\n  push a\n", "push", (1, 6)),
    ],
)
def test_text_in_yaml_has_its_place_in_the_file(text, word, place):
    """Block texts line by line, texts on one line by column, folded ones by their start."""
    import yaml  # noqa: PLC0415 - the marks of the parser are what is tested

    events = [
        event for event in yaml.parse(text, Loader=yaml.SafeLoader) if isinstance(event, yaml.ScalarEvent)
    ]
    event: Any = events[1]
    source = Text("f", text)
    fragment = scalar_fragment(source, event.value, event.style, event.start_mark.index, event.end_mark.index)
    start = fragment.text.index(word)
    found = fragment.place(start, start + len(word))
    assert (found.line, found.column) == place


def test_lines_of_several_texts_are_one_script():
    """Each line keeps its place, whatever lies between."""
    source = Text("f", "- one\n- two\n  three\n")
    both = joined([Fragment(source, "one", (2,)), Fragment(source, "two\nthree", (8, 14))])
    assert both.text == "one\ntwo\nthree"
    assert [both.place(both.text.index(word), 0).line for word in ("one", "two", "three")] == [1, 2, 3]


def test_a_whole_file_is_its_own_fragment():
    """Offsets are those of the file."""
    source = Text("f", "a\nbc\n")
    assert whole(source).place(3, 4).column == 2
