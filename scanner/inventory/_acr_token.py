"""Tokens of a registry: one exchange for the registry, one access token per scope, kept until shortly before they end.

The SDK's data-plane client exchanges anew for every call (azure-sdk-for-python#29090). Tokens never appear in an error.
Source: https://learn.microsoft.com/azure/container-registry/container-registry-authentication,
https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from scanner.inventory._azure.allow import Kind
from scanner.inventory._azure.client import Call, NotRead, Reply
from scanner.inventory._azure.clouds import ACR_SCOPE
from scanner.inventory._azure.credentials import claims_of
from scanner.inventory._azure.pacing import Clock

EARLY = 120.0
"""Seconds before its end at which a token is no longer used."""
_USUAL = 900.0
_PAIR = re.compile(r'(\w+)="([^"]*)"')


class Sender(Protocol):
    """What the data plane needs of the client."""

    clock: Clock

    async def send(self, call: Call) -> Reply:
        """Send a call; raises `NotRead`."""
        ...

    async def token(self, scope: str) -> str:
        """An Entra token."""
        ...


class Tokens:
    """The tokens of one registry."""

    def __init__(self, sender: Sender, login_server: str) -> None:
        self._sender = sender
        self._host = login_server.lower()
        self._service = ""
        self._refresh = ""
        self._refresh_ends = 0.0
        self._access: dict[str, tuple[str, float]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def headers(self, scope: str) -> Mapping[str, str]:
        """The header of a request for a scope, such as `repository:app:metadata_read`. Raises `NotRead`."""
        async with self._locks.setdefault(scope, asyncio.Lock()):
            token, ends = self._access.get(scope, ("", 0.0))
            if self._sender.clock.monotonic() > ends - EARLY:
                token, ends = await self._get(scope)
                self._access[scope] = token, ends
        return {"Authorization": f"Bearer {token}"}

    def drop(self, scope: str) -> None:
        """Forget the access token of a scope: it was refused."""
        self._access.pop(scope, None)

    async def _get(self, scope: str) -> tuple[str, float]:
        form = {
            "grant_type": "refresh_token",
            "service": await self._known_service(),
            "scope": scope,
            "refresh_token": await self._refresh_token(),
        }
        reply = await self._post("/oauth2/token", form)
        return self._text(reply, "access_token"), self._ends(reply.body["access_token"])

    async def _refresh_token(self) -> str:
        async with self._locks.setdefault("", asyncio.Lock()):
            if not self._refresh or self._sender.clock.monotonic() > self._refresh_ends - EARLY:
                form = {
                    "grant_type": "access_token",
                    "service": await self._known_service(),
                    "access_token": await self._sender.token(ACR_SCOPE),
                }
                reply = await self._post("/oauth2/exchange", form)
                self._refresh = self._text(reply, "refresh_token")
                self._refresh_ends = self._ends(self._refresh)
        return self._refresh

    async def _known_service(self) -> str:
        """The service that the registry's challenge names; it must send us to itself for tokens."""
        if not self._service:
            reply = await self._sender.send(
                Call("GET", f"https://{self._host}/v2/", Kind.LOGIN, self._host, accept=(200, 401))
            )
            challenge = reply.headers.get("www-authenticate", "")
            found = dict(_PAIR.findall(challenge))
            if not challenge.lower().startswith("bearer ") or "service" not in found:
                raise NotRead("the registry does not challenge for a token", reply.status, "NoChallenge")
            realm = urlsplit(found.get("realm", "")).netloc.lower()
            if realm != self._host:
                raise NotRead(f"the registry sends us to {realm!r} for tokens, not followed", reply.status)
            self._service = found["service"]
        return self._service

    async def _post(self, path: str, form: Mapping[str, str]) -> Reply:
        return await self._sender.send(
            Call("POST", f"https://{self._host}{path}", Kind.LOGIN, self._host, form=form)
        )

    def _text(self, reply: Reply, key: str) -> str:
        found = reply.body.get(key) if isinstance(reply.body, dict) else None
        if not isinstance(found, str) or not found:
            raise NotRead(f"the registry's answer holds no {key.replace('_', ' ')}", reply.status)
        return found

    def _ends(self, token: str) -> float:
        """When a token ends, on the monotonic clock; from its own claim where it has one."""
        clock = self._sender.clock
        claim: Any = claims_of(token).get("exp")
        left = claim - clock.now().timestamp() if isinstance(claim, (int, float)) else _USUAL
        return clock.monotonic() + left
