"""Resource Graph: a request body comes in, an encoded answer page comes out. The language is in `kql`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from tests.azure_server.kinds import KINDS, table_of
from tests.azure_server.kql import BadQueryError, parse
from tests.azure_server.state import GROUPS, SUBSCRIPTION, Json, State, without_previews
from tests.estate.build import REGISTRIES

FILTERS = ("AtScopeAndBelow", "AtScopeAndAbove", "AtScopeExact", "AtScopeAboveAndBelow")
_STATES = "microsoft.policyinsights/policystates"
_BUILT_IN = "/providers/microsoft.authorization/"


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
        query, options = body.get("query"), body.get("options") or {}
        if not isinstance(query, str):
            raise BadQueryError("there is no query")
        if options.get("resultFormat", "objectArray") != "objectArray":
            raise BadQueryError(f"resultFormat '{options['resultFormat']}'")
        if (where := options.get("authorizationScopeFilter")) not in (None, *FILTERS):
            raise BadQueryError(f"authorizationScopeFilter '{where}'")
        top, token = min(int(options.get("$top", 100)), 1000), str(options.get("$skipToken") or "0")
        key = (
            query, top, tuple(body.get("subscriptions") or ()), tuple(body.get("managementGroups") or ()), where,
            self.promised, frozenset(self.lag), frozenset(self._state.hidden), repr(self._state.permissions),
            tuple(map(len, self._state.states.values())),
        )  # fmt: skip
        if self._version != self._state.version:
            self._kept.clear()
            self._version = self._state.version
        if key not in self._kept:
            self._kept[key] = list(self._pages(body, where or "", top))
        pages = self._kept[key]
        if not token.isdigit() or int(token) >= len(pages):
            raise BadQueryError(f"skip token '{token}'")
        return pages[int(token)]

    def _pages(self, body: Json, where: str, top: int) -> Iterator[bytes]:
        rows = self._rows(body, where)
        total = len(rows) if self.promised is None else self.promised
        count = max(1, -(-len(rows) // top))
        for at in range(count):
            page = rows[at * top : (at + 1) * top]
            more = {"$skipToken": str(at + 1)} if at + 1 < count else {}
            head = {
                "totalRecords": total,
                "count": len(page),
                "resultTruncated": "true" if more else "false",
            }
            yield orjson.dumps({**head, **more, "facets": [], "data": page})

    def _rows(self, body: Json, where: str) -> list[Json]:
        plan = parse(body["query"])
        visible = self._visible(body, "Above" in where)
        found = []
        for key, resource in self._state.resources.items():
            kind = resource["type"].lower()
            if table_of(kind) == plan.table and key not in self.lag and visible(key, kind, resource):
                found.append(self._row(resource, kind))
        if plan.table == "policyresources":
            found += self._policy_states(visible)
        return plan.run(found)

    def _visible(self, body: Json, above: bool) -> Callable[[str, str, Json], bool]:
        """Tests (lower-case id, type, resource): below the asked subscriptions, or above them where that was asked for.

        What may not be read is left out without a word, as Resource Graph does.
        """
        homes = {one["subscriptionId"].lower() for one in self._state.subscriptions()}
        if groups := {one.lower() for one in body.get("managementGroups") or ()}:
            homes = {one for one in homes if groups & self._state.ancestors(one)}
        elif asked := {one.lower() for one in body.get("subscriptions") or ()}:
            homes &= asked
        ancestors = set[str]().union(*(self._state.ancestors(one) for one in homes))
        known: dict[tuple[str, str], bool] = {}

        def test(key: str, kind: str, resource: Json) -> bool:
            if resource.get("properties", {}).get("type") == "BuiltInRole" or key.startswith(_BUILT_IN):
                return True
            if not key.startswith("/subscriptions/"):
                group = key.removeprefix(f"{GROUPS}/").partition("/")[0]
                return group in ancestors and (above or kind == "microsoft.management/managementgroups")
            home = key.split("/", 3)[2]
            if home not in homes:
                return False
            if (home, kind) not in known:
                known[home, kind] = self._state.may(home, f"{kind}/read")
            return known[home, kind]

        return test

    def _row(self, resource: Json, kind: str) -> Json:
        """A resource with the columns of Resource Graph, at the newest stable api-version."""
        parts = resource["id"].split("/", 5)
        below = parts[1] == "subscriptions"
        grouped = len(parts) > 4 and parts[3].lower() == "resourcegroups"
        known = KINDS.get(kind)
        if kind == REGISTRIES.lower():
            resource = without_previews(resource)
        return {
            "kind": "",
            "location": "",
            "managedBy": "",
            **resource,
            "type": kind,
            "tenantId": self._state.tenant,
            "subscriptionId": parts[2] if below else "",
            "resourceGroup": parts[4].lower() if grouped else "",
            "apiVersion": known.latest if known and kind != SUBSCRIPTION else "2024-01-01",
        }

    def _policy_states(self, visible: Callable[[str, str, Json], bool]) -> list[Json]:
        found = []
        for home, rows in self._state.states.items():
            for number, properties in enumerate(rows):
                name = f"{home[-4:]}{number:06d}"
                place = f"/subscriptions/{home}/providers/{_STATES}/{name}"
                row = {"id": place, "name": name, "properties": properties}
                if visible(place.lower(), _STATES, row):
                    found.append(self._row(row, _STATES))
        return found
