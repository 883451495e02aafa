"""Resource Graph: a query and subscriptions come in, page by page its rows come out, checked against the promised total.

Sources: https://learn.microsoft.com/azure/governance/resource-graph/concepts/work-with-data (paging, truncation),
https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources (authorizationScopeFilter)
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from scanner.inventory._azure.client import Call, Client, NotRead, Reply
from scanner.inventory.arm import Page
from scanner.inventory.live import Query

VERSION = "2022-10-01"
BATCH = 250
"""Subscriptions per query; Azure recommends fewer than 300 and cuts answers above 10,000."""
ROWS = 1000
_KEPT = frozenset(
    {"id", "name", "type", "location", "kind", "sku", "identity", "tags", "zones", "properties"}
)  # fmt: skip


async def pages(
    client: Client, query: Query, subscriptions: Sequence[str], *, management_groups: Sequence[str] = ()
) -> AsyncIterator[Page]:
    """All pages of a query over subscriptions (or below management groups)."""
    options: dict[str, Any] = {"$top": ROWS, "resultFormat": "objectArray"}
    if query.above:
        options["authorizationScopeFilter"] = "AtScopeAboveAndBelow"
    body: dict[str, Any] = {"query": query.text, "options": options}
    body.update(
        {"managementGroups": list(management_groups)}
        if management_groups
        else {"subscriptions": list(subscriptions)}
    )
    url = f"{client.cloud.resource_manager}/providers/Microsoft.ResourceGraph/resources?api-version={VERSION}"
    token, seen, given = "", set[str](), set[str]()
    while True:
        if token:
            body = {**body, "options": {**options, "$skipToken": token}}
        reply = await client.send(Call("POST", url, bucket="graph", json=body))
        rows, total, token = _page(reply)
        given.update(str(row.get("id") or len(given)).lower() for row in rows)
        yield Page(rows, f"Resource Graph: {query.name}", reply.at)
        if not token:
            break
        if token in seen:
            raise NotRead("Resource Graph leads back to a page that was read", None, "Loop")
        seen.add(token)
    if total is not None and len(given) < total:
        raise NotRead(f"Resource Graph promised {total:,} rows and gave {len(given):,}", None, "Short")


def _page(reply: Reply) -> tuple[list[dict[str, Any]], int | None, str]:
    """(rows, promised total, skip token). Raises `NotRead` for answers that were cut."""
    body = reply.body
    rows = body.get("data") if isinstance(body, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise NotRead("Resource Graph's answer holds no rows", reply.status)
    if reply.headers.get("x-ms-tenant-subscription-limit-hit", "").lower() == "true":
        raise NotRead(
            "Resource Graph cut its answer: more than 10,000 subscriptions in one query", 200, "SubscriptionLimit"
        )  # fmt: skip
    token = body.get("$skipToken")
    token = token if isinstance(token, str) else ""
    if str(body.get("resultTruncated")).lower() == "true" and not token:
        raise NotRead("Resource Graph cut its answer and names no next page", 200, "Truncated")
    total = body.get("totalRecords")
    return rows, total if isinstance(total, int) and not isinstance(total, bool) else None, token


def plain(row: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """(the resource as its provider writes it, api-version): without Graph's own columns and its nulls."""
    version = row.get("apiVersion")
    body = {key: value for key, value in row.items() if key in _KEPT and value is not None and value != ""}
    return body, version if isinstance(version, str) and version else None
