"""The whole scan as one JSON document: summary, header, and every row, for programs.

The records are those of the stored scan. Each row stands on a line of its own and is written as it comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from scanner.formats._settings import DEFAULT, Settings
from scanner.formats._stream import array, entry
from scanner.model.codec import SCHEMA, to_record
from scanner.model.summary import summary_record

if TYPE_CHECKING:
    from scanner.model.scan import Scan

EXTENSION = ".json"


def render(scan: Scan, out: BinaryIO, settings: Settings = DEFAULT) -> None:  # noqa: ARG001 - this format has none
    """Write one object; constant memory."""
    out.write(b"{")
    entry(out, "schema", f"{SCHEMA}+document", first=True)
    entry(out, "summary", summary_record(scan))
    entry(out, "header", to_record(scan.header))
    entry(out, "tallies", to_record(scan.tallies))
    array(out, "findings", _records(scan.findings))
    array(out, "resources", _records(scan.resources))
    array(out, "access", _records(scan.access))
    array(out, "agreement", _records(scan.agreement))
    entry(out, "agreed", to_record(scan.agreed))
    array(out, "waivers", _records(scan.waivers))
    array(out, "attestations", _records(scan.attestations))
    entry(out, "drift", to_record(scan.drift) if scan.drift else None)
    array(out, "earlier", _records(scan.earlier))
    array(out, "trend", _records(scan.trend))
    out.write(b"\n}\n")


def _records(values: Iterable[Any]) -> Iterator[Any]:
    return (to_record(value) for value in values)
