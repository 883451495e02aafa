"""Annotations of GitHub Actions: workflow commands, the worst first, and no more of them than the service keeps.

A step keeps 10 errors, 10 warnings and 10 notices, a job 50 annotations in all; what is beyond is dropped without a word.
So the first of each level are told, and one last notice says how many more there are and in which files.
https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands (commands and their properties),
https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts (escaping of data and properties).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TextIO

from scanner.shown import inert, visible
from scanner.workbench.problem import LEVELS, Problem, Report
from scanner.workbench.writers import closing, counted, path_of

COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}
PER_LEVEL = 10
_MOST_FILES = 5
_LONGEST = 4_000
"""A message of an annotation holds 64 KB; nobody reads more than this."""


def write(report: Report, out: TextIO) -> None:
    """Write one command a line, and what was found in a last line that is none."""
    told = report.told()
    shown: list[Problem] = []
    left: list[Problem] = []
    for level in LEVELS:
        found = [one for one in told if one.level == level]
        room = PER_LEVEL
        if level == LEVELS[-1] and (left or len(found) > PER_LEVEL):
            room -= 1  # the closing notice takes one
        shown += found[:room]
        left += found[room:]
    out.writelines(_command(one) + "\n" for one in shown)
    if left:
        out.write(_rest(report.tool, left) + "\n")
    out.write(f"{inert(visible(closing(report)))}\n")


def _command(problem: Problem) -> str:
    mark = problem.mark
    properties: list[tuple[str, str]] = []
    if mark.file:
        properties.append(("file", visible(path_of(mark.file))))
    if mark.file and mark.line:
        properties.append(("line", str(mark.line)))
        if mark.column:
            properties.append(("col", str(mark.column)))
            if problem.end_column > mark.column:
                properties.append(("endColumn", str(problem.end_column)))
    properties.append(
        ("title", f"{visible(problem.code)} {visible(problem.rule)}".strip() + f" ({problem.level})")
    )
    named = f"{problem.rule}: " if problem.rule and problem.rule not in problem.what else ""
    lines = [visible(named + problem.what), *([visible(problem.advice)] if problem.advice else [])]
    lines += [visible(line) for line in problem.detail.splitlines()]
    message = "\n".join(lines)
    if len(message) > _LONGEST:
        message = f"{message[:_LONGEST]}\n..."
    return _spelled(COMMANDS[problem.level], properties, message)


def _rest(tool: str, left: list[Problem]) -> str:
    levels = Counter(one.level for one in left)
    numbers = ", ".join(
        counted(levels[level], "note" if level == "info" else level) for level in LEVELS if levels[level]
    )
    files = Counter(visible(path_of(one.mark.file)) or "no file" for one in left).most_common()
    places = ", ".join(f"{file} ({number})" for file, number in files[:_MOST_FILES])
    more = f" and {counted(len(files) - _MOST_FILES, 'more file')}" if len(files) > _MOST_FILES else ""
    words = (
        f"{numbers} more than GitHub shows as annotations: {places}{more}. "
        f"`acrscan policy {visible(tool)} -f text` prints all of them."
    )
    return _spelled("notice", [("title", f"acrscan {visible(tool)}")], words)


def _spelled(command: str, properties: Iterable[tuple[str, str]], message: str) -> str:
    spelled = ",".join(f"{name}={_property(value)}" for name, value in properties)
    return f"::{command} {spelled}::{inert(_data(message))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
