"""`acrscan check`: what a repository holds about registries, whatever its kind, judged in one run; the pull request's command."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from scanner.cli import outputs
from scanner.cli.described import READERS, Described, described_options, read, tell
from scanner.cli.door import Outcome
from scanner.cli.gate import Limits
from scanner.cli.marking import Marks, mark_options
from scanner.cli.options import clock, pack_from, rule_options
from scanner.cli.reporting import Output, conclude, gate_options, output_options
from scanner.cli.show import Progress, say
from scanner.inventory.tree import Tree


@click.command("check")
@click.option("--now", metavar="TIME", help="The clock, RFC 3339 (default: the current time).")
@click.option("--cloud", default="AzureCloud", show_default=True, help="The cloud that templates are for.")
@click.option("--no-ignore", is_flag=True, help="Read files that .gitignore leaves out too.")
@click.option(
    "--exclude",
    multiple=True,
    metavar="PATTERN",
    help="Leave out what this line of a .gitignore names. Repeatable.",
)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(tuple(READERS)),
    help="Only files of this kind. Repeatable.",
)
@described_options
@rule_options
@mark_options
@output_options
@gate_options
@click.option("--keep-passes", is_flag=True, help="Keep a row for each pass and notApplicable too.")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
def check(
    paths: tuple[str, ...],
    now: str | None,
    cloud: str,
    no_ignore: bool,
    exclude: tuple[str, ...],
    kinds: tuple[str, ...],
    described: Described,
    pack: str | None,
    profile: tuple[str, ...],
    param: tuple[str, ...],
    rule: tuple[str, ...],
    skip_rule: tuple[str, ...],
    marks: Marks,
    out: Output,
    limits: Limits,
    keep_passes: bool,
) -> Outcome:
    """Judge what a repository holds about registries, before it is deployed.

    PATH is a file or a folder (default: the working folder). What a file is, is found out from its name and content.
    What .gitignore leaves out is not read. A file that speaks of Container Registry and cannot be used is an error
    with its place; the others are judged all the same. Azure is not asked for anything.

    \b
    Examples:
      acrscan check
      acrscan check infra/ --fail-on medium -f sarif -o acrscan.sarif
      acrscan check infra/main.json --parameters infra/main.parameters.prod.json
      acrscan check --kind arm modules/ --profile production
      acrscan check --exclude 'examples/' --exclude '*.test.json'
    """
    from scanner import pipeline  # noqa: PLC0415
    from scanner.engine.evaluate import Options  # noqa: PLC0415

    outputs.check_formats(out.formats, out.output)
    rules = pack_from(pack, profile, param, rule, skip_rule)
    prepared = marks.prepared(rules.rules)
    tree = Tree.of(
        [Path(path) for path in paths or (".",)], mixed=True, ignore=not no_ignore, exclude=exclude
    )
    moment = clock(now) or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = read(kinds or tuple(READERS), tree, described, cloud=cloud, now=moment)
    progress = Progress(quiet=out.quiet)
    result = pipeline.scan(
        rules,
        found.inventory,
        now=moment,
        words=" ".join(("files", *paths)) if paths else "files of the working folder",
        options=Options(keep_passes=keep_passes),
        seen=progress,
    )
    progress.done()
    outcome = conclude(prepared.mark(result), limits, out)
    prepared.tell(outcome)
    for note in tree.notes():
        say(note)
    tell(found.errors, outcome)
    return outcome


COMMANDS = {"check": check}
