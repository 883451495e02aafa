"""`acrscan policy test`: inline tests of rules are run."""

from __future__ import annotations

from pathlib import Path

import click

from scanner import data
from scanner.cli.door import FINDINGS, USAGE, Outcome
from scanner.language.pack import load_pack, load_rule_file
from scanner.model.rule import RulePack


def _loaded(paths: tuple[str, ...]) -> list[RulePack]:
    places = [Path(text) for text in paths] or [data.policies() / "acr"]
    return [load_pack(path) if path.is_dir() else load_rule_file(path)[0] for path in places]


@click.command("test")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--rule", multiple=True, metavar="ID", help="Only these rules. Repeatable.")
@click.option("-v", "--verbose", is_flag=True, help="Name each test.")
def test(paths: tuple[str, ...], rule: tuple[str, ...], verbose: bool) -> Outcome:
    """Run the inline tests of rules; each runs in both lanes of the engine, which must agree.

    \b
    Examples:
      acrscan policy test
      acrscan policy test my-pack/ --rule ACME001 -v
    """
    from scanner.workbench.unit import run_tests  # noqa: PLC0415

    wanted = {identifier.upper() for identifier in rule}
    results = [
        result
        for pack in _loaded(paths)
        for result in run_tests(pack, lambda item: not wanted or item.id in wanted)
    ]
    failed = [result for result in results if result.problem]
    for result in results:
        if result.problem:
            click.echo(f"{result.mark}: {result.rule} {result.name!r}: {result.problem}")
        elif verbose:
            click.echo(f"ok {result.rule} {result.name}")
    click.echo(f"{len(results) - len(failed)} tests passed, {len(failed)} failed")
    outcome = Outcome()
    if failed:
        outcome.add(FINDINGS, f"{len(failed)} tests failed")
    if not results:
        outcome.add(USAGE, "0 tests ran")
    return outcome


COMMANDS = {"test": test}
