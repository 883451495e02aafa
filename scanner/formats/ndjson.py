"""The stored scan: one JSON record a line, which `acrscan report` renders later in any other format.

A header line, the resources, findings, access lines and rows of the baseline in the order of the scan, and an end line with counts and the
sha256 of everything above it, so that a file that was cut or changed is noticed (`scanner.stored` reads it).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, BinaryIO

from scanner.formats._settings import DEFAULT, Settings
from scanner.model.codec import SCHEMA, encode, header_record, to_record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.model.scan import Scan

EXTENSION = ".ndjson"


def render(scan: Scan, out: BinaryIO, settings: Settings = DEFAULT) -> None:  # noqa: ARG001 - this format has none
    """Write the scan so that `stored.read` gives an equal one."""
    digest = hashlib.sha256()

    def line(record: dict[str, Any]) -> None:
        written = encode(record) + b"\n"
        digest.update(written)
        out.write(written)

    def rows(kind: str, values: Iterable[Any]) -> int:
        number = 0
        for value in values:
            line({"record": kind, **to_record(value)})
            number += 1
        return number

    line({"record": "header", "schema": SCHEMA, **header_record(scan)})
    counts = {
        "resource": rows("resource", scan.resources),
        "finding": rows("finding", scan.findings),
        "access": rows("access", scan.access),
        "earlier": rows("earlier", scan.earlier),
    }
    out.write(encode({"record": "end", "counts": counts, "sha256": digest.hexdigest()}) + b"\n")
