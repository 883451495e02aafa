"""Folders and files come in; a check is run whenever a policy file in them changes, until somebody ends it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click

from scanner.cli.door import Outcome
from scanner.errors import ScannerError, UsageError

ENDINGS = frozenset({".yaml", ".yml", ".json", ".ndjson"})
"""Rules, fixtures, profiles, waivers, and the inventories beside fixtures."""
SECONDS = 0.3
MAX_FILES = 20_000

Stamps = dict[Path, tuple[int, int]]


def watch(places: Iterable[Path], once: Callable[[], Outcome]) -> Outcome:
    """Run `once` now and after every change below `places`; never returns: Ctrl-C ends it, as everywhere.

    A file that cannot be used is told and waited for. Raises `UsageError` for folders with too many files.
    """
    roots = sorted({place.resolve() for place in places})
    while True:
        before = stamps(roots)  # taken first: what changes while the check runs is a change
        try:
            outcome = once()
        except ScannerError as error:
            click.echo(str(error), err=True)
            outcome = Outcome([(error.exit_code, error.what.splitlines()[0])])
        if outcome.reasons:
            click.echo(outcome.line(), err=True)
        click.echo(f"watching {len(before)} files; Ctrl-C ends", err=True)
        while stamps(roots) == before:
            time.sleep(SECONDS)
        click.echo("", err=True)


def stamps(roots: Iterable[Path]) -> Stamps:
    """Time and size of every file that matters."""
    found: Stamps = {}
    for path in _files(roots):
        try:
            stat = path.stat()
        except OSError:
            continue  # gone between listing and asking: that is a change of its own
        found[path] = (stat.st_mtime_ns, stat.st_size)
        if len(found) > MAX_FILES:
            raise UsageError(
                f"more than {MAX_FILES:,} files to watch", "--watch", "Name the pack's folder itself."
            )
    return found


def _files(roots: Iterable[Path]) -> Iterator[Path]:
    for root in roots:
        if root.is_dir():
            yield from (path for path in root.rglob("*") if path.suffix in ENDINGS)
        else:
            yield root
