"""Measures acrscan against references in the same run and prints ratios; see README.md for what must be reached.

Usage: python benchmarks/run.py [registries] (default 100000). Rows are medians; each is one process or one loop.
"""

from __future__ import annotations

import gc
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import estate as synthetic  # noqa: E402  (beside this file)
import orjson  # noqa: E402

from scanner import pipeline  # noqa: E402
from scanner.cli.options import pack_from  # noqa: E402
from scanner.engine.evaluate import Options  # noqa: E402
from scanner.inventory import snapshot  # noqa: E402

SIZE = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000


def timed(work: Callable[[], Any], rounds: int = 3) -> float:
    """The median wall time of some rounds, in seconds."""
    found = []
    for _ in range(rounds):
        gc.collect()
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def row(name: str, value: str, note: str = "") -> None:
    """One line of the table."""
    print(f"{name:<58} {value:>12}  {note}", flush=True)


def parse_only(file: Path) -> None:
    """The reference: decode every line, keep nothing."""
    with file.open("rb") as lines:
        for line in lines:
            orjson.loads(line)


def whole_pack(folder: Path, details: bool) -> Any:
    """Verify and stream a snapshot through the whole pack."""
    inventory = snapshot.collect(folder)
    options = Options(details=details, check_every=0 if not details else 1000)
    return pipeline.scan(pack_from(None), inventory, now=synthetic.NOW, words="benchmark", options=options)


def throughput(folder: Path) -> None:
    """The whole pack over a big snapshot, against parsing the same lines."""
    file = next(folder.glob("*registries.ndjson"))
    reference = timed(lambda: parse_only(file))
    row(f"orjson.loads of {SIZE:,} registries", f"{reference:.2f} s", "reference")
    counts = timed(lambda: whole_pack(folder, details=False))
    row(
        "whole pack, verdicts and counts",
        f"{counts:.2f} s",
        f"{counts / reference:.2f} x the reference (must be <= 2)",
    )
    full = timed(lambda: whole_pack(folder, details=True), rounds=1)
    row("whole pack with findings and evidence", f"{full:.2f} s", f"{full / reference:.2f} x the reference")


def memory(folders: dict[int, Path]) -> None:
    """Peak memory of counting, in processes of their own, for two sizes."""
    for size, folder in folders.items():
        code = (
            f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'benchmarks')!r}]; sys.argv[1:] = ['{size}']\n"
            f"import run, pathlib; run.whole_pack(pathlib.Path({str(folder)!r}), False)\n"
            "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        row(f"peak memory, {size:,} registries", f"{int(done.stdout) // 1024} MB")


def custodian() -> None:
    """Twenty registry rules on decoded bodies, against Cloud Custodian's value filters, when that is installed."""
    from twenty import ours, theirs  # noqa: PLC0415

    bodies = [synthetic.registry(number) for number in range(200)]
    mine = timed(lambda: ours(bodies), rounds=7)
    row("20 rules on 200 decoded registries", f"{mine / 200 * 1e6:.1f} us/reg")
    other = theirs(bodies)
    if other is None:
        row("Cloud Custodian's filters, same rules", "left out", "pip install c7n to compare")
        return
    reference = timed(other, rounds=7)
    row(
        "Cloud Custodian's filters, same rules",
        f"{reference / 200 * 1e6:.1f} us/reg",
        f"ours is {reference / mine:.1f} x faster (must be >= 20)",
    )


def start_up() -> None:
    """`acrscan --help` over an empty Python, whole processes in turn."""
    empty, full = [], []
    for _ in range(9):
        for command, into in (
            ([sys.executable, "-c", "pass"], empty),
            ([sys.executable, "-m", "scanner", "--help"], full),
        ):
            start = time.perf_counter()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True, cwd=ROOT)
            into.append(time.perf_counter() - start)
    more = statistics.median(full) - statistics.median(empty)
    row("acrscan --help over an empty Python", f"{more:.3f} s", "(must be <= 0.15)")


def loading() -> None:
    """Loading and checking the pack, against composing the same files with the C loader."""
    import yaml  # noqa: PLC0415

    texts = [path.read_text() for path in sorted((ROOT / "policies" / "acr").glob("*.yaml"))]
    neutral = [text.replace("!unknown", "!!str").replace("!unread", "!!str") for text in texts]
    reference = timed(lambda: [list(yaml.compose_all(text, Loader=yaml.CSafeLoader)) for text in neutral])
    mine = timed(lambda: pack_from(None))
    row(
        f"load and check {len(texts)} files",
        f"{mine:.3f} s",
        f"{mine / reference:.2f} x composing them (must be <= 3)",
    )


def main() -> None:
    """All rows."""
    print(json.dumps({"python": sys.version.split()[0], "registries": SIZE}))
    start_up()
    loading()
    custodian()
    with tempfile.TemporaryDirectory() as place:
        small, big = Path(place) / "small", Path(place) / "big"
        synthetic.write(small, min(10_000, SIZE))
        synthetic.write(big, SIZE)
        throughput(big)
        memory({min(10_000, SIZE): small, SIZE: big})
    row("peak of this process", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")


if __name__ == "__main__":
    main()
