"""`acrscan report`: a stored scan comes in, the same scan in other formats comes out."""

from __future__ import annotations

from pathlib import Path

import click

from scanner.cli import outputs
from scanner.cli.door import Outcome
from scanner.cli.gate import Limits
from scanner.cli.reporting import Output, conclude, gate_options, output_options


@click.command("report")
@click.argument("stored", metavar="SCAN.NDJSON", type=click.Path())
@output_options
@gate_options
def report(stored: str, out: Output, limits: Limits) -> Outcome:
    """Render a stored scan (`-f ndjson` writes one) in other formats, with the same numbers.

    \b
    Examples:
      acrscan report reports/acrscan.ndjson -f html -f sarif -o reports/
      acrscan report reports/acrscan.ndjson
    """
    from scanner import stored as reader  # noqa: PLC0415

    outputs.check_formats(out.formats, out.output)
    return conclude(reader.read(Path(stored)), limits, out)


COMMANDS = {"report": report}
