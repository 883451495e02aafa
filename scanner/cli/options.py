"""Options that several commands share, and what they turn into: a pack, an inventory, a clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from scanner.cli.packs import place_of
from scanner.errors import UsageError
from scanner.model.framework import Framework
from scanner.model.resource import Inventory
from scanner.model.rule import RulePack

F = TypeVar("F", bound=Callable[..., Any])
SOURCES = ("auto", "azure", "saved", "snapshot")


def rule_options(command: F) -> F:
    """Which rules to use and with which parameters."""
    for option in (
        click.option("--skip-rule", multiple=True, metavar="ID", help="Leave a rule out. Repeatable."),
        click.option(
            "--rule", multiple=True, metavar="ID", help="Use only these rules, also ones that are off."
        ),
        click.option("--param", multiple=True, metavar="NAME=VALUE", help="Set a parameter. Repeatable."),
        click.option(
            "--profile", multiple=True, metavar="NAME|FILE", help="Apply a profile. Repeatable, in order."
        ),
        click.option(
            "--pack", metavar="DIR|FILE", help="Folder or bundle of the pack (default: the shipped ACR pack)."
        ),
    ):
        command = option(command)
    return command


def inventory_options(command: F) -> F:
    """Where the inventory comes from: something that lies in files."""
    return _inventory_options(command, SOURCES[2:], required=True)


def any_inventory_options(command: F, *more: str) -> F:
    """Where the inventory comes from: files, or Azure itself where no file is named. `more`: further sources."""
    return _inventory_options(command, (*SOURCES[1:], *more), required=False)


def _inventory_options(command: F, sources: tuple[str, ...], *, required: bool) -> F:
    for option in (
        click.option(
            "--now", metavar="TIME", help="The clock, RFC 3339 (default: when the inventory was collected)."
        ),
        click.option("--api-version", metavar="V", help="Api-version of saved answers that do not tell it."),
        click.option("--principals", metavar="FILE", help="JSON: names and groups of object ids."),
        click.option(
            "--from",
            "source",
            type=click.Choice(("auto", *sources)),
            default="auto",
            show_default=True,
            help="Kind of inventory.",
        ),
        click.argument("paths", nargs=-1, required=required, metavar="PATH..." if required else "[PATH]..."),
    ):
        command = option(command)
    return command


def pack_from(
    pack: str | None,
    profile: tuple[str, ...] = (),
    param: tuple[str, ...] = (),
    rule: tuple[str, ...] = (),
    skip_rule: tuple[str, ...] = (),
    *,
    name: str = "",
) -> RulePack:
    """The pack that the options ask for: loaded, tailored and selected. `name`: as in `load_pack`."""
    from scanner.language.pack import load_pack  # noqa: PLC0415
    from scanner.language.tailor import check_engine, select, tailor  # noqa: PLC0415

    place = place_of(pack)
    folder = place.folder
    with place.named():
        loaded = load_pack(folder, name=name or place.name)
        place.agree(loaded)
        loaded = replace(loaded, frameworks=catalogues(folder, copied=bool(name)))
        check_engine(loaded.requires, str(folder / "pack.yaml"))
        loaded = tailor(loaded, [profile_file(one, pack) for one in profile], _pairs(param))
    if rule or skip_rule or not any(item.enabled for item in loaded.rules):
        loaded = select(loaded, rule, skip_rule)
    return loaded


def catalogues(folder: Path, *, copied: bool = False) -> tuple[Framework, ...]:
    """The frameworks of a pack; those that ship with acrscan stand in for ids it has no catalogue of.

    `copied`: the pack is the copy in a folder of reports; the shipped catalogues of that day lie beside it.
    """
    from scanner import data  # noqa: PLC0415
    from scanner.language.frameworks import of_pack  # noqa: PLC0415
    from scanner.language.pack import FRAMEWORKS  # noqa: PLC0415

    shipped = data.policies() / FRAMEWORKS
    return of_pack(folder, shipped, *([folder.parent / FRAMEWORKS] if copied else []))


def pack_folder(pack: str | None) -> Path:
    """The folder of the pack that an option names (of a bundle, its copy), or of the shipped one."""
    return place_of(pack).folder


def pack_name(pack: str | None) -> str:
    """How the place of a pack is printed, and how places in it begin."""
    from scanner.language.pack import shown  # noqa: PLC0415

    place = place_of(pack)
    return place.name or shown(place.folder)


def profile_file(name: str, pack: str | None = None) -> Path:
    """The file of a profile that is named by its path, or by its name where it comes with the bundle or with acrscan."""
    from scanner import data  # noqa: PLC0415

    if Path(name).is_file():
        return Path(name)
    shipped, own = data.policies() / "profiles", place_of(pack).profiles
    for home in (own, shipped):
        if home is not None and (path := home / f"{name}.yaml").parent == home and path.is_file():
            return path
    names = f"Shipped profiles: {_profiles(shipped)}."
    if own is not None:
        names = f"Profiles of the bundle: {_profiles(own) or 'none'}. {names}"
    raise UsageError(f"no profile file {name!r}", "", names)


def _profiles(home: Path) -> str:
    return ", ".join(sorted(path.stem for path in home.glob("*.yaml")))


def _pairs(params: tuple[str, ...]) -> Mapping[str, str]:
    found = {}
    for text in params:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"--param {text!r} is not NAME=VALUE")
        found[name.strip()] = value
    return found


def inventory_from(
    paths: tuple[str, ...], source: str, principals: str | None, api_version: str | None, now: str | None
) -> Inventory:
    """The inventory that the options name."""
    from scanner.inventory import saved, snapshot  # noqa: PLC0415

    places = [Path(path) for path in paths]
    source = kind_of(paths, source)
    if source == "snapshot":
        if len(places) != 1:
            raise UsageError("a snapshot is one folder", "", "Name exactly one.")
        if principals or api_version:
            raise UsageError(
                "--principals and --api-version are for saved answers; a snapshot holds both already"
            )
        return snapshot.collect(places[0])
    return saved.collect(
        places,
        principals=Path(principals) if principals else None,
        api_version=api_version,
        now=clock(now) or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


def kind_of(paths: tuple[str, ...], source: str) -> str:
    """What kind of inventory lies in files: a snapshot or saved answers."""
    if source != "auto":
        return source
    return "snapshot" if len(paths) == 1 and (Path(paths[0]) / "manifest.json").is_file() else "saved"


def is_live(paths: tuple[str, ...], source: str) -> bool:
    """Whether to ask Azure itself. Raises `UsageError` for options that contradict each other."""
    if paths and source == "azure":
        raise UsageError("--from azure reads no files", "", "Leave out PATH, or --from.")
    if not paths and source not in ("auto", "azure", "host"):
        raise UsageError(f"--from {source} needs a PATH")
    return not paths and source != "host"


def clock(now: str | None) -> str:
    """A checked `--now`, or "" when it was not given."""
    from scanner.engine.operators.time import instant  # noqa: PLC0415

    if now and instant(now) is None:
        raise UsageError(f"--now {now!r} is no time", "", "Write it as 2026-11-25T02:00:00Z.")
    return now or ""


def source_words(paths: tuple[str, ...], source: str) -> str:
    """What was scanned, as reports print it."""
    from scanner.text import encodable  # noqa: PLC0415

    shown = ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
    return encodable(shown if source == "auto" else f"{source} {shown}")
