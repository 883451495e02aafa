"""Fixes lose nothing: comments and layout stay, the rule says the same, and a second run changes nothing."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace

import pytest

from scanner.errors import OutputError
from scanner.language.pack import load_pack
from scanner.model.condition import NOWHERE, Mark
from scanner.workbench.lint.fixes import fixed, mended, write
from scanner.workbench.lint.run import run
from scanner.workbench.problem import Fix
from tests.workbench.lint.bench import MAIN, RULE, SCHEMA, context, rule

FILE = "ACME101-admin-user-off.yaml"


def unmarked(value):
    """A value without any place in it."""
    if isinstance(value, Mark):
        return NOWHERE
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value, **{one.name: unmarked(getattr(value, one.name)) for one in fields(value) if one.init}
        )
    if isinstance(value, tuple):
        return tuple(unmarked(one) for one in value)
    if isinstance(value, dict):
        return {key: unmarked(one) for key, one in value.items()}
    return value


@pytest.fixture
def mend(tmp_path):
    """Mend a file until nothing changes any more; gives its text after each round."""

    def work(text, name=FILE):
        (tmp_path / "pack.yaml").write_text(MAIN, "utf-8")
        path = tmp_path / name
        path.write_bytes(text.encode("utf-8"))
        rounds: list[str] = []
        for _ in range(6):
            here = context(tmp_path)
            files = {file.source.file: file for file in here.reading.files}
            changed = fixed(files, run([here]).problems)
            if not changed:
                return rounds
            for one, new in changed.items():
                write(files[one].path, new)
            rounds.append(path.read_bytes().decode("utf-8"))
        raise AssertionError(rounds)

    return work


def test_a_clean_file_is_not_touched(mend):
    """Nothing to mend, nothing written."""
    assert mend(rule()) == []


def test_keys_are_moved_with_their_comments(mend, tmp_path):
    """Each key takes along the comment lines above it and whatever stands behind it; the rule is the same."""
    wild = RULE.replace("severity: high\n", "").replace("title: The admin user is off\n", "")
    wild = wild.replace(
        "reviewed:",
        "# how bad it is\n# (two lines)\nseverity: high   # as agreed\n\n# what holds\ntitle: The admin user is off\nreviewed:",
    )
    (tmp_path / "pack.yaml").write_text(MAIN, "utf-8")
    (tmp_path / FILE).write_text(SCHEMA + wild, "utf-8")
    before = load_pack(tmp_path).rules
    (after,) = mend(SCHEMA + wild)
    assert after.splitlines()[:10] == [
        SCHEMA.strip(),
        "id: ACME101",
        "name: admin-user-off",
        "# what holds",
        "title: The admin user is off",
        "# how bad it is",
        "# (two lines)",
        "severity: high   # as agreed",
        "",
        "target: Microsoft.ContainerRegistry/registries",
    ]
    assert sorted(after.splitlines()) == sorted((SCHEMA + wild).splitlines())
    assert unmarked(load_pack(tmp_path).rules) == unmarked(before)
    assert load_pack(tmp_path).rules[0].digest == before[0].digest


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_words_that_others_read_otherwise_are_quoted(mend, tmp_path, newline):
    """Quotes around exactly the value, also behind letters that take more bytes or units; line ends stay."""
    text = RULE.replace("is true}", "is true, now: 2026-01-01T00:00:00Z}").replace(
        "{name: not set",
        "{name: näh \U0001d499, params: {}, resource: {tags: {a: no, b: [on, OFF], c: 0o17}}, expect: pass}\n  - {name: not set",
    )
    text = (SCHEMA + text).replace("\n", newline)
    (tmp_path / "pack.yaml").write_text(MAIN, "utf-8")
    (tmp_path / FILE).write_bytes(text.encode())
    before = load_pack(tmp_path).rules
    (after,) = mend(text)
    assert after == text.replace("a: no, b: [on, OFF], c: 0o17", 'a: "no", b: ["on", "OFF"], c: "0o17"')
    assert unmarked(load_pack(tmp_path).rules) == unmarked(before)


def test_a_number_where_text_is_expected_keeps_its_digits(mend, tmp_path):
    """1.10 is not 1.1: the quotes are put around what was written."""
    rounds = mend(SCHEMA + RULE.replace("title: The admin user is off", "title: 1.10"))
    assert 'title: "1.10"' in rounds[-1]
    assert load_pack(tmp_path).rules[0].title == "1.10"


def test_spelling_of_operators_and_keys(mend, tmp_path):
    """A wrong case of a word of the language is corrected; another word is left to a person."""
    wild = RULE.replace("assert:", "Assert:").replace("{field:", "{AllOf: [{Field:")
    wild = wild.replace("equals: false, default: false}", "Equals: false, DEFAULT: false}]}")
    rounds = mend(SCHEMA + wild)
    assert (
        "assert: {allOf: [{field: properties.adminUserEnabled, equals: false, default: false}]}" in rounds[-1]
    )
    assert load_pack(tmp_path).rules[0].id == "ACME101"
    assert mend(SCHEMA + RULE.replace("equals:", "equal:")) == []


def test_the_schema_line_is_that_of_the_other_files(mend, tmp_path):
    """A file without it gets the line of its neighbours; without neighbours nobody knows the path."""
    assert mend(RULE) == []
    (tmp_path / "ACME102-other.yaml").write_text(
        rule("id: ACME102\nname: other\ntitle: Other").replace("../schemas", "../../mine"), "utf-8"
    )
    assert mend(RULE) == [SCHEMA.replace("../schemas", "../../mine") + RULE]


def test_everything_at_once_settles(mend, tmp_path):
    """Edits that overlap are made in turn, and then nothing is left to mend."""
    wild = RULE.replace("severity: high\n", "").replace("equals:", "Equals:") + "severity: high\n"
    wild = wild.replace("name: switched off", "name: off")
    rounds = mend(SCHEMA + wild)
    assert 1 < len(rounds) <= 4
    assert {one.code for one in run([context(tmp_path)]).problems} == set()


def test_several_documents_in_one_file(mend, tmp_path):
    """Keys stay in their own document; the line between documents stays between them."""
    second = (
        RULE.replace("ACME101", "ACME102").replace("admin-user-off", "other").replace("severity: high\n", "")
    )
    text = f"{SCHEMA}{RULE}---\n{second}severity: low\n---\n{RULE.replace('ACME101', 'ACME103').replace('admin-user-off', 'third')}"
    (after,) = mend(text)
    assert after.count("---\n") == 2
    assert after.index("severity: low") < after.index("---\nid: ACME103")
    assert [one.severity for one in load_pack(tmp_path).rules] == ["high", "low", "high"]


@pytest.mark.parametrize(
    "text",
    [
        "{severity: high, id: ACME101}",
        "id: ACME101\nassert: {a: [",
        "id: ACME101\n\u2028severity: high\ntitle: x\n",
    ],
)
def test_what_cannot_be_moved_safely_is_left(mend, text):
    """Braces, broken YAML and odd line separators: reported, not edited."""
    assert mend(text) == []


def test_byte_order_mark_and_mode_stay(tmp_path):
    """A file keeps its mark and its permissions, and nothing else is left in the folder."""
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    path.chmod(0o640)
    write(path, "a: 2\n")
    assert path.read_bytes() == b"\xef\xbb\xbfa: 2\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert [one.name for one in tmp_path.iterdir()] == ["a.yaml"]
    with pytest.raises(OutputError, match="cannot be fixed"):
        write(tmp_path / "gone" / "a.yaml", "")


def test_edits_that_overlap_wait():
    """The small edit is made, the large one over it is not."""
    fixes = [Fix("a", 0, 10, "X"), Fix("a", 2, 3, "[2]"), Fix("a", 5, 6, "[5]")]
    assert mended("0123456789", fixes) == "01[2]34[5]6789"
