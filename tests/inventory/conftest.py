"""What live tests share: a loopback Azure that must not be asked for anything but reads it knows."""

from __future__ import annotations

import pytest

from scanner.data import policies
from scanner.language.pack import load_pack
from tests.azure_server import running


@pytest.fixture(scope="session")
def pack():
    """The shipped pack."""
    return load_pack(policies() / "acr")


@pytest.fixture
def server():
    """A running Azure with the sample estate."""
    with running() as found:
        yield found
        assert found.server.forbidden == []
        assert found.server.unexpected == []
