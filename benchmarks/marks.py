"""Waivers and comparison over large scans: seconds against one plain reading of the rows, and peak memory; see README.md.

Usage: python benchmarks/marks.py [findings] (default 100000). Each row is a process of its own.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scanner.compare.against import Baseline, against  # noqa: E402
from scanner.model.scan import Scan  # noqa: E402
from scanner.waivers.apply import apply  # noqa: E402
from tests.formats.sample import Many, large_scan  # noqa: E402
from tests.waivers.building import register, waiver  # noqa: E402


def read_only(scan: Scan) -> None:
    """The reference: every row made, none kept."""
    for _ in scan.findings:
        pass


def waive(scan: Scan) -> None:
    """A hundred waivers by exact id and one by glob."""
    exact = [
        waiver(f"W-{at}", resource=next(iter(scan.findings)).resource.replace("reg000000", f"reg{at:06d}"))
        for at in range(100)
    ]
    apply(scan, register(*exact, waiver("W-G", glob="/subscriptions/*/resourceGroups/rg-01/**")))


def compare(scan: Scan) -> None:
    """Against a scan in which the last tenth of the findings was not there."""
    rows = scan.findings
    assert isinstance(rows, Many)
    before = replace(scan, findings=Many(rows.make, rows.number * 9 // 10))
    against(scan, Baseline(before, "before"))


WORK = {"read": read_only, "waive": waive, "compare": compare}


def main() -> None:
    """Print one line per kind of work and size."""
    if len(sys.argv) > 2:
        scan = large_scan(int(sys.argv[2]))
        start = time.perf_counter()
        WORK[sys.argv[1]](scan)
        seconds = time.perf_counter() - start
        print(f"{seconds:.3f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}")
        return
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    reference = 0.0
    for name in WORK:
        for number in (size // 10, size):
            words = [sys.executable, __file__, name, str(number)]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            seconds, memory = done.stdout.split()
            if name == "read":
                reference = float(seconds)
            ratio = f"{float(seconds) / reference:.1f} x reading" if number == size else ""
            print(
                f"{name:<10} {number:>9,} findings {float(seconds):>7.2f} s {memory:>5} MB  {ratio}",
                flush=True,
            )


if __name__ == "__main__":
    main()
