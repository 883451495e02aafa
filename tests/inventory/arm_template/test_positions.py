"""JSON as people write it: values, places, and every way in which a file can be bad."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scanner.errors import InputError
from scanner.inventory.arm_template import positions
from scanner.inventory.arm_template.positions import Document, lenient, parse_document, read_document

TEXT = """// a template
{
  "a": 1, /* one */
  "b": {"c": ["x", {"d": "the \\"end\\""}]}, // rest
  "Über😀": "z😀", "last": true,
}
"""


def _starts(document: Document, *path: str) -> tuple[int, int]:
    found = document.place(path, "property")
    return found.line, found.column


def test_comments_and_trailing_commas_are_read():
    """Comments and a trailing comma do not change the value; the comma is told with its place."""
    document = parse_document(TEXT, "t.json")
    assert document.value == {
        "a": 1,
        "b": {"c": ["x", {"d": 'the "end"'}]},
        "Über😀": "z😀",
        "last": True,
    }
    assert document.warnings == ["t.json:5:32: a comma before a closing bracket was ignored"]


def test_places_are_those_of_the_key():
    """A place begins at the key and ends after a scalar; columns count UTF-16 units; array items have their own."""
    document = parse_document(TEXT, "t.json")
    assert _starts(document, "a") == (3, 3)
    assert _starts(document, "b", "c") == (4, 9)
    assert _starts(document, "b", "c", "0") == (4, 15)
    assert _starts(document, "b", "c", "1", "d") == (4, 21)
    assert _starts(document, "last") == (5, 20)
    found = document.place(("a",), "property")
    assert (found.end_line, found.end_column) == (3, 9)
    assert document.place(("b",), "x").end_column == 8


def test_places_of_what_is_not_there_are_those_of_what_is_around_it():
    """A missing key leads to the nearest thing above it, keys in any casing."""
    document = parse_document(TEXT, "t.json")
    assert _starts(document, "B", "C", "9", "z") == (4, 9)
    assert _starts(document, "none") == (2, 1)


def test_offsets_stay_true_behind_comments():
    """What is blanked keeps its length, so that every place after it is right."""
    text = '{"x": /* {"no": 1} */ 5, "y" /*,*/ : // "z": 2\n 6}'
    document = parse_document(text, "t.json")
    assert document.value == {"x": 5, "y": 6}
    assert _starts(document, "y") == (1, 26)


@pytest.mark.parametrize(
    ("text", "words", "where"),
    [
        ("", "is empty", "t.json"),
        ("  \n ", "is empty", "t.json"),
        ('{"a": ', "not valid JSON", "t.json:1:7"),
        ('{"a": 1', "not valid JSON", "t.json:1:8"),
        ('{"a": 1}\n}', "not valid JSON", "t.json:2:1"),
        ('{"a" 1}', "not valid JSON", "t.json:1:6"),
        ("{'a': 1}", "not valid JSON", "t.json:1:2"),
        ('{"a": NaN}', "NaN is no JSON number", "t.json"),
        ('{"a": 1 /* open', "not valid JSON", "t.json:1:16"),
        ('{"a": "open', "not valid JSON", "t.json:1:7"),
        ("\x00\x01\x02", "not valid JSON", "t.json:1:1"),
        ('{"a":' * 65 + "1" + "}" * 65, "nested deeper than 64", "t.json"),
        ("[" * 100_000 + "]" * 100_000, "nested deeper than 64", "t.json"),
        ("[" * 100_000, "", ""),
    ],
)
def test_bad_text_is_an_error_with_its_place(text: str, words: str, where: str):
    """Whatever is no JSON, or too deep, is one clear error."""
    with pytest.raises(InputError) as caught:
        parse_document(text, "t.json")
    assert words in caught.value.what
    if where:
        assert caught.value.where == where


def test_sixty_four_levels_are_fine():
    """The limit itself is allowed, and its places can be found."""
    document = parse_document('{"a":' * 63 + "[1]" + "}" * 63, "t.json")
    assert document.place(("a",) * 63 + ("0",), "property").column == 63 * 5 + 2


def test_duplicate_keys_are_told():
    """The last one counts, as for Azure; each is told with its place."""
    document = parse_document('{"a": 1,\n "b": {"c": 1, "c": 2},\n "a": 3}', "t.json")
    assert document.value == {"a": 3, "b": {"c": 2}}
    assert document.warnings == [
        "t.json:2:16: duplicate key 'c'; the last one counts",
        "t.json:3:2: duplicate key 'a'; the last one counts",
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_with_and_without_a_byte_order_mark(tmp_path: Path, encoding: str):
    """UTF-8 with and without BOM and UTF-16 are read; places do not shift."""
    file = tmp_path / "t.json"
    file.write_bytes('{"ä": 1}'.encode(encoding))
    document = read_document(file, "t.json")
    assert document.value == {"ä": 1}
    assert _starts(document, "ä") == (1, 2)


def test_a_file_in_another_encoding_is_an_error(tmp_path: Path):
    """Latin-1 is no UTF-8; the line is named."""
    file = tmp_path / "t.json"
    file.write_bytes('{\n"ä": 1}'.encode("latin-1"))
    with pytest.raises(InputError, match="is not UTF-8 text") as caught:
        read_document(file, "t.json")
    assert caught.value.where == "t.json:2"


def test_a_file_that_is_too_large_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The size is looked at before the file is read."""
    monkeypatch.setattr(positions, "MAX_BYTES", 10)
    file = tmp_path / "t.json"
    file.write_text('{"a": "0123456789"}')
    with pytest.raises(InputError, match="19 bytes, more than the 10 allowed"):
        read_document(file, "t.json")


def test_a_file_that_may_not_be_read_is_an_error(tmp_path: Path):
    """A folder in place of a file is told as such."""
    with pytest.raises(InputError, match="is no ordinary file"):
        read_document(tmp_path, "t.json")


def test_texts_over_several_lines():
    """A text may go on over lines, as Resource Manager allows."""
    document = parse_document('{"a": "x\n  y", "b": 1}', "t.json")
    assert document.value == {"a": "x\n  y", "b": 1}
    assert _starts(document, "b") == (2, 7)


def test_hostile_noise_is_read_in_linear_time():
    """Many open comments, commas and quotes do not make reading quadratic."""
    for text in ("{" + "/*" * 300_000, "{" + ", " * 300_000 + "}", '{"' + '\\"' * 300_000, "//" * 300_000):
        with pytest.raises(InputError):
            parse_document(text, "t.json")


def test_lenient_json_inside_templates():
    """`json()` takes comments and trailing commas, and refuses the rest with a ValueError."""
    assert lenient('{"a": [1, 2,], // x\n}') == {"a": [1, 2]}
    assert lenient(json.dumps({"a": 1})) == {"a": 1}
    for text in ("", "{", "[" * 100_000, "NaN"):
        with pytest.raises(ValueError, match=r".*"):
            lenient(text)
