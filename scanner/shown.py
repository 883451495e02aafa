"""Text of the world comes in, text that deceives nobody goes out: for terminals and logs, for Markdown, for reports of CI systems.

Everything that prints what a file or a cloud said uses this: controls, bidirectional and invisible characters are written
out, Markdown is escaped, and nothing is left that a build service would obey as a command.
"""

from __future__ import annotations

import json
import re
import unicodedata

_SUSPECT = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Cn", "Co"})
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {
    chr(code) for code in range(0xFE00, 0xFE10)
}
_MARKDOWN = re.compile(r"[\\`*_\[\]#|~<>&@:$]|^[-+=]|(?<=www)\.|(?<=^\d)[.)]|(?<=^\d\d)[.)]", re.IGNORECASE)
_BLANK = re.compile(r"[\t\n\r ]+")
_REFERENCES = re.compile(r"(?i)\b(gh-)(?=\d)|([!%&^$~])(?=[\w\"'])")
_DOTS = re.compile(r"(?<=\w)\.(?=\w)")
_COMMAND = re.compile(r"##(?=\[|vso\[)", re.IGNORECASE)
_STARTS = re.compile(r"^(\s*)::", re.MULTILINE)
JOINER = "\u2060"


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


def one_line(text: str, limit: int = 2_000) -> str:
    """The text as `visible` shows it, with its blanks as they are: for lines whose columns count."""
    if len(text) > limit:
        text = f"{text[:limit]} ..."
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if " " <= char <= "~" else _shown(char) for char in text)


def inert(text: str) -> str:
    """A line of a build log in which GitHub and Azure DevOps find no command (`##[group]`, `##vso[task...]`).

    Both look for these anywhere in a line; a command that begins with `::` counts at its start, also after blanks, so the
    caller begins its lines with something else.
    """
    return _COMMAND.sub("## ", text)


def inert_json(text: str) -> str:
    """JSON that says the same, in which a build service finds no command and a terminal no control: such characters as escapes."""
    text = _COMMAND.sub(r"#\\u0023", text)
    if text.isascii():
        return text
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)


def inert_xml(text: str) -> str:
    """XML that says the same, in which a build service finds no command."""
    return _STARTS.sub(r"\1&#58;:", _COMMAND.sub("#&#35;", text))


def inert_block(text: str) -> str:
    """Lines of a Markdown code block, for which no log in which they are printed has any use: joiners part what commands begin with."""
    return _STARTS.sub(lambda found: f"{found[1]}:{JOINER}:", _COMMAND.sub(f"#{JOINER}#", text))


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


def safe(text: str, limit: int = 160) -> str:
    """Outside text as Markdown that shows just that text, at most `limit` characters of it.

    Services turn `GH-1`, `!1`, `%1`, `&1`, `~label`, `$1` and bare addresses into links after the Markdown is done, where
    a backslash no longer helps; a word joiner does. Others link bare host names (`evil.example`) while they parse: there
    the backslash helps, and the name can still be copied.
    """
    shown = visible(text)
    if len(shown) > limit:
        shown = f"{shown[: limit - 1]}…"
    joined = _REFERENCES.sub(lambda match: match[0] + JOINER, markdown(shown))
    return _DOTS.sub(r"\\.", joined.replace("://", f":{JOINER}//"))
