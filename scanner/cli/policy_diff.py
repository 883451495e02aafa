"""`acrscan policy diff`: what changed between two packs, and the version that asks for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from scanner.cli.comparing import Asked, comparing_options, give, opened
from scanner.cli.door import USAGE, Outcome


@click.command("diff")
@comparing_options
@click.option("--changelog", is_flag=True, help='Write the section "Rules" of a changelog instead.')
def diff(
    base: str,
    pack: str | None,
    exact: bool,
    base_broken: str,
    form: str,
    output: str | None,
    changelog: bool,
) -> Outcome:
    """Tell what changed between two versions of a pack by what it means, and which version that asks for.

    Compare with the last release (a tag) to see what the next one needs. Exit code: 0 the version fits, 2 pack.version
    is lower than the changes ask for, or rule files are wrong.

    \b
    Examples:
      acrscan policy diff --base v1.4.0 --pack policies/acr
      acrscan policy diff --base main --pack policies/acr -f markdown
      acrscan policy diff --base v1.4.0 --pack policies/acr --changelog
    """
    from scanner.workbench.diff.packs import difference  # noqa: PLC0415
    from scanner.workbench.sides import Sides  # noqa: PLC0415

    with Sides() as sides:
        found = opened(sides, Asked(base, pack, exact, base_broken == "ok"))
        result = difference(found.base.side, found.head.side)
    give(lambda out: _write("changelog" if changelog else form, result, out), output)
    outcome = Outcome()
    wrong = sum(one.level == "error" for one in result.errors)
    if wrong:
        outcome.add(USAGE, f"{wrong} error{'s' * (wrong != 1)} in rule files")
    if result.too_low is not None:
        outcome.add(USAGE, f"pack.version {result.versions[1]} is lower than {result.wanted}")
    return outcome


def _write(form: str, result: Any, out: Any) -> None:
    from scanner.workbench.diff import packs, telling  # noqa: PLC0415

    if form == "changelog":
        telling.changelog(result, out)
    elif form in telling.WRITERS:
        telling.WRITERS[form](result, out)
    else:
        import_module(f"scanner.workbench.writers.{form}").write(packs.report(result), out)


COMMANDS = {"diff": diff}
