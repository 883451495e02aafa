"""`acrscan scan`: rules over an inventory; a console report, report files, and an exit code."""

from __future__ import annotations

from typing import Any

import click

from scanner.cli import gate, outputs
from scanner.cli.door import Outcome
from scanner.cli.options import (
    clock,
    inventory_from,
    inventory_options,
    pack_from,
    rule_options,
    source_words,
)
from scanner.cli.show import Progress, show
from scanner.model.scan import Scan


def output_options(command: Any) -> Any:
    """Where reports go."""
    for option in (
        click.option("-q", "--quiet", is_flag=True, help="No console report; only the last line on stderr."),
        click.option(
            "--color", type=click.Choice(("auto", "always", "never")), default="auto", show_default=True
        ),
        click.option(
            "-o", "--output", metavar="PATH", help="Folder or file for reports, - for stdout [reports/]."
        ),
        click.option(
            "-f", "--format", "formats", multiple=True, metavar="NAME", help="Report to write. Repeatable."
        ),
    ):
        command = option(command)
    return command


def gate_options(command: Any) -> Any:
    """What makes the exit code non-zero."""
    for option in (
        click.option("--exit-zero", is_flag=True, help="Leave with 0 whatever was found."),
        click.option("--allow-empty", is_flag=True, help="Accept that nothing was evaluated."),
        click.option("--strict-settling", is_flag=True, help="Count findings that may still be settling."),
        click.option("--max-unknown", type=click.IntRange(0), default=0, show_default=True, help="Undecided evaluations of critical and high rules that are tolerated."),
        click.option("--fail-on", type=click.Choice(gate.CHOICES), default="high", show_default=True, help="Lowest severity that fails the run."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.command("scan")
@inventory_options
@rule_options
@output_options
@gate_options
@click.option("--keep-passes", is_flag=True, help="Keep a row for each pass and notApplicable too.")
def scan(
    paths: tuple[str, ...],
    source: str,
    principals: str | None,
    api_version: str | None,
    now: str | None,
    pack: str | None,
    profile: tuple[str, ...],
    param: tuple[str, ...],
    rule: tuple[str, ...],
    skip_rule: tuple[str, ...],
    formats: tuple[str, ...],
    output: str | None,
    color: str,
    quiet: bool,
    fail_on: str,
    max_unknown: int,
    strict_settling: bool,
    allow_empty: bool,
    exit_zero: bool,
    keep_passes: bool,
) -> Outcome:
    """Evaluate rules over an inventory and report.

    PATH is a snapshot folder, or any mix of files and folders with saved Azure answers: ARM lists and objects,
    recorded exchanges, Resource Graph answers, `az ... -o json` output.

    \b
    Examples:
      acrscan scan answers/
      acrscan scan --from saved registries.json roles.json -f sarif -f html -o reports/
      acrscan scan snapshot/ --profile production --fail-on medium -f json -o -
    """
    from scanner import pipeline  # noqa: PLC0415
    from scanner.engine.evaluate import Options  # noqa: PLC0415

    outputs.check_formats(formats, output)
    rules = pack_from(pack, profile, param, rule, skip_rule)
    inventory = inventory_from(paths, source, principals, api_version, now)
    progress = Progress(quiet=quiet)
    result = pipeline.scan(
        rules,
        inventory,
        now=clock(now) or inventory.collected_at,
        words=source_words(paths, source),
        options=Options(keep_passes=keep_passes),
        seen=progress,
    )
    progress.done()
    limits = gate.Limits(fail_on, max_unknown, strict_settling, allow_empty)
    return conclude(result, limits, formats, output, color=color, quiet=quiet, exit_zero=exit_zero)


def conclude(
    result: Scan,
    limits: gate.Limits,
    formats: tuple[str, ...],
    output: str | None,
    *,
    color: str,
    quiet: bool,
    exit_zero: bool,
) -> Outcome:
    """Show a finished scan, write its reports and judge it."""
    if not quiet and output != "-":
        show(result, color)
    outcome = Outcome() if exit_zero else gate.judge(result, limits)
    if formats:
        outputs.write(result, formats, output, outcome)
    return outcome


COMMANDS = {"scan": scan}
