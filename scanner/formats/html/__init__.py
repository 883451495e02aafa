"""A scan becomes one HTML file that an auditor can keep: complete in itself, usable without its script, asking no network.

The order of the parts is the order of trust: what was looked at, how completely, and only then with which result.
All text is escaped by the template engine, hostile characters are made visible, and the page's own policy admits
nothing but the two blocks whose hashes it names.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any, BinaryIO

from scanner.formats._settings import DEFAULT, Settings
from scanner.formats.html import show, words
from scanner.formats.html.access import by_registry, strong_first
from scanner.formats.html.agreement import CONFIGURED, SIGNS, compare
from scanner.formats.html.columns import AFFECTED_SHOWN
from scanner.formats.html.controls import by_framework
from scanner.formats.html.findings import select
from scanner.formats.html.registries import survey
from scanner.formats.html.standing import ORDER, STATUSES, segments, stand
from scanner.model import ids
from scanner.model.finding import Verdict
from scanner.model.rule import SEVERITIES

if TYPE_CHECKING:
    import jinja2

    from scanner.formats.html.standing import Standing
    from scanner.model.resource import Origin
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
    "manual",
    "appendix",
    "integrity",
)
GLOSSARY = ("evaluation", "finding", "fingerprint", "evidence", "score", "settling", "path")
GLYPHS = {
    "pass": "✓",
    "fail": "✕",
    "unknown": "?",
    "error": "!",
    "notApplicable": "\u2013",
    "manual": "✎",
    "notEvaluated": "○",
    "disabled": "⊘",
    "critical": "▲▲",
    "high": "▲",
    "medium": "◆",
    "low": "▽",
    "info": "·",
    "complete": "✓",
    "partial": "◐",
    "failed": "✕",
    "not-asked": "○",
    "incomplete": "◐",
    "nothing": "○",
}
"""A shape beside every status word, so that no status is told by colour alone."""

_CHUNK = 1 << 16


def render(scan: Scan, out: BinaryIO, settings: Settings = DEFAULT) -> None:  # noqa: ARG001
    """Write the report; the bytes depend on the scan alone."""
    catalogue = words.load()
    standing = stand(scan)
    access = by_registry(scan)
    agreement = compare(scan)
    findings = select(scan, catalogue)
    style = _read("page.css") + _page_footer(standing)
    script = _read("page.js")
    tally = standing.counts
    context = {
        "language": catalogue.language,
        "header": scan.header,
        "tallies": scan.tallies,
        "standing": standing,
        "tally": tally,
        "counts": {"pass_" if name is Verdict.PASS else name.value: number for name, number in tally.items()},
        "enabled": sum(card.enabled for card in scan.header.rules),
        "estate": survey(scan),
        "frameworks": by_framework(standing.rules),
        "access": access,
        "agreement": agreement,
        "findings": findings,
        "failed_rows": sum(scan.tallies.findings.values()),
        "titles": {card.id: card.title for card in scan.header.rules},
        "parts": PARTS,
        "badges": _badges(standing, findings.total, agreement.tally.differs),
        "policy": _policy(script, style),
        "style": _Plain(style),
        "script": _Plain(script),
    }
    buffer: list[str] = []
    size = 0
    for piece in _environment(catalogue.language).get_template("shell.jinja").generate(context):
        buffer.append(piece)
        size += len(piece)
        if size >= _CHUNK:
            out.write("".join(buffer).encode("utf-8", "backslashreplace"))
            buffer, size = [], 0
    out.write("".join(buffer).encode("utf-8", "backslashreplace"))


class _Plain(str):
    """Our own style and script: the only texts that go out unescaped, each admitted by its hash."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


def _badges(standing: Standing, findings: int, differences: int) -> dict[str, str]:
    badges = {"findings": words.number(findings), "manual": words.number(len(standing.manual))}
    if differences:
        badges["agreement"] = words.number(differences)
    if standing.state != "complete":
        badges["completeness"] = GLYPHS[standing.state]
    return badges


def _policy(script: str, style: str) -> str:
    return (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(block: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()


def _page_footer(standing: Standing) -> str:
    """Name the report on every printed page; the id is hexadecimal."""
    return f'@page{{@bottom-left{{content:"acrscan {standing.report_id}"}}}}\n'


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8").replace("\r\n", "\n")


@lru_cache(maxsize=4)
def _environment(language: str) -> jinja2.Environment:
    import jinja2  # noqa: PLC0415 - heavy, and most commands never write HTML

    catalogue = words.load(language)
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_read),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
        extensions=(),
    )
    environment.globals.update(
        words=catalogue,
        say=catalogue.say,
        many=catalogue.many,
        number=words.number,
        glyph=lambda name: GLYPHS.get(name, "◇"),
        css_name=lambda name: re.sub(r"[^A-Za-z-]", "", name) or "other",
        moment=show.moment,
        percent=show.percent,
        portal=show.portal,
        link=show.link,
        command=show.command,
        origin_place=_origin_place,
        observed=partial(show.observed, words=catalogue),
        expected=partial(show.expected, words=catalogue),
        json_text=partial(show.json_text, words=catalogue),
        segments=segments,
        strong_first=strong_first,
        name_of=ids.name_of,
        group_of=ids.resource_group_of,
        agreement_configured=CONFIGURED,
        agreement_signs=SIGNS,
        order=ORDER,
        statuses=STATUSES,
        severities=SEVERITIES,
        glossary=GLOSSARY,
        affected_shown=AFFECTED_SHOWN,
        **{verdict.name: verdict for verdict in Verdict},
    )
    return environment


def _origin_place(origin: Origin) -> str:
    return f"{origin.where}:{origin.line}:{origin.column or 1}" if origin.line else origin.where


def _shown(value: Any) -> Any:
    """Make hostile characters visible in every value that a template prints; None is a mistake of ours."""
    if hasattr(value, "__html__"):
        return value
    if value is None:
        raise TypeError("a template printed None")
    return show.visible(str(value))
