"""Root certificates of debugging proxies in the trust stores of a host."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from tests.inventory.host.building import DPKG, STATUS, certificate, properties, put, refuse, rows, verdict

OWN = "usr/local/share/ca-certificates"
BUNDLE = "etc/ssl/certs/ca-certificates.crt"


@pytest.fixture
def root(tmp_path):
    """A host with a current Docker, whose bundle holds an honest authority."""
    return put(
        tmp_path, {STATUS: DPKG, BUNDLE: certificate("Charles Sturt Example CA") + certificate("Root 2")}
    )


def test_honest_authorities_pass(root):
    """A name that only resembles a product's is none."""
    assert properties(root)["interception"] == []
    assert verdict(root, "ACR809") == "pass"


@pytest.mark.parametrize(
    ("name", "organization", "product"),
    [
        ("DO_NOT_TRUST_FiddlerRoot", "DO_NOT_TRUST", "Fiddler"),
        ("Fiddler Root Certificate Authority", "Progress Telerik Fiddler", "Fiddler"),
        ("mitmproxy", "mitmproxy", "mitmproxy"),
        ("Charles Proxy CA (1 Jan 2026, build-1)", "XK72 Ltd", "Charles"),
        ("PortSwigger CA", "PortSwigger", "Burp Suite"),
        ("OWASP Zed Attack Proxy Root CA", "OWASP Root CA", "ZAP"),
    ],
)
def test_products_are_known_by_the_subject(root, name, organization, product):
    """The finding names product and file, and stands where the certificate begins."""
    pem = certificate(name, organization=organization)
    put(root, {f"{OWN}/proxy.crt": b"# comment\n" + pem})
    (row,) = rows(root, "ACR809")
    assert row.verdict.value == "fail"
    assert f"a rootCertificate at /{OWN}/proxy.crt (address (not set), product {product})" in row.message
    assert (row.places[0].file, row.places[0].line) == (f"{root.as_posix()}/{OWN}/proxy.crt", 2)


def test_a_certificate_in_many_files_is_one_finding(root):
    """The bundle is made from the folder; the first file that holds it is named."""
    pem = certificate("mitmproxy")
    put(root, {BUNDLE: certificate("Root 2") + pem, f"{OWN}/a.crt": pem, f"{OWN}/deep/b.pem": pem})
    (row,) = rows(root, "ACR809")
    assert f"at /{BUNDLE}" in row.message
    assert row.places[0].line > 2


def test_der_files_and_other_folders_are_read(root):
    """Binary certificates too, and authorities of one registry in Docker's own folder."""
    der = x509.load_pem_x509_certificate(certificate("mitmproxy")).public_bytes(Encoding.DER)
    put(root, {"etc/docker/certs.d/contoso.azurecr.io/ca.crt": der})
    assert "certs.d/contoso.azurecr.io/ca.crt" in rows(root, "ACR809")[0].message


@pytest.mark.parametrize(
    "content",
    [b"-----BEGIN CERTIFICATE-----\nbWl0bXByb3h5\n-----END CERTIFICATE-----\n", b"\x30\x82mitmproxy"],
)
def test_a_certificate_that_cannot_be_decoded_is_unknown(root, content):
    """It names a product and might be its root."""
    put(root, {f"{OWN}/broken.crt": content})
    assert verdict(root, "ACR809") == "unknown"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"-----BEGIN CERTIFICATE-----\n=\n-----END CERTIFICATE-----",
        b"-----BEGIN CERTIFICATE-----" * 1_000,
        b"\xff" * 1_000,
    ],
)
def test_rubbish_in_a_trust_store_is_no_certificate(root, content):
    """No trust store takes it either."""
    put(root, {f"{OWN}/rubbish.crt": content})
    assert verdict(root, "ACR809") == "pass"


def test_a_product_in_another_field_is_none(root):
    """The subject has to name it: here the alternative name of a server does."""
    key = ec.generate_private_key(ec.SECP256R1())
    found = x509.load_pem_x509_certificate(certificate("server"))
    made = (
        x509.CertificateBuilder()
        .subject_name(found.subject)
        .issuer_name(found.subject)
        .public_key(key.public_key())
        .serial_number(2)
        .not_valid_before(found.not_valid_before_utc)
        .not_valid_after(found.not_valid_after_utc)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("mitmproxy.example.org")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    put(root, {f"{OWN}/server.crt": made.public_bytes(Encoding.PEM)})
    assert verdict(root, "ACR809") == "pass"


def test_a_folder_that_cannot_be_listed_is_unknown(root, monkeypatch):
    """A root certificate may lie in it; so it is with a bundle that cannot be read."""
    put(root, {f"{OWN}/a.crt": certificate("Root 3")})
    refuse(monkeypatch, "ca-certificates")
    assert verdict(root, "ACR809") == "unknown"


def test_the_number_of_files_is_bounded(root, monkeypatch):
    """More than allowed leave the list open."""
    monkeypatch.setattr("scanner.inventory.host.certificates._MAX_FILES", 2)
    put(root, {f"{OWN}/{number}.crt": "" for number in range(3)})
    assert verdict(root, "ACR809") == "unknown"
