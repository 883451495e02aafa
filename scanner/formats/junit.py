"""JUnit XML for pipelines that show tests: one test case for each rule and resource, whatever its verdict.

A failure is a failure, an open question or an error of evaluation is an error; what is waived, attested, manual or not
applicable is skipped, with its reason. A test suite is a target type.
Source: https://github.com/testmoapp/junitxml (the common dialect)
"""

from __future__ import annotations

import heapq
import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, BinaryIO
from xml.sax.saxutils import escape, quoteattr

from scanner.formats._settings import DEFAULT, Settings
from scanner.formats._text import visible
from scanner.model import ids
from scanner.model.finding import LETTERS, Finding, Verdict
from scanner.model.scan import ResourceLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from scanner.model.scan import RuleCard, Scan

EXTENSION = ".junit.xml"
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CLOSED = {"failure": "failures", "error": "errors", "skipped": "skipped"}


@dataclass(slots=True)
class _Case:
    """One test case: what it says, and which kind of ending it has ("" = passed)."""

    rule: str
    ending: str
    message: str
    text: str = ""


@dataclass(slots=True)
class _Suites:
    """Numbers of test cases by suite and ending, which the head of each suite needs."""

    cases: Counter[str] = field(default_factory=Counter)
    endings: Counter[tuple[str, str]] = field(default_factory=Counter)


def render(scan: Scan, out: BinaryIO, settings: Settings = DEFAULT) -> None:  # noqa: ARG001 - this format has none
    """Write the suites. The rows are read twice: to count, and to write; memory is constant."""
    numbers = _Suites()
    for suite, _, case in _cases(scan):
        numbers.cases[suite] += 1
        numbers.endings[suite, case.ending] += 1
    total = {ending: sum(n for (_, one), n in numbers.endings.items() if one == ending) for ending in _CLOSED}

    def write(text: str) -> None:
        out.write(text.encode("utf-8"))

    head = "".join(f' {_CLOSED[ending]}="{number}"' for ending, number in total.items())
    write('<?xml version="1.0" encoding="UTF-8"?>\n')
    write(f'<testsuites name="acrscan" tests="{sum(numbers.cases.values())}"{head}>\n')
    for suite, found in groupby(_cases(scan), key=itemgetter(0)):
        write(_suite(suite, numbers, scan))
        for _, line, case in found:
            write(_written(line, case))
        write("</testsuite>\n")
    write("</testsuites>\n")


def _suite(suite: str, numbers: _Suites, scan: Scan) -> str:
    counts = "".join(f' {_CLOSED[ending]}="{numbers.endings[suite, ending]}"' for ending in _CLOSED)
    head = scan.header
    facts = {
        "pack": f"{head.pack_id} {head.pack_version}",
        "packSha256": head.pack_digest,
        "profile": head.profile,
        "inventorySha256": head.inventory_digest,
        "now": head.now,
    }
    properties = "".join(
        f"<property name={_quoted(key)} value={_quoted(text)}/>" for key, text in facts.items()
    )
    return (
        f'<testsuite name={_quoted(suite)} tests="{numbers.cases[suite]}"{counts} timestamp={_quoted(head.now)}>\n'
        f"<properties>{properties}</properties>\n"
    )


def _written(line: ResourceLine, case: _Case) -> str:
    where = (
        f"name={_quoted(f'{case.rule} {line.name or line.id}')} classname={_quoted(f'{case.rule}.{line.id}')}"
    )
    if not case.ending:
        return f"<testcase {where}/>\n"
    inside = f"message={_quoted(case.message)}"
    kind = f" type={_quoted(case.rule)}" if case.ending != "skipped" else ""
    body = f">{escape(_clean(case.text, 8_000))}</{case.ending}>" if case.text else "/>"
    return f"<testcase {where}><{case.ending} {inside}{kind}{body}</testcase>\n"


def _quoted(text: str) -> str:
    return quoteattr(_clean(text, 2_000))


def _clean(text: str, limit: int) -> str:
    """Lines of text that XML 1.0 can hold, with hostile characters made visible."""
    return "\n".join(_FORBIDDEN.sub("?", visible(line, limit)) for line in text.split("\n"))


def _cases(scan: Scan) -> Iterator[tuple[str, ResourceLine, _Case]]:
    """Every test case in the order of the scan: suite, resource, rule."""
    cards = {card.id: card for card in scan.header.rules}
    streams: list[Iterable[tuple[tuple[str, str], Any]]] = [
        (((line.type, ids.order_key(line.id)), line) for line in scan.resources),
        (((row.resource_type, ids.order_key(row.resource)), row) for row in scan.findings),
    ]
    for (suite, _), items in groupby(heapq.merge(*streams, key=itemgetter(0)), key=itemgetter(0)):
        lines: list[ResourceLine] = []
        rows: dict[str, list[Finding]] = {}
        for _, item in items:
            if isinstance(item, ResourceLine):
                lines.append(item)
            else:
                rows.setdefault(item.rule, []).append(item)
        for line in lines:
            for rule, letter in zip(scan.header.order.get(line.type, ()), line.letters, strict=True):
                yield suite, line, _case(rule, LETTERS[letter], rows.get(rule, []), cards)
        if not lines:
            yield from _places(suite, rows, cards)


def _places(
    suite: str, rows: Mapping[str, list[Finding]], cards: Mapping[str, RuleCard]
) -> Iterator[tuple[str, ResourceLine, _Case]]:
    """Rows about a place at which resources were not read: there is no resource line for it."""
    for rule, found in rows.items():
        row = found[0]
        line = ResourceLine(
            row.resource, suite, row.resource_name, row.subscription, row.resource_group, "", "", ""
        )
        yield suite, line, _case(rule, row.verdict, found, cards)


def _case(rule: str, verdict: Verdict, rows: list[Finding], cards: Mapping[str, RuleCard]) -> _Case:
    card = cards.get(rule)
    title = card.title if card else rule
    open_rows = [row for row in rows if row.gating]
    text = "\n".join(_told(row) for row in rows)
    match verdict:
        case Verdict.PASS:
            return _Case(rule, "", "")
        case Verdict.FAIL if open_rows or not rows:
            # Without rows of its own, it fails for an inherited cause that is told at the first resource it affects.
            message = (
                open_rows[0].message if open_rows else f"{title}: see the finding of its inherited cause"
            )
            return _Case(rule, "failure", f"{message}{_more(open_rows)}", text)
        case Verdict.FAIL:
            return _Case(
                rule, "skipped", f"waived: {', '.join(sorted({str(row.waiver) for row in rows}))}", text
            )
        case Verdict.UNKNOWN | Verdict.ERROR:
            reason = rows[0].reason or rows[0].message if rows else "no reason was kept"
            return _Case(rule, "error", f"{verdict.value}: {reason}", text)
        case Verdict.MANUAL:
            vouched = next((row.attestation for row in rows if row.attestation), "")
            return _Case(
                rule, "skipped", f"attested: {vouched}" if vouched else "manual: a person has to judge", text
            )
        case _:
            return _Case(rule, "skipped", "not applicable")


def _more(rows: list[Finding]) -> str:
    return f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""


def _told(row: Finding) -> str:
    marks = [f"waived by {row.waiver}" if row.waiver else "", row.change or "", f"{row.severity}"]
    seen = "; ".join(f"{item.path} is {item.actual!r}" for item in row.evidence if item.state == "present")
    others = f" (also affects {len(row.affected)} more resources)" if row.affected else ""
    return (
        f"{row.message}{others} [{', '.join(mark for mark in marks if mark)}]{' - ' + seen if seen else ''}"
    )
