"""The findings: two readings of the spool give the worst rows for the page itself and the table of the page's script.

The first reading counts, so that the second knows how many rows of each rank there is room for; what is kept is
bounded by `STATIC_ROWS` and `TABLE_ROWS`, whatever the size of the scan.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.formats.html.columns import AFFECTED_SHOWN, Block, Columns
from scanner.formats.html.standing import ORDER, grade
from scanner.model.rule import SEVERITIES

if TYPE_CHECKING:
    from scanner.formats.html.drift import Collector
    from scanner.formats.html.words import Words
    from scanner.model.finding import Finding
    from scanner.model.scan import Scan

STATIC_ROWS = 300
"""Findings written as plain HTML, which need no script."""
STATIC_ROWS_OF_MANY = 150
"""The same when not all fit: then the script's table is the better view, and the page should open quickly."""
TABLE_ROWS = 100_000
"""Findings in the script's table. Beyond that a browser is the wrong tool: JSON and CSV hold everything."""
REASONS_SHOWN = 30
DISTINCT_REASONS = 5_000

_PLACE = {verdict: place for place, verdict in enumerate(ORDER)}
_RANKS = len(ORDER) * (len(SEVERITIES) + 1)


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding with the anchor it can be linked by ("" when another row already has that fingerprint)."""

    finding: Finding
    anchor: str

    @property
    def affected_left_out(self) -> int:
        """How many affected resources are not listed."""
        return max(0, len(self.finding.affected) - AFFECTED_SHOWN)


@dataclass(frozen=True, slots=True)
class Selection:
    """What the page holds of the findings, and exactly what it does not hold."""

    total: int
    rows: tuple[Shown, ...]
    table_rows: int
    data: Block
    """The table: columnar JSON, gzip."""
    reasons: tuple[tuple[str, str, int], ...]
    """Why evaluations stayed open: verdict, reason, rows; the most frequent first."""
    reasons_left_out: int

    @property
    def rows_left_out(self) -> int:
        """Findings without a plain row."""
        return self.total - len(self.rows)

    @property
    def table_left_out(self) -> int:
        """Findings beyond the script's table."""
        return self.total - self.table_rows


def select(scan: Scan, words: Words, report: str, drift: Collector) -> Selection:
    """Read the findings twice and keep the worst, in the order verdict, severity, then the scan's own.

    Every row passes by `drift` too. `report` names the page.
    """
    ranks = [0] * _RANKS
    reasons: Counter[tuple[str, str]] = Counter()
    for finding in scan.findings:
        ranks[_rank(finding)] += 1
        if finding.verdict.value in {"unknown", "error"}:
            key = (finding.verdict.value, finding.reason)
            if key in reasons or len(reasons) < DISTINCT_REASONS:
                reasons[key] += 1
    fits = sum(ranks) <= STATIC_ROWS
    static_room = _rooms(ranks, STATIC_ROWS if fits else STATIC_ROWS_OF_MANY)
    table_room = _rooms(ranks, TABLE_ROWS)
    static: list[list[Finding]] = [[] for _ in ranks]
    columns = Columns(scan, words, _RANKS)
    taken = [0] * _RANKS
    for finding in scan.findings:
        rank = _rank(finding)
        if taken[rank] < static_room[rank]:
            static[rank].append(finding)
        if taken[rank] < table_room[rank]:
            columns.add(rank, finding)
        taken[rank] += 1
        drift.add(finding)
    seen: set[str] = set()
    rows = tuple(Shown(finding, _anchor(finding, seen)) for row in static for finding in row)
    frequent = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    return Selection(
        total=sum(ranks),
        rows=rows,
        table_rows=sum(table_room),
        data=columns.packed(sum(ranks), report),
        reasons=tuple((verdict, reason, n) for (verdict, reason), n in frequent[:REASONS_SHOWN]),
        reasons_left_out=max(0, len(frequent) - REASONS_SHOWN),
    )


_GRADES = {severity: grade(severity) for severity in SEVERITIES}


def _rank(finding: Finding) -> int:
    return _PLACE[finding.verdict] * (len(SEVERITIES) + 1) + _GRADES.get(finding.severity, len(SEVERITIES))


def _rooms(ranks: list[int], room: int) -> list[int]:
    """How many of each rank fit when the worst ranks are served first."""
    rooms = []
    for number in ranks:
        rooms.append(min(number, room))
        room -= rooms[-1]
    return rooms


def _anchor(finding: Finding, seen: set[str]) -> str:
    if not finding.fingerprint or finding.fingerprint in seen:
        return ""
    seen.add(finding.fingerprint)
    return f"f={finding.fingerprint}"
