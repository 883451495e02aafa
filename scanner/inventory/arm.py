"""Lists of Azure Resource Manager: a path comes in, page by page its rows come out, to the end or `NotRead`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from scanner.inventory._azure.client import Call, Client, NotRead, Reply

MOST_PAGES = 20_000


class Page(NamedTuple):
    """Rows with where and when they were read."""

    rows: list[dict[str, Any]]
    where: str
    at: str


async def pages(
    client: Client, path: str, version: str, bucket: str, *, where: str = "", method: str = "GET"
) -> AsyncIterator[Page]:
    """All pages of a list. `where`: an OData filter.

    Raises `NotRead` also for what is no list, for a page that was given before, and for a next page on another host.
    """
    base = client.cloud.resource_manager
    query = f"api-version={version}" + (f"&$filter={quote(where)}" if where else "")
    url = f"{base}{quote(path, safe='/%')}?{query}"
    shown = f"{path}?api-version={version}"
    seen: set[str] = set()
    while url:
        if url in seen or len(seen) >= MOST_PAGES:
            raise NotRead("the list does not end: a page leads back to one that was read", None, "Loop")
        seen.add(url)
        reply = await client.send(Call(method, url, bucket=bucket))
        rows, url = _page(reply)
        yield Page(rows, shown, reply.at)
        if url and urlsplit(url).netloc.lower().removesuffix(":443") != client.cloud.arm_host:
            raise NotRead(f"the next page is said to be at {urlsplit(url).netloc!r}, not asked for")


def _page(reply: Reply) -> tuple[list[dict[str, Any]], str]:
    body = reply.body
    rows = body.get("value") if isinstance(body, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise NotRead("the answer holds no list", reply.status)
    more = body.get("nextLink") or body.get("@odata.nextLink") or ""
    if not isinstance(more, str):
        raise NotRead("the address of the next page is no text", reply.status)
    return rows, more


async def one(client: Client, path: str, version: str, bucket: str) -> Reply:
    """One resource. Raises `NotRead` (status 404 where there is none)."""
    url = f"{client.cloud.resource_manager}{quote(path, safe='/%')}?api-version={version}"
    reply = await client.send(Call("GET", url, bucket=bucket))
    if not isinstance(reply.body, dict):
        raise NotRead("the answer is no object", reply.status)
    return reply
