"""Tampering: whatever is changed in a bundle is found and named; what is whole holds."""

from __future__ import annotations

import json

import orjson
import pytest

from scanner.bundle.archive import packed
from scanner.bundle.check import examine
from scanner.bundle.gather import gather
from scanner.bundle.manifest import NAME
from scanner.bundle.opening import from_bytes, opened, unpack
from scanner.errors import InputError, Problems
from scanner.trust.check import FAILED, OK
from tests.bundle.packs import RULE, files_of, write_bundle, write_pack, write_profile


@pytest.fixture
def files(tmp_path, pack):
    """What lies in the bundle, to be changed."""
    return files_of(pack, tmp_path / "scratch", write_profile(tmp_path))


def failed(files):
    found = examine(from_bytes(packed(files, compressed=True), "x.tar.gz"))
    return {check.what: check.words for check in found.checks if check.state == FAILED}


def edited(files, /, **changes):
    """The files with a manifest that was changed and written again the way we write it."""
    record = json.loads(files[NAME])
    for key, value in changes.items():
        part, _, name = key.partition("__")
        if name:
            record[part][name] = value
        else:
            record[part] = value(record[part]) if callable(value) else value
    option = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return {**files, NAME: orjson.dumps(record, option=option)}


def test_a_whole_bundle_holds(bundle):
    """Nothing fails, and each thing that was looked at is told."""
    found = examine(opened(bundle))
    assert found.holds
    assert [(check.what, check.state) for check in found.checks] == [
        ("files", OK),
        ("engine", OK),
        ("pack", OK),
    ]
    assert found.manifest.pack.id == "tiny"
    assert found.manifest.pack.rules == 2
    found.refuse()


def test_every_changed_file_is_named(files):
    """One byte more in each file in turn: that file is named, and no other."""
    for name in files:
        if name == NAME:
            continue
        found = failed({**files, name: files[name] + b"\n"})
        assert found.pop(name) == "was changed: its sha256 differs from manifest.json"
        assert set(found) <= {"pack"}


def test_missing_and_added_files_are_named(files):
    """A file that was taken away and one that was put in."""
    without = {name: content for name, content in files.items() if name != "pack/frameworks/house.yaml"}
    assert failed(without)["pack/frameworks/house.yaml"] == "is missing; manifest.json names it"
    added = failed({**files, "pack/TNY900.yaml": RULE.replace("TNY101", "TNY900").encode()})
    assert added["pack/TNY900.yaml"] == "is not in manifest.json: it was added"


def test_swapped_files_are_named(files):
    """Two files that changed places are both named."""
    first, second = "pack/TNY101-admin-off.yaml", "pack/more/TNY102-limit.yaml"
    found = failed({**files, first: files[second], second: files[first]})
    assert {first, second} <= set(found)


@pytest.mark.parametrize(
    ("changes", "what", "words"),
    [
        ({"pack__id": "other"}, "pack", "id 'other', not 'tiny'"),
        ({"pack__version": "9.9.9"}, "pack", "version '9.9.9', not '1.4.0'"),
        ({"pack__digest": "0" * 64}, "pack", "digest"),
        ({"pack__rules": 7}, "pack", "rules '7', not '2'"),
        ({"pack__requires": ">=0.0"}, "pack", "requires"),
        ({"pack__requires": ">=7"}, "engine", "needs acrscan >=7"),
        ({"pack__requires": "newest"}, "engine", "is no range of versions"),
        ({"pack__apiVersion": "acrscan/v9"}, "engine", "written in 'acrscan/v9'"),
        ({"artifactType": "application/x"}, NAME, "calls itself 'application/x'"),
        ({"files": lambda rows: [*rows, rows[0]]}, "pack/TNY101-admin-off.yaml", "stands twice"),
        ({"files": lambda rows: [{**row, "size": 1} for row in rows]}, "pack/pack.yaml", "bytes, manifest.json says 1"),
        ({"files": lambda rows: [{**row, "role": "tests"} for row in rows]}, "pack/pack.yaml", "is called 'tests'"),
    ],
)  # fmt: skip
def test_a_manifest_that_lies(files, changes, what, words):
    """A manifest that was rewritten whole, digests of files untouched, is found out by what the pack itself says."""
    assert words in failed(edited(files, **changes))[what]


def test_a_manifest_of_another_form(files):
    """The same facts in other bytes are an edit."""
    same = json.dumps(json.loads(files[NAME])).encode()
    assert failed({**files, NAME: same}) == {
        NAME: "is not written as `policy bundle` writes it: it was edited"
    }


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "not valid JSON"),
        (b"\xff", "is not UTF-8 text"),
        (b"[]", "is no manifest of a bundle"),
        (b'{"schema": "acrscan/manifest/v1"}', "is no manifest of a bundle"),
        (b'{"schema": "acrscan/bundle/v9"}', "this version reads acrscan/bundle/v1"),
        (b'{"schema": "acrscan/bundle/v1"}', "is no manifest of this version"),
        (b'{"schema": "acrscan/bundle/v1", "schema": "x"}', "duplicate key"),
        (b"[" * 300 + b"]" * 300, "nested deeper"),
    ],
)
def test_what_is_no_manifest(files, content, words):
    """Told with its place in the archive."""
    with pytest.raises(InputError, match=words) as caught:
        failed({**files, NAME: content})
    assert caught.value.where.startswith("x.tar.gz!/manifest.json")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"rules": 2', b'"rules": 1' + b"0" * 40),
        (b'"rules": 2', b'"rules": 2.5'),
        (b'"id": "tiny"', b'"id": "\\ud800"'),
        (b'"size": ', b'"size": -9' + b"0" * 40),
    ],
)
def test_values_that_no_manifest_has(files, old, new):
    """A number beyond 64 bits and half a character are told as an edit of the manifest, with its place."""
    assert old in files[NAME]
    with pytest.raises(InputError, match="is no manifest of this version") as caught:
        failed({**files, NAME: files[NAME].replace(old, new, 1)})
    assert caught.value.where == "x.tar.gz!/manifest.json"


def test_an_archive_of_another_tool(files):
    """The same files, packed with something behind them."""
    content = packed(files, compressed=False) + b"tail"
    found = examine(from_bytes(content, "x.tar"))
    assert [check.what for check in found.checks if check.state == FAILED] == ["archive"]


def test_a_pack_that_does_not_load(tmp_path):
    """Its errors name places in the bundle, rules, catalogues and profiles alike; whoever wants to use it is stopped by all."""
    folder = write_pack(tmp_path / "pack")
    good = files_of(folder, tmp_path / "scratch")
    (folder / "TNY101-admin-off.yaml").write_text(RULE.replace("severity: high", "severity: hihg"))
    bad = {**gather(folder).files, NAME: good[NAME]}
    found = examine(from_bytes(packed(bad, compressed=True), "x.tar.gz"))
    assert not found.holds
    assert {check.what for check in found.checks if check.state == FAILED} == {
        "pack/TNY101-admin-off.yaml",
        "pack",
    }
    assert [error.where for error in found.errors] == ["x.tar.gz!/TNY101-admin-off.yaml:4:11"]
    with pytest.raises(Problems) as caught:
        found.refuse()
    assert "hihg" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("pack/frameworks/house.yaml", b"apiVersion: acrscan/v1\n", "x.tar.gz!/frameworks/house.yaml:1:1"),
        ("profiles/strict.yaml", b"apiVersion: acrscan/v1\n", "x.tar.gz!/profiles/strict.yaml:1:1"),
        ("pack/pack.yaml", b"apiVersion: acrscan/v1\n", "x.tar.gz!/pack.yaml:1:1"),
        ("pack/pack.yaml", b"\xff", "x.tar.gz!/pack.yaml:1"),
    ],
)
def test_places_of_errors(files, name, text, where):
    """No error names the folder it was unpacked into."""
    found = examine(from_bytes(packed({**files, name: text}, compressed=True), "x.tar.gz"))
    assert found.errors[0].where == where


def test_a_folder_is_checked_the_same(tmp_path, pack, files):
    """An unpacked bundle holds; its places are paths."""
    home = tmp_path / "unpacked"
    unpack(from_bytes(packed(files, compressed=True), "x"), home)
    assert examine(opened(home)).holds
    (home / "pack" / "TNY101-admin-off.yaml").write_text("id: 1\n")
    found = examine(opened(home))
    assert not found.holds
    assert found.errors[0].where.startswith(f"{home.as_posix()}/pack/TNY101-admin-off.yaml:1")


def test_a_pack_with_windows_line_ends(tmp_path):
    """Ends of lines are bytes like all others: the bundle holds, and is another one."""
    folder = write_pack(tmp_path / "pack", **{"TNY101-admin-off.yaml": RULE.replace("\n", "\r\n")})
    assert examine(opened(write_bundle(tmp_path / "x.tar", folder, tmp_path / "scratch"))).holds
