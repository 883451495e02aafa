"""Scans over time: a finished scan comes in and is recorded; marks, trends, ages and periods come out.

`database` (one seam over SQLite and PostgreSQL), `schema` (tables and migrations), `facts` (what a run is known by),
`record` and `gaps` (what changed, and what was only not looked at), `mark`, `figures`, `period` (what is read back).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.history.store import History
    from scanner.model.scan import Scan


def open(address: str, *, write: bool = True) -> History:  # noqa: A001 - history.open reads as what it does
    """The history at a path (SQLite) or a `postgresql://` URL; a context manager. Raises a `ScannerError`.

    With `write` it is created or migrated where needed; without, nothing is ever changed.
    """
    from scanner.history.store import History  # noqa: PLC0415 - databases load when they are asked for

    return History(address, write=write)


def mark_and_record(scan: Scan, address: str) -> Scan:
    """Record a scan and give it back with what the history knows of it. Raises a `ScannerError`; then nothing is written."""
    with open(address) as found:
        found.record(scan)
        return found.mark(scan)
