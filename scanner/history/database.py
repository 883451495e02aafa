"""One small seam over two databases: an address comes in, an object that takes the same statements goes out.

Statements use `?` and only what SQLite and PostgreSQL share. What differs is here: how one connects, waits for its turn
to write, sends many rows, and what errors mean. Every error leaves as a `ScannerError` that says what to do.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from scanner.errors import InputError

Row = tuple[Any, ...]
WAIT = 30.0
"""Seconds to wait for another writer."""
POSTGRES = ("postgresql://", "postgres://")
_LONGEST = 2_000
_AT_ONCE = 5_000


class Database(ABC):
    """An open history. `words`: its address without a password; `shared`: whether others' tables may stand beside ours."""

    words: str
    shared: bool
    collate: str
    """What makes ORDER BY follow the bytes of a text, whatever the server's language."""

    @abstractmethod
    def run(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """One statement and all its rows, where they are few."""

    @abstractmethod
    def changed(self, sql: str, values: Sequence[Any] = ()) -> int:
        """One statement, and how many rows it wrote."""

    @abstractmethod
    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Row]:
        """The rows of a query one by one; only inside `reading` or `writing`."""

    @abstractmethod
    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """One statement for each row; only inside `writing`."""

    @abstractmethod
    def fill(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """A temporary table with these columns (`name type`) and rows; an older one of that name goes.

        The rows may not be read from the database meanwhile; `pour` takes such ones.
        """

    @abstractmethod
    def tables(self) -> Mapping[str, frozenset[str]]:
        """The tables there and their columns."""

    @abstractmethod
    def begin(self, *, write: bool) -> None:
        """Start a transaction; one that writes waits for its turn."""

    @abstractmethod
    def end(self, *, keep: bool) -> None:
        """Commit, or undo."""

    @abstractmethod
    def shrink(self) -> None:
        """Give room of deleted rows back, where the database does not do so itself."""

    @abstractmethod
    def close(self) -> None:
        """End the connection."""

    def pour(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """As `fill`, with rows that come from a `stream`; only inside `writing`."""
        self.fill(table, columns, ())
        marks = ", ".join("?" * len(columns))
        waiting = iter(rows)
        while batch := list(islice(waiting, _AT_ONCE)):
            self.many(f"INSERT INTO {table} VALUES ({marks})", batch)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction of which there is only one at a time: everything in it is written, or nothing."""
        with self._transaction(write=True):
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """A transaction in which all questions see the same state."""
        with self._transaction(write=False):
            yield

    @contextmanager
    def _transaction(self, *, write: bool) -> Iterator[None]:
        self.begin(write=write)
        done = False
        try:
            yield
            done = True
        finally:
            self.end(keep=done)


def connect(address: str, *, write: bool, wait: float = WAIT) -> Database:
    """The database at a path or a `postgresql://` URL. Raises `InputError`/`OutputError`."""
    if address.startswith(POSTGRES):
        from scanner.history.postgres import Postgres  # noqa: PLC0415 - an extra

        return Postgres(address, wait=wait)
    scheme, separator, _ = address.partition("://")
    if separator or not address.strip():
        raise InputError(
            f"no history at an address that begins with {scheme[:20]!r}" if separator else "no history named",
            "--history",
            "Give the path of an SQLite file, or postgresql://user@host/database.",
        )
    from scanner.history.sqlite import Sqlite  # noqa: PLC0415

    return Sqlite(Path(address), write=write, wait=wait)


def clean(text: str, limit: int = _LONGEST) -> str:
    """Text that both databases can keep: no NUL, no lone surrogates, and not endless."""
    if len(text) > limit:
        text = text[:limit]
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
