"""What can be wrong with a history: each is one error with a place and advice, and a scan's reports do not depend on it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
from pathlib import Path

import pytest

from scanner import history
from scanner.errors import InputError, OutputError, ScannerError
from scanner.history.database import connect
from scanner.history.store import History
from tests.history.estate import A, scan

ESTATE = {A: [f"r{at}" for at in range(300)]}
FAILS = [("ACR101", A, name) for name in ESTATE[A]]
NIGHT = scan("2026-07-01", ESTATE, fails=FAILS)


def refused(call, kind, words):
    """The error of a call: it says what, where and what to do."""
    with pytest.raises(kind, match=words) as caught:
        call()
    error = caught.value
    assert isinstance(error, ScannerError)
    assert error.where
    assert error.advice
    return error


def test_locked(address):
    """Another writer that does not end: an error after the waiting time; afterwards all is well."""
    with History(address, wait=0.3) as found, history.open(address) as other:
        with other._db.writing():
            other._db.run("UPDATE acrscan_schema SET version = version")
            refused(lambda: found.record(NIGHT), OutputError, "is locked: another process is writing")
        assert found.record(NIGHT).new == 300


def test_full(tmp_path):
    """No room left: nothing of the scan is in, and what was there before is whole."""
    address = str(tmp_path / "h.db")
    with history.open(address) as found:
        found.record(scan("2026-06-30", {A: ["r0"]}, fails=FAILS[:1]))
        pages = found._db.run("PRAGMA page_count")[0][0]
        found._db.run(f"PRAGMA max_page_count = {pages + 10}")
        refused(lambda: found.record(NIGHT), OutputError, "is full")
        assert [one.opened for one in found.runs()] == [1]
        found._db.run("PRAGMA max_page_count = 1000000")
        assert found.record(NIGHT).new == 299
    assert sqlite3.connect(address).execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def unprivileged(call):
    """What a call says in a process that owns nothing: its answer or its error, as text. Root alone needs the fork."""
    if os.geteuid() != 0:
        return told(call)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        os.write(writing, told(call).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return text


def told(call):
    try:
        return repr(call())
    except ScannerError as error:
        return f"{type(error).__name__}: {error}"


@pytest.fixture
def read_only():
    """A history in a folder in which the user of `unprivileged` may only read."""
    folder = Path(tempfile.mkdtemp(prefix="acrscan-ro-"))
    with history.open(str(folder / "h.db")) as found:
        found.record(scan("2026-06-30", {A: ["r0"]}, fails=FAILS[:1]))
    (folder / "h.db").chmod(0o444)
    folder.chmod(0o555)
    yield folder / "h.db"
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_read_only(read_only):
    """Recording says so; reading works, although the file is in WAL mode."""

    def record():
        with history.open(str(read_only)) as found:
            return found.record(NIGHT)

    def read():
        with history.open(str(read_only), write=False) as found:
            return found.runs()[0].now, found.trend()[0].open_findings

    assert read() == ("2026-06-30T02:00:00Z", 1)
    said = unprivileged(record)
    assert said.startswith(f"OutputError: {read_only}: is read-only\n")
    assert "Make the file and its folder writable" in said
    assert unprivileged(read) == repr(read())


def test_not_a_database(tmp_path):
    """A text file is left as it is."""
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to be looked at\n" * 50)
    before = path.read_bytes()
    refused(lambda: history.open(str(path)), OutputError, "is not a database")
    refused(lambda: history.open(str(path), write=False), InputError, "is not a database")
    assert path.read_bytes() == before


def test_database_of_something_else(tmp_path):
    """Another program's SQLite file gets no tables of ours."""
    path = tmp_path / "other.db"
    link = sqlite3.connect(path)
    link.execute("CREATE TABLE bookmarks (id)")
    link.close()
    refused(lambda: history.open(str(path)), InputError, "is a database of something else")
    link = sqlite3.connect(path)
    assert link.execute("SELECT name FROM sqlite_master").fetchall() == [("bookmarks",)]
    link.close()


def test_damaged(tmp_path):
    """Bytes that were overwritten are found out, not reported as findings."""
    path = tmp_path / "h.db"
    with history.open(str(path)) as found:
        found.record(NIGHT)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\x07" * (len(content) - 4096)
    path.write_bytes(content)
    refused(lambda: history.open(str(path)).record(NIGHT), ScannerError, "damaged|half migrated")


def test_changed_document(address):
    """Scope and rules are kept by their digest: an edited one is refused."""
    with history.open(address) as found:
        found.record(NIGHT)
        found._db.run("UPDATE acrscan_documents SET body = '[]' WHERE kind = 'scope'")
        refused(found.trend, InputError, "is damaged: the document")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("mysql://root@db/x", "no history at an address that begins with 'mysql'"),
        ("sqlite:///x.db", "begins with 'sqlite'"),
        (" ", "no history named"),
    ],
)
def test_wrong_address(given, words):
    """What is neither a path nor a PostgreSQL URL."""
    refused(lambda: history.open(given), InputError, words)


def test_missing_folder_and_file(tmp_path):
    """A folder that is not there, a folder instead of a file, and nothing to read."""
    refused(lambda: history.open(str(tmp_path / "no" / "h.db")), OutputError, "cannot be opened")
    refused(lambda: history.open(str(tmp_path)), OutputError, "cannot be opened")
    refused(lambda: history.open(str(tmp_path), write=False), InputError, "is no file")
    refused(lambda: history.open(str(tmp_path / "h.db"), write=False), InputError, "does not exist")
    assert list(tmp_path.iterdir()) == []


def test_empty_history(address):
    """A history without a scan says that, for every question."""
    history.open(address).close()
    with history.open(address, write=False) as found:
        for question in (found.trend, found.ages, found.time_to_fix):
            refused(question, InputError, "holds no scan yet")
        assert found.runs() == ()


def test_several_packs(address):
    """Each pack is a history of its own; which one is meant must be said."""
    with history.open(address) as found:
        found.record(NIGHT)
        assert found.record(scan("2026-06-01", ESTATE, fails=FAILS, pack_id="other")).new == 300
        refused(found.trend, InputError, "several packs")
        assert len(found.trend(pack="other")) == 1
        refused(lambda: found.trend(pack="third"), InputError, "no scan with the pack 'third'")


def test_server_that_is_not_there(server):
    """No server, and a password that is wrong: neither tells the password."""
    silent = f"postgresql://tester:geheim-1@127.0.0.1:{1}/postgres"
    error = refused(lambda: history.open(silent), InputError, "does not let us in or cannot be reached")
    wrong = refused(
        lambda: history.open(server.address(password="geheim-2")),
        InputError,
        "password authentication failed",
    )
    assert "geheim" not in f"{error}{wrong}"
    assert f"postgresql://127.0.0.1:{server.port}/postgres" in str(wrong)


def test_address_that_cannot_be_read(server):
    """A broken URL is not echoed: it may hold a password."""
    error = refused(lambda: history.open("postgresql://u:geheim%zz@h/db"), InputError, "is no address")
    assert "geheim" not in str(error)


def test_server_that_goes_away(server):
    """The connection ends in the middle: one error, and nothing was recorded."""
    address = server.schema()
    found = history.open(address)
    number = found._db.run("SELECT pg_backend_pid()")[0][0]
    server.run(f"SELECT pg_terminate_backend({number})")
    refused(lambda: found.record(NIGHT), OutputError, "the server went away")
    found.close()
    with history.open(address) as again:
        assert again.runs() == ()


def test_user_without_rights(server):
    """A reader may read; recording says what to grant."""
    address = server.schema()
    with history.open(address) as found:
        found.record(scan("2026-06-30", {A: ["r0"]}, fails=FAILS[:1]))
    name = address.rpartition("%3D")[2]
    server.run("DROP ROLE IF EXISTS reader")
    server.run("CREATE ROLE reader LOGIN PASSWORD 'reader'")
    server.run(f"GRANT USAGE ON SCHEMA {name} TO reader")
    server.run(f"GRANT SELECT ON ALL TABLES IN SCHEMA {name} TO reader")
    theirs = server.address("reader", "reader", f"?options=-csearch_path%3D{name}")
    with history.open(theirs) as found:
        assert len(found.runs()) == 1
        assert len(found.trend()) == 1
        refused(lambda: found.record(NIGHT), OutputError, "is read-only for this user")
    server.run(f"REVOKE ALL ON ALL TABLES IN SCHEMA {name} FROM reader")
    server.run(f"REVOKE ALL ON SCHEMA {name} FROM reader")


def test_package_is_missing(monkeypatch):
    """Without psycopg the error names the extra."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    error = refused(lambda: history.open("postgresql://h/db"), InputError, "needs the package psycopg")
    assert "acrscan[postgres]" in error.advice


def test_nothing_is_left_of_a_scan_that_breaks(address):
    """Rows that fail while they are read: the history is as before."""

    def broken():
        yield from NIGHT.findings[:5]
        raise InputError("the file ends too early", "scan.ndjson:7")

    class Rows:
        def __iter__(self):
            return broken()

    from dataclasses import replace  # noqa: PLC0415

    with history.open(address) as found:
        with pytest.raises(InputError, match="ends too early"):
            found.record(replace(NIGHT, findings=Rows()))
        assert found.runs() == ()
        assert found.record(NIGHT).new == 300


def test_time_that_is_none(address):
    """A scan without a usable time cannot be put in order."""
    with history.open(address) as found, pytest.raises(InputError, match="is none"):
        found.record(scan("yesterday", ESTATE))


def test_connection_ends_with_the_history(address):
    """Closed means closed: nothing keeps the file or the server busy."""
    with history.open(address) as found:
        found.record(NIGHT)
    db = connect(address, write=True, wait=0.3)
    with db.writing():
        db.run("DELETE FROM acrscan_runs")
    db.close()
