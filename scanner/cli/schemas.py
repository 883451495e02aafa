"""`acrscan schema`: the JSON Schemas for editors, printed or written; and how a file finds the one it belongs to.

A file says which schema it follows in its first line (`# yaml-language-server: $schema=...`), by a path relative to itself:
to the nearest `.acrscan/schemas/` above it, which `acrscan init` and `acrscan schema --into` write, or to `schemas/`
beside the packs, as in acrscan's own repository.
"""

from __future__ import annotations

import os
from pathlib import Path

import click

from scanner import data
from scanner.cli.show import say
from scanner.errors import UsageError
from scanner.text import nearest

FOLDER = ".acrscan/schemas"
_ENDING = ".schema.json"
_PLACES = (FOLDER, "schemas")


def names() -> tuple[str, ...]:
    """The kinds of files that have a schema."""
    return tuple(sorted(path.name.removesuffix(_ENDING) for path in _home().glob(f"*{_ENDING}")))


def texts() -> dict[str, str]:
    """File name -> text of every schema."""
    return {f"{name}{_ENDING}": _text(name) for name in names()}


def address(folder: Path, kind: str) -> str:
    """How a file in a folder names the nearest schema of its kind, or "" where there is none up to the repository's root."""
    start = folder.resolve()
    for above in (start, *start.parents):
        for place in _PLACES:
            found = above / place / f"{kind}{_ENDING}"
            if found.is_file():
                return Path(os.path.relpath(found, start)).as_posix()
        if (above / ".git").exists():
            break
    return ""


def _home() -> Path:
    return data.policies() / "schemas"


def _text(name: str) -> str:
    return (_home() / f"{name}{_ENDING}").read_text("utf-8")


@click.command("schema")
@click.argument("name", required=False, metavar="[NAME]")
@click.option("--into", metavar="DIR", help=f"Write all of them to a folder, such as {FOLDER}.")
def schema(name: str | None, into: str | None) -> None:
    """Print the JSON Schema of a kind of file, or write all of them for editors.

    NAME is a kind of file, such as rule, profile, waivers or config; without it all kinds are listed. Files of an older
    version are replaced.

    \b
    Examples:
      acrscan schema rule > rule.schema.json
      acrscan schema --into .acrscan/schemas
    """
    from scanner.cli.first_files import put  # noqa: PLC0415

    if name is not None and name not in names():
        raise UsageError(
            f"there is no schema {name!r}", "", nearest(name, names()) or f"One of {', '.join(names())}."
        )
    if into is not None:
        wanted = {f"{name}{_ENDING}": _text(name)} if name else texts()
        for file, text in wanted.items():
            put(Path(into) / file, text)
            say(f"wrote {(Path(into) / file).as_posix()}")
    elif name is not None:
        click.echo(_text(name), nl=False)
    else:
        for one in names():
            click.echo(one)


COMMANDS = {"schema": schema}
