"""A workbook that is written row by row: tables go in, an .xlsx file with the same bytes for the same rows comes out.

Texts are written as texts (never formulas, links or numbers), and a table that is longer than a sheet goes on in a next one.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO

from scanner.errors import UsageError
from scanner.formats._columns import Value, fitting
from scanner.formats.csv import starts_formula

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

ROWS = 1_048_576
"""Rows of a sheet, the header included."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "use_zip64": True,
}


def available() -> None:
    """`UsageError` with what to install where the library is missing."""
    try:
        import xlsxwriter  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        raise UsageError(
            "the format xlsx needs the package xlsxwriter",
            "--format",
            "Install it: pip install 'acrscan[xlsx]'.",
        ) from error


@contextmanager
def workbook(out: BinaryIO, title: str, created: datetime) -> Iterator[Book]:
    """A book to fill; it is written to `out` at the end.

    The library notes file modes and times of its temporary files in the archive. So its archive is packed again with
    fixed ones; that also works where `out` cannot seek.
    """
    available()
    import xlsxwriter  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/book.xlsx"
        made = xlsxwriter.Workbook(path, {**_OPTIONS, "tmpdir": folder})
        made.set_properties({"title": title, "author": "acrscan", "created": created})
        try:
            yield Book(made)
        finally:
            made.close()
        with zipfile.ZipFile(path) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
            for name in source.namelist():
                fixed = zipfile.ZipInfo(name, _EPOCH)
                fixed.compress_type = zipfile.ZIP_DEFLATED
                fixed.external_attr = 0o644 << 16
                size = source.getinfo(name).file_size
                with (
                    source.open(name) as inside,
                    target.open(fixed, "w", force_zip64=size >= 1 << 31) as packed,
                ):
                    shutil.copyfileobj(inside, packed, 1 << 20)


class Book:
    """The sheets of a workbook in the order in which they are made."""

    def __init__(self, made: Workbook) -> None:
        self._made = made
        self._head: Format = made.add_format({"bold": True, "bottom": 1, "bg_color": "#E8EDF2"})
        self._strong: Format = made.add_format({"bold": True})
        self._quoted: Format = made.add_format({"quote_prefix": True})
        self.written: list[tuple[str, int]] = []
        """Name of each sheet of a table and its rows without the header."""

    def sheet(self, name: str, widths: Sequence[int]) -> Sheet:
        """An empty sheet without a header."""
        made = self._made.add_worksheet(name)
        for at, width in enumerate(widths):
            made.set_column(at, at, width)
        return Sheet(made, self._quoted, self._strong)

    def table(self, name: str, columns: Sequence[tuple[str, int]], rows: Iterable[Sequence[Value]]) -> int:
        """A table with a header that stays in sight and filters; gives the number of its rows."""
        part, at, total = 1, 0, 0
        sheet = self._begin(name, columns)
        for row in rows:
            if at == ROWS - 1:
                self._end(sheet, name, part, at, len(columns))
                part, at = part + 1, 0
                sheet = self._begin(f"{name} {part}", columns)
            sheet.row(row)
            at, total = at + 1, total + 1
        self._end(sheet, name, part, at, len(columns))
        return total

    def _begin(self, name: str, columns: Sequence[tuple[str, int]]) -> Sheet:
        sheet = self.sheet(name, [width for _, width in columns])
        sheet.made.freeze_panes(1, 0)
        sheet.row([title for title, _ in columns], self._head)
        return sheet

    def _end(self, sheet: Sheet, name: str, part: int, rows: int, columns: int) -> None:
        sheet.made.autofilter(0, 0, rows, columns - 1)
        self.written.append((name if part == 1 else f"{name} {part}", rows))


class Sheet:
    """One sheet that takes rows from top to bottom."""

    def __init__(self, made: Worksheet, quoted: Format, strong: Format) -> None:
        self.made = made
        self._quoted = quoted
        self._strong = strong
        self._at = 0

    def row(self, values: Sequence[Value], look: Format | None = None) -> None:
        """Write a row; empty texts leave their cells empty."""
        for at, value in enumerate(values):
            if isinstance(value, int):
                self.made.write_number(self._at, at, value, look)
            elif value:
                self._text(at, value, look)
        self._at += 1

    def heading(self, *values: Value) -> None:
        """A row in bold after an empty one."""
        self._at += 1 if self._at else 0
        self.row(values, self._strong)

    def _text(self, at: int, value: str, look: Format | None) -> None:
        """A text stays one even when somebody edits its cell: `quote_prefix` is the apostrophe of spreadsheets."""
        shown = fitting(value)
        if shown.startswith("<r>"):
            # The library takes such a text for its own markup and would write it as it is.
            shown = f"'{shown}"
        self.made.write_string(self._at, at, shown, self._quoted if starts_formula(shown) else look)
