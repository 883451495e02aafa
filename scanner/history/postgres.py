"""PostgreSQL by URL: an address comes in, a `Database` goes out; psycopg speaks to it, an extra of the package.

Nothing here prints a password: addresses are told as host and database, and an address that cannot be read is not echoed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from scanner.errors import InputError, OutputError, ScannerError
from scanner.history.database import Database, Row

if TYPE_CHECKING:
    import psycopg

_TURN = int.from_bytes(b"acrscan")
"""The number of the advisory lock that writers of histories take in turn."""
_SECONDS = 10
"""How long a server may take to answer a connection."""
_AT_ONCE = 5_000


class Postgres(Database):
    """A history in a schema of a PostgreSQL database (the first of the search path)."""

    shared = True
    collate = ' COLLATE "C"'

    def __init__(self, address: str, *, wait: float) -> None:
        try:
            import psycopg  # noqa: PLC0415 - an extra
        except ImportError as error:  # also where its C library is missing
            raise InputError(
                f"PostgreSQL needs the package psycopg, which cannot be loaded: {error}".splitlines()[0],
                "--history",
                "Install it: pip install 'acrscan[postgres]'",
            ) from error
        self._psycopg = psycopg
        self._wait = wait
        self._named = 0
        try:
            facts = psycopg.conninfo.conninfo_to_dict(address)
        except psycopg.Error:  # its text may quote parts of a password
            raise InputError(
                "is no address of a PostgreSQL database",
                "--history",
                "Write it as postgresql://user@host:5432/database, special characters as %XX.",
            ) from None
        place = f"{facts.get('host', 'localhost')}:{facts.get('port', 5432)}"
        self.words = f"postgresql://{place}/{facts.get('dbname', '')}"
        facts.setdefault("connect_timeout", _SECONDS)
        facts.setdefault("application_name", "acrscan")
        try:
            self._link = psycopg.connect(**facts, autocommit=True)  # type: ignore[arg-type]
        except psycopg.OperationalError as error:
            raise InputError(
                f"the server does not let us in or cannot be reached: {_line(error)}",
                self.words,
                "Check address, user and password (PGPASSWORD, ~/.pgpass) and that the server runs.",
            ) from error
        self._link.add_notice_handler(lambda _: None)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except self._psycopg.Error as error:
            self._raise(error)

    def _raise(self, error: psycopg.Error) -> NoReturn:
        raise self._meaning(error) from error

    def _meaning(self, error: psycopg.Error) -> ScannerError:
        errors = self._psycopg.errors
        again = "Try again, or record the stored scan later with: acrscan history record SCAN.NDJSON"
        if isinstance(error, errors.LockNotAvailable | errors.DeadlockDetected):
            return OutputError("is locked: another process is writing to it", self.words, again)
        if isinstance(error, errors.ReadOnlySqlTransaction | errors.InsufficientPrivilege):
            return OutputError(
                f"is read-only for this user: {_line(error)}",
                self.words,
                "Grant CREATE, SELECT, INSERT, UPDATE and DELETE in the schema, and TEMPORARY in the database.",
            )
        if isinstance(error, errors.DiskFull | errors.OutOfMemory):
            return OutputError("is full: there is no room left to write", self.words, "Make room, or prune.")
        if isinstance(error, errors.UndefinedTable | errors.UndefinedColumn):
            return InputError(f"is half migrated: {_line(error)}", self.words, "Restore it from a backup.")
        if self._link.closed or isinstance(
            error, self._psycopg.OperationalError | self._psycopg.InterfaceError
        ):
            return OutputError(f"the server went away: {_line(error)}", self.words, again)
        return OutputError(f"refused a statement: {_line(error)}", self.words)

    def _sent(self, sql: str) -> bytes:
        # psycopg wants literals so that nobody pastes values into statements; ours take their values apart, too.
        return sql.replace("?", "%s").encode()

    def run(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """One statement and all its rows."""
        with self._told():
            cursor = self._link.execute(self._sent(sql), values)
            return cursor.fetchall() if cursor.description else []

    def changed(self, sql: str, values: Sequence[Any] = ()) -> int:
        """One statement, and how many rows it wrote."""
        with self._told():
            return self._link.execute(self._sent(sql), values).rowcount

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Row]:
        """Rows through a cursor of the server, so that they need not all be held."""
        self._named += 1
        with self._told(), self._link.cursor(name=f"acrscan_{self._named}") as cursor:
            cursor.itersize = _AT_ONCE
            cursor.execute(self._sent(sql), values)
            yield from cursor

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """One statement for each row."""
        with self._told(), self._link.cursor() as cursor:
            cursor.executemany(self._sent(sql), rows)

    def fill(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """A temporary table, filled with COPY."""
        with self._told():
            self._link.execute(f"DROP TABLE IF EXISTS pg_temp.{table}".encode())
            self._link.execute(f"CREATE TEMP TABLE {table} ({', '.join(columns)})".encode())
            with self._link.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
                for row in rows:
                    copy.write_row(row)
            self._link.execute(f"ANALYZE {table}".encode())

    def tables(self) -> Mapping[str, frozenset[str]]:
        """Tables and columns of the current schema."""
        found: dict[str, set[str]] = {}
        for table, column in self.run(
            "SELECT c.relname::text, a.attname::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
            "JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped"
        ):
            found.setdefault(table, set()).add(column)
        return {table: frozenset(columns) for table, columns in found.items()}

    def begin(self, *, write: bool) -> None:
        """Start a transaction; writers take turns by an advisory lock, which also covers the first creation of tables."""
        with self._told():
            if not write:
                self._link.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
                return
            self._link.execute("BEGIN")
            try:
                self._link.execute(f"SET LOCAL lock_timeout = {int(self._wait * 1000)}".encode())
                self._link.execute("SELECT pg_advisory_xact_lock(%s)", (_TURN,))
                self._link.execute("SET LOCAL lock_timeout = 0")
            except self._psycopg.Error:
                self.end(keep=False)
                raise

    def end(self, *, keep: bool) -> None:
        """Commit, or undo."""
        if self._link.closed:
            if keep:
                raise OutputError("the server went away before the end", self.words, "Record the scan again.")
            return
        with self._told():
            self._link.execute("COMMIT" if keep else "ROLLBACK")

    def shrink(self) -> None:
        """Autovacuum does it."""

    def close(self) -> None:
        """End the connection."""
        self._link.close()


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
