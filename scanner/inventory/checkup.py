"""The doctor's examination: a cloud and a way to log in come in, one line per thing that was looked at comes out.

Nothing is read here that a collection would not read: a token, the list of subscriptions, our own permissions, one query.
"""

from __future__ import annotations

import asyncio
import os
import shlex
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from scanner.errors import AuthenticationError, ScannerError
from scanner.inventory import arm, live, resource_graph
from scanner.inventory._azure.client import Call, Client, NotRead
from scanner.inventory._azure.clouds import Cloud
from scanner.inventory._azure.credentials import Credential, Login, claims_of
from scanner.inventory._azure.pacing import Clock
from scanner.inventory._azure.session import bundle
from scanner.inventory.attempt import ROLE
from scanner.inventory.collecting import may
from scanner.inventory.scopes import VERSION

SKEW = 300.0
"""Seconds between our clock and Azure's that tokens tolerate."""
_SHOWN = 20
_SECRETS = (
    "Microsoft.ContainerRegistry/registries/listCredentials/action",
    "Microsoft.ContainerRegistry/registries/generateCredentials/action",
)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `state`: ok, warning or failed; `fix`: what to do, "" where nothing is to be done."""

    name: str
    state: str
    words: str
    fix: str = ""


def examine(
    cloud: Cloud, login: Login, *, clock: Clock | None = None, credential: Credential | None = None
) -> Iterator[Check]:
    """All checks, each as soon as it is made; ends early where later ones would have nothing to stand on."""
    yield Check("cloud", "ok", f"{cloud.name}: {cloud.resource_manager}, tokens from {cloud.authority}")
    yield _trust()
    yield _proxy()
    checks = _asking(cloud, login, clock, credential)
    loop = asyncio.new_event_loop()
    try:
        while True:
            try:
                yield loop.run_until_complete(anext(checks))
            except StopAsyncIteration:
                break
    finally:
        loop.run_until_complete(checks.aclose())
        loop.close()


def _trust() -> Check:
    name, file = bundle()
    words = f"{name}={file}" if file else "certificates of the operating system"
    return Check("trust", "ok", words)


def _proxy() -> Check:
    found = [
        f"{name}={_bare(os.environ[name])}"
        for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy")
        if os.environ.get(name)
    ]
    return Check("proxy", "ok", ", ".join(found) or "none")


def _bare(url: str) -> str:
    """An address without a user and password in it."""
    split = urlsplit(url)
    return url if "@" not in split.netloc else f"{split.scheme}://***@{split.netloc.rpartition('@')[2]}"


async def _asking(
    cloud: Cloud, login: Login, clock: Clock | None, credential: Credential | None
) -> AsyncGenerator[Check, None]:
    try:
        client = Client(cloud, login, clock=clock, credential=credential)
    except ScannerError as error:
        yield Check("set-up", "failed", str(error), error.advice)
        return
    async with client:
        try:
            token = await client.token(cloud.scope)
        except AuthenticationError as error:
            yield Check("credential", "failed", error.what, error.advice)
            return
        claims = claims_of(token)
        who = ", ".join(
            f"{words} {claims[key]}"
            for key, words in (
                ("oid", "object id"),
                ("appid", "application"),
                ("upn", "user"),
                ("tid", "tenant"),
            )
            if isinstance(claims.get(key), str)
        )
        yield Check("credential", "ok", f"{login.method}: {who or 'a token without readable claims'}")
        async for check in _visible(client, str(claims.get("oid") or "")):
            yield check


async def _visible(client: Client, principal: str) -> AsyncIterator[Check]:
    url = f"{client.cloud.resource_manager}/subscriptions?api-version={VERSION}"
    try:
        reply = await client.send(Call("GET", url))
        yield _skew(client, reply.headers)
        rows = [
            row async for page in arm.pages(client, "/subscriptions", VERSION, "tenant") for row in page.rows
        ]
    except NotRead as error:
        yield Check(
            "subscriptions",
            "failed",
            f"cannot be listed: {error.reason}",
            "Look at the proxy and the certificates above.",
        )
        return
    known = [row for row in rows if isinstance(row.get("subscriptionId"), str)]
    if not known:
        yield Check("subscriptions", "failed", "none is visible", f'az role assignment create --assignee-object-id {principal or "<object id>"} --role Reader --scope /subscriptions/<id>')  # fmt: skip
        return
    names = Counter(str(row.get("displayName")) for row in known)
    double = [name for name, number in names.items() if number > 1]
    words = f"{len(known):,} visible: " + ", ".join(
        f"{row.get('displayName')} ({row['subscriptionId']}, {row.get('state')})" for row in known[:_SHOWN]
    )
    if len(known) > _SHOWN:
        words += f" and {len(known) - _SHOWN:,} more"
    yield Check("subscriptions", "ok", words)
    if double:
        yield Check("names", "warning", f"several subscriptions share a name: {', '.join(double)}", "Use ids with --subscription.")  # fmt: skip
    for row in known[:_SHOWN]:
        yield await _permissions(client, row, principal)
    yield await _graph(client, known)
    yield _throttling(client)


def _skew(client: Client, headers: Any) -> Check:
    try:
        seconds = (parsedate_to_datetime(headers.get("date", "")) - client.clock.now()).total_seconds()
    except (ValueError, TypeError):
        return Check("clock", "warning", "Azure's answer has no date, so the clocks cannot be compared")
    words = f"{abs(seconds):,.0f} s {'behind' if seconds > 0 else 'ahead of'} Azure"
    if abs(seconds) > SKEW:
        return Check("clock", "failed", words, "Set this machine's clock: tokens are refused beyond 300 s.")
    return Check("clock", "ok", words if abs(seconds) >= 2 else "agrees with Azure's")


async def _permissions(client: Client, row: dict[str, Any], principal: str) -> Check:
    identifier = row["subscriptionId"]
    place, name = f"/subscriptions/{identifier}", f"permissions on {row.get('displayName') or identifier}"
    path = f"{place}/providers/Microsoft.Authorization/permissions"
    try:
        pages = arm.pages(client, path, "2022-04-01", identifier)
        held = [item async for page in pages for item in page.rows]
    except NotRead as error:
        return Check(name, "warning", f"not readable: {error.reason}")
    wanted = dict.fromkeys(
        live.read_action(kind) for kind in live.COLLECTED if kind != live.MANAGEMENT_GROUPS
    )
    missing = [action for action in wanted if not may(held, action)]
    if missing:
        role = f'"{ROLE}"' if all(action.endswith("/action") for action in missing) else "Reader"
        fix = f"az role assignment create --assignee-object-id {principal or '<object id>'} --role {role} --scope {shlex.quote(place)}"
        return Check(name, "warning", f"missing {', '.join(missing)}", fix)
    too_much = [action for action in _SECRETS if may(held, action)]
    if too_much:
        return Check(name, "warning", f"more than needed: {', '.join(too_much)} reveals passwords, which acrscan never asks for", f'Use Reader and "{ROLE}" instead (docs/permissions.md).')  # fmt: skip
    return Check(name, "ok", "everything a collection reads")


async def _graph(client: Client, known: list[dict[str, Any]]) -> Check:
    some = [row["subscriptionId"] for row in known[: resource_graph.BATCH]]
    try:
        count = 0
        async for page in resource_graph.pages(client, live.REGISTRY_QUERY, some):
            count += len(page.rows)
    except NotRead as error:
        return Check("Resource Graph", "failed", error.reason)
    return Check("Resource Graph", "ok", f"{count:,} registries in the first {len(some):,} subscriptions")


def _throttling(client: Client) -> Check:
    lowest = client.pacing.told.lowest
    words = (
        ", ".join(f"{name} {value:,}" for name, value in sorted(lowest.items())) or "no limits in the answers"
    )
    if client.pacing.told.throttled:
        return Check("throttling", "warning", f"throttled {client.pacing.told.throttled} times; {words}", "Another tool uses up the limits of this identity.")  # fmt: skip
    return Check("throttling", "ok", words)
