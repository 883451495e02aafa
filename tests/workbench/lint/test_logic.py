"""Conditions by bounded enumeration, lists included; and the memory that saves the second look."""

from __future__ import annotations

import json

import pytest

from scanner.workbench.lint.context import PackContext
from scanner.workbench.lint.memory import Memory, Said
from scanner.workbench.lint.run import run
from tests.workbench.lint.bench import TODAY, codes, context, lint, write

CASES = {
    "no element is two things": (
        "assert: {none: {of: properties.networkRuleSet.ipRules, as: r, where: {allOf: [{field: $r.value, equals: a}, {field: $r.value, equals: b}]}}}",
        "LOG001",
    ),
    "some and none of one list": (
        "assert: {allOf: [{some: {of: related.webhooks, as: w, where: {field: $w.name, equals: a}}}, {none: {of: related.webhooks, as: w, where: {field: $w.name, equals: A}}}]}",
        "LOG002",
    ),
    "every of a list that is not empty is some": (
        "assert: {anyOf: [{some: {of: related.webhooks, as: w, where: {field: $w.name, equals: a}}}, {allOf: [{every: {of: related.webhooks, as: w, where: {field: $w.name, equals: a}, whenEmpty: fail}}, {field: sku.name, equals: Premium}]}]}",
        "LOG003",
    ),
    "a count below none": (
        (
            "when: {count: {of: related.webhooks, as: w, where: {allOf: [{field: $w.name, equals: a}, {field: $w.name, equals: b}]}}, greater: 0}\n"
            "assert: {field: properties.adminUserEnabled, equals: false, default: false}"
        ),
        "LOG004",
    ),
    "a branch within a list": (
        "assert: {none: {of: properties.networkRuleSet.ipRules, as: r, where: {anyOf: [{field: $r.value, equals: a}, {allOf: [{field: $r.value, equals: A}, {field: $r.action, equals: Allow}]}]}}}",
        "LOG003",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_lists_are_tried_too(case, tmp_path):
    """Empty lists, one element and two decide what a condition on lists can be."""
    piece, code = CASES[case]
    found = codes(lint(tmp_path, f"{piece}\nmessage: no\n"))
    assert code in found
    assert not found & ({"LOG001", "LOG002", "LOG003", "LOG004"} - {code})


def test_too_many_combinations_are_told_as_a_sample(tmp_path):
    """Where only a sample was tried, what never happened in it says so, and no part is called dead."""
    asked = ", ".join(
        f"{{field: $g.{name}, in: [a, b, c]}}, {{field: $g.{name}, like: 'b*'}}"
        for name in ("via.role", "via.scope", "principalId", "until", "via.assignmentId")
    )
    never = "{field: $g.principalId, equals: x}, {field: $g.principalId, equals: y}"
    piece = f"assert: {{none: {{of: related.access, as: g, where: {{allOf: [{asked}, {never}]}}}}}}\nmessage: no\n"
    report = lint(tmp_path, piece)
    said = next(one for one in report.problems if one.code == "LOG001")
    assert "in a sample of access" in said.what
    assert "LOG003" not in codes(report)


def test_rules_that_are_off_are_nobodys_double(tmp_path):
    """A strict rule that a profile may switch on does not double the mild one."""
    double = "severity: high\n---\nid: ACME102\nname: other\n{off}assert: {{field: properties.adminUserEnabled, equals: false, default: false}}\nmessage: no\n"
    for name in ("on", "off"):
        (tmp_path / name).mkdir()
    assert "LOG005" in codes(lint(tmp_path / "on", double.format(off="")))
    off = double.format(off="enabled: false\ndisabledReason: A profile asks for it\n")
    assert not codes(lint(tmp_path / "off", off)) & {"LOG005", "LOG006"}


@pytest.fixture
def memory(tmp_path):
    """A memory in a file that is not there yet."""
    return Memory(tmp_path / "kept" / "cache.json")


def counted(answers):
    """A finder that counts how often it is asked."""
    asked = []

    def find():
        asked.append(1)
        return iter(answers)

    return find, asked


def test_what_was_found_is_known_in_the_next_run(memory):
    """The second run does not look again, and says the same."""
    said = Said("LOG001", "R1 never fails", "", "r.yaml", 3, 1)
    find, asked = counted([said])
    assert memory.recall("key", find) == [said]
    memory.keep()
    later = Memory(memory.file)
    later.load()
    assert later.recall("key", find) == [said]
    assert len(asked) == 1


def test_another_text_is_another_question(memory):
    """Keys differ by every text, and by where one text ends and the next begins."""
    keys = {
        memory.key("rule", "ab", "c"),
        memory.key("rule", "a", "bc"),
        memory.key("pairs", "ab", "c"),
        memory.key("rule", "ab"),
    }
    assert len(keys) == 4


@pytest.mark.parametrize("text", ["", "{", "[]", '{"key": [["LOG001"]]}', '{"key": [[1, 2, 3, 4, 5, 6]]}'])
def test_a_broken_memory_remembers_nothing(memory, text):
    """Whatever stands in the file, the finder is asked."""
    memory.file.parent.mkdir()
    memory.file.write_text(text)
    memory.load()
    find, asked = counted([])
    assert memory.recall("key", find) == []
    assert len(asked) == 1


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path):
    """Where a file stands in the way, the run goes on."""
    (tmp_path / "file").write_text("")
    memory = Memory(tmp_path / "file" / "cache.json")
    find, _ = counted([])
    memory.recall("key", find)
    memory.keep()


def test_an_edit_is_seen_through_the_memory(tmp_path):
    """A rule that changes is tried again; the same text is not, and says the same."""
    memory = Memory(tmp_path / "cache.json")
    folder = tmp_path / "pack"
    folder.mkdir()
    found = []
    for value in ("Premium", "Basic", "Basic"):
        write(
            folder,
            f"when: {{allOf: [{{field: sku.name, equals: Premium}}, {{field: sku.name, equals: {value}}}]}}\n",
        )
        made = context(folder)
        report = run([PackContext(made.reading, made.pack, TODAY, True, made.asked, memory=memory)])
        found.append("LOG004" in codes(report))
    assert found == [False, True, True]
    memory.keep()
    assert json.loads((tmp_path / "cache.json").read_text())
