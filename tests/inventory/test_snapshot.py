"""Snapshots: they come back as they went in, hold no secret, and every kind of tampering is noticed."""

from __future__ import annotations

import json
import stat

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.errors import InputError, OutputError
from scanner.inventory import saved, snapshot
from scanner.inventory.record import ListPart, digest, from_record, to_record
from scanner.model.resource import Inventory, Resource, SourceRun, plant
from scanner.model.values import Hidden, Unknown, UnreadTail

NOW = "2026-11-25T02:00:00Z"
REGISTRIES = "Microsoft.ContainerRegistry/registries"
TASKS = f"{REGISTRIES}/tasks"
ONE = f"/subscriptions/s/resourceGroups/rg/providers/{REGISTRIES}/one"


@pytest.fixture
def inventory(tmp_path):
    """A registry, a task with secrets, and a part that was refused."""
    task = {
        "id": f"{ONE}/tasks/build",
        "type": TASKS,
        "name": "build",
        "properties": {
            "credentials": {
                "customRegistries": {"x.io": {"password": {"type": "Opaque", "value": "opaque-secret-1"}}}
            },
            "step": {
                "type": "Docker",
                "arguments": [
                    {"name": "a", "value": "argument-secret-2", "isSecret": True},
                    {"name": "b", "value": "plain", "isSecret": False},
                ],
            },
            "note": "https://x.blob.core.windows.net/c?sig=abcdefghijklmnopqrstuvwx",
        },
    }
    folder = tmp_path / "answers"
    folder.mkdir()
    registry = {
        "id": ONE,
        "type": REGISTRIES,
        "name": "one",
        "location": "westeurope",
        "tags": {"$hidden": "from outside"},
        "properties": {"loginServer": "one.azurecr.io"},
    }
    (folder / "a.json").write_text(json.dumps([registry, task]))
    return saved.collect([folder], now=NOW)


def write(inventory, folder):
    snapshot.write(inventory, folder, tool_version="1", started=NOW, ended=NOW)
    return folder


def test_round_trip(inventory, tmp_path):
    """Resources, runs, digest and time come back equal."""
    back = snapshot.collect(write(inventory, tmp_path / "night"))
    assert {key: list(part) for key, part in back.parts.items()} == {
        key: list(part) for key, part in inventory.parts.items()
    }
    assert back.runs == inventory.runs
    assert (back.digest, back.collected_at) == (inventory.digest, inventory.collected_at)
    assert digest(back.parts) == inventory.digest


def test_no_secret_touches_the_disk(inventory, tmp_path):
    """Passwords, secret arguments and SAS addresses are markers; plain values stay; a body's own `$hidden` is data."""
    folder = write(inventory, tmp_path / "night")
    text = "".join(path.read_text() for path in folder.iterdir())
    for secret in ("opaque-secret-1", "argument-secret-2", "sig="):
        assert secret not in text
    assert '"plain"' in text
    (registry,) = snapshot.collect(folder).parts[REGISTRIES.lower()]
    assert registry.body["tags"] == {"$hidden": "from outside"}
    (task,) = snapshot.collect(folder).parts[TASKS.lower()]
    assert task.body["properties"]["step"]["arguments"][0]["value"] == Hidden("value") or isinstance(
        task.body["properties"]["step"]["arguments"][0]["value"], Hidden
    )


def test_for_the_owner_alone(inventory, tmp_path):
    """Files 0600, the folder 0700."""
    folder = write(inventory, tmp_path / "night")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def edit(path, old, new):
    path.write_bytes(path.read_bytes().replace(old, new))


TASK_FILE = "Microsoft.ContainerRegistry-registries-tasks.ndjson"
TAMPERING = {
    "edited": lambda folder: edit(folder / TASK_FILE, b"plain", b"other"),
    "truncated": lambda folder: (folder / TASK_FILE).write_bytes((folder / TASK_FILE).read_bytes()[:-9]),
    "missing": lambda folder: (folder / TASK_FILE).unlink(),
    "extra": lambda folder: (folder / "x.ndjson").write_text("{}"),
    "newer": lambda folder: edit(folder / "manifest.json", b"snapshot/v1", b"snapshot/v2"),
    "foreign": lambda folder: (folder / "manifest.json").write_text('{"hello": 1}'),
    "damaged": lambda folder: edit(folder / "manifest.json", b'"runs"', b'"ruins"'),
    "no manifest": lambda folder: (folder / "manifest.json").unlink(),
    "path outside": lambda folder: edit(
        folder / "manifest.json", TASK_FILE.encode(), b"../" + TASK_FILE.encode()
    ),
}


@pytest.mark.parametrize("how", TAMPERING)
def test_tampering_is_noticed(inventory, tmp_path, how):
    """Each is an error that names the place, before any resource is given."""
    folder = write(inventory, tmp_path / "night")
    TAMPERING[how](folder)
    with pytest.raises(InputError) as caught:
        snapshot.collect(folder)
    assert "night" in caught.value.where


def test_lines_out_of_order_are_noticed(tmp_path):
    """Even with a fitting checksum: merge joins need the order."""

    class Unsorted(ListPart):
        def __iter__(self):
            return reversed(list(super().__iter__()))

    rows = [
        Resource(f"{ONE}{number}", REGISTRIES, f"one{number}", {"id": f"{ONE}{number}"})
        for number in range(2)
    ]
    part = Unsorted(REGISTRIES, rows)
    made = Inventory({REGISTRIES.lower(): part}, (SourceRun("saved", REGISTRIES, "complete"),), "0" * 64, NOW)
    back = snapshot.collect(write(made, tmp_path / "night"))
    with pytest.raises(InputError, match="out of order"):
        list(back.parts[REGISTRIES.lower()])


def test_only_snapshots_are_replaced(inventory, tmp_path):
    """A folder with other things is left alone; an older snapshot is replaced whole."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError):
        write(inventory, other)
    assert (other / "thesis.txt").read_text() == "mine"
    folder = write(inventory, tmp_path / "night")
    write(inventory, folder)
    assert snapshot.collect(folder).digest == inventory.digest
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_failure_leaves_nothing_behind(inventory, tmp_path, monkeypatch):
    """The disk is full while writing: an error, no folder, no temporary one."""

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(snapshot, "_write_part", full)
    with pytest.raises(OutputError, match="No space left"):
        write(inventory, tmp_path / "night")
    assert [path.name for path in tmp_path.iterdir()] == ["answers"]


keys = st.text(st.characters(codec="utf-8"), min_size=1, max_size=5)
leaves = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)


def places(value, path=""):
    """Every pointer into a value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}")
    if isinstance(value, list):
        yield f"{path}/-"


@settings(suppress_health_check=list(HealthCheck))
@given(st.dictionaries(keys, values, min_size=1, max_size=4), st.data())
def test_any_body_with_markers_comes_back(body, data):
    """Bodies of any shape, with an unread place, a withheld one and an open list: equal after the disk."""
    pointers = [place for place in places(body) if place]
    where = data.draw(st.sampled_from(pointers))
    unread = {where: "403"}
    planted = plant(orjson.loads(orjson.dumps(body)), unread, {})
    resource = Resource(ONE, REGISTRIES, "one", planted, unread=unread)
    back = from_record(orjson.loads(orjson.dumps(to_record(resource))))
    assert back.unread == unread
    assert find(back.body, where) == (UnreadTail("403") if where.endswith("/-") else Unknown("403"))


def find(value, pointer):
    for raw in pointer.split("/")[1:]:
        key = raw.replace("~1", "/").replace("~0", "~")
        inside = isinstance(value, list)
        value = value[-1 if key == "-" else int(key)] if inside else value[key]
    return value
