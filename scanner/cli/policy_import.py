"""`acrscan policy import`: Azure Policy definitions become rules; what could not be taken is told, construct by construct."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from scanner.cli.door import FINDINGS, USAGE, Outcome
from scanner.cli.proofs import safe
from scanner.cli.show import say
from scanner.errors import OutputError, UsageError
from scanner.model.rule import SEVERITIES

if TYPE_CHECKING:
    from scanner.language.azure_policy.bulk import Bulk
    from scanner.language.azure_policy.importing import Converted, Left, Made

SHOWN = 40
"""Lines about what was left that are printed; the report holds all of them."""


@click.command("import")
@click.argument("paths", nargs=-1, required=True, metavar="FILE|DIR...", type=click.Path())
@click.option("--out", metavar="DIR", help="Write a pack there, one file a rule (default: print the rules).")
@click.option("--report", metavar="FILE", help="Write what was taken and left as JSON.")
@click.option("--strict", is_flag=True, help="Exit 1 when anything was left.")
@click.option("--type", "target", default="", metavar="TYPE", help="Import for this resource type.")
@click.option("--aliases", metavar="FILE", help="Azure's table of aliases, for exact property paths.")
@click.option("--initiative", metavar="FILE", help="Import the members of this initiative, with its values.")
@click.option("--severity", type=click.Choice(SEVERITIES), default="medium", show_default=True)
@click.option("--reviewed", metavar="YYYY-MM-DD", help="Date to note in the rules (default: today).")
def import_policies(
    paths: tuple[str, ...],
    out: str | None,
    report: str | None,
    strict: bool,
    target: str,
    aliases: str | None,
    initiative: str | None,
    severity: str,
    reviewed: str | None,
) -> Outcome:
    """Turn Azure Policy definitions (JSON) into rules with Azure's own semantics.

    Definitions of regulations without logic become controls that a person attests. The table of aliases is what
    `az provider show --namespace NAME --expand resourceTypes/aliases` prints. Exit code: 2 when nothing could be imported.

    \b
    Examples:
      acrscan policy import AdminAccountDisabled.json
      acrscan policy import azure-policy/built-in-policies/ --out azp/ --report left.json
      acrscan policy import definitions/ --initiative baseline.json --out azp/ --strict
    """
    from scanner.language.azure_policy.bulk import Bulk, load_initiative  # noqa: PLC0415
    from scanner.language.azure_policy.importing import Options  # noqa: PLC0415
    from scanner.language.azure_policy.initiatives import read_aliases  # noqa: PLC0415

    options = Options(
        _date(reviewed) if reviewed else dt.datetime.now(dt.UTC).date().isoformat(),
        target,
        read_aliases(Path(aliases)) if aliases else {},
        severity,
    )
    bulk = Bulk(options, load_initiative(Path(initiative)) if initiative else None)
    left: list[Left] = []
    notes: list[Left] = []
    made: list[Made] = []
    folder = Path(out) if out else None
    if folder:
        prepare(folder)
    for result in _watched(bulk, [Path(path) for path in paths]):
        left += result.left
        notes += result.notes
        if result.made is None:
            continue
        if folder:
            write_rule(folder, result.made)
            made.append(_without_text(result.made))
        else:
            click.echo(f"---\n{result.made.text}", nl=False)
            made.append(_without_text(result.made))
    if folder and made:
        finish(folder, made)
    if report:
        _write(Path(report), _record(bulk, made, left, notes))
    return _told(bulk, left, notes, strict=strict, out=out, report=report)


def _date(given: str) -> str:
    try:
        return dt.datetime.strptime(given, "%Y-%m-%d").replace(tzinfo=dt.UTC).date().isoformat()
    except ValueError as error:
        raise UsageError(f"--reviewed {given!r} is no date", "", "Write it as 2026-11-25.") from error


def _without_text(made: Made) -> Made:
    from dataclasses import replace  # noqa: PLC0415

    return replace(made, text="")


def _watched(bulk: Bulk, paths: list[Path]) -> Iterator[Converted]:
    """The results, with a counter on a terminal."""
    shows = sys.stderr.isatty() and not os.environ.get("CI")
    for result in bulk.run(paths):
        if shows and bulk.files % 100 == 0:
            click.echo(f"\r{bulk.files:,} files read ...", err=True, nl=False)
        yield result
    if shows:
        click.echo("\r" + " " * 30 + "\r", err=True, nl=False)


def prepare(folder: Path) -> None:
    """Make the pack's folder; one that holds another pack is refused."""
    main = folder / "pack.yaml"
    if main.is_file() and "prefix: AZP" not in main.read_text(encoding="utf-8"):
        raise OutputError("holds a pack of another prefix than AZP", str(folder), "Name another folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot be made: {error.strerror or error}", str(folder)) from error


def write_rule(folder: Path, made: Made) -> None:
    """Write a rule's file; a file that we did not write stays."""
    from scanner.language.azure_policy.writing import HEAD  # noqa: PLC0415

    for old in folder.glob(f"{made.id}-*.yaml"):
        if not old.read_text(encoding="utf-8").startswith(HEAD):
            raise OutputError("was not written by an import and is not overwritten", str(old), "Rename it.")
        old.unlink()
    _write(folder / f"{made.id}-{made.name}.yaml", made.text.encode())


def finish(folder: Path, made: list[Made]) -> None:
    """Write pack.yaml, and the catalogue that the rules' controls stand in."""
    from scanner.language.azure_policy.writing import catalogue, pack_text  # noqa: PLC0415

    if not (folder / "pack.yaml").is_file():
        _write(folder / "pack.yaml", pack_text().encode())
    path = folder / "frameworks" / "azure-policy.yaml"
    path.parent.mkdir(exist_ok=True)
    _write(path, catalogue(path, {one.guid: one.title for one in made if one.guid}).encode())


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror or error}", str(path)) from error


def _record(bulk: Bulk, made: list[Made], left: list[Left], notes: list[Left]) -> bytes:
    def rows(items: list[Left]) -> list[dict[str, Any]]:
        return [
            {"place": one.place, "path": one.path, "construct": one.construct, "reason": one.reason}
            for one in items
        ]

    found = {
        "files": bulk.files,
        "definitions": bulk.seen,
        "imported": bulk.imported,
        "manual": bulk.manual,
        "leftByConstruct": dict(bulk.constructs.most_common()),
        "rules": [
            {
                "id": one.id,
                "name": one.name,
                "definition": one.guid,
                "target": one.target,
                "manual": one.manual,
            }
            for one in made
        ],
        "left": rows(left),
        "notes": rows(notes),
    }
    return orjson.dumps(found, option=orjson.OPT_INDENT_2)


def _told(
    bulk: Bulk, left: list[Left], notes: list[Left], *, strict: bool, out: str | None, report: str | None
) -> Outcome:
    for one in left[:SHOWN]:
        at = f" ({one.path})" if one.path else ""
        say(safe(f"left {one.place}{at}: {one.construct}: {one.reason}"))
    if len(left) > SHOWN:
        say(f"... and {len(left) - SHOWN} more; {report or '--report FILE'} holds all of them")
    if len(notes) <= SHOWN:
        for one in notes:
            say(safe(f"note {one.place}: {one.reason}"))
    else:
        say(f"{len(notes)} notes; {report or '--report FILE'} holds them")
    for construct, number in bulk.constructs.most_common(10):
        say(safe(f"  {number} left by {construct}"))
    where = f" into {out}" if out else ""
    unread = f", {bulk.constructs['file']} files without one" if bulk.constructs["file"] else ""
    say(
        f"{bulk.files} files{unread}, {bulk.seen} definitions: {bulk.imported} imported{where} "
        f"({bulk.manual} of them to attest), {bulk.seen - bulk.imported if not bulk.initiative else len(left)} left"
    )
    outcome = Outcome()
    if not bulk.imported:
        outcome.add(USAGE, "nothing could be imported")
    elif strict and left:
        outcome.add(FINDINGS, f"{len(left)} constructs or definitions were left")
    return outcome


COMMANDS = {"import": import_policies}
