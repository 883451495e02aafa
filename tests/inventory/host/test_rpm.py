"""The database of rpm: one that rpm 4.18 wrote, and what a hostile one can hold.

`rpmdb.sqlite.gz` was written by `rpm -i` of four empty packages (docker-ce, docker-ce-cli, azure-cli, bash).
"""

from __future__ import annotations

import gzip
import sqlite3
import struct
import time
from pathlib import Path

import pytest

from scanner.inventory.host.rpm import rpm_packages
from tests.inventory.host.building import properties, put, rows, verdict

REAL = gzip.decompress((Path(__file__).parent / "rpmdb.sqlite.gz").read_bytes())
PATH = "var/lib/rpm/rpmdb.sqlite"


def database(*statements, blobs=()):
    """A database that statements make; `blobs` go into it as packages named docker-ce."""
    with sqlite3.connect(":memory:") as made:
        for statement in statements or (
            "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)",
            "CREATE TABLE Name (key TEXT NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL)",
        ):
            made.execute(statement)
        for number, blob in enumerate(blobs, 1):
            made.execute("INSERT INTO Packages VALUES (?, ?)", (number, blob))
            made.execute("INSERT INTO Name VALUES ('docker-ce', ?, 0)", (number,))
        made.commit()
        return made.serialize()


def header(*texts, number=None, length=None):
    """A package's header with texts by tag."""
    store, entries = b"", b""
    for tag, text in texts:
        entries += struct.pack(">IIII", tag, 6, len(store), 1)
        store += text + b"\x00"
    counts = struct.pack(
        ">II", len(texts) if number is None else number, len(store) if length is None else length
    )
    return counts + entries + store


@pytest.mark.parametrize("folder", ["var/lib/rpm", "usr/lib/sysimage/rpm"])
def test_a_database_that_rpm_wrote(tmp_path, folder):
    """Versions of client, daemon and Azure CLI, in either place."""
    put(tmp_path, {f"{folder}/rpmdb.sqlite": REAL})
    found = properties(tmp_path)
    assert found["client"] == {"version": "27.3.1", "source": "rpm package docker-ce-cli 27.3.1-1.el9"}
    assert found["daemon"]["version"] == "27.3.1"
    assert found["cli"]["version"] == "2.64.0"
    (row,) = rows(tmp_path, "ACR801")
    assert row.verdict.value == "pass"
    assert row.places == ()


def test_packages_that_are_not_wanted_are_left_out():
    """Names are compared whole."""
    assert rpm_packages(REAL, ["docker", "bash"]) == [("bash", "5.2", "1")]
    assert rpm_packages(REAL, ["none"]) == []


def test_an_old_docker_fails(tmp_path):
    """The version is that of the header, not of the index."""
    put(
        tmp_path,
        {PATH: database(blobs=[header((1000, b"docker-ce"), (1001, b"17.12.1.ce"), (1002, b"1.el7"))])},
    )
    assert "client 17.12.1, daemon 17.12.1" in rows(tmp_path, "ACR801")[0].message


def test_a_log_beside_the_database_is_said(tmp_path):
    """Changes in it are not seen: a program that no package brought may be in it."""
    put(tmp_path, {PATH: database(), f"{PATH}-wal": b"x", "usr/bin/docker": ""})
    assert "are not read" in rows(tmp_path, "ACR801")[0].message
    put(tmp_path, {f"{PATH}-wal": b""})
    assert "no package that was read brought it" in rows(tmp_path, "ACR801")[0].message


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"Berkeley DB",
        b"SQLite format 3\x00",
        REAL[:5_000],
        REAL[:100] + b"\xff" * 50_000,
        database("CREATE TABLE a (b)"),
        database("CREATE TABLE Packages (a)", "CREATE TABLE Name (b)"),
        database(
            "CREATE TABLE a (b)",
            "CREATE VIEW Packages AS SELECT b AS blob, b AS hnum FROM a",
            "CREATE VIEW Name AS SELECT b AS key, b AS hnum FROM a",
        ),
        database(blobs=[b""]),
        database(blobs=["text"]),
        database(blobs=[header((1000, b"docker-ce"), number=0xFFFFFFFF)]),
        database(blobs=[header((1000, b"docker-ce"), length=0xFFFFFFFF)]),
        database(blobs=[header((1000, b"docker-ce"), number=2)]),
    ],
)
def test_what_is_no_database_of_packages_is_unknown(tmp_path, data):
    """Cut off, overwritten, another schema, impossible headers: a reason, never a crash and never nothing."""
    with pytest.raises(ValueError, match=r"."):
        rpm_packages(data, ["docker-ce"])
    put(tmp_path, {PATH: data, "usr/bin/docker": ""})
    assert verdict(tmp_path, "ACR801") == "unknown"


def test_a_header_without_a_version_is_unknown(tmp_path):
    """The package is there; other types and offsets behind the end are no texts."""
    put(tmp_path, {PATH: database(blobs=[header((1000, b"docker-ce"), (1001, b""))])})
    assert verdict(tmp_path, "ACR801") == "unknown"
    blob = struct.pack(">IIIIIIIIII", 2, 10, 1000, 6, 0, 1, 1001, 6, 99, 1) + b"docker-ce\x00"
    assert rpm_packages(database(blobs=[blob]), ["docker-ce"]) == [("docker-ce", "", "")]


def test_a_query_that_does_not_end_is_ended():
    """A column that is computed at great length cannot hold the scan up."""
    slow = database(
        "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB)",
        "CREATE TABLE Name (at INTEGER, key TEXT AS (substr(hex(zeroblob(1000000 + at)), 1, 1)) VIRTUAL, hnum INTEGER)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) INSERT INTO Name SELECT i, i FROM n",
    )
    begun = time.perf_counter()
    with pytest.raises(ValueError, match="interrupted"):
        rpm_packages(slow, ["docker-ce"], seconds=0.05)
    assert time.perf_counter() - begun < 10
