"""A workbook for people who work in spreadsheets: a sheet for each view, every text a text and never a formula or a link.

Needs the extra `xlsx`. A table longer than a sheet (1,048,576 rows) goes on in a next one, and a text longer than a cell
(32,767 characters) says that it was cut.
"""

from __future__ import annotations

import tempfile
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from scanner.errors import OutputError
from scanner.formats._columns import COLUMNS, Facts, cells, fitting, starts_formula
from scanner.formats._settings import DEFAULT, Settings
from scanner.formats._text import percent, visible
from scanner.model.finding import CHANGES, Verdict
from scanner.model.summary import incomplete, not_evaluated, summarise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scanner.model.scan import Scan

EXTENSION = ".xlsx"
ROWS = 1_048_576
"""Rows of a sheet, the title row among them."""
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "in_memory": False,
}
Row = list[Any]


def render(scan: Scan, out: BinaryIO, settings: Settings = DEFAULT) -> None:  # noqa: ARG001 - this format has none
    """Write the workbook; rows go to temporary files as they come."""
    available()
    import xlsxwriter  # noqa: PLC0415 - an extra

    with tempfile.TemporaryDirectory(prefix="acrscan-") as folder:
        book = xlsxwriter.Workbook(out, {**_OPTIONS, "tmpdir": folder})
        book.set_properties({"title": "acrscan", "created": _created(scan.header.now)})
        looks = _Looks(
            book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1}),
            book.add_format({"quote_prefix": True}),
        )
        for name, titles, rows in _sheets(scan):
            _table(book, name, titles, rows, looks)
        book.close()


def available() -> None:
    """`OutputError` with what to install where the package is missing; asked before any work is done."""
    try:
        import xlsxwriter  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        raise OutputError(
            "the xlsx report needs the package xlsxwriter", "", "Install it: pip install 'acrscan[xlsx]'"
        ) from error


class _Looks(NamedTuple):
    """Formats of cells: titles, and texts that begin like a formula and stay texts even when somebody edits the cell."""

    title: Any
    quoted: Any


def _created(now: str) -> datetime:
    """The scan's clock as the workbook's own time, so that the same scan gives the same bytes."""
    try:
        return datetime.fromisoformat(now).replace(tzinfo=None)
    except ValueError:
        return datetime(2000, 1, 1)  # noqa: DTZ001 - workbooks know no zone


def _table(book: Any, name: str, titles: list[str], rows: Iterable[Row], looks: _Looks) -> None:
    """A table in as many sheets as it needs."""
    sheet, part, at = _begun(book, name, titles, looks), 1, 1
    for row in rows:
        if at == ROWS:
            _ended(sheet, at, titles)
            part += 1
            sheet, at = _begun(book, f"{name} {part}", titles, looks), 1
        for column, value in enumerate(row):
            if isinstance(value, int):
                sheet.write_number(at, column, value)
            elif value:
                _text(sheet, at, column, str(value), looks)
        at += 1
    _ended(sheet, at, titles)


def _begun(book: Any, name: str, titles: list[str], looks: _Looks) -> Any:
    sheet = book.add_worksheet(name)
    sheet.freeze_panes(1, 1)
    for column, title in enumerate(titles):
        sheet.set_column(column, column, min(max(len(title) + 2, 12), 60))
        sheet.write_string(0, column, title, looks.title)
    return sheet


def _ended(sheet: Any, rows: int, titles: list[str]) -> None:
    if rows > 1:
        sheet.autofilter(0, 0, rows - 1, len(titles) - 1)


def _text(sheet: Any, at: int, column: int, value: str, looks: _Looks) -> None:
    shown = fitting(visible(value, 32_000))
    if shown.startswith("<r>"):
        # The library takes such a text for its own markup and would write it as it is: cells, formulas and all.
        shown = f"'{shown}"
    sheet.write_string(at, column, shown, looks.quoted if starts_formula(shown) else None)


def _sheets(scan: Scan) -> Iterator[tuple[str, list[str], Iterable[Row]]]:
    facts = Facts.of(scan)
    yield "Summary", ["what", "number", "of", "share"], _summary(scan)
    yield "Findings", list(COLUMNS), (list(cells(row, facts)) for row in scan.findings)
    yield (
        "Rules",
        ["rule", "title", "severity", "controls", *_NAMES, "waived", "attested", "not evaluated because"],
        _rules(scan, facts),
    )
    yield "Controls", ["framework", "control", "title", "basis", "rule", *_NAMES], _controls(scan)
    yield (
        "Registries",
        ["id", "type", "name", "subscription", "resource group", "location", "tier", *_NAMES],
        _resources(scan),
    )
    yield (
        "Waivers",
        [
            "id",
            "what",
            "state",
            "days left",
            "rule",
            "covers",
            "covered",
            "reason",
            "owner",
            "approver",
            "created",
            "expires",
            "place",
        ],
        _accepted(scan),
    )
    yield (
        "Completeness",
        ["collection", "state", "read", "scope", "reason", "status", "missing action", "fix"],
        _completeness(scan),
    )
    if scan.drift is not None:
        yield "Earlier findings", list(COLUMNS), (list(cells(row, facts)) for row in scan.earlier)


_NAMES = [verdict.value for verdict in Verdict]


def _summary(scan: Scan) -> Iterator[Row]:
    head, counts = scan.header, summarise(scan)
    for name, text in (
        ("scanned", head.inventory),
        ("as of", head.now),
        ("pack", f"{head.pack_id} {head.pack_version}"),
        ("profile", head.profile),
        ("inventory sha256", head.inventory_digest),
        ("pack sha256", head.pack_digest),
    ):
        yield [name, text]
    missing, unasked = incomplete(head), not_evaluated(head)
    undecided = counts.verdicts[Verdict.UNKNOWN] + counts.verdicts[Verdict.ERROR]
    yield ["collections not complete", len(missing), len(head.runs), percent(len(missing), len(head.runs))]
    yield ["rules not asked", len(unasked), len(head.rules), percent(len(unasked), len(head.rules))]
    yield [
        "evaluations without an answer",
        undecided,
        counts.evaluations,
        percent(undecided, counts.evaluations),
    ]
    for verdict in Verdict:
        number = counts.verdicts[verdict]
        yield [
            f"evaluations: {verdict.value}",
            number,
            counts.evaluations,
            percent(number, counts.evaluations),
        ]
    for severity, number in counts.failures.items():
        yield [f"findings: {severity}", number, counts.rows, percent(number, counts.rows)]
    yield [
        "findings waived",
        sum(counts.waived.values()),
        counts.rows,
        percent(sum(counts.waived.values()), counts.rows),
    ]
    yield [
        "score: pass / (pass + fail)",
        counts.passed,
        counts.decided,
        percent(counts.passed, counts.decided),
    ]
    after = counts.passed + counts.accepted
    yield ["score after waivers", after, counts.decided, percent(after, counts.decided)]
    if scan.drift:
        for change in CHANGES:
            yield [f"since {scan.drift.now}: {change}", scan.drift.changes.get(change, 0)]
        yield ["not looked at this time, still open", scan.drift.carried]


def _rules(scan: Scan, facts: Facts) -> Iterator[Row]:
    reasons = {card.id: reason for card, reason in not_evaluated(scan.header)}
    for card in scan.header.rules:
        counts = scan.tallies.of_rule(card.id)
        waived = sum(scan.tallies.waived_evaluations.get(card.id, {}).values())
        attested = sum(scan.tallies.attested.get(card.id, {}).values())
        numbers = [counts[verdict] for verdict in Verdict]
        yield [
            card.id,
            card.title,
            card.severity,
            facts.controls(card.id),
            *numbers,
            waived,
            attested,
            reasons.get(card.id, ""),
        ]


def _controls(scan: Scan) -> Iterator[Row]:
    titles = {
        (one.id, control.id): control.title for one in scan.header.frameworks for control in one.controls
    }
    rows = [(control, card) for card in scan.header.rules for control in card.controls]
    for control, card in sorted(rows, key=lambda row: (row[0].framework, row[0].id, row[1].id)):
        counts = scan.tallies.of_rule(card.id)
        title = titles.get((control.framework, control.id), "")
        yield [
            control.framework,
            control.id,
            title,
            control.basis,
            card.id,
            *(counts[verdict] for verdict in Verdict),
        ]


def _resources(scan: Scan) -> Iterator[Row]:
    for line in scan.resources:
        numbers = [line.letters.count(verdict.letter) for verdict in Verdict]
        place = [
            line.id,
            line.type,
            line.name,
            line.subscription,
            line.resource_group,
            line.location,
            line.sku,
        ]
        yield [*place, *numbers]


def _accepted(scan: Scan) -> Iterator[Row]:
    for line in scan.waivers:
        one, covers = line.waiver, line.waiver.covers
        yield [
            one.id,
            "waiver",
            line.state,
            line.days_left,
            covers.rule,
            covers.resource or covers.glob or covers.fingerprint,
            line.findings,
            one.reason,
            one.owner,
            one.approver,
            one.created,
            one.expires,
            one.place,
        ]
    for vouched in scan.attestations:
        word, meant = vouched.attestation, vouched.attestation.covers
        yield [
            word.id,
            f"attested {word.result}",
            vouched.state,
            vouched.days_left,
            meant.rule,
            meant.resource or meant.glob or meant.fingerprint,
            vouched.evaluations,
            word.reason,
            word.owner,
            word.approver,
            word.created,
            word.expires,
            word.place,
        ]


def _completeness(scan: Scan) -> Iterator[Row]:
    for run in scan.header.runs:
        if not run.problems:
            yield [run.collection, run.state, run.count]
        for problem in run.problems:
            yield [
                run.collection,
                run.state,
                run.count,
                problem.scope,
                problem.reason,
                problem.status or "",
                problem.action,
                problem.fix,
            ]
    for place in scan.header.scope:
        if place.reason:
            state = "partial" if place.registries else "failed"
            yield [
                f"subscription {place.name}".rstrip(),
                state,
                place.registries,
                place.subscription,
                place.reason,
            ]
    for card, reason in not_evaluated(scan.header):
        yield [f"rule {card.id} {card.title}", "not-asked", "", "", reason]
    for note in scan.header.diagnostics:
        yield ["note", "", "", "", note]
