"""`acrscan policy new ID`: the skeleton of a rule file, with tests that fail until they are filled in."""

from __future__ import annotations

import difflib
from datetime import UTC, datetime
from pathlib import Path

import click

from scanner import types
from scanner.cli.options import clock
from scanner.cli.show import say
from scanner.errors import OutputError, UsageError
from scanner.language.rules import NAME, RULE_ID
from scanner.text import nearest
from scanner.workbench.scaffold import RESERVED, pack_text, prefix_of, skeleton, used_in


@click.command("new")
@click.argument("rule_id", metavar="ID")
@click.option("--name", metavar="kebab-case", help="Short name of the rule (default: rule- and its number).")
@click.option(
    "--target",
    default="Microsoft.ContainerRegistry/registries",
    show_default=True,
    metavar="TYPE",
    help="Type of the resources it looks at.",
)
@click.option(
    "--into",
    "--dir",
    "folder",
    metavar="DIR",
    help="Folder in a pack (default: the pack that the working folder is in).",
)
@click.option("--new-pack", is_flag=True, help="Begin a pack in that folder, with the id's prefix.")
@click.option("--now", metavar="TIME", help="The clock, RFC 3339 (default: the present).")
def new(
    rule_id: str, name: str | None, target: str, folder: str | None, new_pack: bool, now: str | None
) -> None:
    """Write the skeleton of a rule, with tests that fail until you say what the rule is about.

    The id begins with the pack's prefix. One that a rule has or once had is refused: waivers and histories name it.

    \b
    Examples:
      acrscan policy new ACME101
      acrscan policy new ACME101 --name team-tag-set --into policies/acme
      acrscan policy new ACME102 --name webhooks-use-https --target Microsoft.ContainerRegistry/registries/webhooks
      acrscan policy new ACME101 --name team-tag-set --into policies/acme --new-pack
    """
    from scanner.cli.first_files import identifier, put  # noqa: PLC0415
    from scanner.cli.schemas import FOLDER, address, texts  # noqa: PLC0415

    prefix = rule_id.rstrip("0123456789")
    name = f"rule-{rule_id.removeprefix(prefix)}" if name is None else name
    _check(rule_id, name, target)
    start = Path(folder or ".")
    pack = _pack_of(start)
    home = start if folder else pack or start
    if pack is None:
        if not new_pack:
            raise UsageError(f"no pack.yaml in {_words(start)} or above it", "", _advice(start))
        if prefix in RESERVED:
            raise UsageError(
                f"the prefix {prefix} is that of {RESERVED[prefix]}", "", "Choose another, such as ACME."
            )
    elif new_pack:
        raise UsageError("there is a pack already", (pack / "pack.yaml").as_posix(), "Leave out --new-pack.")
    else:
        _agree(pack, rule_id, name, prefix)
    path = home / f"{rule_id}-{name}.yaml"
    if path.exists():
        raise OutputError("exists already", path.as_posix(), "Choose another id or name.")

    written = []
    if not address(home, "rule"):
        root = _root(home)
        for file, text in texts().items():
            put(root / FOLDER / file, text)
        written.append(f"{(root / FOLDER).as_posix()}/ (schemas for editors)")
    if pack is None:
        main = home / "pack.yaml"
        put(main, pack_text(identifier(home.resolve().name), prefix, address(home, "pack")))
        written.append(main.as_posix())
    today = (clock(now) or datetime.now(UTC).isoformat())[:10]
    put(path, skeleton(rule_id, name, target, today, address(home, "rule")))
    written.append(path.as_posix())
    for one in written:
        say(f"wrote {one}")
    say(f"next: fill it in, then acrscan policy test {path.as_posix()}")


def _check(rule_id: str, name: str, target: str) -> None:
    if not RULE_ID.match(rule_id):
        raise UsageError(
            f"the id {rule_id!r} must be 2 to 8 capitals and 3 to 10 digits", "", "Such as ACME101."
        )
    if not NAME.match(name):
        raise UsageError(
            f"the name {name!r} must be lower-case words joined by dashes", "", "Such as team-tag-set."
        )
    if types.facts_for(target) is None:
        raise UsageError(f"nothing is known about the type {target!r}", "--target", _closest(target))


def _closest(target: str) -> str:
    """What was meant by a type that is not known: the whole name, or its last part."""
    known = types.all_types()
    close = nearest(target, known)
    if close:
        return close
    leaves = {one.rpartition("/")[2].lower(): one for one in known}
    found = difflib.get_close_matches(target.rpartition("/")[2].lower(), list(leaves), n=1)
    return f'Did you mean "{leaves[found[0]]}"?' if found else f"Known: {', '.join(known)}."


def _pack_of(folder: Path) -> Path | None:
    """The nearest folder with a pack.yaml, at or above a folder and not above the repository's root."""
    start = folder.resolve()
    for above in (start, *start.parents):
        if (above / "pack.yaml").is_file():
            return _relative(above)
        if (above / ".git").exists():
            return None
    return None


def _relative(path: Path) -> Path:
    """A path as people write it: relative to the working folder where it lies below it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _agree(pack: Path, rule_id: str, name: str, prefix: str) -> None:
    """Refuse what does not fit into a pack. Raises `ScannerError`."""
    main = pack / "pack.yaml"
    own = prefix_of(main)
    if prefix != own:
        raise UsageError(
            f"ids of this pack begin with {own or 'a prefix that pack.yaml does not tell'}, not with {prefix}",
            main.as_posix(),
            f"Such as {own}{rule_id.removeprefix(prefix)}." if own else "Set pack.prefix.",
        )
    used = used_in(pack)
    digits = rule_id.removeprefix(own)
    others = (one.removeprefix(own) for one in (*used.ids, *used.replaced) if one.startswith(own))
    highest = max([int(digits), *(int(one) for one in others if one.isdecimal())])
    free = f"{own}{highest + 1:0{len(digits)}} is free."
    if rule_id in used.ids:
        raise UsageError(f"a rule has the id {rule_id}", (pack / used.ids[rule_id]).as_posix(), free)
    if rule_id in used.replaced:
        raise UsageError(
            f"a rule once had the id {rule_id}, and another replaces it",
            (pack / used.replaced[rule_id]).as_posix(),
            f"Ids are never used again. {free}",
        )
    if name in used.names:
        raise UsageError(
            f"a rule has the name {name!r}", (pack / used.names[name]).as_posix(), "Choose another."
        )


def _advice(start: Path) -> str:
    below = sorted(
        _relative(path.resolve().parent)
        for depth in ("*", "*/*")
        for path in start.glob(f"{depth}/pack.yaml")
    )
    if below:
        return f"Packs below it: {', '.join(path.as_posix() for path in below[:5])}. Name one with --into."
    return "Name a pack with --into, or begin one with --new-pack."


def _words(folder: Path) -> str:
    return "the working folder" if folder == Path() else folder.as_posix()


def _root(folder: Path) -> Path:
    """Where schemas go: the repository's root, or the folder itself outside of one."""
    start = folder.resolve()
    found = next((above for above in (start, *start.parents) if (above / ".git").exists()), None)
    return _relative(found) if found else folder


COMMANDS = {"new": new}
