"""`acrscan policy ...`: the commands for people who write rules."""

from __future__ import annotations

import click

from scanner.cli.commands import POLICY, LazyGroup


@click.group("policy", cls=LazyGroup, table=POLICY)
def policy() -> None:
    """List, show, check, try and write rules.

    \b
    Examples:
      acrscan policy list
      acrscan policy test
      acrscan policy try my-rule.yaml --resource registry.json
    """


COMMANDS = {"policy": policy}
