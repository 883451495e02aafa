"""`acrscan policy mutate`: which small mistakes in rules no test would notice."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import click

from scanner.cli.checked import give, home_of, packs_from, percent, report_options, wanted_by
from scanner.cli.door import FINDINGS, USAGE, Outcome
from scanner.cli.telling import Teller
from scanner.errors import Problems, RuleError
from scanner.language.pack import load_pack, load_rule_file
from scanner.model.rule import Rule, RulePack
from scanner.workbench.mutate import Mutated, changed_rules, score_of
from scanner.workbench.problem import Report
from scanner.workbench.processes import mutated, processes_for


@click.command("mutate")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--rule", multiple=True, metavar="ID", help="Only these rules. Repeatable.")
@click.option(
    "--changed-since",
    metavar="REF",
    help="Only rules whose condition, parameters or tests differ from a git reference.",
)
@click.option(
    "--min-score",
    type=click.FloatRange(0, 100),
    default=100,
    show_default=True,
    metavar="N",
    help="Leave with 1 where the tests notice less than N percent of the mutants.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    metavar="N",
    help="Processes to share the rules among (default: one per processor where there are many rules).",
)
@click.option("-v", "--verbose", is_flag=True, help="Name each mutant and what became of it.")
@report_options
def mutate_rules(
    paths: tuple[str, ...],
    rule: tuple[str, ...],
    changed_since: str | None,
    min_score: float,
    jobs: int | None,
    verbose: bool,
    form: str | None,
    output: str | None,
) -> Outcome:
    """Change rules a little, one mistake at a time, and tell which changes their tests do not notice.

    A mutant that decides every case of the bounded domain as the rule does is the rule itself and does not count. Each
    survivor is shown as a change of the rule, with the smallest test that would notice it, ready to paste. Where there are
    too many cases to try them all, a mutant that may be the rule itself counts as a survivor, and says so.

    \b
    Examples:
      acrscan policy mutate
      acrscan policy mutate my-pack/ --rule ACME001 -v
      acrscan policy mutate my-pack/ --changed-since origin/main --min-score 90
    """
    packs = packs_from(paths)
    wanted = wanted_by(packs, rule)
    chosen = [
        (pack, item) for pack in packs for item in pack.rules if wanted(item) and item.check is not None
    ]
    outcome = Outcome()
    if changed_since is not None:
        touched = {pack.path: changed_rules(pack, base_of(pack, changed_since)) for pack in packs}
        chosen = [(pack, item) for pack, item in chosen if item.id in touched[pack.path]]
        if not chosen:
            nothing = Report("mutate", (), {"rules": 0, "mutants": 0}, ())
            stdout = give(nothing, form, output) and not output
            click.echo(f"no rule differs from {changed_since}", err=stdout)
            return outcome
    found = _all(chosen, jobs)
    score = score_of(found)
    equivalent = sum(len(one.equivalent) for one in found)
    total = score.killed + score.survived
    report = Report(
        "mutate",
        tuple(problem for one in found for problem in one.problems),
        {"rules": len(found), "mutants": total},
        tuple(case for one in found for case in one.cases),
    )
    if not give(report, form, output) or output:
        _tell(found, verbose=verbose)
        click.echo(
            f"{_many(len(found), 'rule')}, {_many(total, 'mutant')}, {score.survived:,} survived: "
            f"score {percent(score.killed, total)} ({equivalent:,} more said the same as the rule)"
        )
    failing = sum(bool(one.failing) for one in found)
    if failing:
        outcome.add(FINDINGS, f"{_many(failing, 'rule')} with tests that fail")
    elif not total:
        outcome.add(USAGE, "0 mutants")
    if total and score.share < Fraction(str(min_score)):
        outcome.add(FINDINGS, f"mutation score {percent(score.killed, total)} is below {min_score:g} %")
    return outcome


def _many(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _all(chosen: list[tuple[RulePack, Rule]], jobs: int | None) -> list[Mutated]:
    """What becomes of the mutants of each rule, in order."""
    teller = Teller("text", quiet=False)
    found = []
    with mutated(chosen, jobs or processes_for(len(chosen))) as results:
        for number, one in enumerate(results):
            teller("mutants", done=number + 1, total=len(chosen), rule=one.rule.id)
            found.append(one)
    teller.done()
    return found


def _tell(found: list[Mutated], *, verbose: bool) -> None:
    for one in found:
        if verbose:
            for mutant in one.killed:
                click.echo(f"killed {one.rule.id} {mutant.what}")
            for mutant in one.equivalent:
                click.echo(f"the same rule {one.rule.id} {mutant.what}")
        for problem in one.problems:
            click.echo(f"{problem.mark}: {problem.code} {problem.what}")
            for line in problem.detail.splitlines():
                click.echo(f"  {line}")


def base_of(pack: RulePack, ref: str) -> RulePack | None:
    """A pack as it was at a git reference, or None where there was none or it does not load: then every rule counts as changed."""
    from scanner.workbench.revision import PackAbsentError, pack_at  # noqa: PLC0415 - without a reference git is not asked

    place = Path(pack.path)
    folder = place if place.is_dir() else home_of(place)
    inside = None if place.is_dir() else place.resolve().relative_to(folder.resolve())
    try:
        with pack_at(ref, folder) as copy:
            if inside is None:
                return load_pack(copy)
            return load_rule_file(copy / inside)[0] if (copy / inside).is_file() else None
    except PackAbsentError as error:
        click.echo(f"all rules are looked at: {error.what}", err=True)
    except (Problems, RuleError) as error:
        click.echo(f"all rules are looked at, for those at {ref} do not load: {error.what}", err=True)
    return None


COMMANDS = {"mutate": mutate_rules}
