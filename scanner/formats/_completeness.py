"""The console's completeness: a scan comes in, what could not be read and which rules were not asked go to the pen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scanner.formats._pen import Pen, count, more, some
from scanner.model.summary import Lack, incomplete, lacks, not_evaluated

if TYPE_CHECKING:
    from scanner.model.resource import SourceRun
    from scanner.model.scan import RuleCard, Scan

LINES_SHOWN = 12
ALIKE = 5
"""Rules with one reason that are told on one line."""


def completeness(pen: Pen, scan: Scan) -> None:
    """What was read, what was not and what mends it, and the rules that were not asked."""
    runs = incomplete(scan.header)
    asked = [run for run in runs if run.state != "not-asked"]
    complete = len(scan.header.runs) - len(runs)
    total = complete + len(asked)
    pen.heading(
        "Completeness",
        f"{complete} of {total} collections read completely" if total else "nothing was collected",
    )
    for run in asked[:LINES_SHOWN]:
        _run(pen, run)
    more(pen, len(asked) - LINES_SHOWN, "collections")
    found = lacks(scan.header.runs)
    for lack in found[:LINES_SHOWN]:
        _lack(pen, lack)
    more(pen, len(found) - LINES_SHOWN, "causes")
    unasked = [run.collection for run in runs if run.state == "not-asked"]
    if unasked:
        pen.hang(pen.glyph("dash"), f"not asked for: {some(unasked, 6)}", indent=2, style="dim")
    rules = not_evaluated(scan.header)
    if rules:
        pen.hang(pen.glyph("dash"), f"{count(len(rules), 'rule')} not evaluated:", indent=2)
        _not_evaluated(pen, rules)
    if not asked and not rules:
        pen.hang(pen.glyph("tick"), "Nothing is missing.", indent=2, lead_style="pass")
    for note in scan.header.diagnostics[:LINES_SHOWN]:
        pen.hang(pen.glyph("dash"), note, indent=2, style="dim")
    more(pen, len(scan.header.diagnostics) - LINES_SHOWN, "notes")


def _not_evaluated(pen: Pen, rules: Sequence[tuple[RuleCard, str]]) -> None:
    """One line per rule; rules that share their reason with many others come as one line with their ids."""
    by_reason: dict[str, list[RuleCard]] = {}
    for card, reason in rules:
        by_reason.setdefault(reason, []).append(card)
    many = {reason: cards for reason, cards in by_reason.items() if len(cards) >= ALIKE}
    for reason, cards in many.items():
        pen.hang(
            pen.glyph("dash"),
            f"{len(cards):,} {reason}: {', '.join(card.id for card in cards)}",
            indent=4,
            style="dim",
        )
    alone = [(card, reason) for card, reason in rules if reason not in many]
    for card, reason in alone[:LINES_SHOWN]:
        pen.hang(card.id, f"{card.title}: {reason}", indent=4, style="dim")
    more(pen, len(alone) - LINES_SHOWN, "rules", indent=4)


def _run(pen: Pen, run: SourceRun) -> None:
    failed = run.state == "failed"
    state = "not read" if failed else f"{run.state}, {run.count:,} read"
    sign, style = (pen.glyph("cross"), "fail") if failed else (pen.glyph("warn"), "medium")
    pen.hang(sign, f"{run.collection}: {state}", indent=2, lead_style=style)


def _lack(pen: Pen, lack: Lack) -> None:
    """One cause with the one line that mends it."""
    status = f" (HTTP {lack.status})" if lack.status else ""
    pen.hang(pen.glyph("dash"), f"{lack.words}: {lack.reason}{status}", indent=2)
    if lack.action:
        pen.hang("", f"needs {lack.action}", column=4, style="dim")
    if lack.fix:
        more = f" (and the like in {count(lack.others, 'more subscription')})" if lack.others else ""
        pen.command(f"fix{more}:", lack.fix, column=4)
