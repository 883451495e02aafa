"""A difference of two packs as text, Markdown, JSON and a section of a changelog; outside text is escaped for each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any, TextIO

from scanner.shown import inert, visible
from scanner.text import encodable
from scanner.workbench.diff.change import STEPS, Change
from scanner.workbench.diff.packs import Difference
from scanner.workbench.impact.paper import Paper, block, code, prose, summary
from scanner.workbench.impact.phrases import counted
from scanner.workbench.impact.record import problem_record
from scanner.workbench.impact.text import said

FORMAT = "acrscan-diff/v1"
_DETAILS = 40


def verdict(found: Difference) -> str:
    """The whole in one sentence."""
    old, new = found.versions
    if found.absent:
        return f"{found.pack} {new} is new: there is no pack at {found.base}."
    if not found.changes:
        return f"Nothing differs between {found.base} ({old}) and {found.pack} ({new})."
    counts = ", ".join(
        f"{number} {step}" for step in STEPS if (number := sum(one.step == step for one in found.changes))
    )
    fits = f"at least {found.wanted}; it is {new}" + (", which is too low" if found.too_low else "")
    return f"{counted(len(found.changes), 'change')} ({counts}) since {found.base} ({old}) {'asks' if len(found.changes) == 1 else 'ask'} for version {fits}."


def text(found: Difference, out: TextIO) -> None:
    """Write lines for a terminal or a build log."""
    out.writelines(f"{inert(line)}\n" for line in _lines(found))


def _lines(found: Difference) -> Iterator[str]:
    for problem in (*found.errors, *([found.too_low] if found.too_low else [])):
        yield visible(f"{problem.mark}: {problem.code} {problem.what}", 1_000)
        yield from (f"    {said(line)}" for line in (*problem.excerpt.splitlines(), problem.advice) if line)
    for step in STEPS:
        changes = [one for one in found.changes if one.step == step]
        if changes:
            yield f"{step} ({len(changes)})"
        for one in changes:
            yield visible(f"  {one.mark}: {one.code} {one.rule + ': ' if one.rule else ''}{one.what}", 1_000)
            if one.old.file and one.old != one.mark:
                yield visible(f"      was {one.old}")
            yield from (f"      {said(line)}" for line in one.detail.splitlines())
    if found.not_compared:
        yield visible(f"not compared: {', '.join(found.not_compared)}")
    yield visible(verdict(found))


def markdown(found: Difference, out: TextIO) -> None:
    """Write a page of at most `paper.LIMIT` characters."""
    paper = Paper(reserve=1_500)
    paper.add(f"### What changed in the rules\n\n{prose(verdict(found), 500)}\n")
    problems = (*found.errors, *([found.too_low] if found.too_low else []))
    if problems:
        rows = (
            f"| ❌ {prose(one.code)} | {code(str(one.mark))} | {prose(one.what, 400)} |" for one in problems
        )
        paper.table("| check | where | what |", rows, len(problems), "problems")
    for step in STEPS:
        changes = [one for one in found.changes if one.step == step]
        if changes:
            paper.add(f"\n#### {step.capitalize()} ({len(changes)})\n")
            paper.table("| rule | where | what |", map(_row, changes), len(changes), "changes")
    told = [one for one in found.changes if one.detail]
    for number, one in enumerate(told):
        title = summary(f"{one.rule} {one.what}".strip())
        part = f"\n<details><summary>{title}</summary>\n\n{block(one.detail)}\n</details>\n"
        if number >= _DETAILS or not paper.add(part):
            paper.last(f"\n{len(told) - number:,} more details left out for lack of room.\n")
            break
    if found.not_compared:
        paper.last(f"\nNot compared: {', '.join(map(prose, found.not_compared[:20]))}.\n")
    out.write(paper.text())


def _row(one: Change) -> str:
    return f"| {prose(one.rule) or 'pack'} | {code(str(one.mark))} | {prose(one.what, 400)} |"


def record(found: Difference, out: TextIO) -> None:
    """Write one JSON object; keys are always there."""
    made = {
        "format": FORMAT,
        "pack": found.pack,
        "base": found.base,
        "baseVersion": found.versions[0],
        "version": found.versions[1],
        "absent": found.absent,
        "step": found.step,
        "wantedVersion": found.wanted,
        "tooLow": found.too_low is not None,
        "changes": [_change(one) for one in found.changes],
        "errors": [problem_record(one) for one in found.errors],
        "notCompared": list(found.not_compared),
    }
    out.write(encodable(json.dumps(made, indent=1, ensure_ascii=False)) + "\n")


def _change(one: Change) -> dict[str, Any]:
    return {
        "code": one.code,
        "step": one.step,
        "rule": one.rule,
        "what": one.what,
        "file": one.mark.file,
        "line": one.mark.line,
        "column": one.mark.column,
        "was": {"file": one.old.file, "line": one.old.line, "column": one.old.column},
        "detail": one.detail,
        "moves": [asdict(move) for move in one.moves],
        "complete": one.complete,
    }


def changelog(found: Difference, out: TextIO) -> None:
    """Write the section "Rules" of a changelog in the form of keepachangelog.com, ready for its release's heading."""
    out.write("### Rules\n")
    if not found.changes:
        out.write("\nNothing changed.\n")
    for group in ("Removed", "Changed", "Added"):
        lines = [_entry(one) for one in found.changes if one.kind.group == group]
        if lines:
            out.write(f"\n#### {group}\n\n" + "".join(lines))
    for group, words in (("Texts", "Words without another verdict"), ("Tests", "Tests")):
        rules = sorted({one.rule or "the pack" for one in found.changes if one.kind.group == group})
        if rules:
            out.write(f"\n{words}: {', '.join(map(prose, rules))}.\n")


def _entry(one: Change) -> str:
    breaking = "**Breaking:** " if one.step == "major" else ""
    rule = f"{prose(one.rule)}: " if one.rule else ""
    return f"- {breaking}{rule}{prose(one.what, 400)}\n"


WRITERS: dict[str, Callable[[Difference, TextIO], None]] = {
    "text": text,
    "markdown": markdown,
    "json": record,
}
