"""An impact as Markdown for a comment on a pull request or a job summary; it ends in the command that gives it again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from scanner.workbench.impact import phrases
from scanner.workbench.impact.figures import Impact, Named, RuleImpact, origin
from scanner.workbench.impact.paper import Paper, block, code, prose, summary
from scanner.workbench.impact.quoting import quoted
from scanner.workbench.problem import Problem

_SIGNS = {"error": "❌", "warning": "⚠️", "info": "ℹ️"}  # noqa: RUF001 - a sign, no letter
_DETAILS = 30
_CASES = 2
_LISTED = 60
_LONGEST_COMMAND = 4_000


def write(found: Impact, out: TextIO) -> None:
    """Write the page."""
    out.write(page(found))


def page(found: Impact) -> str:
    """At most `paper.LIMIT` characters."""
    end = _command(found)
    paper = Paper(reserve=len(end) + 2_000)
    paper.add(f"### What this change of rules does\n\n{prose(phrases.verdict(found))}\n\n")
    if caution := phrases.caution(found):
        paper.add(f"> **Note.** {prose(caution, 600)}\n\n")
    paper.add(f"- {prose(phrases.subject(found))}\n- {prose(phrases.ground(found), 500)}\n")
    paper.add(_numbers(found))
    _problems(paper, "Does not parse", "errors", found.errors, (0.15, 0.2))
    _problems(paper, "Got looser", "of what got looser", found.loose, (0.4, 0.6))
    touched = found.touched
    if touched:
        paper.add("\n#### Rules with a difference\n")
        head = "| rule | severity | new | resolved | changed | same | verdicts | first resources |"
        paper.table(head, map(_rule, touched), len(touched), "rules", 0.75)
    _rewritten(paper, found)
    if found.waivers:
        paper.add("\n#### Waivers touched\n")
        rows = (
            f"| {prose(one.id)} | {prose(one.rule)} | {prose(phrases.waiver(one))} |" for one in found.waivers
        )
        paper.table("| waiver | rule | what |", rows, len(found.waivers), "waivers", 0.93)
    for part in _folded(found):
        if not paper.add(part):
            paper.last("\nFurther lists are left out for lack of room.\n")
            break
    paper.last(end)
    return paper.text()


def _numbers(found: Impact) -> str:
    rows = [
        ("score", phrases.percent(found.before), phrases.percent(found.after)),
        ("rules", f"{found.base.rules:,}", f"{found.head.rules:,}"),
        ("undecided, critical and high", f"{found.undecided[0]:,}", f"{found.undecided[1]:,}"),
    ]
    table = "".join(f"| {name} | {before} | {after} |\n" for name, before, after in rows)
    return f"\n| | before | after |\n|---|---|---|\n{table}\nNewly gating findings: {phrases.severities(found)}.\n"


def _problems(
    paper: Paper, title: str, what: str, problems: tuple[Problem, ...], upto: tuple[float, float]
) -> None:
    """A table of problems, then the details of the first; each within its share of the page."""
    if not problems:
        return
    paper.add(f"\n#### {title}\n")
    rows = (
        f"| {_SIGNS[one.level]} {prose(one.code)} | {code(str(one.mark))} | {prose(one.what, 400)} |"
        for one in problems
    )
    paper.table("| check | where | what |", rows, len(problems), what, upto[0])
    told = [one for one in problems if one.detail or one.excerpt]
    for number, one in enumerate(told):
        body = "\n".join(part for part in (one.excerpt, one.detail) if part)
        folded = f"\n<details><summary>{summary(one.what)}</summary>\n\n{block(body)}\n</details>\n"
        if number >= _DETAILS or not paper.add(folded, upto[1]):
            paper.last(f"\n{len(told) - number:,} more details left out for lack of room.\n")
            break


def _rewritten(paper: Paper, found: Impact) -> None:
    """What can be decided differently on any estate, with the first cases."""
    if not found.rewritten:
        return
    paper.add("\n#### Rules that decide by something else, on any estate\n")
    rows = (
        f"| **{prose(rule.id)}** | {code(str(one.mark))} | {prose(one.words)} | {prose(one.how)} |"
        for rule, one in found.rewritten
    )
    paper.table("| rule | where | verdicts | tried |", rows, len(found.rewritten), "rules", 0.82)
    told = [(rule, one) for rule, one in found.rewritten if one.moves]
    for number, (rule, one) in enumerate(told):
        lines = [line for move in one.moves[:_CASES] for line in move.lines]
        title = summary(f"{rule.id}: {one.words}")
        folded = f"\n<details><summary>{title}</summary>\n\n{block(chr(10).join(lines))}\n</details>\n"
        if number >= _DETAILS or not paper.add(folded, 0.88):
            paper.last(f"\n{len(told) - number:,} more cases left out for lack of room.\n")
            break


def _rule(rule: RuleImpact) -> str:
    since = origin(rule)
    named = f"**{prose(rule.id)}** {prose(rule.title, 120)}" + (f"<br>{prose(since)}" if since else "")
    waived = f" ({rule.waived:,} waived)" if rule.waived else ""
    verdicts = "<br>".join(prose(phrases.moved(one)) for one in rule.moved) or "-"
    tops = [
        f"{sign} {', '.join(code(one.name, 60) for one in top)}"
        for sign, top in (
            ("new", rule.top_new),
            ("resolved", rule.top_resolved),
            ("changed", rule.top_changed),
        )
        if top
    ]
    tops = tops or [_names(one.top) for one in rule.moved[:1]]
    return (
        f"| {named} | {prose(rule.severity)} | {rule.new:,}{waived} | {rule.resolved:,} | {rule.changed:,} "
        f"| {rule.same:,} | {verdicts} | {'<br>'.join(filter(None, tops)) or '-'} |"
    )


def _names(top: tuple[Named, ...]) -> str:
    return ", ".join(code(one.name, 60) for one in top)


def _folded(found: Impact) -> Iterator[str]:
    """What is there and not news."""
    yield _fold(f"{phrases.counted(found.same, 'finding')} failed before and still do", _same(found))
    if found.never:
        yield _fold(f"{phrases.counted(len(found.never), 'rule')} fail nothing here", _ids(found.never))
    if found.not_asked:
        reasons = [f"- {prose(rule)}: {prose(why)}" for rule, why in list(found.not_asked.items())[:_LISTED]]
        yield _fold(f"{phrases.counted(len(found.not_asked), 'rule')} not asked here", "\n".join(reasons))
    if found.not_compared:
        yield _fold(
            f"{phrases.counted(len(found.not_compared), 'rule')} not compared", _ids(found.not_compared)
        )


def _same(found: Impact) -> str:
    rows = sorted((rule for rule in found.rules if rule.same), key=lambda one: -one.same)
    shown = ", ".join(f"{prose(rule.id)} {rule.same:,}" for rule in rows[:_LISTED])
    return shown + (f" and {len(rows) - _LISTED} more rules" if len(rows) > _LISTED else "") or "none"


def _ids(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(map(prose, names[:_LISTED])) + more


def _fold(title: str, body: str) -> str:
    return f"\n<details><summary>{summary(title)}</summary>\n\n{body}\n\n</details>\n"


def _command(found: Impact) -> str:
    if not found.command:
        return ""
    line = quoted(found.command)
    if len(line) > _LONGEST_COMMAND:
        return "\nThe command that gives this again is too long for a comment; the text report ends in it.\n"
    return f"\nThe same on your machine:\n\n{block(line)}"
