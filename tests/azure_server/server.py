"""The server: requests for any of Azure's hosts come in, answers from the state go out, all of them recorded.

Entra is in `entra`, Azure Resource Manager in `arm`, Resource Graph in `graph`, Policy Insights in `policy`, registries in `registry`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from tests.azure_server import policy, registry
from tests.azure_server.answers import SCANNER, answer, error, expired, raw, refusal
from tests.azure_server.arm import Manager, Unexpected
from tests.azure_server.bending import bend, strike
from tests.azure_server.entra import SECRET, Entra
from tests.azure_server.faults import Fault
from tests.azure_server.graph import Graph
from tests.azure_server.kql import BadQueryError
from tests.azure_server.state import Json, State

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["SCANNER", "SECRET", "Azure", "Seen"]

WRITING = (
    "listcredentials", "regeneratecredential", "generatecredentials", "getcallbackconfig", "listdetails", "register",
    "importimage", "schedulerun", "ping", "listevents", "deactivate", "listlogsasurl", "listqueuestatus",
    "listbuildsourceuploadurl",
)  # fmt: skip
"""Ends of paths that reveal secrets or change something."""
_GRAPH = "/providers/microsoft.resourcegraph/resources"


class Seen(NamedTuple):
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
    """One running Azure. `page`: rows of a page.

    `bucket`, `refill`: reads that a subscription may make at once, per second; `quota`, `window`: queries of Resource
    Graph in so many seconds.
    """

    def __init__(self, state: State, *, page: int = 100, bucket: int = 250, refill: float = 25.0, quota: int = 10_000, window: float = 5.0) -> None:  # fmt: skip
        self.state = state
        self.graph = Graph(state)
        self.entra = Entra(state.tenant)
        self.manager = Manager(state, page, bucket, refill)
        self.faults: list[Fault] = []
        self.requests: list[Seen] = []
        self.forbidden: list[str] = []
        """What may never be sent: all that writes or reveals secrets."""
        self.unexpected: list[str] = []
        """What this server does not have."""
        self.graph_quota = quota
        self.window = window
        self.registries = registry.Registries()
        self._asked: list[float] = []

    @property
    def tokens(self) -> dict[str, float]:
        """Access token -> when it ends (monotonic)."""
        return self.entra.tokens

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        seen = Seen(
            request.method, request.host.lower(), request.path, request.query_string, dict(request.headers)
        )
        self.requests.append(seen)
        fault = next((fault for fault in self.faults if fault.strikes(seen.line)), None)
        if fault is not None and fault.kind in ("status", "reset", "html"):
            return strike(request, fault, self.state.tenant)
        response = await self._answer(request, seen)
        return response if fault is None else await bend(request, response, fault)

    async def _answer(self, request: web.Request, seen: Seen) -> web.StreamResponse:
        if seen.host.startswith("login."):
            response = await self.entra.handle(request)
            return self._nothing(seen) if response is None else response
        if seen.host.endswith((".azurecr.io", ".azurecr.us", ".blob.core.windows.net")):
            return await registry.handle(request, self)
        path = seen.path.lower().rstrip("/")
        asks = path == _GRAPH or policy.PATH.fullmatch(path) is not None
        if path.endswith(WRITING) or seen.method in ("PUT", "PATCH", "DELETE") or (seen.method == "POST" and not asks):  # fmt: skip
            self.forbidden.append(seen.line)
            return answer(refusal(seen.path, f"{seen.method} {seen.path}"), 403)
        if not self.entra.knows(seen.headers.get("Authorization", "")):
            login = seen.host.replace("management", "login").replace(
                "login.azure.com", "login.microsoftonline.com"
            )
            return expired(login, self.state.tenant)
        if seen.method == "POST":
            return await self._graph(request) if path == _GRAPH else policy.query(request, path, self.manager)
        if seen.method != "GET" or asks:
            return self._nothing(seen, 405)
        try:
            return self.manager.read(request, path)
        except Unexpected:
            return self._nothing(seen)

    def _nothing(self, seen: Seen, status: int = 404) -> web.Response:
        self.unexpected.append(seen.line)
        return error(
            status, "NotFound" if status == 404 else "MethodNotAllowed", f"{seen.method} {seen.path}"
        )

    async def _graph(self, request: web.Request) -> web.Response:
        if (refused := self.manager.checked(request, _GRAPH)) is not None:
            return refused
        now = time.monotonic()
        self._asked = [when for when in self._asked if now - when < self.window]
        wait = int(self.window - (now - self._asked[0])) + 1 if self._asked else 0
        headers = {
            "x-ms-user-quota-remaining": str(max(self.graph_quota - len(self._asked) - 1, 0)),
            "x-ms-user-quota-resets-after": time.strftime("%H:%M:%S", time.gmtime(wait)),
        }
        if len(self._asked) >= self.graph_quota:
            return error(429, "RateLimiting", "Client application has been throttled and should not attempt to repeat the request until an amount of time has elapsed.", headers)  # fmt: skip
        self._asked.append(now)
        try:
            body: Any = orjson.loads(await request.read())
            return raw(self.graph.answer(body), headers=headers)
        except (BadQueryError, ValueError, AttributeError) as wrong:
            return error(400, "BadRequest", f"Query is invalid: {wrong}", headers)
