"""A finding as a row of texts, for formats that are tables; and the guard that keeps a spreadsheet from running them."""

from __future__ import annotations

import json
import re
import shlex
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scanner.formats._text import visible, written
from scanner.model import ids
from scanner.model.values import Hidden, Unknown, UnreadTail

if TYPE_CHECKING:
    from scanner.model.finding import Evidence, Finding
    from scanner.model.scan import RuleCard, Scan
    from scanner.model.waiver import Waiver

LONGEST = 8_000
"""Characters of one value; what is beyond is counted in the value itself."""
CELL = 32_767
"""What a cell of a spreadsheet holds, in UTF-16 units: two for a character above U+FFFF."""
STARTS = frozenset("=+-@\t\r\n|%\u2212")
"""What may begin a formula, after compatibility folding (full-width and small forms). `|` and `%` begin none in today's
spreadsheets but did in older ones; the minus sign U+2212 does not fold to a hyphen, but reads as one."""
_BEFORE = re.compile(r"[\s\"'`\u2018\u2019\u201c\u201d\u00ab\u00bb]*")
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?\Z")
_INNER = re.compile(r"(;[\s\"'`]*)(?=[^\s\"'`])")


def guarded(text: str) -> str:
    """The text so that no spreadsheet takes it for a formula: an apostrophe in front of what could begin one.

    Blanks, quotes and apostrophes in front do not hide a start; numbers stay numbers. Where the semicolon separates cells
    a text is split at its own ones, so what follows them is guarded as well.
    """
    inside = _INNER.sub(_after_semicolon, text) if ";" in text else text
    return f"'{inside}" if starts_formula(text) and not _NUMBER.match(text) else inside


def _after_semicolon(match: re.Match[str]) -> str:
    return match[0] + ("'" if starts_formula(match.string[match.end() : match.end() + 1]) else "")


def starts_formula(text: str) -> bool:
    """Whether a spreadsheet might calculate the text."""
    bare = text if text[:1] in STARTS else _BEFORE.sub("", text, count=1)
    return bool(bare) and unicodedata.normalize("NFKC", bare[0])[0] in STARTS


@dataclass(frozen=True, slots=True)
class Facts:
    """What all rows of a scan look up: rule cards, waivers and names of subscriptions by id."""

    cards: Mapping[str, RuleCard]
    waivers: Mapping[str, Waiver]
    subscriptions: Mapping[str, str]

    @classmethod
    def of(cls, scan: Scan) -> Facts:
        """The look-ups of a scan."""
        return cls(
            {card.id: card for card in scan.header.rules},
            {line.waiver.id: line.waiver for line in scan.waivers},
            scan.header.subscriptions,
        )

    def controls(self, rule: str) -> str:
        """The controls that a rule names: `framework id` each, derived ones marked."""
        card = self.cards.get(rule)
        marked = (
            f"{one.framework} {one.id}{'' if one.basis == 'stated' else f' ({one.basis})'}"
            for one in (card.controls if card else ())
        )
        return "; ".join(marked)


def json_text(value: Any) -> str:
    """A JSON value on one line; what was not read or is withheld in words."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=_marker)


def _marker(value: object) -> str:
    match value:
        case Unknown(reason=reason) | UnreadTail(reason=reason):
            return f"(not read: {reason})"
        case Hidden(kind=kind):
            return f"(withheld: {kind})"
    return str(value)


def observed(item: Evidence) -> str:
    """What was seen: the value, or that it is absent, unread, withheld or of the wrong type."""
    return json_text(item.actual) if item.state == "present" else f"({item.state})"


def _first(make: Callable[[Evidence], str]) -> Callable[[Finding, Facts], str]:
    return lambda row, _: "; ".join(make(item) for item in row.evidence)


def _of_waiver(key: Callable[[Waiver], str]) -> Callable[[Finding, Facts], str]:
    def read(row: Finding, facts: Facts) -> str:
        found = facts.waivers.get(row.waiver or row.lapsed)
        return key(found) if found else ""

    return read


def _some(texts: Sequence[str]) -> str:
    """As many of the texts as a value holds, and the number of the others."""
    found, room = 0, LONGEST - 100
    while found < len(texts) and room >= len(texts[found]):
        room -= len(texts[found]) + 2
        found += 1
    rest = [f"and {len(texts) - found:,} more, see the JSON report"] if found < len(texts) else []
    return "; ".join([*texts[:found], *rest])


COLUMNS: Mapping[str, Callable[[Finding, Facts], str]] = {
    "rule": lambda row, _: row.rule,
    "title": lambda row, facts: facts.cards[row.rule].title if row.rule in facts.cards else "",
    "severity": lambda row, _: row.severity,
    "verdict": lambda row, _: row.verdict.value,
    "resource": lambda row, _: row.resource,
    "resource type": lambda row, _: row.resource_type,
    "name": lambda row, _: row.resource_name,
    "registry": lambda row, _: (
        ids.name_of(ids.registry_of(row.resource)) if ids.registry_of(row.resource) else ""
    ),
    "subscription": lambda row, _: row.subscription,
    "subscription name": lambda row, facts: facts.subscriptions.get(row.subscription, ""),
    "resource group": lambda row, _: row.resource_group,
    "location": lambda row, _: row.location,
    "element": lambda row, _: row.element,
    "message": lambda row, _: row.message,
    "reason": lambda row, _: row.reason,
    "path": _first(lambda item: item.path),
    "observed": _first(observed),
    "expected": _first(lambda item: f"{item.operator} {json_text(item.expected)}".strip()),
    "rule line": _first(lambda item: item.rule_place),
    "source": lambda row, _: written(row),
    "api version": lambda row, _: row.api_version or "",
    "collected at": lambda row, _: row.origin.collected_at or "",
    "qualifier": lambda row, _: row.qualifier,
    "first seen": lambda row, _: row.first_seen or "",
    "change": lambda row, _: row.change or "",
    "why": lambda row, _: row.why,
    "was": lambda row, _: row.was,
    "waiver": lambda row, _: row.waiver or "",
    "waiver not counting": lambda row, _: row.lapsed,
    "waiver owner": _of_waiver(lambda waiver: waiver.owner),
    "waiver approver": _of_waiver(lambda waiver: waiver.approver),
    "waiver expires": _of_waiver(lambda waiver: waiver.expires),
    "attestation": lambda row, _: row.attestation,
    "controls": lambda row, facts: facts.controls(row.rule),
    "remediation": lambda row, _: "; ".join(shlex.join(words) for words in row.commands),
    "also affects": lambda row, _: _some(row.affected),
    "cause": lambda row, _: row.cause,
    "fingerprint": lambda row, _: row.fingerprint,
}
"""Column title -> what a row says there."""


def cells(row: Finding, facts: Facts) -> list[str]:
    """The texts of a row in the order of `COLUMNS`: on one line, harmless to look at, cut with the rest counted."""
    return [fitting(visible(read(row, facts), LONGEST)) for read in COLUMNS.values()]


def fitting(shown: str) -> str:
    """A visible text that a cell can hold; escapes may have made it longer than that."""
    if len(shown) <= CELL // 2 or len(shown.encode("utf-16-le", "replace")) // 2 <= CELL:
        return shown
    return f"{shown[: CELL // 2 - 100]} ... (cut, see the JSON report)"
