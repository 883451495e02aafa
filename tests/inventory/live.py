"""What live tests share: a running Azure, and collections from it in this process or as a command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from scanner.inventory import azure
from scanner.inventory._azure.clouds import cloud_of
from scanner.inventory._azure.credentials import Login
from scanner.inventory._azure.deadlines import Deadlines
from scanner.inventory._azure.pacing import Clock
from scanner.inventory._azure.session import proxy_for
from scanner.inventory.scopes import Wanted

ROOT = Path(__file__).resolve().parents[2]
LOGIN = Login("client-secret")


class Hasty(Clock):
    """A clock on which waiting takes a hundredth of the time and yet passes, so that retries need not be waited for."""

    def __init__(self):
        self.ahead = 0.0

    def monotonic(self):
        return super().monotonic() + self.ahead

    async def sleep(self, seconds):
        short = min(seconds / 100, 0.02)
        await super().sleep(short)
        self.ahead += seconds - short


def collect(running, folder, monkeypatch, *, clock=None, tell=lambda *_a, **_f: None, **options):
    """Collect from a running server in this process; gives what the collector gives."""
    for name, value in running.env.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name, raising=False)
    proxy_for.cache_clear()
    wanted = Wanted(**{key: options.pop(key) for key in list(options) if key in Wanted.__dataclass_fields__})
    found = azure.collect(
        azure.Options(
            folder=Path(folder),
            login=options.pop("login", LOGIN),
            cloud=options.pop("cloud", None) or cloud_of(),
            wanted=wanted,
            deadlines=options.pop("deadlines", Deadlines(call=5)),
            clock=clock or Hasty(),
            **options,
        ),
        tell,
    )
    found.journal.close()
    return found


def command(running, *arguments, wait=True, **environment):
    """Run `acrscan` as a process against a running server."""
    env = {**os.environ, **running.env, "CI": "true", "NO_COLOR": "1", **environment}
    for name in ("https_proxy", "no_proxy", "ALL_PROXY", "all_proxy"):
        env.pop(name, None)
    argv = [sys.executable, "-m", "scanner", *map(str, arguments)]
    if not wait:
        return subprocess.Popen(
            argv, env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    return subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def run_of(inventory, kind):
    """The run of a collection."""
    (found,) = [run for run in inventory.runs if run.collection.lower().endswith(f"/{kind.lower()}")]
    return found
