"""The client: a call comes in, a complete answer comes out, or `NotRead` with the reason.

The asynchronous clients of the SDK packages send over one lean pipeline (request id, user agent, token, allow-list) and one
session; raw JSON, because models drop keys they do not know. Retries are ours: azure-core's own policy waits without a limit
for a Retry-After, does not retry truncated bodies, and takes a proxy's HTML page for an answer.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from types import MappingProxyType, TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
import orjson
from azure.core.exceptions import AzureError
from azure.core.rest import HttpRequest
from azure.mgmt.containerregistry.aio import ContainerRegistryManagementClient
from azure.mgmt.core.policies import AsyncARMChallengeAuthenticationPolicy
from azure.mgmt.policyinsights.aio import PolicyInsightsClient

from scanner import __version__
from scanner.inventory._azure.allow import KIND, AllowList, AllowListPolicy, Kind
from scanner.inventory._azure.clouds import Cloud
from scanner.inventory._azure.credentials import Credential, Login, credential_for
from scanner.inventory._azure.deadlines import Deadlines, Spent
from scanner.inventory._azure.pacing import LONGEST_WAIT, Clock, Pacing, asked_to_wait
from scanner.inventory._azure.session import TokenTransport, Wire, tls_context

AGENT = f"acrscan/{__version__} azure-mgmt-containerregistry"
THROTTLED = 12
"""How often one call is tried while Azure answers 429."""
BROKEN = 5
"""How often one call is tried while the connection or the server fails."""
REFUSED = 3
"""How often one call is tried with a fresh token while Azure answers 401."""
_SERVER = frozenset({408, 500, 502, 503, 504})
_NOTHING: Mapping[str, str] = MappingProxyType({})
_ACTION = re.compile(r"perform action '([^']{1,200})'")
_PRINCIPAL = re.compile(r"with object id '([0-9a-fA-F-]{36})'")
_LONGEST = 300
"""Characters of Azure's own words that a reason keeps."""


class Call(NamedTuple):
    """One request. `bucket`: what is paced together (a subscription id, "graph", "tenant", a login server)."""

    method: str
    url: str
    kind: Kind = Kind.ARM
    bucket: str = "tenant"
    headers: Mapping[str, str] = _NOTHING
    json: Any = None
    form: Mapping[str, str] | None = None
    accept: tuple[int, ...] = (200,)


class Reply(NamedTuple):
    """An answer: headers by name in any case; `body` decoded JSON (None when empty); `at` RFC 3339, UTC."""

    status: int
    headers: Mapping[str, str]
    body: Any
    url: str
    at: str


class NotRead(Exception):
    """No complete data: why, and where Azure says so the missing action and who lacks it."""

    def __init__(
        self, reason: str, status: int | None = None, code: str = "", action: str = "", principal: str = ""
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.code = code
        self.action = action
        self.principal = principal

    @property
    def deleted(self) -> bool:
        """Whether Azure itself says that the resource does not exist: any other 404 (a proxy's, a lost subscription's) is none."""
        return self.status == 404 and self.code.endswith("NotFound") and self.code != "SubscriptionNotFound"


@dataclass(slots=True)
class Failures:
    """What went wrong on the way although the call may have ended well, counted by reason."""

    counts: dict[str, int] = field(default_factory=dict)

    def add(self, reason: str) -> None:
        """Count one."""
        self.counts[reason] = self.counts.get(reason, 0) + 1


class _Request(HttpRequest):
    """A request for one attempt: the SDK copies requests deeply before sending, which is a sixth of the work."""

    def __deepcopy__(self, memo: Any = None) -> Self:
        return self


class _Renewing(AsyncARMChallengeAuthenticationPolicy):
    """Asks for a fresh token when one is refused in the middle of a run, also without a claims challenge."""

    def __init__(self, credential: Credential, scope: str) -> None:
        super().__init__(credential, scope)
        self._scope = scope

    async def on_challenge(self, request: Any, response: Any) -> bool:
        """Whether to send the request again, with another token."""
        if await super().on_challenge(request, response):
            return True
        await self.authorize_request(request, self._scope)
        return True


class Client:
    """An open connection to one cloud. Use it as an asynchronous context manager."""

    def __init__(
        self,
        cloud: Cloud,
        login: Login,
        *,
        deadlines: Deadlines | None = None,
        clock: Clock | None = None,
        credential: Credential | None = None,
    ) -> None:
        self.cloud = cloud
        self.allowed = AllowList(cloud.arm_host, cloud.authority_host)
        self.clock = clock or Clock()
        self.pacing = Pacing(self.clock)
        self.failures = Failures()
        self._deadlines = deadlines or Deadlines()
        self._began = 0.0
        self._spent: dict[str, Spent] = {}
        self._run = uuid4()
        self._numbers = itertools.count(1)
        self._tls = tls_context()
        self._tokens = TokenTransport(self.allowed, self._tls)
        self.credential = credential or credential_for(login, cloud, self._tokens)

    async def __aenter__(self) -> Self:
        self._wire = Wire(self._tls, self._deadlines.call)
        await self._wire.open()
        options: dict[str, Any] = {
            "base_url": self.cloud.resource_manager,
            "credential_scopes": [self.cloud.scope],
            "transport": self._wire,
        }
        nobody = "00000000-0000-0000-0000-000000000000"
        self._registries = ContainerRegistryManagementClient(
            self.credential,
            nobody,
            policies=self._policies(),
            **options,
        )
        self._insights = PolicyInsightsClient(
            self.credential,
            nobody,
            policies=self._policies(),
            **options,
        )
        self._bare = ContainerRegistryManagementClient(
            self.credential,
            nobody,
            policies=self._policies(token=False),
            **options,
        )
        self._began = self.clock.monotonic()
        return self

    def _policies(self, *, token: bool = True) -> list[Any]:
        """One pipeline: no redirects are followed, nothing is registered, nothing is retried behind our back."""
        return [
            *([_Renewing(self.credential, self.cloud.scope)] if token else []),
            AllowListPolicy(self.allowed),
        ]

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._wire.close()
        await self.credential.close()
        self._tokens.session.close()
        await asyncio.sleep(0)

    async def token(self, scope: str) -> str:
        """An Entra token for a registry's token exchange."""
        return (await self.credential.get_token(scope)).token

    async def send(self, call: Call) -> Reply:
        """Send a call until it is answered completely with an accepted status.

        Raises `NotRead` otherwise, `AuthenticationError` where there is no token to send it with.
        """
        spent = self._spent.setdefault(call.bucket, Spent())
        spent.enter(self.clock.monotonic())
        try:
            return await self._tried(call, spent)
        finally:
            spent.leave(self.clock.monotonic())

    async def _tried(self, call: Call, spent: Spent) -> Reply:
        throttled = broken = 0
        while True:
            self._check_deadlines(call.bucket, spent)
            await self.pacing.enter(call.bucket)
            try:
                reply = await self._once(call)
            except _Broken as failed:
                broken += 1
                self.failures.add(failed.reason)
                if broken >= BROKEN:
                    raise NotRead(f"{failed.reason} ({broken} attempts)") from failed
                wait = 0.4 * 2**broken * (0.5 + random.random())  # noqa: S311 - no secret
            else:
                if reply.status in call.accept:
                    return reply
                wait, throttled, broken = self._after(reply, throttled, broken)
                if reply.status == 429:  # whoever shares the bucket would only be refused too
                    self.pacing.pause(call.bucket, wait)
            finally:
                self.pacing.leave(call.bucket)
            self.pacing.told.retries += 1
            self.pacing.told.waited += wait
            await self.clock.sleep(wait)

    def _after(self, reply: Reply, throttled: int, broken: int) -> tuple[float, int, int]:
        """(seconds to wait, throttled, broken) after an answer that may be retried; raises `NotRead` for others."""
        asked = asked_to_wait(reply.headers, self.clock.now())
        if reply.status == 429:
            self.pacing.told.throttled += 1
            throttled += 1
            self.failures.add("429")
            if throttled >= THROTTLED:
                words = f", the last one for {asked:,.0f} s" if asked else ""
                raise NotRead(
                    f"429: throttled, asked to wait {throttled} times{words}", 429, "TooManyRequests"
                )
            wait = min(asked if asked is not None else 1.0 * 2 ** min(throttled, 5), LONGEST_WAIT)
            return wait, throttled, broken
        failed = not_read(reply)
        if reply.status not in _SERVER and not (reply.status == 401 and broken < REFUSED):
            raise failed
        broken += 1
        self.failures.add(str(reply.status))
        if broken >= BROKEN:
            raise NotRead(f"{failed.reason} ({broken} attempts)", reply.status, failed.code)
        wait = asked if asked is not None else 0.4 * 2**broken * (0.5 + random.random())  # noqa: S311
        return min(wait, LONGEST_WAIT), throttled, broken

    def _check_deadlines(self, bucket: str, spent: Spent) -> None:
        now = self.clock.monotonic()
        if now - self._began > self._deadlines.run:
            raise NotRead(f"deadline of the run reached ({self._deadlines.run:,.0f} s)", None, "Deadline")
        if spent.seconds(now) > self._deadlines.bucket:
            raise NotRead(f"deadline of {bucket} reached ({self._deadlines.bucket:,.0f} s)", None, "Deadline")

    async def _once(self, call: Call) -> Reply:
        """One attempt. Raises `_Broken` for everything that did not bring a whole answer."""
        identifier = f"{self._run}-{next(self._numbers)}"
        headers = {"User-Agent": AGENT, "x-ms-client-request-id": identifier, **call.headers}
        request = _Request(
            call.method, call.url, headers=headers, json=call.json, data=dict(call.form) if call.form else None
        )  # fmt: skip
        try:
            response = await self._sender(call)(request, **{KIND: call.kind})
        except TimeoutError as error:
            raise _Broken(f"no answer within {self._deadlines.call:,.0f} s") from error
        except aiohttp.ClientPayloadError as error:
            raise _Broken("the answer was cut off") from error
        except (aiohttp.ClientError, AzureError, OSError) as error:
            raise _Broken(_words(error)) from error
        status, told, content = response
        self.pacing.hear(call.bucket, status, told)
        return Reply(status, told, _decoded(content, status), call.url, self._time(told))

    def _sender(self, call: Call) -> Any:
        if call.kind is not Kind.ARM:
            return self._bare.send_request
        if "/policystates/" in call.url.lower():
            return self._insights._send_request  # noqa: SLF001 - this version writes it with an underscore
        return self._registries.send_request

    def _time(self, headers: Mapping[str, str]) -> str:
        return _instant(headers.get("date", "")) or self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=64)
def _instant(date: str) -> str:
    """A Date header as RFC 3339, UTC, or "". Many answers of one second have the same one."""
    try:
        return parsedate_to_datetime(date).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, TypeError):
        return ""


class _Broken(Exception):
    """An attempt without a whole answer; may be tried again."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _decoded(raw: bytes, status: int) -> Any:
    """The JSON of a body; None for an empty one and for an error's page."""
    if not raw.strip():
        if status == 200:
            raise _Broken("an empty answer")
        return None
    try:
        return orjson.loads(raw)
    except ValueError:
        pass
    try:
        return json.loads(raw)  # numbers beyond 64 bits, which orjson refuses
    except (ValueError, RecursionError) as error:
        if status >= 300:
            return None
        page = raw.lstrip()[:1] == b"<"
        raise _Broken("a page instead of JSON (a proxy?)" if page else "the answer is no JSON") from error


def not_read(reply: Reply) -> NotRead:
    """What an answer with an error says, in one line."""
    body = reply.body if isinstance(reply.body, dict) else {}
    error = body.get("error")
    if not isinstance(error, dict):
        errors = body.get("errors")
        error = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else body
    code = error.get("code") if isinstance(error.get("code"), str) else ""
    message = error.get("message") if isinstance(error.get("message"), str) else ""
    if 300 <= reply.status < 400:
        message = (
            f"redirected to {urlsplit(reply.headers.get('location', '')).netloc or 'nowhere'}, not followed"
        )
    action = _ACTION.search(message or "")
    principal = _PRINCIPAL.search(message or "")
    words = " ".join((message or "").split())
    if len(words) > _LONGEST:
        words = words[: _LONGEST - 3] + "..."
    text = ": ".join(part for part in (code, words) if part)
    return NotRead(
        f"{reply.status} {text}".strip(),
        reply.status,
        code or "",
        action.group(1) if action else "",
        principal.group(1) if principal else "",
    )


def _words(error: Exception) -> str:
    """An SDK error in one line, without addresses of objects."""
    text = " ".join(str(error).split())
    text = re.sub(r"<[^>]*object at 0x[0-9a-f]+>:?", "", text).strip()
    return (text[:_LONGEST] or type(error).__name__).strip()
