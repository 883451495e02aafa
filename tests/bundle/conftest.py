"""The tiny pack and its bundle; a real registry where its program is installed (in CI it must be)."""

from __future__ import annotations

import os

import pytest

from tests.bundle import registry as registries
from tests.bundle.packs import write_bundle, write_pack, write_profile


@pytest.fixture
def pack(tmp_path):
    """The pack's folder."""
    return write_pack(tmp_path / "pack")


@pytest.fixture
def bundle(tmp_path, pack):
    """The pack's bundle with a profile, in a file."""
    return write_bundle(tmp_path / "tiny.tar.gz", pack, tmp_path / "scratch", write_profile(tmp_path))


@pytest.fixture
def registry(tmp_path, request):
    """A real registry; the parameters are those of `registries.running`."""
    if registries.PROGRAM is None:
        lacking = "no registry program: apt-get install docker-registry"
        if os.environ.get("CI"):
            pytest.fail(lacking)
        pytest.skip(lacking)
    folder = tmp_path / "registry"
    folder.mkdir()
    auth, tls = request.param if "param" in vars(request) else ("none", True)
    with registries.running(folder, auth, tls=tls) as found:
        yield found
