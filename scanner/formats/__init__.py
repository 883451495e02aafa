"""From a finished scan to bytes: each module or package of this folder is one format, and `-f NAME` exists at once.

A format has `render(scan, out, settings)`, `EXTENSION` (of the file it is written to, its own alone) and a docstring whose first line
says what it is. One that writes several files has `writers(scan, settings)` too: name behind the report's own -> writer.
One that needs a package which is an extra has `available()`, so that a missing one is told before any work is done.
Modules whose name starts with an underscore are shared by formats and are none themselves.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast, runtime_checkable

from scanner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.formats._settings import Settings, Writer
    from scanner.model.scan import Scan


class Format(Protocol):
    """What a module of this folder offers."""

    EXTENSION: str
    __doc__: str | None

    def render(self, scan: Scan, out: BinaryIO, settings: Settings = ...) -> None:
        """Write the scan; pure but for `out`, and the same bytes for the same scan."""


@runtime_checkable
class ManyFiles(Protocol):
    """What a format offers that may need more than one file for a report."""

    def writers(self, scan: Scan, settings: Settings) -> Mapping[str, Writer]:
        """Suffix -> writer; `acrscan` + suffix is a file's name. {} where one file does (then `render` writes it)."""


@runtime_checkable
class NeedsExtra(Protocol):
    """What a format offers that needs a package which is not always there."""

    def available(self) -> None:
        """Raise `UsageError` with what to install, or do nothing."""


def names() -> tuple[str, ...]:
    """The formats in alphabetical order; looks into the folder and imports nothing."""
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name for name in found if not name.startswith("_")))


def get(name: str) -> Format:
    """The format of that name; `UsageError` with the nearest name where there is none."""
    known = names()
    if name not in known:
        near = difflib.get_close_matches(name.lower(), known, n=1)
        hint = f'Did you mean "{near[0]}"? ' if near else ""
        raise UsageError(f'unknown format "{name}"', "--format", f"{hint}Formats: {', '.join(known)}.")
    return cast("Format", importlib.import_module(f"{__name__}.{name}"))
