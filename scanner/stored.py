"""A stored scan (`scan.ndjson`) in, the `Scan` out; rows stay in the file and are read again whenever asked for.

`read` goes through the file once and refuses what was cut, changed, written by a newer version or by something else.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO, Generic, NoReturn, TypeVar

from scanner.errors import InputError
from scanner.model.codec import SCHEMA, RecordError, decode, from_header_record, from_record
from scanner.model.finding import Finding
from scanner.model.scan import AccessLine, ResourceLine, Scan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONGEST_LINE = 256_000_000
_KINDS: dict[str, type[Any]] = {
    "resource": ResourceLine,
    "finding": Finding,
    "access": AccessLine,
    "earlier": Finding,
}
_FAMILY = SCHEMA.rpartition("/")[0] + "/"
_AGAIN = "Write the scan again: acrscan scan ... -f ndjson"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Rows(Generic[T]):
    """The rows of one kind: a stretch of lines of the file, decoded while they are read."""

    path: Path
    kind: type[T]
    start: int
    line: int
    number: int

    def __len__(self) -> int:
        return self.number

    def __iter__(self) -> Iterator[T]:
        with _open(self.path) as file:
            file.seek(self.start)
            for at in range(self.line, self.line + self.number):
                record = _record(self.path, at, file.readline(LONGEST_LINE))
                record.pop("record", None)
                try:
                    yield from_record(self.kind, record)
                except RecordError as error:
                    _refuse(self.path, at, f"not a record of this version: {error}", _AGAIN)


def read(path: Path) -> Scan:
    """Check the file and give the scan; `InputError` with file and line."""
    stretches = {kind: Rows(path, _KINDS[kind], 0, 1, 0) for kind in _KINDS}
    digest = hashlib.sha256()
    with _open(path) as file:
        first = file.readline(LONGEST_LINE)
        head = _head(path, first)
        digest.update(first)
        offset, at = len(first), 1
        kinds = list(_KINDS)
        for line in iter(lambda: file.readline(LONGEST_LINE), b""):
            at += 1
            record = _record(path, at, line)
            kind = record.get("record")
            if kind == "end":
                end, trailing = record, file.readline(LONGEST_LINE)
                break
            if kind not in kinds:
                _refuse(path, at, f"a record {str(kind)[:40]!r} has no place here", _AGAIN)
            del kinds[: kinds.index(kind)]
            known = stretches[kind]
            stretches[kind] = Rows(
                path, known.kind, known.start or offset, known.line if known.number else at, known.number + 1
            )
            digest.update(line)
            offset += len(line)
        else:
            _refuse(path, at, "the file ends too early: the end record is missing", _AGAIN)
    if trailing:
        _refuse(path, at + 1, "there is something after the end record", _AGAIN)
    counts = {kind: rows.number for kind, rows in stretches.items()}
    if {"earlier": 0, **_counts(end)} != counts:
        _refuse(path, at, "rows were added or removed after the file was written: the counts differ", _AGAIN)
    scan = _scan(path, head, stretches)
    if end.get("sha256") != digest.hexdigest():
        _find_fault(scan)
        _refuse(path, at, "the file was changed after it was written: its sha256 differs", _AGAIN)
    return scan


def _counts(end: dict[str, Any]) -> dict[str, Any]:
    counts = end.get("counts")
    return counts if isinstance(counts, dict) else {}


def _scan(path: Path, head: dict[str, Any], stretches: dict[str, Rows[Any]]) -> Scan:
    try:
        scan = from_header_record(head)
    except RecordError as error:
        _refuse(path, 1, f"not a header of this version: {error}", _AGAIN)
    return replace(
        scan,
        findings=stretches["finding"],
        resources=stretches["resource"],
        access=stretches["access"],
        earlier=stretches["earlier"],
    )


def _find_fault(scan: Scan) -> None:
    """Read every row, so that a change that broke one is reported with its line."""
    for rows in (scan.resources, scan.findings, scan.access, scan.earlier):
        for _ in rows:
            pass


def _head(path: Path, line: bytes) -> dict[str, Any]:
    try:
        record = decode(line) if line.endswith(b"\n") else None
    except RecordError:
        record = None
    schema = record.pop("schema", None) if isinstance(record, dict) else None
    if not isinstance(record, dict) or record.pop("record", None) != "header" or not isinstance(schema, str):
        _refuse(path, 1, "is not a stored scan", "Give a file that acrscan scan -f ndjson wrote.")
    if schema != SCHEMA and schema.startswith(_FAMILY):
        _refuse(
            path, 1, f"has the schema {schema[:60]!r}, this version reads {SCHEMA}", "Use a newer acrscan."
        )
    if schema != SCHEMA:
        _refuse(
            path,
            1,
            f"has the unknown schema {schema[:60]!r}",
            "Give a file that acrscan scan -f ndjson wrote.",
        )
    return record


def _record(path: Path, at: int, line: bytes) -> dict[str, Any]:
    if not line.endswith(b"\n"):
        _refuse(path, at, "the file ends too early: the line is cut", _AGAIN)
    try:
        record = decode(line)
    except RecordError as error:
        _refuse(path, at, str(error), _AGAIN)
    if not isinstance(record, dict):
        _refuse(path, at, "is no record", _AGAIN)
    return record


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", str(path)) from error


def _refuse(path: Path, line: int, what: str, advice: str) -> NoReturn:
    raise InputError(what, f"{path}:{line}", advice)
