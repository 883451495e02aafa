"""A registry of Azure without a login of Docker's: our Azure login is exchanged for a token that may pull one repository."""

from __future__ import annotations

import json

import pytest

from scanner.bundle.artifact import digest_of, manifest_of
from scanner.bundle.check import examine
from scanner.bundle.opening import from_bytes
from tests.azure_server import running
from tests.estate.images import Manifest
from tests.inventory.live import command

HOST = "prodcorefrc.azurecr.io"


@pytest.fixture
def azure(bundle):
    """An Azure in which a registry holds the bundle."""
    archive = bundle.read_bytes()
    pack = examine(from_bytes(archive, "x")).manifest.pack
    with running() as found:
        content = json.loads(manifest_of(archive, pack))
        held = found.server.registries
        name = next(iter(held.contents), "")
        assert not name
        held.contents[HOST.partition(".")[0]] = {"packs/tiny": [Manifest(content, ["1.4.0"])]}
        held.open.add(HOST.partition(".")[0])
        held.blobs[f"/packs/tiny/{digest_of(archive)}"] = archive
        yield found


def pull(azure, tmp_path, host=HOST, **environment):
    out = tmp_path / "out.tar.gz"
    arguments = ("policy", "pull", f"{host}/packs/tiny:1.4.0", "-o", out, "--auth", "client-secret")
    tenant = ("--tenant", azure.env["AZURE_TENANT_ID"], "--client-id", azure.env["AZURE_CLIENT_ID"])
    nothing = {"DOCKER_CONFIG": str(tmp_path / "nothing")}
    return out, command(azure, *arguments, *tenant, **{**nothing, **environment})


def test_pull_with_our_azure_login(azure, tmp_path, bundle):
    """The bundle comes, through the redirect to its storage; the one token asked for may pull this repository, no more."""
    out, done = pull(azure, tmp_path)
    assert done.returncode == 0, done.stderr
    assert out.read_bytes() == bundle.read_bytes()
    assert done.stdout.startswith(f"{HOST}/packs/tiny:1.4.0@sha256:")
    issued = [(kind, scope) for kind, _, scope in azure.server.registries.issued]
    assert issued == [("refresh", ""), ("access", "repository:packs/tiny:pull")]
    assert azure.forbidden == []


def test_a_registry_that_refuses_us(azure, tmp_path):
    """No role on the registry: exit code 4, what to ask for, and no file."""
    azure.server.registries.refused.add(HOST.partition(".")[0])
    out, done = pull(azure, tmp_path)
    assert done.returncode == 4
    assert "AcrPull" in done.stderr
    assert not out.exists()


def test_our_azure_login_goes_to_registries_of_azure_only(azure, tmp_path):
    """Another host is asked without a login: its token server never sees what we are to Azure."""
    out, done = pull(azure, tmp_path, host=HOST.replace("azurecr.io", "azurecr.us"))
    assert done.returncode == 4
    assert "a request without a login" in done.stderr
    assert not any("/oauth2/exchange" in seen.path for seen in azure.requests)
    assert not out.exists()


def test_push_never_uses_it(azure, tmp_path, bundle):
    """A push without a login of Docker's is refused, with our Azure credentials at hand and untouched."""
    done = command(azure, "policy", "push", bundle, f"{HOST}/packs/tiny:2", DOCKER_CONFIG=str(tmp_path / "x"))
    assert done.returncode == 4
    assert "az acr login" in done.stderr
    assert azure.server.registries.issued == []
    assert not any("/oauth2/exchange" in seen.path for seen in azure.requests)
