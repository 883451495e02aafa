"""Resource Graph: a request body comes in, an answer page comes out. Understands the small part of KQL that acrscan writes.

`table | where type =~ 'x' | where name in~ ('a', 'b') | where properties has 'x' | project a, b | order by id asc`
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson

from tests.azure_server.state import READER, Json, State

TABLES = {
    "resources": ("microsoft.containerregistry/", "microsoft.network/", "microsoft.containerservice/"),
    "authorizationresources": (
        "microsoft.authorization/roleassignments",
        "microsoft.authorization/roledefinitions",
    ),
    "policyresources": ("microsoft.authorization/policy",),
    "securityresources": ("microsoft.security/",),
    "resourcecontainers": ("microsoft.resources/subscriptions", "microsoft.management/managementgroups"),
}
ABSENT = (
    "tokens", "scopemaps", "cacherules", "credentialsets", "connectedregistries", "privateendpointconnections", "runs",
    "importpipelines", "exportpipelines", "usages", "privatednszonegroups", "subnets",
)  # fmt: skip
"""Last segments of types that Resource Graph does not hold."""
VERSIONS = {"microsoft.containerregistry/registries": "2025-11-01"}
COLUMNS = ("id", "name", "type", "location", "subscriptionId", "kind", "sku", "identity", "tags", "zones", "properties", "apiVersion")  # fmt: skip


class BadQueryError(Exception):
    """A query that this server does not understand."""


class Graph:
    """Answers queries over a state; encoded pages are kept until the state changes."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._kept: dict[tuple[Any, ...], list[bytes]] = {}
        self._version = -1
        self.promised: int | None = None
        """When set, the total that answers claim."""
        self.lag: set[str] = set()
        """Lower-case ids that Resource Graph does not know yet."""

    def answer(self, body: Json) -> bytes:
        """The encoded page. Raises `BadQueryError`."""
        options = body.get("options") or {}
        top = min(int(options.get("$top", 100)), 1000)
        at = int(options.get("$skipToken") or 0)
        key = (
            body["query"], top, tuple(body.get("subscriptions") or ()), tuple(body.get("managementGroups") or ()),
            options.get("authorizationScopeFilter"), self.promised, len(self.lag), repr(self._state.permissions),
        )  # fmt: skip
        if self._version != self._state.version:
            self._kept.clear()
            self._version = self._state.version
        if key not in self._kept:
            self._kept[key] = list(self._pages(body, options, top))
        pages = self._kept[key]
        return pages[at] if at < len(pages) else pages[-1]

    def _pages(self, body: Json, options: Json, top: int) -> Any:
        rows = self._rows(body, options)
        total = len(rows) if self.promised is None else self.promised
        count = max(1, -(-len(rows) // top))
        for at in range(count):
            page = rows[at * top : (at + 1) * top]
            more = {"$skipToken": str(at + 1)} if at + 1 < count else {}
            yield orjson.dumps(
                {
                    "totalRecords": total,
                    "count": len(page),
                    "resultTruncated": "true" if more else "false",
                    **more,
                    "facets": [],
                    "data": page,
                }
            )

    def _rows(self, body: Json, options: Json) -> list[Json]:
        table, *clauses = [part.strip() for part in body["query"].split("|")]
        kinds = TABLES.get(table)
        if kinds is None:
            raise BadQueryError(f"'{table}' is no table")
        above = options.get("authorizationScopeFilter") == "AtScopeAboveAndBelow"
        wanted = {one.lower() for one in body.get("subscriptions") or ()}
        below = body.get("managementGroups") or ()
        if below:
            wanted = self._below({name.lower() for name in below}) or {"none"}
        tests, columns = [], COLUMNS
        for clause in clauses:
            if clause.startswith("where "):
                tests.append(_test(clause.removeprefix("where ")))
            elif clause.startswith("project "):
                columns = tuple(name.strip() for name in clause.removeprefix("project ").split(","))
            elif clause != "order by id asc":
                raise BadQueryError(f"'{clause}' is not understood")
        found = []
        for key, resource in self._state.resources.items():
            kind = resource["type"].lower()
            if not kind.startswith(kinds) or kind.rpartition("/")[2] in ABSENT or key in self.lag:
                continue
            if not self._visible(key, kind, wanted, above=above):
                continue
            row = _row(resource, kind)
            if all(test(row) for test in tests):
                found.append({name: row.get(name) for name in columns})
        return sorted(found, key=lambda row: row["id"].lower())

    def _below(self, groups: set[str]) -> set[str]:
        return {
            one["subscriptionId"].lower()
            for one in self._state.subscriptions()
            if groups
            & {item["name"].lower() for item in one["properties"].get("managementGroupAncestorsChain", ())}
        }

    def _visible(self, key: str, kind: str, wanted: set[str], *, above: bool) -> bool:
        """Whether the caller gets a row: below the asked subscriptions, or above them where that was asked for."""
        if not key.startswith("/subscriptions/"):
            return above
        home = key.split("/")[2]
        if wanted and home not in wanted:
            return False
        return may(self._state.permissions.get(home, READER), f"{kind}/read")


def may(rows: list[Json], action: str) -> bool:
    """Whether permission rows allow an action."""

    def fits(pattern: str) -> bool:
        return re.fullmatch(re.escape(pattern.lower()).replace(r"\*", ".*"), action.lower()) is not None

    return any(
        any(map(fits, row.get("actions", ()))) and not any(map(fits, row.get("notActions", ())))
        for row in rows
    )


def _row(resource: Json, kind: str) -> Json:
    parts = resource["id"].split("/")
    return {
        **resource,
        "type": kind,
        "subscriptionId": parts[2] if parts[1:2] == ["subscriptions"] else None,
        "apiVersion": VERSIONS.get(kind, "2024-01-01"),
    }


def _test(clause: str) -> Callable[[Json], bool]:
    if match := re.fullmatch(r"(type|name) =~ '([^']*)'", clause):
        column, text = match.groups()
        return lambda row: str(row.get(column)).lower() == text.lower()
    if match := re.fullmatch(r"(type|name) in~ \(([^)]*)\)", clause):
        column, names = match.group(1), {name.strip(" '").lower() for name in match.group(2).split(",")}
        return lambda row: str(row.get(column)).lower() in names
    if match := re.fullmatch(r"properties has '([^']*)'", clause):
        text = match.group(1).lower().encode()
        return lambda row: text in orjson.dumps(row.get("properties")).lower()
    raise BadQueryError(f"'where {clause}' is not understood")
