"""YAML of repositories: anchors, merge keys, tags, duplicates, and what is refused."""

import pytest

from scanner.errors import InputError
from scanner.inventory.workload.source import Text
from scanner.inventory.workload.yaml_tree import (
    MAX_DEPTH,
    MAX_NODES,
    Leaf,
    Listing,
    Table,
    load_tree,
    tables,
    text_of,
)


def tree(text):
    return load_tree(Text("f.yaml", text))


def root(text):
    return tree(text).documents[0]


def test_documents_keep_their_order_and_empty_ones_are_left_out():
    """A file is a stream of documents."""
    assert [text_of(one.get("a")) for one in tree("---\na: 1\n---\n---\na: 2\n...\n").documents] == ["1", "2"]


def test_places_are_offsets_of_the_text():
    """Also behind characters of several bytes."""
    text = "k: é😀\nimage: abc\n"
    leaf = root(text).get("image")
    assert isinstance(leaf, Leaf)
    assert text[leaf.start : leaf.end] == "abc"


def test_aliases_and_merge_keys_are_read():
    """Own keys win over merged ones, earlier merged ones over later ones."""
    node = root("x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: {<<: [*x, *y], a: 3}\nw:\n  <<: *x\n")
    assert {key: text_of(one) for key, one in node.get("z").items.items()} == {"a": "3", "b": "1", "c": "2"}
    assert text_of(node.get("w", "b")) == "1"
    assert "a" in node.get("w").keys


def test_a_quoted_merge_key_is_a_key():
    """`"<<"` is text."""
    assert text_of(root('x: &x {b: 1}\na: {"<<": *x}').get("a", "b")) is None


@pytest.mark.parametrize("text", ["a: &a [*a]\n", "a: *b\n", "- &a 1\n---\n- *a\n"])
def test_an_alias_for_nothing_before_it_is_an_error(text):
    """Of itself, of nothing, and of another document."""
    with pytest.raises(InputError, match=r"alias|no YAML"):
        tree(text)


def test_custom_tags_are_kept_and_say_nothing():
    """`!reference`, `!Sub` and their like are read; what they stand for is not known."""
    node = root("a: !Sub '${X}'\nb: !reference [job, script]\nc: !!str 1\nd: !secret {e: 1}\n")
    assert text_of(node.get("a")) is None
    assert isinstance(node.get("b"), Listing)
    assert node.get("b").tag == "!reference"
    assert text_of(node.get("c")) == "1"
    assert node.get("d").tag == "!secret"


def test_a_key_that_stands_twice_is_noted_and_the_last_counts():
    """As the tools that read such files do."""
    found = tree("a: 1\nb: {c: 1, c: 2}\na: 3\n")
    assert text_of(found.documents[0].get("a")) == "3"
    assert [note.partition(": the")[0] for note in found.notes] == ["f.yaml:2:11", "f.yaml:3:1"]


def test_keys_that_are_no_text_do_not_disturb():
    """A list as a key is nothing that anybody asks for."""
    assert text_of(root("? [a, b]\n: 1\nc: 2\n").get("c")) == "2"


def test_null_and_empty_are_no_text():
    """`null`, `~` and nothing are null, quoted ones are text."""
    node = root("a:\nb: ~\nc: 'null'\nd: null\n")
    assert [text_of(node.get(key)) for key in "abcd"] == [None, None, "null", None]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1\n", "is no YAML"),
        ("a:\n\t- b\n", "is no YAML"),
        ("a: b: c\n", "is no YAML"),
        ("{{ .Values.x }}\n", "is no YAML|no YAML"),
        ("x: " + "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "nested deeper"),
        ("[" + "1," * (MAX_NODES + 1) + "]", "more than 300,000 values"),
    ],
)
def test_what_is_no_yaml_or_too_large_is_refused(text, words):
    """With the file and, where it is known, the line."""
    if text.startswith("{{"):
        text += "  - {{- end }}\n"
    with pytest.raises(InputError, match=words) as caught:
        tree(text)
    assert caught.value.where.startswith("f.yaml:")


def test_aliases_within_aliases_are_refused_once_written_out_they_are_too_many():
    """A few lines that stand for millions of values cost nothing."""
    bomb = "a0: &a0 [x, x]\n" + "".join(
        f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9)}]\n" for at in range(1, 30)
    )
    with pytest.raises(InputError, match="once its aliases are written out"):
        tree(bomb)


def test_aliases_that_nest_are_refused_once_too_deep():
    """Nesting by aliases counts as nesting."""
    deep = "a0: &a0 [x]\n" + "".join(f"a{at}: &a{at} [*a{at - 1}]\n" for at in range(1, 150))
    with pytest.raises(InputError, match="nested deeper than 100 levels"):
        tree(deep)


def test_merge_keys_that_double_are_refused():
    """Merged mappings count what they take in."""
    lines = ["m0: &m0 {" + ", ".join(f"k{at}: 1" for at in range(2000)) + "}"]
    lines += [f"m{at}: &m{at} {{<<: *m0, x{at}: 1}}" for at in range(1, 400)]
    with pytest.raises(InputError, match=r"holds more than"):
        tree("\n".join(lines))


def test_tables_of_a_list():
    """Only mappings, only of lists."""
    assert [text_of(one.get("a")) for one in tables(root("[{a: 1}, x, {a: 2}]"))] == ["1", "2"]
    assert list(tables(root("a: 1"))) == []
    assert isinstance(root("a: 1"), Table)
