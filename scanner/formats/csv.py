"""A table of all findings for spreadsheets and scripts: one row each, RFC 4180, safe from formula injection.

The rows are those of the scan, nothing else, so their counts are the scan's. What an earlier scan had and this one has not
(resolved findings, and open ones that could not be looked at) goes to a second file, `.earlier.csv`, with the same columns.
Rules that were not asked at all have no rows: the other reports list them.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from typing import TYPE_CHECKING, BinaryIO

from scanner.formats._columns import COLUMNS, Context, Value, values
from scanner.formats._settings import DEFAULT, Settings, Writer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.model.finding import Finding
    from scanner.model.scan import Scan

EXTENSION = ".csv"
EARLIER = ".earlier.csv"
TRIGGERS = frozenset("=+-@\t\r\n|%\u2212")
"""What a spreadsheet may take for the start of a formula, after compatibility folding (full-width and small forms).

`|` and `%` start none in today's spreadsheets but did in older ones; texts that begin with them are so rare that the
apostrophe disturbs nobody. The minus sign U+2212 does not fold to a hyphen, but reads as one.
"""
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?\Z")
_WRAPPING = re.compile(r"[\s\"'`\u2018\u2019\u201c\u201d\u00ab\u00bb]*")
_INNER = re.compile(r"(;[\s\"'`]*)(?=[^\s\"'`])")


def render(scan: Scan, out: BinaryIO, settings: Settings = DEFAULT) -> None:
    """Write the findings; `settings.csv_bom` puts a byte order mark first."""
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
    context = Context.of(scan)
    if settings.csv_bom:
        out.write(codecs.BOM_UTF8)
    text = io.TextIOWrapper(out, encoding="utf-8", newline="")
    try:
        table = csv.writer(text, lineterminator="\r\n")
        table.writerow([column.name for column in COLUMNS])
        for row in rows:
            table.writerow([guarded(value) for value in values(row, context)])
        text.flush()
    finally:
        text.detach()


def guarded(value: Value) -> Value:
    """A value that no spreadsheet calculates: an apostrophe stands before whatever could start a formula.

    Numbers stay numbers. A spreadsheet that takes semicolons for separators splits texts at them, so what follows one is
    guarded as well; so is what follows quotes, which a second reading may strip.
    """
    if isinstance(value, int):
        return value
    guarded_inside = _INNER.sub(_after_semicolon, value) if ";" in value else value
    return f"'{guarded_inside}" if starts_formula(value) and not _NUMBER.match(value) else guarded_inside


def _after_semicolon(match: re.Match[str]) -> str:
    return match[0] + ("'" if starts_formula(match.string[match.end() : match.end() + 1]) else "")


def starts_formula(text: str) -> bool:
    """Whether a spreadsheet might calculate the text."""
    first = _WRAPPING.sub("", text, count=1)[:1]
    return bool(first) and unicodedata.normalize("NFKC", first)[:1] in TRIGGERS
