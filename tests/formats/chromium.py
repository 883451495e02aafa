"""A real browser for the tests of HTML: how it is found and started, and what a page did while it was looked at."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass, field
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def lacking(what: str) -> None:
    """Fail where the tests must run, skip where they may be left out."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


def executable() -> str:
    """The browser on the PATH."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), "")
    if not path:
        lacking("no Chromium on the PATH: apt-get install chromium (or install Google Chrome)")
    return path


def until(page: Any, expression: str) -> None:
    """Wait for an expression to hold; Playwright's own waiting would need `eval`, which the page's policy refuses."""
    deadline = time.monotonic() + 10
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, f"never became true: {expression}"
        page.wait_for_timeout(20)


@dataclass
class Opened:
    """A page with everything it complained about and everything it asked the network for."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def shown(self) -> str:
        """What the page says of how many findings it shows."""
        return str(self.page.text_content("#table-count"))


def opened(context: Any, address: str, *, wait: str = "yes") -> Opened:
    """A page of a context, watched from its first byte; `wait`: the state it must reach, or "" for none."""
    found = Opened(context.new_page())
    found.page.on("console", lambda message: found.complaints.append(message.text))
    found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.page.on("dialog", lambda dialog: found.complaints.append(dialog.message))
    found.page.on("request", lambda request: found.requests.append(request.url))
    found.page.goto(address)
    if wait:
        found.page.wait_for_selector(f"html[data-ready={wait}]", state="attached")
    return found
