"""A change of one rule over large estates: seconds against one plain scan, and peak memory; see README.md.

Usage: python benchmarks/impact.py [registries] (default 500). Each row is a process of its own: the snapshot is read twice,
for the shipped pack as it is and with one condition loosened.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import estate as synthetic  # noqa: E402  (beside this file)

from scanner import pipeline  # noqa: E402
from scanner.cli.options import pack_folder, pack_from  # noqa: E402
from scanner.inventory import snapshot  # noqa: E402
from scanner.workbench.impact.assemble import Ground, impact  # noqa: E402
from scanner.workbench.impact.loosening import Sided  # noqa: E402
from scanner.workbench.places import Knobs, Places  # noqa: E402
from scanner.workbench.revision import lay_out  # noqa: E402
from scanner.workbench.sides import Sides  # noqa: E402

CHANGED = "ACR101-admin-user-disabled.yaml"


def scan(folder: Path) -> None:
    """The reference: one scan with findings, every row read once."""
    found = pipeline.scan(pack_from(None), snapshot.collect(folder), now=synthetic.NOW, words="benchmark")
    for _ in found.findings:
        pass


def preview(folder: Path) -> None:
    """Both packs over the snapshot, compared, with the loosening looked for."""
    with Sides() as sides:
        changed = sides.room() / "acr"
        changed.mkdir()
        lay_out(pack_folder(None), changed)
        file = changed / CHANGED
        text = file.read_text()
        file.write_text(text.replace("equals: false, default: false}", "exists: true}", 1))
        head = sides.head(changed)
        base = sides.base(str(pack_folder(None)), changed, head)
        sided = [Sided(one, Places(one), Knobs()) for one in (base, head)]
        ground = Ground(snapshot.collect(folder), "benchmark", synthetic.NOW)
        found = impact(sided[0], sided[1], ground)
    changes = sum(rule.resolved + rule.new for rule in found.rules)
    assert changes
    assert found.proven


WORK = {"scan": scan, "impact": preview}


def main() -> None:
    """Print one line per kind of work and size."""
    if len(sys.argv) > 2:
        start = time.perf_counter()
        WORK[sys.argv[1]](Path(sys.argv[2]))
        seconds = time.perf_counter() - start
        print(f"{seconds:.3f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}")
        return
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    for registries in (size, size * 10):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "snapshot"
            synthetic.write(folder, registries)
            found = {}
            for kind in WORK:
                done = subprocess.run(
                    [sys.executable, __file__, kind, str(folder)], capture_output=True, text=True, check=True
                )
                found[kind] = [float(number) for number in done.stdout.split()]
            (plain, _), (both, memory) = found["scan"], found["impact"]
            print(
                f"{registries:,} registries: one scan {plain:.2f} s, impact {both:.2f} s "
                f"({both / plain:.2f} x), peak {memory:.0f} MB",
                flush=True,
            )


if __name__ == "__main__":
    main()
