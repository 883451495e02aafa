"""Entra: requests for a login host come in; tokens, metadata, and errors in Entra's words come out."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING

import orjson

from tests.azure_server.answers import CLIENT, SCANNER, answer

if TYPE_CHECKING:
    from aiohttp import web

SECRET = "not-a-real-secret-0000"
DOMAIN = "harbourline.onmicrosoft.com"
TRACE = "7ace0000-0000-4000-8000-000000000000"


class Entra:
    """Gives tokens. `lifetime`: seconds that the next ones hold; `tokens`: token -> when it ends (monotonic)."""

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self.lifetime = 3600
        self.issued = 0
        self.tokens: dict[str, float] = {}

    def knows(self, header: str) -> bool:
        """Whether an Authorization header holds a token that has not ended."""
        return self.tokens.get(header.removeprefix("Bearer "), 0.0) > time.monotonic()

    def expire(self) -> None:
        """From now on no token that was given holds."""
        self.tokens.clear()

    async def handle(self, request: web.Request) -> web.Response | None:
        """The answer, or None for what Entra does not have."""
        parts = request.path.lower().strip("/").split("/")
        base = f"https://{request.host}/{self.tenant}"
        if parts[-2:] == ["discovery", "instance"]:
            host = request.host
            names = {"preferred_network": host, "preferred_cache": host, "aliases": [host]}
            place = f"{base}/v2.0/.well-known/openid-configuration"
            return answer(
                {"tenant_discovery_endpoint": place, "api-version": "1.1", "metadata": [names]}
            )  # fmt: skip
        known = parts[0] in (self.tenant.lower(), DOMAIN)
        if parts[-1] == "openid-configuration":
            if not known:
                return _no_tenant(parts[0], "invalid_tenant")
            return answer(
                {
                    "token_endpoint": f"{base}/oauth2/v2.0/token",
                    "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                    "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                    "issuer": f"{base}/v2.0",
                }
            )
        if request.method == "POST" and parts[1:] == ["oauth2", "v2.0", "token"]:
            return await self._token(request) if known else _no_tenant(parts[0], "invalid_request")
        return None

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        client = str(form.get("client_id"))
        if client != CLIENT:
            return _error(400, "unauthorized_client", 700016, f"Application with identifier '{client}' was not found in the directory 'Harbour Line'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.")  # fmt: skip
        if form.get("client_secret") != SECRET:
            return _error(401, "invalid_client", 7000215, f"Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{client}'.")  # fmt: skip
        if form.get("grant_type") != "client_credentials":
            return _error(
                400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type."
            )
        return answer(
            {
                "token_type": "Bearer",
                "expires_in": self.lifetime,
                "ext_expires_in": self.lifetime,
                "access_token": self.issue(),
            }
        )

    def issue(self) -> str:
        """A new access token: claims that can be read, a signature that cannot be checked."""
        self.issued += 1
        claims = {"oid": SCANNER, "appid": CLIENT, "tid": self.tenant, "jti": self.issued}
        parts = (orjson.dumps({"alg": "none", "typ": "JWT"}), orjson.dumps(claims), b"test")
        token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
        self.tokens[token] = time.monotonic() + self.lifetime
        return token


def _no_tenant(name: str, kind: str) -> web.Response:
    return _error(400, kind, 90002, f"Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.")  # fmt: skip


def _error(status: int, kind: str, number: int, words: str) -> web.Response:
    now = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime())
    return answer(
        {
            "error": kind,
            "error_description": f"AADSTS{number}: {words} Trace ID: {TRACE} Correlation ID: {TRACE} Timestamp: {now}",
            "error_codes": [number],
            "timestamp": now,
            "trace_id": TRACE,
            "correlation_id": TRACE,
            "error_uri": f"https://login.microsoftonline.com/error?code={number}",
        },
        status,
    )
