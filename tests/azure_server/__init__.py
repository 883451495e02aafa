"""A loopback Azure for tests: Entra, Resource Manager, Resource Graph, Policy Insights and registries, under their own names.

    with running(page=2, twins=True) as azure:
        azure.faults.append(Fault("/tokens", "status", times=2, status=429, headers={"Retry-After": "1"}))
        subprocess.run(["acrscan", "scan"], env={**os.environ, **azure.env})
        assert azure.forbidden == []

Clients reach it through a CONNECT proxy with certificates of an authority made at start; `azure.env` says both.
"""

from __future__ import annotations

import asyncio
import shutil
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.azure_server.answers import CLIENT
from tests.azure_server.ca import NAMES, authority
from tests.azure_server.faults import Fault
from tests.azure_server.proxy import Proxy
from tests.azure_server.server import SECRET, Azure, Seen
from tests.azure_server.state import State

OF_STATE = ("registries", "subscriptions", "estate", "tenant", "visible", "twins", "disabled", "odd_case")
"""Options of `running` that are those of `State`."""


@dataclass(slots=True)
class Running:
    """A server that runs. `env`: what a process needs to reach it."""

    server: Azure
    proxy: Proxy
    ca: Path
    port: int
    env: dict[str, str]

    @property
    def state(self) -> State:
        """What it knows."""
        return self.server.state

    @property
    def faults(self) -> list[Fault]:
        """What goes wrong; append at any time."""
        return self.server.faults

    @property
    def requests(self) -> list[Seen]:
        """What arrived."""
        return self.server.requests

    @property
    def forbidden(self) -> list[str]:
        """What writes or reveals secrets and arrived all the same."""
        return self.server.forbidden

    @property
    def unexpected(self) -> list[str]:
        """What the server does not have."""
        return self.server.unexpected

    def count(self, words: str) -> int:
        """How many requests have these words in their line."""
        return sum(words.lower() in seen.line.lower() for seen in self.requests)


@contextmanager
def running(state: State | None = None, **options: Any) -> Iterator[Running]:
    """A server and its proxy in a thread of their own; `options` are those of `State` and of `Azure`."""
    own = {key: options.pop(key) for key in list(options) if key in OF_STATE}
    if state is not None and own:
        raise TypeError(f"{', '.join(own)}: give these to the state")
    folder = Path(tempfile.mkdtemp(prefix="azure-server-"))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        server = Azure(state or State(**own), **options)
        found, runner = asyncio.run_coroutine_threadsafe(_start(server, folder), loop).result(20)
        try:
            yield found
        finally:
            asyncio.run_coroutine_threadsafe(_stop(found, runner), loop).result(20)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()
        shutil.rmtree(folder, ignore_errors=True)


async def _start(server: Azure, folder: Path) -> tuple[Running, web.AppRunner]:
    ca = authority(folder)
    certificate, key = ca.issue(folder, "server", NAMES)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    app = web.Application(client_max_size=1 << 26)
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    port = runner.addresses[0][1]
    proxy = Proxy(port)
    await proxy.start()
    env = {
        "HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}",
        "NO_PROXY": "localhost",
        "AZURE_SERVER": f"https://localhost:{port}",
        "SSL_CERT_FILE": str(ca.file),
        "REQUESTS_CA_BUNDLE": str(ca.file),
        "AZURE_TENANT_ID": server.state.tenant,
        "AZURE_CLIENT_ID": CLIENT,
        "AZURE_CLIENT_SECRET": SECRET,
    }
    return Running(server, proxy, ca.file, port, env), runner


async def _stop(found: Running, runner: web.AppRunner) -> None:
    await found.proxy.stop()
    await runner.cleanup()
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await asyncio.sleep(0.01)
