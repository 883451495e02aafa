"""SQLite, the default: a path comes in, a `Database` goes out; the standard library's module speaks to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from scanner.errors import InputError, OutputError
from scanner.history.database import Database, Row
from scanner.history.schema import COLUMNS

_MEANS: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_BUSY: (
        "is locked: another process is writing to it",
        "Try again, or record the stored scan later with: acrscan history record SCAN.NDJSON",
    ),
    sqlite3.SQLITE_LOCKED: ("is locked: another process is writing to it", "Try again later."),
    sqlite3.SQLITE_READONLY: (
        "is read-only",
        "Make the file and its folder writable, or name another place.",
    ),
    sqlite3.SQLITE_FULL: (
        "is full: there is no room left to write",
        "Free disk space, or prune the history.",
    ),
    sqlite3.SQLITE_NOTADB: ("is not a database", "Name another file; this one was left as it is."),
    sqlite3.SQLITE_CORRUPT: ("is damaged", "Restore it from a backup, or name another file."),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened", "Check that the folder exists and that you may use it."),
    sqlite3.SQLITE_PERM: ("may not be used", "Check who may read and write the file."),
    sqlite3.SQLITE_IOERR: ("cannot be read or written: the disk or share fails", "Check the disk."),
}
_REFUSING = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM})


class Sqlite(Database):
    """A history in a file."""

    shared = False
    collate = ""

    def __init__(self, path: Path, *, write: bool, wait: float) -> None:
        self.words = str(path)
        self._write = write
        if not write and not path.is_file():
            what = "is no file" if path.exists() else "does not exist"
            raise InputError(f"{what}: there is no history", self.words, "Check --history.")
        self._link = self._opened(path, "rwc" if write else "ro", wait)
        if write:
            self._prefer_wal()

    def _opened(self, path: Path, mode: str, wait: float) -> sqlite3.Connection:
        address = path.absolute().as_uri()
        with self._told():
            link = sqlite3.connect(f"{address}?mode={mode}", uri=True, timeout=wait, isolation_level=None)
        try:
            link.execute("SELECT name FROM sqlite_master LIMIT 1").fetchall()
        except sqlite3.OperationalError as error:
            link.close()
            # A file in WAL mode in a folder that one may only read: safe to read as it stands while nobody writes.
            alone = not path.with_name(path.name + "-wal").exists()
            if mode == "ro" and error.sqlite_errorcode & 0xFF in _REFUSING and alone:
                return sqlite3.connect(f"{address}?immutable=1", uri=True, isolation_level=None)
            self._raise(error)
        except sqlite3.DatabaseError as error:
            link.close()
            self._raise(error)
        return link

    def _prefer_wal(self) -> None:
        """Readers and a writer do not wait for each other; some file systems cannot, and work all the same."""
        try:
            self._link.execute("PRAGMA journal_mode = WAL").fetchall()
            self._link.execute("PRAGMA synchronous = NORMAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_READONLY):
                self._link.close()
                self._raise(error)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:
            raise
        except sqlite3.DatabaseError as error:
            self._raise(error)

    def _raise(self, error: sqlite3.DatabaseError) -> NoReturn:
        what, advice = _MEANS.get(error.sqlite_errorcode & 0xFF, (f"cannot be used: {error}", ""))
        kind = OutputError if self._write else InputError
        raise kind(what, self.words, advice) from error

    def run(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """One statement and all its rows."""
        with self._told():
            return self._link.execute(sql, values).fetchall()

    def changed(self, sql: str, values: Sequence[Any] = ()) -> int:
        """One statement, and how many rows it wrote."""
        with self._told():
            return self._link.execute(sql, values).rowcount

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Row]:
        """Rows one by one."""
        with self._told():
            yield from self._link.execute(sql, values)

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """One statement for each row."""
        with self._told():
            self._link.executemany(sql, rows)

    def fill(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """A temporary table, filled in one transaction."""
        marks = ", ".join("?" * len(columns))
        with self._told():
            self._link.execute(f"DROP TABLE IF EXISTS temp.{table}")
            self._link.execute(f"CREATE TEMP TABLE {table} ({', '.join(columns)})")
            inside = self._link.in_transaction
            if not inside:
                self._link.execute("BEGIN")
            try:
                self._link.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
            finally:
                if not inside:
                    self._link.execute("COMMIT")

    def tables(self) -> Mapping[str, frozenset[str]]:
        """Tables and columns."""
        found: dict[str, set[str]] = {}
        for table, column in self.run(COLUMNS):
            found.setdefault(table, set()).add(column)
        return {table: frozenset(columns) for table, columns in found.items()}

    def begin(self, *, write: bool) -> None:
        """Start a transaction; `IMMEDIATE` takes the turn to write at once, after the busy timeout at the latest."""
        with self._told():
            self._link.execute("BEGIN IMMEDIATE" if write else "BEGIN")

    def end(self, *, keep: bool) -> None:
        """Commit, or undo."""
        if not self._link.in_transaction:  # some errors (a full disk) undo everything by themselves
            return
        with self._told():
            try:
                self._link.execute("COMMIT" if keep else "ROLLBACK")
            except sqlite3.DatabaseError:
                if self._link.in_transaction:
                    self._link.execute("ROLLBACK")
                raise

    def shrink(self) -> None:
        """Rewrite the file without its holes."""
        with self._told():
            self._link.execute("VACUUM")

    def close(self) -> None:
        """End the connection."""
        self._link.close()
