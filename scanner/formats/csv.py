"""One line per finding (RFC 4180) for spreadsheets and databases; no cell can become a formula.

Rows are those of the scan: failures, open questions and manual controls, waived or not, with everything an auditor asks.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, BinaryIO

from scanner.formats._columns import COLUMNS, Facts, cells, guarded
from scanner.formats._settings import DEFAULT, Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scanner.model.scan import Scan

EXTENSION = ".csv"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def render(scan: Scan, out: BinaryIO, settings: Settings = DEFAULT) -> None:
    """Write the table; constant memory."""
    if settings.csv_bom:
        out.write(BYTE_ORDER_MARK)
    facts = Facts.of(scan)
    out.writelines(table(COLUMNS, (cells(row, facts) for row in scan.findings)))


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
