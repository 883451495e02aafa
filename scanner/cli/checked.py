"""What commands that check rule files share: which packs a PATH means, `-f` and `-o`, and where a report goes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import click

from scanner import data
from scanner.errors import OutputError, UsageError
from scanner.language.pack import load_pack, load_rule_file
from scanner.model.rule import Rule, RulePack
from scanner.text import nearest
from scanner.workbench.problem import Report

F = TypeVar("F", bound=Callable[..., Any])
ENDINGS = (".test.yaml", ".test.yml")
"""What names of fixture files end in."""
FORMATS = ("text", "github", "sarif", "json", "junit", "markdown")


def report_options(command: F) -> F:
    """`-f` and `-o`."""
    for option in (
        click.option(
            "-o", "--output", type=click.Path(dir_okay=False), metavar="FILE", help="Write the report there."
        ),
        click.option(
            "-f", "--format", "form", type=click.Choice(FORMATS), help="Write the report in this format."
        ),
    ):
        command = option(command)
    return command


def packs_from(paths: tuple[str, ...]) -> list[RulePack]:
    """The packs of folders and rule files; the shipped one where no path is given."""
    places = [Path(text) for text in paths] or [data.policies() / "acr"]
    return [load_pack(path) if path.is_dir() else load_rule_file(path)[0] for path in places]


def home_of(file: Path) -> Path:
    """The folder of the pack that a rule file belongs to, or else its own."""
    return next(
        (one for one in file.resolve().parents if (one / "pack.yaml").is_file()), file.resolve().parent
    )


def wanted_by(packs: list[RulePack], rule: tuple[str, ...]) -> Callable[[Rule], bool]:
    """Whether a rule was asked for by `--rule`. Raises `UsageError` for an id that no pack has."""
    wanted = {identifier.upper() for identifier in rule}
    known = {item.id for pack in packs for item in pack.rules}
    for identifier in sorted(wanted - known):
        raise UsageError(
            f"unknown rule {identifier!r}",
            "--rule",
            nearest(identifier, known) or "See `acrscan policy list`.",
        )
    return lambda item: not wanted or item.id in wanted


def give(report: Report, form: str | None, output: str | None) -> bool:
    """Write a report in a format, to a file or to stdout. False where neither was asked for: then the command tells it."""
    if form is None and output is None:
        return False
    write = import_module(f"scanner.workbench.writers.{form or 'text'}").write
    if output is None:
        write(report, sys.stdout)
        return True
    try:
        with Path(output).open("w", encoding="utf-8", newline="\n") as out:
            write(report, out)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror or error}", output) from error
    return True


def percent(part: int, whole: int) -> str:
    """A share for people, cut after two digits and never rounded up: 99.99 is not 100."""
    hundredths = 10_000 * part // whole if whole else 0
    return f"{hundredths // 100}.{hundredths % 100:02} %" if hundredths % 100 else f"{hundredths // 100} %"
