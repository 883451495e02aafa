"""SARIF 2.1.0 for code scanning services and their viewers: one run, every result with its place and evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from scanner.formats._settings import DEFAULT, Settings
from scanner.formats.sarif.document import write
from scanner.formats.sarif.profile import GENERIC

if TYPE_CHECKING:
    from scanner.model.scan import Scan

EXTENSION = ".sarif"


def render(scan: Scan, out: BinaryIO, settings: Settings = DEFAULT) -> None:  # noqa: ARG001
    """Write the generic profile: everything SARIF can say, nothing left out for one service."""
    write(scan, out, GENERIC)
