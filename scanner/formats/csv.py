"""One line per finding (RFC 4180) for spreadsheets and databases; no cell can become a formula.

Rows are those of the scan: failures, open questions and manual controls, waived or not, with everything an auditor asks.
What an earlier scan had and this one has not (resolved findings, and open ones that could not be looked at this time) goes
to a second file, `.earlier.csv`, so that neither is lost nor counted. Rules that were not asked have no rows.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, BinaryIO

from scanner.formats._columns import COLUMNS, Facts, cells, guarded
from scanner.formats._settings import DEFAULT, Settings, Writer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scanner.model.finding import Finding
    from scanner.model.scan import Scan

EXTENSION = ".csv"
EARLIER = ".earlier.csv"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def render(scan: Scan, out: BinaryIO, settings: Settings = DEFAULT) -> None:
    """Write the table; constant memory."""
    _write(scan, scan.findings, out, settings)


def writers(scan: Scan, settings: Settings) -> dict[str, Writer]:
    """Two files where a comparison left rows that this scan has not."""
    if not any(True for _ in scan.earlier):
        return {}
    return {
        EXTENSION: lambda found, out: _write(found, found.findings, out, settings),
        EARLIER: lambda found, out: _write(found, found.earlier, out, settings),
    }


def _write(scan: Scan, rows: Iterable[Finding], out: BinaryIO, settings: Settings) -> None:
    if settings.csv_bom:
        out.write(BYTE_ORDER_MARK)
    facts = Facts.of(scan)
    out.writelines(table(COLUMNS, (cells(row, facts) for row in rows)))


def table(titles: Iterable[str], rows: Iterable[list[str]]) -> Iterator[bytes]:
    """Lines of CSV in UTF-8, every cell guarded."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(list(titles))
    for row in rows:
        writer.writerow([guarded(cell) for cell in row])
        if buffer.tell() > 1 << 16:
            yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode("utf-8", "backslashreplace")
