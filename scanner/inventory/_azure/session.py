"""TLS and proxies: what the environment says comes in; a TLS context, one aiohttp session and a transport come out.

`SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE` and `CURL_CA_BUNDLE` name a file with the authorities to trust; without one, those of
the operating system count. `HTTPS_PROXY` and `NO_PROXY` name proxies.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import requests
import truststore
from azure.core.pipeline.transport import AsyncHttpTransport, RequestsTransport
from requests.adapters import HTTPAdapter

from scanner.errors import UsageError
from scanner.inventory._azure.allow import AllowList, Kind

BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def bundle() -> tuple[str, str]:
    """(variable, file) of the authorities to trust, or ("", "") for those of the operating system."""
    for name in BUNDLES:
        if os.environ.get(name):
            return name, os.environ[name]
    return "", ""


def tls_context() -> ssl.SSLContext:
    """A context for clients. Raises `UsageError` for a bundle that cannot be used."""
    name, file = bundle()
    if not file:
        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context = ssl.create_default_context(
            cafile=None if Path(file).is_dir() else file, capath=file if Path(file).is_dir() else None
        )
    except OSError as error:
        raise UsageError(
            f"the certificates cannot be used: {error.strerror or error}",
            f"{name}={file}",
            "Name a PEM file with the certificates of your authority.",
        ) from error
    return context


@lru_cache(maxsize=256)
def proxy_for(host: str) -> str | None:
    """The proxy for requests to a host, as the environment says (HTTPS_PROXY, NO_PROXY); None for none.

    aiohttp looks this up (and .netrc) in a thread for every request when it is left to it.
    """
    found = getproxies().get("https") or getproxies().get("all")
    return found if found and not proxy_bypass(host) else None


class _Adapter(HTTPAdapter):
    """Uses the one TLS context instead of the list of authorities that `requests` brings."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, ssl_context=self._context, **kwargs)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ARG002 - given by requests
        """Certificates are always required; by whom they may be issued is the context's business."""
        conn.cert_reqs = "CERT_REQUIRED"


class _Session(requests.Session):
    """Looks behind no redirect: `requests` prepares the next request even where it may not send it.

    For that it reads the whole body, however long, and fails at an address that is none.
    """

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 - given by requests
        """None, for every answer."""
        return


def blocking(context: ssl.SSLContext) -> requests.Session:
    """A session for requests that wait for their answer: the same authorities, the environment's proxies, no redirects."""
    session = _Session()
    session.mount("https://", _Adapter(context))
    return session


class Answer(NamedTuple):
    """What came over the wire: the part of azure-core's response that policies and our client look at."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes


class Wire(AsyncHttpTransport[Any, Any]):
    """The transport below the SDK's pipelines: one aiohttp session for all, whole bodies, no redirects, our proxies.

    azure-core's own transport opens a TLS context per request where a bundle is given, and its response object costs more
    than the request. Raises what aiohttp raises.
    """

    def __init__(self, context: ssl.SSLContext, seconds: float) -> None:
        self._context = context
        self._timeout = aiohttp.ClientTimeout(total=seconds)
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Open the session; once."""
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=self._context, limit=0, ttl_dns_cache=300)
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), timeout=self._timeout
            )

    async def close(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __aexit__(self, *_details: object) -> None:
        await self.close()

    async def send(self, request: Any, **_options: Any) -> Any:
        """Send one request and read its whole answer."""
        assert self._session is not None
        async with self._session.request(
            request.method,
            request.url,
            headers=request.headers,
            data=request.content,
            proxy=proxy_for(urlsplit(request.url).hostname or ""),
            allow_redirects=False,
        ) as response:
            return Answer(response.status, response.headers, await response.read())


class TokenTransport(RequestsTransport):  # type: ignore[misc]
    """What credentials send their token requests with: checked against the allow-list like all else."""

    def __init__(self, allowed: AllowList, context: ssl.SSLContext) -> None:
        super().__init__(
            session=blocking(context), session_owner=False, connection_timeout=20, read_timeout=60
        )
        self._allowed = allowed

    def send(self, request: Any, **kwargs: Any) -> Any:
        """Send one token request, if it is one."""
        kind = Kind.AUTHORITY if request.url.lower().startswith("https://") else Kind.MACHINE
        self._allowed.check(kind, request.method, request.url, request.headers)
        return super().send(request, **kwargs)
