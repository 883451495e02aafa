"""Handshakes and plain requests of the probe: a host and an address come in, what happened comes out. Blocking, in threads.

Nothing that identifies us is ever sent: no token, no certificate, no cookie.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
import warnings
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC
from types import MappingProxyType
from typing import Any, NamedTuple

from cryptography import x509

VERSIONS: Mapping[str, ssl.TLSVersion] = MappingProxyType(
    {
        "tls10": ssl.TLSVersion.TLSv1,
        "tls11": ssl.TLSVersion.TLSv1_1,
        "tls12": ssl.TLSVersion.TLSv1_2,
        "tls13": ssl.TLSVersion.TLSv1_3,
    }
)
_LOCAL = frozenset(
    {"NO_PROTOCOLS_AVAILABLE", "NO_CIPHERS_AVAILABLE", "NO_CIPHER_MATCH", "LIBRARY_HAS_NO_CIPHERS"}
)
"""Reasons that arise before anything is sent: our own library cannot offer the version."""
_BODY = 1 << 16


class Address(NamedTuple):
    """Where a host is reached."""

    family: int
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt. `result`: accepted, refused or unknown (see `error`)."""

    result: str
    error: str = ""


def contexts() -> dict[str, ssl.SSLContext | str]:
    """For each version a context that offers it alone, or why this machine cannot. Not to be called from threads."""
    found: dict[str, ssl.SSLContext | str] = {}
    for name, version in VERSIONS.items():
        context = _open()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # old versions are the question here
                context.maximum_version = version
                context.minimum_version = version
                if name != "tls13":
                    context.set_ciphers("ALL:@SECLEVEL=0")
        except (ValueError, ssl.SSLError) as error:
            found[name] = f"this machine's {ssl.OPENSSL_VERSION} cannot offer it: {error}"
        else:
            found[name] = context
    return found


def _open() -> ssl.SSLContext:
    """A context that looks at nothing: what a certificate is worth is a question of its own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def connect(address: Address, seconds: float) -> socket.socket:
    """An open connection. Raises OSError."""
    made = socket.socket(address.family, socket.SOCK_STREAM)
    made.settimeout(seconds)
    try:
        made.connect((address.host, address.port))
    except OSError:
        made.close()
        raise
    return made


def offered(host: str, address: Address, context: ssl.SSLContext | str, seconds: float) -> Tried:
    """Whether a server accepts the one version that a context offers."""
    if isinstance(context, str):
        return Tried("unknown", context)
    try:
        with closing(connect(address, seconds)) as plain, context.wrap_socket(plain, server_hostname=host):
            return Tried("accepted")
    except TimeoutError:
        return Tried("unknown", f"no answer within {seconds:g} s")
    except ssl.SSLError as error:
        reason = error.reason or type(error).__name__
        if reason in _LOCAL:
            return Tried("unknown", f"this machine's {ssl.OPENSSL_VERSION} cannot offer it: {reason}")
        return Tried("refused", reason)
    except (ConnectionResetError, BrokenPipeError) as error:
        return Tried("refused", error.strerror or "connection reset")
    except OSError as error:
        return Tried("unknown", error.strerror or str(error))


def certificate(host: str, address: Address, trust: ssl.SSLContext, seconds: float) -> dict[str, Any]:
    """The certificate of a server: its names and dates, whether its chain is trusted and its name fits.

    Raises OSError (ssl.SSLError among them) where no handshake comes about.
    """
    with (
        closing(connect(address, seconds)) as plain,
        _open().wrap_socket(plain, server_hostname=host) as secure,
    ):
        der = secure.getpeercert(binary_form=True)
    if der is None:
        raise OSError("the server shows no certificate")
    parsed = x509.load_der_x509_certificate(der)
    names = _names(parsed)
    found: dict[str, Any] = {
        "subjectNames": names,
        "issuer": parsed.issuer.rfc4514_string(),
        "notBefore": parsed.not_valid_before_utc.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "notAfter": parsed.not_valid_after_utc.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "nameValid": any(_fits(name, host) for name in names),
    }
    trust.check_hostname = False
    try:
        with closing(connect(address, seconds)) as plain, trust.wrap_socket(plain, server_hostname=host):
            found["chainValid"] = True
    except ssl.SSLCertVerificationError as error:
        found["chainValid"] = False
        found["error"] = error.verify_message
    return found


def _names(parsed: x509.Certificate) -> list[str]:
    try:
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name) for name in names.get_values_for_type(x509.DNSName)]


def _fits(pattern: str, host: str) -> bool:
    """Whether a name of a certificate stands for a host; a star stands for the whole first label (RFC 6125, 6.4.3)."""
    pattern, host = pattern.lower().rstrip("."), host.lower().rstrip(".")
    if pattern.startswith("*."):
        return host.partition(".")[2] == pattern[2:] and bool(host.partition(".")[0])
    return pattern == host


class Answer(NamedTuple):
    """An answer over TLS: status, headers by lower-case name, seconds until it was there."""

    status: int
    headers: dict[str, str]
    seconds: float


def ask(host: str, address: Address, method: str, path: str, seconds: float) -> Answer:
    """One request without anything that identifies us. Raises OSError or http.client.HTTPException."""
    began = time.monotonic()
    with (
        closing(connect(address, seconds)) as plain,
        _open().wrap_socket(plain, server_hostname=host) as secure,
    ):
        connection = http.client.HTTPConnection(host, timeout=seconds)
        connection.sock = secure
        headers = {"User-Agent": "acrscan-probe", "Accept": "application/json", "Connection": "close"}
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, body=b"" if method == "POST" else None, headers=headers)
        response = connection.getresponse()
        response.read(_BODY)
        told = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, told, time.monotonic() - began)
