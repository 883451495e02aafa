"""The probe against real servers: old TLS accepted and refused, bad certificates, no challenge, hangs, closed ports, no name."""

from __future__ import annotations

import socket
import ssl
from dataclasses import replace

import pytest

from scanner import pipeline
from scanner.data import policies
from scanner.engine.evaluate import Options as Evaluation
from scanner.inventory import _handshake, probe
from scanner.inventory._handshake import Address
from scanner.inventory.extras import extras_for
from scanner.inventory.probe import Options
from scanner.inventory.record import ListPart
from scanner.language.pack import load_pack
from scanner.model.finding import Verdict
from scanner.model.resource import Inventory, SourceRun
from scanner.model.values import Unknown
from tests.azure_server import running
from tests.azure_server.ca import authority
from tests.inventory.live import collect, run_of
from tests.inventory.tls_servers import context, plain, registry, serving

R = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/contoso"
HOST = "contoso.azurecr.io"
NOW = "2026-11-25T02:00:00Z"
V = ssl.TLSVersion
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


def results(resource, step):
    return resource.body["properties"][step]


@pytest.fixture(scope="module")
def pack():
    return load_pack(policies() / "acr")


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
    assert results(found, "tls") == {
        "tls10": "refused",
        "tls11": "refused",
        "tls12": "accepted",
        "tls13": "accepted",
    }
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


def test_a_library_that_cannot_offer_a_version_says_so(ca, modern, pack):
    with serving(modern) as server:
        options = Options(
            NOW, 3.0, lambda *_: [server.address], lambda: ssl.create_default_context(cafile=str(ca.file))
        )
        lame = {**options.versions, "tls10": "this machine's OpenSSL cannot offer it: no TLS 1.0"}
        (found,) = probe.probe(R, {"loginServer": HOST}, replace(options, versions=lame))
    assert "cannot offer it" in found.unread["/properties/tls/tls10"]
    assert verdicts(pack, found)["ACR203"] is Verdict.UNKNOWN


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


@pytest.mark.parametrize(
    ("script", "step", "words"),
    [
        (plain("200 OK"), "challenge", "answered 200 without a challenge"),
        (plain("403 Forbidden"), "challenge", "answered 403 without a challenge"),
        (plain("401 Unauthorized", only="/v2/"), "challenge", "names no place for tokens"),
        (plain("404 Not Found", only="/oauth2/exchange"), "token", "/oauth2/exchange answered 404"),
        (plain("503 Unavailable", only="/oauth2/token"), "token", "/oauth2/token answered 503"),
    ],
)
def test_challenges_and_tokens(ca, modern, pack, script, step, words):
    with serving(modern, script) as server:
        found = go(server, ca)
    assert results(found, step)["result"] == "failed"
    assert words in results(found, step)["error"]
    assert verdicts(pack, found)["ACR904"] is Verdict.FAIL


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


def test_a_server_that_never_speaks_tls_is_unknown_not_refused(ca, pack):
    with serving(None) as server:
        found = go(server, ca, seconds=0.3)
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


def test_data_and_regional_endpoints_are_probed_too(ca, modern):
    with serving(modern) as server:
        options = Options(
            NOW, 3.0, lambda *_: [server.address], lambda: ssl.create_default_context(cafile=str(ca.file))
        )
        found = probe.probe(
            R,
            {"loginServer": HOST, "dataEndpointEnabled": True, "dataEndpointHostNames": ["contoso.data.azurecr.io", 5, "no host!"], "regionalEndpointHostNames": ["contoso.westeurope.geo.azurecr.io"]},
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
