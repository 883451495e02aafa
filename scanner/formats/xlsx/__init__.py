"""A workbook for auditors: summary, findings, rules, controls, registries, waivers and completeness, a sheet each.

Needs the extra `xlsx`. Nothing is cut in silence: long tables go on in further sheets, and the summary counts the rows of each.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO

from scanner.formats._settings import DEFAULT, Settings
from scanner.formats.xlsx import sheets, summary
from scanner.formats.xlsx.book import available, workbook

if TYPE_CHECKING:
    from scanner.model.scan import Scan

__all__ = ["EXTENSION", "available", "render"]

EXTENSION = ".xlsx"


def render(scan: Scan, out: BinaryIO, settings: Settings = DEFAULT) -> None:  # noqa: ARG001 - this format has none
    """Write the workbook; it is dated by the scan's own clock."""
    with workbook(out, f"acrscan {scan.header.now}", _moment(scan.header.now)) as book:
        front = book.sheet("Summary", summary.WIDTHS)
        for name, columns, rows in sheets.tables(scan):
            book.table(name, columns, rows)
        summary.write(front, scan, book.written)


def _moment(text: str) -> datetime:
    """The scan's clock; the first day of workbooks where it says no time."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return datetime(1980, 1, 1)  # noqa: DTZ001 - workbooks know no zones
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
