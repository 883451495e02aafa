"""A lock file: the digests of packs that somebody looked at and trusts; what differs from it comes out, file by file.

A bundle proves by itself only that it is whole. The lock, kept in the repository that uses the pack, is the least that says
it is the one that was reviewed; a signature says who made it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from scanner.errors import InputError
from scanner.json_text import read_json
from scanner.language.pack import shown
from scanner.model.codec import RecordError, from_record, to_record

NAME = "acrscan.lock"
FAMILY = "acrscan/lock/"
SCHEMA = f"{FAMILY}v1"


@dataclass(frozen=True, slots=True)
class Locked:
    """One pack: its version and the sha256 of each of its files (pack and profiles, not the manifest)."""

    version: str
    digest: str
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lock:
    """The packs of a lock file by id."""

    schema: str
    packs: Mapping[str, Locked]


def locked(version: str, digest: str, files: Mapping[str, bytes]) -> Locked:
    """What a lock keeps of a pack. `files`: by their path in the bundle."""
    return Locked(version, digest, {name: hashlib.sha256(files[name]).hexdigest() for name in sorted(files)})


def read(path: Path) -> Lock:
    """The lock in a file. Raises `InputError` for anything that is none of this version."""
    record = read_json(path)
    schema = record.get("schema") if isinstance(record, dict) else None
    if not isinstance(schema, str) or not schema.startswith(FAMILY):
        raise InputError("is no lock file", shown(path), "`acrscan policy verify --write-lock` writes one.")
    if schema != SCHEMA:
        raise InputError(
            f"has the schema {schema[:60]!r}, this version reads {SCHEMA}", shown(path), "Update acrscan."
        )
    try:
        found = Lock(SCHEMA, {name: from_record(Locked, one) for name, one in _packs(record, path).items()})
        # What cannot be written again (half a character) was never written here.
        written(found)
    except (RecordError, orjson.JSONEncodeError) as error:
        raise InputError(
            f"is no lock file of this version: {str(error)[:200]}", shown(path), "Was it edited?"
        ) from error
    return found


def _packs(record: Mapping[str, object], path: Path) -> Mapping[str, object]:
    found = record.get("packs")
    if record.keys() != {"schema", "packs"} or not isinstance(found, dict):
        raise InputError("is no lock file of this version", shown(path), "Was it edited?")
    return found


def written(lock: Lock) -> bytes:
    """The file's bytes."""
    record = {"schema": lock.schema, "packs": {name: to_record(one) for name, one in lock.packs.items()}}
    return orjson.dumps(record, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def with_pack(before: Lock | None, identifier: str, one: Locked) -> Lock:
    """The lock with a pack added, or in the place of its older self."""
    return Lock(SCHEMA, {**(before.packs if before else {}), identifier: one})


def differences(lock: Lock, identifier: str, now: Locked) -> Iterator[tuple[str, str]]:
    """(file or pack, what differs) for a pack against its lock; none where all is as locked."""
    known = lock.packs.get(identifier)
    if known is None:
        others = ", ".join(sorted(lock.packs)) or "none"
        yield identifier, f"the lock has no pack of this id (its packs: {others})"
        return
    if known.version != now.version:
        yield identifier, f"has the version {now.version}, the lock has {known.version}"
    for name in sorted(known.files.keys() | now.files.keys()):
        if name not in now.files:
            yield name, "is missing; the lock has it"
        elif name not in known.files:
            yield name, "is new; the lock does not have it"
        elif known.files[name] != now.files[name]:
            yield name, "was changed: its sha256 differs from the lock"
    if known.digest != now.digest and known.files == now.files:
        yield identifier, "the lock's digest of the pack is not that of the files it lists: it was edited"
