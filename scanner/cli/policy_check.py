"""`acrscan policy test`: inline tests of rules and whole-estate fixtures are run; which branches they reach is counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scanner import data
from scanner.cli.checked import ENDINGS, give, home_of, packs_from, percent, report_options, wanted_by
from scanner.cli.door import FINDINGS, USAGE, Outcome
from scanner.cli.options import profile_file
from scanner.errors import UsageError
from scanner.language.pack import load_pack
from scanner.model.rule import Rule, RulePack
from scanner.workbench.problem import Checked, Problem, Report

if TYPE_CHECKING:
    from scanner.workbench.coverage import Covered


@click.command("test")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--rule", multiple=True, metavar="ID", help="Only these rules. Repeatable.")
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="PATTERN",
    help="Only tests and fixtures with such a name, `*` for anything. Repeatable.",
)
@click.option("--coverage", is_flag=True, help="Show which branches of the rules no test reaches.")
@click.option(
    "--min-branch",
    type=click.FloatRange(0, 100),
    metavar="N",
    help="Leave with 1 where the tests reach less than N percent of the branches.",
)
@click.option("--watch", "watched", is_flag=True, help="Run again whenever a file of the pack changes.")
@click.option("-v", "--verbose", is_flag=True, help="Name each test.")
@report_options
def test(
    paths: tuple[str, ...],
    rule: tuple[str, ...],
    names: tuple[str, ...],
    coverage: bool,
    min_branch: float | None,
    watched: bool,
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
      acrscan policy test my-pack/ --rule ACME001 --name "*absent*" -v
      acrscan policy test my-pack/ --watch
      acrscan policy test --coverage --min-branch 100
      acrscan policy test -f junit -o tests.xml
    """
    branches = coverage or min_branch is not None
    if names and branches:
        raise UsageError(
            "coverage is that of all tests of a rule", "--name", "Leave out --name or the coverage."
        )
    asked = _Asked(paths, rule, names, branches, min_branch, verbose, form, output)
    if not watched:
        return _once(asked)
    from scanner.cli.watching import watch  # noqa: PLC0415

    places = [Path(path) for path in paths] or [data.policies() / "acr"]
    return watch([place if place.is_dir() else home_of(place) for place in places], lambda: _once(asked))


@dataclass(frozen=True, slots=True)
class _Asked:
    """The arguments of `policy test`. `branches`: count them."""

    paths: tuple[str, ...]
    rule: tuple[str, ...]
    names: tuple[str, ...]
    branches: bool
    min_branch: float | None
    verbose: bool
    form: str | None
    output: str | None

    def named(self, name: str) -> bool:
        """Whether a test or fixture of this name was asked for."""
        return not self.names or any(
            fnmatchcase(name.casefold(), pattern.casefold()) for pattern in self.names
        )


def _once(asked: _Asked) -> Outcome:
    from scanner.workbench.unit import checked, run_tests  # noqa: PLC0415

    alone = [path for path in asked.paths if path.endswith(ENDINGS)]
    others = tuple(path for path in asked.paths if path not in alone)
    packs = packs_from(others) if others or not alone else []
    homes = [(load_pack(home_of(Path(path))), [Path(path)]) for path in alone]
    wanted = wanted_by([*packs, *(pack for pack, _ in homes)], asked.rule)
    cases = [checked(result) for pack in packs for result in run_tests(_narrowed(pack, asked), wanted)]
    cases += _fixtures([*((pack, _files(pack)) for pack in packs), *homes], wanted, asked.named)
    failed = sum(bool(case.problem) for case in cases)
    outcome = Outcome()
    told: list[str] = []
    problems: list[Problem] = []
    counts = {"tests": len(cases)}
    if asked.branches:
        found = [item for pack in packs for item in _coverage(pack, wanted)]
        problems = [problem for item in found for problem in item.problems()]
        counts["branches"] = sum(item.branches for item in found)
        told = list(_told(found))
        _gate(found, asked.min_branch, outcome)
    if (
        not give(Report("test", tuple(problems), counts, tuple(cases)), asked.form, asked.output)
        or asked.output
    ):
        for case in cases:
            if case.problem:
                click.echo(f"{case.mark}: {case.suite} {case.name!r}: {case.problem}")
            elif asked.verbose:
                click.echo(f"ok {case.suite} {case.name}")
        for problem in problems:
            click.echo(f"{problem.mark}: {problem.code} {problem.what}\n  {problem.advice}")
        click.echo(f"{len(cases) - failed} tests passed, {failed} failed")
        for line in told:
            click.echo(line)
    if failed:
        outcome.add(FINDINGS, f"{failed} tests failed")
    if not cases:
        outcome.add(USAGE, "0 tests ran")
    return outcome


def _told(found: list[Covered]) -> Iterator[str]:
    branches, seen = sum(item.branches for item in found), sum(item.seen for item in found)
    lacking = sum(item.seen < item.branches for item in found)
    yield (
        f"{seen:,} of {branches:,} branches ({percent(seen, branches)}); "
        f"{lacking} of {len(found)} rules lack some"
    )
    impossible = sum(item.impossible for item in found)
    if impossible:
        yield f"{impossible} more cannot be reached: no case brings them about"


def _gate(found: list[Covered], least: float | None, outcome: Outcome) -> None:
    branches, seen = sum(item.branches for item in found), sum(item.seen for item in found)
    if least is not None and 100 * seen < Fraction(str(least)) * branches:
        outcome.add(FINDINGS, f"branch coverage {percent(seen, branches)} is below {least:g} %")
    if not branches:
        outcome.add(USAGE, "0 branches to reach")


def _narrowed(pack: RulePack, asked: _Asked) -> RulePack:
    """The pack with the tests that were asked for."""
    if not asked.names:
        return pack
    rules = (
        replace(rule, tests=tuple(test for test in rule.tests if asked.named(test.name)))
        for rule in pack.rules
    )
    return replace(pack, rules=tuple(rules))


def _files(pack: RulePack) -> list[Path]:
    """The fixtures of a pack that is a folder."""
    folder = Path(pack.path)
    if not folder.is_dir():
        return []
    from scanner.workbench.fixture import fixture_files  # noqa: PLC0415

    return fixture_files(folder)


def _fixtures(
    pairs: list[tuple[RulePack, list[Path]]], wanted: Callable[[Rule], bool], named: Callable[[str], bool]
) -> Iterator[Checked]:
    for pack, files in pairs:
        if files:
            from scanner.workbench.fixtures import run_fixtures  # noqa: PLC0415 - brings the whole flow along

            yield from run_fixtures(pack, files, wanted, profile_file, named)


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
