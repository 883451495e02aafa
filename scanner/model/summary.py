"""What every report says in front of its rows: shares, rules not asked, collections not complete; from the header."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scanner.model import ids
from scanner.model.finding import Verdict
from scanner.model.rule import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.model.resource import Problem, SourceRun
    from scanner.model.scan import RuleCard, Scan, ScanHeader


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of a scan. `verdicts` adds up to `evaluations`; `failures` counts FAIL rows by severity."""

    verdicts: dict[Verdict, int]
    evaluations: int
    failures: dict[str, int]
    rows: int
    passed: int
    """The score's numerator; checks of waivers are left out of the score."""
    decided: int
    """Evaluations that ended in pass or fail: the score's denominator."""
    waived: dict[str, int]
    """Waived FAIL rows by severity, a part of `failures`."""
    accepted: int
    """Failing evaluations that are waived altogether."""
    attested: int
    """Manual evaluations that somebody vouches for."""

    @property
    def open_rows(self) -> int:
        """FAIL rows that nobody accepted."""
        return self.rows - sum(self.waived.values())


def summarise(scan: Scan) -> Summary:
    """The counts of the tallies; severities from worst to mildest, unknown ones after them."""
    verdicts = scan.tallies.total()
    known = {name: scan.tallies.findings.get(name, 0) for name in SEVERITIES}
    failures = {
        **known,
        **{name: scan.tallies.findings[name] for name in sorted(scan.tallies.findings.keys() - known)},
    }
    passed, failed = scan.tallies.scored()
    return Summary(
        verdicts,
        sum(verdicts.values()),
        failures,
        sum(failures.values()),
        passed,
        passed + failed,
        {name: scan.tallies.waived.get(name, 0) for name in failures},
        scan.tallies.accepted(),
        scan.tallies.attested_total(),
    )


def not_evaluated(header: ScanHeader) -> list[tuple[RuleCard, str]]:
    """The rules that were not asked at all, each with the reason."""
    found = []
    for card in header.rules:
        if not card.enabled:
            found.append(
                (card, f"switched off: {card.disabled_reason}" if card.disabled_reason else "switched off")
            )
        elif card.not_evaluated:
            found.append((card, card.not_evaluated))
    return found


def incomplete(header: ScanHeader) -> list[SourceRun]:
    """The collections of which something is missing, or that nobody asked for."""
    return [run for run in header.runs if run.state != "complete"]


@dataclass(frozen=True, slots=True)
class Lack:
    """What is missing for one cause: the same action that nobody granted, or the same words.

    `collections`: what was not read for it; `scopes`: where ("" = everywhere), each once; `fix`: one command, at the
    nearest scope that holds all of those of its subscription; `others`: further subscriptions that need the like.
    """

    action: str
    status: int | None
    reason: str
    collections: tuple[str, ...]
    scopes: tuple[str, ...]
    fix: str
    others: int

    @property
    def words(self) -> str:
        """What is missing, where, in a line."""
        leaves = [name.rpartition("/")[2] for name in self.collections]
        what = ", ".join(leaves[:4]) + (f" and {len(leaves) - 4} more collections" if len(leaves) > 4 else "")
        if len(self.scopes) == 1:
            return f"{what} of {self.scopes[0] or 'everything'}"
        return f"{what} of {len(self.scopes):,} scopes, such as {self.scopes[0]}"


def lacks(runs: Iterable[SourceRun]) -> list[Lack]:
    """Everything that was not read, grouped by missing permission, else by reason; what was chosen comes last."""
    groups: dict[tuple[bool, str, str], list[tuple[str, Problem]]] = {}
    for run in runs:
        for problem in run.problems:
            key = (problem.chosen, problem.action, "" if problem.action else problem.reason)
            groups.setdefault(key, []).append((run.collection, problem))
    return [_lack(rows) for _, rows in sorted(groups.items(), key=lambda item: (item[0][0], -len(item[1])))]


def _lack(rows: list[tuple[str, Problem]]) -> Lack:
    first = rows[0][1]
    scopes = tuple(dict.fromkeys(problem.scope for _, problem in rows))
    with_fix = [problem for _, problem in rows if problem.fix]
    fix, others = "", 0
    if with_fix:
        lead = with_fix[0]
        home = ids.subscription_of(lead.scope)
        near = [problem.scope for problem in with_fix if ids.subscription_of(problem.scope) == home]
        fix = lead.fix.replace(lead.scope, _common(near)) if lead.scope else lead.fix
        others = len({ids.subscription_of(problem.scope) for problem in with_fix} - {home})
    return Lack(
        first.action,
        first.status,
        first.reason,
        tuple(dict.fromkeys(collection for collection, _ in rows)),
        scopes,
        fix,
        others,
    )


def _common(scopes: list[str]) -> str:
    """The nearest scope that holds all of these, as the first one writes it."""
    first = scopes[0]
    shared = set(ids.ancestors(first))
    for scope in scopes[1:]:
        shared &= set(ids.ancestors(scope))
    nearest = max(shared, key=len, default="")
    return first[: len(nearest)] if nearest and ids.normalise(first).startswith(nearest) else first


def summary_record(scan: Scan) -> dict[str, Any]:
    """The summary as JSON values."""
    counts = summarise(scan)
    score = scan.tallies.score()
    return {
        "evaluations": counts.evaluations,
        "verdicts": {verdict.value: counts.verdicts[verdict] for verdict in Verdict},
        "failRows": {
            "total": counts.rows,
            "bySeverity": counts.failures,
            "waived": sum(counts.waived.values()),
            "waivedBySeverity": counts.waived,
        },
        "score": {
            "formula": "pass / (pass + fail)",
            "numerator": counts.passed,
            "denominator": counts.decided,
            "value": None if score is None else round(score, 6),
        },
        "scoreAfterWaivers": {
            "formula": "(pass + waived) / (pass + fail)",
            "numerator": counts.passed + counts.accepted,
            "denominator": counts.decided,
            "value": round((counts.passed + counts.accepted) / counts.decided, 6) if counts.decided else None,
        },
        "waivedEvaluations": counts.accepted,
        "attestedEvaluations": counts.attested,
        "resources": {kind: scan.tallies.resources[kind] for kind in sorted(scan.tallies.resources)},
        "rulesNotEvaluated": [
            {"rule": card.id, "reason": reason} for card, reason in not_evaluated(scan.header)
        ],
        "collectionsIncomplete": [run.collection for run in incomplete(scan.header)],
    }
