"""What is remembered of single rules and pairs: the same texts say the same, anything else is looked at again."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from scanner import data
from scanner.workbench.lint import logic, memory, trying
from scanner.workbench.lint.memory import CODES, MOST_BYTES, SHIPPED, Memory, Said, key
from scanner.workbench.lint.run import run
from tests.workbench.lint.bench import MAIN, codes, context, write

SAID = Said("LOG001", "R1 never fails", "", "R1", 3, 1)
PAIR = Said("LOG005", "B fails for exactly what A fails for", "", "B", 2, 1, "A")
ODD = (
    "  odd:\n    anyOf:\n      - {field: name, equals: a}\n"
    "      - {allOf: [{field: name, equals: A}, {field: sku.name, equals: Premium}]}\n"
)
DOUBLE = (
    "severity: high\n---\nid: ACME102\nname: other\n"
    "assert: {field: properties.adminUserEnabled, equals: false, default: false}\nmessage: no\n"
)


@pytest.fixture
def kept(tmp_path):
    """A memory in a file that is not there yet."""
    return Memory(tmp_path / "kept" / "rules.json")


def counted(answers):
    """A finder that counts how often it is asked, and for what."""
    asked = []

    def find(*known):
        asked.append(known)
        return iter(answers)

    return find, asked


def later(earlier):
    """The memory of the next run."""
    earlier.keep()
    made = Memory(earlier.file)
    made.load()
    return made


def test_what_was_found_is_known_in_the_next_run(kept):
    """The second run does not look again, and says the same."""
    find, asked = counted([SAID])
    assert kept.recall("key", find) == (SAID,)
    assert later(kept).recall("key", find) == (SAID,)
    assert len(asked) == 1


def test_pairs_of_unchanged_rules_are_known(kept):
    """Only pairs with a rule that changed are tried again; what was found of the others stays."""
    find, asked = counted([PAIR])
    rules = {"A": "a1", "B": "b1", "C": "c1"}
    assert kept.recall_pairs("pack", rules, find) == (PAIR,)
    again = later(kept)
    assert again.recall_pairs("pack", rules, find) == (PAIR,)
    assert asked == [(frozenset(),)]
    other, asked = counted([])
    assert again.recall_pairs("pack", {**rules, "C": "c2"}, other) == (PAIR,)
    assert asked == [(frozenset({"A", "B"}),)]
    assert again.recall_pairs("pack", {**rules, "A": "a2", "C": "c2"}, other) == ()
    assert asked[-1] == (frozenset({"B", "C"}),)


def test_a_pack_without_pairs_is_looked_at_once(kept):
    """Nothing found is an answer too; a rule that was removed asks nobody."""
    find, asked = counted([])
    assert kept.recall_pairs("pack", {"A": "a1", "B": "b1"}, find) == ()
    assert later(kept).recall_pairs("pack", {"A": "a1"}, find) == ()
    assert len(asked) == 1


def test_another_text_is_another_question():
    """Keys differ by every text, and by where one text ends and the next begins."""
    keys = {
        key("rule", "ab", "c"),
        key("rule", "a", "bc"),
        key("pairs", "ab", "c"),
        key("rule", "ab"),
        key("rule", "\udcff"),
    }
    assert len(keys) == 5


def test_another_code_remembers_nothing(kept, monkeypatch):
    """What one version of the checks found is no answer of another."""
    find, asked = counted([SAID])
    kept.recall("key", find)
    kept.keep()
    monkeypatch.setattr(memory, "digest_of_code", lambda: "another")
    made = Memory(kept.file)
    made.load()
    made.recall("key", find)
    assert len(asked) == 2


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "[" * 100_000,
        "{}",
        {"rules": []},
        {"rules": {}, "pairs": []},
        {"rules": {"key": 1}, "pairs": {}},
        {"rules": {"key": [["LOG001"]]}, "pairs": {}},
        {"rules": {"key": [[1, 2, 3, 4, 5, 6, 7, 8]]}, "pairs": {}},
        {"rules": {"key": [["SEM007", "", "", "", 1, 1, "", ""]]}, "pairs": {}},
        {"rules": {}, "pairs": {"key": {"among": ["a"]}}},
        {"rules": {}, "pairs": {"key": {"among": [1], "found": []}}},
    ],
)
def test_a_broken_memory_remembers_nothing(kept, body):
    """Whatever stands in the file, the finder is asked."""
    text = body if isinstance(body, str) else json.dumps({"code": memory.digest_of_code(), **body})
    kept.file.parent.mkdir()
    kept.file.write_text(text)
    kept.load()
    find, asked = counted([])
    assert kept.recall("key", find) == ()
    assert kept.recall_pairs("key", {"A": "a"}, find) == ()
    assert len(asked) == 2


def test_a_memory_that_is_too_large_is_left_unread(kept):
    """A file beyond the limit is not loaded."""
    kept.file.parent.mkdir()
    kept.file.write_text(" " * (MOST_BYTES + 1))
    assert memory.read(kept.file) is None


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path):
    """Where a file stands in the way, the run goes on."""
    (tmp_path / "file").write_text("")
    made = Memory(tmp_path / "file" / "cache.json")
    find, _ = counted([])
    made.recall("key", find)
    made.keep()
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_too_many_entries_are_forgotten(kept, monkeypatch):
    """The file does not grow for ever."""
    monkeypatch.setattr(memory, "MOST", 2)
    for number in range(3):
        kept.recall(str(number), tuple)
    kept.keep()
    assert kept.file.read_text() == "{}"


def test_an_edit_is_seen_through_the_memory(tmp_path):
    """A rule that changes is tried again; the same text is not, and says the same."""
    kept = Memory(tmp_path / "cache.json")
    folder = tmp_path / "pack"
    folder.mkdir()
    found = []
    for value in ("Premium", "Basic", "Basic"):
        write(
            folder,
            f"when: {{allOf: [{{field: sku.name, equals: Premium}}, {{field: sku.name, equals: {value}}}]}}\n",
        )
        report = run([replace(context(folder), memory=kept)])
        found.append("LOG004" in codes(report))
    assert found == [False, True, True]


def test_the_same_pack_elsewhere_is_told_with_its_own_places(tmp_path, monkeypatch):
    """A finding that is remembered from a copy names the files that lie here; so does what it says of the other rule."""
    kept = Memory()
    places = []
    monkeypatch.chdir(tmp_path)
    main = f"{MAIN}definitions:\n{ODD}"
    piece = DOUBLE + "---\nid: ACME103\nname: third\nassert: {ref: odd}\nmessage: no\n"
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        write(folder, piece, main=main)
        report = run([replace(context(folder), memory=kept)])
        told = [one for one in report.problems if one.code in ("LOG003", "LOG005")]
        assert {one.mark.file.split("/")[0] for one in told} == {name}
        assert {one.mark.file.split("/")[1] for one in told if one.code == "LOG003"} == {"pack.yaml"}
        assert all(one.excerpt and one.advice for one in told)
        assert [f"{name}/ACME101" in one.advice for one in told if one.code == "LOG005"] == [True]
        places.append([(one.mark.line, one.mark.column, one.what) for one in told])
    assert places[0] == places[1]
    monkeypatch.setattr(trying, "of_rule", None)
    assert len(run([replace(context(tmp_path / "second"), memory=kept)]).problems) == len(report.problems)


def test_what_ships_is_what_a_look_at_the_shipped_pack_finds():
    """`make golden` was run: nobody is told of an earlier version of the rules or the checks."""
    assert SHIPPED.read_text("utf-8") == logic.learned(data.policies() / "acr")


def test_the_shipped_pack_needs_no_trying(tmp_path, monkeypatch):
    """With what ships nothing is enumerated, wherever the pack lies; without it something would be."""
    reading = context(data.policies() / "acr")

    def refuse(*given):
        raise AssertionError(given)

    monkeypatch.setattr(logic, "_tried", refuse)
    monkeypatch.setattr(logic, "_tried_together", refuse)
    shipped = Memory(None, SHIPPED)
    shipped.load()
    assert list(logic.check(replace(reading, memory=shipped))) == []
    with pytest.raises(AssertionError):
        list(logic.check(replace(reading, memory=Memory())))


def test_every_check_that_is_remembered_is_of_the_family():
    """The codes that a memory takes are those of the checks by enumeration."""
    assert {check.code for check in logic.CHECKS} == CODES


def test_all_code_that_answers_is_in_the_digest():
    """Every module that a run loads counts, wherever it lies in the package, and so do the facts."""
    root = Path(memory.__file__).parents[2]
    counted = {
        Path(path).relative_to(root).as_posix()
        for room in ("", *memory._SOURCES)
        for path in memory._files(str(root / room), below=bool(room))
    }
    program = (
        "import sys\nfrom scanner.cli.door import run\nrun(['policy', 'lint', '--no-cache'])\n"
        "print(*[one.__file__ for name, one in sorted(sys.modules.items()) if name.startswith('scanner.')], sep='\\n')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=root.parent, capture_output=True, text=True, check=True
    )
    loaded = {
        Path(line).relative_to(root).as_posix() for line in ran.stdout.splitlines() if line.endswith(".py")
    }
    assert len(loaded) > 60
    telling = {one for one in loaded if one.startswith("formats/")}
    assert loaded - counted == telling
    assert {"types/containerregistry-registries.json", "text.py", "workbench/lint/known.json"} <= counted
