"""The page's frame: the template engine with everything templates may say, the policy, the joined style and script."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from scanner.formats._text import written
from scanner.formats.html import show, words
from scanner.formats.html.access import strong_first
from scanner.formats.html.agreement import CONFIGURED, SIGNS
from scanner.formats.html.columns import AFFECTED_SHOWN
from scanner.formats.html.standing import ORDER, STATUSES, segments
from scanner.formats.html.trend import scored
from scanner.model import ids
from scanner.model.finding import Verdict
from scanner.model.rule import SEVERITIES
from scanner.model.waiver import IN_FORCE

if TYPE_CHECKING:
    import jinja2


STYLE = ("style/screen.css", "style/findings.css", "style/paper.css")
SCRIPT = (
    "script/tools.js",
    "script/data.js",
    "script/choose.js",
    "script/grid.js",
    "script/drawer.js",
    "script/links.js",
    "script/paper.js",
    "script/start.js",
)
"""The script's files in the order in which they are joined; they share one function's scope."""
GLOSSARY = (
    "evaluation",
    "finding",
    "fingerprint",
    "evidence",
    "score",
    "settling",
    "waiver",
    "drift",
    "path",
)
GLYPHS = {
    "pass": "✓",
    "fail": "✕",
    "unknown": "?",
    "error": "!",
    "notApplicable": "\u2013",
    "manual": "✎",
    "notEvaluated": "○",
    "disabled": "⊘",
    "waived": "⊖",
    "attested": "✔",
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
    "new": "+",
    "reopened": "↻",
    "changed": "≠",
    "persisting": "=",
    "resolved": "✓",
    "carried": "…",
    "in-force": "✓",
    "expires-soon": "◔",
    "expired": "✕",
    "not-yet": "○",
    "refused": "⊘",
    "unused": "?",
    "lapsed": "✕",
    "met": "✓",
    "not-met": "✕",
}
"""A shape beside every status word, so that no status is told by colour alone."""


class Plain(str):
    """Our own style and script: the only texts that go out unescaped, each admitted by its hash."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


def style(report: str) -> str:
    """The page's style, with the report's name (hexadecimal) on every printed page."""
    return "".join(map(read, STYLE)) + f'@page{{@bottom-left{{content:"acrscan {report}"}}}}\n'


def script() -> str:
    """The page's script: its files in one function, so that nothing of it is visible from outside."""
    return '"use strict";\n(() => {\n' + "".join(map(read, SCRIPT)) + "})();\n"


def policy(style_: str, script_: str) -> str:
    """What the page of one file admits: the two blocks whose hashes it names, and nothing from anywhere."""
    return (
        f"default-src 'none'; script-src '{_hash(script_)}'; style-src '{_hash(style_)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


SPLIT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)
"""What the page of several files admits: the files beside it."""


def _hash(block: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()


def read(name: str) -> str:
    """A file of this package."""
    return files(__package__).joinpath(name).read_text("utf-8").replace("\r\n", "\n")


@lru_cache(maxsize=4)
def environment(language: str) -> jinja2.Environment:
    """The template engine for a language: everything is escaped, an unknown name is an error."""
    import jinja2  # noqa: PLC0415 - heavy, and most commands never write HTML

    catalogue = words.load(language)
    made = jinja2.Environment(
        loader=jinja2.FunctionLoader(read),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
        extensions=(),
    )
    made.globals.update(
        words=catalogue,
        say=catalogue.say,
        many=catalogue.many,
        number=catalogue.number,
        percent=catalogue.percent,
        glyph=lambda name: GLYPHS.get(name, "◇"),
        css_name=lambda name: re.sub(r"[^A-Za-z-]", "", name) or "other",
        moment=show.moment,
        portal=show.portal,
        link=show.link,
        evidence_link=show.evidence_link,
        command=show.command,
        written=written,
        observed=partial(show.observed, words=catalogue),
        expected=partial(show.expected, words=catalogue),
        json_text=partial(show.json_text, words=catalogue),
        segments=segments,
        scored=scored,
        strong_first=strong_first,
        name_of=ids.name_of,
        group_of=ids.resource_group_of,
        agreement_configured=CONFIGURED,
        agreement_signs=SIGNS,
        order=ORDER,
        statuses=STATUSES,
        severities=SEVERITIES,
        in_force=IN_FORCE,
        glossary=GLOSSARY,
        affected_shown=AFFECTED_SHOWN,
        **{verdict.name: verdict for verdict in Verdict},
    )
    return made


def _shown(value: Any) -> Any:
    """Make hostile characters visible in every value that a template prints; None is a mistake of ours."""
    if hasattr(value, "__html__"):
        return value
    if value is None:
        raise TypeError("a template printed None")
    return show.visible(str(value))
