"""Forgeries that keep every digest right are found by the replay; whatever a manifest says is data of others."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
import pytest

from scanner.cli.door import run
from scanner.trust import manifest as manifests
from tests.trust.runs import call, forge, scan

WRONG: tuple[Any, ...] = (None, 7, "x", [], {}, [[]], ["../x"], [{"path": 1}], {"a": {}})


@pytest.mark.parametrize("name", ["acrscan.html", "acrscan.sarif"])
def test_a_forged_report_with_every_digest_right_fails_the_replay(reports, capsys, name):
    """Whatever its format."""
    path = reports / name
    path.write_bytes(path.read_bytes().replace(b"harbour", b"Harbour", 1))
    forge(reports)
    assert call(capsys, "verify", reports, "--no-replay")[1].count("FAILED") == 0
    code, told = call(capsys, "verify", reports)
    assert code == 1
    assert f"FAILED      replay: {name} came out different" in told
    assert told.count("FAILED") == 1


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("packDigest", "0" * 64),
        ("inventoryDigest", "0" * 64),
        ("waiverDigest", "0" * 64),
        ("packVersion", "9.9.9"),
        ("now", "2020-01-01T00:00:00Z"),
        ("profile", "production"),
        ("summary", {"evaluations": 0}),
    ],
)
def test_a_manifest_that_says_otherwise_fails_the_replay(reports, capsys, key, value):
    """Its facts are compared with the scan, not only with its own files."""
    forge(reports, **{key: value})
    code, told = call(capsys, "verify", reports)
    assert code == 1
    assert f"the manifest says otherwise about {key}" in told


def test_another_snapshot_fails_the_replay(reports, capsys):
    """Also one with the same content that was collected another time."""
    manifest = reports.parent / "night" / "manifest.json"
    manifest.write_bytes(manifest.read_bytes() + b"\n")
    code, told = call(capsys, "verify", reports)
    assert code == 1
    assert "FAILED      snapshot" in told
    assert told.count("FAILED") == 1


def test_a_snapshot_that_lies_about_its_content_is_found(reports, capsys):
    """Content, digests of parts and the manifest's own digest are changed alike; only the inventory's digest is not."""
    night = reports.parent / "night"
    record = orjson.loads((night / "manifest.json").read_bytes())
    part = next(
        one for one in record["parts"] if one["type"] == "Microsoft.ContainerRegistry/registries/webhooks"
    )
    file = night / part["file"]
    file.write_bytes(file.read_bytes().replace(b"westeurope", b"northeurope"))
    part["sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
    (night / "manifest.json").write_bytes(orjson.dumps(record))
    forge(reports, snapshotSha256=hashlib.sha256((night / "manifest.json").read_bytes()).hexdigest())
    code, told = call(capsys, "verify", reports)
    assert code == 1
    assert "is not what its digest says" in told


def test_marks_of_a_history_are_told_apart_and_never_called_checked(reports, capsys):
    """What a history adds cannot be told again; everything else still is."""
    path = reports / "acrscan.json"
    record = orjson.loads(path.read_bytes())
    record["findings"][0]["firstSeen"] = "2026-01-01T00:00:00Z"
    path.write_bytes(orjson.dumps(record))
    replay = orjson.loads((reports / manifests.NAME).read_bytes())["replay"]
    forge(reports, replay={**replay, "history": True})
    code, told = call(capsys, "verify", reports)
    assert code == 3
    assert "acrscan.json came out the same but for what the history adds" in told
    record["findings"][0]["severity"] = "info"
    path.write_bytes(orjson.dumps(record))
    forge(reports, replay={**replay, "history": True})
    assert call(capsys, "verify", reports)[0] == 1


@pytest.mark.parametrize(
    "change",
    [
        {"pack": "../elsewhere"},
        {"waivers": "/etc/hostname"},
        {"profiles": ["C:\\profiles\\mine.yaml"]},
        {"principals": "inputs/../../x"},
    ],
)
def test_a_replay_reads_the_inputs_of_the_folder_only(reports, capsys, change):
    """A manifest is data of others."""
    replay = orjson.loads((reports / manifests.NAME).read_bytes())["replay"]
    forge(reports, replay={**replay, **change})
    code, told = call(capsys, "verify", reports)
    assert code == 1
    assert "it names files outside the folder" in told
    assert "not checked replay" in told


def test_a_rule_smuggled_among_the_inputs_is_found(reports, capsys):
    """It would take part in the replay."""
    (reports / "inputs" / "pack" / "rules" / "extra.yaml").write_text("{}")
    code, told = call(capsys, "verify", reports)
    assert code == 1
    assert "extra.yaml" in told


def test_any_broken_manifest_is_a_clear_error(reports, capsys):
    """Each key missing, and each with values of other kinds: never an internal error, never ok."""
    path = reports / manifests.NAME
    good = orjson.loads(path.read_bytes())
    for where in ((), ("replay",), ("outputs", 0)):
        part = good
        for step in where:
            part = part[step]
        for key in list(part):
            for value in WRONG:
                before = part[key]
                if value == before:
                    continue
                part[key] = value
                path.write_bytes(orjson.dumps(good))
                part[key] = before
                code, told = call(capsys, "verify", reports, "--no-replay")
                assert code in (1, 2), (key, value, told)


def test_a_chain_is_followed_as_far_as_it_is_given(night, tmp_path, capsys):
    """In any order; a stranger among them is told, and so is a gap."""
    nights = [tmp_path / f"night-{at}" for at in range(4)]
    for before, out in zip([None, *nights], nights, strict=False):
        more = ["--previous-manifest", before / "manifest.json"] if before else []
        assert run(scan(night, "-f", "json", "-o", out, "--manifest", *more)) == 0
    every = [word for one in (nights[1], nights[0], nights[2]) for word in ("--previous", one)]
    code, told = call(capsys, "verify", nights[3], *every)
    assert code == 0, told
    assert told.count("it follows the run of") == 3
    assert "first of its chain" in told
    code, told = call(capsys, "verify", nights[3], "--previous", nights[2], "--no-replay")
    assert "note        run before" in told
    code, told = call(
        capsys, "verify", nights[3], "--previous", nights[2], "--previous", nights[0], "--no-replay"
    )
    assert code == 1
    assert "not a run that this one follows" in told
    forge(nights[1], now="2020-01-01T00:00:00Z")
    assert call(capsys, "verify", nights[2], "--previous", nights[1], "--no-replay")[0] == 1
