"""Words of a command line come in, one line for a shell comes out: nothing in them can end a quote or deceive a reader."""

from __future__ import annotations

import re
import shlex
import unicodedata

_HARMLESS = re.compile(r"[\x20-\x7e]*\Z")


def quoted(words: tuple[str, ...]) -> str:
    """The words as a POSIX shell takes them apart again."""
    return " ".join(map(_word, words))


def _word(word: str) -> str:
    if _HARMLESS.match(word):
        return shlex.quote(word)
    return "$'" + "".join(map(_escaped, word)) + "'"


def _escaped(char: str) -> str:
    if char in "\\'":
        return "\\" + char
    if char.isprintable() and unicodedata.category(char) not in ("Cf", "Cn", "Co", "Cs"):
        return char
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a file name that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
