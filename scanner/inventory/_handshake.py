"""Handshakes and plain requests of the probe: a host and an address come in, what happened comes out. Blocking, in threads.

Nothing that identifies us is ever sent: no token, no certificate, no cookie. Nothing takes longer than its seconds, however
slowly a server answers. Alerts: https://www.rfc-editor.org/rfc/rfc8446#section-6
"""

from __future__ import annotations

import http.client
import io
import re
import socket
import ssl
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
_REFUSALS = (
    "ALERT_PROTOCOL_VERSION",
    "ALERT_HANDSHAKE_FAILURE",
    "ALERT_INSUFFICIENT_SECURITY",
    "UNSUPPORTED_PROTOCOL",
    "WRONG_VERSION_NUMBER",
    "UNEXPECTED_EOF_WHILE_READING",
)
"""Ends of reasons that say the server did not take the version: an alert about it, an answer in another version, no answer.

Any other reason may be our own library's (a policy of the machine, a weak signature): the server may well accept it.
"""
_HEAD = 1 << 16
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d)[ \r]")


class Address(NamedTuple):
    """Where a host is reached."""

    family: int
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt. `result`: accepted, refused or unknown (see `error`); `slow`: there was no answer in time."""

    result: str
    error: str = ""
    slow: bool = False


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


class _Deadline:
    """Seconds that a step may take altogether; timeouts of sockets alone begin anew with every byte."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left. Raises TimeoutError for none."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


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


@contextmanager
def _secure(
    host: str, address: Address, context: ssl.SSLContext, deadline: _Deadline
) -> Iterator[ssl.SSLSocket]:
    """A connection after its handshake. Raises OSError (ssl.SSLError among them)."""
    with connect(address, deadline.left()) as plain:
        plain.settimeout(deadline.left())
        with context.wrap_socket(plain, server_hostname=host) as secure:
            yield secure


def offered(host: str, address: Address, context: ssl.SSLContext | str, seconds: float) -> Tried:
    """Whether a server accepts the one version that a context offers."""
    if isinstance(context, str):
        return Tried("unknown", context)
    deadline = _Deadline(seconds)
    try:
        plain = connect(address, deadline.left())
    except OSError as error:  # nothing was offered yet, so nothing was refused
        return Tried("unknown", *_trouble(error, seconds))
    try:
        with plain:
            plain.settimeout(deadline.left())
            with context.wrap_socket(plain, server_hostname=host):
                return Tried("accepted")
    except TimeoutError as error:
        return Tried("unknown", *_trouble(error, seconds))
    except ssl.SSLError as error:
        return _judged(error)
    except (ConnectionResetError, BrokenPipeError) as error:
        return Tried("refused", error.strerror or "connection reset")
    except OSError as error:
        return Tried("unknown", *_trouble(error, seconds))


def _trouble(error: OSError, seconds: float) -> tuple[str, bool]:
    """(words, whether there was no answer in time)."""
    if isinstance(error, TimeoutError):
        return f"no answer within {seconds:g} s", True
    return error.strerror or str(error), False


def _judged(error: ssl.SSLError) -> Tried:
    """What a failed handshake says about the version that was offered."""
    reason = error.reason or type(error).__name__
    if reason in _LOCAL:
        return Tried("unknown", f"this machine's {ssl.OPENSSL_VERSION} cannot offer it: {reason}")
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)) or reason.endswith(_REFUSALS):
        return Tried("refused", reason)
    return Tried("unknown", f"the handshake ended with {reason}")


def certificate(
    host: str, address: Address, opened: ssl.SSLContext, trust: ssl.SSLContext, seconds: float
) -> tuple[dict[str, Any], str]:
    """The certificate of a server: its names and dates, whether its chain is trusted and its name fits.

    `opened`: a context that looks at nothing, in a version that the server accepts; so an untrusted or ended certificate
    is read too. The second value says why `chainValid` is not known, or "". Raises OSError (ssl.SSLError among them) where
    no handshake comes about, ValueError for a certificate that cannot be read.
    """
    began = time.monotonic()
    with _secure(host, address, opened, _Deadline(seconds)) as secure:
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
    unknown = ""
    try:
        with _secure(host, address, trust, _Deadline(seconds)):
            found["chainValid"] = True
    except ssl.SSLCertVerificationError as error:
        found["chainValid"] = False
        found["error"] = error.verify_message
    except ssl.SSLError as error:
        unknown = f"the second handshake ended with {error.reason or type(error).__name__}"
    except OSError as error:
        unknown = f"no second handshake: {_trouble(error, seconds)[0]}"
    found["seconds"] = round(time.monotonic() - began, 3)
    return found, unknown


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


def ask(
    host: str, address: Address, opened: ssl.SSLContext, method: str, path: str, seconds: float
) -> Answer:
    """One request without anything that identifies us; the body of its answer is not read. Raises OSError or HTTPException."""
    began = time.monotonic()
    deadline = _Deadline(seconds)
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "User-Agent: acrscan-probe", "Accept: application/json", "Connection: close"]  # fmt: skip
    if method == "POST":
        lines += ["Content-Type: application/x-www-form-urlencoded", "Content-Length: 0"]
    with _secure(host, address, opened, deadline) as secure:
        secure.settimeout(deadline.left())
        secure.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
        head = b""
        while b"\r\n\r\n" not in head:
            secure.settimeout(deadline.left())
            data = secure.recv(8192)
            if not data:
                raise OSError("the connection was closed before an answer")
            head += data
            if len(head) > _HEAD:
                raise OSError("an answer without end")
    line, _, rest = head.partition(b"\r\n")
    status = _STATUS.match(line + b"\r")
    if status is None:
        raise OSError("the answer is not HTTP")
    told: dict[str, str] = {}
    for name, value in http.client.parse_headers(io.BytesIO(rest)).items():
        told[name.lower()] = f"{told[name.lower()]}, {value}" if name.lower() in told else value
    return Answer(int(status[1]), told, time.monotonic() - began)
