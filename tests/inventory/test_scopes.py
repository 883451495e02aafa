"""Scopes and logging in against a loopback Azure: what is scanned, who asks, in which cloud."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from scanner.errors import AuthenticationError, ScopeError, UsageError
from scanner.inventory._azure.clouds import cloud_of
from scanner.inventory._azure.credentials import Login
from tests.azure_server import running
from tests.azure_server.faults import Fault
from tests.azure_server.state import State
from tests.estate import build
from tests.inventory.live import collect, run_of

REGISTRIES = "microsoft.containerregistry/registries"


# -- scopes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"subscriptions": ("harbour-dev",)}, 5),
        ({"subscriptions": (build.PROD,)}, 8),
        ({"subscriptions": (f"/subscriptions/{build.PROD.upper()}",)}, 8),
        ({"management_groups": ("platform",)}, 13),
        ({"resource_groups": ("rg-shop",)}, 4),
        ({"resource_groups": ("harbour-dev/rg-dev",)}, 3),
        ({"registries": ("harbourcore", "HARBOUROPS")}, 2),
        ({"registries": (build.BY_NAME["harbourdev"]["id"],)}, 1),
        ({"excludes": ("harbour-dev",)}, 8),
        ({"excludes": ("harbour-prod/rg-*", "harbourbuild")}, 4),
        ({"tenant": build.TENANT}, 13),
    ],
)
def test_scopes(server, tmp_path, monkeypatch, options, names):
    found = collect(server, tmp_path / "j", monkeypatch, **options)
    assert len(found.inventory.parts[REGISTRIES]) == names
    for part in found.inventory.parts.values():
        for item in part:
            if "/registries/" in item.id.lower() and part.type.startswith("Microsoft.ContainerRegistry"):
                assert item.id.split("/registries/")[1].split("/")[0] in {
                    one.name for one in found.inventory.parts[REGISTRIES]
                }


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"subscriptions": ("nowhere",)}, "'nowhere' is not visible"),
        ({"management_groups": ("nowhere",)}, "no visible subscription lies below"),
        ({"excludes": ("*",)}, "every subscription is excluded"),
        ({"tenant": "11111111-1111-4111-8111-111111111111"}, "AADSTS90002|no subscription of tenant"),
    ],
)
def test_scopes_that_lead_nowhere(server, tmp_path, monkeypatch, options, words):
    with pytest.raises((ScopeError, AuthenticationError), match=words):
        collect(server, tmp_path / "j", monkeypatch, **options)


def test_two_subscriptions_of_one_name_need_an_id(server, tmp_path, monkeypatch):
    server.state.put({**server.state.resources[f"/subscriptions/{build.DEV}"], "displayName": "harbour-prod"})
    with pytest.raises(UsageError, match="2 subscriptions are called") as caught:
        collect(server, tmp_path / "j", monkeypatch, subscriptions=("harbour-prod",))
    assert build.DEV in caught.value.advice


def test_no_visible_subscription_is_an_error(tmp_path, monkeypatch):
    with (
        running(State(estate=False)) as server,
        pytest.raises(ScopeError, match="no subscription is visible"),
    ):
        collect(server, tmp_path / "j", monkeypatch)


def test_a_disabled_subscription_is_read_and_told(server, tmp_path, monkeypatch):
    one = server.state.resources[f"/subscriptions/{build.DEV}"]
    server.state.put({**one, "properties": {**one["properties"], "state": "Disabled"}})
    found = collect(server, tmp_path / "j", monkeypatch)
    assert len(found.inventory.parts[REGISTRIES]) == 13
    assert any("is Disabled" in note for note in found.inventory.diagnostics)


# -- login -------------------------------------------------------------------------------------------------------


def test_a_wrong_secret_is_told_in_azures_words(server, tmp_path, monkeypatch):
    server.env["AZURE_CLIENT_SECRET"] = "wrong"
    with pytest.raises(AuthenticationError, match="AADSTS7000215") as caught:
        collect(server, tmp_path / "j", monkeypatch)
    assert "wrong" not in str(caught.value).replace("wrong tenant", "")


def test_no_credential_names_what_was_tried(server, tmp_path, monkeypatch):
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        server.env[name] = ""
    with pytest.raises(AuthenticationError, match="EnvironmentCredential"):
        collect(server, tmp_path / "j", monkeypatch, login=Login("environment"))


@pytest.mark.parametrize("method", ["environment", "client-secret", "default"])
def test_ways_to_log_in(server, tmp_path, monkeypatch, method):
    found = collect(server, tmp_path / "j", monkeypatch, login=Login(method), registries=("harbourdev",))
    assert len(found.inventory.parts[REGISTRIES]) == 1


def test_a_certificate_logs_in(server, tmp_path, monkeypatch):
    """The server knows secrets only; that it refuses shows that it was asked with the certificate."""
    key = rsa.generate_private_key(65537, 2048)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    both = tmp_path / "client.pem"
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "scanner")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
    )  # fmt: skip
    both.write_bytes(key.private_bytes(*form) + certificate.public_bytes(serialization.Encoding.PEM))
    with pytest.raises(UsageError, match=r"nowhere\.pem"):
        collect(
            server, tmp_path / "j", monkeypatch, login=Login("client-certificate", certificate="nowhere.pem")
        )
    with pytest.raises(AuthenticationError, match="AADSTS7000215"):
        collect(server, tmp_path / "j", monkeypatch, login=Login("client-certificate", certificate=str(both)))


def test_a_way_to_log_in_that_needs_more_says_what(server, tmp_path, monkeypatch):
    server.env["AZURE_CLIENT_ID"] = ""
    with pytest.raises(UsageError, match="needs --client-id"):
        collect(server, tmp_path / "j", monkeypatch)


@pytest.mark.parametrize("name", ["AzureUSGovernment", "AzureChinaCloud"])
def test_sovereign_clouds(server, tmp_path, monkeypatch, name):
    found = collect(server, tmp_path / "j", monkeypatch, cloud=cloud_of(name), registries=("harbourdev",))
    assert len(found.inventory.parts[REGISTRIES]) == 1
    hosts = {seen.host for seen in server.requests}
    assert not hosts & {"management.azure.com", "login.microsoftonline.com"}


def test_endpoints_of_ones_own(server, tmp_path, monkeypatch):
    cloud = cloud_of("", "https://login.example.internal", "https://arm.example.internal")
    found = collect(server, tmp_path / "j", monkeypatch, cloud=cloud, registries=("harbourdev",))
    assert len(found.inventory.parts[REGISTRIES]) == 1
    assert {seen.host for seen in server.requests} == {"login.example.internal", "arm.example.internal"}


def test_a_token_that_ends_is_renewed(server, tmp_path, monkeypatch):
    server.faults.append(
        Fault(
            "GET management.*/diagnosticSettings",
            "status",
            times=4,
            status=401,
            headers={"WWW-Authenticate": "Bearer error=x"},
        )
    )
    found = collect(server, tmp_path / "j", monkeypatch)
    assert run_of(found.inventory, "diagnosticSettings").state == "complete"
