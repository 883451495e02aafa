"""The journal of a collection: rows and finished units of work come in, sorted parts come out; survives being killed.

A unit is one list or query. Its rows go to one file per type as they arrive, each with the number of the attempt; the unit
counts only once its line is in `units.ndjson`. Whatever else lies in the files (an attempt that was cut off) is passed over,
so a collection that goes on ends with the same resources as one that was never interrupted. Parts are sorted outside of
memory: however many rows there are, one block of them is held.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import orjson

from scanner.errors import InputError, OutputError
from scanner.inventory.record import sort_key, to_record
from scanner.inventory.snapshot import FilePart
from scanner.model.resource import Part, Problem, Resource

SCHEMA = "acrscan/journal/v1"
BLOCK = 16 << 20
"""Bytes of rows that are sorted in memory at once."""


class Unit(NamedTuple):
    """A finished unit: the scope it listed, what could not be read, what the reader should know, what it found out."""

    name: str
    problems: tuple[tuple[str, Problem], ...]
    notes: tuple[str, ...]
    facts: Any


class Row(NamedTuple):
    """One stored row. `rank`: which source gave it (a higher one is nearer to the truth)."""

    key: str
    rank: int
    number: int
    record: dict[str, Any]


Combine = Callable[[str, list[Row]], dict[str, Any] | None]
"""From a type and all rows of one id, best last, to the one record, or None where the resource is gone."""


class Journal:
    """The journal in a folder of its own. Raises `OutputError` where it cannot be written."""

    def __init__(self, folder: Path, plan: Mapping[str, Any], *, resume: bool) -> None:
        """`plan` says what is collected; a journal of another plan is not continued (`InputError`)."""
        self._folder = folder
        self._files: dict[str, BinaryIO] = {}
        self._dirty: set[str] = set()
        self._numbers = itertools.count(1)
        self._finished: set[int] = set()
        self._names: set[bytes] = set()
        self._units: dict[str, Unit] = {}
        self._rows: dict[int, int] = {}
        """Attempt -> rows stored so far, until it is committed."""
        self.unfinished = False
        """Whether a unit failed in a way that may pass."""
        log = folder / "units.ndjson"
        try:
            if resume and log.is_file():
                self._load(log, plan)
            else:
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True, mode=0o700)
            self._log = self._open(log)
            if not log.stat().st_size:
                self._log.write(orjson.dumps({"schema": SCHEMA, "plan": plan}) + b"\n")
                self._log.flush()
        except OSError as error:
            raise OutputError(f"cannot be written: {error.strerror or error}", str(folder)) from error

    def _open(self, path: Path) -> BinaryIO:
        """A file at whose end we write; a line that was cut off is ended first."""
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        file = os.fdopen(handle, "ab")
        size = path.stat().st_size
        if size:
            with path.open("rb") as read:
                read.seek(size - 1)
                if read.read(1) != b"\n":
                    file.write(b"\n")
        return file

    def _load(self, log: Path, plan: Mapping[str, Any]) -> None:
        highest = 0
        stored = _counted(self._folder.glob("*.rows"))
        with log.open("rb") as lines:
            head = _decoded(lines.readline())
            if not head or head.get("schema") != SCHEMA:
                raise InputError("is no journal of a collection", str(log), "Collect without --resume.")
            if head["plan"] != orjson.loads(orjson.dumps(plan)):
                raise InputError(
                    "was begun with other scopes or sources", str(log), "Use the same options, or collect without --resume."
                )  # fmt: skip
            for line in lines:
                record = _decoded(line)
                if record is None:
                    continue
                highest = max(highest, record["number"])
                if record["again"] or stored.get(record["number"], 0) < record["rows"]:
                    continue  # to be read anew: it failed, or its rows did not reach the disk
                problems = tuple((kind, Problem(*fields)) for kind, fields in record["problems"])
                unit = Unit(record["unit"], problems, tuple(record["notes"]), record["facts"])
                self._keep(record["number"], unit)
        highest = max((highest, *stored))
        self._numbers = itertools.count(highest + 1)

    def _keep(self, number: int, unit: Unit) -> None:
        """A unit that has nothing to say is only a name: there may be one per registry."""
        self._finished.add(number)
        self._names.add(_short(unit.name))
        if unit.problems or unit.notes or unit.facts:
            self._units[unit.name] = unit

    @property
    def units(self) -> Iterable[Unit]:
        """All finished units that have something to say."""
        return list(self._units.values())

    def done(self, name: str) -> Unit | None:
        """The unit of that name, if it is finished."""
        if _short(name) not in self._names:
            return None
        return self._units.get(name) or Unit(name, (), (), [])

    def forget(self, start: str) -> None:
        """Let go of the facts of units whose names start so; their problems and notes stay."""
        for name, unit in list(self._units.items()):
            if name.startswith(start):
                self._units[name] = unit._replace(facts=[])

    def begin(self) -> int:
        """A number for the rows of one attempt."""
        return next(self._numbers)

    def row(self, number: int, resource: Resource, rank: int) -> None:
        """Store one row of an attempt."""
        name = resource.type.replace("/", "-") + ".rows"
        try:
            file = self._files.get(name)
            if file is None:
                file = self._files[name] = self._open(self._folder / name)
            key = sort_key(resource).encode()
            file.write(b"%d\t%d\t%b\t%b\n" % (number, rank, key, orjson.dumps(to_record(resource))))
        except OSError as error:
            raise self._full(error) from error
        self._dirty.add(name)
        self._rows[number] = self._rows.get(number, 0) + 1

    def commit(
        self,
        number: int,
        name: str,
        *,
        problems: Iterable[tuple[str, Problem]] = (),
        notes: Iterable[str] = (),
        facts: Any = None,
        again: bool = False,
        fleeting: bool = False,
    ) -> Unit:
        """Finish a unit: from now on its rows count. `problems`: (collection, problem).

        `again`: it failed in a way that may pass; a resumed collection reads it anew. `fleeting`: it says something about
        this run only, and is worked out anew by every other.
        """
        unit = Unit(name, tuple(problems), tuple(notes), facts)
        record = {
            "number": number,
            "unit": name,
            "problems": [
                [kind, [one.scope, one.reason, one.status, one.action, one.fix, one.chosen]]
                for kind, one in unit.problems
            ],
            "notes": unit.notes,
            "facts": facts,
            "again": again or fleeting,
            "rows": self._rows.pop(number, 0),
        }
        try:
            for dirty in self._dirty:
                self._files[dirty].flush()
            self._dirty.clear()
            self._log.write(orjson.dumps(record) + b"\n")
            self._log.flush()
        except OSError as error:
            raise self._full(error) from error
        self._keep(number, unit)
        self.unfinished = self.unfinished or again
        return unit

    def _full(self, error: OSError) -> OutputError:
        return OutputError(
            f"the journal cannot be written: {error.strerror or error}",
            str(self._folder),
            "Make room, then run the same command with --resume: what was read so far is kept.",
        )

    def parts(self, combine: Combine) -> dict[str, Part]:
        """All rows that count, by lower-case type, sorted, one record per id."""
        found: dict[str, Part] = {}
        try:
            for path in sorted(self._folder.glob("*.rows")):
                kind, count = "", 0
                with path.with_suffix(".ndjson").open("wb") as out, self._groups(path) as groups:
                    for rows in groups:
                        record = combine(rows[0].record["type"], rows)
                        if record is not None:
                            kind = record["type"]
                            out.write(orjson.dumps(record) + b"\n")
                            count += 1
                if count:
                    found[kind.lower()] = FilePart(kind, path.with_suffix(".ndjson"), count)
        except OSError as error:
            raise self._full(error) from error
        return found

    def ids(self, kind: str) -> Iterator[tuple[str, set[int]]]:
        """(id, ranks of the sources that gave it) of everything of a type that counts, sorted; one at a time."""
        return ((rows[0].record["id"], {row.rank for row in rows}) for rows in self.rows(kind))

    def rows(self, kind: str) -> Iterator[list[Row]]:
        """The rows of one id after the other, of a type, sorted; one at a time."""
        path = self._folder / (kind.replace("/", "-") + ".rows")
        try:
            if path.is_file():
                with self._groups(path) as groups:
                    yield from groups
        except OSError as error:
            raise self._full(error) from error

    @contextmanager
    def _groups(self, path: Path) -> Iterator[Iterator[list[Row]]]:
        """All rows that count, sorted, those of one id together; sorted block by block, then merged."""
        if path.name in self._files:
            self._files[path.name].flush()
        with ExitStack() as stack:
            streams: list[Iterator[tuple[bytes, int, int, bytes]]] = []
            for number, rows in enumerate(self._blocks(path)):
                block = path.with_suffix(f".{number}.block")
                stack.callback(block.unlink)
                with block.open("wb") as out:
                    out.writelines(b"%d\t%d\t%b\t%b\n" % (row[2], row[1], row[0], row[3]) for row in rows)
                streams.append(_rows(stack.enter_context(block.open("rb"))))
            merged = itertools.groupby(heapq.merge(*streams), key=lambda row: row[0])
            yield (rows for _, group in merged for rows in _by_id(group))

    def _blocks(self, path: Path) -> Iterator[list[tuple[bytes, int, int, bytes]]]:
        """Sorted blocks of the rows that count."""
        held: list[tuple[bytes, int, int, bytes]] = []
        size = 0
        with path.open("rb") as lines:
            for row in _rows(lines):
                if row[2] not in self._finished:
                    continue
                held.append(row)
                size += len(row[3]) + 200
                if size > BLOCK:
                    yield sorted(held)
                    held, size = [], 0
        if held:
            yield sorted(held)

    def close(self) -> None:
        """Close the files; the journal can be gone on with."""
        for file in (*self._files.values(), self._log):
            file.close()

    def remove(self) -> None:
        """Close and delete it: its work is done."""
        self.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _decoded(line: bytes) -> dict[str, Any] | None:
    """A line of the log, or None for one that was cut off."""
    try:
        record = orjson.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _rows(lines: Iterable[bytes]) -> Iterator[tuple[bytes, int, int, bytes]]:
    """(key, rank, number, record) of each whole line."""
    for line in lines:
        cells = line.rstrip(b"\n").split(b"\t", 3)
        if len(cells) == 4 and cells[0].isdigit() and line.endswith(b"}\n"):
            yield cells[2], int(cells[1]), int(cells[0]), cells[3]


def _counted(paths: Iterable[Path]) -> dict[int, int]:
    """Attempt -> whole rows that lie in the files."""
    found: dict[int, int] = {}
    for path in paths:
        with path.open("rb") as lines:
            for row in _rows(lines):
                found[row[2]] = found.get(row[2], 0) + 1
    return found


def _by_id(group: Iterable[tuple[bytes, int, int, bytes]]) -> Iterator[list[Row]]:
    """The rows of one sort key by id: usually there is one id; extension rows of one scope share a key."""
    by_id: dict[str, list[Row]] = {}
    for key, rank, number, text in group:
        record = orjson.loads(text)
        by_id.setdefault(record["id"].lower(), []).append(Row(key.decode(), rank, number, record))
    for identifier in sorted(by_id):
        yield by_id[identifier]


def _short(name: str) -> bytes:
    """A unit's name in sixteen bytes: there may be one unit per registry."""
    return hashlib.blake2b(name.encode(), digest_size=16).digest()
