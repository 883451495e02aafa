"""Text of the world made harmless: what deceives a terminal or a reader is written out, Markdown is escaped."""

from __future__ import annotations

import re
import unicodedata

_SUSPECT = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Cn", "Co"})
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {
    chr(code) for code in range(0xFE00, 0xFE10)
}
_MARKDOWN = re.compile(r"[\\`*_\[\]#|~<>&@:$]|^[-+=]|(?<=www)\.|(?<=^\d)[.)]|(?<=^\d\d)[.)]", re.IGNORECASE)
_BLANK = re.compile(r"[\t\n\r ]+")


def _shown(char: str) -> str:
    if unicodedata.category(char) in _SUSPECT or char in _INVISIBLE:
        code = ord(char)
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return char


def visible(text: str, limit: int = 2_000) -> str:
    """The text on one line with control, bidirectional and invisible characters as escapes; cut after `limit`."""
    if len(text) > limit:
        text = f"{text[:limit]} ... ({len(text) - limit} more characters)"
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if " " <= char <= "~" else _shown(char) for char in _BLANK.sub(" ", text))


def markdown(text: str) -> str:
    """Text as Markdown that shows that text: no markup, no links; a word joiner keeps @ and # from calling anybody."""
    return (
        _MARKDOWN.sub(lambda match: "\\" + match[0], visible(text))
        .replace("@", "@\u2060")
        .replace("#", "#\u2060")
    )


def code_span(text: str) -> str:
    """Text as a Markdown code span, with a fence longer than any run of backticks in it."""
    plain = visible(text)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", plain)), default=0))
    pad = " " if plain.startswith("`") or plain.endswith("`") or not plain.strip() else ""
    return f"{fence}{pad}{plain}{pad}{fence}"


def moment(text: str) -> str:
    """An RFC 3339 UTC time as people read it."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z", text)
    return f"{match[1]} {match[2]} UTC" if match else visible(text)


def percent(part: int, whole: int) -> str:
    """A share with one decimal, rounded down so that only everything is 100 % and only nothing is 0 %."""
    if whole <= 0:
        return "-"
    tenths = part * 1000 // whole
    if part and not tenths:
        return "< 0.1 %"
    return f"{tenths // 10}.{tenths % 10} %"
