"""Measures live collection against a loopback Azure in a process of its own; see README.md for what must be reached.

Usage: python benchmarks/live.py [registries] (default 10000). Ratios against bare aiohttp are of the same run, interleaved.
"""

from __future__ import annotations

import asyncio
import os
import resource
import shlex
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import aiohttp  # noqa: E402

from scanner.inventory import azure, live, resource_graph  # noqa: E402
from scanner.inventory._azure.client import Call, Client  # noqa: E402
from scanner.inventory._azure.clouds import cloud_of  # noqa: E402
from scanner.inventory._azure.credentials import Login  # noqa: E402
from scanner.inventory.attempt import GRAPH, Books  # noqa: E402
from scanner.inventory.journal import Journal  # noqa: E402

SIZE = int(sys.argv[1]) if len(sys.argv) == 2 else 10_000
SUBSCRIPTIONS = 20
CALLS, AT_ONCE, ROUNDS = 3000, 16, 5


def row(name: str, value: str, note: str = "") -> None:
    """One line of the table."""
    print(f"{name:<58} {value:>12}  {note}", flush=True)


@contextmanager
def server(registries: int) -> Iterator[str]:
    """The address of a server in a process of its own; the environment leads to it."""
    argv = [sys.executable, "-m", "tests.azure_server", "--registries", str(registries), "--subscriptions", str(SUBSCRIPTIONS), "--bucket", "1000000"]  # fmt: skip
    process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            name, _, value = line.removeprefix("export ").partition("=")
            os.environ[name] = shlex.split(value)[0] if value.strip() != "''" else ""
            if name == "AZURE_CLIENT_SECRET":
                break
        yield os.environ["AZURE_SERVER"]
    finally:
        process.kill()
        process.wait()


def client() -> Client:
    """A client of the server, without the proxy."""
    return Client(cloud_of(resource_manager=os.environ["AZURE_SERVER"]), Login("client-secret"))


async def each(number: int, work: Callable[[], Any]) -> None:
    """Run something so often, sixteen at once."""
    left = iter(range(number))

    async def one() -> None:
        for _ in left:
            await work()

    await asyncio.gather(*(one() for _ in range(AT_ONCE)))


async def ours(path: str) -> float:
    """Requests per second of our client."""
    async with client() as open_client:
        call = Call("GET", f"{open_client.cloud.resource_manager}{path}", bucket="bench")
        await open_client.send(call)
        start = time.perf_counter()
        await each(CALLS, lambda: open_client.send(call))
        return CALLS / (time.perf_counter() - start)


async def bare(path: str, token: str) -> float:
    """Requests per second of aiohttp alone."""
    context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    url, headers = os.environ["AZURE_SERVER"] + path, {"Authorization": f"Bearer {token}"}
    connector = aiohttp.TCPConnector(ssl=context, limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def one() -> None:
            async with session.get(url, headers=headers) as response:
                await response.read()

        await one()
        start = time.perf_counter()
        await each(CALLS, one)
        return CALLS / (time.perf_counter() - start)


async def graph(folder: Path, *, keep: bool) -> float:
    """Seconds for all registries through Resource Graph: pages alone, or as redacted rows of a journal."""
    async with client() as open_client:
        await open_client.token(open_client.cloud.scope)
        homes = [f"c0ffee00-0000-4000-8000-{item:012d}" for item in range(SUBSCRIPTIONS)]
        journal = Journal(folder, {}, resume=False)
        books = Books(journal, lambda _: True, lambda *_args, **_facts: None)
        start = time.perf_counter()
        pages = resource_graph.pages(open_client, live.REGISTRY_QUERY, homes)
        count = 0
        if keep:
            attempt = books.attempt()
            await attempt.read(
                live.REGISTRIES, ["/"], pages, rank=GRAPH, graph=True, seen=lambda item: item.id
            )
            attempt.commit("graph")
            count = len(attempt.facts)
        else:
            async for page in pages:
                count += len(page.rows)
        taken = time.perf_counter() - start
        journal.close()
        assert count == SIZE, count
        return taken


def collected(registries: int) -> None:
    """Collect a large estate without the lists of single registries, and print what memory it took (a child process)."""
    live.PER_REGISTRY = ()
    with server(registries) as address, tempfile.TemporaryDirectory() as folder:
        options = azure.Options(
            folder=Path(folder) / "j", login=Login("client-secret"), cloud=cloud_of(resource_manager=address)
        )
        start = time.perf_counter()
        found = azure.collect(options)
        taken = time.perf_counter() - start
        found.journal.close()
        count = len(found.inventory.parts["microsoft.containerregistry/registries"])
        assert count >= registries, count
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, f"{taken:.1f}")


def main() -> None:
    """All rows."""
    with server(SIZE), tempfile.TemporaryDirectory() as folder:
        for keep, name in ((False, "pages decoded"), (True, "rows redacted and journaled")):
            asyncio.run(graph(Path(folder) / "warm", keep=keep))
            found = [asyncio.run(graph(Path(folder) / "j", keep=keep)) for _ in range(3)]
            row(f"{SIZE:,} registries through Resource Graph, {name}", f"{statistics.median(found):.2f} s")
        path = f"/subscriptions/c0ffee00-0000-4000-8000-{0:012d}/resourceGroups/rg-many/providers/Microsoft.ContainerRegistry/registries/many0000000/tokens?api-version={live.STABLE}"

        async def token() -> str:
            async with client() as open_client:
                return await open_client.token(open_client.cloud.scope)

        known = asyncio.run(token())
        pairs = [(asyncio.run(ours(path)), asyncio.run(bare(path, known))) for _ in range(ROUNDS)]
        ratio = statistics.median(one / other for one, other in pairs)
        mine, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
        row(
            "child GETs, 16 at once, of bare aiohttp's",
            f"{100 * ratio:.0f} %",
            f"{mine:,.0f}/s of {theirs:,.0f}/s",
        )
    peaks = []
    for registries in (10_000, 100_000):
        done = subprocess.run(
            [sys.executable, __file__, "--collected", str(registries)],
            capture_output=True,
            text=True,
            check=True,
        )
        peak, taken = done.stdout.split()
        peaks.append(int(peak))
        row(f"collecting {registries:,} registries: peak memory", f"{peak} MB", f"{taken} s")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--collected"]:
        collected(int(sys.argv[2]))
    else:
        main()
