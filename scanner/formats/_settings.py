"""What a user can ask of formats beside their name; every format takes the same settings and heeds its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from scanner.model.scan import Scan

LANGUAGES = ("en", "id")
SARIF_PROFILES = ("generic", "github", "azdo")
HTML_MODES = ("single", "split")
MARKDOWN_KINDS = ("summary", "comment")

Writer = Callable[[Scan, BinaryIO], None]
"""Writes one file of a report."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings.

    `pipeline`: facts about the checkout and the build that the door found in its environment
    (`repository`, `revision`, `branch`, and for Azure DevOps `organisation`, `project`, `definitionId`, `definitionName`,
    `phaseId`, `phaseName`, `buildId`; `root` and `folder`: the checkout's folder and the working folder in it);
    a missing key is a fact nobody knows.
    """

    language: str = "en"
    html_mode: str = "single"
    sarif_profile: str = "generic"
    sarif_limit: int = 5_000
    """Results that the profile `github` writes at most; code scanning keeps no more."""
    sarif_split: bool = False
    """One SARIF file for each subscription."""
    markdown: str = "summary"
    csv_bom: bool = False
    pipeline: Mapping[str, str] = field(default_factory=dict)
    stem: str = "acrscan"
    """The report's own file name without its extension, for formats whose files name each other."""


DEFAULT = Settings()
