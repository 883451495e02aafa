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

from scanner.errors import AuthenticationError
from scanner.inventory._azure.allow import Kind
from scanner.inventory._azure.client import Call, NotRead, Reply, not_read
from scanner.inventory._azure.clouds import ACR_SCOPE
from scanner.inventory._azure.credentials import claims_of
from scanner.inventory._azure.pacing import Clock

EARLY = 120.0
"""Seconds before its end at which a token is no longer used."""
_USUAL = 900.0
_PAIR = re.compile(r'(\w+)="([^"]*)"')


class Sender(Protocol):
    """What the data plane needs of the client."""

    @property
    def clock(self) -> Clock:
        """The time that budgets and tokens are measured by."""
        ...

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
        self._in_vain = False
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
        """An access token and its end.

        A refresh token that is refused is renewed, unless that was no use before: then it is the scope that is refused,
        and one more exchange for each repository would change nothing.
        """
        used = await self._refresh_token()
        reply = await self._accessed(scope, used)
        if reply.status == 401 and not self._in_vain:
            if self._refresh == used:
                self._refresh = ""
            reply = await self._accessed(scope, await self._refresh_token())
            self._in_vain = reply.status == 401
        if reply.status == 401:
            raise not_read(reply)
        token = self._text(reply, "access_token")
        return token, self._ends(token)

    async def _accessed(self, scope: str, refresh: str) -> Reply:
        form = {
            "grant_type": "refresh_token",
            "service": await self._known_service(),
            "scope": scope,
            "refresh_token": refresh,
        }
        return await self._post("/oauth2/token", form)

    async def _refresh_token(self) -> str:
        async with self._locks.setdefault("", asyncio.Lock()):
            if not self._refresh or self._sender.clock.monotonic() > self._refresh_ends - EARLY:
                form = {
                    "grant_type": "access_token",
                    "service": await self._known_service(),
                    "access_token": await self._entra(),
                }
                reply = await self._post("/oauth2/exchange", form)
                if reply.status == 401:
                    raise not_read(reply)
                self._refresh = self._text(reply, "refresh_token")
                self._refresh_ends = self._ends(self._refresh)
            return self._refresh

    async def _entra(self) -> str:
        """The Entra token. Where there is none for registries the rest can still be read: that is no end of the run."""
        try:
            return await self._sender.token(ACR_SCOPE)
        except AuthenticationError as error:
            raise NotRead(f"no Entra token for registries: {error}", None, "NoToken") from error

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
            realm = _host_of(found.get("realm", ""))
            if realm != self._host:
                raise NotRead(f"the registry sends us to {realm!r} for tokens, not followed", reply.status)
            self._service = found["service"]
        return self._service

    async def _post(self, path: str, form: Mapping[str, str]) -> Reply:
        # 401 is an answer here: the client would send the same refused token again.
        return await self._sender.send(
            Call("POST", f"https://{self._host}{path}", Kind.LOGIN, self._host, form=form, accept=(200, 401))
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


def _host_of(url: str) -> str:
    """The host (with its port where that is not 443) of an https address, "" for anything else."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return parts.netloc.lower().removesuffix(":443") if parts.scheme == "https" else ""
