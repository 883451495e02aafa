"""An impact as JSON for programs: every figure and every problem, strings as they were read."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, TextIO

from scanner.text import encodable
from scanner.workbench.impact.figures import Impact, Named, RuleImpact, Score, SideWords
from scanner.workbench.problem import Problem

FORMAT = "acrscan-impact/v1"


def write(found: Impact, out: TextIO) -> None:
    """Write one object; keys are always there."""
    out.write(encodable(json.dumps(record(found), indent=1, ensure_ascii=False)) + "\n")


def record(found: Impact) -> dict[str, Any]:
    """The object."""
    where = found.estate
    return {
        "format": FORMAT,
        "pack": found.pack,
        "base": _side(found.base) | {"absent": found.absent},
        "head": _side(found.head),
        "estate": {
            "words": where.words,
            "digest": where.digest,
            "now": where.now,
            "resources": dict(sorted(where.resources.items())),
            "synthetic": where.synthetic,
            "missingSnapshot": where.missing,
        },
        "score": {"before": _score(found.before), "after": _score(found.after)},
        "newBySeverity": dict(found.new_by_severity),
        "undecided": {"before": found.undecided[0], "after": found.undecided[1]},
        "loosenings": [problem_record(one) for one in found.loose],
        "errors": [problem_record(one) for one in found.errors],
        "rules": [_rule(one) for one in found.rules],
        "waivers": [
            {
                "id": one.id,
                "rule": one.rule,
                "before": one.before,
                "after": one.after,
                "coveredBefore": one.covered_before,
                "coveredAfter": one.covered_after,
                "entered": one.entered,
                "left": one.left,
                "place": one.place,
            }
            for one in found.waivers
        ],
        "failNothing": list(found.never),
        "notAsked": dict(found.not_asked),
        "notCompared": list(found.not_compared),
        "command": list(found.command),
    }


def problem_record(one: Problem) -> dict[str, Any]:
    """A problem as a record."""
    return {
        "code": one.code,
        "level": one.level,
        "rule": one.rule,
        "what": one.what,
        "advice": one.advice,
        "file": one.mark.file,
        "line": one.mark.line,
        "column": one.mark.column,
        "detail": one.detail,
    }


def _side(one: SideWords) -> dict[str, Any]:
    return asdict(one)


def _score(one: Score) -> dict[str, Any]:
    share = one.passed / one.decided if one.decided else None
    return {"pass": one.passed, "decided": one.decided, "share": share}


def _rule(one: RuleImpact) -> dict[str, Any]:
    return {
        "id": one.id,
        "was": list(one.was),
        "kind": one.kind,
        "title": one.title,
        "severity": one.severity,
        "enabled": one.enabled,
        "file": one.mark.file,
        "line": one.mark.line,
        "column": one.mark.column,
        "new": one.new,
        "newWaived": one.waived,
        "resolved": one.resolved,
        "changed": one.changed,
        "same": one.same,
        "topNew": _named(one.top_new),
        "topResolved": _named(one.top_resolved),
        "topChanged": _named(one.top_changed),
        "verdicts": [
            {
                "before": moved.before,
                "after": moved.after,
                "number": moved.number,
                "regression": moved.regression,
                "top": _named(moved.top),
            }
            for moved in one.moved
        ],
        "tried": [
            {
                "was": tried.was,
                "moves": [asdict(move) for move in tried.moves],
                "complete": tried.complete,
                "note": tried.note,
                "file": tried.mark.file,
                "line": tried.mark.line,
                "column": tried.mark.column,
            }
            for tried in one.tried
        ],
    }


def _named(top: tuple[Named, ...]) -> list[dict[str, str]]:
    return [{"id": one.id, "name": one.name, "message": one.words} for one in top]
