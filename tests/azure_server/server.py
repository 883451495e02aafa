"""The server: requests for any of Azure's hosts come in, answers from the state go out, all of them recorded.

Entra, Azure Resource Manager, Resource Graph, Policy Insights; registries are in `registry`.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode

import orjson
from aiohttp import web

from tests.azure_server import registry
from tests.azure_server.faults import Fault
from tests.azure_server.graph import BadQueryError, Graph
from tests.azure_server.state import READER, Json, State, without_previews
from tests.estate.build import REGISTRIES, TENANT

SECRET = "not-a-real-secret-0000"
SCANNER = "0b1e0000-0000-4000-8000-0000000000ab"
WRITING = (
    "listcredentials",
    "regeneratecredential",
    "generatecredentials",
    "getcallbackconfig",
    "listdetails",
    "register",
)
_AUTHORITY = "/providers/microsoft.authorization/"
VERSIONS = {
    "microsoft.containerregistry": {"2017-10-01", "2019-05-01", "2021-09-01", "2022-12-01", "2023-07-01", "2025-04-01", "2025-11-01", "2026-01-01-preview", "2026-03-01-preview", "2025-06-01-preview", "2025-03-01-preview"},
    "microsoft.authorization": {"2022-04-01", "2020-10-01", "2020-05-01", "2023-04-01", "2022-07-01-preview"},
    "microsoft.insights": {"2021-05-01-preview"},
    "microsoft.policyinsights": {"2019-10-01", "2024-10-01"},
    "microsoft.security": {"2024-01-01", "2021-06-01"},
    "microsoft.network": {"2023-09-01"},
    "microsoft.containerservice": {"2024-09-01"},
    "microsoft.resourcegraph": {"2022-10-01", "2024-04-01"},
    "": {"2022-12-01"},
}  # fmt: skip
"""Provider -> api-versions that it supports."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that arrived."""

    method: str
    host: str
    path: str
    query: str
    headers: Json

    @property
    def line(self) -> str:
        """What faults are matched with."""
        return f"{self.method} {self.host}{self.path}" + (f"?{self.query}" if self.query else "")


class Azure:
    """One running Azure. `page`: rows of a page; `bucket`: reads that a subscription may make at once."""

    def __init__(self, state: State, *, page: int = 100, bucket: int = 250, refill: float = 25.0) -> None:
        self.state = state
        self.graph = Graph(state)
        self.page = page
        self.bucket = bucket
        self.refill = refill
        self.faults: list[Fault] = []
        self.requests: list[Seen] = []
        self.forbidden: list[str] = []
        self.unexpected: list[str] = []
        self.tokens: dict[str, float] = {}
        """Access token -> when it ends (monotonic)."""
        self.issued = 0
        self.lifetime = 3600
        self.graph_quota = 10_000
        self.skew = 0.0
        self.registries = registry.Registries()
        self._buckets: dict[str, tuple[float, float]] = {}
        self._pages: dict[tuple[Any, ...], bytes] = {}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        seen = Seen(
            request.method, request.host.lower(), request.path, request.query_string, dict(request.headers)
        )
        self.requests.append(seen)
        fault = next((fault for fault in self.faults if fault.strikes(seen.line)), None)
        if fault is not None and fault.kind in ("status", "reset", "html"):
            return self._struck(request, fault)
        response = await self._answer(request, seen)
        return response if fault is None else await self._bent(request, response, fault)

    def _struck(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        if fault.kind == "reset":
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError
        if fault.kind == "html":
            return web.Response(
                text="<html><body>Please log in to the proxy</body></html>", content_type="text/html"
            )
        body = fault.body if fault.body is not None else {"error": {"code": f"Status{fault.status}", "message": "scripted"}}  # fmt: skip
        return _json(body, fault.status, dict(fault.headers))

    async def _bent(
        self, request: web.Request, response: web.StreamResponse, fault: Fault
    ) -> web.StreamResponse:
        if not isinstance(response, web.Response):
            return response
        raw = response.body if isinstance(response.body, bytes) else b""
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            return response
        if fault.kind == "truncated":
            cut = web.StreamResponse(
                headers={"Content-Type": "application/json", "Content-Length": str(len(raw))}
            )
            await cut.prepare(request)
            await cut.write(raw[: len(raw) // 2])
            if request.transport is not None:
                request.transport.close()
            return cut
        body = orjson.loads(raw) if raw else {}
        address = f"https://{request.host}{request.path_qs}"
        if fault.kind == "loop":
            body["nextLink"] = address
        elif fault.kind == "duplicate":
            body["nextLink"] = address + "&again=1"
        elif fault.kind == "shrink":
            body = {**body, "value": [], "data": []}
            body.pop("nextLink", None)
            body.pop("$skipToken", None)
            body.pop("resultTruncated", None)
        elif fault.kind == "body" and fault.change is not None:
            body = fault.change(body)
        headers = {**{key: value for key, value in response.headers.items() if key.lower().startswith("x-ms")}, **fault.headers}  # fmt: skip
        return _json(body, response.status, headers)

    async def _answer(self, request: web.Request, seen: Seen) -> web.StreamResponse:
        if seen.host.startswith("login."):
            return await self._entra(request)
        if seen.host.endswith((".azurecr.io", ".azurecr.us", ".blob.core.windows.net")):
            return await registry.handle(request, self)
        lowered = seen.path.lower().rstrip("/")
        if lowered.endswith(WRITING) or request.method in ("PUT", "PATCH", "DELETE"):
            self.forbidden.append(seen.line)
        if not self._known(seen.headers.get("Authorization", "")):
            return _error(401, "ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than current UTC time.", {"WWW-Authenticate": f'Bearer authorization_uri="https://login.microsoftonline.com/{TENANT}", error="invalid_token"'})  # fmt: skip
        return await self._arm(request, lowered)

    def _known(self, header: str) -> bool:
        return self.tokens.get(header.removeprefix("Bearer "), 0.0) > time.monotonic()

    # -- Entra ---------------------------------------------------------------------------------------------------

    async def _entra(self, request: web.Request) -> web.Response:
        lowered = request.path.lower()
        base = f"https://{request.host}/{TENANT}"
        if lowered.endswith("/discovery/instance"):
            aliases = {
                "preferred_network": request.host,
                "preferred_cache": request.host,
                "aliases": [request.host],
            }
            return _json(
                {
                    "tenant_discovery_endpoint": f"{base}/v2.0/.well-known/openid-configuration",
                    "api-version": "1.1",
                    "metadata": [aliases],
                }
            )
        if lowered.endswith("/openid-configuration"):
            if TENANT not in lowered:
                return _entra_error(400, "invalid_tenant", "AADSTS90002: Tenant not found. Check to make sure you have the correct tenant ID.")  # fmt: skip
            return _json(
                {
                    "token_endpoint": f"{base}/oauth2/v2.0/token",
                    "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                    "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                    "issuer": f"{base}/v2.0",
                }
            )
        if request.method == "POST" and lowered.endswith("/oauth2/v2.0/token"):
            form = await request.post()
            if form.get("client_secret") != SECRET:
                return _entra_error(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.")
            return _json({"token_type": "Bearer", "expires_in": self.lifetime, "access_token": self.issue()})
        self.unexpected.append(f"{request.method} {request.host}{request.path}")
        return _json({}, 404)

    def issue(self) -> str:
        """A new access token: claims that can be read, a signature that cannot be checked."""
        self.issued += 1
        claims = {
            "oid": SCANNER,
            "appid": "0b1e0000-0000-4000-8000-0000000000aa",
            "tid": TENANT,
            "jti": self.issued,
        }
        parts = (orjson.dumps({"alg": "none", "typ": "JWT"}), orjson.dumps(claims), b"test")
        token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
        self.tokens[token] = time.monotonic() + self.lifetime
        return token

    # -- Azure Resource Manager ----------------------------------------------------------------------------------

    async def _arm(self, request: web.Request, path: str) -> web.Response:
        query = {key: values[0] for key, values in parse_qs(request.query_string).items()}
        version = query.get("api-version", "")
        provider = path.rpartition("/providers/")[2].split("/")[0] if "/providers/" in path else ""
        if provider != "microsoft.management" and version not in VERSIONS.get(provider, ()):
            known = ", ".join(sorted(VERSIONS.get(provider, ())))
            return _error(400, "InvalidApiVersionParameter", f"The api-version '{version}' is invalid. The supported versions are '{known}'.")  # fmt: skip
        if request.method == "POST":
            return await self._query(request, path, query)
        if request.method != "GET":
            return _error(405, "MethodNotAllowed", "not here")
        if path in self.state.errors:
            status, body = self.state.errors[path]
            return _json(body, status)
        left = self._take(path.split("/")[2] if path.startswith("/subscriptions/") else "tenant")
        if left < 0:
            return _error(429, "TooManyRequests", "throttled", {"Retry-After": "1"})
        headers = {"x-ms-ratelimit-remaining-subscription-reads": str(int(left))}
        return self._read(request, path, version, query, headers)

    def _take(self, name: str) -> float:
        """One read from a subscription's bucket; what is left, or -1."""
        now = time.monotonic()
        left, when = self._buckets.get(name, (float(self.bucket), now))
        left = min(float(self.bucket), left + (now - when) * self.refill) - 1
        self._buckets[name] = (max(left, 0.0), now)
        return left

    def _read(
        self, request: web.Request, path: str, version: str, query: Json, headers: Json
    ) -> web.Response:
        if path == "/subscriptions":
            return self._page(request, [_listed(one) for one in self.state.subscriptions()], query, headers)
        if path.endswith("/permissions"):
            home = path.split("/")[2]
            return _json({"value": self.state.permissions.get(home, READER)}, headers=headers)
        home = "/".join(path.split("/")[:3])
        if path.startswith("/subscriptions/") and home not in self.state.resources:
            return _error(404, "SubscriptionNotFound", f"The subscription '{home.rpartition('/')[2]}' could not be found.")  # fmt: skip
        if path in self.state.resources:
            return _json(_in_version(self.state.resources[path], version), headers=headers)
        parent, _, leaf = path.rpartition("/")
        if leaf == "listusages":
            if parent not in self.state.resources:
                return _gone(parent)
            return _json({"value": self.state.usages.get(parent, [])}, headers=headers)
        rows = self._listed(path, parent, leaf)
        if rows is None:
            return _gone(path)
        return self._page(request, [_in_version(row, version) for row in rows], query, headers)

    def _listed(self, path: str, parent: str, leaf: str) -> list[Json] | None:
        """The rows of a list, or None where the path leads nowhere."""
        scope, _, tail = path.rpartition("/providers/")
        segments = tail.split("/")
        kind = "/".join([segments[0], *segments[1::2]])
        if len(segments) == 2:  # a type below a scope
            if "/registries/" in scope and scope not in self.state.resources:
                return None
            if _AUTHORITY in path and not kind.endswith(("locks", "policyassignments", "policyexemptions")):
                return list(self._authorization(scope, kind))
            return list(self.state.below(scope, kind))
        if len(segments) % 2 == 0:  # children
            if parent not in self.state.resources:
                return None
            return list(self.state.below(parent, kind))
        return None

    def _authorization(self, scope: str, kind: str) -> Iterable[Json]:
        """Lists of Microsoft.Authorization also hold what lies above."""
        for one in self.state.of_type(kind):
            lowered = one["id"].lower()
            if lowered.startswith(f"{scope}/") or not lowered.startswith("/subscriptions/"):
                yield one

    def _page(self, request: web.Request, rows: list[Json], query: Json, headers: Json) -> web.Response:
        at = int(query.get("$skiptoken", 0))
        body: Json = {"value": rows[at : at + self.page]}
        if at + self.page < len(rows):
            more = urlencode({**query, "$skiptoken": at + self.page})
            body["nextLink"] = f"https://{request.host}{request.path}?{more}"
        return _json(body, headers=headers)

    # -- queries -------------------------------------------------------------------------------------------------

    async def _query(self, request: web.Request, path: str, query: Json) -> web.Response:
        if path == "/providers/microsoft.resourcegraph/resources":
            self.graph_quota -= 1
            headers = {"x-ms-user-quota-remaining": str(max(self.graph_quota, 0)), "x-ms-user-quota-resets-after": "00:00:01"}  # fmt: skip
            if self.graph_quota < 0:
                self.graph_quota = 15
                return _error(
                    429, "RateLimiting", "Please provide below info when asking for support", headers
                )
            try:
                raw = self.graph.answer(await request.json(loads=orjson.loads))
            except BadQueryError as error:
                return _error(400, "InvalidQuery", str(error))
            return web.Response(body=raw, content_type="application/json", headers=headers)
        if path.endswith(("/policystates/latest/queryresults", "/policystates/latest/summarize")):
            rows = self.state.states.get(path.split("/")[2], [])
            if path.endswith("summarize"):
                return _json({"value": [{"results": {"nonCompliantResources": len(rows)}}]})
            at = int(query.get("$skiptoken", 0))
            body: Json = {"@odata.count": len(rows), "value": rows[at : at + self.page]}
            if at + self.page < len(rows):
                more = urlencode({**query, "$skiptoken": at + self.page})
                body["@odata.nextLink"] = f"https://{request.host}{request.path}?{more}"
            return _json(body)
        self.forbidden.append(f"POST {request.host}{request.path}")
        return _error(403, "AuthorizationFailed", "this server only answers queries")


def _listed(one: Json) -> Json:
    """A subscription as GET /subscriptions writes it."""
    return {
        "id": one["id"],
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": one["subscriptionId"],
        "tenantId": one.get("tenantId", TENANT),
        "displayName": one["displayName"],
        "state": one["properties"].get("state", "Enabled"),
    }


def _in_version(resource: Json, version: str) -> Json:
    return (
        without_previews(resource)
        if resource["type"] == REGISTRIES and not version.endswith("-preview")
        else resource
    )


def _gone(path: str) -> web.Response:
    return _error(404, "ResourceNotFound", f"The Resource '{path}' was not found.")


def _json(body: Any, status: int = 200, headers: Json | None = None) -> web.Response:
    return web.Response(
        body=orjson.dumps(body), status=status, content_type="application/json", headers=headers
    )


def _error(status: int, code: str, message: str, headers: Json | None = None) -> web.Response:
    return _json({"error": {"code": code, "message": message}}, status, headers)


def _entra_error(status: int, code: str, words: str) -> web.Response:
    return _json({"error": code, "error_description": f"{words} Trace ID: 0 Correlation ID: 0"}, status)
