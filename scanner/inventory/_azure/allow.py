"""The allow-list: a request comes in, nothing comes out where it may leave; anything else raises before it is sent.

Azure Resource Manager: GET, and the query POSTs of Resource Graph and Policy Insights. A registry's login server: GET, and
the token exchange. Data endpoints (where a registry redirects to): GET without our header. The authority: requests for
tokens. Operations that return secrets (`listCredentials` and its kin) are POSTs and so can never leave.
Sources: https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources,
https://learn.microsoft.com/rest/api/policyinsights/policy-states,
https://learn.microsoft.com/rest/api/containerregistry/refresh-tokens/get-from-exchange
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from azure.core.pipeline.policies import SansIOHTTPPolicy

if TYPE_CHECKING:
    from azure.core.pipeline import PipelineRequest

KIND = "acrscan_kind"
"""The option under which a request carries its host class to the policy."""

_QUERIES = re.compile(
    r"(?i)/providers/Microsoft\.ResourceGraph/resources"
    r"|(?:/subscriptions/[0-9a-f-]{36}|/providers/Microsoft\.Management/managementGroups/[^/]+)"
    r"/providers/Microsoft\.PolicyInsights/policyStates/latest/(?:queryResults|summarize)"
)
_EXCHANGE = frozenset({"/oauth2/exchange", "/oauth2/token"})
_TOKENS = re.compile(
    r"(?i)/[^/]+/oauth2/(?:v2\.0/)?(?:token|devicecode)|/common/discovery/instance"
    r"|/[^/]+/(?:v2\.0/)?\.well-known/openid-configuration"
)
_MACHINE = re.compile(r"(?i)/metadata/identity/oauth2/token|/msi/token/?|/oauth2/token|/?")


class Kind(StrEnum):
    """The class of the host that a request is for."""

    ARM = "arm"
    LOGIN = "login"
    DATA = "data"
    AUTHORITY = "authority"
    MACHINE = "machine"
    """The endpoint of a managed identity, on the machine itself."""


class RefusedError(Exception):
    """A request that this program never sends. It is a fault of the program, not of Azure."""


class AllowList:
    """What may leave. `arm`: host of Azure Resource Manager; login servers are admitted one by one as they are collected."""

    def __init__(self, arm: str, authority: str = "") -> None:
        self._arm = arm.lower()
        self._authority = authority.lower()
        self._login: set[str] = set()

    def admit(self, login_server: str) -> None:
        """Let requests to this login server out."""
        self._login.add(login_server.lower())

    def check(self, kind: Kind, method: str, url: str, headers: Mapping[str, str]) -> None:
        """Raise `RefusedError` unless the request is on the list. `headers` are those that would be sent."""
        split = urlsplit(url)
        host = (split.netloc or "").lower().removesuffix(":443")
        if split.scheme != "https" and kind is not Kind.MACHINE:
            raise RefusedError(f"{kind} requests go over https only: {method} {split.scheme}://{host}")
        if not self._may(kind, method.upper(), host, split.path, headers):
            raise RefusedError(f"not on the allow-list of {kind} requests: {method} {host}{split.path}")

    def _may(self, kind: Kind, method: str, host: str, path: str, headers: Mapping[str, str]) -> bool:
        match kind:
            case Kind.ARM:
                return host == self._arm and (
                    method == "GET" or (method == "POST" and _QUERIES.fullmatch(path) is not None)
                )
            case Kind.LOGIN:
                return host in self._login and (method == "GET" or (method == "POST" and path in _EXCHANGE))
            case Kind.DATA:
                ours = any(name.lower() == "authorization" for name in headers)
                return method == "GET" and not ours and host != self._arm
            case Kind.AUTHORITY:
                known = not self._authority or host == self._authority
                return known and method in ("GET", "POST") and _TOKENS.fullmatch(path) is not None
            case Kind.MACHINE:
                return method in ("GET", "POST") and _MACHINE.fullmatch(path) is not None


class AllowListPolicy(SansIOHTTPPolicy):  # type: ignore[type-arg]
    """The last policy before the transport: sees what would really be sent."""

    def __init__(self, allowed: AllowList) -> None:
        self._allowed = allowed

    def on_request(self, request: PipelineRequest) -> None:  # type: ignore[type-arg]
        """Check one request; without a host class it counts as one to Azure Resource Manager."""
        kind = Kind(request.context.options.pop(KIND, Kind.ARM))
        http = request.http_request
        self._allowed.check(kind, http.method, http.url, http.headers)
