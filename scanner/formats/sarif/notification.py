"""What the scan has to say about itself, as SARIF notifications.

Collections not read, rules not decided, notes of the input; and of this file: what was left out of it, what was carried
on from the baseline, waivers that do not count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scanner.formats._text import visible
from scanner.formats.sarif.result import harmless
from scanner.formats.sarif.suppression import standing
from scanner.formats.sarif.texts import plain
from scanner.model.finding import Verdict
from scanner.model.summary import incomplete, not_evaluated, summarise
from scanner.model.waiver import IN_FORCE, WaiverLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.formats.sarif.place import Places
    from scanner.formats.sarif.selection import Counts
    from scanner.model.resource import Problem, SourceRun
    from scanner.model.scan import Scan
    from scanner.model.waiver import AttestationLine

_HELP = "https://learn.microsoft.com/azure/container-registry/container-registry-roles"
_KINDS = (
    ("ACRN001", "CollectionNotComplete", "error",
     "A collection was not read, or only in part; rules that need it are undecided.",
     "Grant the missing action with the fix command of the notification, then scan again.",
     "Collection '{0}' is '{1}': '{2}'."),
    ("ACRN002", "RuleUndecided", "warning",
     "A rule has no verdict for some resources because data is missing.",
     "Complete the collection; the results of kind open name the missing data.",
     "Rule '{0}' is undecided for '{1}' resources."),
    ("ACRN003", "RuleFailedToEvaluate", "error",
     "A rule could not be evaluated on some resources.",
     "Compare the observed value with what the rule expects; the results of kind open hold both.",
     "Rule '{0}' could not be evaluated on '{1}' resources."),
    ("ACRN004", "RuleNotAsked", "note",
     "A rule was switched off, or its source was not asked for.",
     "Switch the rule on in the profile, or ask for its source.",
     "Rule '{0}' was not evaluated: '{1}'."),
    ("ACRN005", "InputNote", "note",
     "Something about the input is worth knowing.",
     "Check that the input is what you meant to scan.",
     "Note: '{0}'."),
    ("ACRN006", "WaiverDoesNotCount", "warning",
     "A waiver or an attestation is not in force; what it covered is open.",
     "Renew it, mend what it covers, or take it out of the file.",
     "'{0}' for rule '{1}' does not count: '{2}'. It would cover '{3}'."),
    ("ACRN007", "LimitOfResults", "warning",
     "There are more results than the reader takes; the mildest are left out of this file.",
     "See the HTML, CSV or JSON report for all of them, or write one file for each subscription.",
     "'{0}' results are left out, the limit is '{1}': '{2}'."),
    ("ACRN008", "RowsLeftOut", "note",
     "Rows that the reader would take for open alerts are not in this file.",
     "See the HTML, CSV or JSON report for all rows.",
     "'{0}' rows are left out because this reader would show them as open alerts: '{1}'."),
    ("ACRN009", "CarriedForward", "warning",
     "Open findings of the baseline could not be looked at this time and stay open.",
     "Complete the collection, then scan again.",
     "'{0}' findings of '{1}' could not be looked at this time and are carried on as open."),
)  # fmt: skip

DESCRIPTORS: list[dict[str, Any]] = [
    {
        "id": number,
        "name": name,
        "shortDescription": {"text": short},
        "fullDescription": {"text": short},
        "helpUri": _HELP,
        "help": {"text": advice, "markdown": advice},
        "messageStrings": {"default": {"text": template}},
        "defaultConfiguration": {"level": level},
    }
    for number, name, level, short, advice, template in _KINDS
]


def invocation(scan: Scan, counts: Counts, limit: int, places: Places) -> dict[str, Any]:
    """The one invocation of a run: what was noticed while collecting, evaluating and writing, and how much was covered."""
    found: dict[str, Any] = {"executionSuccessful": True}
    if scan.header.started:
        found["startTimeUtc"] = scan.header.started
    return found | {
        "endTimeUtc": scan.header.now,
        "toolExecutionNotifications": [*_collections(scan), *_undecided(scan), *_notes(scan)],
        "toolConfigurationNotifications": [
            *_not_asked(scan),
            *_lapsed(scan, places),
            *_left_out(scan, counts, limit),
        ],
        "properties": {"acrscan/coverage": coverage(scan)},
    }


def coverage(scan: Scan) -> dict[str, Any]:
    """How much of what was planned was done."""
    head, counts = scan.header, summarise(scan)
    asked = [run for run in head.runs if run.state != "not-asked"]
    undecided = counts.verdicts[Verdict.UNKNOWN] + counts.verdicts[Verdict.ERROR]
    return {
        "resourcesDiscovered": sum(scan.tallies.resources.values()),
        "collectionsAsked": len(asked),
        "collectionsComplete": sum(run.state == "complete" for run in asked),
        "collectionsNotAsked": sorted(
            visible(run.collection) for run in head.runs if run.state == "not-asked"
        ),
        "ruleEvaluationsPlanned": counts.evaluations,
        "ruleEvaluationsDone": counts.evaluations - undecided,
    }


def _notification(kind: int, arguments: list[str]) -> dict[str, Any]:
    descriptor = DESCRIPTORS[kind]
    shown = [plain(text).rstrip(".") for text in arguments]
    text = descriptor["messageStrings"]["default"]["text"]
    pieces = text.replace("{", "\x00{").split("\x00")
    spelled = "".join(
        shown[int(piece[1])] + piece[3:] if piece.startswith("{") else piece for piece in pieces
    )
    return {
        "descriptor": {"id": descriptor["id"], "index": kind},
        "level": descriptor["defaultConfiguration"]["level"],
        "message": {"id": "default", "arguments": shown, "text": spelled},
    }


def _collections(scan: Scan) -> Iterator[dict[str, Any]]:
    for run in incomplete(scan.header):
        if run.state == "not-asked":
            continue
        if not run.problems:
            yield _collection(run, None)
        for problem in run.problems:
            yield _collection(run, problem)


def _collection(run: SourceRun, problem: Problem | None) -> dict[str, Any]:
    reason = problem.reason if problem else "no reason was recorded"
    found = _notification(0, [run.collection, run.state, reason])
    if run.collected_at:
        found["timeUtc"] = run.collected_at
    said: dict[str, Any] = {"collection": run.collection, "state": run.state, "read": run.count}
    if problem:
        said |= {
            "httpStatus": problem.status,
            "action": problem.action,
            "fix": problem.fix,
            "scope": problem.scope,
        }
        if problem.scope:
            found["locations"] = [{"logicalLocations": [{"fullyQualifiedName": visible(problem.scope)}]}]
    found["properties"] = {
        f"acrscan/{key}": harmless(value) for key, value in said.items() if value not in {None, ""}
    }
    return found


def _undecided(scan: Scan) -> Iterator[dict[str, Any]]:
    for kind, verdict in ((1, Verdict.UNKNOWN), (2, Verdict.ERROR)):
        for at, card in enumerate(scan.header.rules):
            number = scan.tallies.of_rule(card.id)[verdict]
            if number:
                found = _notification(kind, [card.id, str(number)])
                yield {**found, "associatedRule": {"id": card.id, "index": at}}


def _notes(scan: Scan) -> Iterator[dict[str, Any]]:
    for note in (*scan.header.diagnostics, *(scan.drift.notes if scan.drift else ())):
        yield _notification(4, [note])


def _not_asked(scan: Scan) -> Iterator[dict[str, Any]]:
    places = {card.id: at for at, card in enumerate(scan.header.rules)}
    for card, reason in not_evaluated(scan.header):
        found = _notification(3, [card.id, reason])
        yield {**found, "associatedRule": {"id": card.id, "index": places[card.id]}}


def _lapsed(scan: Scan, places: Places) -> Iterator[dict[str, Any]]:
    """Entries of the waiver file that do not count."""
    lines: tuple[WaiverLine | AttestationLine, ...] = (*scan.waivers, *scan.attestations)
    for line in lines:
        if line.state in IN_FORCE:
            continue
        if isinstance(line, WaiverLine):
            entry, covered = line.waiver, _counted(line.findings, "finding")
            name, rule, place = f"waiver {entry.id}", entry.covers.rule, entry.place
        else:
            word = line.attestation
            covered = _counted(line.evaluations, "evaluation")
            name, rule, place = f"attestation {word.id}", word.covers.rule, word.place
        found = _notification(5, [name, rule, standing(line), covered])
        if place:
            found["locations"] = [{"physicalLocation": places.spot(place)}]
        yield found


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _left_out(scan: Scan, counts: Counts, limit: int) -> Iterator[dict[str, Any]]:
    """What this file does not hold, and what it holds although it was not looked at."""
    if counts.cut:
        words = ", ".join(f"{number:,} {severity}" for severity, number in counts.cut.items())
        yield _notification(6, [f"{sum(counts.cut.values()):,}", f"{limit:,}", words])
    if counts.left:
        words = ", ".join(f"{number:,} {reason}" for reason, number in sorted(counts.left.items()))
        yield _notification(7, [f"{sum(counts.left.values()):,}", words])
    if counts.carried and scan.drift is not None:
        yield _notification(8, [f"{counts.carried:,}", scan.drift.words])
