"""Histories for the tests, in both databases. Without PostgreSQL its tests fail in CI and are skipped elsewhere."""

from __future__ import annotations

import importlib.util
import os

import pytest

from tests.history import server as servers


def lacking(what):
    """Fail where the tests must run, skip where they may be left out."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def server():
    """One PostgreSQL server for all tests of a process."""
    if importlib.util.find_spec("psycopg") is None:
        lacking("the package psycopg is missing: pip install 'psycopg[binary]' (part of the dev group)")
    if servers.programs() is None:
        lacking("no PostgreSQL server programs: apt-get install postgresql")
    with servers.running() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request, tmp_path):
    """An address at which there is no history yet."""
    if request.param == "sqlite":
        return str(tmp_path / "history.db")
    return request.getfixturevalue("server").schema()
