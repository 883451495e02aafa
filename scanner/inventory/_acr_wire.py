"""Requests to one login server: a path and a scope come in, answers and rows of lists come out, to the last page.

Eight at once, one request per call, until the budget is used up. A redirect to another host is followed once, over https
and without our header; its address is never repeated in a reason, because it may carry a signature of its own.
Sources: https://learn.microsoft.com/rest/api/containerregistry/ (lists, Link header),
https://github.com/opencontainers/distribution-spec/blob/main/spec.md (manifests, referrers),
https://learn.microsoft.com/azure/container-registry/container-registry-faq (the header on redirects)
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from scanner.inventory._acr_token import Sender, Tokens
from scanner.inventory._azure.allow import Kind, RefusedError
from scanner.inventory._azure.client import Call, NotRead, Reply, not_read

AT_ONCE = 8
PAGE = 1000
JSON = "application/json"
_REDIRECTS = (301, 302, 303, 307, 308)
_LINK = re.compile(r"<([^>]*)>([^<]*)")
_NEXT = re.compile(r";\s*rel\s*=\s*\"?next\"?\s*(?:[;,]|$)", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")


class Wire:
    """An authenticated way to one login server. `seconds`: the budget for everything that is asked of it."""

    def __init__(self, sender: Sender, login_server: str, seconds: float) -> None:
        self.host = login_server.lower()
        self._sender = sender
        self._tokens = Tokens(sender, login_server)
        self._seconds = seconds
        self._ends = sender.clock.monotonic() + seconds
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def get(self, path: str, scope: str, accept: str = JSON) -> Reply:
        """One GET of a path, with a token; a refused token is renewed once. Raises `NotRead`."""
        url = f"https://{self.host}{path}"
        async with self._gate:
            reply = await self._asked(url, scope, accept)
            if reply.status == 401:
                self._tokens.drop(scope)
                reply = await self._asked(url, scope, accept)
            if reply.status == 401:
                raise not_read(reply)
            return await self._redirected(reply, accept) if reply.status in _REDIRECTS else reply

    async def object(self, path: str, scope: str) -> tuple[dict[str, Any], str]:
        """(the object that one GET gives, when). Raises `NotRead`."""
        reply = await self.get(path, scope)
        if not isinstance(reply.body, dict):
            raise NotRead("the answer is no object", reply.status)
        return reply.body, reply.at

    async def rows(
        self, path: str, scope: str, key: str, name: str = "", accept: str = JSON
    ) -> AsyncIterator[tuple[Any, Reply]]:
        """All rows of a list with the page they stand on, each once: `name` is the key that tells rows apart.

        Without `name` rows are texts. Raises `NotRead` where the list cannot be read to its end; rows that were given
        before are right, the rest is missing.
        """
        pages: set[str] = set()
        seen: set[str] = set()
        while path:
            if path in pages:
                raise NotRead("the list does not end: a page leads back to one that was read", None, "Loop")
            pages.add(path)
            reply = await self.get(path, scope, accept)
            before, found = len(seen), _list(reply, key)
            for row in found:
                label = row.get(name) if name and isinstance(row, dict) else row
                if not isinstance(label, str) or not label or isinstance(row, str) == bool(name):
                    raise NotRead(f"a row of {key} has no {name or 'name'}", reply.status)
                if label not in seen:
                    seen.add(label)
                    yield row, reply
            path = self._next(path, reply)
            if path and found and len(seen) == before:
                raise NotRead("the list does not end: a page only repeats what was read", None, "Loop")

    async def _asked(self, url: str, scope: str, accept: str) -> Reply:
        # 401 is taken here, because the client would try again with the same token.
        if self._sender.clock.monotonic() > self._ends:
            raise NotRead(
                f"the budget of {self._seconds:,.0f} s for this registry is used up", None, "Deadline"
            )
        headers = {**await self._tokens.headers(scope), "Accept": accept}
        return await self._sender.send(
            Call("GET", url, Kind.LOGIN, self.host, headers, accept=(200, 401, *_REDIRECTS))
        )

    async def _redirected(self, reply: Reply, accept: str) -> Reply:
        """What a redirect leads to, on whatever host, without our header; only once and only over https."""
        place, parts = _apart(reply.url, reply.headers.get("location", ""), "redirected")
        host = (parts.hostname or "").lower()
        if parts.scheme != "https":
            raise NotRead(f"redirected to {parts.scheme}://{host}, not followed", reply.status)
        try:
            return await self._sender.send(Call("GET", place, Kind.DATA, host, {"Accept": accept}))
        except RefusedError as error:
            raise NotRead(f"redirected to {host}, a host that is not asked", reply.status) from error

    def _next(self, path: str, reply: Reply) -> str:
        """The path of the next page, "" after the last one. Raises `NotRead` where it is said to be elsewhere."""
        for target, rest in _LINK.findall(reply.headers.get("link", "")):
            if not _NEXT.search(rest):
                continue
            _, parts = _apart(f"https://{self.host}{path}", target, "the next page is said to be")
            if parts.scheme != "https" or parts.netloc.lower().removesuffix(":443") != self.host:
                place = f"{parts.scheme}://{(parts.hostname or '').lower()}"
                raise NotRead(f"the next page is said to be at {place}, not asked for", reply.status)
            return f"{parts.path}?{parts.query}" if parts.query else parts.path
        return ""


def _apart(base: str, given: str, what: str) -> tuple[str, SplitResult]:
    """(an address in full, its parts). Raises `NotRead`, without the address, for what is none."""
    try:
        url = urljoin(base, given)
        parts = urlsplit(url)
        usable = bool(given) and _HOST.fullmatch((parts.hostname or "").lower()) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username is not None:
        raise NotRead(f"{what} at a place that is no address, not followed")
    return url, parts


def _list(reply: Reply, key: str) -> list[Any]:
    """The rows of a page. An empty list may be null, and of a repository left out. Raises `NotRead` for what is none."""
    body = reply.body
    if isinstance(body, dict) and (key in body or "imageName" in body):
        rows = body.get(key)
        if rows is None:
            return []
        if isinstance(rows, list):
            return rows
    raise NotRead(f"the answer holds no {key}", reply.status)
