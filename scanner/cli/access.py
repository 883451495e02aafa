"""`acrscan access REGISTRY`: who can pull, push, delete and administer, and through which path."""

from __future__ import annotations

from dataclasses import asdict

import click
import orjson

from scanner.cli.door import INCOMPLETE, Outcome
from scanner.cli.options import clock, inventory_from, inventory_options
from scanner.cli.proofs import safe
from scanner.engine.access import access_lines
from scanner.engine.estate import Estate, Linked
from scanner.model import ids
from scanner.model.scan import AccessLine
from scanner.model.values import Unknown, UnreadTail

REGISTRIES = "Microsoft.ContainerRegistry/registries"


@click.command("access")
@click.argument("registry", metavar="REGISTRY")
@inventory_options
@click.option("--can", metavar="CAPABILITY", help="Only who has this capability (pull, push, delete ...).")
@click.option(
    "-f", "--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True
)
def access(
    registry: str,
    paths: tuple[str, ...],
    source: str,
    principals: str | None,
    api_version: str | None,
    now: str | None,
    can: str | None,
    form: str,
) -> Outcome:
    """Show who can do what on a registry (name, login server or resource id), and through which path.

    \b
    Examples:
      acrscan access contosoprod answers/
      acrscan access contosoprod answers/ --can push --principals people.json
    """
    inventory = inventory_from(paths, source, principals, api_version, now)
    estate = Estate(inventory, now=clock(now) or inventory.collected_at)
    outcome = Outcome()
    linked = next(
        (item for item in estate.targets(REGISTRIES, frozenset({"access"})) if _is(item, registry)), None
    )
    if linked is None:
        outcome.add(INCOMPLETE, f"no registry {registry!r} in the inventory")
        return outcome
    rows = [line for line in access_lines(linked) if not can or can in line.can]
    if form == "json":
        click.echo(orjson.dumps([asdict(line) for line in rows], option=orjson.OPT_INDENT_2))
    else:
        click.echo(safe(linked.resource.id))
        for line in rows:
            click.echo(f"  {_words(line)}")
    for reason in _gaps(linked.related("access")):
        outcome.add(INCOMPLETE, f"access is not known completely: {reason}")
    if not rows and not outcome.reasons:
        click.echo("  nobody")
    return outcome


def _is(linked: Linked, wanted: str) -> bool:
    properties = linked.resource.body.get("properties")
    server = properties.get("loginServer") if isinstance(properties, dict) else None
    names = (linked.resource.id, linked.resource.name, server if isinstance(server, str) else "")
    return ids.normalise(wanted) in {ids.normalise(name) for name in names if name}


def _gaps(rows: object) -> list[str]:
    if isinstance(rows, Unknown):
        return [rows.reason]
    return (
        [row.reason for row in rows if isinstance(row, (Unknown, UnreadTail))]
        if isinstance(rows, list)
        else []
    )


def _words(line: AccessLine) -> str:
    who = line.principal_name or line.principal
    marks = [word for word, on in (("eligible", line.eligible), ("conditional", line.conditional)) if on]
    path = f"{line.role} at {line.scope}" if line.door == "role" else line.door
    limits = "" if line.repositories == "all" else f", repositories {line.repositories}"
    extra = f" ({', '.join(marks)})" if marks else ""
    return safe(f"{who} [{line.principal_type}] can {', '.join(line.can)} through {path}{limits}{extra}")


COMMANDS = {"access": access}
