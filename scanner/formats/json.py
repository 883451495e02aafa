"""The whole scan as one JSON document: summary, header, and every row, for programs.

The records are those of the stored scan. Each row stands on a line of its own and is written as it comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from scanner.formats._settings import DEFAULT, Settings
from scanner.model.codec import SCHEMA, encode, to_record
from scanner.model.summary import summary_record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.model.scan import Scan

EXTENSION = ".json"


def render(scan: Scan, out: BinaryIO, settings: Settings = DEFAULT) -> None:  # noqa: ARG001 - this format has none
    """Write one object; constant memory."""
    out.write(b'{\n"schema":' + encode(f"{SCHEMA}+document"))
    _entry("summary", summary_record(scan), out)
    _entry("header", to_record(scan.header), out)
    _entry("tallies", to_record(scan.tallies), out)
    _rows("findings", scan.findings, out)
    _rows("resources", scan.resources, out)
    _rows("access", scan.access, out)
    _rows("agreement", scan.agreement, out)
    _entry("agreed", to_record(scan.agreed), out)
    _rows("waivers", scan.waivers, out)
    _rows("attestations", scan.attestations, out)
    _entry("drift", to_record(scan.drift) if scan.drift else None, out)
    _rows("earlier", scan.earlier, out)
    _rows("trend", scan.trend, out)
    out.write(b"\n}\n")


def _entry(key: str, value: Any, out: BinaryIO) -> None:
    out.write(b",\n" + encode(key) + b":" + encode(value))


def _rows(key: str, values: Iterable[Any], out: BinaryIO) -> None:
    out.write(b",\n" + encode(key) + b":[")
    between = b"\n"
    for value in values:
        out.write(between + encode(to_record(value)))
        between = b",\n"
    out.write(b"\n]" if between == b",\n" else b"]")
