"""Texts as OSCAL takes them: tokens, plain strings, Markdown in which outside text is nothing but text, times.

Titles, descriptions, remarks and prose are Markdown in OSCAL and know `{{ insert: ... }}`; names and values are plain.
Source: https://pages.nist.gov/metaschema/specification/datatypes/#markup-line
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from scanner.formats._text import visible

NAMESPACE = "https://acrscan.dev/ns/oscal"
"""The namespace of all properties that OSCAL does not define itself."""
_TOKEN = re.compile(r"[^A-Za-z0-9._-]")
_MARKUP = re.compile(
    r"[\\`*~^<>\[\]{|]"  # spans, links, pictures, tags, insertions, cells
    r"|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"  # emphasis; inside a word it is none
    r"|&(?=#?[A-Za-z0-9]+;)"  # entities
    r"|^[-+=#](?=[-+=#\s]|$)"  # lists, headings and rules, at the start only: all texts are one line
    r"|(?<=^\d)[.)]|(?<=^\d\d)[.)]"
)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")


def token(text: str) -> str:
    """A text as an OSCAL token: letters, digits, dots, dashes; beginning with a letter."""
    plain = _TOKEN.sub(".", text).strip(".-")
    return plain if plain[:1].isalpha() else f"c.{plain}"


def line(text: str) -> str:
    """A text as a plain string that OSCAL accepts: not empty, no blanks at its ends."""
    return visible(text).strip() or "(nothing)"


def prose(text: str, limit: int = 2_000) -> str:
    """A text as Markdown on one line that shows that text; also what OSCAL takes for a title."""
    shown = visible(text, limit).strip() or "(nothing)"
    return _MARKUP.sub(lambda match: "\\" + match[0], shown)


def moment(text: str | None, otherwise: str) -> str:
    """A time with its zone as it came, or the other one where it is no such time."""
    if not text or not _MOMENT.fullmatch(text):
        return otherwise
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return otherwise
    return text


def props(**values: str) -> list[dict[str, Any]]:
    """Properties of the namespace; what is empty is left out. `resource_type` becomes `resource-type`."""
    return [
        {"name": name.replace("_", "-"), "ns": NAMESPACE, "value": line(value)}
        for name, value in values.items()
        if value
    ]
