"""An impact for a terminal or a build log: figures come in, lines come out; outside text cannot deceive either."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TextIO

from scanner.shown import inert, one_line, visible
from scanner.workbench.impact import phrases
from scanner.workbench.impact.figures import Impact, Named, RuleImpact, Tried, origin
from scanner.workbench.impact.quoting import quoted
from scanner.workbench.problem import Problem

_LISTED = 40
_CASES = 2


def write(found: Impact, out: TextIO) -> None:
    """Write the impact."""
    out.writelines(f"{inert(line)}\n" for line in _lines(found))


def _lines(found: Impact) -> Iterator[str]:
    yield visible(f"impact of {phrases.subject(found)}")
    yield visible(f"estate: {phrases.ground(found)}")
    if caution := phrases.caution(found):
        yield visible(f"NOTE: {caution}")
    yield f"score: {phrases.percent(found.before)} -> {phrases.percent(found.after)}"
    yield f"newly gating: {phrases.severities(found)}"
    yield f"undecided (critical and high): {found.undecided[0]:,} -> {found.undecided[1]:,}"
    for title, problems in (("do not parse", found.errors), ("got looser", found.loose)):
        if problems:
            yield ""
            yield f"{title} ({len(problems)})"
            for problem in problems:
                yield from _problem(problem)
    if found.touched:
        yield ""
        yield f"rules with a difference ({len(found.touched)} of {len(found.rules)})"
        for rule in found.touched:
            yield from _rule(rule)
    if found.rewritten:
        yield ""
        yield f"rules that decide by something else, on any estate ({len(found.rewritten)})"
        for rule, tried in found.rewritten:
            yield from _tried(rule, tried)
    if found.waivers:
        yield ""
        yield f"waivers touched ({len(found.waivers)})"
        for one in found.waivers:
            yield visible(f"  {one.id} ({one.rule}): {phrases.waiver(one)}")
    yield ""
    yield f"the same before and after: {phrases.counted(found.same, 'finding')}"
    yield from _listed("asked here and failing nothing", found.never)
    yield from _listed("not asked here", found.not_asked)
    yield from _listed("not compared", found.not_compared)
    yield phrases.verdict(found)
    if found.command:
        yield f"again: {quoted(found.command)}"


def _problem(problem: Problem) -> Iterator[str]:
    yield visible(f"  {problem.mark}: {problem.code} {problem.what}", 1_000)
    lines = [*problem.excerpt.splitlines(), *problem.detail.splitlines()]
    yield from (f"      {said(line)}" for line in lines)


def said(line: str) -> str:
    """A line of outside text below a line of ours: one that a build log would obey after its blanks begins with a bar."""
    shown = one_line(line, 1_000)
    return f"| {shown}" if shown.lstrip().startswith("::") else shown


def _rule(rule: RuleImpact) -> Iterator[str]:
    since = origin(rule)
    named = f"  {rule.id} ({rule.severity}{', ' + since if since else ''})"
    waived = f" ({rule.waived:,} waived)" if rule.waived else ""
    yield visible(
        f"{named}: +{rule.new:,} new{waived}, -{rule.resolved:,} resolved, ~{rule.changed:,} changed, {rule.same:,} the same"
    )
    for sign, top in (("+", rule.top_new), ("-", rule.top_resolved), ("~", rule.top_changed)):
        for one in top:
            yield one_line(f"      {sign} {one.name}: {one.words}", 300)
    for moved in rule.moved:
        yield f"      {phrases.moved(moved)}: {_names(moved.top, moved.number)}"


def _tried(rule: RuleImpact, tried: Tried) -> Iterator[str]:
    yield visible(f"  {tried.mark}: {rule.id}: {tried.words}; {tried.how}", 1_000)
    for one in tried.moves[:_CASES]:
        yield from (f"      {said(line)}" for line in one.lines)
    if len(tried.moves) > _CASES:
        yield f"      the cases of {phrases.counted(len(tried.moves) - _CASES, 'more move')} are in the JSON"


def _names(top: Iterable[Named], number: int) -> str:
    shown = [visible(one.name, 80) for one in top]
    more = f" and {number - len(shown):,} more" if number > len(shown) else ""
    return ", ".join(shown) + more


def _listed(title: str, names: Iterable[str]) -> Iterator[str]:
    found = list(names)
    if found:
        more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
        yield visible(f"{title} ({len(found)}): {', '.join(found[:_LISTED])}{more}")
