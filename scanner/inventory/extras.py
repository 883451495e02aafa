"""What else is read of each registry when a user asks for it: the data plane, and a probe of its endpoints."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from scanner.inventory._azure.client import Client
from scanner.inventory.attempt import ARM, Attempt
from scanner.inventory.collecting import Brief, Extra
from scanner.inventory.data_plane import KINDS, DataPlane, Limits, Target
from scanner.inventory.probe import ENDPOINTS, Options
from scanner.inventory.probe import probe as probed
from scanner.model.resource import Problem

PROBES = 32
"""Registries that are probed at once; each step waits for the network."""


def extras_for(
    data_plane: Limits | None, *, probe: bool
) -> tuple[Callable[[Client], Extra] | None, tuple[str, ...]]:
    """(what makes the work for an open client, the collections it answers for)."""
    if data_plane is None and not probe:
        return None, ()
    limits = data_plane

    def made(client: Client) -> Extra:
        async def work(one: Brief, attempt: Attempt) -> None:
            if limits is not None:
                await _data_plane(client, one, attempt, limits)
            if probe:
                await _probed(pool, one, attempt, options)

        # One pool and one set of TLS contexts for the whole run; they are not made where nobody probes.
        pool = ThreadPoolExecutor(PROBES, "probe") if probe else None
        options = Options(client.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")) if probe else None
        return work

    return made, (*(KINDS if data_plane is not None else ()), *((ENDPOINTS,) if probe else ()))


async def _probed(
    pool: ThreadPoolExecutor | None, one: Brief, attempt: Attempt, options: Options | None
) -> None:
    """The endpoints of a registry, as rows of its unit."""
    assert options is not None
    loop = asyncio.get_running_loop()
    for resource in await loop.run_in_executor(pool, probed, one.id, one.properties, options):
        attempt.row(resource, ARM)


async def _data_plane(client: Client, one: Brief, attempt: Attempt, limits: Limits) -> None:
    """Repositories, tags and manifests of a registry, as rows of its unit."""
    login = one.properties.get("loginServer")
    login = login if isinstance(login, str) else ""
    suffix = client.cloud.registry_suffix
    if not re.fullmatch(rf"(?i)[a-z0-9-]{{1,128}}\.{re.escape(suffix)}", login):
        reason = f"its login server {login[:80]!r} is no host below {suffix}, so nothing was sent there"
        for kind in KINDS:
            attempt.unread(kind, Problem(one.id, reason))
        return
    client.allowed.admit(login)
    plane = DataPlane(Target(one.id, login, one.properties), client, limits, attempt.principal)
    async for reading in plane.read():
        for resource in reading.resources:
            attempt.row(resource, ARM)
        for kind, problem in reading.problems:
            attempt.unread(kind, problem)
        attempt.notes += reading.notes
