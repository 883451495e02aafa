"""`acrscan demo`: the embedded sample estate is scanned, offline; a summary and three report files come out."""

from __future__ import annotations

import click

from scanner.cli import outputs
from scanner.cli.door import Outcome
from scanner.cli.options import inventory_from, pack_from
from scanner.cli.show import show


@click.command("demo")
@click.option(
    "-o", "--output", default="reports/demo", show_default=True, metavar="DIR", help="Folder for the reports."
)
@click.option("--color", type=click.Choice(("auto", "always", "never")), default="auto", show_default=True)
def demo(output: str, color: str) -> Outcome:
    """Scan the embedded sample estate, without Azure and without a network.

    Prints the console report and writes SARIF, HTML and JSON. The estate has findings on purpose; the exit code is 0.

    \b
    Example:
      acrscan demo -o /tmp/demo
    """
    from scanner import data, pipeline  # noqa: PLC0415

    answers = data.estate() / "answers"
    inventory = inventory_from((str(answers),), "saved", str(data.estate() / "principals.json"), None, None)
    result = pipeline.scan(
        pack_from(None), inventory, now=inventory.collected_at, words="the embedded sample estate"
    )
    show(result, color)
    outcome = Outcome()
    outputs.write(result, ("sarif", "html", "json"), output, outcome)
    return outcome


COMMANDS = {"demo": demo}
