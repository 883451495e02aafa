"""The probe against real servers: old TLS accepted and refused, bad certificates, no challenge, hangs, closed ports, no name."""

from __future__ import annotations

import socket
import ssl
import threading
import warnings
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID

from scanner import pipeline
from scanner.engine.evaluate import Options as Evaluation
from scanner.inventory import _handshake, probe
from scanner.inventory._azure.session import proxy_for
from scanner.inventory._handshake import Address
from scanner.inventory.extras import extras_for
from scanner.inventory.probe import Options
from scanner.inventory.record import ListPart
from scanner.model.finding import Verdict
from scanner.model.resource import Inventory, SourceRun
from scanner.model.values import Unknown
from tests.azure_server import running
from tests.azure_server.ca import authority
from tests.inventory.live import collect, run_of
from tests.inventory.tls_servers import context, dead_end, plain, registry, serving

R = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/contoso"
HOST = "contoso.azurecr.io"
NOW = "2026-11-25T02:00:00Z"
V = ssl.TLSVersion
STEPS = ("dns", "tcp", "tls", "certificate", "challenge", "token")
CAN_OLD = all(isinstance(_handshake.contexts()[name], ssl.SSLContext) for name in ("tls10", "tls11"))


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    return authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def files(ca, tmp_path_factory):
    return ca.issue(tmp_path_factory.mktemp("server"), "server", (HOST, "*.data.azurecr.io"), days=90)


@pytest.fixture(scope="module")
def modern(files):
    return context(files, V.TLSv1_2, V.TLSv1_3)


def go(server, ca, *, seconds=3.0, resolve=None, **properties):
    """Probe a registry whose every name leads to a server; gives its login endpoint."""

    def leads(_host, _port):
        return [server.address]

    options = Options(
        NOW,
        seconds,
        resolve or leads,
        lambda: ssl.create_default_context(cafile=str(ca.file)),
        _handshake.contexts(),
    )
    found = probe.probe(R, {"loginServer": HOST, **properties}, options)
    assert [item.type for item in found] == ["acrscan/endpoints"] * len(found)
    return found[0]


def challenging(realm):
    """A registry that names this place for tokens."""

    def script(host, method, path):
        told = f'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer realm="{realm}",service="s"\r\n\r\n'
        return told.encode() if path == "/v2/" else registry(host, method, path)

    return script


def results(resource, step):
    return resource.body["properties"][step]


def verdicts(pack, *resources):
    """Rule -> verdict over endpoints."""
    run = SourceRun("azure", "acrscan/endpoints", "complete", len(resources))
    inventory = Inventory({"acrscan/endpoints": ListPart("acrscan/endpoints", resources)}, (run,), "", NOW)
    scan = pipeline.scan(pack, inventory, now=NOW, words="test", options=Evaluation(keep_passes=True))
    return {item.rule: item.verdict for item in scan.findings if item.resource_type == "acrscan/endpoints"}


def test_a_registry_as_it_should_be(ca, modern, pack):
    with serving(modern) as server:
        found = go(server, ca)
    assert results(found, "dns")["result"] == "ok"
    assert results(found, "tcp")["result"] == "ok"
    tls = results(found, "tls")
    assert {name: tls[name] for name in _handshake.VERSIONS} == {
        "tls10": "refused",
        "tls11": "refused",
        "tls12": "accepted",
        "tls13": "accepted",
    }
    assert set(tls["errors"]) == {"tls10", "tls11"}
    assert "ALERT_PROTOCOL_VERSION" in tls["errors"]["tls10"]
    assert all(results(found, step)["seconds"] >= 0 for step in STEPS)
    assert results(found, "certificate")["chainValid"] is True
    assert results(found, "certificate")["nameValid"] is True
    assert results(found, "challenge")["status"] == 401
    assert results(found, "token") | {"seconds": 0} == {
        "result": "ok",
        "tokenStatus": 401,
        "exchangeStatus": 400,
        "seconds": 0,
    }
    assert set(verdicts(pack, found).values()) == {Verdict.PASS}
    assert not found.unread


def test_nothing_that_identifies_us_is_sent(ca, modern):
    with serving(modern) as server:
        go(server, ca)
    assert len(server.asked) == 3
    for head in server.asked:
        assert "authorization" not in head.lower()
        assert "cookie" not in head.lower()


@pytest.mark.skipif(not CAN_OLD, reason="this OpenSSL cannot speak TLS 1.0 and 1.1 at all")
@pytest.mark.parametrize(
    ("lowest", "highest", "accepted"),
    [
        (V.TLSv1, V.TLSv1_3, {"tls10", "tls11", "tls12", "tls13"}),
        (V.TLSv1, V.TLSv1, {"tls10"}),
        (V.TLSv1_1, V.TLSv1_2, {"tls11", "tls12"}),
        (V.TLSv1_2, V.TLSv1_2, {"tls12"}),
        (V.TLSv1_3, V.TLSv1_3, {"tls13"}),
    ],
)
def test_versions_are_really_tried(ca, files, pack, lowest, highest, accepted):
    with serving(context(files, lowest, highest)) as server:
        found = go(server, ca)
    assert {name for name, result in results(found, "tls").items() if result == "accepted"} == accepted
    expected = Verdict.FAIL if accepted & {"tls10", "tls11"} else Verdict.PASS
    assert verdicts(pack, found)["ACR203"] is expected
    assert results(found, "challenge")["result"] == "ok", "asked in a version that the server accepts"
    assert results(found, "certificate")["nameValid"] is True
    if highest < V.TLSv1_2:
        assert "/properties/certificate/chainValid" in found.unread, (
            "checked only in versions that are trusted"
        )


def test_a_library_that_cannot_offer_a_version_says_so(ca, modern, pack):
    with serving(modern) as server:
        options = Options(
            NOW, 3.0, lambda *_: [server.address], lambda: ssl.create_default_context(cafile=str(ca.file))
        )
        lame = {**options.versions, "tls10": "this machine's OpenSSL cannot offer it: no TLS 1.0"}
        (found,) = probe.probe(R, {"loginServer": HOST}, replace(options, versions=lame))
    assert "cannot offer it" in found.unread["/properties/tls/tls10"]
    assert verdicts(pack, found)["ACR203"] is Verdict.UNKNOWN


def test_a_library_without_ciphers_for_a_version_says_so_too(ca, modern):
    """Found out only in the handshake, before anything is sent."""
    lame = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    lame.check_hostname = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        lame.maximum_version = V.TLSv1_1
        lame.minimum_version = V.TLSv1_1
    lame.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
    with serving(modern) as server:
        said = _handshake.offered(HOST, server.address, lame, 3.0)
    assert said.result == "unknown"
    assert "cannot offer it" in said.error


@pytest.mark.parametrize("old", ["reset", "close"])
def test_a_connection_that_ends_after_the_offer_is_a_refusal(ca, modern, pack, old):
    with serving(modern, old=old) as server:
        found = go(server, ca)
    assert results(found, "tls")["tls10"] == results(found, "tls")["tls11"] == "refused"
    assert verdicts(pack, found)["ACR203"] is Verdict.PASS


def test_silence_about_an_old_version_is_no_refusal(ca, modern, pack):
    with serving(modern, old="hang") as server:
        found = go(server, ca, seconds=0.5)
    assert found.unread == {
        f"/properties/tls/{name}": "no answer within 0.5 s" for name in ("tls11", "tls10")
    }
    assert found.body["properties"]["timedOut"] is False, "nobody needs these versions"
    said = verdicts(pack, found)
    assert said["ACR203"] is Verdict.UNKNOWN
    assert said["ACR905"] is Verdict.PASS


@pytest.mark.parametrize(
    ("reason", "result"),
    [
        ("TLSV1_ALERT_PROTOCOL_VERSION", "refused"),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", "refused"),
        ("TLSV1_ALERT_INSUFFICIENT_SECURITY", "refused"),
        ("UNSUPPORTED_PROTOCOL", "refused"),
        ("NO_PROTOCOLS_AVAILABLE", "unknown"),
        ("INVALID_DIGEST", "unknown"),
        ("DH_KEY_TOO_SMALL", "unknown"),
        ("TLSV1_UNRECOGNIZED_NAME", "unknown"),
    ],
)
def test_only_what_the_server_said_about_the_version_is_a_refusal(reason, result):
    """A policy of this machine ends handshakes that the server went along with; they must not look like refusals."""
    error = ssl.SSLError(1, reason)
    error.reason = reason
    assert _handshake._judged(error).result == result


@pytest.mark.parametrize(
    ("names", "days", "trusted", "words"),
    [
        ((HOST,), -1, True, "expired"),
        (("other.azurecr.io",), 90, True, ""),
        ((HOST,), 90, False, "certificate"),
        ((HOST,), 5, True, ""),
    ],
)
def test_certificates(ca, tmp_path, pack, names, days, trusted, words):
    issuer = ca if trusted else authority(tmp_path, "other")
    bad = issuer.issue(tmp_path, "bad", names, days=days)
    with serving(context(bad, V.TLSv1_2, V.TLSv1_3)) as server:
        found = go(server, ca)
    said = results(found, "certificate")
    assert said["chainValid"] is (trusted and days > 0)
    assert said["nameValid"] is (names == (HOST,))
    assert words in said.get("error", "")
    assert verdicts(pack, found)["ACR204"] is Verdict.FAIL
    assert results(found, "challenge")["result"] == "ok", (
        "a bad certificate is one thing, the challenge another"
    )


def test_a_certificate_that_cannot_be_read(ca, tmp_path, pack):
    """Names that are no names: libraries complete the handshake, parsers give up."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    odd = x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, b"\x30\x03\x82\x01\xff")
    made = (
        x509.CertificateBuilder()
        .subject_name(ca.certificate.subject)
        .issuer_name(ca.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(odd, critical=False)
        .sign(ca.key, hashes.SHA256())
    )
    files = tmp_path / "odd.pem", tmp_path / "odd.key"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    with serving(context(files, V.TLSv1_2, V.TLSv1_3)) as server:
        found = go(server, ca)
    assert "could not be read" in found.unread["/properties/certificate"]
    said = verdicts(pack, found)
    assert said["ACR204"] is Verdict.UNKNOWN
    assert said["ACR904"] is Verdict.PASS


@pytest.mark.parametrize(
    ("script", "step", "words"),
    [
        (plain("200 OK"), "challenge", "answered 200 without a challenge"),
        (plain("403 Forbidden"), "challenge", "answered 403 without a challenge"),
        (plain("401 Unauthorized", only="/v2/"), "challenge", "names no place for tokens"),
        (plain("404 Not Found", only="/oauth2/exchange"), "token", "/oauth2/exchange answered 404"),
        (plain("503 Unavailable", only="/oauth2/token"), "token", "/oauth2/token answered 503"),
        (plain("403 Forbidden", only="/oauth2"), "token", "/oauth2/token answered 403"),
        (plain("200 OK", only="/oauth2/exchange"), "token", "/oauth2/exchange answered 200"),
        (challenging("https://[contoso"), "challenge", "names no place for tokens"),
        (challenging("http://contoso.azurecr.io/oauth2/token"), "challenge", "names no place for tokens"),
        (lambda *_: b"220 smtp.example ready\r\n\r\n", "challenge", "not HTTP"),
        (lambda *_: b"HTTP/1.1 401 Unauthorized\r\n" + b"X: y\r\n" * 20000, "challenge", "without end"),
        (lambda *_: b"", "challenge", "closed before an answer"),
    ],
)
def test_challenges_and_tokens(ca, modern, pack, script, step, words):
    with serving(modern, script) as server:
        found = go(server, ca)
    assert results(found, step)["result"] == "failed"
    assert words in results(found, step)["error"]
    assert verdicts(pack, found)["ACR904"] is Verdict.FAIL


@pytest.mark.parametrize(
    "script",
    [
        challenging(f"https://{HOST}:443/oauth2/token"),
        challenging(f"https://{HOST.upper()}/oauth2/token"),
        plain("200 OK", only="/oauth2/token"),
        lambda *asked: registry(*asked).replace(b"WWW-Auth", b"WWW-Authenticate: Basic realm=x\r\nwww-auth"),
    ],
    ids=["port", "case", "anonymous pull", "two challenges"],
)
def test_answers_that_are_as_good(ca, modern, pack, script):
    with serving(modern, script) as server:
        found = go(server, ca)
    assert results(found, "token")["result"] == "ok"
    assert verdicts(pack, found)["ACR904"] is Verdict.PASS


@pytest.mark.parametrize(
    ("path", "unread"), [("/v2/", {"challenge", "token"}), ("/oauth2/exchange", {"token"})]
)
def test_throttling_says_nothing(ca, modern, pack, path, unread):
    with serving(modern, plain("429 Too Many Requests", only=path)) as server:
        found = go(server, ca)
    assert found.unread == {f"/properties/{step}": "the registry throttles (429)" for step in unread}
    assert verdicts(pack, found)["ACR904"] is Verdict.UNKNOWN


def test_a_realm_elsewhere(ca, modern):
    def script(host, method, path):
        return registry("evil.example", method, path)

    with serving(modern, script) as server:
        found = go(server, ca)
    assert results(found, "token") == {
        "result": "failed",
        "error": "tokens are said to be at evil.example",
        "seconds": results(found, "token")["seconds"],
    }
    assert len(server.asked) == 1


def test_an_answer_that_takes_too_long(ca, modern, pack):
    with serving(modern, delay=1.5) as server:
        found = go(server, ca, seconds=0.7)
    assert found.body["properties"]["timedOut"] is True
    assert results(found, "challenge")["error"] == "no answer within 0.7 s"
    assert verdicts(pack, found)["ACR905"] is Verdict.FAIL


def test_an_answer_byte_by_byte_is_not_waited_for(ca, modern):
    with serving(modern, drip=0.1) as server:
        found = go(server, ca, seconds=0.5)
    assert results(found, "challenge")["error"] == "no answer within 0.5 s"
    assert results(found, "challenge")["seconds"] < 2, "the whole answer would take more than 10"


def test_a_server_that_speaks_no_tls(ca, pack):
    with serving(None, greeting=b"HTTP/1.1 400 Bad Request\r\n\r\n") as server:
        found = go(server, ca)
    assert "no TLS handshake came about" in found.unread["/properties/tls"]
    assert verdicts(pack, found)["ACR203"] is Verdict.UNKNOWN


def test_a_server_that_never_speaks_tls_is_unknown_not_refused(ca, pack):
    with serving(None) as server:
        found = go(server, ca, seconds=0.3)
    assert found.body["properties"]["timedOut"] is True
    assert verdicts(pack, found)["ACR905"] is Verdict.FAIL
    assert "no TLS handshake came about" in found.unread["/properties/tls"]
    assert isinstance(results(found, "tls"), Unknown)
    said = verdicts(pack, found)
    assert said["ACR203"] is Verdict.UNKNOWN
    assert said["ACR204"] is Verdict.UNKNOWN
    assert said["ACR904"] is Verdict.UNKNOWN


def test_a_closed_port(ca, pack):
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    found = go(None, ca, resolve=lambda *_: [Address(socket.AF_INET, "127.0.0.1", port)])
    assert results(found, "tcp")["result"] == "failed"
    assert "refused" in results(found, "tcp")["error"].lower()
    said = verdicts(pack, found)
    assert said["ACR905"] is Verdict.FAIL
    assert said["ACR203"] is Verdict.UNKNOWN


def test_the_second_address_answers_where_the_first_does_not(ca, modern):
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    with serving(modern) as server:
        both = [Address(socket.AF_INET, "127.0.0.1", port), server.address]
        found = go(server, ca, resolve=lambda *_: both)
    assert results(found, "tcp")["result"] == "ok"


def test_an_address_that_never_answers_leaves_time_for_the_next(ca, modern):
    with serving(modern) as server, dead_end() as nowhere:
        found = go(server, ca, seconds=0.6, resolve=lambda *_: [nowhere, server.address])
        alone = go(None, ca, seconds=0.3, resolve=lambda *_: [nowhere])
    assert results(found, "tcp")["result"] == "ok"
    assert found.body["properties"]["timedOut"] is False
    assert results(alone, "tcp")["error"] == "no answer within 0.3 s"
    assert alone.body["properties"]["timedOut"] is True


def test_a_resolver_that_takes_too_long(ca, pack):
    ended = threading.Event()

    def slow(_host, _port):
        ended.wait(5)
        return []

    found = go(None, ca, seconds=0.2, resolve=slow)
    ended.set()
    assert results(found, "dns")["error"] == "no answer within 0.2 s"
    assert found.body["properties"]["seconds"] < 1
    said = verdicts(pack, found)
    assert said["ACR903"] is said["ACR905"] is Verdict.FAIL


def test_a_name_without_an_address(ca):
    found = go(None, ca, resolve=lambda *_: [])
    assert results(found, "dns")["error"] == "the name has no address"
    assert "private" not in results(found, "dns")


def test_a_proxy_that_the_probe_does_not_use_is_named(ca, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    proxy_for.cache_clear()
    found = go(None, ca, resolve=lambda *_: [])
    proxy_for.cache_clear()
    assert "does not use the proxy" in results(found, "dns")["error"]


def test_a_name_that_does_not_resolve(ca, pack):
    def nothing(host, _port):
        raise socket.gaierror(-2, "Name or service not known")

    found = go(None, ca, resolve=nothing)
    assert results(found, "dns") == {
        "result": "failed",
        "error": "Name or service not known",
        "seconds": results(found, "dns")["seconds"],
    }
    said = verdicts(pack, found)
    assert said["ACR903"] is Verdict.FAIL
    assert said["ACR905"] is Verdict.UNKNOWN


def test_the_real_resolver_is_asked_by_default(ca):
    options = Options(NOW, 1.0)
    (found,) = probe.probe(R, {"loginServer": "nowhere.invalid"}, options)
    assert results(found, "dns")["result"] == "failed"


@pytest.mark.parametrize(
    ("addresses", "private", "verdict"),
    [
        (["20.1.2.3"], False, Verdict.FAIL),
        (["10.1.0.4"], True, Verdict.PASS),
        (["10.1.0.4", "20.1.2.3"], False, Verdict.FAIL),
        (["100.64.1.1"], True, Verdict.PASS),
        (["fd00::4"], True, Verdict.PASS),
        (["172.31.0.4", "192.168.0.4"], True, Verdict.PASS),
        (["172.32.0.4"], False, Verdict.FAIL),
        (["127.0.0.1"], False, Verdict.FAIL),
        (["0.0.0.0"], False, Verdict.FAIL),  # what filters answer for a blocked name
        (["2603:1030::1"], False, Verdict.FAIL),
    ],
)
def test_where_the_name_of_a_closed_registry_leads(ca, pack, monkeypatch, addresses, private, verdict):
    """No connection is made: the port of these addresses leads nowhere."""

    def unreachable(address, seconds):
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(_handshake, "connect", unreachable)
    found = go(
        None,
        ca,
        resolve=lambda *_: [Address(socket.AF_INET, one, 443) for one in addresses],
        publicNetworkAccess="Disabled",
    )
    assert results(found, "dns")["private"] is private
    assert results(found, "dns")["expectedPrivate"] is True
    assert verdicts(pack, found)["ACR903"] is verdict


def connection(status):
    return {"properties": {"privateLinkServiceConnectionState": {"status": status}}}


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"publicNetworkAccess": "Disabled"}, True),
        ({"publicNetworkAccess": "Enabled"}, None),
        ({"publicNetworkAccess": "Enabled", "privateEndpointConnections": [connection("Approved")]}, None),
        ({"privateEndpointConnections": [connection("Pending"), connection("Rejected")]}, None),
        ({"privateEndpointConnections": [None, {"properties": 5}, "x"]}, None),
        ({"privateEndpointConnections": "x"}, None),
        ({}, None),
    ],
)
def test_where_private_addresses_are_expected(ca, modern, properties, expected):
    """All endpoints of a registry have their address at its private endpoints, not the login server alone."""
    names = {
        "dataEndpointHostNames": ["c.data.azurecr.io"],
        "regionalEndpointHostNames": ["c.geo.azurecr.io"],
    }
    with serving(modern) as server:
        options = Options(
            NOW, 3.0, lambda *_: [server.address], lambda: ssl.create_default_context(cafile=str(ca.file))
        )
        found = probe.probe(R, {"loginServer": HOST, **names, **properties}, options)
    assert [results(one, "dns").get("expectedPrivate") for one in found] == [expected] * 3


@pytest.mark.parametrize(
    "name", ["a..azurecr.io", ".azurecr.io", f"{'a' * 64}.azurecr.io", "a b", "-a.io", "", 5, None]
)
def test_names_that_are_no_names_are_passed_over(name):
    options = Options(NOW, 1.0, probe.resolved, versions={})
    assert probe.probe(R, {"loginServer": name}, options) == []


def test_data_and_regional_endpoints_are_probed_too(ca, modern):
    with serving(modern) as server:
        options = Options(
            NOW, 3.0, lambda *_: [server.address], lambda: ssl.create_default_context(cafile=str(ca.file))
        )
        found = probe.probe(
            R,
            {"loginServer": HOST, "dataEndpointEnabled": True, "dataEndpointHostNames": ["contoso.data.azurecr.io", 5, "no host!", HOST.upper(), "contoso.DATA.azurecr.io"], "regionalEndpointHostNames": ["contoso.westeurope.geo.azurecr.io"]},
            options,
        )  # fmt: skip
    assert [(item.body["properties"]["kind"], item.name) for item in found] == [
        ("login", HOST),
        ("data", "contoso.data.azurecr.io"),
        ("regional", "contoso.westeurope.geo.azurecr.io"),
    ]
    assert found[1].body["properties"]["certificate"]["nameValid"] is True
    assert "challenge" not in found[1].body["properties"]


def test_from_a_collection(tmp_path, monkeypatch, pack):
    """`--probe` in a live collection: real names lead nowhere here, and that is what comes out."""
    extras, opt_in = extras_for(None, probe=True)
    with running() as server:
        found = collect(
            server, tmp_path / "j", monkeypatch, registries=("harbourcore",), extras=extras, opt_in=opt_in
        ).inventory
    endpoints = [item.name for item in found.parts["acrscan/endpoints"]]
    assert endpoints == ["harbourcore.azurecr.io", "harbourcore.westeurope.data.azurecr.io"]
    assert run_of(found, "endpoints").state == "complete"
    assert not server.count("azurecr.io")
