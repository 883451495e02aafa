"""What a live collection says while it works: a bar on a terminal, few lines in CI, one JSON object a line on request.

Nothing here prints a token, a header or a body; only counts, names of scopes and collections, and Azure's own reasons.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from typing import Any

import click
import orjson

from scanner.cli.proofs import safe

_WIDTH = 24
_QUIET_SECONDS = 30.0
"""In CI a line of progress appears this often."""


class Teller:
    """`teller(event, **facts)`. `form`: text or json; `quiet`: nothing but what was not read."""

    def __init__(self, form: str, *, quiet: bool) -> None:
        self._json = form == "json"
        self._quiet = quiet
        self._bar = not quiet and form == "text" and sys.stderr.isatty() and not os.environ.get("CI")
        self._shown = False
        self._last = time.monotonic()
        self._unread = 0

    def __call__(self, event: str, **facts: Any) -> None:
        """Take in one event."""
        if event == "unread":
            self._unread += 1
        if self._json:
            when = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            level = "warning" if event == "unread" else "info"
            record = {"time": when, "level": level, "event": event, **facts}
            click.echo(orjson.dumps(record, default=str).decode(), err=True)
            return
        words = _words(event, facts, self._unread)
        if self._bar and "total" in facts:
            self._show(words, facts["done"], facts["total"])
        elif event in ("scope", "scoped", "finished", "verified") and not self._quiet:
            self._line(words)
        elif not self._bar and not self._quiet and time.monotonic() - self._last > _QUIET_SECONDS:
            self._last = time.monotonic()
            self._line(words)

    def _show(self, words: str, done: int, total: int) -> None:
        full = _WIDTH * done // max(total, 1)
        self._shown = True
        text = f"[{'#' * full}{'.' * (_WIDTH - full)}] {words}"
        click.echo(f"\r{text[:110]:<110}", err=True, nl=False)

    def _line(self, words: str) -> None:
        self.done()
        click.echo(words, err=True)

    def done(self) -> None:
        """Clear the bar."""
        if self._shown:
            click.echo("\r" + " " * 112 + "\r", err=True, nl=False)
            self._shown = False


def _words(event: str, facts: dict[str, Any], unread: int) -> str:
    missing = f", {unread:,} not read" if unread else ""
    match event:
        case "scope":
            return "asking Azure what is visible ..."
        case "scoped":
            return f"{facts['subscriptions']:,} of {facts['visible']:,} visible subscriptions to read"
        case "graph":
            return f"Resource Graph {facts['done']}/{facts['total']} {facts['query']}{missing}"
        case "subscription":
            name = safe(facts["name"])
            return f"subscription {facts['done']:,}/{facts['total']:,} {name}: {facts['registries']:,} registries{missing}"
        case "finished":
            return (
                f"{facts['requests']:,} requests in {facts['seconds']:,.1f} s, {facts['retries']:,} retried, "
                f"{facts['throttled']:,} throttled ({facts['waited']:,.1f} s waited){missing}"
            )
        case "mutants":
            return f"mutants of rule {facts['done']:,}/{facts['total']:,} {facts['rule']}"
        case "verified":
            asked = facts["read"] + facts["unread"]
            return f"verified {facts['read']:,} of {asked:,} resources: {facts['changed']:,} differ, {facts['gone']:,} are gone"
        case _:
            return f"{event}: {facts}"
