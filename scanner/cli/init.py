"""`acrscan init`: the first files of a repository, none of which takes the place of another."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

import click

from scanner.cli.show import say
from scanner.errors import OutputError, UsageError

_PREFIX = re.compile(r"[A-Z]{2,8}\Z")


@click.command("init")
@click.option("--dir", "folder", default=".", show_default=True, metavar="DIR", help="Where to begin.")
@click.option(
    "--ci",
    type=click.Choice(("github", "azure-devops", "gitlab", "none")),
    default="github",
    show_default=True,
    help="Whose pipeline to write.",
)
@click.option("--pack", metavar="DIR", help="Begin a pack of your own too, in this folder below DIR.")
@click.option("--prefix", metavar="ACME", help="What ids of rules in that pack begin with.")
@click.option("--force", is_flag=True, help="Replace files that are there and differ.")
def init(folder: str, ci: str, pack: str | None, prefix: str | None, force: bool) -> None:
    """Write a configuration, a waiver file, a pipeline and the schemas for editors; on request a pack of your own.

    Nothing that is there is replaced without --force: then nothing is written at all, and what is in the way is named.

    \b
    Examples:
      acrscan init
      acrscan init --pack policies/acme --prefix ACME
      acrscan init --ci gitlab --dir my-repository
    """
    from scanner.cli.first_files import Wanted, files, gitlab_include, put  # noqa: PLC0415

    home = Path(folder)
    own = _pack(pack, prefix)
    pipeline = home / ".gitlab-ci.yml"
    joins = ci == "gitlab" and pipeline.exists() and not force
    made = files(Wanted(ci, own, prefix or "", gitlab=not joins))
    in_the_way = [name for name, text in made.items() if _differs(home / name, text)]
    if in_the_way and not force:
        raise OutputError(
            f"there already, and different: {', '.join(in_the_way[:10])}"
            + (f" and {len(in_the_way) - 10} more" if len(in_the_way) > 10 else ""),
            home.as_posix(),
            "Nothing was written. --force replaces them; --ci none leaves the pipeline out.",
        )
    for name, text in made.items():
        there = (home / name).exists()
        if there and name not in in_the_way:
            say(f"unchanged {name}")
            continue
        put(home / name, text)
        say(f"{'replaced' if there else 'wrote'} {name}")
    if joins:
        say("\n.gitlab-ci.yml is there already; add to it:\n\n" + gitlab_include(own).rstrip())
    say(f"\nnext: {_next(own, prefix)}")


def _next(own: str, prefix: str | None) -> str:
    if own:
        return f"acrscan policy new {prefix}101 --name my-rule --into {own}"
    return "acrscan doctor, then acrscan scan -f sarif -f html"


def _pack(pack: str | None, prefix: str | None) -> str:
    """The folder of the pack as files name it, or "". Raises `UsageError` for one that cannot be."""
    from scanner.workbench.scaffold import RESERVED  # noqa: PLC0415

    if (pack is None) != (prefix is None):
        raise UsageError(
            "--pack and --prefix belong together", "", "Such as --pack policies/acme --prefix ACME."
        )
    if pack is None or prefix is None:
        return ""
    if not _PREFIX.match(prefix):
        raise UsageError(f"the prefix {prefix!r} must be 2 to 8 capitals", "", "Such as ACME.")
    if prefix in RESERVED:
        raise UsageError(
            f"the prefix {prefix} is that of {RESERVED[prefix]}", "", "Choose another, such as ACME."
        )
    path = PurePosixPath(Path(pack).as_posix())
    if path.is_absolute() or Path(pack).is_absolute() or ".." in path.parts or not path.name:
        raise UsageError(f"--pack {pack!r} is no folder below --dir", "", "Such as policies/acme.")
    if re.search(r"[^A-Za-z0-9._/-]|(^|/)-", path.as_posix()):
        raise UsageError(
            f"--pack {pack!r} holds characters that pipelines need quoted",
            "",
            "Use letters, digits, dots, dashes and slashes.",
        )
    return path.as_posix()


def _differs(path: Path, text: str) -> bool:
    """Whether something else stands in a file's place."""
    if path.is_dir():
        raise OutputError("is a folder", path.as_posix(), "Move it away, or choose another --dir.")
    try:
        return path.exists() and path.read_bytes().replace(b"\r\n", b"\n") != text.encode("utf-8")
    except OSError as error:
        raise OutputError(f"cannot be read: {error.strerror or error}", path.as_posix()) from error


COMMANDS = {"init": init}
