"""`acrscan waiver ...`: the commands for people who accept findings and vouch for manual controls."""

from __future__ import annotations

import click

from scanner.cli.commands import WAIVER, LazyGroup


@click.group("waiver", cls=LazyGroup, table=WAIVER)
def waiver() -> None:
    """List, check, add and prune waivers; exchange them with Azure Policy exemptions.

    \b
    Examples:
      acrscan waiver check acr-waivers.yaml --scan reports/acrscan.ndjson
      acrscan waiver prune acr-waivers.yaml --dry-run
    """


COMMANDS = {"waiver": waiver}
