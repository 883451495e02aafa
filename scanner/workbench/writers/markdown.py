"""A report as Markdown for a comment on a pull request or a job summary: never longer than a comment may be.

A comment holds 65,536 characters, of which others' frames take some. What does not fit is counted and named.
"""

from __future__ import annotations

import re
from html import escape
from typing import TextIO

from scanner.shown import JOINER, code_span, inert_block, markdown, one_line, safe, visible
from scanner.workbench.problem import LEVELS, Problem, Report
from scanner.workbench.writers import closing, counted, path_of

LIMIT = 60_000
_RESERVE = 1_000
_LONGEST_DETAIL = 6_000
_SIGNS = {"error": "❌", "warning": "⚠️", "info": "ℹ️"}  # noqa: RUF001 - a sign, no letter


def write(report: Report, out: TextIO) -> None:
    """Write a heading with the counts, a table of problems (worst first), and the details that have more to say."""
    told = sorted(report.told(), key=lambda one: LEVELS.index(one.level))
    paper = _Paper()
    paper.add(f"### acrscan {markdown(report.tool)}\n\n{markdown(closing(report))}.\n")
    if told:
        shown = _table(paper, told)
        for at, one in enumerate(told[:shown]):
            if one.detail and not paper.add(_detail(one)):
                left = sum(bool(other.detail) for other in told[at:shown])
                paper.last(f"\n{counted(left, 'more detail')} left out for lack of room.\n")
                break
        if shown < len(told):
            more = counted(len(told) - shown, "more problem")
            paper.last(
                f"\n**{more} left out for lack of room.** `acrscan policy {markdown(report.tool)}` prints all.\n"
            )
    out.write(paper.text())


class _Paper:
    """Blocks up to the limit; a reserve has room for the words about what was left out."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.used = 0

    def add(self, text: str) -> bool:
        if self.used + len(text) > LIMIT - _RESERVE:
            return False
        self.last(text)
        return True

    def last(self, text: str) -> None:
        self.parts.append(text)
        self.used += len(text)

    def text(self) -> str:
        return "".join(self.parts)


def _table(paper: _Paper, told: list[Problem]) -> int:
    """Write rows while there is room; gives their number. Details keep a third of the page."""
    paper.add("\n| | check | where | what |\n|---|---|---|---|\n")
    rich = any(one.detail for one in told)
    shown = 0
    for one in told:
        if rich and paper.used > LIMIT * 2 // 3:
            break
        if not paper.add(_row(one)):
            break
        shown += 1
    return shown


def _row(one: Problem) -> str:
    mark = one.mark
    spot = f":{mark.line}:{mark.column}" if mark.line else ""
    where = inert_block(code_span(f"{path_of(mark.file)}{spot}").replace("|", "\\|")) if mark.file else ""
    rule = f"{safe(one.rule)}: " if one.rule and one.rule not in one.what else ""
    advice = f"<br>{safe(one.advice, 300)}" if one.advice else ""
    return f"| {_SIGNS[one.level]} {one.level} | {safe(one.code)} | {where} | {rule}{safe(one.what, 400)}{advice} |\n"


def _detail(one: Problem) -> str:
    lines = [one_line(line) for line in one.detail.splitlines()]
    body = "\n".join(lines)
    if len(body) > _LONGEST_DETAIL:
        body = f"{body[:_LONGEST_DETAIL]}\n... ({len(body) - _LONGEST_DETAIL} more characters)"
    fence = "`" * max(3, 1 + _longest_run(body))
    language = "diff" if any(line.startswith(("+", "-", "@@")) for line in lines) else ""
    title = " ".join(_html(text) for text in (one.code, one.rule, one.what) if text)
    return f"\n<details><summary>{title}</summary>\n\n{fence}{language}\n{inert_block(body)}\n{fence}\n\n</details>\n"


def _html(text: str) -> str:
    """Text inside an HTML block, where Markdown's escapes do not count; joiners keep it from calling anybody."""
    shown = visible(text)
    shown = f"{shown[:159]}…" if len(shown) > 160 else shown
    return re.sub(r"[@#]|:(?=//)", lambda found: found[0] + JOINER, escape(shown))


def _longest_run(text: str) -> int:
    """The length of the longest run of backticks."""
    longest = run = 0
    for char in text:
        run = run + 1 if char == "`" else 0
        longest = max(longest, run)
    return longest
