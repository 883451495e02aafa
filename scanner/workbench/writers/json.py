"""A report as JSON for programs: what was looked at, every problem with its place, every case. Strings are as they were read."""

from __future__ import annotations

import json
from typing import Any, TextIO

from scanner.shown import inert_json
from scanner.text import encodable
from scanner.workbench.problem import LEVELS, Checked, Problem, Report
from scanner.workbench.writers import path_of

FORMAT = "acrscan-workbench/v1"


def write(report: Report, out: TextIO) -> None:
    """Write one object; keys are always there, empty where there is nothing to say."""
    told = report.told()
    made = {
        "format": FORMAT,
        "tool": report.tool,
        "counts": report.counts,
        "found": {level: sum(one.level == level for one in told) for level in LEVELS},
        "problems": [_problem(one) for one in told],
        "cases": [_case(one) for one in report.cases],
    }
    out.write(inert_json(encodable(json.dumps(made, indent=1, ensure_ascii=False))) + "\n")


def _problem(one: Problem) -> dict[str, Any]:
    made: dict[str, Any] = {
        "code": one.code,
        "level": one.level,
        "rule": one.rule,
        "what": one.what,
        "advice": one.advice,
        "file": path_of(one.mark.file),
        "line": one.mark.line,
        "column": one.mark.column,
        "endColumn": one.end_column,
        "detail": one.detail,
    }
    if one.fix is not None:
        made["fix"] = {"start": one.fix.start, "end": one.fix.end, "text": one.fix.text}
    return made


def _case(one: Checked) -> dict[str, Any]:
    return {
        "suite": one.suite,
        "name": one.name,
        "file": path_of(one.mark.file),
        "line": one.mark.line,
        "column": one.mark.column,
        "held": not one.problem,
        "problem": one.problem,
        "detail": one.detail,
    }
