"""The sections of a Markdown page: each takes what it needs of the scan and writes on the paper, within its room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.formats._text import moment, percent, written
from scanner.model import ids
from scanner.model.finding import CHANGES, REASONS, Verdict
from scanner.model.rule import SEVERITIES
from scanner.model.summary import incomplete, lacks, not_evaluated
from scanner.model.waiver import IN_FORCE
from scanner.shown import safe

if TYPE_CHECKING:
    from scanner.formats.markdown.digest import Digest
    from scanner.formats.markdown.paper import Paper
    from scanner.model.finding import Finding
    from scanner.model.scan import RuleCard, Scan
    from scanner.model.summary import Summary
    from scanner.model.waiver import WaiverLine

FINDINGS = {"summary": 5_000, "comment": 200}
"""Findings that are held for the table at most; fewer are shown where the paper ends before."""
LISTED = {"summary": 200, "comment": 10}
"""Lines of every other list."""
_WHY = {
    "resource": "the resource",
    "rule": "the rule or its parameters",
    "waiver": "a waiver",
    "data": "data that was or is missing",
    "scope": "what was scanned",
}
_WORDS = {Verdict.NOT_APPLICABLE: "not applicable"}


def count(number: int, what: str) -> str:
    """A number with its noun."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def headline(paper: Paper, scan: Scan, counts: Summary) -> None:
    """What was scanned and the one sentence that everybody reads."""
    head = scan.header
    paper.add(f"## acrscan: {count(counts.open_rows, 'open finding')}\n\n")
    split = ", ".join(
        f"{number - counts.waived[name]:,} {safe(name)}"
        for name, number in counts.failures.items()
        if number - counts.waived[name]
    )
    waived = counts.rows - counts.open_rows
    also = f" ({waived:,} of {counts.rows:,} waived)" if waived else ""
    nothing = "No rule fails" if counts.decided else "No rule was decided"
    if waived and not split:
        nothing = "No finding is open"
    paper.add(f"**{split or nothing}**{also}.")
    undecided = counts.verdicts[Verdict.UNKNOWN] + counts.verdicts[Verdict.ERROR]
    if undecided:
        paper.add(f" **{undecided:,} of {count(counts.evaluations, 'evaluation')} without an answer.**")
    if head.organisation:
        paper.add(f"\n\n{safe(head.organisation)}")
    kinds = ", ".join(f"{number:,} {safe(kind)}" for kind, number in sorted(scan.tallies.resources.items()))
    paper.add(
        f"\n\nScanned: {safe(head.inventory)}, as of {safe(moment(head.now))}; {kinds or 'no resources'}. "
    )
    profile = f", profile {safe(head.profile)}" if head.profile else ""
    paper.add(f"Rules: {safe(head.pack_id)} {safe(head.pack_version)}{profile}.\n")


def not_read(paper: Paper, scan: Scan, counts: Summary, digest: Digest) -> None:
    """Collections, rules and evaluations without an answer, before any result."""
    limit = LISTED[paper.kind]
    runs = [run for run in incomplete(scan.header) if run.state != "not-asked"]
    asked = sum(run.state != "not-asked" for run in scan.header.runs)
    places = [line for line in scan.header.scope if line.reason]
    rules = not_evaluated(scan.header)
    paper.heading("Not evaluated")
    if not (runs or rules or digest.reasons or places):
        paper.add("Nothing is missing.\n")
        return
    if asked:
        paper.add(f"{asked - len(runs):,} of {count(asked, 'collection')} read completely")
        paper.add(f"; {len(rules):,} of {count(len(scan.header.rules), 'rule')} not asked")
        undecided = counts.verdicts[Verdict.UNKNOWN] + counts.verdicts[Verdict.ERROR]
        paper.add(f"; {undecided:,} of {count(counts.evaluations, 'evaluation')} without an answer.\n\n")
    paper.points(
        [f"Subscription {safe(one.name or one.subscription)}: {safe(one.reason)}" for one in places],
        limit,
        "subscriptions",
    )
    paper.points(
        [
            f"Not read: {safe(lack.words)}: {safe(lack.reason)}"
            + (f"; needs {safe(lack.action)}" if lack.action else "")
            for lack in lacks(runs)
        ],
        limit,
        "causes",
    )
    reasons = sorted(digest.reasons.items(), key=lambda item: (-item[1], item[0]))
    paper.points(
        [f"{number:,} without an answer: {safe(reason)}" for reason, number in reasons], limit, "reasons"
    )
    if digest.unlisted:
        paper.more(digest.unlisted, "without an answer for yet other reasons", lead="- ")
    paper.points(_not_asked(rules), limit, "reasons")


def _not_asked(rules: list[tuple[RuleCard, str]]) -> list[str]:
    """Rules by the reason why they were not asked; those that are switched off together, since the reasons are their own."""
    groups: dict[str, list[str]] = {}
    for card, reason in rules:
        groups.setdefault(reason if card.enabled else "switched off by the pack or the profile", []).append(
            card.id
        )
    found = []
    for reason, names in groups.items():
        more = f" and {len(names) - 30:,} more" if len(names) > 30 else ""
        shown = ", ".join(safe(name, 40) for name in names[:30])
        found.append(f"{count(len(names), 'rule')} not asked: {safe(reason)} ({shown}{more})")
    return found


def numbers(paper: Paper, counts: Summary) -> None:
    """The verdicts with what they are a part of, and the score with its formula."""
    paper.heading("Numbers")
    whole = counts.evaluations
    rows = [
        (_WORDS.get(verdict, verdict.value), f"{number:,} of {whole:,}", percent(number, whole))
        for verdict, number in counts.verdicts.items()
    ]
    paper.table(("verdict", "evaluations", "share"), rows, len(rows), "verdicts")
    if counts.decided:
        score = percent(counts.passed, counts.decided)
        paper.add(f"\nScore: pass / (pass + fail) = {counts.passed:,} / {counts.decided:,} = {score}")
        if counts.accepted:
            after = counts.passed + counts.accepted
            paper.add(
                f"; with {count(counts.accepted, 'waived failure')} as passed {percent(after, counts.decided)}"
            )
        paper.add(".\n")
        left = counts.evaluations - counts.decided
        if left:
            paper.add(
                f"\nNot counted in it: {count(left, 'evaluation')} without pass or fail, or about waivers themselves.\n"
            )
    else:
        paper.add("\nNo score: nothing was decided.\n")
    if counts.verdicts[Verdict.MANUAL]:
        paper.add(
            f"\nTo attest by hand: {counts.verdicts[Verdict.MANUAL]:,}, {counts.attested:,} of them attested.\n"
        )


def changes(paper: Paper, scan: Scan) -> None:
    """What changed since the earlier scan, and why."""
    drift = scan.drift
    if drift is None:
        return
    paper.heading(f"Changes since {safe(moment(drift.now))}")
    paper.add(f"Compared with {safe(drift.words)}.\n\n")
    lines = []
    for change in CHANGES:
        number = drift.changes.get(change, 0)
        found = [
            f"{part:,} by {_WHY[why]}" for why in REASONS if (part := drift.reasons.get(f"{change}:{why}", 0))
        ]
        lines.append(f"**{number:,} {change}**" + (f": {', '.join(found)}" if found else ""))
    if drift.carried:
        lines.append(f"**{drift.carried:,} still open**: what they are about was not looked at this time")
    paper.points(lines, len(lines), "changes")
    paper.points([safe(note) for note in drift.notes], LISTED[paper.kind], "notes")


def waivers(paper: Paper, scan: Scan) -> None:
    """Waivers that need somebody: those that do not count, and those that end soon."""
    needy = sorted(
        (line for line in scan.waivers if line.state != "in-force"),
        key=lambda line: (line.state in IN_FORCE, line.days_left, line.waiver.id),
    )
    if not needy:
        return
    in_force = sum(line.state in IN_FORCE for line in scan.waivers)
    paper.heading(f"Waivers: {len(needy):,} of {len(scan.waivers):,} need somebody, {in_force:,} in force")
    shown = needy[: LISTED[paper.kind]]
    paper.table(
        ("waiver", "state", "rule", "owner", "until", "findings"), map(_waiver, shown), len(needy), "waivers"
    )


def _waiver(line: WaiverLine) -> tuple[str, ...]:
    entry = line.waiver
    days = (
        f"{count(line.days_left, 'day')} left"
        if line.days_left >= 0
        else f"ended {count(-line.days_left, 'day')} ago"
    )
    state = line.state.replace("-", " ") + (f": {line.why}" if line.why else "")
    return (
        safe(entry.id),
        safe(state),
        safe(entry.covers.rule),
        safe(entry.owner),
        f"{safe(entry.expires)} ({days})",
        f"{line.findings:,}",
    )


def rules(paper: Paper, scan: Scan) -> None:
    """The rules that fail, worst severity and most failures that nobody accepted first."""
    failing = [
        (card, counts)
        for card in scan.header.rules
        if (counts := scan.tallies.of_rule(card.id))[Verdict.FAIL]
    ]
    if not failing:
        return
    waived = {card.id: sum(scan.tallies.waived_evaluations.get(card.id, {}).values()) for card, _ in failing}
    failing.sort(key=lambda pair: (_rank(pair[0]), waived[pair[0].id] - pair[1][Verdict.FAIL], pair[0].id))
    paper.heading(f"Failing rules: {len(failing):,} of {len(scan.header.rules):,}")
    rows = [
        (
            safe(card.severity),
            safe(card.id),
            safe(card.title),
            f"{counts[Verdict.FAIL]:,} of {counts[Verdict.FAIL] + counts[Verdict.PASS]:,}",
            f"{counts[Verdict.UNKNOWN] + counts[Verdict.ERROR]:,}",
            f"{waived[card.id]:,}",
        )
        for card, counts in failing
    ]
    head = ("severity", "rule", "title", "fail of decided", "undecided", "waived")
    paper.table(head, rows[: LISTED[paper.kind]], len(rows), "failing rules")


def _rank(card: RuleCard) -> int:
    return SEVERITIES.index(card.severity) if card.severity in SEVERITIES else len(SEVERITIES)


def findings(paper: Paper, scan: Scan, counts: Summary, digest: Digest) -> None:
    """Open findings, new ones first where something was compared, until the paper is full."""
    if not digest.open:
        return
    compared = scan.drift is not None
    fresh = f", {digest.fresh:,} of them new, reopened or changed" if compared else ""
    waived = (
        f"; {counts.rows - counts.open_rows:,} waived ones not listed"
        if counts.rows != counts.open_rows
        else ""
    )
    paper.heading(f"Open findings: {digest.open:,}{fresh}{waived}")
    head = ("severity", "rule", "registry", "what was found", *(("change",) if compared else ()))
    rows = (_finding(row, scan, compared=compared) for row in digest.first)
    paper.table(head, rows, digest.open, "open findings")


def _finding(row: Finding, scan: Scan, *, compared: bool) -> tuple[str, ...]:
    where = scan.header.subscriptions.get(row.subscription) or row.subscription
    registry = ids.registry_of(row.resource)
    name = row.resource_name or row.resource
    if registry and registry != row.resource:
        name = f"{ids.name_of(registry)}: {name}"
    said = [safe(row.message, 300)]
    if row.element and row.element not in row.message:
        said.append(f"Element {safe(ids.name_of(row.element), 120)}")
    if row.affected:
        said.append(f"Also affects {count(len(row.affected), 'more resource')}")
    if row.lapsed:
        said.append(f"Waiver {safe(row.lapsed, 80)} does not count")
    if row.origin.line:
        said.append(f"At {safe(written(row))}")
    told = " ".join(f"{one}{'' if one.endswith('.') else '.'}" for one in said)
    place = ", ".join(part for part in (safe(name), safe(row.resource_group, 80), safe(where, 80)) if part)
    change = (_change(row),) if compared else ()
    return (safe(row.severity), safe(row.rule), place, told, *change)


def _change(row: Finding) -> str:
    by = f" by {_WHY.get(row.why, safe(row.why))}" if row.why else ""
    return f"{safe(row.change or '')}{by}" + (f": {safe(row.was)}" if row.was else "")


def closing(paper: Paper, scan: Scan) -> None:
    """Where everything is, and by which digests it can be told apart from other scans; the reserve has room for it."""
    head = scan.header
    text = (
        "\nEvidence, remediation and all rows: the HTML, CSV, SARIF and JSON reports of this run.\n\n"
        f"acrscan {safe(head.tool_version, 40)}, rules sha256 {safe(head.pack_digest, 64)}, "
        f"inventory sha256 {safe(head.inventory_digest, 64)}\n"
    )
    paper.parts.append(text)
    paper.used += paper.size(text)
