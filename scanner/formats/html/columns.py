"""The data of the page's table: findings as columns of numbers into pools of texts, then gzip.

Most findings share their rule, resource, evidence and words; pooling keeps 100,000 of them within a few megabytes. A
fingerprint cannot be pooled and does not shrink, so the page works it out again where it can: only its beginning goes out.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import sub
from typing import TYPE_CHECKING, Any

from scanner.formats._text import written
from scanner.formats.html import facts
from scanner.formats.html.show import command, expected, observed, visible
from scanner.model.finding import Verdict
from scanner.model.rule import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Hashable

    from scanner.formats.html.words import Words
    from scanner.model.finding import Evidence, Finding
    from scanner.model.resource import Origin, Place
    from scanner.model.scan import Scan

AFFECTED_SHOWN = 50
"""Resources named under one finding that share its cause; the rest is counted."""
PREFIX = 6
"""Characters of each fingerprint that go out; the page finds a fingerprint by them and proves it by working out the rest."""
SEPARATOR = "\x7f"
"""Stands between the pooled texts, which go out as one: no text holds it, since what is shown has no controls."""
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
    "lapsed",
    "attestation",
    "change",
    "why",
    "was",
    "firstSeen",
    "cause",
)
_HEX = re.compile(r"[0-9a-f]{64}")
_VERDICTS = {verdict: place for place, verdict in enumerate(Verdict)}


class Pool(dict[Any, int]):
    """Distinct values in the order of their first use: asked for a value, it gives its place, new or known."""

    def __init__(self, *first: Hashable) -> None:
        super().__init__((value, place) for place, value in enumerate(first))

    def __missing__(self, value: Hashable) -> int:
        place = self[value] = len(self)
        return place


class Texts(dict[str, int]):
    """The places of texts as they are shown, by the texts as they came; most are known, which no call of ours answers."""

    def __init__(self) -> None:
        super().__init__({"": 0})
        self.shown = Pool("")

    def __missing__(self, raw: str) -> int:
        place = self[raw] = self.shown[visible(raw)]
        return place


@dataclass(frozen=True, slots=True)
class Block:
    """The finished data: gzip of JSON, and the sha256 (hex) of that JSON."""

    packed: bytes
    digest: str


class Columns:
    """Collects rows by rank; `packed` gives the finished block."""

    def __init__(self, scan: Scan, words: Words, ranks: int) -> None:
        self._scan = scan
        self._words = words
        self._text = Texts()
        self._rules = {card.id: place for place, card in enumerate(scan.header.rules)}
        self._strangers = Pool()
        self._severities = Pool(*SEVERITIES)
        self._resources = Pool()
        self._last: tuple[str, int] = ("", -1)
        self._evidence = Pool()
        self._proofs = Pool(())
        self._origins = Pool()
        self._known_origins: dict[tuple[Origin, tuple[Place, ...]], int] = {}
        self._lists = Pool(())
        self._rows: list[list[tuple[int, ...]]] = [[] for _ in range(ranks)]
        self._prints: list[list[str]] = [[] for _ in range(ranks)]
        self._whole: list[dict[int, str]] = [{} for _ in range(ranks)]
        """For each rank, the fingerprints that the page cannot work out itself."""

    def add(self, rank: int, finding: Finding) -> None:
        """Take one finding in."""
        text = self._text
        prints = self._prints[rank]
        if _HEX.fullmatch(finding.fingerprint):
            if not _computed(finding):
                self._whole[rank][len(prints)] = finding.fingerprint
            prints.append(finding.fingerprint[:PREFIX])
        else:
            self._whole[rank][len(prints)] = visible(finding.fingerprint)
            prints.append("-" * PREFIX)
        self._rows[rank].append(
            (
                self._rule(finding.rule),
                self._severities[finding.severity],
                _VERDICTS[finding.verdict],
                self._resource(finding),
                text[finding.message],
                text[finding.reason],
                text[finding.element],
                self._proofs[tuple([self._leaf(item) for item in finding.evidence])],
                self._origin(finding),
                self._lists[tuple([text[item] for item in finding.affected[:AFFECTED_SHOWN]])],
                len(finding.affected),
                self._lists[tuple([text[command(item)] for item in finding.commands])],
                text[finding.api_version or ""],
                text[finding.qualifier],
                text[finding.waiver or ""],
                text[finding.lapsed],
                text[finding.attestation],
                text[finding.change or ""],
                text[finding.why],
                text[finding.was],
                text[finding.first_seen or ""],
                text[finding.cause],
            )
        )

    def packed(self, total: int, report: str) -> Block:
        """The block; `report` names the page that it belongs to."""
        rows = [row for rank in self._rows for row in rank]
        columns: Sequence[Sequence[int]] = list(zip(*rows, strict=True)) if rows else [()] * len(COLUMNS)
        whole, start = {}, 0
        for prints, known in zip(self._prints, self._whole, strict=True):
            whole.update({start + at: item for at, item in known.items()})
            start += len(prints)
        header = self._scan.header
        document = {
            "version": 2,
            "report": report,
            "total": total,
            "size": len(rows),
            "words": self._words.for_page(),
            "verdicts": [verdict.value for verdict in Verdict],
            "severities": [visible(severity) for severity in self._severities],
            "subscriptions": {visible(key): visible(name) for key, name in header.subscriptions.items()},
            "rules": [
                *(facts.rule(card) for card in header.rules),
                *({"id": visible(rule)} for rule in self._strangers),
            ],
            "waivers": facts.waivers(self._scan),
            "attestations": facts.attestations(self._scan),
            "frameworks": {visible(one.id): visible(one.title) for one in header.frameworks},
            "resources": _table(list(self._resources), 6),
            "evidence": _table(list(self._evidence), 8),
            "proofs": _ragged(list(self._proofs)),
            "origins": _table(list(self._origins), 3),
            "lists": _ragged(list(self._lists)),
            "text": SEPARATOR.join(self._text.shown),
            "columns": {name: _short(column) for name, column in zip(COLUMNS, columns, strict=True)},
            "prints": "".join(item for rank in self._prints for item in rank),
            "whole": whole,
        }
        plain = json.dumps(document, separators=(",", ":")).encode("ascii")
        return Block(_gzip(plain), hashlib.sha256(plain).hexdigest())

    def _rule(self, rule: str) -> int:
        known = self._rules.get(rule)
        return len(self._rules) + self._strangers[rule] if known is None else known

    def _resource(self, finding: Finding) -> int:
        """Rows of one resource stand together, so the last one is remembered."""
        if finding.resource == self._last[0]:
            return self._last[1]
        text = self._text
        row = (
            text[finding.resource],
            text[finding.resource_type],
            text[finding.resource_name],
            text[finding.subscription],
            text[finding.resource_group],
            text[finding.location],
        )
        place = self._resources[row]
        self._last = (finding.resource, place)
        return place

    def _origin(self, finding: Finding) -> int:
        origin = finding.origin
        key = (origin, finding.places)
        known = self._known_origins.get(key)
        if known is None:
            text = self._text
            row = (text[origin.source], text[written(finding)], text[origin.collected_at or ""])
            known = self._known_origins[key] = self._origins[row]
        return known

    def _leaf(self, leaf: Evidence) -> int:
        text = self._text
        row = (
            text[leaf.path],
            text[leaf.state],
            text[observed(leaf, self._words)],
            text[expected(leaf, self._words)],
            text[leaf.rule_place],
            text[leaf.source],
            text[leaf.collected_at or ""],
            text[leaf.note],
        )
        return self._evidence[row]


def _computed(finding: Finding) -> bool:
    """Whether the page's own arithmetic (`fingerprintOf` in its script) gives this fingerprint."""
    where = finding.cause or finding.resource
    told = f"{finding.rule}{where}{finding.element}"
    if not (told.isascii() and told.isprintable()):
        return False
    joined = f"{finding.rule.lower()}\x1f/{where.strip('/').lower()}\x1f{finding.element}"
    return hashlib.sha256(joined.encode()).hexdigest() == finding.fingerprint


def _short(column: Sequence[int]) -> list[int] | int:
    """A column that holds one number throughout as that number, else as steps."""
    return column[0] if column and column.count(column[0]) == len(column) else _steps(column)


def _steps(column: Sequence[int]) -> list[int]:
    """Each number less the one before it: places in pools mostly rise by one, and ones compress to nothing."""
    return list(map(sub, column, chain((0,), column)))


def _table(rows: Iterable[Sequence[int]], width: int) -> list[list[int]]:
    """Rows of one width as columns of steps."""
    columns: Sequence[Sequence[int]] = list(zip(*rows, strict=True)) or [()] * width
    return [_steps(column) for column in columns]


def _ragged(rows: Sequence[Sequence[int]]) -> dict[str, list[int]]:
    """Rows of any length as their lengths, and all their numbers as steps."""
    return {
        "sizes": [len(row) for row in rows],
        "items": _steps([item for row in rows for item in row]),
    }


def _gzip(plain: bytes) -> bytes:
    """Gzip without a time, a name or an operating system, so that the same scan gives the same bytes."""
    deflate = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflate.compress(plain) + deflate.flush()
    tail = struct.pack("<II", zlib.crc32(plain), len(plain) & 0xFFFFFFFF)
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff" + body + tail
