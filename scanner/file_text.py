"""Files that others wrote, as text: a path or bytes come in, the text comes out, or an `InputError` with file and line.

UTF-8 with or without a byte order mark, and UTF-16 with one (PowerShell writes it). Columns count UTF-16 units, as SARIF does.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from pathlib import Path

from scanner.errors import InputError

_BOMS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))


def bytes_of(path: Path, name: str, limit: int, advice: str = "Split the file.") -> bytes:
    """The content of an ordinary file of at most `limit` bytes. `name`: how messages call it."""
    try:
        if path.exists() and not path.is_file():
            raise InputError("is no ordinary file", name, "Folders, pipes and devices are not read.")
        size = path.stat().st_size
        if size > limit:
            raise InputError(f"has {size:,} bytes, more than the {limit:,} allowed", name, advice)
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", name) from error


def decoded(raw: bytes, name: str) -> str:
    """The text of a file's content."""
    encoding = next((found for bom, found in _BOMS if raw.startswith(bom)), "utf-8")
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InputError(
            f"is not {encoding.upper()} text (byte {error.start})",
            f"{name}:{line}",
            "Save the file as UTF-8.",
        ) from error


class Lines:
    """Where the lines of a text start; made once for many places."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.starts = [0, *(match.end() for match in re.finditer(r"\n", text))]

    def at(self, offset: int) -> tuple[int, int]:
        """1-based line and column of an offset."""
        line = self.number(offset)
        before = self._text[self.starts[line] : offset]
        return line + 1, 1 + len(before) + sum(character > "\uffff" for character in before)

    def number(self, offset: int) -> int:
        """The 0-based line of an offset."""
        return bisect_right(self.starts, offset) - 1
