"""The probe: a registry comes in, its endpoints with what DNS, TCP, TLS and HTTP answered come out. Opt-in, without login.

Login server, dedicated data endpoints and regional endpoints. Each step is a result with its time; a step that an earlier one
made impossible is unread, neither failed nor refused. TLS 1.0 and 1.1 are really offered, with a library set to allow them.
Sources: https://learn.microsoft.com/azure/container-registry/container-registry-troubleshoot-login (challenge and tokens),
https://learn.microsoft.com/azure/container-registry/container-registry-private-link (names resolve privately),
https://learn.microsoft.com/azure/container-registry/container-registry-faq (TLS 1.2 is required)
"""

from __future__ import annotations

import http.client
import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from scanner.inventory import _handshake
from scanner.inventory._azure.session import tls_context
from scanner.inventory._handshake import Address
from scanner.inventory.artifacts import marked
from scanner.inventory.making import make
from scanner.model.resource import Origin, Resource

ENDPOINTS = "acrscan/endpoints"
_PAIR = re.compile(r'(\w+)="([^"]*)"')
_SHARED = ipaddress.ip_network("100.64.0.0/10")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
Resolve = Callable[[str, int], list[Address]]


def resolved(host: str, port: int) -> list[Address]:
    """The addresses of a host, as this machine resolves it. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    unique = dict.fromkeys(Address(item[0], str(item[4][0]), port) for item in found)
    return list(unique)


@dataclass(frozen=True, slots=True)
class Options:
    """`seconds`: how long a step may take; `resolve`, `trust` and `versions` are replaced in tests. `now`: RFC 3339."""

    now: str
    seconds: float = 5.0
    resolve: Resolve = resolved
    trust: Callable[[], ssl.SSLContext] = tls_context
    versions: Mapping[str, ssl.SSLContext | str] = field(default_factory=_handshake.contexts)


class _Missed(Exception):
    """A step that makes all later ones impossible."""


def probe(registry: str, properties: Mapping[str, Any], options: Options) -> list[Resource]:
    """All endpoints of a registry (its id and properties). Blocking; for a thread of its own."""
    private = _expected(properties)
    return [
        _Endpoint(registry, kind, host, private if kind == "login" else None, options).resource()
        for kind, host in _hosts(properties)
    ]


def _hosts(properties: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(kind, host) of each endpoint; values that are no host names are passed over."""
    data = properties.get("dataEndpointHostNames") if properties.get("dataEndpointEnabled", True) else None
    for kind, names in (
        ("login", [properties.get("loginServer")]),
        ("data", data),
        ("regional", properties.get("regionalEndpointHostNames")),
    ):
        for name in names if isinstance(names, list) else ():
            if isinstance(name, str) and _HOST.fullmatch(name):
                yield kind, name.lower()


def _expected(properties: Mapping[str, Any]) -> bool | None:
    """Whether names should resolve to private addresses here: yes for closed registries, else nothing is expected."""
    if str(properties.get("publicNetworkAccess")).lower() == "disabled":
        return True
    return None


class _Endpoint:
    """One endpoint, step by step."""

    def __init__(self, registry: str, kind: str, host: str, private: bool | None, options: Options) -> None:
        self._registry = registry
        self._kind = kind
        self._host = host
        self._private = private
        self._options = options
        self._found: dict[str, Any] = {"kind": kind, "timedOut": False}
        self._unread: dict[str, str] = {}

    def resource(self) -> Resource:
        """The endpoint with the results of all steps."""
        began = time.monotonic()
        steps = {"dns": self._dns, "tcp": self._tcp, "tls": self._tls, "certificate": self._certificate}
        if self._kind == "login":
            steps |= {"challenge": self._challenge, "token": self._token}
        try:
            for step in steps.values():
                step()
        except _Missed as missed:
            for name in steps:
                if name not in self._found and f"/properties/{name}" not in self._unread:
                    self._unread[f"/properties/{name}"] = str(missed)
        self._found["seconds"] = round(time.monotonic() - began, 3)
        identifier = f"{self._registry}/endpoints/{self._host}"
        raw = {"id": identifier, "name": self._host, "properties": self._found}
        origin = Origin("azure", f"probe of {self._host}", collected_at=self._options.now)
        return marked(make(ENDPOINTS, identifier, raw, origin, None), self._unread)

    def _failed(self, step: str, error: Exception, began: float) -> str:
        """Note a step that did not succeed; gives the words for it."""
        slow = isinstance(error, TimeoutError)
        self._found["timedOut"] = self._found["timedOut"] or slow
        words = f"no answer within {self._options.seconds:g} s" if slow else _words(error)
        taken = round(time.monotonic() - began, 3)
        self._found[step] = {"result": "failed", "error": words, "seconds": taken}
        return words

    def _dns(self) -> None:
        began = time.monotonic()
        try:
            self._addresses = self._options.resolve(self._host, 443)
        except OSError as error:
            words = self._failed("dns", error, began)
            raise _Missed(f"its name does not resolve: {words}") from error
        shown = [address.host for address in self._addresses]
        found = {
            "result": "ok",
            "addresses": shown,
            "private": all(_is_private(address) for address in shown),
            "seconds": round(time.monotonic() - began, 3),
        }
        if self._private is not None:
            found["expectedPrivate"] = self._private
        self._found["dns"] = found

    def _tcp(self) -> None:
        began = time.monotonic()
        trouble: OSError = OSError("no address")
        for address in self._addresses:
            try:
                _handshake.connect(address, self._options.seconds).close()
            except OSError as error:
                trouble = error
            else:
                self._address = address
                taken = round(time.monotonic() - began, 3)
                self._found["tcp"] = {"result": "ok", "address": address.host, "seconds": taken}
                return
        words = self._failed("tcp", trouble, began)
        raise _Missed(f"no connection: {words}") from trouble

    def _tls(self) -> None:
        """Each version alone. Where none is accepted nothing is known: something in between may cut them all."""
        tried = {
            name: _handshake.offered(self._host, self._address, context, self._options.seconds)
            for name, context in self._options.versions.items()
        }
        if not any(one.result == "accepted" for one in tried.values()):
            words = "; ".join(f"{name} {one.error}" for name, one in tried.items())
            raise _Missed(f"no TLS handshake came about: {words}")
        found: dict[str, Any] = {}
        for name, one in tried.items():
            if one.result == "unknown":
                self._unread[f"/properties/tls/{name}"] = one.error
            else:
                found[name] = one.result
        self._found["tls"] = found

    def _certificate(self) -> None:
        try:
            self._found["certificate"] = _handshake.certificate(
                self._host, self._address, self._options.trust(), self._options.seconds
            )
        except OSError as error:
            self._unread["/properties/certificate"] = _words(error)

    def _challenge(self) -> None:
        """`GET /v2/` must answer 401 and say where tokens are had."""
        began = time.monotonic()
        try:
            answer = _handshake.ask(self._host, self._address, "GET", "/v2/", self._options.seconds)
        except (OSError, http.client.HTTPException) as error:
            words = self._failed("challenge", error, began)
            raise _Missed(f"/v2/ did not answer: {words}") from error
        header = answer.headers.get("www-authenticate", "")
        said = dict(_PAIR.findall(header))
        scheme = header.partition(" ")[0]
        found: dict[str, Any] = {
            "status": answer.status,
            "seconds": round(answer.seconds, 3),
            "scheme": scheme,
        }
        found |= {key: said[key] for key in ("realm", "service") if key in said}
        if answer.status == 401 and scheme.lower() == "bearer" and urlsplit(said.get("realm", "")).netloc:
            found["result"] = "ok"
        else:
            found["result"] = "failed"
            found["error"] = f"answered {answer.status} without a challenge for a token" if answer.status != 401 else "the challenge names no place for tokens"  # fmt: skip
        self._found["challenge"] = found
        if found["result"] != "ok":
            raise _Missed("the registry does not challenge, so where its tokens are had is not known")
        self._said = said

    def _token(self) -> None:
        """The token endpoints must be there: without credentials they refuse, which is an answer."""
        service = quote(self._said.get("service", self._host), safe="")
        asked = {
            "tokenStatus": ("GET", f"/oauth2/token?service={service}&scope=registry:catalog:*"),
            "exchangeStatus": ("POST", "/oauth2/exchange"),
        }
        began = time.monotonic()
        found: dict[str, Any] = {"result": "ok"}
        host = urlsplit(self._said["realm"]).netloc.lower()
        if host != self._host:
            found = {"result": "failed", "error": f"tokens are said to be at {host}"}
            asked = {}
        for key, (method, path) in asked.items():
            try:
                answer = _handshake.ask(self._host, self._address, method, path, self._options.seconds)
            except (OSError, http.client.HTTPException) as error:
                self._failed("token", error, began)
                return
            found[key] = answer.status
            if answer.status == 404 or answer.status >= 500:
                found["result"] = "failed"
                found["error"] = f"{path.partition('?')[0]} answered {answer.status}"
        found["seconds"] = round(time.monotonic() - began, 3)
        self._found["token"] = found


def _is_private(address: str) -> bool:
    """Private, unique local, loopback or shared (RFC 6598) addresses."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return parsed.is_private or (parsed.version == 4 and parsed in _SHARED)


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or type(error).__name__
    strerror = error.strerror if isinstance(error, OSError) else ""
    return strerror or str(error) or type(error).__name__
