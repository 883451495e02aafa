"""A run done again from its manifest: the same inventory, pack, profiles, waivers, baseline and clock; what comes out the same.

Reports that were written are compared byte by byte with those that the same inputs give now, whatever their format.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from scanner import __version__, formats
from scanner.cli.marking import baseline_of, register_of
from scanner.cli.options import inventory_from, pack_from
from scanner.cli.outputs import files_of, main_file
from scanner.errors import ScannerError
from scanner.formats._settings import Settings
from scanner.inventory.record import digest as content_digest
from scanner.inventory.snapshot import MANIFEST
from scanner.inventory.snapshot import collect as read_snapshot
from scanner.model.codec import RecordError, from_record
from scanner.model.rule import RulePack
from scanner.model.scan import Scan
from scanner.trust.check import FAILED, OK, OPEN, Check
from scanner.trust.files import sha256_of
from scanner.trust.manifest import Manifest, Replay, manifest_of, written

_MARKED = ("firstSeen", "change", "why", "was")
"""Keys of rows that a history writes; without it they cannot be told again."""
_WHOLE = ("json", "ndjson")
"""Reports in which what a history adds can be told apart."""
_ELSEWHERE = frozenset(
    {"schema", "tool_version", "outputs", "inputs", "replay", "predecessor", "snapshot_sha256"}
)
"""Fields of a manifest that are no facts about the scan."""


def compare(folder: Path, found: Manifest, snapshot: str | None) -> Iterator[Check]:
    """Do the scan again; say of every fact of the manifest and of every report whether it came out the same."""
    replay = found.replay
    if found.tool_version != __version__:
        yield _open(f"the run was made with acrscan {found.tool_version}, this is {__version__}")
        return
    try:
        settings = from_record(Settings, dict(replay.settings))
    except RecordError as error:
        yield _open(f"the settings of its reports are not of this version: {error}")
        return
    try:
        scan = again(folder, replay, snapshot)
    except ScannerError as error:
        yield _open(str(error).splitlines()[0])
        return
    if isinstance(scan, str):
        yield _open(scan)
        return
    if replay.source == "snapshot":
        yield _snapshot(Path(snapshot) if snapshot else folder / replay.paths[0], found)
    differ = list(_facts(found, scan))
    if differ:
        yield Check("replay", FAILED, f"the manifest says otherwise about {', '.join(differ)}")
    else:
        without = " (but for counts, to which a history adds)" if replay.history else ""
        yield Check("replay", OK, f"every fact of the manifest came out the same{without}")
    for name in dict.fromkeys(one.format for one in found.outputs):
        yield from _reports(folder, found, scan, name, settings)


def _open(words: str) -> Check:
    return Check("replay", OPEN, words)


def _snapshot(place: Path, found: Manifest) -> Check:
    """Whether a snapshot is the one of the run: its manifest, and its content (a digest in a manifest is only said)."""
    if sha256_of(place / MANIFEST) != found.snapshot_sha256:
        return Check("snapshot", FAILED, f"{place} is another one: the sha256 of its manifest differs")
    if content_digest(read_snapshot(place).parts) != found.inventory_digest:
        return Check("snapshot", FAILED, f"the content of {place} is not what its digest says")
    return Check("snapshot", OK, "its manifest and the digest of its content are those of the run")


def _facts(found: Manifest, scan: Scan) -> Iterator[str]:
    """The facts of the manifest that differ from those of the scan."""
    made = manifest_of(scan, found.outputs, found.inputs, found.replay, found.predecessor)
    then, now = orjson.loads(written(found)), orjson.loads(written(made))
    skipped = {_key(name) for name in _ELSEWHERE} | ({"summary"} if found.replay.history else set())
    return (
        key
        for key in sorted(then.keys() | now.keys())
        if key not in skipped and then.get(key) != now.get(key)
    )


def _key(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


def _reports(folder: Path, found: Manifest, scan: Scan, name: str, settings: Settings) -> Iterator[Check]:
    """The files of one format, compared with what it gives now."""
    wanted = {one.path: one.sha256 for one in found.outputs if one.format == name}
    if name not in formats.names():
        yield _open(f"{', '.join(wanted)}: this version has no format {name!r}")
        return
    main = folder / found.replay.file if found.replay.file else main_file(name, str(folder), alone=False)
    try:
        for place, writer in files_of(name, scan, main, settings):
            path = place.relative_to(folder).as_posix()
            digest = wanted.pop(path, "")
            with tempfile.TemporaryFile() as out:
                writer(scan, out)
                out.seek(0)
                same = hashlib.file_digest(out, "sha256").hexdigest() == digest
                if same:
                    yield Check("replay", OK, f"{path} came out the same, byte by byte")
                elif not digest:
                    yield Check("replay", FAILED, f"{path} came out, and the run had none")
                else:
                    out.seek(0)
                    yield _changed(folder / path, out, name, history=found.replay.history)
    except (ScannerError, OSError) as error:
        yield _open(f"{name}: {str(error).splitlines()[0]}")
        return
    for path in wanted:
        yield Check("replay", FAILED, f"{path} did not come out again")


def _changed(path: Path, now: BinaryIO, name: str, *, history: bool) -> Check:
    if not history:
        return Check("replay", FAILED, f"{path.name} came out different")
    if name not in _WHOLE:
        return _open(f"{path.name} came out different, and so it may: it holds marks from a history")
    if _bare(path.read_bytes()) == _bare(now.read()):
        words = "came out the same but for what the history adds (first seen, changes, trend)"
        return _open(f"{path.name} {words}")
    return Check("replay", FAILED, f"{path.name} came out different")


def _bare(content: bytes) -> list[Mapping[str, Any]]:
    """The records without what a history adds and without counts over their own bytes."""
    lines = content.splitlines() if content.startswith(b'{"record"') else [content]
    records = [orjson.loads(line) for line in lines]
    for record in records:
        record.pop("sha256", None)
        record.pop("trend", None)
        for row in (record, *record.get("findings", ())):
            for key in _MARKED:
                row.pop(key, None)
    return records


def again(folder: Path, replay: Replay, snapshot: str | None) -> Scan | str:
    """The scan, or why it cannot be done again. Raises what reading the inputs raises."""
    if not replay.source:
        return replay.why
    places = [snapshot] if snapshot else [str(folder / one) for one in replay.paths]
    missing = [one for one in places if not Path(one).exists()]
    if missing or not places:
        return f"{', '.join(missing) or 'the inventory'} is not there; name the snapshot with --snapshot"
    if replay.source == "stored":
        from scanner import stored  # noqa: PLC0415

        scan = stored.read(Path(places[0]))
        return _marked(folder, replay, scan, None)
    from scanner import pipeline  # noqa: PLC0415
    from scanner.engine.evaluate import Options  # noqa: PLC0415

    pack = pack_from(
        str(folder / replay.pack),
        tuple(str(folder / one) for one in replay.profiles),
        replay.parameters,
        replay.rules,
        replay.skipped,
        name=replay.pack_name,
    )
    principals = str(folder / replay.principals) if replay.principals else None
    inventory = inventory_from(
        tuple(places), replay.source, principals, replay.api_version or None, replay.now
    )
    scan = pipeline.scan(
        pack, inventory, now=replay.now, words=replay.words, options=Options(keep_passes=replay.keep_passes)
    )
    return _marked(folder, replay, scan, pack)


def _marked(folder: Path, replay: Replay, scan: Scan, pack: RulePack | None) -> Scan:
    if replay.waivers:
        from scanner.waivers.apply import apply  # noqa: PLC0415

        rules = pack.rules if pack else scan.header.rules
        scan = apply(scan, register_of(str(folder / replay.waivers), rules, replay.waivers_name))
    if replay.baseline:
        from scanner.compare.against import against  # noqa: PLC0415

        scan = against(scan, baseline_of(str(folder / replay.baseline), replay.baseline_name))
    if replay.organisation:
        scan = replace(scan, header=replace(scan.header, organisation=replay.organisation))
    return scan
