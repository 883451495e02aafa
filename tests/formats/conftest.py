"""Fixtures of the tests of formats: a browser for each module whose tests need a real one.

Not one for all: while it runs, its event loop does, and tests that start one of their own would fail in the same process.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import pytest

from tests.formats.chromium import FLAGS, executable, lacking

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium or Chrome from the PATH; Playwright's own browser download is not used."""
    if importlib.util.find_spec("playwright") is None:
        lacking("the package playwright is missing: pip install playwright (part of the dev group)")
    path = executable()
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - optional outside CI

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield running
        running.close()
