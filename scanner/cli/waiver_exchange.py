"""`acrscan waiver import|export|register`: waivers from and for Azure Policy exemptions, and the register of exceptions."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from scanner.cli.door import INCOMPLETE, Outcome
from scanner.cli.options import inventory_from
from scanner.cli.proofs import safe
from scanner.cli.show import say
from scanner.cli.waiver import FILE, NOW, day, text_of, tried, write
from scanner.model.waiver import IN_FORCE

if TYPE_CHECKING:
    from scanner.waivers.exemptions import Converted


@click.command("import")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--into", metavar="WAIVERS.YAML", help="Add them to this file (default: print them).")
@click.option("--owner", default="", help="Owner where an exemption names nobody.")
@click.option("--approver", default="", help="Approver where an exemption names nobody.")
@click.option("--expires", metavar="YYYY-MM-DD", help="Last day where an exemption has no end.")
def from_exemptions(
    paths: tuple[str, ...], into: str | None, owner: str, approver: str, expires: str | None
) -> Outcome:
    """Turn Azure Policy exemptions of a snapshot or of saved answers into waivers.

    \b
    Examples:
      acrscan waiver import night/ --owner platform --approver security --expires 2027-03-31
      acrscan waiver import night/ --into acr-waivers.yaml
    """
    from scanner.waivers import edit, exemptions  # noqa: PLC0415
    from scanner.waivers.read import read  # noqa: PLC0415

    inventory = inventory_from(paths, "auto", None, None, None)
    people = exemptions.People(owner, approver, day(expires) if expires else "")
    found = exemptions.imported(inventory, datetime.now(UTC).date(), people)
    if into:
        path = Path(into)
        text = text_of(path)
        have = {entry.id for entry in read(path).entries} if path.exists() else set()
        fresh = [waiver for waiver in found.waivers if waiver.id not in have]
        if fresh:
            write(path, edit.added(text, fresh, path))
        say(f"{into}: {len(fresh)} waivers added, {len(found.waivers) - len(fresh)} were there already")
    else:
        click.echo("".join(edit.block(waiver) for waiver in found.waivers), nl=False)
    return _left_out(found)


@click.command("export")
@FILE
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@NOW
def to_exemptions(file: str, paths: tuple[str, ...], now: str | None) -> Outcome:
    """Print waivers in force as Azure Policy exemptions (JSON), for the assignments of a snapshot or of saved answers.

    Nothing is sent to Azure.

    \b
    Example:
      acrscan waiver export acr-waivers.yaml night/ > exemptions.json
    """
    from scanner.waivers import exemptions  # noqa: PLC0415

    scan = tried(file, None, None, now)
    waivers = [line.waiver for line in scan.waivers if line.state in IN_FORCE]
    found = exemptions.exported(waivers, inventory_from(paths, "auto", None, None, now))
    click.echo(orjson.dumps(found.exemptions, option=orjson.OPT_INDENT_2).decode())
    return _left_out(found)


def _left_out(found: Converted) -> Outcome:
    outcome = Outcome()
    for name, why in found.left_out:
        say(f"left out {safe(name)}: {safe(why)}")
    if found.left_out:
        outcome.add(INCOMPLETE, f"{len(found.left_out)} left out")
    return outcome


@click.command("register")
@click.argument("stored", metavar="SCAN.NDJSON", type=click.Path())
@click.option(
    "-f", "--format", "form", type=click.Choice(("csv", "json", "markdown")), default="csv", show_default=True
)
def register(stored: str, form: str) -> None:
    """Print the register of exceptions of a stored scan: every waiver, what it covers, who approved it and until when.

    \b
    Examples:
      acrscan waiver register reports/acrscan.ndjson > exceptions.csv
      acrscan waiver register reports/acrscan.ndjson -f markdown
    """
    from scanner import stored as reader  # noqa: PLC0415
    from scanner.formats import _exceptions  # noqa: PLC0415

    click.echo(_exceptions.written(reader.read(Path(stored)), form), nl=False)


COMMANDS = {"import": from_exemptions, "export": to_exemptions, "register": register}
