"""Measures `acrscan policy lint` as a process: unchanged files, a first run, an edited rule, and everything tried again.

Usage: python benchmarks/lint.py [rounds] (default 9). An empty Python and bare composing of the pack's files are the references;
all take turns, so that a machine that drifts drifts for all. What is remembered lies in a folder of its own.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PACK = ROOT / "policies" / "acr"
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 9
COMPOSE = """
import sys, yaml
from pathlib import Path
for path in sorted(Path(sys.argv[1]).glob("*.yaml")):
    list(yaml.compose_all(path.read_text("utf-8"), Loader=yaml.CSafeLoader))
"""
LINT = [sys.executable, "-m", "scanner", "policy", "lint"]


class Seconds(NamedTuple):
    """Of one run."""

    wall: float
    used: float


class Row(NamedTuple):
    """A command and what is done before each of its runs."""

    name: str
    command: list[str]
    before: Callable[[Path], None]


def _nothing(_: Path) -> None:
    """The run finds what the last one left."""


def _forget(home: Path) -> None:
    shutil.rmtree(home / "cache", ignore_errors=True)


def _edit(home: Path) -> None:
    path = next((home / "acr").glob("ACR101*.yaml"))
    text = path.read_text("utf-8")
    path.write_text(f"{text}# {len(text)}\n", "utf-8")


def once(row: Row, home: Path) -> Seconds:
    """One run, which must succeed."""
    row.before(home)
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        "XDG_CACHE_HOME": str(home / "cache"),
        "LOCALAPPDATA": str(home / "cache"),
        "HOME": str(home),
    }
    before = os.times()
    start = time.perf_counter()
    subprocess.run(row.command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, env=environment)
    wall = time.perf_counter() - start
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return Seconds(wall, used)


def main() -> None:
    """Take turns and print medians and ratios."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        shutil.copytree(PACK, home / "acr")
        rows = (
            Row("python -c pass", [sys.executable, "-c", "pass"], _nothing),
            Row("composing the pack's files", [sys.executable, "-c", COMPOSE, str(PACK)], _nothing),
            Row("lint, files unchanged", LINT, _nothing),
            Row("lint, first run of a user", LINT, _forget),
            Row("lint of a copy with one rule edited", [*LINT, str(home / "acr")], _edit),
            Row("lint --no-cache", [*LINT, "--no-cache"], _nothing),
        )
        found: dict[str, list[Seconds]] = {row.name: [] for row in rows}
        for row in rows:
            once(row, home)  # bytecode and the disk's cache
        for _ in range(ROUNDS):
            for row in rows:
                found[row.name].append(once(row, home))
    medians = {
        name: Seconds(
            statistics.median(one.wall for one in runs), statistics.median(one.used for one in runs)
        )
        for name, runs in found.items()
    }
    for name, (wall, used) in medians.items():
        print(f"{name:<40} {wall:8.3f} s  {used:8.3f} s of processor")
    empty, composed = medians["python -c pass"], medians["composing the pack's files"]
    warm, cold = medians["lint, files unchanged"], medians["lint, first run of a user"]
    print(f"{'unchanged, over an empty Python':<40} {warm.wall - empty.wall:8.3f} s")
    print(
        f"{'first run, of composing the files':<40} {(cold.used - empty.used) / (composed.used - empty.used):8.2f} x"
    )


if __name__ == "__main__":
    main()
