"""What tables show of a finding: a scan comes in, named columns with one harmless value for each row come out.

CSV and XLSX share the columns, so both say the same of a row. Every text is on one line, with control, bidirectional and
invisible characters written out, and fits into a spreadsheet's cell; what does not fit is counted in words.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scanner.formats._text import visible
from scanner.model import ids
from scanner.model.codec import encode

if TYPE_CHECKING:
    from scanner.model.finding import Evidence, Finding
    from scanner.model.rule import Control
    from scanner.model.scan import RuleCard, Scan
    from scanner.model.waiver import AttestationLine, WaiverLine

Value = str | int
CELL = 32_767
"""Characters that a cell of a spreadsheet holds; CSV keeps to it too, since it is opened there."""
_ROOM = CELL - 200
"""Room for a joined text; the words about the rest come on top."""
BETWEEN = " | "


def joined(texts: Iterable[str], between: str = BETWEEN) -> str:
    """The texts in one cell; those for which there is no room are counted."""
    found, used, left = [], 0, 0
    for text in texts:
        used += len(text) + len(between)
        if left or used > _ROOM:
            left += 1
        else:
            found.append(text)
    return between.join([*found, f"... and {left:,} more in the JSON report"] if left else found)


def fitting(text: str) -> str:
    """A text made harmless that fits into a cell; that it was cut is said at its end.

    Spreadsheets count UTF-16 units, two for a character above U+FFFF.
    """
    shown = visible(text, CELL)
    if _units(shown) <= CELL:
        return shown
    room = _ROOM if shown.isascii() else _ROOM // 2
    return f"{shown[:room]} ... (cut, see the JSON report)"


def _units(text: str) -> int:
    return len(text) if text.isascii() or len(text) <= CELL // 2 else len(text.encode("utf-16-le")) // 2


def json_text(value: Any) -> str:
    """A value as JSON on one line."""
    return visible(encode(value).decode("utf-8", "replace"))


def controls_text(controls: Iterable[Control]) -> str:
    """Controls as `framework id`; those that we derived ourselves say so."""
    return joined(
        (
            visible(f"{one.framework} {one.id}" + ("" if one.basis == "stated" else f" ({one.basis})"))
            for one in controls
        ),
        "; ",
    )


def commands_text(commands: Iterable[tuple[str, ...]]) -> str:
    """Commands to run one after the other, quoted for a POSIX shell."""
    return joined((shlex.join(visible(word) for word in words) for words in commands), " && ")


@dataclass(frozen=True, slots=True)
class Context:
    """What rows refer to by id."""

    cards: Mapping[str, RuleCard]
    controls: Mapping[str, str]
    waivers: Mapping[str, WaiverLine]
    attestations: Mapping[str, AttestationLine]
    subscriptions: Mapping[str, str]

    @classmethod
    def of(cls, scan: Scan) -> Context:
        """Everything that the rows of a scan may name."""
        cards = {card.id: card for card in scan.header.rules}
        return cls(
            cards,
            {name: controls_text(card.controls) for name, card in cards.items()},
            {line.waiver.id: line for line in scan.waivers},
            {line.attestation.id: line for line in scan.attestations},
            scan.header.subscriptions,
        )

    def title(self, rule: str) -> str:
        """A rule's title, or "" for a rule that the scan has no card of (rows of a baseline)."""
        return self.cards[rule].title if rule in self.cards else ""

    def subscription(self, identifier: str) -> str:
        """A subscription's name, or ""."""
        return self.subscriptions.get(identifier, "")


def _registry(row: Finding) -> str:
    found = ids.registry_of(row.resource)
    return ids.name_of(found) if found else ""


def _each(row: Finding, one: Callable[[Evidence], str]) -> str:
    """The same of every decisive leaf; leaves keep their places, so that columns can be read beside each other."""
    found = [one(leaf) for leaf in row.evidence]
    return joined(found) if any(found) else ""


def _observed(leaf: Evidence) -> str:
    shown = json_text(leaf.actual) if leaf.state == "present" or leaf.actual is not None else ""
    told = "" if leaf.state == "present" else f"({visible(leaf.state)})"
    note = f"({visible(leaf.note)})" if leaf.note else ""
    return " ".join(part for part in (told, shown, note) if part)


def _once(texts: Iterable[str | None]) -> str:
    return joined(visible(text) for text in dict.fromkeys(texts) if text)


def _declared(row: Finding) -> str:
    return f"{row.origin.where}:{row.origin.line}" if row.origin.line else ""


def _of_waiver(pick: Callable[[WaiverLine], Value]) -> Callable[[Finding, Context], Value]:
    """Something of the waiver in force, else of the one that does not count."""

    def value(row: Finding, context: Context) -> Value:
        line = context.waivers.get(row.waiver or row.lapsed)
        return pick(line) if line else ""

    return value


def _of_attestation(pick: Callable[[AttestationLine], Value]) -> Callable[[Finding, Context], Value]:
    def value(row: Finding, context: Context) -> Value:
        line = context.attestations.get(row.attestation)
        return pick(line) if line else ""

    return value


def _lapsed_why(row: Finding, context: Context) -> Value:
    line = context.waivers.get(row.lapsed)
    if line:
        return reason_of(line)
    vouched = context.attestations.get(row.lapsed)
    return reason_of(vouched) if vouched else ""


def reason_of(line: WaiverLine | AttestationLine) -> str:
    """Why an entry counts or does not, in words."""
    return f"{line.state}: {line.why}" if line.why else line.state


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, its width in a spreadsheet, and what it says of a row."""

    name: str
    width: int
    value: Callable[[Finding, Context], Value]

    def of(self, row: Finding, context: Context) -> Value:
        """The value, harmless; a number only where the column holds numbers of ours."""
        found = self.value(row, context)
        return found if isinstance(found, int) else fitting(found)


COLUMNS: tuple[Column, ...] = (
    Column("rule", 10, lambda row, _: row.rule),
    Column("title", 40, lambda row, context: context.title(row.rule)),
    Column("severity", 10, lambda row, _: row.severity),
    Column("verdict", 12, lambda row, _: row.verdict.value),
    Column("standing", 12, lambda row, _: standing(row)),
    Column("registry", 24, lambda row, _: _registry(row)),
    Column("resource name", 24, lambda row, _: row.resource_name),
    Column("resource type", 30, lambda row, _: row.resource_type),
    Column("subscription name", 24, lambda row, context: context.subscription(row.subscription)),
    Column("subscription", 38, lambda row, _: row.subscription),
    Column("resource group", 20, lambda row, _: row.resource_group),
    Column("location", 14, lambda row, _: row.location),
    Column("element", 30, lambda row, _: row.element),
    Column("message", 60, lambda row, _: row.message),
    Column("reason", 40, lambda row, _: row.reason),
    Column("qualifier", 12, lambda row, _: row.qualifier),
    Column("path", 36, lambda row, _: _each(row, lambda leaf: visible(leaf.path))),
    Column("observed", 30, lambda row, _: _each(row, _observed)),
    Column("operator", 14, lambda row, _: _each(row, lambda leaf: visible(leaf.operator))),
    Column("expected", 30, lambda row, _: _each(row, lambda leaf: json_text(leaf.expected))),
    Column("evidence source", 40, lambda row, _: _once(leaf.source or row.origin.where for leaf in row.evidence) or row.origin.where),
    Column("api version", 14, lambda row, _: row.api_version or ""),
    Column("collected at", 22, lambda row, _: _once(leaf.collected_at for leaf in row.evidence) or row.origin.collected_at or ""),
    Column("declared at", 30, lambda row, _: _declared(row)),
    Column("rule place", 30, lambda row, _: _once(leaf.rule_place for leaf in row.evidence)),
    Column("first seen", 22, lambda row, _: row.first_seen or ""),
    Column("change", 12, lambda row, _: row.change or ""),
    Column("change by", 12, lambda row, _: row.why),
    Column("what differs", 40, lambda row, _: row.was),
    Column("waiver", 14, lambda row, _: row.waiver or ""),
    Column("waiver that does not count", 14, lambda row, _: row.lapsed),
    Column("why it does not count", 30, _lapsed_why),
    Column("waiver kind", 18, _of_waiver(lambda line: line.waiver.kind)),
    Column("waiver owner", 24, _of_waiver(lambda line: line.waiver.owner)),
    Column("waiver approver", 24, _of_waiver(lambda line: line.waiver.approver)),
    Column("waiver reason", 40, _of_waiver(lambda line: line.waiver.reason)),
    Column("waiver ticket", 16, _of_waiver(lambda line: line.waiver.ticket)),
    Column("waiver expires", 14, _of_waiver(lambda line: line.waiver.expires)),
    Column("attestation", 14, lambda row, _: row.attestation),
    Column("attestation result", 14, _of_attestation(lambda line: line.attestation.result)),
    Column("attestation owner", 24, _of_attestation(lambda line: line.attestation.owner)),
    Column("attestation evidence", 30, _of_attestation(lambda line: line.attestation.evidence)),
    Column("attestation expires", 14, _of_attestation(lambda line: line.attestation.expires)),
    Column("controls", 40, lambda row, context: context.controls.get(row.rule, "")),
    Column("remediation", 60, lambda row, _: commands_text(row.commands)),
    Column("also affects", 10, lambda row, _: len(row.affected)),
    Column("affected resources", 40, lambda row, _: joined(visible(one) for one in row.affected)),
    Column("cause", 40, lambda row, _: row.cause),
    Column("resource", 80, lambda row, _: row.resource),
    Column("fingerprint", 66, lambda row, _: row.fingerprint),
)  # fmt: skip
"""The columns of a table of findings. `standing` is what a reader filters by first."""


def standing(row: Finding) -> str:
    """What a row asks of its reader: open, waived, undecided, attested, to attest, or nothing to do."""
    if row.change == "resolved":
        return "resolved"
    if row.gating:
        return "open"
    if row.waiver:
        return "waived"
    words = {
        "unknown": "undecided",
        "error": "undecided",
        "manual": "attested" if row.attestation else "to attest",
    }
    return words.get(row.verdict.value, "nothing to do")


def values(row: Finding, context: Context) -> list[Value]:
    """A row of the table."""
    return [column.of(row, context) for column in COLUMNS]
