"""What `policy impact` and `policy diff` share: both sides of a comparison from options, and where a report goes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from scanner.errors import InputError, OutputError, Problems, ScannerError
from scanner.model.condition import Mark

if TYPE_CHECKING:
    from scanner.model.rule import RulePack
    from scanner.model.waiver import Register
    from scanner.workbench.impact.loosening import Sided
    from scanner.workbench.sides import Side, Sides

F = TypeVar("F", bound=Callable[..., Any])
FORMATS = ("text", "markdown", "json", "github", "sarif")


def comparing_options(command: F) -> F:
    """Which two packs, and how the report is written."""
    for option in (
        click.option(
            "-o", "--output", type=click.Path(dir_okay=False), metavar="FILE", help="Write the report there."
        ),
        click.option(
            "-f",
            "--format",
            "form",
            type=click.Choice(FORMATS),
            default="text",
            show_default=True,
            help="Format of the report.",
        ),
        click.option(
            "--base-broken",
            type=click.Choice(("stop", "ok")),
            default="stop",
            show_default=True,
            help="What to do when rules do not parse at the base: stop, or compare the others.",
        ),
        click.option(
            "--exact",
            is_flag=True,
            help="Compare with REF itself, not with where this branch left it (the merge base).",
        ),
        click.option("--pack", metavar="DIR", help="Folder of the pack (default: the shipped ACR pack)."),
        click.option(
            "--base",
            required=True,
            metavar="REF|DIR",
            help="Branch, tag or commit; or another folder, written as a path (./old).",
        ),
    ):
        command = option(command)
    return command


@dataclass(slots=True)
class Opened:
    """Both sides, with profiles applied and places to look up. `notes`: what the user should know of the base."""

    base: Sided
    head: Sided
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Asked:
    """The options, as given."""

    base: str
    pack: str | None
    exact: bool = False
    broken_ok: bool = False
    profiles: tuple[str, ...] = ()
    base_profiles: tuple[str, ...] = ()


def opened(sides: Sides, asked: Asked) -> Opened:
    """Both sides as the options ask for. Raises what loading and tailoring raise, with all errors."""
    from scanner.cli.options import pack_folder, pack_name, profile_file  # noqa: PLC0415
    from scanner.language.pack import shown  # noqa: PLC0415
    from scanner.language.tailor import check_engine  # noqa: PLC0415

    folder = pack_folder(asked.pack)
    head = sides.head(folder, pack_name(asked.pack))
    check_engine(head.pack.requires, f"{head.name}/pack.yaml")
    base = sides.base(asked.base, folder, head, exact=asked.exact, broken_ok=asked.broken_ok)
    mine = [(path, shown(path)) for path in (profile_file(one, asked.pack) for one in asked.profiles)]
    notes: list[str] = []
    if asked.base_profiles:
        theirs = [
            (path, shown(path)) for path in (profile_file(one, asked.pack) for one in asked.base_profiles)
        ]
    else:
        theirs = list(_as_of(sides, base, mine, notes))
    return Opened(_tailored(base, theirs), _tailored(head, mine), notes)


def _as_of(
    sides: Sides, base: Side, files: list[tuple[Path, str]], notes: list[str]
) -> list[tuple[Path, str]]:
    """The same files as they were at the base, where they belong to its repository."""
    if base.at is None:
        return files
    from scanner.workbench.revision import file_at  # noqa: PLC0415

    found = []
    for number, (path, name) in enumerate(files):
        if not path.resolve().is_relative_to(base.at.top.resolve()):
            found.append((path, name))
            continue
        content = file_at(base.at, path)
        if content is None:
            notes.append(f"{name} is new since {base.words}: the base side is told without it")
            continue
        copy = sides.room() / f"{number}-{path.name}"
        copy.write_bytes(content)
        found.append((copy, name))
    return found


def _tailored(side: Side, files: list[tuple[Path, str]]) -> Sided:
    from scanner.language.tailor import tailor  # noqa: PLC0415
    from scanner.workbench.impact.loosening import Sided  # noqa: PLC0415
    from scanner.workbench.places import Places, knobs  # noqa: PLC0415
    from scanner.workbench.revision import told  # noqa: PLC0415

    if not files or side.absent:
        return Sided(side, Places(side), knobs(()))
    try:
        pack = tailor(side.pack, [path for path, _ in files])
    except ScannerError as error:
        ref = side.at.asked if side.at else ""
        wrong: ScannerError = error
        for path, name in files:
            wrong = told(wrong, path, name, ref)
        raise Problems([*side.errors, *(wrong.errors if isinstance(wrong, Problems) else [wrong])]) from error
    side = replace(side, pack=_renamed(pack, files))
    return Sided(side, Places(side), knobs(files))


def _renamed(pack: RulePack, files: list[tuple[Path, str]]) -> RulePack:
    """The pack with the places of scoped blocks as the files are written, not as copies of them lie."""
    names = {str(path): name for path, name in files}
    blocks = tuple(
        replace(one, mark=Mark(names.get(one.mark.file, one.mark.file), one.mark.line, one.mark.column))
        for one in pack.scoped
    )
    return replace(pack, scoped=blocks)


def registers(
    found: Opened, waivers: str | None, base_waivers: str | None
) -> tuple[Register | None, Register | None]:
    """The waivers of both sides; the base's are those of the same file as it was there. None where none is named."""
    if waivers is None:
        return None, None
    from scanner.cli.marking import known  # noqa: PLC0415
    from scanner.model.waiver import Register  # noqa: PLC0415
    from scanner.text import read_text  # noqa: PLC0415
    from scanner.waivers.read import parse  # noqa: PLC0415
    from scanner.workbench.revision import file_at, told  # noqa: PLC0415

    head, base = found.head.side, found.base.side
    mine = parse(read_text(Path(waivers)), waivers, {*known(head.pack.rules), *head.unread_ids})
    theirs = {*known(base.pack.rules), *base.unread_ids} if not base.absent else None
    if base_waivers is not None:
        return parse(read_text(Path(base_waivers)), base_waivers, theirs), mine
    path = Path(waivers).resolve()
    if base.at is None or not path.is_relative_to(base.at.top.resolve()):
        found.notes.append(f"{waivers} is taken for both sides: name the older one with --base-waivers")
        return mine, mine
    content = file_at(base.at, path)
    if content is None:
        return Register(words=waivers), mine
    try:
        return parse(content.decode("utf-8-sig"), waivers, theirs), mine
    except UnicodeDecodeError as error:
        raise InputError(f"is not UTF-8 text at {base.at.asked}", waivers) from error
    except ScannerError as error:
        raise told(error, path, waivers, base.at.asked) from error


def give(write: Callable[[Any], None], output: str | None) -> None:
    """Write a report to a file, complete or not at all, or to stdout."""
    if output is None:
        write(sys.stdout)
        return
    from scanner.cli.outputs import whole_file  # noqa: PLC0415
    from scanner.cli.show import say  # noqa: PLC0415

    text = StringIO()
    write(text)
    try:
        with whole_file(Path(output)) as out:
            out.write(text.getvalue().encode("utf-8", "replace"))
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror or error}", output) from error
    say(f"wrote {output}")


def append(text: str, path: str) -> None:
    """Add a page to a job summary, which earlier steps may have begun."""
    try:
        with Path(path).open("a", encoding="utf-8", errors="replace", newline="\n") as out:
            out.write(text)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror or error}", path) from error
