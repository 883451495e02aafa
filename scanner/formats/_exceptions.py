"""The register of exceptions: every waiver and attestation of a scan with what it covers, as CSV, JSON or Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import orjson

from scanner.formats._text import markdown, visible
from scanner.formats.csv import table
from scanner.model.codec import to_record

if TYPE_CHECKING:
    from scanner.model.scan import Scan
    from scanner.model.waiver import Attestation, Coverage, Waiver

FORMS = ("csv", "json", "markdown")
TITLES = (
    "id", "what", "state", "days left", "rule", "covers", "element", "covered", "kind or result", "reason", "owner",
    "approver", "ticket or evidence", "created", "expires", "why not", "place", "exemption",
)  # fmt: skip


def written(scan: Scan, form: str) -> bytes:
    """The register in one of `FORMS`."""
    if form == "json":
        record = {
            "now": scan.header.now,
            "waiverFile": scan.header.waiver_file,
            "waiverDigest": scan.header.waiver_digest,
            "waivers": [to_record(line) for line in scan.waivers],
            "attestations": [to_record(line) for line in scan.attestations],
        }
        return orjson.dumps(record, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    rows = [[visible(cell) for cell in row] for row in _rows(scan)]
    if form == "csv":
        return b"".join(table(TITLES, rows))
    lines = ["| " + " | ".join(TITLES) + " |", "|" + "---|" * len(TITLES)]
    lines += ["| " + " | ".join(markdown(cell) for cell in row) + " |" for row in rows]
    return ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")


def _rows(scan: Scan) -> Iterator[list[str]]:
    for line in scan.waivers:
        one = line.waiver
        head = [one.id, "waiver", line.state, str(line.days_left)]
        yield [*head, *_common(one, one.kind, one.ticket, line.findings), line.why, one.place, one.source]
    for vouched in scan.attestations:
        word = vouched.attestation
        head = [word.id, "attestation", vouched.state, str(vouched.days_left)]
        yield [
            *head,
            *_common(word, word.result, word.evidence, vouched.evaluations),
            vouched.why,
            word.place,
            "",
        ]


def _common(entry: Waiver | Attestation, kind: str, proof: str, covered: int) -> list[str]:
    covers: Coverage = entry.covers
    target = covers.resource or covers.glob or covers.fingerprint
    people = [kind, entry.reason, entry.owner, entry.approver, proof, entry.created, entry.expires]
    return [covers.rule, target, covers.element, str(covered), *people]
