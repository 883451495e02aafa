"""SARIF of 25,000 results: time, size as JSON and compressed, and the memory that it needs over a tenth of it.

Run `python -m benchmarks.sarif [results]`.
"""

from __future__ import annotations

import gzip
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scanner.formats import sarif  # noqa: E402
from scanner.formats._settings import Settings  # noqa: E402
from scanner.model.finding import order  # noqa: E402
from scanner.model.resource import SourceRun  # noqa: E402
from tests.formats.sample import PROD, REGISTRIES, large_scan  # noqa: E402

RESULTS = 25_000
ROUNDS = 3
SUBSCRIPTIONS = 200
MEGABYTE = 1_000_000


def written(number: int, profile: str, path: Path, *, ready: bool = True) -> float:
    """Write the log of a scan with so many failures; how many seconds that took. `ready`: its rows are made before."""
    scan = large_scan(number)
    if ready:
        scan = replace(scan, findings=tuple(scan.findings))
    whole = replace(
        scan, header=replace(scan.header, runs=(SourceRun("azure", REGISTRIES, "complete", number),))
    )
    began = time.perf_counter()
    with path.open("wb") as out:
        sarif.render(whole, out, Settings(sarif_profile=profile, sarif_limit=25_000))
    return time.perf_counter() - began


def parted(number: int) -> int:
    """Write a file for each of 200 subscriptions; how many files that makes."""
    scan = large_scan(number)
    rows = [
        replace(row, resource=row.resource.replace(PROD, f"{at % SUBSCRIPTIONS:08x}{PROD[8:]}"))
        for at, row in enumerate(scan.findings)
    ]
    spread = replace(scan, findings=sorted(rows, key=order))
    made = sarif.writers(spread, Settings(sarif_split=True))
    for writer in made.values():
        writer(spread, io.BytesIO())
    return len(made)


def peak(number: int) -> float:
    """The peak memory in MB of a process that writes so many results."""
    code = (
        "import resource, sys; from pathlib import Path; from benchmarks.sarif import written;"
        f"written({number}, 'generic', Path('{os.devnull}'), ready=False);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024


def main() -> None:
    """Measure and print."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else RESULTS
    # Before anything large is held here: a child's peak begins with that of the process that starts it.
    print(f"peak memory: {peak(number // 10):.0f} MB for a tenth, {peak(number):.0f} MB for all")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.sarif"
        for profile in ("generic", "github"):
            seconds = statistics.median(written(number, profile, path) for _ in range(ROUNDS))
            data = path.read_bytes()
            squeezed = len(gzip.compress(data, 6, mtime=0))
            print(
                f"{profile}: {number:,} findings, {seconds:.1f} s, {len(data) / MEGABYTE:.1f} MB,"
                f" {squeezed / MEGABYTE:.1f} MB compressed"
            )
    began = time.perf_counter()
    files = parted(number)
    print(f"split: {files:,} files, {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
