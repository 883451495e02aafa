"""`acrscan hook`: files that changed come in, as pre-commit names them; the packs and waiver files they belong to are checked."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from scanner.cli.door import Outcome
from scanner.cli.show import say
from scanner.errors import Problems, ScannerError, UsageError


@click.command("hook", context_settings={"ignore_unknown_options": True})
@click.argument("check", type=click.Choice(("lint", "test", "waivers")))
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[--OPTION=VALUE]... [FILE]...")
def hook(check: str, words: tuple[str, ...]) -> Outcome:
    """Check the packs, or the waiver files, that changed files belong to; pre-commit calls this.

    A file belongs to the pack whose pack.yaml is nearest above it: the whole pack is checked, since rules share ids,
    parameters and definitions. A rule file without a pack is checked alone. Options go on to the check itself.

    \b
    Examples:
      acrscan hook lint policies/acme/ACME101-team-tag-set.yaml
      acrscan hook lint --fail-on=warning policies/acme/pack.yaml
      acrscan hook waivers --pack=policies/acme acr-waivers.yaml
    """
    from scanner.cli.commands import POLICY, WAIVER, LazyGroup  # noqa: PLC0415

    options = [word for word in words if word.startswith("-")]
    files = [Path(word) for word in words if not word.startswith("-")]
    if not files:
        raise UsageError("no file was named", "", "Name the files that changed.")
    if check == "waivers":
        group, name, runs = (
            LazyGroup(name="waiver", table=WAIVER),
            "check",
            [[file.as_posix()] for file in files],
        )
    else:
        found = targets(files)
        if len(found.alone) + len(found.packs) == 0:
            say(f"nothing to check: no pack.yaml is above {_words([file.as_posix() for file in files])}")
            return Outcome()
        if found.others:
            say(f"left out: no pack.yaml is above {_words(found.others)}")
        places = [path.as_posix() for path in (*found.packs, *found.alone)]
        group, name, runs = LazyGroup(name="policy", table=POLICY), check, [places]
    return _all(group, name, [[*options, "--", *places] for places in runs])


def _all(group: click.Group, name: str, runs: Iterable[list[str]]) -> Outcome:
    """Run a command for each list of arguments; what stops one keeps no other from being run."""
    outcome, errors = Outcome(), list[ScannerError]()
    for arguments in runs:
        try:
            result = group.main([name, *arguments], prog_name=f"acrscan {group.name}", standalone_mode=False)
        except ScannerError as error:
            errors.append(error)
            continue
        if isinstance(result, Outcome):
            outcome.reasons += result.reasons
    if errors:
        problems = Problems(errors)
        click.echo(str(problems), err=True)
        outcome.add(
            problems.exit_code, f"{len(errors)} files cannot be read" if len(errors) > 1 else errors[0].what
        )
    return outcome


def _words(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


class _Found:
    """What files belong to: packs, rule files without one, and those that belong to neither."""

    def __init__(self) -> None:
        self.packs: list[Path] = []
        self.alone: list[Path] = []
        self.others: list[str] = []


def targets(files: Iterable[Path]) -> _Found:
    """The packs of files, each once, in order."""
    from scanner.language.rules import RULE_ID  # noqa: PLC0415

    found = _Found()
    for file in files:
        pack = next((above for above in file.parents if (above / "pack.yaml").is_file()), None)
        if pack is not None:
            if pack not in found.packs:
                found.packs.append(pack)
        elif RULE_ID.match(file.name.split("-")[0].split(".")[0]):
            found.alone.append(file)
        else:
            found.others.append(file.as_posix())
    return found


COMMANDS = {"hook": hook}
