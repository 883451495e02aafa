"""`acrscan collect`: an inventory is stored as a snapshot folder, which later scans read without asking again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from scanner import __version__
from scanner.cli.door import INCOMPLETE, Outcome
from scanner.cli.options import inventory_from, inventory_options
from scanner.cli.show import say


@click.command("collect")
@inventory_options
@click.option(
    "--out", required=True, metavar="DIR", help="Folder of the snapshot; must not hold anything else."
)
def collect(
    paths: tuple[str, ...],
    source: str,
    principals: str | None,
    api_version: str | None,
    now: str | None,
    out: str,
) -> Outcome:
    """Store an inventory as a snapshot: sorted, redacted, with checksums, readable by the owner alone.

    \b
    Examples:
      acrscan collect --from saved answers/ --out night/
      acrscan scan night/
    """
    from scanner.inventory import snapshot  # noqa: PLC0415

    started = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    inventory = inventory_from(paths, source, principals, api_version, now)
    ended = inventory.collected_at
    snapshot.write(inventory, Path(out), tool_version=__version__, started=min(started, ended), ended=ended)
    count = sum(len(part) for part in inventory.parts.values())
    say(
        f"stored {count:,} resources of {len(inventory.parts)} types in {out} (digest {inventory.digest[:16]})"
    )
    outcome = Outcome()
    short = [run.collection for run in inventory.runs if run.state in ("partial", "failed")]
    if short:
        outcome.add(INCOMPLETE, f"not read completely: {', '.join(sorted(short))}")
    return outcome


COMMANDS = {"collect": collect}
