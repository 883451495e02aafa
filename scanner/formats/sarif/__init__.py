"""SARIF 2.1.0 for code scanning services and their viewers: one run, every result with its place and evidence.

Profiles: `generic` says everything, `github` only what GitHub shows as an open alert, `azdo` what Azure DevOps asks for.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from scanner.formats._settings import DEFAULT, Settings
from scanner.formats.sarif.document import ABOVE, write
from scanner.formats.sarif.profile import PROFILES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.formats._settings import Writer
    from scanner.model.scan import Scan

EXTENSION = ".sarif"


def render(scan: Scan, out: BinaryIO, settings: Settings = DEFAULT) -> None:
    """Write one log with everything that the profile of the settings keeps."""
    write(scan, out, PROFILES[settings.sarif_profile], settings)


def writers(scan: Scan, settings: Settings) -> Mapping[str, Writer]:
    """One log for each subscription where that is asked for, and one for what lies above them."""
    if not settings.sarif_split:
        return {}
    above = any(not row.subscription for row in scan.findings)
    names = [*sorted(scan.header.subscriptions), *([ABOVE] if above else [])]
    return {f"-{name}{EXTENSION}": partial(_part, name, settings) for name in names}


def _part(name: str, settings: Settings, scan: Scan, out: BinaryIO) -> None:
    write(scan, out, PROFILES[settings.sarif_profile], settings, only=name)
