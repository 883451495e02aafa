"""Tables and their migration: a real file of the first version, and files that are not what they say."""

from __future__ import annotations

import sqlite3

import pytest

from scanner import history
from scanner.errors import InputError
from scanner.history import schema
from scanner.history.database import connect
from tests.history.estate import A, scan

VERSION_1 = """
CREATE TABLE acrscan_schema (version BIGINT NOT NULL);
CREATE TABLE acrscan_documents (digest TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE acrscan_runs (
    id BIGINT NOT NULL PRIMARY KEY, digest TEXT NOT NULL UNIQUE, now TEXT NOT NULL, night TEXT NOT NULL,
    tool TEXT NOT NULL, pack TEXT NOT NULL, pack_version TEXT NOT NULL, pack_digest TEXT NOT NULL,
    profile TEXT NOT NULL, profile_digest TEXT NOT NULL, waiver_file TEXT NOT NULL, waiver_digest TEXT NOT NULL,
    inventory TEXT NOT NULL, inventory_digest TEXT NOT NULL, complete BIGINT NOT NULL,
    scope TEXT NOT NULL, rules TEXT NOT NULL, parameters TEXT NOT NULL, lacks TEXT NOT NULL,
    opened BIGINT NOT NULL, reopened BIGINT NOT NULL, resolved BIGINT NOT NULL,
    persisting BIGINT NOT NULL, gaps BIGINT NOT NULL);
CREATE TABLE acrscan_findings (
    pack TEXT NOT NULL, fingerprint TEXT NOT NULL, subscription TEXT NOT NULL, opened_run BIGINT NOT NULL,
    opened TEXT NOT NULL, first_seen TEXT NOT NULL, rule TEXT NOT NULL, severity TEXT NOT NULL,
    resource TEXT NOT NULL, type TEXT NOT NULL, element TEXT NOT NULL, shared BIGINT NOT NULL,
    times BIGINT NOT NULL, closed_run BIGINT, closed TEXT, why TEXT,
    PRIMARY KEY (pack, fingerprint, subscription, opened_run));
CREATE INDEX acrscan_findings_open ON acrscan_findings (pack, subscription) WHERE closed_run IS NULL;
CREATE TABLE acrscan_counts (
    pack TEXT NOT NULL, rule TEXT NOT NULL, subscription TEXT NOT NULL, from_run BIGINT NOT NULL,
    passed BIGINT NOT NULL, failed BIGINT NOT NULL, undecided BIGINT NOT NULL, errors BIGINT NOT NULL,
    skipped BIGINT NOT NULL, manual BIGINT NOT NULL, waived BIGINT NOT NULL, attested BIGINT NOT NULL,
    to_run BIGINT, PRIMARY KEY (pack, rule, subscription, from_run));
CREATE TABLE acrscan_registries (
    pack TEXT NOT NULL, id TEXT NOT NULL, subscription TEXT NOT NULL, from_run BIGINT NOT NULL,
    first TEXT NOT NULL, reason TEXT NOT NULL, to_run BIGINT, last TEXT,
    PRIMARY KEY (pack, id, from_run));
INSERT INTO acrscan_schema VALUES (1);
"""
"""The tables as the first version made them; kept as text, so that a change of that step is noticed."""
ESTATE = {A: ["one", "two"]}
FAILS = [("ACR101", A, "one")]


def as_version_1(address):
    """Take a history of today back to what the first version would have written."""
    db = connect(address, write=True)
    with db.writing():
        for statement in (
            "DROP TABLE acrscan_waived",
            "DROP TABLE acrscan_retired",
            "ALTER TABLE acrscan_runs DROP COLUMN identity",
            "ALTER TABLE acrscan_runs DROP COLUMN pruned",
            "UPDATE acrscan_schema SET version = 1",
        ):
            db.run(statement)
    db.close()


def made_by_version_1(address, tmp_path):
    """A history with a night in it, in tables that the kept text made."""
    with history.open(str(tmp_path / "source.db")) as found:
        found.record(scan("2026-07-01", ESTATE, fails=FAILS))
    source = connect(str(tmp_path / "source.db"), write=False)
    target = connect(address, write=True)
    with target.writing():
        for statement in VERSION_1.split(";\n"):
            if statement.strip():
                target.run(statement)
        for table, columns in schema._expected(1).items():
            if table == "acrscan_schema":
                continue
            names = ", ".join(sorted(columns))
            marks = ", ".join("?" * len(columns))
            target.many(
                f"INSERT INTO {table} ({names}) VALUES ({marks})", source.run(f"SELECT {names} FROM {table}")
            )
    source.close()
    target.close()


def test_history_of_the_first_version_is_carried_on(address, tmp_path):
    """Opened for writing it is migrated, its findings persist, and it looks like a fresh one."""
    made_by_version_1(address, tmp_path)
    with history.open(address) as found:
        done = found.record(scan("2026-07-02", ESTATE, fails=FAILS))
        assert (done.new, done.persisting, done.run) == (0, 1, 2)
    db = connect(address, write=False)
    assert db.run("SELECT version FROM acrscan_schema") == [(schema.CURRENT,)]
    tables = {name: columns for name, columns in db.tables().items() if name.startswith("acrscan_")}
    assert tables == schema._expected(schema.CURRENT)
    db.close()


def test_first_step_is_what_the_first_version_made():
    """Steps that were released never change."""
    first = sqlite3.connect(":memory:")
    first.executescript(VERSION_1)
    found: dict[str, set[str]] = {}
    for table, column in first.execute(schema.COLUMNS):
        found.setdefault(table, set()).add(column)
    first.close()
    assert found == {table: set(columns) for table, columns in schema._expected(1).items()}


def test_reading_does_not_migrate(address, tmp_path):
    """An older history opened only for reading is refused with what to do, and left as it is."""
    made_by_version_1(address, tmp_path)
    with pytest.raises(InputError, match="has schema 1, this version reads 2") as caught:
        history.open(address, write=False)
    assert caught.value.advice
    db = connect(address, write=False)
    assert db.run("SELECT version FROM acrscan_schema") == [(1,)]
    db.close()


BROKEN = {
    "a table is missing": ("DROP TABLE acrscan_counts", "lacks acrscan_counts"),
    "a column is missing": (
        "ALTER TABLE acrscan_registries DROP COLUMN reason",
        "lacks column reason of acrscan_registries",
    ),
    "no version": ("DELETE FROM acrscan_schema", "does not hold one version"),
    "two versions": ("INSERT INTO acrscan_schema VALUES (1)", "does not hold one version"),
    "no version table": ("DROP TABLE acrscan_schema", "acrscan_schema is missing"),
    "the new tables, the old version": (
        "UPDATE acrscan_schema SET version = 1",
        "says schema 1, but has acrscan_",
    ),
    "a newer schema": ("UPDATE acrscan_schema SET version = 99", "has schema 99, this version knows up to 2"),
}


@pytest.mark.parametrize("write", [True, False], ids=["write", "read"])
@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_half_migrated_and_newer_are_refused(address, broken, write):
    """Each with what is wrong and what to do; nothing is repaired by guessing."""
    with history.open(address) as found:
        found.record(scan("2026-07-01", ESTATE, fails=FAILS))
    statement, words = broken
    db = connect(address, write=True)
    with db.writing():
        db.run(statement)
    before = db.tables()
    db.close()
    if not write and "version = 1" in statement:
        words = "has schema 1, this version reads 2"
    with pytest.raises(InputError, match=words) as caught:
        history.open(address, write=write)
    assert caught.value.advice
    assert caught.value.where
    db = connect(address, write=False)
    assert db.tables() == before
    db.close()


def test_a_crash_in_the_middle_of_a_migration_leaves_the_old_version(address, tmp_path, monkeypatch):
    """A step that fails undoes the whole migration."""
    made_by_version_1(address, tmp_path)
    monkeypatch.setattr(
        schema, "STEPS", (schema.STEPS[0], (*schema.STEPS[1], "CREATE TABLE acrscan_runs (id BIGINT)"))
    )
    with pytest.raises(Exception, match="acrscan_runs"):
        history.open(address)
    monkeypatch.undo()
    with history.open(address) as found:
        assert len(found.runs()) == 1
