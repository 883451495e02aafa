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
from scanner.errors import UsageError


@click.command("report")
@click.argument("stored", metavar="[SCAN.NDJSON]", type=click.Path(), required=False)
@click.option(
    "--period",
    metavar="PERIOD",
    help="State what many nights show (2026-Q3, 2026-07, 2026-07-01..2026-07-14); needs --history.",
)
@click.option(
    "--pack-id", default="", metavar="ID", help="Which pack a period is about, where a history has several."
)
@click.option(
    "--today", metavar="DATE", help="Nights after this date are not over yet (default: today, UTC)."
)
@mark_options
@output_options
@gate_options
@seal_options
def report(
    stored: str | None,
    period: str | None,
    pack_id: str,
    today: str | None,
    marks: Marks,
    out: Output,
    limits: Limits,
    how: Seal,
) -> Outcome:
    """Render a stored scan (`-f ndjson` writes one) in other formats, with the same numbers.

    With --waivers or --baseline it is marked anew, at the scan's own clock. With --period no scan is named: the history
    tells on how many nights each control was effective, what was not looked at, who changed what, and for which registries.

    \b
    Examples:
      acrscan report reports/acrscan.ndjson -f html -f sarif -o reports/
      acrscan report reports/acrscan.ndjson
      acrscan report tonight.ndjson --baseline last-night.ndjson --waivers acr-waivers.yaml -f markdown -o -
      acrscan report --period 2026-Q3 --history nights.db -f html -f csv -o reports/
    """
    if period:
        if stored:
            raise UsageError(
                "a period is read from --history, not from a stored scan", "", "Leave out SCAN.NDJSON."
            )
        if how != Seal():
            raise UsageError(
                "a period has no manifest: it is read from a history, not from inputs that can be kept",
                "",
                "Seal the reports of its nights.",
            )
        from scanner.cli import period as periods  # noqa: PLC0415

        return periods.run(period, marks.history, out, today, pack_id)
    if not stored:
        raise UsageError("no stored scan named", "", "Give SCAN.NDJSON, or --period with --history.")
    from scanner import stored as reader  # noqa: PLC0415

    outputs.check_formats(out.formats, out.output)
    sealing = how.begin(out.output, out.formats, Sources(waivers=marks.waivers, baseline=marks.baseline))
    scan = reader.read(Path(stored))
    prepared = marks.prepared(scan.header.rules)
    if sealing is not None:
        sealing.run((stored,), source="stored", now=scan.header.now, history=bool(marks.history))
    outcome = conclude(prepared.mark(scan), limits, out, sealing)
    prepared.tell(outcome)
    return outcome


COMMANDS = {"report": report}
