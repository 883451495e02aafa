"""The probe: a registry comes in, its endpoints with what DNS, TCP, TLS and HTTP answered come out. Opt-in, without login.

Login server, dedicated data endpoints and regional endpoints. Each step is a result with its time; a step that an earlier one
made impossible is unread, neither failed nor refused. TLS 1.0 and 1.1 are really offered, with a library set to allow them.
The probe connects directly, whatever HTTPS_PROXY says: a proxy would answer for names and addresses in the registry's place.
Sources: https://learn.microsoft.com/azure/container-registry/container-registry-troubleshoot-login (challenge and tokens),
https://learn.microsoft.com/azure/container-registry/container-registry-private-link (names resolve privately),
https://github.com/Azure/acr/blob/main/docs/preview/regional-endpoints/regional-endpoints.md (those of regional endpoints too),
https://learn.microsoft.com/azure/container-registry/container-registry-faq (TLS 1.2 is required)
"""

from __future__ import annotations

import http.client
import ipaddress
import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from scanner.inventory import _handshake
from scanner.inventory._azure.session import proxy_for, tls_context
from scanner.inventory._handshake import Address
from scanner.inventory.artifacts import marked
from scanner.inventory.making import make
from scanner.model.resource import Origin, Resource

ENDPOINTS = "acrscan/endpoints"
_PAIR = re.compile(r'(\w+)="([^"]*)"')
_BEARER = re.compile(r"(?:^|,)\s*(bearer)\s+(.*)", re.IGNORECASE | re.DOTALL)
_PRIVATE = tuple(
    ipaddress.ip_network(one)
    for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
"""RFC 1918, RFC 6598 and RFC 4193. Loopback and 0.0.0.0 are not among them: a filter that blocks a name answers these."""
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")
_SHOWN = 300
"""Characters of a challenge that are kept; a stranger may have written it."""
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
    kinds: dict[str, str] = {}
    for kind, host in _hosts(properties):
        kinds.setdefault(host, kind)
    return [_Endpoint(registry, kind, host, private, options).resource() for host, kind in kinds.items()]


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
    """Whether names should resolve to private addresses: all of a closed registry's.

    A private endpoint holds an address for the login server and for each data and regional endpoint. Of an open registry
    nothing is expected, even with a private endpoint: outside its network the public answer is the right one.
    """
    return True if str(properties.get("publicNetworkAccess")).lower() == "disabled" else None


class _Endpoint:
    """One endpoint, step by step."""

    def __init__(self, registry: str, kind: str, host: str, private: bool | None, options: Options) -> None:
        self._registry = registry
        self._kind = kind
        self._host = host
        self._private = private
        self._options = options
        self._opened: ssl.SSLContext
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
        if step in ("dns", "tcp") and proxy_for(self._host):
            words += " (asked directly: the probe does not use the proxy of this machine)"
        taken = round(time.monotonic() - began, 3)
        self._found[step] = {"result": "failed", "error": words, "seconds": taken}
        return words

    def _dns(self) -> None:
        began = time.monotonic()
        try:
            self._addresses = _within(self._options.seconds, self._options.resolve, self._host)
        except (OSError, UnicodeError) as error:
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
        """The first address that answers; each gets its share of the time, so one that is dead does not use it up."""
        began = time.monotonic()
        trouble: OSError = TimeoutError()
        for number, address in enumerate(self._addresses):
            left = began + self._options.seconds - time.monotonic()
            if left <= 0:
                break
            try:
                _handshake.connect(address, left / (len(self._addresses) - number)).close()
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
        began = time.monotonic()
        tried: dict[str, _handshake.Tried] = {}
        for name, context in reversed(list(self._options.versions.items())):  # later steps use the newest one
            one = _handshake.offered(self._host, self._address, context, self._options.seconds)
            tried[name] = one
            if (
                one.result == "accepted"
                and isinstance(context, ssl.SSLContext)
                and not hasattr(self, "_opened")
            ):
                self._opened = context
            if len(tried) > 1 and all(other.slow for other in tried.values()):
                break
        if not any(one.result == "accepted" for one in tried.values()):
            self._found["timedOut"] = any(one.slow for one in tried.values())
            words = "; ".join(f"{name} {one.error}" for name, one in tried.items())
            raise _Missed(f"no TLS handshake came about: {words}")
        found: dict[str, Any] = {"seconds": round(time.monotonic() - began, 3)}
        errors = {name: one.error for name, one in sorted(tried.items()) if one.result == "refused"}
        for name, one in sorted(tried.items()):
            if one.result == "unknown":
                self._unread[f"/properties/tls/{name}"] = one.error
            else:
                found[name] = one.result
        if errors:
            found["errors"] = errors
        self._found["tls"] = found

    def _certificate(self) -> None:
        try:
            found, unknown = _handshake.certificate(
                self._host, self._address, self._opened, self._options.trust(), self._options.seconds
            )
        except (OSError, ValueError) as error:
            words = _words(error)
            self._unread["/properties/certificate"] = f"the certificate could not be read: {words}"
            return
        self._found["certificate"] = found
        if unknown:
            self._unread["/properties/certificate/chainValid"] = unknown

    def _ask(self, method: str, path: str) -> _handshake.Answer:
        return _handshake.ask(self._host, self._address, self._opened, method, path, self._options.seconds)

    def _challenge(self) -> None:
        """`GET /v2/` must answer 401 and say where tokens are had."""
        began = time.monotonic()
        try:
            answer = self._ask("GET", "/v2/")
        except (OSError, http.client.HTTPException) as error:
            words = self._failed("challenge", error, began)
            raise _Missed(f"/v2/ did not answer: {words}") from error
        if answer.status == 429:
            self._unread["/properties/challenge"] = "the registry throttles (429)"
            raise _Missed("the registry throttles (429)")
        header = answer.headers.get("www-authenticate", "")
        bearer = _BEARER.search(header)
        said = dict(_PAIR.findall(bearer[2])) if bearer else {}
        found: dict[str, Any] = {
            "status": answer.status,
            "seconds": round(answer.seconds, 3),
            "scheme": bearer[1] if bearer else header.partition(" ")[0][:_SHOWN],
        }
        found |= {key: said[key][:_SHOWN] for key in ("realm", "service") if key in said}
        realm = _host_of(said.get("realm", ""))
        if answer.status == 401 and realm:
            found["result"] = "ok"
        else:
            found["result"] = "failed"
            found["error"] = f"answered {answer.status} without a challenge for a token" if answer.status != 401 else "the challenge names no place for tokens"  # fmt: skip
        self._found["challenge"] = found
        if found["result"] != "ok":
            raise _Missed("the registry does not challenge, so where its tokens are had is not known")
        self._realm = realm
        self._service = said.get("service", self._host)[:_SHOWN]

    def _token(self) -> None:
        """The token endpoints must be there: without credentials they refuse (400, 401), which is an answer.

        Where anonymous pull is on, 200 is one too. 403 is what the registry's network rules answer, so nobody gets a token.
        """
        asked = {
            "tokenStatus": ("GET", f"/oauth2/token?service={quote(self._service, safe='')}&scope=registry:catalog:*", (200, 400, 401)),
            "exchangeStatus": ("POST", "/oauth2/exchange", (400, 401)),
        }  # fmt: skip
        began = time.monotonic()
        found: dict[str, Any] = {"result": "ok"}
        if self._realm != self._host:
            found = {"result": "failed", "error": f"tokens are said to be at {self._realm[:_SHOWN]}"}
            asked = {}
        for key, (method, path, answers) in asked.items():
            try:
                answer = self._ask(method, path)
            except (OSError, http.client.HTTPException) as error:
                self._failed("token", error, began)
                return
            if answer.status == 429:
                self._unread["/properties/token"] = "the registry throttles (429)"
                return
            found[key] = answer.status
            if answer.status not in answers and found["result"] == "ok":
                found["result"] = "failed"
                found["error"] = f"{path.partition('?')[0]} answered {answer.status}"
        found["seconds"] = round(time.monotonic() - began, 3)
        self._found["token"] = found


def _within(seconds: float, resolve: Resolve, host: str) -> list[Address]:
    """What a resolver says. Raises OSError, TimeoutError when it takes longer: the system's own has no limit to set."""
    said: queue.SimpleQueue[list[Address] | Exception] = queue.SimpleQueue()

    def work() -> None:
        try:
            said.put(resolve(host, 443))
        except (OSError, UnicodeError) as error:
            said.put(error)

    threading.Thread(target=work, name=f"resolve {host}", daemon=True).start()
    try:
        found = said.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(found, Exception):
        raise found
    if not found:
        raise OSError("the name has no address")
    return found


def _host_of(url: str) -> str:
    """The host of an https address in lower case, or ""."""
    try:
        parts = urlsplit(url)
        return (parts.hostname or "").lower() if parts.scheme == "https" else ""
    except ValueError:
        return ""


def _is_private(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return any(parsed in network for network in _PRIVATE)


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or type(error).__name__
    strerror = error.strerror if isinstance(error, OSError) else ""
    return strerror or str(error) or type(error).__name__
