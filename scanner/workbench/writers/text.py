"""For people at a terminal or in a build log: each problem with its place, the line with a caret, and what to do next."""

from __future__ import annotations

import os
from typing import TextIO

from scanner.shown import inert, one_line, visible
from scanner.workbench.problem import Problem, Report
from scanner.workbench.writers import closing, path_of

_STYLES = {"error": "1;31", "warning": "33", "info": "36", "place": "1", "caret": "1;32", "dim": "2"}
_MOST_LINES = 200
"""Of a detail (a diff, a test) so many lines are shown."""


def write(report: Report, out: TextIO) -> None:
    """Write all problems in the order of files and places, and a closing line with the counts."""
    pen = _Pen(out, color=out.isatty() and not os.environ.get("NO_COLOR"))
    for problem in report.told():
        pen.problem(problem)
    out.write(f"{inert(visible(closing(report)))}\n")


class _Pen:
    """Writes lines; nothing from outside starts one, so that no build service takes it for a command."""

    def __init__(self, out: TextIO, *, color: bool) -> None:
        self.out = out
        self.color = color

    def style(self, text: str, name: str) -> str:
        return f"\x1b[{_STYLES[name]}m{text}\x1b[0m" if self.color else text

    def problem(self, problem: Problem) -> None:
        mark = problem.mark
        place = visible(path_of(mark.file)).lstrip(": ")
        if mark.line:
            place += f":{mark.line}" + (f":{mark.column}" if mark.column else "")
        what = inert(visible(problem.what))
        named = problem.rule and problem.rule not in problem.what
        about = f"{inert(visible(problem.rule))}: " if named else ""
        head = self.style(f"{problem.level} {visible(problem.code)}", problem.level)
        lead = f"{self.style(inert(place), 'place')}: " if place else ""
        self.out.write(f"{lead}{head} {about}{what}\n")
        self.excerpt(problem)
        if problem.advice:
            self.out.write(f"  = {inert(visible(problem.advice))}\n")
        lines = problem.detail.splitlines()
        for line in lines[:_MOST_LINES]:
            self.out.write(self.style(f"  | {inert(one_line(line))}".rstrip(), "dim") + "\n")
        if len(lines) > _MOST_LINES:
            self.out.write(f"  | ... {len(lines) - _MOST_LINES} more lines\n")

    def excerpt(self, problem: Problem) -> None:
        """The line of the file and the caret below it, drawn out to the end of the region where that is known."""
        if not problem.excerpt:
            return
        *lines, last = [inert(one_line(line)) for line in problem.excerpt.splitlines()]
        for line in lines:
            self.out.write(f"{_led(line)}\n")
        at = last.rfind("^")
        if at >= 0 and not last[:at].strip(" |"):
            room = max((len(line) for line in lines), default=0) - at
            width = min(problem.end_column - problem.mark.column, room)
            last = f"{last[:at]}{self.style('^' + '~' * max(width - 1, 0), 'caret')}"
        self.out.write(f"{_led(last)}\n")


def _led(line: str) -> str:
    """A line of an excerpt, which begins with a bar whoever made it."""
    return line if line.startswith("  | ") else f"  | {line}"
