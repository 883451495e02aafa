"""Snapshots: an inventory becomes a folder and back. The folder is whole or absent, for its owner alone, and checked.

`manifest.json` says what was collected and how completely, and holds the sha256 of every part; each part is one sorted,
uncompressed `<type>.ndjson`. Reading verifies everything before the first resource is given, and streams.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from scanner.errors import InputError, OutputError
from scanner.inventory.record import from_record, sort_key, to_record
from scanner.json_text import read_json
from scanner.model import ids
from scanner.model.resource import Facts, Inventory, Part, Principal, Problem, Resource, SourceRun

SCHEMA = "acrscan/snapshot/v1"
MANIFEST = "manifest.json"
_BLOCK = 1 << 20


def write(inventory: Inventory, folder: Path, *, tool_version: str, started: str, ended: str) -> None:
    """Write a snapshot; on any failure nothing half-written remains and an older snapshot stays as it was.

    Raises `OutputError` for a folder that holds something else, or that cannot be written.
    """
    check(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror or error}", str(folder)) from error
    try:
        parts = [_write_part(place, part) for _, part in sorted(inventory.parts.items())]
        manifest = _manifest(inventory, parts, tool_version, started, ended)
        with _private(place / MANIFEST) as out:
            out.write(orjson.dumps(manifest, option=orjson.OPT_INDENT_2) + b"\n")
        _replace(place, folder)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror or error}", str(folder)) from error
    finally:
        shutil.rmtree(place, ignore_errors=True)


def check(folder: Path) -> None:
    """Raise `OutputError` for a folder that holds something else than a snapshot."""
    if folder.exists() and not (
        folder.is_dir() and ((folder / MANIFEST).is_file() or not any(folder.iterdir()))
    ):
        raise OutputError("holds something that is no snapshot", str(folder), "Name a new folder.")


def _private(path: Path) -> Any:
    """A new file that only its owner can read, opened for writing."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _replace(place: Path, folder: Path) -> None:
    """Put the finished folder in its place; an older snapshot is moved aside first and removed last."""
    old = None
    if folder.exists():
        old = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.old."))
        folder.replace(old / "old")
    place.replace(folder)
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)


def _write_part(place: Path, part: Part) -> dict[str, Any]:
    name = part.type.replace("/", "-") + ".ndjson"
    found = hashlib.sha256()
    versions: set[str] = set()
    count = 0
    with _private(place / name) as out:
        for resource in part:
            line = orjson.dumps(to_record(resource)) + b"\n"
            out.write(line)
            found.update(line)
            versions.add(resource.api_version or "")
            count += 1
    return {
        "type": part.type,
        "file": name,
        "count": count,
        "sha256": found.hexdigest(),
        "apiVersions": sorted(versions),
    }


def _manifest(
    inventory: Inventory, parts: list[dict[str, Any]], tool_version: str, started: str, ended: str
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "tool": {"name": "acrscan", "version": tool_version},
        "started": started,
        "ended": ended,
        "tenant": inventory.facts.tenant,
        "identity": inventory.facts.identity,
        "excluded": dict(sorted(inventory.facts.excluded.items())),
        "digest": inventory.digest,
        "parts": parts,
        "runs": [_run_record(run) for run in inventory.runs],
        "principals": [
            {"id": item.id, "name": item.name, "type": item.type, "groups": list(item.groups)}
            for _, item in sorted(inventory.principals.items())
        ],
        "diagnostics": list(inventory.diagnostics),
    }


def _run_record(run: SourceRun) -> dict[str, Any]:
    return {
        "source": run.source,
        "collection": run.collection,
        "state": run.state,
        "count": run.count,
        "collectedAt": run.collected_at,
        "problems": [
            {
                "scope": item.scope,
                "reason": item.reason,
                "status": item.status,
                "action": item.action,
                "fix": item.fix,
                **({"chosen": True} if item.chosen else {}),
            }
            for item in run.problems
        ],
    }


def collect(folder: Path) -> Inventory:
    """Read a snapshot. Raises `InputError` naming the file for anything missing, edited, truncated or newer."""
    path = folder / MANIFEST
    if not path.is_file():
        raise InputError("is no snapshot (no manifest.json)", str(folder), "Make one with `acrscan collect`.")
    manifest = read_json(path)
    if not isinstance(manifest, dict) or not str(manifest.get("schema", "")).startswith("acrscan/snapshot/"):
        raise InputError("is no manifest of a snapshot", str(path))
    if manifest["schema"] != SCHEMA:
        raise InputError(
            f"has the schema {manifest['schema']}, this version reads {SCHEMA}", str(path), "Update acrscan."
        )
    try:
        return _inventory(folder, manifest)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"is damaged: {error}", str(path), "Collect again.") from error


def _inventory(folder: Path, manifest: Mapping[str, Any]) -> Inventory:
    listed = {part["file"] for part in manifest["parts"]}
    extra = sorted(
        path.name for path in folder.iterdir() if path.name != MANIFEST and path.name not in listed
    )
    if extra:
        raise InputError(
            "stands in the snapshot, but not in its manifest",
            str(folder / extra[0]),
            "Remove it or collect again.",
        )
    parts: dict[str, Part] = {}
    for part in manifest["parts"]:
        file = folder / part["file"]
        if file.parent != folder or not file.is_file():
            raise InputError("is missing from the snapshot", str(file), "Collect again.")
        if _sha256(file) != part["sha256"]:
            raise InputError(
                "was changed since it was collected (sha256 differs)", str(file), "Collect again."
            )
        parts[part["type"].lower()] = FilePart(part["type"], file, part["count"])
    return Inventory(
        parts=parts,
        runs=tuple(_run(record) for record in manifest["runs"]),
        digest=manifest["digest"],
        collected_at=manifest["ended"],
        principals={
            item["id"].lower(): Principal(item["id"], item["name"], item["type"], tuple(item["groups"]))
            for item in manifest["principals"]
        },
        diagnostics=tuple(manifest["diagnostics"]),
        # Snapshots of older versions lack the last three.
        facts=Facts(
            manifest["started"],
            manifest.get("tenant", ""),
            manifest.get("identity", ""),
            manifest.get("excluded", {}),
        ),
    )


def _run(record: Mapping[str, Any]) -> SourceRun:
    problems = tuple(
        Problem(
            item["scope"],
            item["reason"],
            item["status"],
            item["action"],
            item["fix"],
            item.get("chosen", False),
        )
        for item in record["problems"]
    )
    return SourceRun(
        record["source"],
        record["collection"],
        record["state"],
        record["count"],
        problems,
        record["collectedAt"],
    )


def _sha256(file: Path) -> str:
    found = hashlib.sha256()
    with file.open("rb") as source:
        while block := source.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


class FilePart:
    """A part that streams from its file; the order of its lines is checked on the way."""

    def __init__(self, kind: str, file: Path, count: int) -> None:
        self._type = kind
        self._file = file
        self._count = count

    @property
    def type(self) -> str:
        """The ARM type."""
        return self._type

    def __len__(self) -> int:
        return self._count

    def lines(self) -> Iterator[bytes]:
        """The stored lines, in order."""
        with self._file.open("rb") as lines:
            yield from lines

    def resource(self, line: bytes) -> Resource:
        """The resource of a stored line."""
        return from_record(orjson.loads(line))

    def __iter__(self) -> Iterator[Resource]:
        last = ""
        with self._file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    resource = from_record(orjson.loads(line))
                except (ValueError, KeyError, TypeError) as error:
                    raise InputError(
                        f"is no resource record: {error}", f"{self._file}:{number}", "Collect again."
                    ) from error
                key = sort_key(resource)
                if key < last:
                    raise InputError(
                        f"{ids.name_of(resource.id)} is out of order",
                        f"{self._file}:{number}",
                        "Collect again.",
                    )
                last = key
                yield resource
