"""Measures recording: a first night with many findings, and a second one in which one in a hundred changed.

Usage: python benchmarks/history.py [findings] [postgresql://...] (default 100000, SQLite in a temporary folder).
Seconds, rows written, size of the file, and peak memory for two sizes (each in a process of its own).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scanner import history  # noqa: E402
from scanner.model.finding import Finding  # noqa: E402
from scanner.model.scan import ResourceLine, Scan  # noqa: E402
from tests.formats import sample  # noqa: E402

TABLES = ("runs", "documents", "findings", "counts", "registries", "waived")


def row(name: str, value: str, note: str = "") -> None:
    """One line of the table."""
    print(f"{name:<58} {value:>12}  {note}", flush=True)


@dataclass(frozen=True)
class Rows:
    """Findings or lines of a large scan, of which those of one range are others, or gone."""

    number: int
    shift: int
    lines: bool

    def __iter__(self) -> Iterator[Finding | ResourceLine]:
        made = sample.large_scan(self.number)
        for at, one in enumerate(made.resources if self.lines else made.findings):
            # A hundredth passes now; as many registries are new.
            gone = self.shift and at % 200 == 0
            if gone and self.lines:
                yield replace(one, letters="P" + one.letters[1:])
            elif not gone:
                yield one
            if gone:
                name = f"new{at:06d}"
                changes = {
                    "id" if self.lines else "resource": one.id + name if self.lines else one.resource + name
                }
                if not self.lines:
                    changes["fingerprint"] = sample.fingerprint(one.rule, one.resource + name)
                yield replace(one, **changes)


def night(number: int, shift: int, now: str) -> Scan:
    """A night of the large estate; nothing of it is held."""
    made = sample.large_scan(number)
    header = sample.header(now=now)
    return replace(
        made, header=header, findings=Rows(number, shift, False), resources=Rows(number, shift, True)
    )


def rows(found: history.History) -> int:
    """Rows in all tables."""
    return sum(found._db.run(f"SELECT COUNT(*) FROM acrscan_{name}")[0][0] for name in TABLES)  # noqa: SLF001


def measure(number: int, address: str) -> None:
    """Four nights: everything new, nothing, one in a hundred, and the reading of it all."""
    with history.open(address) as found:
        before = 0
        for words, shift, now in (
            (f"first night, {number:,} findings", 0, "2026-11-24T02:00:00Z"),
            ("second night, the same", 0, "2026-11-25T02:00:00Z"),
            ("third night, one in a hundred changed", 1, "2026-11-26T02:00:00Z"),
        ):
            scan = night(number, shift, now)
            made = time.perf_counter()
            for _ in scan.findings:
                pass
            made = time.perf_counter() - made
            start = time.perf_counter()
            done = found.record(scan)
            spent = time.perf_counter() - start
            after = rows(found)
            row(
                words,
                f"{spent:.2f} s",
                f"{after - before:,} rows written, {done.new:,} new, {done.resolved:,} resolved (making the rows: {made:.2f} s each time)",
            )
            before = after
        start = time.perf_counter()
        found.mark(night(number, 1, "2026-11-26T02:00:00Z"))
        row("marking that night", f"{time.perf_counter() - start:.2f} s")
        start = time.perf_counter()
        found.ages()
        found.trend()
        row("ages and trend", f"{time.perf_counter() - start:.2f} s")
        start = time.perf_counter()
        found.period(date(2026, 11, 1), date(2026, 11, 30), today=date(2026, 11, 26))
        row("a period of a month", f"{time.perf_counter() - start:.2f} s")


def memory(number: int) -> None:
    """Peak memory of a first night and of one on which everything is gone, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        code = (
            f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'benchmarks')!r}]; sys.argv[1:] = []\n"
            "import importlib.util\n"
            f"spec = importlib.util.spec_from_file_location('measured', {str(Path(__file__))!r})\n"
            "measured = importlib.util.module_from_spec(spec); sys.modules['measured'] = measured; spec.loader.exec_module(measured)\n"
            f"with measured.history.open({folder + '/h.db'!r}) as found:\n"
            f"    found.record(measured.night({number}, 0, '2026-11-24T02:00:00Z'))\n"
            f"    found.record(measured.night({number}, 1, '2026-11-25T02:00:00Z'))\n"
            "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        row(f"peak memory, {number:,} findings", f"{int(done.stdout) // 1024} MB")


if __name__ == "__main__":
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    if len(sys.argv) > 2:
        measure(size, sys.argv[2])
    else:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "h.db"
            measure(size, str(place))
            row("size of the file", f"{place.stat().st_size / 1e6:.1f} MB")
        for number in (size // 10, size):
            memory(number)
