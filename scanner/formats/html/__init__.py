"""A scan becomes one HTML file that an auditor can keep: complete in itself, usable without its script, asking no network.

The order of the parts is the order of trust: what was looked at, how completely, and only then with which result.
All text is escaped by the template engine, hostile characters are made visible, and the page's own policy admits
nothing but the two blocks whose hashes it names. For servers that allow no inline block at all, the same page comes as
four files (`writers`): page, style, script and data.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote

from scanner.formats._settings import DEFAULT, Settings, Writer
from scanner.formats.html import shell, words
from scanner.formats.html.accepted import Accepted, gather
from scanner.formats.html.access import by_registry
from scanner.formats.html.agreement import compare
from scanner.formats.html.controls import by_framework
from scanner.formats.html.drift import Collector
from scanner.formats.html.findings import Selection, select
from scanner.formats.html.registries import survey
from scanner.formats.html.standing import Standing, stand
from scanner.formats.html.trend import draw
from scanner.model.finding import Verdict

if TYPE_CHECKING:
    from scanner.model.scan import Scan

EXTENSION = ".html"

PARTS = (
    "scope",
    "completeness",
    "summary",
    "controls",
    "registries",
    "access",
    "agreement",
    "findings",
    "waivers",
    "manual",
    "drift",
    "appendix",
    "integrity",
)

_CHUNK = 1 << 16


def render(scan: Scan, out: BinaryIO, settings: Settings = DEFAULT) -> None:
    """Write the report as one file; the bytes depend on the scan and the language alone."""
    context = _context(scan, settings)
    style, script = shell.style(context["standing"].report_id), shell.script()
    context.update(
        policy=shell.policy(style, script),
        style=shell.Plain(style),
        script=shell.Plain(script),
        data=base64.b64encode(context["findings"].data.packed).decode("ascii"),
        beside={},
    )
    _write(context, out, settings)


def writers(scan: Scan, settings: Settings) -> Mapping[str, Writer]:
    """The four files of `--html-mode split`: they carry the report's own file name, so that the page finds them."""
    if settings.html_mode != "split":
        return {}

    @cache
    def made() -> tuple[dict[str, Any], dict[str, bytes]]:
        context = _context(scan, settings)
        beside = {
            ".css": shell.style(context["standing"].report_id).encode(),
            ".js": shell.script().encode(),
            ".bin": context["findings"].data.packed,
        }
        return context, beside

    def page(_: Scan, out: BinaryIO) -> None:
        context, beside = made()
        files = {
            suffix: {
                "name": settings.stem + suffix,
                "address": "./" + quote(settings.stem + suffix),
                "digest": hashlib.sha256(content).hexdigest(),
            }
            for suffix, content in beside.items()
        }
        _write({**context, "policy": shell.SPLIT_POLICY, "beside": files}, out, settings)

    def other(suffix: str) -> Writer:
        def write(_: Scan, out: BinaryIO) -> None:
            out.write(made()[1][suffix])

        return write

    return {EXTENSION: page, **{suffix: other(suffix) for suffix in (".css", ".js", ".bin")}}


def _context(scan: Scan, settings: Settings) -> dict[str, Any]:
    """Everything that templates print, but for what differs between one file and several."""
    catalogue = words.load(settings.language)
    standing = stand(scan)
    access = by_registry(scan)
    agreement = compare(scan)
    collector = Collector()
    findings = select(scan, catalogue, standing.report_id, collector)
    reviewed = gather(scan, standing)
    return {
        "language": catalogue.language,
        "header": scan.header,
        "tallies": scan.tallies,
        "standing": standing,
        "summary": standing.summary,
        "tally": standing.counts,
        "enabled": sum(card.enabled for card in scan.header.rules),
        "estate": survey(scan),
        "frameworks": by_framework(standing.rules, scan.header.frameworks),
        "access": access,
        "agreement": agreement,
        "findings": findings,
        "drift": collector.view(scan),
        "trend": draw(scan),
        "accepted": reviewed,
        "waivers": {line.waiver.id: line for line in scan.waivers},
        "attestations": {line.attestation.id: line for line in scan.attestations},
        "titles": {card.id: card.title for card in scan.header.rules},
        "parts": PARTS,
        "badges": _badges(catalogue, standing, findings, agreement.tally.differs, reviewed),
    }


def _write(context: dict[str, Any], out: BinaryIO, settings: Settings) -> None:
    buffer: list[str] = []
    size = 0
    for piece in shell.environment(settings.language).get_template("shell.jinja").generate(context):
        buffer.append(piece)
        size += len(piece)
        if size >= _CHUNK:
            out.write("".join(buffer).encode("utf-8", "backslashreplace"))
            buffer, size = [], 0
    out.write("".join(buffer).encode("utf-8", "backslashreplace"))


def _badges(
    catalogue: words.Words, standing: Standing, findings: Selection, differences: int, reviewed: Accepted
) -> dict[str, str]:
    """What the list of parts says beside a part: counts of what calls for somebody."""
    open_reviews = standing.counts[Verdict.MANUAL] - standing.summary.attested
    numbers = {
        "findings": findings.total,
        "agreement": differences,
        "waivers": reviewed.calling,
        "manual": open_reviews,
    }
    badges = {name: catalogue.number(value) for name, value in numbers.items() if value}
    if standing.state != "complete":
        badges["completeness"] = shell.GLYPHS[standing.state]
    return badges
