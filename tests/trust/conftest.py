"""A snapshot and a sealed run over it."""

from __future__ import annotations

import shutil

import pytest

from scanner.cli.door import run
from tests.trust.runs import ESTATE, TABLES, scan


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """A snapshot."""
    folder = tmp_path_factory.mktemp("home") / "night"
    answers = [str(ESTATE / "answers"), "--from", "saved", "--principals", str(ESTATE / "principals.json")]
    assert run(["collect", *answers, "--out", str(folder), "-q"]) in (0, 3)
    return folder


@pytest.fixture(scope="module")
def kept(night):
    """A sealed run over it, with waivers."""
    out = night.parent / "reports"
    assert run(scan(night, *TABLES, "--waivers", ESTATE / "acr-waivers.yaml", "-o", out, "--manifest")) == 0
    return out


@pytest.fixture
def reports(kept, tmp_path):
    """A copy beside the same snapshot that a test may spoil."""
    shutil.copytree(kept.parent, tmp_path / "home")
    return tmp_path / "home" / "reports"
