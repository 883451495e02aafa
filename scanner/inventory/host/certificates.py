"""Root certificates that debugging proxies leave behind: the trust stores of a host come in, rows about such certificates come out.

A certificate is decoded only where its bytes name such a product; the name has to be in its subject.
Sources: https://www.telerik.com/fiddler, https://docs.mitmproxy.org/stable/concepts-certificates/,
https://www.charlesproxy.com/documentation/using-charles/ssl-certificates/
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator

from scanner.inventory.host import rows
from scanner.inventory.host.root import File, Unreadable
from scanner.inventory.host.rows import Facts
from scanner.model.resource import Place

PRODUCTS = (
    ("Fiddler", "DO_NOT_TRUST_FiddlerRoot"),
    ("Fiddler", "Fiddler Root Certificate Authority"),
    ("Fiddler", "FiddlerRoot"),
    ("mitmproxy", "mitmproxy"),
    ("Charles", "Charles Proxy"),
    ("Burp Suite", "PortSwigger CA"),
    ("Proxyman", "Proxyman CA"),
    ("HTTP Toolkit", "HTTP Toolkit CA"),
    ("ZAP", "Zed Attack Proxy Root CA"),
)
"""Product -> what the subject of its root certificate contains."""
BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/var/lib/ca-certificates/ca-bundle.pem",
)
FOLDERS = (
    "/usr/local/share/ca-certificates",
    "/usr/share/ca-certificates",
    "/etc/pki/ca-trust/source/anchors",
    "/usr/share/pki/ca-trust-source/anchors",
    "/etc/pki/trust/anchors",
    "/etc/ca-certificates/trust-source/anchors",
    "/etc/docker/certs.d",
)
_SUFFIXES = (".crt", ".pem", ".cer", ".cert")
_MAX_BUNDLE = 10_000_000
_MAX_FILES = 3_000
_MAX_DEPTH = 4
_PEM = re.compile(
    rb"-----BEGIN (?:TRUSTED )?CERTIFICATE-----([A-Za-z0-9+/=\s]{1,100000})-----END (?:TRUSTED )?CERTIFICATE-----"
)
_NEEDLES = tuple({form for _, words in PRODUCTS for form in (words.encode(), words.encode("utf-16-be"))})


def read_certificates(facts: Facts) -> None:
    """Note the root certificates of debugging proxies, each once."""
    seen: set[str] = set()
    for path in [*BUNDLES, *_below(facts, FOLDERS)]:
        file = facts.root.read(path, _MAX_BUNDLE)
        if isinstance(file, Unreadable):
            facts.missed(file, rows.INTERCEPTION)
        elif file is not None:
            for der, line in _certificates(file):
                _note(facts, der, path, facts.place(path, line), seen)


def _below(facts: Facts, folders: Iterable[str]) -> Iterator[str]:
    """Files of certificates in folders, not behind links to other folders."""
    stack = [(folder, 0) for folder in reversed(folders if isinstance(folders, tuple) else tuple(folders))]
    number = 0
    while stack:
        place, depth = stack.pop()
        listed = facts.root.list(place)
        if isinstance(listed, Unreadable):
            facts.missed(listed, rows.INTERCEPTION)
            continue
        for entry in listed or ():
            number += 1
            if number > _MAX_FILES:
                facts.gap(
                    f"more than {_MAX_FILES:,} files in the folders of trusted certificates",
                    rows.INTERCEPTION,
                )
                return
            path = f"{place}/{entry.name}"
            if entry.kind == "folder" and depth < _MAX_DEPTH:
                stack.append((path, depth + 1))
            elif entry.kind in ("file", "link") and entry.name.lower().endswith(_SUFFIXES):
                yield path


def _certificates(file: File) -> Iterator[tuple[bytes, int]]:
    """The certificates of a file, PEM or DER, with the line that each starts in."""
    if file.data.startswith(b"\x30\x82"):
        yield file.data, 1
        return
    for match in _PEM.finditer(file.data):
        try:
            yield base64.b64decode(match[1]), file.data.count(b"\n", 0, match.start()) + 1
        except (binascii.Error, ValueError):
            continue  # no trust store takes it either


def _note(facts: Facts, der: bytes, path: str, place: Place, seen: set[str]) -> None:
    if not any(needle in der for needle in _NEEDLES):
        return
    from cryptography import x509  # noqa: PLC0415 - heavy, and hardly any host has such a certificate
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

    try:
        found = x509.load_der_x509_certificate(der)
        subject = found.subject.rfc4514_string()
    except ValueError:
        facts.gap(f"{path}: a certificate that names a debugging proxy cannot be decoded", rows.INTERCEPTION)
        return
    product = next((name for name, words in PRODUCTS if words.lower() in subject.lower()), "")
    thumbprint = found.fingerprint(SHA256()).hex()
    if not product or thumbprint in seen:
        return
    seen.add(thumbprint)
    row = {
        "kind": "rootCertificate",
        "product": product,
        "subject": subject,
        "thumbprint": thumbprint,
        "expires": found.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "at": path,
    }
    facts.row(rows.INTERCEPTION, row, place)
