"""Measures `acrscan policy test` and `policy mutate` on the shipped pack as processes, against loading the pack; prints ratios.

Usage: python benchmarks/checks.py [rounds] (default 5). The commands take turns, so that a machine that drifts drifts for all.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
POLICY = [sys.executable, "-m", "scanner", "policy"]
COMMANDS = {
    "policy list (loads the pack)": [*POLICY, "list"],
    "policy test": [*POLICY, "test"],
    "policy test --coverage": [*POLICY, "test", "--coverage", "--min-branch", "100"],
    "policy mutate --jobs 1": [*POLICY, "mutate", "--jobs", "1"],
    "policy mutate --jobs 2": [*POLICY, "mutate", "--jobs", "2"],
}


def once(command: list[str]) -> tuple[float, float]:
    """Wall and processor seconds of one run, which must succeed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Take turns and print medians and ratios."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for command in COMMANDS.values():
        once(command)  # bytecode and the disk's cache
    for _ in range(ROUNDS):
        for name, command in COMMANDS.items():
            found[name].append(once(command))
    loading = statistics.median(used for _, used in found["policy list (loads the pack)"])
    for name, rows in found.items():
        wall, used = (statistics.median(row[at] for row in rows) for at in (0, 1))
        print(f"{name:<32} {wall:8.2f} s  {used:8.2f} s of processor  {used / loading:6.1f} x loading")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(f"{'peak memory of one process':<32} {peak:8} MB")


if __name__ == "__main__":
    main()
