"""Azure Resource Manager: a GET comes in; a resource, a page of a list, or an error as ARM writes it comes out."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode

import orjson

from tests.azure_server import odata
from tests.azure_server.answers import answer, error, gone, raw, refusal
from tests.azure_server.kinds import KINDS, Kind, action_of, split
from tests.azure_server.state import GROUPS, READER, SUBSCRIPTION, Json, State, without_previews
from tests.estate.build import REGISTRIES

if TYPE_CHECKING:
    from aiohttp import web

_AROUND = ("roleassignments", "denyassignments", "roleeligibilityscheduleinstances", "roleassignmentscheduleinstances", "policyassignments", "policyexemptions")  # fmt: skip
"""Types of Microsoft.Authorization whose lists also hold what lies above the scope."""
_LIMIT = "x-ms-ratelimit-remaining-subscription-reads"
_LOWER = REGISTRIES.lower()


class Unexpected(Exception):
    """A request for something that this server does not have."""


class Manager:
    """Reads from a state. `page`: rows of a page; `bucket`, `refill`: reads at once and per second of a subscription."""

    def __init__(self, state: State, page: int, bucket: int, refill: float) -> None:
        self.state = state
        self.page = page
        self.bucket = bucket
        self.refill = refill
        self._buckets: dict[str, tuple[float, float]] = {}
        self._lists: dict[tuple[str, ...], list[Json]] = {}
        self._pages: dict[tuple[str, str, int], bytes] = {}
        self._version = -1

    def checked(self, request: web.Request, path: str) -> web.Response | None:
        """The refusal of a request whose subscription, type or api-version does not exist. Raises `Unexpected`."""
        kind = KINDS.get(split(path)[1])
        if kind is None:
            raise Unexpected
        home = path.split("/")[2] if path.startswith("/subscriptions/") else ""
        if home and f"/subscriptions/{home}" not in self.state.resources:
            return error(404, "SubscriptionNotFound", f"The subscription '{home}' could not be found.")
        return _version_error(kind, query_of(request).get("api-version", ""))

    def read(self, request: web.Request, path: str) -> web.Response:
        """Answer a GET. Raises `Unexpected`."""
        if (refused := self.checked(request, path)) is not None:
            return refused
        home = path.split("/")[2] if path.startswith("/subscriptions/") else ""
        left, wait = self._take(home or "tenant")
        if wait:
            return error(429, "SubscriptionRequestsThrottled", f"Number of 'read' requests for subscription '{home}' exceeded the limit of '{self.bucket}'. Please try again after '{wait}' seconds.", {"Retry-After": str(wait)})  # fmt: skip
        headers = {_LIMIT if home else _LIMIT.replace("subscription", "tenant"): str(left)}
        if path in self.state.errors:
            status, body = self.state.errors[path]
            return answer(body, status, headers)
        own = path.endswith("/permissions")  # everybody may know what they may do
        allowed = home not in self.state.hidden if own else self.state.may(home, action_of(path))
        if home and not allowed:
            return answer(refusal(request.path), 403, headers)
        return self._found(request, path, headers)

    def _take(self, name: str) -> tuple[int, int]:
        """One read from a subscription's bucket: (what is left, seconds to wait if there was none)."""
        now = time.monotonic()
        left, when = self._buckets.get(name, (float(self.bucket), now))
        left = min(float(self.bucket), left + (now - when) * self.refill) - 1
        if left < 0:
            self._buckets[name] = (left + 1, now)
            return 0, max(1, math.ceil(-left / self.refill)) if self.refill else 3600
        self._buckets[name] = (left, now)
        return int(left), 0

    def _found(self, request: web.Request, path: str, headers: Json) -> web.Response:
        query = query_of(request)
        version = query["api-version"]
        if path == "/subscriptions":
            listed = [self._listed(one) for one in self.state.subscriptions()]
            return self.paged(request, query, listed, headers)
        scope, kind, named = split(path)
        if path.endswith("/permissions"):
            rows = self.state.permissions.get(path.split("/")[2], READER)
            return answer({"value": rows}, headers=headers)
        if named:
            one = self.state.resources.get(path) or self._role(path, kind)
            if one is None:
                return gone(request.path)
            if kind == SUBSCRIPTION:
                one = self._listed(one)
            return answer(_in_version(one, version), headers=headers)
        parent = path.rpartition("/")[0]
        if kind == f"{_LOWER}/listusages":
            if parent not in self.state.resources:
                return gone(request.path.rpartition("/")[0])
            return answer({"value": self.state.usages.get(parent, [])}, headers=headers)
        owner = scope if parent.rpartition("/")[0] == f"{scope}/providers" else parent
        if not self._exists(owner):
            grouped = owner.count("/") == 4 and "/resourcegroups/" in owner
            return error(404, "ResourceGroupNotFound", f"Resource group '{request.path.split('/')[4]}' could not be found.") if grouped else gone(request.path[: len(owner)])  # fmt: skip
        try:
            rows = self._rows(path, owner, kind, version, query.get("$filter", ""))
        except ValueError as wrong:
            return error(400, "BadRequest", f"Invalid $filter: {wrong}")
        if (top := query.get("$top", "")).isdigit():
            rows = rows[: int(top)]
        return self.paged(request, query, rows, headers, keep=True)

    def _exists(self, owner: str) -> bool:
        return owner in self.state.resources or self.state.has_group(owner) or not owner

    def _rows(self, path: str, owner: str, kind: str, version: str, where: str) -> list[Json]:
        """The rows of a list; kept until the state changes, because each page asks again."""
        if self._version != self.state.version:
            self._lists.clear()
            self._pages.clear()
            self._version = self.state.version
        key = (path, version, where)
        if key in self._lists:
            return self._lists[key]
        leaf = kind.rpartition("/")[2]
        rows: Iterable[Json]
        if kind == GROUPS.removeprefix("/providers/"):
            rows = self.state.of_type(kind)
        elif leaf == "roledefinitions":
            rows = self._roles(owner)
        elif leaf in _AROUND:
            rows = self.state.around(owner, kind)
        else:
            rows = self.state.below(owner, kind)
        # Only runs are asked with a filter that matters; that of role assignments (atScope) stays without effect.
        test = odata.parse(where if leaf == "runs" else "")
        found = [_in_version(row, version) for row in rows if test(row["properties"])]
        if len(found) > self.page:
            self._lists[key] = found
        return found

    def _roles(self, owner: str) -> Iterable[Json]:
        """Built-in roles are everywhere, under the scope's own subscription; custom ones where they can be assigned."""
        home = "/".join(owner.split("/")[:3])
        places = {home, *(f"{GROUPS}/{name}" for name in self.state.ancestors(home.rpartition("/")[2]))}
        for one in self.state.of_type("microsoft.authorization/roledefinitions"):
            scopes = {scope.lower() for scope in one["properties"].get("assignableScopes", ())}
            if "/" in scopes or scopes & places:
                yield {**one, "id": f"{home}/providers/Microsoft.Authorization/roleDefinitions/{one['name']}"}

    def _role(self, path: str, kind: str) -> Json | None:
        """A role definition asked for under another subscription."""
        if not kind.endswith("/roledefinitions"):
            return None
        return next((one for one in self._roles(split(path)[0]) if one["id"].lower() == path), None)

    def _listed(self, one: Json) -> Json:
        """A subscription as `GET /subscriptions` writes it."""
        return {
            "id": one["id"],
            "authorizationSource": "RoleBased",
            "managedByTenants": [],
            "subscriptionId": one["subscriptionId"],
            "tenantId": one.get("tenantId", self.state.tenant),
            "displayName": one["displayName"],
            "state": one["properties"].get("state", "Enabled"),
        }

    def paged(self, request: web.Request, query: dict[str, str], rows: list[Json], headers: Json, *, link: str = "nextLink", more: Json | None = None, keep: bool = False) -> web.Response:  # fmt: skip
        """A page of rows. `link`: how the next one is called; `keep`: whether the encoded page is kept."""
        key = (request.host, request.path_qs, self.page)
        if keep and key in self._pages:
            return raw(self._pages[key], headers=headers)
        token = query.get("$skiptoken", "0")
        if not token.isdigit() or int(token) > len(rows):
            return error(400, "InvalidSkipToken", f"The skip token '{token}' is invalid.", headers)
        at = int(token)
        body: Json = {**(more or {}), "value": rows[at : at + self.page]}
        if at + self.page < len(rows):
            following = urlencode({**query, "$skiptoken": at + self.page})
            body[link] = f"https://{request.host}{request.rel_url.raw_path}?{following}"
        encoded = orjson.dumps(body)
        if keep and len(rows) > self.page:
            self._pages[key] = encoded
        return raw(encoded, headers=headers)


def query_of(request: web.Request) -> dict[str, str]:
    """The query, its names in lower case."""
    return {key.lower(): values[0] for key, values in parse_qs(request.query_string).items()}


def _version_error(kind: Kind, version: str) -> web.Response | None:
    if version in kind.versions:
        return None
    known = ", ".join(reversed(kind.versions))
    provider, _, leaf = kind.name.partition("/")
    if not version:
        return error(400, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")  # fmt: skip
    if provider in ("Microsoft.Resources", "Microsoft.Authorization"):
        return error(400, "InvalidApiVersionParameter", f"The api-version '{version}' is invalid. The supported versions are '{known}'.")  # fmt: skip
    return error(400, "NoRegisteredProviderFound", f"No registered resource provider found for location 'westeurope' and API version '{version}' for type '{leaf}'. The supported api-versions are '{known}'. The supported locations are 'westeurope, northcentralus'.")  # fmt: skip


def _in_version(resource: Json, version: str) -> Json:
    """A registry has its preview-only keys in preview versions only."""
    stable = resource.get("type") == REGISTRIES and not version.endswith("-preview")
    return without_previews(resource) if stable else resource
