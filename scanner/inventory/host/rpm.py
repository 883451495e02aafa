"""The database of rpm in its SQLite form: bytes come in, names with version and release come out.

Its older forms (Berkeley DB, ndb) are not read. The database is looked at in memory, with a bound on the time of a query: a
file from a foreign disk can hold any schema.
Source: https://rpm-software-management.github.io/rpm/manual/format_header.html
"""

from __future__ import annotations

import sqlite3
import struct
import time
from collections.abc import Iterable
from contextlib import closing

_HEAD = b"SQLite format 3\x00"
_NAME, _VERSION, _RELEASE = 1000, 1001, 1002
_TEXT = 6
_MOST_TAGS = 10_000
_MOST_PACKAGES = 100
_LONGEST = 20_000_000
"""Bytes of one value."""
_SECONDS = 10.0
_STEPS = 100
"""Instructions of SQLite between two looks at the clock."""


def rpm_packages(data: bytes, names: Iterable[str], seconds: float = _SECONDS) -> list[tuple[str, str, str]]:
    """(name, version, release) of the packages that are installed under one of these names.

    `seconds`: how long queries may take.
    Raises `ValueError` with words for people where it is no such database.
    """
    if not data.startswith(_HEAD):
        raise ValueError("it is no SQLite database")
    wanted = tuple(names)
    marks = ", ".join("?" * len(wanted))
    # The two bytes tell of a log beside the file; a database in memory has none.
    raw = data[:18] + b"\x01\x01" + data[20:]
    end = time.monotonic() + seconds
    try:
        with closing(sqlite3.connect(":memory:")) as database:
            database.deserialize(raw)
            database.execute("PRAGMA trusted_schema = OFF")
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
            database.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
            tables = database.execute(
                "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('Packages', 'Name')"
            ).fetchone()
            if tables != (2,):
                raise ValueError("it has no packages")
            found = database.execute(
                "SELECT blob FROM Packages WHERE hnum IN "  # noqa: S608 - question marks alone
                f"(SELECT hnum FROM Name WHERE key IN ({marks})) ORDER BY hnum LIMIT {_MOST_PACKAGES}",
                wanted,
            ).fetchall()
    except sqlite3.Error as error:
        raise ValueError(str(error)) from error
    read = [_package(blob) for (blob,) in found]
    return [one for one in read if one[0] in wanted]


def _package(blob: object) -> tuple[str, str, str]:
    """Name, version and release from the header of a package."""
    if not isinstance(blob, bytes) or len(blob) < 8:
        raise ValueError("a package's header is cut off")
    number, length = struct.unpack_from(">II", blob)
    store = 8 + 16 * number
    if number > _MOST_TAGS or store + length > len(blob):
        raise ValueError("a package's header is cut off")
    texts = {}
    for at in range(8, store, 16):
        tag, kind, offset, _ = struct.unpack_from(">IIII", blob, at)
        if tag in (_NAME, _VERSION, _RELEASE) and kind == _TEXT and offset < length:
            texts[tag] = blob[store + offset : store + length].split(b"\x00", 1)[0].decode("utf-8", "replace")
    return texts.get(_NAME, ""), texts.get(_VERSION, ""), texts.get(_RELEASE, "")
