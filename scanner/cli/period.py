"""`acrscan report --period`: a history comes in, a statement about many nights goes out, on the terminal or as files."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

import click

from scanner.cli.door import Outcome
from scanner.cli.outputs import whole_file
from scanner.cli.reporting import Output
from scanner.cli.show import say
from scanner.errors import OutputError, UsageError
from scanner.history.lines import Period

FORMATS = ("json", "html", "csv")
NAME = "acrscan-period"

Writer = Callable[[BinaryIO], None]


def run(text: str, history: str | None, out: Output, today: str | None, pack: str) -> Outcome:
    """Show the period and write it in every wanted format."""
    from scanner import history as store  # noqa: PLC0415
    from scanner.history import calendar  # noqa: PLC0415

    if not history:
        raise UsageError("--period needs --history", "", "Name the SQLite file or postgresql:// URL.")
    wrong = [name for name in out.formats if name not in FORMATS]
    if wrong:
        raise UsageError(
            f"a period has no format {wrong[0]!r}", "--format", f"Formats: {', '.join(FORMATS)}."
        )
    if out.output == "-" and (len(out.formats) != 1 or out.formats[0] == "csv"):
        raise UsageError("-o - prints one file", "", "Name exactly one of -f json and -f html.")
    start, end = calendar.parse(text)
    with store.open(history, write=False) as opened:
        found = opened.period(start, end, today=day(today, "--today"), pack=pack)
    outcome = Outcome()
    if out.output == "-":
        next(iter(_files(found, out.formats[0]).values()))(sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return outcome
    if not out.quiet:
        from scanner.cli.period_text import console  # noqa: PLC0415

        for line in console(found):
            click.echo(line)
    for name in out.formats:
        _write(found, name, out, outcome)
    return outcome


def day(text: str | None, option: str) -> date:
    """A date that an option gives, or today (UTC)."""
    try:
        return date.fromisoformat(text) if text else datetime.now(UTC).date()
    except ValueError as error:
        raise UsageError(f"{option} {text!r} is no date", "", "Write it as 2026-11-25.") from error


def _write(found: Period, name: str, out: Output, outcome: Outcome) -> None:
    """One format; what goes wrong with it does not keep the others from being written."""
    target = Path(out.output or "reports")
    files = _files(found, name)
    alone = len(out.formats) == 1 and len(files) == 1 and target.suffix and not target.is_dir()
    for ending, writer in files.items():
        path = target if alone else target / f"{NAME}{ending}"
        try:
            with whole_file(path) as file:
                writer(file)
            say(f"wrote {path}")
        except OSError as error:
            _failed(
                OutputError(f"the {name} file was not written: {error.strerror or error}", str(path)), outcome
            )
        except OutputError as error:
            _failed(error, outcome)


def _failed(error: OutputError, outcome: Outcome) -> None:
    say(str(error))
    outcome.add(error.exit_code, f"not written: {error.what}")


def _files(found: Period, name: str) -> dict[str, Writer]:
    from scanner.cli import period_page, period_text  # noqa: PLC0415 - templates load when they are asked for

    match name:
        case "json":
            return {".json": partial(period_text.json, found)}
        case "html":
            return {".html": partial(period_page.render, found)}
        case _:
            tables = period_text.tables(found)
            return {ending: partial(period_text.write_table, table) for ending, table in tables.items()}
