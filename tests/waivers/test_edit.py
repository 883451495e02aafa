"""A waiver file is changed in one place and stays as it was everywhere else."""

from pathlib import Path

import pytest

from scanner.errors import InputError
from scanner.waivers import edit
from scanner.waivers.read import parse
from tests.waivers.building import waiver
from tests.waivers.test_read import GOOD

FILE = Path("w.yaml")
ODD = 'it is "odd": # not a comment, \\ {{x}} \u00e9 \u2028 x'


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        edit.EMPTY,
        "apiVersion: acrscan/v1\n",
        "apiVersion: acrscan/v1",
        GOOD.replace("attestations:", "# about people\n\nattestations:"),
        GOOD.split("attestations:")[0],
        GOOD.split("attestations:")[0].rstrip("\n"),
        "apiVersion: acrscan/v1\nwaivers: []  # none yet\nattestations: []\n",
    ],
)
def test_an_entry_is_added_and_taken_out_again(text):
    """It is read back as it was meant; every other line stands where it stood."""
    new = waiver("W-9", reason=ODD, element="a: b")
    changed = edit.added(text, [new], FILE)
    found = next(entry for entry in parse(changed, "w.yaml").waivers if entry.id == "W-9")
    assert (found.reason, found.covers) == (new.reason, new.covers)
    for line in text.splitlines():
        assert line.strip() in changed or "[]" in line
    back = edit.pruned(changed, {"W-9"}, FILE)
    assert [entry.id for entry in parse(back, "w.yaml").entries] == [
        entry.id for entry in parse(text, "w.yaml").entries
    ]


def test_pruning_keeps_comments_of_others():
    """The comment above the next entry belongs to that one."""
    text = edit.added(edit.EMPTY, [waiver("W-1"), waiver("W-2", "ACR102"), waiver("W-3", "ACR201")], FILE)
    text = text.replace("  - id: W-2", "  # why two\n  - id: W-2").replace(
        "  - id: W-3", "  # why three\n  - id: W-3"
    )
    left = edit.pruned(text, {"W-1", "W-2"}, FILE)
    assert "# why three" in left
    assert [entry.id for entry in parse(left, "w.yaml").waivers] == ["W-3"]
    assert "waivers: []" in edit.pruned(left, {"W-3"}, FILE)


def test_a_layout_that_cannot_be_edited_is_left_alone():
    """The entry to put in by hand is in the error."""
    flow = "apiVersion: acrscan/v1\nwaivers: [{id: W-1, rule: ACR101, resource: /s, kind: risk-accepted, reason: r, owner: o, approver: a, created: 2026-01-01, expires: 2026-02-01}]\n"
    with pytest.raises(InputError) as caught:
        edit.added(flow, [waiver("W-9")], FILE)
    assert "id: W-9" in str(caught.value)
    with pytest.raises(InputError):
        edit.added(GOOD, [waiver("W-1")], FILE)


def test_entries_may_be_indented_or_not():
    """Both are common in YAML."""
    flat = GOOD.replace("\n  - ", "\n- ").replace("\n    ", "\n  ")
    assert [entry.id for entry in parse(edit.added(flat, [waiver("W-9")], FILE), "w.yaml").waivers] == [
        "W-1",
        "W-9",
    ]
    assert [entry.id for entry in parse(edit.pruned(flat, {"W-1"}, FILE), "w.yaml").entries] == ["A-1"]
