"""JUnit XML for test tabs of CI systems: a suite for each resource, a test case for every rule asked of it.

Passes are passes; failures are failures, unless waivers cover all of them; what could not be decided is an error and says
so; waived, not applicable and manual ones are skipped with the reason. The first suite has no cases: its properties say
what was scanned and what was not evaluated at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO
from xml.sax.saxutils import escape, quoteattr

from scanner.formats._settings import DEFAULT, Settings
from scanner.formats._text import visible
from scanner.formats.junit.cases import Case, Group, groups
from scanner.model import ids
from scanner.model.finding import Verdict
from scanner.model.summary import incomplete, not_evaluated, summarise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.model.scan import RuleCard, Scan

EXTENSION = ".junit.xml"
_OUTCOMES = ("failure", "error", "skipped")


def render(scan: Scan, out: BinaryIO, settings: Settings = DEFAULT) -> None:  # noqa: ARG001 - this format has none
    """Write the suites; one pass counts, since the numbers stand first, and a second one writes."""
    totals = dict.fromkeys(("tests", *_OUTCOMES), 0)
    for group in groups(scan):
        totals["tests"] += len(group.cases)
        for outcome in _OUTCOMES:
            totals[outcome] += group.count(outcome)
    pen = _Pen(out, scan)
    pen.line('<?xml version="1.0" encoding="UTF-8"?>')
    pen.line(f'<testsuites name="acrscan" {_counts(totals)}>')
    pen.scan(scan, totals["tests"])
    for group in groups(scan):
        pen.group(group, scan)
    pen.line("</testsuites>")


def _counts(totals: Mapping[str, int]) -> str:
    return (
        f'tests="{totals["tests"]}" failures="{totals["failure"]}" '
        f'errors="{totals["error"]}" skipped="{totals["skipped"]}"'
    )


def _attribute(text: str) -> str:
    return quoteattr(visible(text))


class _Pen:
    """Writes elements; every text from outside goes through `visible`, which leaves only characters that XML allows."""

    def __init__(self, out: BinaryIO, scan: Scan) -> None:
        self._out = out
        self._cards = {card.id: card for card in scan.header.rules}
        self._waivers = {line.waiver.id: line for line in scan.waivers}
        self._attestations = {line.attestation.id: line for line in scan.attestations}

    def line(self, text: str) -> None:
        """One line of markup."""
        self._out.write(text.encode("utf-8") + b"\n")

    def scan(self, scan: Scan, cases: int) -> None:
        """The suite without cases: facts of the scan, and everything that has no case."""
        head = scan.header
        counts = summarise(scan)
        facts = [
            ("acrscan", head.tool_version),
            ("scanned", head.inventory),
            ("as of", head.now),
            ("rules", f"{head.pack_id} {head.pack_version}"),
            ("profile", head.profile or "none"),
            ("inventory sha256", head.inventory_digest),
            ("evaluations", str(counts.evaluations)),
            *((f"evaluations {verdict.value}", str(counts.verdicts[verdict])) for verdict in Verdict),
            ("score", f"{counts.passed} of {counts.decided} decided evaluations pass"),
        ]
        if counts.evaluations != cases:
            facts.append(("evaluations without a test case", str(counts.evaluations - cases)))
        facts += [(f"not evaluated: {card.id}", reason) for card, reason in not_evaluated(head)]
        for run in incomplete(head):
            reasons = "; ".join(problem.reason for problem in run.problems[:5])
            more = f"; and {len(run.problems) - 5} more" if len(run.problems) > 5 else ""
            facts.append((f"{run.state}: {run.collection}", f"{reasons}{more}" or run.state))
        if scan.drift is not None and scan.drift.carried:
            words = f"{scan.drift.carried} findings of the earlier scan could not be looked at this time"
            facts.append(("still open", words))
        self.line(
            f'<testsuite name="acrscan" tests="0" failures="0" errors="0" skipped="0" timestamp={_attribute(head.now)}>'
        )
        self._properties(facts)
        self.line("</testsuite>")

    def group(self, group: Group, scan: Scan) -> None:
        """A resource, or a place at which resources could not be read."""
        totals = {"tests": len(group.cases), **{outcome: group.count(outcome) for outcome in _OUTCOMES}}
        leaf = group.type.rpartition("/")[2]
        name = (
            f"{group.name or group.id} ({leaf})"
            if group.line
            else f"{leaf} of {group.name or group.id}: not read"
        )
        stamp = _attribute(scan.header.now)
        self.line(f"<testsuite name={_attribute(name)} {_counts(totals)} timestamp={stamp}>")
        self._properties(
            [
                ("resource", group.id),
                ("type", group.type),
                ("subscription", scan.header.subscriptions.get(group.subscription) or group.subscription),
                ("resource group", group.resource_group),
                ("location", group.location),
                ("sku", group.line.sku if group.line else ""),
            ]
        )
        where = _attribute(_class_name(group))
        for case in group.cases:
            self._case(case, where)
        self.line("</testsuite>")

    def _properties(self, facts: list[tuple[str, str]]) -> None:
        self.line("<properties>")
        for name, value in facts:
            if value:
                self.line(f"<property name={_attribute(name)} value={_attribute(value)}/>")
        self.line("</properties>")

    def _case(self, case: Case, where: str) -> None:
        card = self._cards.get(case.rule)
        title = f"{case.rule} {card.title}" if card else case.rule
        head = f"<testcase name={_attribute(title)} classname={where}"
        outcome = case.outcome
        if not outcome:
            self.line(f"{head}/>")
            return
        message = _attribute(self._message(case, card))
        kind = f" type={_attribute(_kind(case, card))}" if outcome != "skipped" else ""
        self.line(
            f"{head}><{outcome} message={message}{kind}>{escape(self._body(case, card))}</{outcome}></testcase>"
        )

    def _message(self, case: Case, card: RuleCard | None) -> str:
        first = case.lead
        count = len(case.lines) + case.more
        rest = f" (and {count - 1:,} more)" if count > 1 else ""
        if case.outcome == "failure":
            return f"{first or 'fails; this scan holds no details'}{rest}"
        if case.verdict is Verdict.FAIL:
            return f"waived by {', '.join(self._waiver(one) for one in case.waived[:5])}: {first}{rest}"
        if case.verdict is Verdict.UNKNOWN:
            return f"not decided, data is missing: {first or 'this scan holds no details'}"
        if case.verdict is Verdict.ERROR:
            return f"not decided, the evaluation failed: {first or 'this scan holds no details'}"
        if case.verdict is Verdict.MANUAL:
            return f"{self._attested(case)}: {first or (card.manual if card else '')}"
        why = first or (card.not_evaluated if card else "") or "its conditions are not met here"
        return f"the rule does not apply: {why}"

    def _waiver(self, name: str) -> str:
        line = self._waivers.get(name)
        return f"{name} ({line.waiver.owner}, until {line.waiver.expires})" if line else name

    def _attested(self, case: Case) -> str:
        if not case.attestation:
            return "to be attested by a person"
        line = self._attestations.get(case.attestation)
        if line is None:
            return f"attested: {case.attestation}"
        entry = line.attestation
        return f"attested as {entry.result}: {entry.id} ({entry.owner}, until {entry.expires})"

    def _body(self, case: Case, card: RuleCard | None) -> str:
        lines = [
            f"{line}\n  {seen}" if seen else line for line, seen in zip(case.lines, case.seen, strict=True)
        ]
        if case.more:
            lines.append(f"... and {case.more:,} more in the JSON report")
        if case.verdict is Verdict.FAIL and card and (card.az or card.manual_remediation):
            lines.append(f"To mend: {visible(card.az[0] if card.az else card.manual_remediation)}")
        for one in case.waived if case.verdict is Verdict.FAIL else ():
            entry = self._waivers.get(one)
            if entry:
                lines.append(
                    f"Waiver {visible(one)}: {visible(entry.waiver.kind)}, {visible(entry.waiver.reason)}"
                )
        return "\n".join(lines)


def _kind(case: Case, card: RuleCard | None) -> str:
    return card.severity if case.verdict is Verdict.FAIL and card else case.verdict.value


def _class_name(group: Group) -> str:
    """Subscription, group and name path, which test tabs show as a tree; the id itself for anything else."""
    registry = ids.registry_of(group.id)
    if group.line and registry and group.subscription and group.resource_group:
        below = group.id[len(registry) :]
        parts = [group.subscription, group.resource_group, ids.name_of(registry) + below]
    else:
        parts = [part for part in group.id.split("/") if part] or ["tenant"]
    return ".".join(part.replace(".", "_") for part in parts)
