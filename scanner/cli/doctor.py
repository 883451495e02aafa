"""`acrscan doctor`: who we are for Azure, what we may read, and what stands in the way, each with the command that fixes it."""

from __future__ import annotations

from dataclasses import asdict

import click
import orjson

from scanner.cli.door import INCOMPLETE, SCOPE, Outcome
from scanner.cli.live import Login, login_options
from scanner.cli.proofs import safe

_GLYPHS = {"ok": "ok     ", "warning": "warning", "failed": "FAILED "}


@click.command("doctor")
@login_options
@click.option(
    "-f", "--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True
)
def doctor(login: Login, form: str) -> Outcome:
    """Check credential, cloud, proxy, certificates, clock, visible subscriptions, permissions and throttling.

    \b
    Examples:
      acrscan doctor
      acrscan doctor --auth managed-identity --client-id 11111111-1111-4111-8111-111111111111
      acrscan doctor --cloud AzureUSGovernment -f json
    """
    from scanner.inventory.checkup import examine  # noqa: PLC0415

    outcome = Outcome()
    found = []
    for check in examine(*login.resolved()):
        found.append(check)
        if form == "text":
            click.echo(f"{_GLYPHS[check.state]} {safe(check.name)}: {safe(check.words)}")
            if check.fix:
                click.echo(f"        -> {safe(check.fix)}")
        if check.state == "failed":
            outcome.add(SCOPE, f"{check.name} failed")
        elif check.state == "warning":
            outcome.add(INCOMPLETE, f"{check.name} needs attention")
    if form == "json":
        click.echo(orjson.dumps([asdict(check) for check in found], option=orjson.OPT_INDENT_2))
    return outcome


COMMANDS = {"doctor": doctor}
