"""`acrscan policy lint` and `test`: rule files are checked, their inline tests run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from scanner import data
from scanner.cli.door import FINDINGS, USAGE, Outcome
from scanner.cli.options import catalogues
from scanner.errors import Problems
from scanner.language.pack import load_pack, load_rule_file
from scanner.model.rule import RulePack


def _loaded(paths: tuple[str, ...]) -> list[RulePack]:
    places = [Path(text) for text in paths] or [data.policies() / "acr"]
    return [load_pack(path) if path.is_dir() else load_rule_file(path)[0] for path in places]


@click.command("lint")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
def lint(paths: tuple[str, ...]) -> Outcome:
    """Check rule files and packs: form, paths, types, literals, placeholders, references, controls.

    PATH is a pack's folder or a rule file (default: the shipped pack). All errors of a run are shown, each with
    file, line, column and a suggestion.

    \b
    Examples:
      acrscan policy lint
      acrscan policy lint policies/acr/ACR101-admin-user-disabled.yaml
    """
    from scanner.workbench.lint import errors, warnings  # noqa: PLC0415

    outcome = Outcome()
    try:
        packs = [replace(pack, frameworks=catalogues(_home(pack))) for pack in _loaded(paths)]
    except Problems as problems:
        for error in problems.errors:
            click.echo(str(error))
        outcome.add(
            USAGE, f"{len(problems.errors)} error{'s' if len(problems.errors) != 1 else ''} in rule files"
        )
        return outcome
    wrong = [error for pack in packs for error in errors(pack)]
    found = [warning for pack in packs for warning in warnings(pack)]
    for problem in (*wrong, *found):
        click.echo(str(problem))
    number = sum(len(pack.rules) for pack in packs)
    told = f"{len(wrong)} error{'s' if len(wrong) != 1 else ''}"
    click.echo(f"{number} rules checked, {told}, {len(found)} warnings")
    if wrong:
        outcome.add(USAGE, f"{told} in rule files")
    return outcome


def _home(pack: RulePack) -> Path:
    """The folder whose catalogues count: the pack's, or of a single file the pack it belongs to."""
    path = Path(pack.path).resolve()
    if path.is_dir():
        return path
    return next((one for one in path.parents if (one / "pack.yaml").is_file()), path.parent)


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


COMMANDS = {"lint": lint, "test": test}
