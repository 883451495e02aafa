"""SARIF 2.1.0 for code scanning services and their viewers: one run, every result with its place and evidence."""

from __future__ import annotations

import hashlib
import re
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from scanner.errors import UsageError
from scanner.formats._settings import DEFAULT, Settings, Writer
from scanner.formats.sarif.document import write
from scanner.formats.sarif.profile import AZDO, GITHUB, PROFILES
from scanner.formats.sarif.shelves import Shelves
from scanner.formats.sarif.unread import closing, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.model.scan import Scan

EXTENSION = ".sarif"


def render(scan: Scan, out: BinaryIO, settings: Settings = DEFAULT) -> None:
    """Write one log about everything.

    Raises `PartialError` where the reader would close alerts of what was not looked at, `UsageError` where the profile
    needs facts that nobody knows.
    """
    if settings.sarif_split:
        raise UsageError(
            "one stream cannot hold a SARIF file for each subscription",
            "--sarif-split",
            "Name a folder with -o.",
        )
    profile = PROFILES[settings.sarif_profile]
    if profile is GITHUB and (found := closing(scan)):
        raise refuse({"": found})
    write(scan, out, profile, settings)


def writers(scan: Scan, settings: Settings) -> Mapping[str, Writer]:
    """With `sarif_split` one file for each subscription, also for those without a finding, and one for what lies in none.

    Files that must be refused come last, so that all others are written.
    """
    if not settings.sarif_split:
        return {}
    profile = PROFILES[settings.sarif_profile]
    if profile is AZDO:
        raise UsageError(
            "Azure DevOps tells runs apart by pipeline, not by subscription: files of one run would replace each other",
            "--sarif-split",
            "Leave it out, or scan each subscription in a stage of its own.",
        )
    shelves = Shelves(scan)
    homes = _subscriptions(scan, shelves)
    refused = {}
    if profile is GITHUB:
        refused = {home: found for home in homes if (found := closing(scan, home))}

    def refusing(_: Scan, out: BinaryIO) -> None:  # noqa: ARG001 - a writer like the others
        raise refuse(refused)

    made: dict[str, Writer] = {
        _suffix(home): partial(_one, shelves=shelves, settings=settings, subscription=home)
        for home in homes
        if home not in refused
    }
    return {**made, **{_suffix(home): refusing for home in refused}}


def _one(_: Scan, out: BinaryIO, *, shelves: Shelves, settings: Settings, subscription: str) -> None:
    write(shelves.scan(subscription), out, PROFILES[settings.sarif_profile], settings, subscription)


def _subscriptions(scan: Scan, shelves: Shelves) -> list[str]:
    """Every subscription that was looked at or that a row is about, sorted; "" first, for what lies in none.

    Those have a file even without a row: a reader closes alerts only when the next file comes. One that was left out on
    purpose has none, unless rows of it are carried on: an empty file would close what nobody looked at.
    """
    return sorted({home.lower() for home in ("", *scan.header.subscriptions)} | shelves.homes)


def _suffix(home: str) -> str:
    """What stands behind the report's name; odd names become a digest."""
    if not home:
        return f".no-subscription{EXTENSION}"
    plain = re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", home)
    return f".{home if plain else hashlib.sha256(home.encode()).hexdigest()[:16]}{EXTENSION}"
