"""For the console: what people accepted or vouched for, and what changed since an earlier scan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.formats._pen import Pen
from scanner.formats._text import moment
from scanner.model.finding import CHANGES, REASONS
from scanner.model.waiver import IN_FORCE

if TYPE_CHECKING:
    from scanner.model.scan import Drift, Scan
    from scanner.model.summary import Summary
    from scanner.model.waiver import WaiverLine

SHOWN = 8
_WHY = {
    "resource": "the resource",
    "rule": "the rule or its parameters",
    "waiver": "a waiver",
    "data": "data that was or is missing",
    "scope": "what was scanned",
}


def accepted(pen: Pen, scan: Scan, counts: Summary) -> None:
    """Waivers: how many findings they cover, and those that need somebody."""
    if not scan.header.waiver_digest:
        return
    waived = sum(counts.waived.values())
    in_force = sum(line.state in IN_FORCE for line in scan.waivers)
    pen.heading(
        "Waivers", f"{waived:,} of {counts.rows:,} findings accepted by {in_force:,} waivers in force"
    )
    needy = [line for line in scan.waivers if line.state != "in-force"]
    for line in sorted(needy, key=lambda one: (one.state in IN_FORCE, one.days_left))[:SHOWN]:
        _line(pen, line)
    if len(needy) > SHOWN:
        pen.hang("", f"... {len(needy) - SHOWN:,} more in the HTML and JSON reports", column=2, style="dim")


def _line(pen: Pen, line: WaiverLine) -> None:
    entry = line.waiver
    left = f"{line.days_left} days left" if line.days_left >= 0 else f"ended {-line.days_left} days ago"
    text = f"{line.state.replace('-', ' ')}: {entry.id} for {entry.covers.rule}, {entry.owner}, {left}"
    bad = line.state not in IN_FORCE
    sign, style = (pen.glyph("cross"), "fail") if bad else (pen.glyph("warn"), "medium")
    pen.hang(sign, f"{text}{'; ' + line.why if line.why else ''}", indent=2, lead_style=style)


def changes(pen: Pen, scan: Scan) -> None:
    """What changed since the baseline, by change and reason."""
    drift = scan.drift
    if drift is None:
        return
    pen.heading("Changes", f"since {moment(drift.now)} ({drift.words})")
    for change in CHANGES:
        number = drift.changes.get(change, 0)
        if number:
            pen.hang(f"{number:,}", change + _reasons(drift, change), indent=2, column=8)
    if not any(drift.changes.values()):
        pen.hang(pen.glyph("dash"), "no findings then, none now", indent=2, style="dim")
    if drift.carried:
        text = "still open: what they are about was not looked at this time"
        pen.hang(f"{drift.carried:,}", text, indent=2, column=8, lead_style="medium")
    for note in drift.notes:
        pen.hang(pen.glyph("dash"), note, indent=2, style="dim")


def _reasons(drift: Drift, change: str) -> str:
    found = [
        f"{number:,} by {_WHY[why]}" for why in REASONS if (number := drift.reasons.get(f"{change}:{why}", 0))
    ]
    return f": {', '.join(found)}" if found else ""
