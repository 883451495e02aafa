"""How values of the world are shown: hostile characters made visible, JSON values as text, links only where safe."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from scanner.model import ids
from scanner.model.values import Hidden, Unknown, UnreadTail

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.formats.html.words import Words
    from scanner.model.finding import Evidence

LONGEST_VALUE = 2_000
"""Characters of one observed value that are shown; the rest is counted and left to the JSON report."""

LINKED_HOSTS = (
    "microsoft.com",
    "azure.com",
    "github.com",
    "cisecurity.org",
    "nist.gov",
    "iso.org",
    "pcisecuritystandards.org",
    "aicpa-cima.com",
    "kubernetes.io",
    "docker.com",
    "opencontainers.org",
    "cncf.io",
    "rfc-editor.org",
    "owasp.org",
    "mitre.org",
)
"""Hosts (and what is below them) that a reference may link to. Any other address is shown as text."""

PORTAL = "https://portal.azure.com/#@/resource"

# Controls, zero-width and bidirectional characters, surrogates, tags: all that can make a text look like another.
_DECEIVING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|\+00:00)")


def visible(text: str) -> str:
    """The text with every character that hides, reorders or breaks written out as its code point."""
    if text.isascii() and text.isprintable():
        return text
    return _DECEIVING.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text)


def json_text(value: Any, words: Words) -> str:
    """A JSON value on one line, its markers in words, cut at `LONGEST_VALUE` with the rest counted."""
    if value is True or value is False:
        return "true" if value else "false"
    text = json.dumps(value, ensure_ascii=False, default=lambda marker: _marker(marker, words))
    if len(text) <= LONGEST_VALUE:
        return text
    return text[:LONGEST_VALUE] + " " + words.say("value.cut", n=len(text) - LONGEST_VALUE)


def _marker(marker: object, words: Words) -> str:
    match marker:
        case Unknown(reason=reason) | UnreadTail(reason=reason):
            return f"({words.say('state.unread')}: {reason})"
        case Hidden(kind=kind):
            return f"({words.say('state.hidden')}: {kind})"
    return str(marker)


def observed(evidence: Evidence, words: Words) -> str:
    """What was observed: the value, or that it is not set, not read, hidden, or in error."""
    if evidence.state == "present":
        return json_text(evidence.actual, words)
    return f"({words.or_raw('state', evidence.state)})"


def expected(evidence: Evidence, words: Words) -> str:
    """The comparison that the rule makes: operator and operand."""
    return f"{evidence.operator} {json_text(evidence.expected, words)}".strip()


def command(arguments: Iterable[str]) -> str:
    """An argument vector as one line for a POSIX shell."""
    return shlex.join(arguments)


def moment(text: str) -> str:
    """An RFC 3339 UTC time for people; anything else as it is."""
    match = _TIME.fullmatch(text)
    return f"{match[1]} {match[2]} UTC" if match else text


def percent(part: int, whole: int) -> str:
    """A share with one decimal, rounded so that only everything is 100 % and only nothing is 0 %."""
    if whole <= 0:
        return "\u2013"
    tenths = part * 1000 // whole
    if tenths == 0 and part > 0:
        return "< 0.1 %"
    return f"{tenths // 10}.{tenths % 10} %"


def portal(resource_id: str) -> str:
    """The Azure portal's page of a resource, or "" for ids that are not of Azure."""
    if not resource_id.lower().startswith("/subscriptions/") or ids.file_of(resource_id):
        return ""
    return PORTAL + quote(resource_id.encode("utf-8", "replace"), safe="/")


def link(address: str) -> str:
    """The address when it may be linked (https, listed host, no user part, plain characters), else ""."""
    if not re.fullmatch(r"https://[A-Za-z0-9.-]+(?:/[!#-;=?-\[\]_a-z~%]*)?", address):
        return ""
    host = (urlsplit(address).hostname or "").lower()
    listed = any(host == known or host.endswith("." + known) for known in LINKED_HOSTS)
    return address if listed else ""


def evidence_link(address: str) -> str:
    """An https address that an attestation names, when it is plain (no user part, a full host name), else "".

    Where evidence is kept is the organisation's own choice, so any host may be linked; the page shows the whole address.
    """
    return (
        address
        if re.fullmatch(
            r"https://(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}(?::\d+)?(?:/[!#-;=?-\[\]_a-z~%]*)?", address
        )
        else ""
    )
