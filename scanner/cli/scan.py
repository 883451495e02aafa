"""`acrscan scan`: rules over an inventory; a console report, report files, and an exit code."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scanner.cli import gate, outputs
from scanner.cli.door import INCOMPLETE, INTERRUPTED, Outcome
from scanner.cli.live import Live, collected, live_options, options_from
from scanner.cli.options import (
    any_inventory_options,
    clock,
    inventory_from,
    is_live,
    pack_from,
    rule_options,
    source_words,
)
from scanner.cli.show import Progress, show
from scanner.cli.telling import Teller
from scanner.errors import UsageError
from scanner.model.finding import Verdict
from scanner.model.resource import Inventory
from scanner.model.scan import Scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

REGISTRIES = "microsoft.containerregistry/registries"


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
@any_inventory_options
@live_options
@click.option("--snapshot", "folder", metavar="DIR", help="Keep what was read from Azure as a snapshot.")
@click.option(
    "--verify", is_flag=True, help="Look up what fails a critical or high rule once more at its provider."
)
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
    live: Live,
    folder: str | None,
    verify: bool,
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

    Without PATH, Azure itself is read (nothing is ever changed there). PATH is a snapshot folder, or any mix of files
    and folders with saved Azure answers: ARM lists and objects, recorded exchanges, Resource Graph answers,
    `az ... -o json` output.

    \b
    Examples:
      acrscan scan --management-group platform --snapshot night/ -f sarif -f html
      acrscan scan --subscription prod --registry contosoprod --data-plane --probe
      acrscan scan answers/
      acrscan scan --from saved registries.json roles.json -f sarif -f html -o reports/
      acrscan scan snapshot/ --profile production --fail-on medium -f json -o -
    """
    from scanner import pipeline  # noqa: PLC0415
    from scanner.engine.evaluate import Options  # noqa: PLC0415

    outputs.check_formats(formats, output)
    rules = pack_from(pack, profile, param, rule, skip_rule)
    asked = is_live(paths, source)
    if not asked and (verify or folder or live.resume or live.data_plane or live.probe or live.named):
        raise UsageError(
            "scopes, --verify, --snapshot, --resume, --data-plane and --probe are for Azure itself, not for files",
            "",
            "Leave out PATH, or these options.",
        )
    if asked and api_version:
        raise UsageError("--api-version is for saved answers; Azure tells its own")
    limits = gate.Limits(fail_on, max_unknown, strict_settling, allow_empty)

    def evaluated(inventory: Inventory, words: str) -> Scan:
        progress = Progress(quiet=quiet)
        found = pipeline.scan(
            rules,
            inventory,
            now=clock(now) or inventory.collected_at,
            words=words,
            options=Options(keep_passes=keep_passes),
            seen=progress,
        )
        progress.done()
        return found

    with ExitStack() as stack:
        interrupted = False
        if asked:
            teller = Teller(live.log_format, quiet=quiet)
            inventory, found, _ = stack.enter_context(collected(live, folder, principals, teller))
            interrupted = found.interrupted
            result = evaluated(inventory, live.words)
            if verify and not interrupted:
                result = _verified(live, inventory, result, teller, evaluated)
        else:
            inventory = inventory_from(paths, source, principals, api_version, now)
            result = evaluated(inventory, source_words(paths, source))
        outcome = conclude(result, limits, formats, output, color=color, quiet=quiet, exit_zero=exit_zero)
    if asked and REGISTRIES not in inventory.parts and not (allow_empty or exit_zero):
        outcome.add(INCOMPLETE, "no registry was found (--allow-empty accepts that)")
    if interrupted:
        outcome.add(
            INTERRUPTED,
            "interrupted: what was not read is unknown" + (", --resume goes on" if folder else ""),
        )
    return outcome


def _verified(
    live: Live,
    inventory: Inventory,
    result: Scan,
    teller: Teller,
    evaluated: Callable[[Inventory, str], Scan],
) -> Scan:
    """The scan once more over an inventory in which what fails was looked up again."""
    from scanner.inventory.verify import verify  # noqa: PLC0415

    suspects = list(_suspects(result))
    if not suspects:
        return result
    answer = verify(options_from(live, Path(), None), inventory, suspects, teller)
    words = f"{live.words} (verified: {answer.read} of {answer.read + answer.unread} read again, {answer.changed} differ, {answer.gone} gone)"
    return evaluated(answer.inventory, words)


def _suspects(result: Scan) -> Iterable[str]:
    """Resources that fail a critical or high rule, and the assignments that cause it."""
    for finding in result.findings:
        if finding.verdict is Verdict.FAIL and finding.severity in ("critical", "high"):
            yield finding.resource
            for item in finding.evidence:
                if (
                    isinstance(item.actual, str)
                    and "/providers/microsoft.authorization/" in item.actual.lower()
                ):
                    yield item.actual


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
