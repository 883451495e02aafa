"""How long ARM templates take: expanded and evaluated warm, and as a process; the synthetic module is that of the tests.

    python benchmarks/arm.py [--quick]

Processor time is measured, since other work on the machine would count otherwise; the process is measured by the clock.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scanner import pipeline
from scanner.cli.options import pack_from
from scanner.inventory.arm_template.reading import read_arm
from scanner.inventory.tree import Tree
from tests.inventory.arm_template.compiled import FULL, compiled
from tests.inventory.arm_template.expanding import NOW, write

ROWS = (("160 kB", 78, 0.030), ("3 MB", 1700, 0.5))
"""Name, how much the template is filled up, and the seconds it may take to read, expand and evaluate, warm."""


def main() -> None:
    """Print one line per row: size, seconds to expand, to evaluate, together, and the limit."""
    rounds = 3 if "--quick" in sys.argv else 9
    rules = pack_from(None)
    with tempfile.TemporaryDirectory() as place:
        for name, filler, limit in ROWS:
            folder = _templates(Path(place) / name.replace(" ", ""), filler)
            size = (folder / "main.json").stat().st_size
            read_arm(Tree.of([folder]), now=NOW)
            reading = _median(lambda: read_arm(Tree.of([folder]), now=NOW), rounds)  # noqa: B023 - it is called at once
            found = read_arm(Tree.of([folder]), now=NOW)
            pipeline.scan(rules, found.inventory, now=NOW, words="bench")
            judging = _median(lambda: pipeline.scan(rules, found.inventory, now=NOW, words="bench"), rounds)  # noqa: B023
            print(
                f"{name}: {size / 1000:,.0f} kB, read and expanded {1000 * reading:.1f} ms, evaluated with findings "
                f"{1000 * judging:.1f} ms (limit {1000 * limit:.0f} ms for expanding and verdicts)"
            )
        folder = Path(place) / "160kB"
        command = [sys.executable, "-m", "scanner", "scan", "--from", "arm", str(folder), "-q", "--exit-zero"]
        took = _clock(command, rounds)
        empty = _clock([sys.executable, "-c", "pass"], rounds)
        print(f"as a process: {took:.2f} s, an empty one {empty:.2f} s (limit 0.6 s)")


def _templates(folder: Path, filler: int) -> Path:
    values = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",
        "parameters": {name: {"value": value} for name, value in FULL.items()},
    }
    folder.mkdir()
    return write(
        folder, {"main.json": compiled(filler), "main.parameters.json": json.loads(json.dumps(values))}
    )


def _median(work: Callable[[], object], rounds: int) -> float:
    found = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        found.append(time.process_time() - begun)
    return statistics.median(found)


def _clock(command: list[str], rounds: int) -> float:
    found = []
    for _ in range(rounds):
        begun = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, cwd=Path(__file__).resolve().parent.parent)
        found.append(time.perf_counter() - begun)
    return min(found)


if __name__ == "__main__":
    main()
