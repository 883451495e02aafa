"""What the scan has to say about itself: collections not read, rules not decided, notes; as SARIF notifications."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scanner.formats._text import visible
from scanner.formats.sarif.place import at_place
from scanner.formats.sarif.result import harmless
from scanner.formats.sarif.texts import plain
from scanner.model.finding import Verdict
from scanner.model.summary import incomplete, not_evaluated, summarise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.model.resource import Problem, SourceRun
    from scanner.model.scan import Scan

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
    ("ACRN006", "ResultsLeftOut", "warning",
     "The log holds fewer results than there are, because its reader keeps no more.",
     "Look at the HTML, CSV or JSON report, which hold everything; the worst results are in the log.",
     "'{0}' results are not in this log."),
    ("ACRN007", "WaiverNeedsSomebody", "warning",
     "A waiver does not count, or covers nothing.",
     "Mend the finding or have a new waiver approved, then remove the old one.",
     "Waiver '{0}' for rule '{1}' is '{2}'."),
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


def invocation(scan: Scan, left_out: int = 0) -> dict[str, Any]:
    """The one invocation of a run: what was noticed while collecting and evaluating, and how much was covered.

    `left_out`: results that did not fit into the log.
    """
    return {
        **({"startTimeUtc": scan.header.started} if scan.header.started else {}),
        "executionSuccessful": True,
        "endTimeUtc": scan.header.now,
        "toolExecutionNotifications": [*_collections(scan), *_undecided(scan), *_notes(scan)],
        "toolConfigurationNotifications": [
            *([_notification(5, [f"{left_out:,}"])] if left_out else []),
            *_waivers(scan),
            *_not_asked(scan),
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


def _waivers(scan: Scan) -> Iterator[dict[str, Any]]:
    for line in scan.waivers:
        if line.state not in {"in-force", "expires-soon"}:
            said = line.state + (f", {line.why}" if line.why else "")
            found = _notification(6, [line.waiver.id, line.waiver.covers.rule, said])
            yield {**found, "locations": [{"physicalLocation": at_place(line.waiver.place)}]}


def _notes(scan: Scan) -> Iterator[dict[str, Any]]:
    for note in scan.header.diagnostics:
        yield _notification(4, [note])


def _not_asked(scan: Scan) -> Iterator[dict[str, Any]]:
    places = {card.id: at for at, card in enumerate(scan.header.rules)}
    for card, reason in not_evaluated(scan.header):
        found = _notification(3, [card.id, reason])
        yield {**found, "associatedRule": {"id": card.id, "index": places[card.id]}}
