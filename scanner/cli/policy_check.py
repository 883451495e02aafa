"""`acrscan policy test`: inline tests of rules are run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scanner import data
from scanner.cli.checked import ENDINGS, give, home_of, packs_from, percent, report_options, wanted_by
from scanner.cli.door import FINDINGS, USAGE, Outcome
from scanner.cli.options import profile_file
from scanner.language.pack import load_pack, load_rule_file
from scanner.model.rule import Rule, RulePack
from scanner.workbench.problem import Checked, Problem, Report

if TYPE_CHECKING:
    from scanner.workbench.coverage import Covered


@click.command("test")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--rule", multiple=True, metavar="ID", help="Only these rules. Repeatable.")
@click.option("--coverage", is_flag=True, help="Show which branches of the rules no test reaches.")
@click.option(
    "--min-branch",
    type=click.FloatRange(0, 100),
    metavar="N",
    help="Leave with 1 where the tests reach less than N percent of the branches.",
)
@click.option("-v", "--verbose", is_flag=True, help="Name each test.")
@report_options
def test(
    paths: tuple[str, ...],
    rule: tuple[str, ...],
    coverage: bool,
    min_branch: float | None,
    verbose: bool,
    form: str | None,
    output: str | None,
) -> Outcome:
    """Run the inline tests of rules in both lanes of the engine, which must agree, and whole-estate fixtures.

    PATH is a pack's folder, a rule file, or a fixture (`*.test.yaml`); a folder's fixtures run with its rules.
    --coverage tells which conditions are never true, never false, or never asked of an empty or a filled list.

    \b
    Examples:
      acrscan policy test
      acrscan policy test my-pack/tests/estate.test.yaml
      acrscan policy test my-pack/ --rule ACME001 -v
      acrscan policy test --coverage --min-branch 100
      acrscan policy test -f junit -o tests.xml
    """
    from scanner.workbench.unit import checked, run_tests  # noqa: PLC0415

    alone = [path for path in paths if path.endswith(ENDINGS)]
    others = tuple(path for path in paths if path not in alone)
    packs = packs_from(others) if others or not alone else []
    homes = [(load_pack(home_of(Path(path))), [Path(path)]) for path in alone]
    wanted = wanted_by([*packs, *(pack for pack, _ in homes)], rule)
    cases = [checked(result) for pack in packs for result in run_tests(pack, wanted)]
    cases += _fixtures([*((pack, _files(pack)) for pack in packs), *homes], wanted)
    failed = sum(bool(case.problem) for case in cases)
    outcome = Outcome()
    told: list[str] = []
    problems: list[Problem] = []
    counts = {"tests": len(cases)}
    if coverage or min_branch is not None:
        found = [item for pack in packs for item in _coverage(pack, wanted)]
        problems = [problem for item in found for problem in item.problems()]
        branches, seen = sum(item.branches for item in found), sum(item.seen for item in found)
        lacking = sum(item.seen < item.branches for item in found)
        told.append(
            f"{seen:,} of {branches:,} branches ({percent(seen, branches)}); {lacking} of {len(found)} rules lack some"
        )
        counts["branches"] = branches
        if min_branch is not None and 100 * seen < Fraction(str(min_branch)) * branches:
            outcome.add(FINDINGS, f"branch coverage {percent(seen, branches)} is below {min_branch:g} %")
        if not branches:
            outcome.add(USAGE, "0 branches to reach")
    if not give(Report("test", tuple(problems), counts, tuple(cases)), form, output) or output:
        for case in cases:
            if case.problem:
                click.echo(f"{case.mark}: {case.suite} {case.name!r}: {case.problem}")
            elif verbose:
                click.echo(f"ok {case.suite} {case.name}")
        for problem in problems:
            click.echo(f"{problem.mark}: {problem.code} {problem.what}")
        click.echo(f"{len(cases) - failed} tests passed, {failed} failed")
        for line in told:
            click.echo(line)
    if failed:
        outcome.add(FINDINGS, f"{failed} tests failed")
    if not cases:
        outcome.add(USAGE, "0 tests ran")
    return outcome


def _files(pack: RulePack) -> list[Path]:
    """The fixtures of a pack that is a folder."""
    folder = Path(pack.path)
    if not folder.is_dir():
        return []
    from scanner.workbench.fixture import fixture_files  # noqa: PLC0415

    return fixture_files(folder)


def _fixtures(pairs: list[tuple[RulePack, list[Path]]], wanted: Callable[[Rule], bool]) -> Iterator[Checked]:
    for pack, files in pairs:
        if files:
            from scanner.workbench.fixtures import run_fixtures  # noqa: PLC0415 - brings the whole flow along

            yield from run_fixtures(pack, files, wanted, profile_file)


def _coverage(pack: RulePack, wanted: Callable[[Rule], bool]) -> list[Covered]:
    from scanner.workbench.bounded.thorough import Reach  # noqa: PLC0415 - heavy, and for coverage only
    from scanner.workbench.coverage import covered  # noqa: PLC0415

    reach = Reach(pack)
    return [
        covered(pack, item, reach.impossible)
        for item in pack.rules
        if wanted(item) and item.check is not None
    ]


COMMANDS = {"test": test}
