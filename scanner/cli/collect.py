"""`acrscan collect`: an inventory is stored as a snapshot folder, which later scans read without asking again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from scanner import __version__
from scanner.cli.door import INCOMPLETE, INTERRUPTED, Outcome
from scanner.cli.live import Live, collected, live_options
from scanner.cli.options import any_inventory_options, inventory_from, is_live
from scanner.cli.show import say
from scanner.cli.telling import Teller


@click.command("collect")
@any_inventory_options
@live_options
@click.option(
    "--out", required=True, metavar="DIR", help="Folder of the snapshot; must not hold anything else."
)
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def collect(
    paths: tuple[str, ...],
    source: str,
    principals: str | None,
    api_version: str | None,
    now: str | None,
    live: Live,
    out: str,
    quiet: bool,
) -> Outcome:
    """Store an inventory as a snapshot: sorted, redacted, with checksums, readable by the owner alone.

    Without PATH, Azure itself is read. A snapshot that lies in DIR is replaced only when the new one is whole; what
    vanished since then without having been deleted is told.

    \b
    Examples:
      acrscan collect --management-group platform --out night/
      acrscan collect --management-group platform --out night/ --resume
      acrscan collect --from saved answers/ --out night/
      acrscan scan night/
    """
    from scanner.inventory import snapshot  # noqa: PLC0415

    outcome = Outcome()
    if is_live(paths, source):
        with collected(live, out, principals, Teller(live.log_format, quiet=quiet)) as (
            inventory,
            found,
            kept,
        ):
            out = str(kept)
            if found.interrupted:
                outcome.add(INTERRUPTED, "interrupted: what was not read is marked; --resume goes on")
    else:
        started = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        inventory = inventory_from(paths, source, principals, api_version, now)
        ended = inventory.collected_at
        snapshot.write(
            inventory, Path(out), tool_version=__version__, started=min(started, ended), ended=ended
        )
    count = sum(len(part) for part in inventory.parts.values())
    say(
        f"stored {count:,} resources of {len(inventory.parts)} types in {out} (digest {inventory.digest[:16]})"
    )
    short = [run.collection for run in inventory.runs if run.state in ("partial", "failed")]
    if short:
        outcome.add(INCOMPLETE, f"not read completely: {', '.join(sorted(short))}")
    return outcome


COMMANDS = {"collect": collect}
