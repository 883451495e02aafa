"""Names of report files on stdin (a NUL after each), numbers for the outputs of the action on stdout, one `name=number` a line.

Reports are JSON of the workbench (lint, test, mutate), of an impact, or of a scan. A number that no report tells is empty: it is
not zero. Runs with Python alone (`python -I`), without acrscan.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

NAMES = ("errors", "warnings", "failed", "unknown", "new", "fixed")
_WORKBENCH = "acrscan-workbench/"
_IMPACT = "acrscan-impact/"
_SCAN = re.compile(r"acrscan.*\+document")
_FRESH = ("new", "reopened")


def main() -> int:
    """Add up what the reports say; 1 when one of them is none that this knows."""
    found: dict[str, int] = {}
    for name in sys.stdin.read().split("\0")[:-1]:
        report = json.loads(Path(name).read_text("utf-8"))
        for what, number in numbers(report).items():
            found[what] = found.get(what, 0) + number
    for name in NAMES:
        sys.stdout.write(f"{name}={found.get(name, '')}\n")
    return 0


def numbers(report: Any) -> dict[str, int]:
    """The numbers in one report."""
    if isinstance(report, dict) and str(report.get("format", "")).startswith(_WORKBENCH):
        return _of_workbench(report)
    if isinstance(report, dict) and str(report.get("format", "")).startswith(_IMPACT):
        rules = report["rules"]
        return {
            "errors": len(report["errors"]),
            "new": sum(int(rule["new"]) for rule in rules),
            "fixed": sum(int(rule["resolved"]) for rule in rules),
        }
    if isinstance(report, dict) and _SCAN.fullmatch(str(report.get("schema", ""))):
        return _of_scan(report)
    raise SystemExit("a report of no kind that the action knows")


def _of_workbench(report: dict[str, Any]) -> dict[str, int]:
    found = {"errors": int(report["found"]["error"]), "warnings": int(report["found"]["warning"])}
    if report["tool"] == "test":
        found["failed"] = sum(not case["held"] for case in report["cases"])
    return found


def _of_scan(report: dict[str, Any]) -> dict[str, int]:
    verdicts, rows = report["summary"]["verdicts"], report["summary"]["failRows"]
    found = {
        "failed": int(rows["total"]) - int(rows["waived"]),
        "unknown": int(verdicts["unknown"]) + int(verdicts["error"]),
    }
    if report["drift"] is not None:
        changes = report["drift"]["changes"]
        found["new"] = sum(int(changes.get(name, 0)) for name in _FRESH)
        found["fixed"] = int(changes.get("resolved", 0))
    return found


if __name__ == "__main__":
    sys.exit(main())
