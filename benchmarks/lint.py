"""Measures `acrscan policy lint` as a process against an empty Python and against bare composing of the same files; prints ratios.

Usage: python benchmarks/lint.py [rounds] (default 9). The three take turns, so that a machine that drifts drifts for all.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 9
COMPOSE = """
import sys, yaml
from pathlib import Path
for path in sorted(Path(sys.argv[1]).glob("*.yaml")):
    list(yaml.compose_all(path.read_text("utf-8"), Loader=yaml.CSafeLoader))
"""
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "composing the pack's files": [sys.executable, "-c", COMPOSE, str(ROOT / "policies" / "acr")],
    "acrscan policy lint": [sys.executable, "-m", "scanner", "policy", "lint"],
}


def once(command: list[str]) -> tuple[float, float]:
    """Wall and processor seconds of one run, which must succeed."""
    before = os.times()
    start = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - start
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, used


def main() -> None:
    """Take turns and print medians and ratios."""
    for command in COMMANDS.values():
        once(command)  # bytecode and the disk's cache
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, command in COMMANDS.items():
            found[name].append(once(command))
    medians = {
        name: (statistics.median(wall for wall, _ in rows), statistics.median(used for _, used in rows))
        for name, rows in found.items()
    }
    empty, composed, lint = (medians[name] for name in COMMANDS)
    for name, (wall, used) in medians.items():
        print(f"{name:<40} {wall:8.3f} s  {used:8.3f} s of processor")
    print(f"{'lint over an empty Python':<40} {lint[0] - empty[0]:8.3f} s")
    print(f"{'lint, of composing the files':<40} {(lint[1] - empty[1]) / (composed[1] - empty[1]):8.2f} x")


if __name__ == "__main__":
    main()
