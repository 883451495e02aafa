"""`acrscan report`: a stored scan comes in, the same scan in other formats comes out."""

from __future__ import annotations

from pathlib import Path

import click

from scanner.cli import gate, outputs
from scanner.cli.door import Outcome
from scanner.cli.scan import conclude, gate_options, output_options


@click.command("report")
@click.argument("stored", metavar="SCAN.NDJSON", type=click.Path())
@output_options
@gate_options
def report(
    stored: str,
    formats: tuple[str, ...],
    output: str | None,
    color: str,
    quiet: bool,
    fail_on: str,
    max_unknown: int,
    strict_settling: bool,
    allow_empty: bool,
    exit_zero: bool,
) -> Outcome:
    """Render a stored scan (`-f ndjson` writes one) in other formats, with the same numbers.

    \b
    Examples:
      acrscan report reports/acrscan.ndjson -f html -f sarif -o reports/
      acrscan report reports/acrscan.ndjson
    """
    from scanner import stored as reader  # noqa: PLC0415

    outputs.check_formats(formats, output)
    result = reader.read(Path(stored))
    limits = gate.Limits(fail_on, max_unknown, strict_settling, allow_empty)
    return conclude(result, limits, formats, output, color=color, quiet=quiet, exit_zero=exit_zero)


COMMANDS = {"report": report}
