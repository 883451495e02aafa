"""The journal: what a killed collection leaves behind counts exactly as far as its units were finished."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from scanner.errors import InputError, OutputError
from scanner.inventory import journal as journal_module
from scanner.inventory.azure import combine
from scanner.inventory.journal import Journal
from scanner.inventory.making import make
from scanner.inventory.record import digest
from scanner.model.resource import Origin, Problem

SUB = "/subscriptions/11111111-1111-4111-8111-111111111111"
REGISTRIES = "Microsoft.ContainerRegistry/registries"
PLAN = {"subscriptions": ["a"]}


def registry(name, **properties):
    identifier = f"{SUB}/resourceGroups/rg/providers/{REGISTRIES}/{name}"
    raw = {
        "id": identifier,
        "name": name,
        "type": REGISTRIES,
        "sku": {"name": "Premium"},
        "properties": properties,
    }
    return make(REGISTRIES, identifier, raw, Origin("azure", "GET"), "2025-11-01")


def both(kind, rows):
    return combine(kind, rows, set())


def names(parts):
    part = parts.get(REGISTRIES.lower())
    return [resource.name for resource in part] if part is not None else []


@pytest.fixture
def opened():
    """Opens journals and closes them all."""
    held = []

    def go(folder, *, resume=False, plan=None):
        held.append(Journal(folder / "j", plan or PLAN, resume=resume))
        return held[-1]

    yield go
    for one in held:
        one.close()


def test_rows_count_once_their_unit_is_finished(opened, tmp_path):
    held = opened(tmp_path)
    first, second = held.begin(), held.begin()
    held.row(first, registry("b"), 1)
    held.row(second, registry("a"), 1)
    held.commit(first, "one")
    assert names(held.parts(both)) == ["b"]
    held.commit(second, "two")
    assert names(held.parts(both)) == ["a", "b"]


def test_a_resumed_journal_knows_what_is_done_and_drops_the_rest(opened, tmp_path):
    held = opened(tmp_path)
    first, second = held.begin(), held.begin()
    held.row(first, registry("a"), 1)
    held.commit(
        first,
        "one",
        problems=[(REGISTRIES, Problem(SUB, "403", 403, "x/read", "az"))],
        notes=["n"],
        facts=["f"],
    )
    held.row(second, registry("half"), 1)
    held.close()
    again = opened(tmp_path, resume=True)
    unit = again.done("one")
    assert unit is not None
    assert unit.problems == ((REGISTRIES, Problem(SUB, "403", 403, "x/read", "az")),)
    assert (unit.notes, unit.facts) == (("n",), ["f"])
    assert again.done("two") is None
    third = again.begin()
    assert third > second
    again.row(third, registry("whole"), 1)
    again.commit(third, "two")
    assert names(again.parts(both)) == ["a", "whole"]


def test_a_unit_that_may_pass_is_read_again(opened, tmp_path):
    held = opened(tmp_path)
    number = held.begin()
    held.row(number, registry("part"), 1)
    held.commit(number, "one", again=True)
    assert names(held.parts(both)) == ["part"], "in this run the rows that came count"
    assert held.unfinished
    held.close()
    again = opened(tmp_path, resume=True)
    assert again.done("one") is None
    assert names(again.parts(both)) == []


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_files_that_were_cut_anywhere_lose_no_finished_unit(opened, tmp_path, cut):
    held = opened(tmp_path)
    for name in ("a", "b", "c"):
        number = held.begin()
        held.row(number, registry(name), 1)
        held.commit(number, name)
    held.close()
    for path in (tmp_path / "j").glob("*"):
        text = path.read_bytes()
        path.write_bytes(text[:-cut])
    again = opened(tmp_path, resume=True)
    for name in ("a", "b", "c"):
        if again.done(name) is None:
            number = again.begin()
            again.row(number, registry(name), 1)
            again.commit(number, name)
    found = names(again.parts(both))
    assert set(found) >= {"a", "b"}
    assert found == sorted(found)


def test_rows_are_sorted_outside_of_memory_with_the_same_result(opened, tmp_path, monkeypatch):
    digests = []
    for block in (1 << 30, 2000):
        monkeypatch.setattr(journal_module, "BLOCK", block)
        held = opened(tmp_path / str(block))
        for number, name in enumerate(itertools.islice(itertools.cycle("gdahcbfe"), 64)):
            unit = held.begin()
            held.row(unit, registry(f"{name}{number:02}", number=number), 1)
            held.commit(unit, f"u{number}")
        parts = held.parts(both)
        assert len(parts[REGISTRIES.lower()]) == 64
        digests.append(digest(parts))
        assert not list((tmp_path / str(block) / "j").glob("*.block"))
    assert digests[0] == digests[1]


def test_the_provider_decides_and_the_preview_adds(opened, tmp_path):
    held = opened(tmp_path)
    for rank, properties in (
        (0, {"adminUserEnabled": True, "stale": 1}),
        (1, {"adminUserEnabled": False, "policies": {"quarantinePolicy": {"status": "disabled"}}}),
        (2, {"adminUserEnabled": True, "policies": {"softDeletePolicy": {"status": "enabled"}}}),
    ):
        number = held.begin()
        held.row(number, registry("a", **properties), rank)
        held.commit(number, f"rank {rank}")
    (found,) = held.parts(both)[REGISTRIES.lower()]
    assert found.body["properties"] == {
        "adminUserEnabled": False,
        "policies": {"quarantinePolicy": {"status": "disabled"}, "softDeletePolicy": {"status": "enabled"}},
    }


def test_the_later_of_two_equal_sources_wins_and_what_is_gone_is_left_out(opened, tmp_path):
    held = opened(tmp_path)
    for value in (1, 2):
        number = held.begin()
        held.row(number, registry("a", value=value), 1)
        held.row(number, registry("b"), 1)
        held.commit(number, f"page {value}")
    gone = {registry("b").id.lower()}
    (found,) = held.parts(lambda kind, rows: combine(kind, rows, gone))[REGISTRIES.lower()]
    assert found.body["properties"] == {"value": 2}


def test_another_plan_is_not_continued(opened, tmp_path):
    opened(tmp_path).close()
    with pytest.raises(InputError, match="other scopes"):
        opened(tmp_path, resume=True, plan={"subscriptions": ["b"]})


def test_without_resume_an_old_journal_is_gone(opened, tmp_path):
    held = opened(tmp_path)
    held.commit(held.begin(), "one")
    held.close()
    assert opened(tmp_path).done("one") is None


class Full:
    """A file on a disk without room."""

    def write(self, _):
        raise OSError(28, "No space left on device")

    def close(self):
        pass


def test_a_full_disk_is_told_with_what_to_do(opened, tmp_path):
    held = opened(tmp_path)
    number = held.begin()
    held._files["Microsoft.ContainerRegistry-registries.rows"] = Full()
    with pytest.raises(OutputError, match="No space left") as caught:
        held.row(number, registry("a"), 1)
    assert "--resume" in caught.value.advice


def test_a_real_full_device_is_told_too(opened, tmp_path):
    """The log on a device that takes nothing."""
    held = opened(tmp_path)
    with Path("/dev/full").open("wb", buffering=0) as device:
        held._log.close()
        held._log = device
        with pytest.raises(OutputError, match="No space left"):
            held.commit(held.begin(), "one")


def test_resume_after_a_full_disk(opened, tmp_path):
    """What was finished before is kept."""
    held = opened(tmp_path)
    number = held.begin()
    held.row(number, registry("a"), 1)
    held.commit(number, "one")
    held._files["Microsoft.ContainerRegistry-registries.rows"].close()
    held._files["Microsoft.ContainerRegistry-registries.rows"] = Full()
    with pytest.raises(OutputError):
        held.row(held.begin(), registry("b"), 1)
    again = opened(tmp_path, resume=True)
    assert again.done("one") is not None
    assert names(again.parts(both)) == ["a"]
