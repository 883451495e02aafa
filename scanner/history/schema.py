"""The tables of a history and how they came about: an opened database comes in, one that this version can use goes out.

Each step brings an older history one version further; a fresh one takes all steps, so that both end the same. What is
expected is worked out from the steps themselves, and a history that looks otherwise is refused, not guessed at.
"""

from __future__ import annotations

import sqlite3
from functools import lru_cache
from typing import TYPE_CHECKING

from scanner.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.history.database import Database

STEPS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE acrscan_schema (version BIGINT NOT NULL)",
        "CREATE TABLE acrscan_documents (digest TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, body TEXT NOT NULL)",
        """CREATE TABLE acrscan_runs (
            id BIGINT NOT NULL PRIMARY KEY, digest TEXT NOT NULL UNIQUE, now TEXT NOT NULL, night TEXT NOT NULL,
            tool TEXT NOT NULL, pack TEXT NOT NULL, pack_version TEXT NOT NULL, pack_digest TEXT NOT NULL,
            profile TEXT NOT NULL, profile_digest TEXT NOT NULL, waiver_file TEXT NOT NULL, waiver_digest TEXT NOT NULL,
            inventory TEXT NOT NULL, inventory_digest TEXT NOT NULL, complete BIGINT NOT NULL,
            scope TEXT NOT NULL, rules TEXT NOT NULL, parameters TEXT NOT NULL, lacks TEXT NOT NULL,
            opened BIGINT NOT NULL, reopened BIGINT NOT NULL, resolved BIGINT NOT NULL,
            persisting BIGINT NOT NULL, gaps BIGINT NOT NULL)""",
        """CREATE TABLE acrscan_findings (
            pack TEXT NOT NULL, fingerprint TEXT NOT NULL, subscription TEXT NOT NULL, opened_run BIGINT NOT NULL,
            opened TEXT NOT NULL, first_seen TEXT NOT NULL, rule TEXT NOT NULL, severity TEXT NOT NULL,
            resource TEXT NOT NULL, type TEXT NOT NULL, element TEXT NOT NULL, shared BIGINT NOT NULL,
            times BIGINT NOT NULL, closed_run BIGINT, closed TEXT, why TEXT,
            PRIMARY KEY (pack, fingerprint, subscription, opened_run))""",
        "CREATE INDEX acrscan_findings_open ON acrscan_findings (pack, subscription) WHERE closed_run IS NULL",
        """CREATE TABLE acrscan_counts (
            pack TEXT NOT NULL, rule TEXT NOT NULL, subscription TEXT NOT NULL, from_run BIGINT NOT NULL,
            passed BIGINT NOT NULL, failed BIGINT NOT NULL, undecided BIGINT NOT NULL, errors BIGINT NOT NULL,
            skipped BIGINT NOT NULL, manual BIGINT NOT NULL, waived BIGINT NOT NULL, attested BIGINT NOT NULL,
            to_run BIGINT, PRIMARY KEY (pack, rule, subscription, from_run))""",
        """CREATE TABLE acrscan_registries (
            pack TEXT NOT NULL, id TEXT NOT NULL, subscription TEXT NOT NULL, from_run BIGINT NOT NULL,
            first TEXT NOT NULL, reason TEXT NOT NULL, to_run BIGINT, last TEXT,
            PRIMARY KEY (pack, id, from_run))""",
    ),
    (
        "ALTER TABLE acrscan_runs ADD COLUMN identity TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE acrscan_runs ADD COLUMN pruned BIGINT NOT NULL DEFAULT 0",
        """CREATE TABLE acrscan_waived (
            pack TEXT NOT NULL, fingerprint TEXT NOT NULL, subscription TEXT NOT NULL, from_run BIGINT NOT NULL,
            waiver TEXT NOT NULL, shared BIGINT NOT NULL, to_run BIGINT,
            PRIMARY KEY (pack, fingerprint, subscription, from_run))""",
        """CREATE TABLE acrscan_retired (
            subscription TEXT NOT NULL PRIMARY KEY, night TEXT NOT NULL, reason TEXT NOT NULL)""",
    ),
)
"""Version n is what the first n steps make. Only TEXT and BIGINT, and only statements that both databases know."""
CURRENT = len(STEPS)
_BACKUP = "Restore it from a backup, or name another place; nothing was changed."


def make_ready(db: Database, *, write: bool) -> None:
    """Create, migrate or check the tables. Raises `InputError` for what is no history that this version can use."""
    version = _version(db)
    if version == CURRENT:
        _check(db, version)
        return
    if not write:
        what = f"has schema {version}, this version reads {CURRENT}" if version else "holds no history yet"
        advice = "Record a scan into it first: acrscan history record SCAN.NDJSON --history ..."
        raise InputError(what, db.words, advice)
    with db.writing():
        version = _version(db)  # another process may have been faster
        if version:
            _check(db, version)
        for step in STEPS[version:]:
            for statement in step:
                db.run(statement)
        if version == 0:
            db.run("INSERT INTO acrscan_schema (version) VALUES (?)", (CURRENT,))
        else:
            db.run("UPDATE acrscan_schema SET version = ?", (CURRENT,))


def _version(db: Database) -> int:
    """The version of the tables, 0 where there are none."""
    tables = db.tables()
    ours = {name for name in tables if name.startswith("acrscan_")}
    if "acrscan_schema" not in ours:
        if ours:
            raise InputError("is half migrated: acrscan_schema is missing", db.words, _BACKUP)
        if tables and not db.shared:
            raise InputError(
                "is a database of something else", db.words, "Name a file of its own for the history."
            )
        return 0
    rows = db.run("SELECT version FROM acrscan_schema")
    if len(rows) != 1 or not isinstance(rows[0][0], int) or rows[0][0] < 1:
        raise InputError("is half migrated: acrscan_schema does not hold one version", db.words, _BACKUP)
    version: int = rows[0][0]
    if version > CURRENT:
        raise InputError(
            f"has schema {version}, this version knows up to {CURRENT}", db.words, "Use a newer acrscan."
        )
    return version


def _check(db: Database, version: int) -> None:
    found = db.tables()
    for table, columns in _expected(version).items():
        missing = columns - found.get(table, frozenset())
        if missing:
            what = f"column {min(missing)} of {table}" if table in found else table
            raise InputError(
                f"is half migrated: it says schema {version}, but lacks {what}", db.words, _BACKUP
            )
    later = (found.keys() & _expected(CURRENT).keys()) - _expected(version).keys()
    if later:
        raise InputError(
            f"is half migrated: it says schema {version}, but has {min(later)}", db.words, _BACKUP
        )


@lru_cache(maxsize=4)
def _expected(version: int) -> Mapping[str, frozenset[str]]:
    """Tables and columns of a version, from the steps themselves."""
    scratch = sqlite3.connect(":memory:")
    try:
        for step in STEPS[:version]:
            for statement in step:
                scratch.execute(statement)
        found: dict[str, set[str]] = {}
        for table, column in scratch.execute(COLUMNS):
            found.setdefault(table, set()).add(column)
        return {table: frozenset(columns) for table, columns in found.items()}
    finally:
        scratch.close()


COLUMNS = "SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
"""Tables and columns of an SQLite file."""
