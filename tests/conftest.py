"""What all tests share: they run from the repository's root, with a fixed environment."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


@pytest.fixture(autouse=True)
def _steady(monkeypatch, tmp_path_factory):
    """No colour, no configuration from outside, nothing remembered from outside."""
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path_factory.getbasetemp() / "remembered"))
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "ACRSCAN_DEBUG", "ACRSCAN_ASCII"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
