"""`acrscan report`: a stored scan comes in, the same scan in other formats comes out."""

from __future__ import annotations

from pathlib import Path

import click

from scanner.cli import outputs
from scanner.cli.door import Outcome
from scanner.cli.gate import Limits
from scanner.cli.marking import Marks, mark_options
from scanner.cli.reporting import Output, conclude, gate_options, output_options
from scanner.cli.sealing import Seal, Sources, seal_options


@click.command("report")
@click.argument("stored", metavar="SCAN.NDJSON", type=click.Path())
@mark_options
@output_options
@gate_options
@seal_options
def report(stored: str, marks: Marks, out: Output, limits: Limits, how: Seal) -> Outcome:
    """Render a stored scan (`-f ndjson` writes one) in other formats, with the same numbers.

    With --waivers or --baseline it is marked anew, at the scan's own clock.

    \b
    Examples:
      acrscan report reports/acrscan.ndjson -f html -f sarif -o reports/
      acrscan report reports/acrscan.ndjson
      acrscan report tonight.ndjson --baseline last-night.ndjson --waivers acr-waivers.yaml -f markdown -o -
    """
    from scanner import stored as reader  # noqa: PLC0415

    outputs.check_formats(out.formats, out.output)
    sealing = how.begin(out.output, out.formats, Sources(waivers=marks.waivers, baseline=marks.baseline))
    scan = reader.read(Path(stored))
    prepared = marks.prepared(scan.header.rules)
    if sealing is not None:
        sealing.run(
            (stored,),
            source="stored",
            now=scan.header.now,
            history=bool(marks.history),
        )
    outcome = conclude(prepared.mark(scan), limits, out, sealing)
    prepared.tell(outcome)
    return outcome


COMMANDS = {"report": report}
