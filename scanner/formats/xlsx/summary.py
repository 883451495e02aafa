"""The first sheet of the workbook: what was scanned, what was not evaluated, and numbers with what they are a part of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scanner.formats._text import percent
from scanner.model.finding import CHANGES, REASONS, Verdict
from scanner.model.summary import incomplete, not_evaluated, summarise

if TYPE_CHECKING:
    from scanner.formats.xlsx.book import Sheet
    from scanner.model.scan import Drift, Scan
    from scanner.model.summary import Summary

WIDTHS = (36, 70, 14, 14)


def write(sheet: Sheet, scan: Scan, written: Sequence[tuple[str, int]]) -> None:
    """Fill the sheet; `written`: the other sheets and their rows."""
    counts = summarise(scan)
    _scan(sheet, scan)
    _completeness(sheet, scan, counts)
    _numbers(sheet, counts)
    if scan.drift is not None:
        _changes(sheet, scan.drift)
    sheet.heading("Sheet", "Rows")
    for name, rows in written:
        sheet.row([name, rows])


def _scan(sheet: Sheet, scan: Scan) -> None:
    head = scan.header
    sheet.heading("acrscan", head.tool_version)
    facts = {
        "Organisation": head.organisation,
        "Scanned": head.inventory,
        "As of": head.now,
        "Collection began": head.started,
        "Tenant": head.tenant,
        "Collected by": head.identity,
        "Rules": f"{head.pack_id} {head.pack_version}",
        "Rules sha256": head.pack_digest,
        "Profile": head.profile or "none",
        "Profile sha256": head.profile_digest,
        "Inventory sha256": head.inventory_digest,
        "Waiver file": head.waiver_file,
        "Waiver file sha256": head.waiver_digest,
    }
    for name, value in facts.items():
        if value:
            sheet.row([name, value])
    for kind, number in sorted(scan.tallies.resources.items()):
        sheet.row([f"Resources of {kind}", number])


def _completeness(sheet: Sheet, scan: Scan, counts: Summary) -> None:
    runs = incomplete(scan.header)
    undecided = counts.verdicts[Verdict.UNKNOWN] + counts.verdicts[Verdict.ERROR]
    sheet.heading("Not evaluated", "Number", "of")
    sheet.row(["Collections not complete or not asked for", len(runs), len(scan.header.runs)])
    sheet.row(["Rules not asked at all", len(not_evaluated(scan.header)), len(scan.header.rules)])
    sheet.row(["Evaluations without an answer", undecided, counts.evaluations])
    sheet.row(["", "The sheet Completeness says what is missing and why."])


def _numbers(sheet: Sheet, counts: Summary) -> None:
    sheet.heading("Evaluations", "Number", "of", "Share")
    for verdict in Verdict:
        number = counts.verdicts[verdict]
        sheet.row([verdict.value, number, counts.evaluations, percent(number, counts.evaluations)])
    sheet.row(["failing and waived altogether", counts.accepted, counts.verdicts[Verdict.FAIL]])
    sheet.row(["manual and attested", counts.attested, counts.verdicts[Verdict.MANUAL]])
    sheet.row(
        ["score: pass / (pass + fail)", counts.passed, counts.decided, percent(counts.passed, counts.decided)]
    )
    after = counts.passed + counts.accepted
    sheet.row(["score after waivers", after, counts.decided, percent(after, counts.decided)])
    sheet.row(["", "Checks of waivers and evaluations without pass or fail are left out of the score."])
    sheet.heading("Findings", "Number", "Waived", "Open")
    for severity, number in counts.failures.items():
        waived = counts.waived[severity]
        sheet.row([severity, number, waived, number - waived])
    sheet.row(["all", counts.rows, counts.rows - counts.open_rows, counts.open_rows])


def _changes(sheet: Sheet, drift: Drift) -> None:
    sheet.heading("Changes since", drift.now, drift.words)
    for change in CHANGES:
        sheet.row([change, drift.changes.get(change, 0)])
        for why in REASONS:
            number = drift.reasons.get(f"{change}:{why}", 0)
            if number:
                sheet.row([f"  {change} by {why}", number])
    sheet.row(["still open, not looked at this time", drift.carried])
    for note in drift.notes:
        sheet.row(["note", note])
