"""JUnit XML for test tabs of CI systems: a suite for each thing that was checked, and the problems of each file as cases.

Errors and warnings fail; a note is skipped with its text. A file with cases and problems is one suite.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TextIO
from xml.sax.saxutils import escape, quoteattr

from scanner.shown import inert_xml, one_line, visible
from scanner.workbench.problem import Checked, Problem, Report
from scanner.workbench.writers import path_of

_LONGEST = 50_000


@dataclass(frozen=True, slots=True)
class _Case:
    suite: str
    name: str
    file: str
    line: int
    outcome: str
    """failure, skipped or ""."""
    kind: str
    words: str
    detail: str


def write(report: Report, out: TextIO) -> None:
    """Write the suites in the order of cases, then of the files with problems."""
    suites: dict[str, list[_Case]] = {}
    for case in _cases(report):
        suites.setdefault(case.suite, []).append(case)
    everything = [case for cases in suites.values() for case in cases]
    name = quoteattr(f"acrscan {visible(report.tool)}")
    out.write(f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name={name} {_counts(everything)}>\n')
    for suite, cases in suites.items():
        out.write(f"<testsuite name={_attribute(suite)} {_counts(cases)}>\n")
        for case in cases:
            _write(case, out)
        out.write("</testsuite>\n")
    out.write("</testsuites>\n")


def _cases(report: Report) -> Iterator[_Case]:
    for one in report.cases:
        yield _checked(one)
    failed = {(one.mark, one.suite) for one in report.cases if one.problem}
    for problem in report.sorted().problems:
        if (problem.mark, problem.rule) not in failed:
            yield _problem(problem)


def _checked(one: Checked) -> _Case:
    outcome = "failure" if one.problem else ""
    return _Case(
        one.suite, one.name, path_of(one.mark.file), one.mark.line, outcome, "failed", one.problem, one.detail
    )


def _problem(one: Problem) -> _Case:
    file = path_of(one.mark.file)
    place = f" line {one.mark.line}:{one.mark.column}" if one.mark.line else ""
    rule = f" {one.rule}" if one.rule else ""
    detail = "\n".join(part for part in (one.excerpt, one.advice, one.detail) if part)
    outcome = "skipped" if one.level == "info" else "failure"
    return _Case(
        file or "no file",
        f"{one.code}{rule}{place}",
        file,
        one.mark.line,
        outcome,
        one.level,
        one.what,
        detail,
    )


def _counts(cases: Iterable[_Case]) -> str:
    counted = {"": 0, "failure": 0, "skipped": 0}
    for case in cases:
        counted[case.outcome] += 1
    return (
        f'tests="{sum(counted.values())}" failures="{counted["failure"]}" errors="0" '
        f'skipped="{counted["skipped"]}"'
    )


def _write(case: _Case, out: TextIO) -> None:
    place = (
        f" file={_attribute(case.file)}" + (f' line="{case.line}"' if case.line else "") if case.file else ""
    )
    start = f"<testcase classname={_attribute(case.suite)} name={_attribute(case.name)}{place}"
    if not case.outcome:
        out.write(f"{start}/>\n")
        return
    where = f"{visible(case.file)}:{case.line}: " if case.file and case.line else ""
    kind = f" type={_attribute(case.kind)}" if case.outcome == "failure" else ""
    lines = [f"{where}{visible(case.words)}", *map(one_line, case.detail.splitlines())]
    body = "\n".join(lines)
    body = (
        body if len(body) <= _LONGEST else f"{body[:_LONGEST]}\n... ({len(body) - _LONGEST} more characters)"
    )
    out.write(f"{start}>\n")
    out.write(
        f"<{case.outcome} message={_attribute(case.words)}{kind}>{inert_xml(escape(body))}</{case.outcome}>\n"
    )
    out.write("</testcase>\n")


def _attribute(text: str) -> str:
    return inert_xml(quoteattr(visible(text)))
