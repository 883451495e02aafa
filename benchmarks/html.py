"""Measures the HTML report in a real browser: file size, generation, opening, filtering, sorting, memory, paper; see README.md.

Usage: python benchmarks/html.py [findings ...] (default 1000 100000). Needs Chromium and playwright. The rows are those of
the whole pack on a synthetic estate, marked by a waiver and a baseline. `heavy` gives each row an observed value that no
other has, which is the worst case for the page's pools.
"""

from __future__ import annotations

import gc
import hashlib
import io
import json
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import estate as synthetic  # noqa: E402  (beside this file)

from scanner import pipeline  # noqa: E402
from scanner.cli.options import pack_from  # noqa: E402
from scanner.compare.against import Baseline, against  # noqa: E402
from scanner.formats import html  # noqa: E402
from scanner.inventory import snapshot  # noqa: E402
from scanner.model.finding import Finding  # noqa: E402
from scanner.model.scan import Scan  # noqa: E402
from scanner.model.waiver import Coverage, Register, Waiver  # noqa: E402
from scanner.waivers.apply import apply  # noqa: E402

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ROUNDS = 5
PER_REGISTRY = 9
"""Findings that a registry of the synthetic estate has at least."""
BUDGETS = {
    1_000: {"open": 0.7},
    100_000: {"MB": 8, "generate": 3, "open": 1.5, "filter": 0.1, "renderer": 300},
}


@dataclass(frozen=True)
class Some:
    """The first rows of a stream, each made its own where `heavy`."""

    rows: Any
    number: int
    heavy: bool

    def __iter__(self) -> Iterator[Finding]:
        for at, row in enumerate(self.rows):
            if at == self.number:
                return
            yield self._own(row, at) if self.heavy else row

    @staticmethod
    def _own(row: Finding, at: int) -> Finding:
        value = hashlib.sha256(str(at).encode()).hexdigest()
        return replace(
            row, evidence=tuple(replace(one, state="present", actual=value) for one in row.evidence)
        )


def scanned(registries: int, folder: Path) -> Scan:
    """The whole pack on a synthetic estate, with a waiver and compared with itself."""
    synthetic.write(folder, registries)
    scan = pipeline.scan(pack_from(None), snapshot.collect(folder), now=synthetic.NOW, words="benchmark")
    covers = Coverage("ACR504", glob=f"/subscriptions/{synthetic.SUBSCRIPTIONS[3]}/**")
    waiver = Waiver("W-1", covers, "risk-accepted", "It is a benchmark.", "A", "T-1", "B", "2026-11-01", "2027-03-01", "w.yaml:1:1")  # fmt: skip
    marked = apply(scan, Register(waivers=(waiver,), words="w.yaml", digest="0" * 64))
    return against(marked, Baseline(scan, "the same estate"))


class Browser:
    """Chromium from the PATH; one process for each measurement, so that memory is that of one page."""

    def __init__(self, playwright: Any) -> None:
        path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
        if path is None:
            sys.exit("no Chromium on the PATH: apt-get install chromium")
        self._start = lambda: playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )

    def measure(self, file: Path) -> dict[str, float]:
        """Open the page, filter, sort, open a finding, print; seconds and megabytes."""
        running = self._start()
        page = running.new_context(viewport={"width": 1400, "height": 900}).new_page()
        seen: list[str] = []
        page.on("console", lambda message: seen.append(message.text))
        start = time.perf_counter()
        page.goto(file.as_uri())
        page.wait_for_selector("html[data-ready=yes]", state="attached")
        page.evaluate(FRAMES)
        found = {"open": time.perf_counter() - start}
        found["renderer"] = self._renderer(running)
        found["filter"] = page.evaluate(SELECT, ["filter-severity", "medium"])
        page.evaluate(SELECT, ["filter-severity", ""])
        found["search"] = page.evaluate(SELECT, ["filter-q", "acr0000"])
        page.evaluate(SELECT, ["filter-q", ""])
        found["sort"] = page.evaluate(SORT)
        found["finding"] = page.evaluate(DRAWER)
        found["nodes"] = page.evaluate("document.querySelectorAll('*').length")
        page.evaluate("document.getElementById('drawer').close()")
        start = time.perf_counter()
        found["pdf MB"] = len(page.pdf(prefer_css_page_size=True)) / 1e6
        found["pdf"] = time.perf_counter() - start
        found["renderer after"] = self._renderer(running)
        assert not seen, seen
        running.close()
        return found

    @staticmethod
    def _renderer(running: Any) -> float:
        """Resident megabytes of the largest renderer."""
        session = running.new_browser_cdp_session()
        sizes = [0.0]
        for process in session.send("SystemInfo.getProcessInfo")["processInfo"]:
            if process["type"] == "renderer":
                status = Path(f"/proc/{process['id']}/status").read_text()
                sizes.append(int(status.split("VmRSS:")[1].split()[0]) / 1024)
        return max(sizes)


FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
WAIT = """const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const changed = (node) => new Promise((done) => new MutationObserver((_, me) => { me.disconnect(); done(); }).observe(node, {childList: true}));"""
SELECT = (
    "async ([id, value]) => {"
    + WAIT
    + """
  const field = document.getElementById(id), start = performance.now();
  const done = changed(document.getElementById('table-count'));
  field.value = value; field.dispatchEvent(new Event('input')); await done; await frame();
  return (performance.now() - start) / 1000; }"""
)
SORT = (
    "async () => {"
    + WAIT
    + "const start = performance.now(); document.querySelector('.grid-head .resource button').click(); await frame(); return (performance.now() - start) / 1000; }"
)
DRAWER = (
    "async () => {"
    + WAIT
    + "const start = performance.now(); document.querySelector('.grid-row a').click(); await frame(); return (performance.now() - start) / 1000; }"
)


def report(scan: Scan, number: int, *, heavy: bool, folder: Path, browser: Browser) -> None:
    """One line of the table for one size."""
    rows = list(Some(scan.findings, number, heavy))
    mine = replace(scan, findings=rows)
    html.render(replace(scan, findings=rows[:10]), io.BytesIO())
    file = folder / f"{number}-{heavy}.html"
    # A scan's rows lie in a file in truth; here they are held, and must not be walked by the collector meanwhile.
    gc.collect()
    gc.freeze()
    start = time.perf_counter()
    with file.open("wb") as out:
        html.render(mine, out)
    took = time.perf_counter() - start
    gc.unfreeze()
    found: dict[str, float] = {"generate": took, "MB": file.stat().st_size / 1e6}
    rounds = [browser.measure(file) for _ in range(ROUNDS)]
    found |= {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
    found["first open"] = rounds[0]["open"]
    for key, limit in BUDGETS.get(number, {}).items():
        print(f"  {key} {found[key]:.2f} of at most {limit}: {'kept' if found[key] <= limit else 'MISSED'}")
    print(
        json.dumps(
            {"findings": len(rows), "heavy": heavy} | {key: round(value, 3) for key, value in found.items()}
        ),
        flush=True,
    )


def main() -> None:
    """All sizes, light and heavy."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - a tool of developers

    sizes = [int(word) for word in sys.argv[1:]] or [1_000, 100_000]
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = Path(place)
        scan = scanned(max(sizes) // PER_REGISTRY + 1, folder / "estate")
        browser = Browser(playwright)
        for size in sizes:
            for heavy in (False, True):
                report(scan, size, heavy=heavy, folder=folder, browser=browser)
    print(f"peak of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")


if __name__ == "__main__":
    main()
