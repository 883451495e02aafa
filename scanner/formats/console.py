"""The scan for a person at a terminal: what was looked at, what could not be, what fails, what to do next."""

from __future__ import annotations

import heapq
import io
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, BinaryIO, TextIO

from scanner.formats._accepted import accepted, changes
from scanner.formats._pen import Pen, cells
from scanner.formats._settings import DEFAULT, Settings
from scanner.formats._text import in_file, moment, percent, visible, written
from scanner.model import ids
from scanner.model.finding import Finding, Verdict
from scanner.model.rule import SEVERITIES
from scanner.model.summary import Lack, Summary, incomplete, lacks, not_evaluated, summarise

if TYPE_CHECKING:
    from scanner.model.resource import SourceRun
    from scanner.model.scan import RuleCard, Scan

EXTENSION = ".txt"
FAILURES_SHOWN = 50
ELEMENTS_SHOWN = 5
REASONS_SHOWN = 10
REASONS_KEPT = 500
LINES_SHOWN = 12
ALIKE = 5
"""Rules with one reason that are told on one line."""
_REGISTRIES = "/providers/microsoft.containerregistry/registries/"
_QUALIFIERS = {
    "settling": "settling: changed shortly before it was read",
    "ifDeployed": "if this is deployed",
}
_WORDS = {Verdict.NOT_APPLICABLE: "not applicable"}


def render(scan: Scan, out: BinaryIO, settings: Settings = DEFAULT) -> None:  # noqa: ARG001 - this format has none
    """Write UTF-8 text of 100 columns without colour; a terminal gets `render_text` from the door."""
    text = io.TextIOWrapper(
        out, encoding="utf-8", errors="backslashreplace", newline="\n", write_through=True
    )
    try:
        render_text(scan, text, color=False, unicode=True, width=100)
    finally:
        text.detach()


def render_text(scan: Scan, out: TextIO, *, color: bool, unicode: bool, width: int) -> None:
    """Write the scan as text for a terminal `width` columns wide; `unicode` off gives ASCII only."""
    pen = Pen(out, color, unicode, max(width, 40))
    digest = _Digest.of(scan)
    counts = summarise(scan)
    _scope(pen, scan)
    _completeness(pen, scan)
    _failures(pen, scan, digest, counts)
    changes(pen, scan)
    accepted(pen, scan, counts)
    _open_questions(pen, digest)
    _manual(pen, scan)
    _agreement(pen, scan)
    _numbers(pen, counts)
    _next(pen, scan, digest)


@dataclass(slots=True)
class _Reason:
    """One reason why evaluations have no answer."""

    number: int = 0
    rules: set[str] = field(default_factory=set)
    example: str = ""


@dataclass(slots=True)
class _Digest:
    """What one pass over the findings keeps: the worst failures and the reasons of the undecided ones."""

    worst: list[Finding]
    reasons: dict[tuple[Verdict, str], _Reason]
    unlisted: int

    @classmethod
    def of(cls, scan: Scan) -> _Digest:
        """Read the findings once; constant memory."""
        reasons: dict[tuple[Verdict, str], _Reason] = {}
        heap: list[tuple[int, int, Finding]] = []
        unlisted = 0
        for at, row in enumerate(scan.findings):
            if row.verdict is Verdict.FAIL:
                entry = (-_rank(row.severity) - len(SEVERITIES) * bool(row.waiver), -at, row)
                (heapq.heappush if len(heap) < FAILURES_SHOWN else heapq.heappushpop)(heap, entry)
            elif row.verdict in (Verdict.UNKNOWN, Verdict.ERROR):
                key = (row.verdict, row.reason or row.message)
                if key not in reasons and len(reasons) >= REASONS_KEPT:
                    unlisted += 1
                    continue
                reason = reasons.setdefault(key, _Reason(example=row.resource_name))
                reason.number += 1
                reason.rules.add(row.rule)
        return cls([entry[2] for entry in sorted(heap, reverse=True)], reasons, unlisted)


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def _scope(pen: Pen, scan: Scan) -> None:
    head = scan.header
    pack = f"{head.pack_id} {head.pack_version}"
    pen.hang(
        "acrscan", f"{head.tool_version}, rules {pack}, profile {head.profile or 'none'}", lead_style="bold"
    )
    pen.heading("Scope")
    pen.hang("scanned", f"{head.inventory}, as of {moment(head.now)}", indent=2, column=16, lead_style="dim")
    kinds = [f"{number:,} {kind}" for kind, number in sorted(scan.tallies.resources.items())]
    pen.hang("resources", ", ".join(kinds) or "none found", indent=2, column=16, lead_style="dim")
    names = [f"{name} ({number})" if name else number for number, name in sorted(head.subscriptions.items())]
    if names:
        lead = "subscriptions" if pen.width >= 60 else "in"
        pen.hang(lead, _some(names, 5), indent=2, column=16, lead_style="dim")
    active = sum(card.enabled for card in head.rules)
    pen.hang("rules", f"{active} of {len(head.rules)} switched on", indent=2, column=16, lead_style="dim")


def _completeness(pen: Pen, scan: Scan) -> None:
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
    _more(pen, len(asked) - LINES_SHOWN, "collections")
    found = lacks(scan.header.runs)
    for lack in found[:LINES_SHOWN]:
        _lack(pen, lack)
    _more(pen, len(found) - LINES_SHOWN, "causes")
    unasked = [run.collection for run in runs if run.state == "not-asked"]
    if unasked:
        pen.hang(pen.glyph("dash"), f"not asked for: {_some(unasked, 6)}", indent=2, style="dim")
    rules = not_evaluated(scan.header)
    if rules:
        pen.hang(pen.glyph("dash"), f"{_count(len(rules), 'rule')} not evaluated:", indent=2)
        _not_evaluated(pen, rules)
    if not asked and not rules:
        pen.hang(pen.glyph("tick"), "Nothing is missing.", indent=2, lead_style="pass")
    for note in scan.header.diagnostics[:LINES_SHOWN]:
        pen.hang(pen.glyph("dash"), note, indent=2, style="dim")
    _more(pen, len(scan.header.diagnostics) - LINES_SHOWN, "notes")


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
    _more(pen, len(alone) - LINES_SHOWN, "rules", indent=4)


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
        more = f" (and the like in {_count(lack.others, 'more subscription')})" if lack.others else ""
        pen.command(f"fix{more}:", lack.fix, column=4)


def _failures(pen: Pen, scan: Scan, digest: _Digest, counts: Summary) -> None:
    split = ", ".join(f"{number:,} {name}" for name, number in counts.failures.items() if number)
    split += (
        f" ({counts.rows - counts.open_rows:,} of them waived)" if counts.rows != counts.open_rows else ""
    )
    pen.heading("Findings", f"{counts.rows:,}: {split}" if counts.rows else "")
    if not counts.rows:
        sign, style, word = (
            (pen.glyph("tick"), "pass", "No rule fails.")
            if counts.decided
            else (pen.glyph("warn"), "medium", "No rule was decided.")
        )
        pen.hang(sign, word, indent=2, lead_style=style)
        return
    cards = {card.id: card for card in scan.header.rules}
    groups: dict[str, list[Finding]] = {}
    for row in digest.worst:
        groups.setdefault(_registry(row.resource), []).append(row)
    for place, rows in groups.items():
        _place(pen, scan, place, rows[0])
        for severity, of_severity in groupby(rows, key=lambda row: row.severity):
            for rule, of_rule in groupby(of_severity, key=lambda row: row.rule):
                _rule(pen, severity, rule, cards.get(rule), list(of_rule))
    if counts.rows > len(digest.worst):
        pen.blank()
    _more(pen, counts.rows - len(digest.worst), "findings")


def _registry(resource: str) -> str:
    """The id of the registry that the resource is or lies in, else its own id."""
    at = resource.lower().find(_REGISTRIES)
    if at < 0:
        return resource
    end = resource.find("/", at + len(_REGISTRIES))
    return resource if end < 0 else resource[:end]


def _place(pen: Pen, scan: Scan, place: str, row: Finding) -> None:
    own = place == row.resource
    where = [
        row.resource_group,
        scan.header.subscriptions.get(row.subscription) or row.subscription,
        row.location,
    ]
    pen.blank()
    name = row.resource_name if own else ids.name_of(place)
    note = ", ".join(part for part in where if part)
    taken = cells(pen.clean(name)) + 2
    if taken <= pen.width // 2:
        pen.hang(name, note, lead_style="bold", style="dim", column=taken)
    else:
        pen.hang("", name, style="bold")
        pen.hang("", note, style="dim", column=2)


def _rule(pen: Pen, severity: str, rule: str, card: RuleCard | None, rows: list[Finding]) -> None:
    column = 20
    title = f"{rule}  {card.title}" if card else rule
    pen.hang(f"{severity.upper()}", title, indent=2, column=12, lead_style=severity, style="bold")
    for row in rows[:ELEMENTS_SHOWN]:
        marks = [
            f"waived: {row.waiver}" if row.waiver else "",
            f"{row.lapsed} does not count" if row.lapsed else "",
            "" if row.change in (None, "persisting") else row.change,
            _QUALIFIERS.get(row.qualifier, row.qualifier),
        ]
        noted = "".join(f" [{mark}]" for mark in marks if mark)
        lead = pen.glyph("point") if len(rows) > 1 else ""
        pen.hang(lead, row.message + noted, indent=column - 2 if lead else 0, column=column)
        if row.resource_type.count("/") > 1:
            pen.hang("", f"on {row.resource_name}", column=column, style="dim")
        if row.origin.line:
            pen.hang("", f"at {written(row)}", column=column, style="dim")
        if row.element and row.element not in row.message:
            pen.hang("", f"element {row.element}", column=column, style="dim")
        if row.affected:
            names = [ids.name_of(other) for other in row.affected]
            registries = "registry" if len(names) == 1 else "registries"
            pen.hang(
                "", f"also affects {len(names):,} {registries}: {_some(names, 5)}", column=column, style="dim"
            )
        for words in row.commands[:3]:
            pen.command("fix:", shlex.join(visible(word) for word in words), column=column)
    for number, line in enumerate(in_file(rows[0], card)):
        pen.command("    " if number else "fix:", visible(line), column=column)
    _more(pen, len(rows) - ELEMENTS_SHOWN, "of this rule", indent=column)


def _open_questions(pen: Pen, digest: _Digest) -> None:
    for verdict, heading in ((Verdict.UNKNOWN, "Unknown"), (Verdict.ERROR, "Errors")):
        found = [(reason, entry) for (kind, reason), entry in digest.reasons.items() if kind is verdict]
        if not found:
            continue
        found.sort(key=lambda pair: (-pair[1].number, pair[0]))
        pen.heading(heading, "grouped by reason")
        for reason, entry in found[:REASONS_SHOWN]:
            pen.hang(f"{entry.number:,}", reason, indent=2, column=8, lead_style=verdict.value)
            example = f"{_some(sorted(entry.rules), 8)}; for example on {entry.example}"
            pen.hang("", example, column=8, style="dim")
        rest = sum(entry.number for _, entry in found[REASONS_SHOWN:])
        _more(pen, rest, "for other reasons")
    _more(pen, digest.unlisted, "undecided")


def _manual(pen: Pen, scan: Scan) -> None:
    cards = [
        (card, scan.tallies.of_rule(card.id)[Verdict.MANUAL]) for card in scan.header.rules if card.manual
    ]
    shown = [(card, number) for card, number in cards if number]
    if not shown:
        return
    pen.heading("To attest by hand")
    for card, number in shown[:LINES_SHOWN]:
        attested = sum(scan.tallies.attested.get(card.id, {}).values())
        done = f" ({attested:,} attested)" if attested else ""
        pen.hang(f"{number:,}", f"{card.id}  {card.title}{done}", indent=2, column=8, lead_style="manual")
        pen.hang("", card.manual, column=8, style="dim")
    _more(pen, len(shown) - LINES_SHOWN, "rules")


def _agreement(pen: Pen, scan: Scan) -> None:
    """What Azure Policy says of the same settings, in two lines; the differences are findings of ACR503."""
    agreed = scan.agreed
    if not agreed.rows:
        return
    pen.heading("Azure Policy")
    if not agreed.assigned:
        text = "no registry has an assignment of a built-in definition that these rules mirror"
        pen.hang(pen.glyph("dash"), text, indent=2, lead_style="dim")
        return
    settling = f" and {agreed.settling:,} may settle" if agreed.settling else ""
    text = f"{_count(agreed.compared, 'comparison')}, {agreed.differs:,} differ{settling}"
    sign, style = (pen.glyph("cross"), "fail") if agreed.differs else (pen.glyph("dash"), "dim")
    pen.hang(sign, text, indent=2, lead_style=style)
    registries = "registry" if agreed.registries == 1 else "registries"
    exempt = f", {agreed.exempt:,} exempt from one" if agreed.exempt else ""
    text = f"{agreed.enforced:,} of {agreed.registries:,} {registries} covered by an enforcing policy{exempt}"
    pen.hang(pen.glyph("dash"), text, indent=2, lead_style="dim")


def _numbers(pen: Pen, counts: Summary) -> None:
    pen.heading("Summary", f"{_count(counts.evaluations, 'evaluation')}, one for each rule and resource")
    wide = max(len(f"{number:,}") for number in counts.verdicts.values())
    for verdict in Verdict:
        number = counts.verdicts[verdict]
        share = f"{percent(number, counts.evaluations):>8}"
        bar = _bar(pen, number, counts.evaluations)
        word = f"{_WORDS.get(verdict, verdict.value):<15}"
        style = verdict.value if number else "dim"
        line = f"  {pen.styled(word, style)} {number:>{wide},} of {counts.evaluations:,} {share}  {pen.styled(bar, style)}"
        pen.out.write(line.rstrip() + "\n")
    if counts.rows != counts.verdicts[Verdict.FAIL]:
        text = f"{_count(counts.rows, 'finding')} from {_count(counts.verdicts[Verdict.FAIL], 'failed evaluation')}"
        pen.hang(
            "",
            f"{text}: one may name several elements, one cause may stand for several.",
            column=2,
            style="dim",
        )
    left_out = counts.evaluations - counts.decided
    if counts.decided:
        score = f"{counts.passed:,}/({counts.passed:,}+{counts.decided - counts.passed:,}) = {percent(counts.passed, counts.decided)}"
        pen.hang("score", f"pass/(pass+fail) = {score}", indent=2, column=18, lead_style="bold", style="bold")
        if counts.accepted:
            passed = counts.passed + counts.accepted
            text = f"{percent(passed, counts.decided)}, with {_count(counts.accepted, 'accepted failure')} as passed"
            pen.hang("after waivers", text, indent=2, column=18)
    else:
        pen.hang("score", "none: nothing was decided", indent=2, column=18, lead_style="bold")
    if left_out:
        pen.hang(
            "",
            f"{_count(left_out, 'evaluation')} without pass or fail not counted in it",
            column=18,
            style="dim",
        )


def _bar(pen: Pen, part: int, whole: int) -> str:
    room = min(pen.width - 50, 40)
    if room < 10 or not whole:
        return ""
    full = max(part * room // whole, 1) if part else 0
    return pen.glyph("block") * full


def _next(pen: Pen, scan: Scan, digest: _Digest) -> None:
    steps = []
    if digest.worst:
        first = digest.worst[0]
        if not first.waiver:
            steps.append(f"Mend first: {first.rule} on {first.resource_name} ({first.severity}).")
    fixes = sum(bool(lack.fix) for lack in lacks(scan.header.runs))
    if fixes:
        steps.append(
            f"Complete the collection: run {_count(fixes, 'fix line')} under Completeness, then scan again."
        )
    if any(kind is Verdict.ERROR for kind, _ in digest.reasons):
        steps.append("Look into the errors: a rule or a collected value is not what was expected.")
    if scan.tallies.total()[Verdict.MANUAL]:
        steps.append("Attest what only a person can judge.")
    if digest.worst or digest.reasons:
        steps.append(
            "See everything with its evidence: -f html for people, -f json or -f sarif for programs."
        )
    if not steps:
        return
    pen.heading("Next")
    for at, step in enumerate(steps, 1):
        pen.hang(f"{at}.", step, indent=2)


def _more(pen: Pen, number: int, what: str, *, indent: int = 2) -> None:
    if number > 0:
        pen.hang("", f"... {number:,} more {what} in the HTML and JSON reports", column=indent, style="dim")


def _some(texts: list[str], limit: int) -> str:
    rest = f" and {len(texts) - limit:,} more" if len(texts) > limit else ""
    return ", ".join(texts[:limit]) + rest


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
