"""`acrscan demo`: the embedded sample estate is scanned, offline; a summary and three report files come out."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from scanner.cli import outputs
from scanner.cli.door import Outcome
from scanner.cli.options import inventory_from, pack_from
from scanner.cli.show import show
from scanner.model.resource import Inventory
from scanner.model.scan import Scan

if TYPE_CHECKING:
    from scanner.engine.evaluate import Options

WAIVERS = "acr-waivers.yaml"
WORDS = "the embedded sample estate"
ORGANISATION = "Harbour Line (made up)"


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
    result = sampled()
    show(result, color)
    outcome = Outcome()
    outputs.write(result, ("sarif", "html", "json"), output, outcome)
    return outcome


def sampled(options: Options | None = None) -> Scan:
    """The scan of the sample estate: with its waivers, compared with a week before, and with a history of nights."""
    from scanner import data, history, pipeline  # noqa: PLC0415 - only this command needs them
    from scanner.cli.marking import known  # noqa: PLC0415
    from scanner.cli.nights import earlier, nights  # noqa: PLC0415
    from scanner.compare.against import Baseline, against  # noqa: PLC0415
    from scanner.text import read_text  # noqa: PLC0415
    from scanner.waivers.apply import apply  # noqa: PLC0415
    from scanner.waivers.read import parse  # noqa: PLC0415

    folder = data.estate()
    pack = pack_from(None)
    inventory = inventory_from(
        (str(folder / "answers"),), "saved", str(folder / "principals.json"), None, None
    )
    register = parse(read_text(folder / WAIVERS), WAIVERS, known(pack.rules))

    def scan_of(found: Inventory) -> Scan:
        made = pipeline.scan(pack, found, now=found.collected_at, words=WORDS, options=options)
        named = replace(made, header=replace(made.header, organisation=ORGANISATION))
        return apply(named, register)

    before = [scan_of(earlier(inventory, night)) for night in nights(folder / "nights.json")]
    now = against(scan_of(inventory), Baseline(before[0], "the scan of a week before"))
    with tempfile.TemporaryDirectory(prefix="acrscan-") as place, history.open(f"{place}/nights.db") as told:
        for scan in (*before, now):
            told.record(scan)
        return told.mark(now)


COMMANDS = {"demo": demo}
