"""Markdown for a pull request's comment or a job's summary: what was not evaluated, the numbers, what is new, what fails.

A comment holds at most 65,536 characters and a job summary 1 MiB; what does not fit is counted, and said where it is.
Everything from the world is escaped: it makes no link, no heading, no mention and no HTML.
Sources: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands (job summaries)
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from scanner.formats._settings import DEFAULT, Settings
from scanner.formats._text import code_span, markdown, moment, percent
from scanner.model.finding import CHANGES, Finding, Verdict
from scanner.model.rule import SEVERITIES
from scanner.model.summary import lacks, not_evaluated, summarise
from scanner.model.waiver import IN_FORCE

if TYPE_CHECKING:
    from scanner.model.scan import Scan

EXTENSION = ".md"
LIMITS = {"comment": 60_000, "summary": 1_048_576}
"""Characters of a comment, bytes of a summary; both are kept in bytes, which is never less."""
ROWS = {"comment": 150, "summary": 2_000}
_CELL = 300
_ELSEWHERE = "everything is in the HTML, CSV and JSON reports"
_ROOM_FOR_THE_END = 400
_NAMES = {Verdict.NOT_APPLICABLE: "not applicable"}


@dataclass(slots=True)
class _Page:
    """Lines within a limit. Once something did not fit nothing more is taken, so that no table continues after a gap."""

    limit: int
    lines: list[str] = field(default_factory=list)
    size: int = 0
    full: bool = False

    def add(self, *lines: str) -> bool:
        """Take the lines together, or none of them."""
        size = sum(len(line.encode("utf-8", "replace")) + 1 for line in lines)
        if self.full or self.size + size > self.limit - _ROOM_FOR_THE_END:
            self.full = True
            return False
        self.lines += lines
        self.size += size
        return True


def render(scan: Scan, out: BinaryIO, settings: Settings = DEFAULT) -> None:
    """Write the page; only the worst rows are held."""
    page = _Page(LIMITS[settings.markdown])
    page.add(*_head(scan), *_unread(scan), *_numbers(scan), *_changes(scan), *_waivers(scan))
    page.add(*_rules(scan))
    left_out = _findings(scan, page, ROWS[settings.markdown])
    if left_out or page.full:
        page.lines += ["", f"**Truncated:** {left_out:,} more findings are not shown here; {_ELSEWHERE}."]
    out.write(("\n".join(page.lines) + "\n").encode("utf-8", "replace"))


def _head(scan: Scan) -> Iterator[str]:
    head, counts = scan.header, summarise(scan)
    split = ", ".join(f"{number:,} {name}" for name, number in counts.failures.items() if number)
    waived = counts.rows - counts.open_rows
    yield f"## acrscan: {counts.open_rows:,} open findings"
    yield ""
    yield f"{split or 'no rule fails'}{f' ({waived:,} of {counts.rows:,} waived)' if waived else ''}"
    yield ""
    rules = f"{head.pack_id} {head.pack_version}, profile {head.profile or 'none'}"
    yield f"Scanned {code_span(head.inventory)} as of {moment(head.now)} with rules {markdown(rules)}."


def _unread(scan: Scan) -> Iterator[str]:
    counts = summarise(scan)
    undecided = counts.verdicts[Verdict.UNKNOWN] + counts.verdicts[Verdict.ERROR]
    found = lacks(scan.header.runs)
    skipped = not_evaluated(scan.header)
    yield ""
    yield "### Not evaluated"
    yield ""
    yield f"{counts.evaluations - undecided:,} of {counts.evaluations:,} evaluations done, {undecided:,} undecided; {len(skipped):,} rules not asked."
    if found:
        yield ""
    for lack in found[:10]:
        status = f" (HTTP {lack.status})" if lack.status else ""
        yield f"- {markdown(_cut(lack.words))}: {markdown(_cut(lack.reason))}{status}"
    if len(found) > 10:
        yield f"- and {len(found) - 10:,} more causes"


def _numbers(scan: Scan) -> Iterator[str]:
    counts = summarise(scan)
    yield ""
    yield "### Numbers"
    yield ""
    yield "| verdict | evaluations | of all |"
    yield "|---|---:|---:|"
    for verdict in Verdict:
        number = counts.verdicts[verdict]
        name = _NAMES.get(verdict, verdict.value)
        yield f"| {name} | {number:,} of {counts.evaluations:,} | {percent(number, counts.evaluations)} |"
    yield ""
    score = f"Score pass / (pass + fail): {counts.passed:,} of {counts.decided:,}, {percent(counts.passed, counts.decided)}"
    if counts.accepted:
        after = counts.passed + counts.accepted
        score += f"; after waivers {after:,} of {counts.decided:,}, {percent(after, counts.decided)}"
    yield f"{score}. {counts.attested:,} of {counts.verdicts[Verdict.MANUAL]:,} manual evaluations attested."


def _changes(scan: Scan) -> Iterator[str]:
    drift = scan.drift
    if drift is None:
        return
    yield ""
    yield f"### Since {moment(drift.now)}"
    yield ""
    yield "| change | findings | by |"
    yield "|---|---:|---|"
    for change in CHANGES:
        by = [
            f"{number:,} {key.partition(':')[2]}"
            for key, number in drift.reasons.items()
            if key.startswith(f"{change}:")
        ]
        yield f"| {change} | {drift.changes.get(change, 0):,} | {', '.join(by)} |"
    if drift.carried:
        yield ""
        yield f"{drift.carried:,} findings are still open because what they are about was not looked at this time."
    for note in drift.notes:
        yield ""
        yield f"Note: {markdown(_cut(note))}."


def _waivers(scan: Scan) -> Iterator[str]:
    needy = [line for line in scan.waivers if line.state != "in-force"]
    if not needy:
        return
    yield ""
    yield f"### Waivers that need somebody ({len(needy):,} of {len(scan.waivers):,})"
    yield ""
    yield "| waiver | rule | state | days left | owner |"
    yield "|---|---|---|---:|---|"
    for line in sorted(needy, key=lambda one: (one.state in IN_FORCE, one.days_left))[:20]:
        one = line.waiver
        cells = [one.id, one.covers.rule, line.state, str(line.days_left), one.owner]
        yield f"| {' | '.join(markdown(_cut(cell)) for cell in cells)} |"
    if len(needy) > 20:
        yield f"| and {len(needy) - 20:,} more | | | | |"


def _rules(scan: Scan) -> Iterator[str]:
    failing = []
    for card in scan.header.rules:
        counts = scan.tallies.of_rule(card.id)
        if counts[Verdict.FAIL]:
            rank = SEVERITIES.index(card.severity) if card.severity in SEVERITIES else len(SEVERITIES)
            failing.append((rank, -counts[Verdict.FAIL], card, counts))
    if not failing:
        return
    yield ""
    yield f"### Failing rules ({len(failing):,})"
    yield ""
    yield "| severity | rule | title | failed |"
    yield "|---|---|---|---:|"
    failing.sort(key=lambda row: (row[0], row[1], row[2].id))
    for _, _, card, counts in failing[:30]:
        of = counts[Verdict.FAIL] + counts[Verdict.PASS]
        yield f"| {card.severity} | {markdown(card.id)} | {markdown(_cut(card.title))} | {counts[Verdict.FAIL]:,} of {of:,} |"
    if len(failing) > 30:
        yield f"| | | and {len(failing) - 30:,} more rules | |"


def _findings(scan: Scan, page: _Page, room: int) -> int:
    """The worst open findings, new ones first; gives how many open ones are not shown."""
    total = sum(row.gating for row in scan.findings)
    if not total:
        return 0
    new = "new ones first" if scan.drift else "worst first"
    head = (
        "",
        f"### Open findings ({total:,}, {new})",
        "",
        "| severity | rule | resource | finding | change |",
        "|---|---|---|---|---|",
    )
    if not page.add(*head):
        return total
    shown = 0
    for row in _worst((row for row in scan.findings if row.gating), room):
        cells = [row.severity, row.rule, row.resource_name, row.message, row.change or ""]
        if not page.add(f"| {' | '.join(markdown(_cut(cell)) for cell in cells)} |"):
            break
        shown += 1
    return total - shown


def _worst(rows: Iterable[Finding], room: int) -> list[Finding]:
    heap: list[tuple[int, int, int, Finding]] = []
    for at, row in enumerate(rows):
        known = row.change in (None, "persisting")
        rank = SEVERITIES.index(row.severity) if row.severity in SEVERITIES else len(SEVERITIES)
        entry = (-int(known), -rank, -at, row)
        (heapq.heappush if len(heap) < room else heapq.heappushpop)(heap, entry)
    return [entry[3] for entry in sorted(heap, reverse=True)]


def _cut(text: str) -> str:
    return text if len(text) <= _CELL else f"{text[:_CELL]} ... ({len(text) - _CELL:,} more characters)"
