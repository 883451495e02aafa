"""`acrscan history ...`: scans are recorded in a history, and what it shows over time is read back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scanner.cli.commands import HISTORY, LazyGroup
from scanner.cli.door import Outcome
from scanner.cli.period import day
from scanner.cli.show import say
from scanner.errors import Problems, ScannerError, UsageError
from scanner.formats._text import moment, percent, visible
from scanner.model import codec

if TYPE_CHECKING:
    from scanner.history.store import History

SCHEMA = "acrscan/history/v1"
_MONTH = 30


def where(command: Callable[..., Any]) -> Callable[..., Any]:
    """Which history."""
    wrapped: Callable[..., Any] = click.option(
        "--history", metavar="FILE|URL", help="SQLite file, or postgresql://user@host/database."
    )(command)
    return wrapped


def shape(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """How it is told, and of which pack."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in (
            click.option("-f", "--format", "form", type=click.Choice(("console", *names)), default="console", show_default=True),
            click.option("--pack-id", default="", metavar="ID", help="Which pack, where a history has several."),
        ):  # fmt: skip
            command = option(command)
        return command

    return add


def opened(address: str | None, *, write: bool = False) -> History:
    """The history that is meant."""
    if not address:
        raise UsageError(
            "no history named",
            "--history",
            "Name an SQLite file or a postgresql:// URL, or set it in acrscan.yaml.",
        )
    from scanner import history as store  # noqa: PLC0415 - databases load when they are asked for

    return store.open(address, write=write)


@click.group("history", cls=LazyGroup, table=HISTORY)
def history() -> None:
    """Record scans over time; trends, ages, retention.

    A finding is a failing row; what could not be looked at stays open. `acrscan scan --history FILE` records by itself.

    \b
    Examples:
      acrscan history record reports/acrscan.ndjson --history nights.db
      acrscan history trend --history nights.db
      acrscan history age --history postgresql://acrscan@db/audit -f json
    """


@click.command("record")
@click.argument("stored", nargs=-1, required=True, metavar="SCAN.NDJSON...", type=click.Path())
@where
def record(stored: tuple[str, ...], history: str | None) -> Outcome:
    """Record stored scans (`-f ndjson` writes one), oldest first. The same scan again changes nothing.

    \b
    Examples:
      acrscan history record reports/acrscan.ndjson --history nights.db
    """
    from scanner import stored as reader  # noqa: PLC0415
    from scanner.history.facts import instant  # noqa: PLC0415

    scans = [(path, reader.read(Path(path))) for path in stored]
    errors: list[ScannerError] = []
    with opened(history, write=True) as found:
        for path, scan in sorted(scans, key=lambda item: instant(item[1].header.now)):
            try:
                done = found.record(scan)
            except ScannerError as error:
                errors.append(error)
                continue
            again = " (was recorded before)" if done.again else ""
            say(
                f"recorded {visible(path)} as run {done.run}{again}: {done.new:,} new, {done.reopened:,} reopened, "
                f"{done.persisting:,} persisting, {done.resolved:,} resolved, {done.gaps:,} not looked at and still open"
            )
    if errors:
        raise errors[0] if len(errors) == 1 else Problems(errors)
    return Outcome()


@click.command("runs")
@where
@shape("json")
@click.option("--last", type=click.IntRange(1), default=_MONTH, show_default=True, help="How many.")
def runs(history: str | None, form: str, pack_id: str, last: int) -> Outcome:
    """List what was recorded, newest last.

    \b
    Examples:
      acrscan history runs --history nights.db --last 100
    """
    with opened(history) as found:
        lines = [line for line in found.runs(last) if line.pack == pack_id or not pack_id]
    if form == "json":
        _json("runs", lines)
        return Outcome()
    heads = ("run", "time", "pack", "profile", "subscr.", "whole", "new", "back", "gone", "same", "unseen")
    _table(heads, [
        (line.run, moment(line.now), f"{line.pack} {line.pack_version}", line.profile or "-", line.subscriptions,
         "yes" if line.complete else "no", line.opened, line.reopened, line.resolved, line.persisting, line.gaps)
        for line in lines
    ])  # fmt: skip
    return Outcome()


@click.command("trend")
@where
@shape("json", "svg")
@click.option("--subscription", multiple=True, metavar="ID", help="Only these. Repeatable.")
@click.option("--last", type=click.IntRange(1), default=_MONTH, show_default=True, help="Points.")
@click.option("--every-run", is_flag=True, help="A point for each run, not for each night.")
def trend(
    history: str | None, form: str, pack_id: str, subscription: tuple[str, ...], last: int, every_run: bool
) -> Outcome:
    """Show open findings and verdicts over time: what stood at the end of each night.

    \b
    Examples:
      acrscan history trend --history nights.db
      acrscan history trend --history nights.db -f svg > trend.svg
    """
    with opened(history) as found:
        points = found.trend(subscription, pack=pack_id, last=last, nightly=not every_run)
    if form == "json":
        _json("trend", points)
    elif form == "svg":
        from scanner.history import chart  # noqa: PLC0415

        click.echo(chart.trend(points), nl=False)
    else:
        heads = ("time", "open", "pass", "fail", "waived", "unknown", "error", "manual", "passed", "whole")
        _table(heads, [
            (moment(one.now), one.open_findings, *(one.verdicts.get(name, 0) for name in ("pass", "fail")), one.waived,
             *(one.verdicts.get(name, 0) for name in ("unknown", "error", "manual")),
             percent(one.verdicts.get("pass", 0), one.verdicts.get("pass", 0) + one.verdicts.get("fail", 0)),
             "yes" if one.complete else "no")
            for one in points
        ])  # fmt: skip
        say(
            "open: failing findings that nobody accepted; passed: share of pass + fail, undecided ones left out"
        )
    return Outcome()


@click.command("age")
@where
@shape("json", "svg")
@click.option("--now", default="", metavar="TIME", help="The clock, RFC 3339 (default: the newest run).")
def age(history: str | None, form: str, pack_id: str, now: str) -> Outcome:
    """Show how long open findings have been open, by severity, rule, framework control and subscription.

    \b
    Examples:
      acrscan history age --history nights.db
    """
    with opened(history) as found:
        lines = found.ages(pack=pack_id, now=now)
    if form == "json":
        _json("ages", lines)
    elif form == "svg":
        _bars(
            "Open findings by rule: the oldest",
            [
                (one.key, one.oldest, f"{one.oldest:,} days, {one.open:,} open")
                for one in lines
                if one.group == "rule"
            ],
        )
    else:
        heads = (
            "group",
            "",
            "open",
            "waived",
            "<= 7 d",
            "<= 30 d",
            "<= 90 d",
            "<= 180 d",
            "older",
            "median",
            "oldest",
        )
        _table(
            heads,
            [
                (one.group, one.key, one.open, one.waived, *one.buckets, one.median, one.oldest)
                for one in lines
            ],
        )
    return Outcome()


@click.command("fixed")
@where
@shape("json", "svg")
@click.option("--since", default="", metavar="TIME", help="Only what was closed from then on (RFC 3339).")
def fixed(history: str | None, form: str, pack_id: str, since: str) -> Outcome:
    """Show how long it took to mend what was mended, by severity, rule, framework control and subscription.

    \b
    Examples:
      acrscan history fixed --history nights.db --since 2026-07-01T00:00:00Z
    """
    with opened(history) as found:
        lines = found.time_to_fix(pack=pack_id, since=since)
    if form == "json":
        _json("timeToFix", lines)
    elif form == "svg":
        _bars(
            "Time to mend by rule: the median",
            [
                (one.key, one.median, f"{one.median:,} days, {one.fixed:,} mended")
                for one in lines
                if one.group == "rule"
            ],
        )
    else:
        heads = ("group", "", "mended", "closed otherwise", "median days", "90 % within", "longest")
        _table(
            heads,
            [
                (one.group, one.key, one.fixed, one.otherwise, one.median, one.ninetieth, one.longest)
                for one in lines
            ],
        )
        say("closed otherwise: a rule, the waiver file or the scope changed; their times are left out")
    return Outcome()


@click.command("retire")
@click.argument("subscription")
@where
@click.option("--since", required=True, metavar="DATE", help="The first night on which it is gone.")
@click.option("--reason", default="", metavar="TEXT", help="Why, for the reports.")
def retire(subscription: str, history: str | None, since: str, reason: str) -> Outcome:
    """Expect no more scans of a subscription that is gone, and close what is open there (as scope, not as mended).

    \b
    Examples:
      acrscan history retire 00000000-0000-0000-0000-000000000001 --since 2026-08-01 --reason "sold" --history nights.db
    """
    with opened(history, write=True) as found:
        number = found.retire(subscription, day(since, "--since"), reason)
    say(f"retired {visible(subscription)} since {since}: {number:,} findings closed because of the scope")
    return Outcome()


@click.command("prune")
@where
@click.option("--before", metavar="DATE", help="Forget what ended before this date.")
@click.option(
    "--keep-days", type=click.IntRange(1), metavar="N", help="The same, counted back from today (UTC)."
)
def prune(history: str | None, before: str | None, keep_days: int | None) -> Outcome:
    """Forget runs and closed findings from before a date. What is open stays, however old it is.

    \b
    Examples:
      acrscan history prune --before 2025-01-01 --history nights.db
      acrscan history prune --keep-days 400 --history nights.db
    """
    if (before is None) == (keep_days is None):
        raise UsageError("give exactly one of --before and --keep-days")
    limit = day(before, "--before") - timedelta(days=keep_days or 0)
    with opened(history, write=True) as found:
        done = found.prune(limit)
    say(
        f"forgot {done.runs:,} runs, {done.findings:,} closed findings, {done.counts:,} counts and {done.registries:,} lines of "
        f"registries from before {limit.isoformat()}; {done.kept:,} older runs stay because the next scan is compared with them"
    )
    return Outcome()


def _json(key: str, lines: Iterable[Any]) -> None:
    record = {"schema": SCHEMA, key: [codec.to_record(line) for line in lines]}
    click.echo(codec.encode(record).decode("utf-8", "replace"))


def _bars(title: str, rows: Sequence[tuple[str, float, str]]) -> None:
    from scanner.history import chart  # noqa: PLC0415

    click.echo(chart.bars(title, "days", rows), nl=False)


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Columns as wide as what is in them; numbers to the right."""
    shown = [[_shown(cell) for cell in row] for row in rows]
    widths = [max(len(head), *(len(row[at]) for row in shown), 0) for at, head in enumerate(heads)]
    right = [all(isinstance(row[at], int | float) for row in rows) and bool(rows) for at in range(len(heads))]
    for cells in _lines(heads, shown):
        padded = (
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(cells, widths, right, strict=True)
        )
        click.echo("  ".join(padded).rstrip())


def _lines(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[Sequence[str]]:
    yield heads
    yield from rows


def _shown(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int | float) else visible(str(cell), 60)


COMMANDS = {
    "history": history,
    "record": record,
    "runs": runs,
    "trend": trend,
    "age": age,
    "fixed": fixed,
    "retire": retire,
    "prune": prune,
}
