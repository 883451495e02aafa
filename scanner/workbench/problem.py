"""What a check of policy files found: one value for lint, tests, mutants and impact, which every writer takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from scanner.errors import Problems, ScannerError
from scanner.model.condition import NOWHERE, Mark

LEVELS = ("error", "warning", "info")
"""From worst to mildest."""
CASE_CODES = {"test": "TEST", "mutate": "TEST006"}
"""The code of a case that did not hold, by tool."""


@dataclass(frozen=True, slots=True)
class Fix:
    """A loss-free edit of one file: the text from `start` to `end` (offsets in characters) becomes `text`."""

    file: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding about policy files. `code`: the stable id of the check; `rule`: the rule it is about, or ""."""

    code: str
    level: str
    what: str
    mark: Mark = NOWHERE
    advice: str = ""
    rule: str = ""
    excerpt: str = ""
    """The line with a caret below, or ""."""
    end_column: int = 0
    """1-based column after the region's last character, on the mark's line; 0 where only the start is known."""
    detail: str = ""
    """More lines: a diff, the test that is missing, a proof."""
    fix: Fix | None = None
    units: tuple[int, int] = (0, 0)
    """`mark.column` and `end_column` counted in UTF-16 units, where they differ from those counted in characters."""

    @property
    def sort_key(self) -> tuple[str, int, int, str]:
        """File, line, column, check."""
        return self.mark.file, self.mark.line, self.mark.column, self.code


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that was checked and held or not: a test, a mutant. Writers that list cases (JUnit) show each.

    What is told by a case that did not hold needs no problem of its own beside it; writers that list problems tell both
    (`Report.told`).
    """

    suite: str
    """What it belongs to: the rule's id, a fixture's name."""
    name: str
    mark: Mark
    problem: str = ""
    """Why it failed, or ""."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What a command of the workbench found. `tool`: lint, test, mutate, impact, diff; `counts`: what was looked at."""

    tool: str
    problems: tuple[Problem, ...]
    counts: dict[str, int] = field(default_factory=dict)
    cases: tuple[Checked, ...] = ()

    def sorted(self) -> Report:
        """The same with problems in the order of files and places."""
        return replace(self, problems=tuple(sorted(self.problems, key=lambda one: one.sort_key)))

    def count(self, level: str) -> int:
        """How many problems have this level."""
        return sum(one.level == level for one in self.problems)

    def told(self) -> tuple[Problem, ...]:
        """All problems in the order of files and places, and the cases that did not hold as errors among them.

        A case whose place and rule a problem names already is not told twice.
        """
        known = {(one.mark, one.rule) for one in self.problems}
        failed = (
            Problem(
                CASE_CODES.get(self.tool, self.tool.upper()),
                "error",
                f"{one.suite} {one.name!r}: {one.problem}",
                one.mark,
                rule=one.suite,
                detail=one.detail,
            )
            for one in self.cases
            if one.problem and (one.mark, one.suite) not in known
        )
        return tuple(sorted((*self.problems, *failed), key=lambda one: one.sort_key))


def at_least(report: Report, level: str) -> Report:
    """The report without the problems that are milder than a level."""
    kept = LEVELS[: LEVELS.index(level) + 1]
    return replace(report, problems=tuple(one for one in report.problems if one.level in kept))


def as_problems(error: ScannerError, level: str = "error") -> Iterable[Problem]:
    """The problems in an error that stopped the loading of files."""
    for one in error.errors if isinstance(error, Problems) else (error,):
        yield Problem(
            one.code or "RULE", level, one.what, mark_of(one.where), one.advice, excerpt=one.excerpt
        )


def mark_of(where: str) -> Mark:
    """The place that an error names as `file:line:col`, `file:line` or `file`."""
    parts = where.rsplit(":", 2)
    numbers = []
    while len(parts) > 1 and parts[-1].isdecimal():
        numbers.append(int(parts.pop()))
    line, column = [*reversed(numbers), 0, 0][:2] if numbers else (0, 0)
    return Mark(":".join(parts), line, column)
