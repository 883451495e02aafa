"""The tables of the workbook: a scan comes in, sheets with their columns and rows come out, in the order of the book."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from scanner.formats._columns import (
    COLUMNS,
    Context,
    Value,
    controls_text,
    joined,
    values,
)
from scanner.formats._text import visible
from scanner.model.finding import LETTERS, Verdict
from scanner.model.summary import not_evaluated

if TYPE_CHECKING:
    from scanner.model.finding import Finding
    from scanner.model.scan import ResourceLine, RuleCard, Scan
    from scanner.model.waiver import AttestationLine, Coverage, WaiverLine

Columns = Sequence[tuple[str, int]]
Table = tuple[str, Columns, Iterable[Sequence[Value]]]

REGISTRIES = "microsoft.containerregistry/registries"
FINDINGS: Columns = tuple((column.name, column.width) for column in COLUMNS)
_VERDICTS: Columns = tuple((verdict.value, 12) for verdict in Verdict)
_RULES: Columns = (
    ("rule", 10), ("name", 30), ("title", 50), ("severity", 10), ("asked of", 40), ("status", 14), ("not evaluated because", 40),
    ("evaluations", 12), *_VERDICTS, ("waived evaluations", 12), ("attested evaluations", 12), ("may be waived", 12),
    ("replaces", 14), ("controls", 40), ("rationale", 60), ("azure cli", 60), ("to mend by hand", 40), ("to attest", 40),
    ("references", 40), ("reviewed", 12), ("rule sha256", 66), ("values sha256", 66), ("declared at", 30),
)  # fmt: skip
_CONTROLS: Columns = (
    ("framework", 20), ("framework title", 40), ("version", 10), ("control", 14), ("control title", 50), ("basis", 10),
    ("rule", 10), ("rule title", 50), ("severity", 10), *_VERDICTS, ("waived evaluations", 12), ("no rule because", 60),
)  # fmt: skip
_RESOURCES: Columns = (
    ("name", 24), ("type", 40), ("subscription name", 24), ("subscription", 38), ("resource group", 20), ("location", 14),
    ("sku", 12), ("evaluations", 12), *_VERDICTS, ("failing rules", 40), ("undecided rules", 40), ("resource", 80),
)  # fmt: skip
_COVERS: Columns = (("rule", 10), ("resource", 60), ("glob", 30), ("fingerprint", 30), ("element", 24))
_DATES: Columns = (("created", 12), ("expires", 12), ("days left", 10), ("declared at", 24))
_WAIVERS: Columns = (
    ("waiver", 16), ("state", 14), ("why", 40), ("findings covered", 10), *_COVERS, ("kind", 20), ("reason", 60), ("owner", 24),
    ("approver", 24), ("ticket", 16), *_DATES, ("from exemption", 40),
)  # fmt: skip
_ATTESTATIONS: Columns = (
    ("attestation", 16), ("state", 14), ("why", 40), ("evaluations covered", 10), *_COVERS, ("result", 10), ("reason", 60),
    ("owner", 24), ("approver", 24), ("evidence", 40), *_DATES,
)  # fmt: skip
_COMPLETENESS: Columns = (
    ("about", 14), ("what", 44), ("state", 14), ("read", 10), ("where", 50), ("reason", 60), ("http status", 10),
    ("missing permission", 44), ("fix", 60), ("left out on purpose", 12), ("source", 12), ("collected at", 22),
)  # fmt: skip


def tables(scan: Scan) -> Iterator[Table]:
    """Every table but the summary."""
    context = Context.of(scan)
    yield "Findings", FINDINGS, _findings(scan.findings, context)
    yield "Rules", _RULES, _rules(scan)
    yield "Controls", _CONTROLS, _controls(scan)
    yield "Registries", _RESOURCES, _resources(scan, context, registries=True)
    if any(line.type.lower() != REGISTRIES for line in scan.resources):
        yield "Other resources", _RESOURCES, _resources(scan, context, registries=False)
    yield "Waivers", _WAIVERS, map(_waiver, scan.waivers)
    if scan.attestations:
        yield "Attestations", _ATTESTATIONS, map(_attestation, scan.attestations)
    yield "Completeness", _COMPLETENESS, _completeness(scan)
    if scan.drift is not None:
        yield "Earlier findings", FINDINGS, _findings(scan.earlier, context)


def _findings(rows: Iterable[Finding], context: Context) -> Iterator[list[Value]]:
    return (values(row, context) for row in rows)


def _verdicts(scan: Scan, card: RuleCard) -> list[Value]:
    counts = scan.tallies.of_rule(card.id)
    return [counts[verdict] for verdict in Verdict]


def _waived(scan: Scan, card: RuleCard) -> int:
    return sum(scan.tallies.waived_evaluations.get(card.id, {}).values())


def _rules(scan: Scan) -> Iterator[list[Value]]:
    why = {card.id: reason for card, reason in not_evaluated(scan.header)}
    for card in scan.header.rules:
        yield [
            card.id,
            card.name,
            card.title,
            card.severity,
            card.target,
            card.status,
            why.get(card.id, ""),
            sum(scan.tallies.of_rule(card.id).values()),
            *_verdicts(scan, card),
            _waived(scan, card),
            sum(scan.tallies.attested.get(card.id, {}).values()),
            "yes" if card.waivable else "no",
            ", ".join(card.replaces),
            controls_text(card.controls),
            card.rationale,
            joined(map(visible, card.az)),
            card.manual_remediation,
            card.manual,
            joined(map(visible, card.references), " "),
            card.reviewed,
            card.digest,
            card.values_digest,
            f"{card.file}:{card.line}",
        ]


def _controls(scan: Scan) -> Iterator[list[Value]]:
    """Every pair of control and rule; then the controls of the catalogues that no rule names, with the reason."""
    named: dict[tuple[str, str], list[tuple[str, RuleCard]]] = {}
    for card in scan.header.rules:
        for control in card.controls:
            named.setdefault((control.framework, control.id), []).append((control.basis, card))
    catalogue = {
        (framework.id, control.id): (framework, control)
        for framework in scan.header.frameworks
        for control in framework.controls
    }
    for key in [*catalogue, *sorted(named.keys() - catalogue.keys())]:
        framework, known = catalogue.get(key, (None, None))
        lead: list[Value] = [
            key[0],
            framework.title if framework else "",
            framework.version if framework else "",
            key[1],
            known.title if known else "",
        ]
        for basis, card in named.get(key, ()):
            rule: list[Value] = [basis, card.id, card.title, card.severity]
            yield [*lead, *rule, *_verdicts(scan, card), _waived(scan, card), ""]
        if key not in named and known is not None:
            why = f"the scanner itself: {known.scanner}" if known.scanner else known.untouched
            yield [*lead, *[""] * (5 + len(Verdict)), why or "no rule says anything about it"]


def _resources(scan: Scan, context: Context, *, registries: bool) -> Iterator[list[Value]]:
    for line in scan.resources:
        if (line.type.lower() == REGISTRIES) is registries:
            yield _resource(line, scan.header.order.get(line.type, ()), context)


def _resource(line: ResourceLine, order: tuple[str, ...], context: Context) -> list[Value]:
    by_letter: dict[str, list[str]] = {letter: [] for letter in LETTERS}
    for rule, letter in zip(order, line.letters, strict=True):
        by_letter[letter].append(rule)
    return [
        line.name,
        line.type,
        context.subscription(line.subscription),
        line.subscription,
        line.resource_group,
        line.location,
        line.sku,
        len(line.letters),
        *(len(by_letter[verdict.letter]) for verdict in Verdict),
        ", ".join(by_letter["F"]),
        ", ".join([*by_letter["U"], *by_letter["E"]]),
        line.id,
    ]


def _covers(covers: Coverage) -> list[Value]:
    return [covers.rule, covers.resource, covers.glob, covers.fingerprint, covers.element]


def _waiver(line: WaiverLine) -> list[Value]:
    entry = line.waiver
    lead: list[Value] = [entry.id, line.state, line.why, line.findings]
    people: list[Value] = [entry.kind, entry.reason, entry.owner, entry.approver, entry.ticket]
    dates: list[Value] = [entry.created, entry.expires, line.days_left, entry.place]
    return [*lead, *_covers(entry.covers), *people, *dates, entry.source]


def _attestation(line: AttestationLine) -> list[Value]:
    entry = line.attestation
    lead: list[Value] = [entry.id, line.state, line.why, line.evaluations]
    people: list[Value] = [entry.result, entry.reason, entry.owner, entry.approver, entry.evidence]
    dates: list[Value] = [entry.created, entry.expires, line.days_left, entry.place]
    return [*lead, *_covers(entry.covers), *people, *dates]


def _completeness(scan: Scan) -> Iterator[list[Value]]:
    """Collections with what is missing of each (those first), subscriptions, rules that were not asked, notes of the reader."""
    for run in sorted(scan.header.runs, key=lambda run: run.state == "complete"):
        lead: list[Value] = ["collection", run.collection, run.state, run.count]
        tail: list[Value] = [run.source, run.collected_at or ""]
        if not run.problems:
            yield [*lead, "", "", "", "", "", "", *tail]
        for problem in run.problems:
            chosen = "yes" if problem.chosen else "no"
            status: Value = "" if problem.status is None else problem.status
            yield [
                *lead, problem.scope or "everywhere", problem.reason, status, problem.action, problem.fix, chosen, *tail,
            ]  # fmt: skip
    for place in scan.header.scope:
        state = (
            "not looked at"
            if place.reason and not place.registries
            else "partly"
            if place.reason
            else "looked at"
        )
        shown = f"{place.name} ({place.subscription})" if place.name else place.subscription
        yield ["subscription", shown, state, place.registries, "", place.reason, "", "", "", "", "", ""]
    for card, reason in not_evaluated(scan.header):
        yield ["rule", f"{card.id} {card.title}", "not evaluated", "", "", reason, "", "", "", "", "", ""]
    for note in scan.header.diagnostics:
        yield ["note", note, *[""] * 10]
