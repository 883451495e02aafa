"""The data of the page's table: findings as columns of numbers into pools of texts, then gzip, then base64.

Most findings share their rule, resource, evidence and words; pooling keeps 100,000 of them within a few megabytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import zlib
from typing import TYPE_CHECKING, Any

from scanner.formats.html.show import command, expected, link, moment, observed, visible
from scanner.model.finding import Verdict
from scanner.model.rule import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from scanner.formats.html.words import Words
    from scanner.model.finding import Evidence, Finding
    from scanner.model.scan import RuleCard, ScanHeader

AFFECTED_SHOWN = 50
"""Resources named under one finding that share its cause; the rest is counted."""
COLUMNS = (
    "rule",
    "severity",
    "verdict",
    "resource",
    "message",
    "reason",
    "element",
    "evidence",
    "origin",
    "affected",
    "affectedCount",
    "commands",
    "apiVersion",
    "qualifier",
    "waiver",
    "change",
    "firstSeen",
)


class Pool:
    """Distinct values in the order of their first use."""

    def __init__(self, *first: Hashable) -> None:
        self.values: list[Any] = list(first)
        self._places: dict[Hashable, int] = {value: place for place, value in enumerate(first)}

    def place(self, value: Hashable) -> int:
        """The number of a value, new or known."""
        known = self._places.get(value)
        if known is None:
            known = self._places[value] = len(self.values)
            self.values.append(value)
        return known


class Columns:
    """Collects rows by rank; `packed` gives the finished block."""

    def __init__(self, header: ScanHeader, words: Words, ranks: int) -> None:
        self._header = header
        self._words = words
        self._text = Pool("")
        self._raw: dict[str, int] = {"": 0}
        self._rules = {card.id: place for place, card in enumerate(header.rules)}
        self._strangers = Pool()
        self._severities = Pool(*SEVERITIES)
        self._resources = Pool()
        self._evidence = Pool()
        self._proofs = Pool(())
        self._origins = Pool()
        self._lists = Pool(())
        self._rows: list[list[tuple[int, ...]]] = [[] for _ in range(ranks)]
        self._prints: list[list[str]] = [[] for _ in range(ranks)]

    def add(self, rank: int, finding: Finding) -> None:
        """Take one finding in."""
        text = self._place
        origin = finding.origin
        self._prints[rank].append(visible(finding.fingerprint))
        self._rows[rank].append(
            (
                self._rule(finding.rule),
                self._severities.place(finding.severity),
                _VERDICTS[finding.verdict],
                self._resources.place(
                    (
                        text(finding.resource),
                        text(finding.resource_type),
                        text(finding.resource_name),
                        text(finding.subscription),
                        text(finding.resource_group),
                        text(finding.location),
                    )
                ),
                text(finding.message),
                text(finding.reason),
                text(finding.element),
                self._proofs.place(tuple(self._leaf(item) for item in finding.evidence))
                if finding.evidence
                else 0,
                self._origins.place(
                    (text(origin.source), text(_where(origin)), text(moment(origin.collected_at or "")))
                ),
                self._lists.place(tuple(text(item) for item in finding.affected[:AFFECTED_SHOWN])),
                len(finding.affected),
                self._lists.place(tuple(text(command(item)) for item in finding.commands)),
                text(finding.api_version or ""),
                text(finding.qualifier),
                text(finding.waiver or ""),
                text(finding.change or ""),
                text(moment(finding.first_seen or "")),
            )
        )

    def packed(self, total: int) -> tuple[str, str]:
        """The block as base64 of gzip of JSON, and the sha256 of that JSON."""
        rows = [row for rank in self._rows for row in rank]
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(COLUMNS)
        cards = [self._card(card) for card in self._header.rules]
        cards += [{"id": visible(rule)} for rule in self._strangers.values]
        document = {
            "version": 1,
            "total": total,
            "words": self._words.for_page(),
            "verdicts": [verdict.value for verdict in Verdict],
            "severities": [visible(severity) for severity in self._severities.values],
            "subscriptions": {
                visible(key): visible(name) for key, name in self._header.subscriptions.items()
            },
            "rules": cards,
            "resources": self._resources.values,
            "evidence": self._evidence.values,
            "proofs": self._proofs.values,
            "origins": self._origins.values,
            "lists": self._lists.values,
            "text": self._text.values,
            "columns": dict(zip(COLUMNS, columns, strict=True)),
            "fingerprints": [item for rank in self._prints for item in rank],
        }
        plain = json.dumps(document, separators=(",", ":")).encode("ascii")
        return base64.b64encode(_gzip(plain)).decode("ascii"), hashlib.sha256(plain).hexdigest()

    def _place(self, raw: str) -> int:
        known = self._raw.get(raw)
        if known is None:
            known = self._raw[raw] = self._text.place(visible(raw))
        return known

    def _rule(self, rule: str) -> int:
        known = self._rules.get(rule)
        return len(self._rules) + self._strangers.place(rule) if known is None else known

    def _leaf(self, leaf: Evidence) -> int:
        text = self._place
        return self._evidence.place(
            (
                text(leaf.path),
                text(leaf.state),
                text(observed(leaf, self._words)),
                text(expected(leaf, self._words)),
                text(leaf.rule_place),
                text(leaf.source),
                text(moment(leaf.collected_at or "")),
                text(leaf.note),
            )
        )

    @staticmethod
    def _card(card: RuleCard) -> Mapping[str, Any]:
        return {
            "id": visible(card.id),
            "title": visible(card.title),
            "rationale": visible(card.rationale),
            "effort": visible(card.effort),
            "az": [visible(line) for line in card.az],
            "bicep": visible(card.bicep),
            "terraform": visible(card.terraform),
            "mend": visible(card.manual_remediation),
            "manual": visible(card.manual),
            "place": visible(f"{card.file}:{card.line}"),
            "references": [[visible(address), link(address)] for address in card.references],
            "controls": [
                [visible(item.framework), visible(item.id), visible(item.basis)] for item in card.controls
            ],
        }


_VERDICTS = {verdict: place for place, verdict in enumerate(Verdict)}


def _where(origin: Any) -> str:
    return f"{origin.where}:{origin.line}:{origin.column or 1}" if origin.line else str(origin.where)


def _gzip(plain: bytes) -> bytes:
    """Gzip without a time, a name or an operating system, so that the same scan gives the same bytes."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflate.compress(plain) + deflate.flush()
    tail = struct.pack("<II", zlib.crc32(plain), len(plain) & 0xFFFFFFFF)
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff" + body + tail
