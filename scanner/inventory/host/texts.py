"""Files with settings as hosts write them: bytes come in, JSON with places or assignments of variables come out.

Shell files are read, not run: a value that would have to be computed is not known.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from scanner import file_text
from scanner.errors import InputError
from scanner.inventory.arm_template.positions import Document, parse_document
from scanner.inventory.host.root import File, Root, Unreadable

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_PIECE = re.compile(
    r"""(?P<plain>[^\n'"\\\#]++|'[^']*+'|"(?:[^"\\]++|\\.)*+"|(?<=[^\s;&|()])\#)"""
    r"""|(?P<joined>\\\n)|(?P<escaped>\\.)|(?P<comment>\#[^\n]*+)|(?P<end>\n)|(?P<open>['"\\])""",
    re.DOTALL,
)
"""One piece of a shell's line; `open` is a quote that nothing closes."""
_AROUND = frozenset({"export", "declare", "-x", "then", "else", "do", "{"})
"""Words before an assignment that make it no command's own."""


@dataclass(frozen=True, slots=True)
class Written:
    """A value and where it stands in a file of the host: 1-based line and column, and the text around from `begins` on."""

    value: str
    path: str
    line: int
    column: int = 1
    text: str = ""
    begins: int = 1

    def spot(self, word: str) -> tuple[int, int]:
        """Line and column of a word in the text; of the value where it is written otherwise."""
        at = self.text.find(word)
        if at < 0:
            return self.line, self.column
        return self.begins + self.text.count("\n", 0, at), at - self.text.rfind("\n", 0, at)


@dataclass(frozen=True, slots=True)
class Assignment:
    """`NAME=value` in a file. `value`: None where it would have to be computed; `length`: how far it goes in its line."""

    name: str
    value: str | None
    line: int
    column: int
    length: int
    text: str
    begins: int

    def written(self, path: str) -> Written:
        """The value with its place in a file."""
        return Written(self.value or "", path, self.line, self.column, self.text, self.begins)


def decoded(file: File) -> str | Unreadable:
    """The text of a file: UTF-8 with or without a BOM, or UTF-16 with one."""
    try:
        text = file_text.decoded(file.data, file.path)
    except InputError as error:
        return Unreadable(file.path, f"{file.path} {error.what}")
    return Unreadable(file.path, f"{file.path} is no text: it holds NUL bytes") if "\x00" in text else text


def json_of(root: Root, file: File) -> Document | Unreadable:
    """The JSON of a file, strictly as Docker reads it; of a repeated key the last one counts, which is noted as a warning."""
    text = decoded(file)
    if isinstance(text, Unreadable):
        return text
    text = text.removeprefix("\ufeff")
    if not text.strip():
        return Unreadable(file.path, f"{file.path} is empty; Docker does not read it")
    try:
        json.loads(text)
        return parse_document(text, root.name(file.path))
    except json.JSONDecodeError as error:
        reason = f"is not valid JSON: {error.msg} at {error.lineno}:{error.colno}"
    except InputError as error:
        reason = error.what
    except (ValueError, RecursionError) as error:
        reason = f"is not valid JSON: {'nested too deeply' if isinstance(error, RecursionError) else error}"
    return Unreadable(file.path, f"{file.path} {reason}; mend it, Docker cannot read it either")


def assignments(text: str, names: Iterable[str] = ()) -> Iterator[Assignment]:
    """Every plain assignment of a shell file, an environment file or `/etc/environment`, in order.

    `names`: lines that hold none of these are passed over, which saves time (none: every line is looked at).
    Commands, conditions and functions are passed over: what is assigned inside of them is read as if it were run.
    """
    text = text.replace("\r\n", "\n")
    at, line = 0, 1
    while at < len(text):
        end, said, closed = _logical(text, at)
        raw = text[at:end]
        if closed and (not names or any(name in said for name in names)):
            yield from _assigned(said, raw, line)
        elif not closed and end < len(text):
            end = text.find("\n", at)  # the quote that nothing closes spoils its own line alone
            raw = text[at:end]
        at = end + 1
        line += raw.count("\n") + 1


def _logical(text: str, at: int) -> tuple[int, str, bool]:
    """Where the line of a shell that starts at an offset ends, what it says without comments, and whether its quotes close."""
    parts = []
    while at < len(text):
        match = _PIECE.match(text, at)
        if match is None or match.lastgroup == "open":
            return (text + "\n").find("\n", at), "", False
        if match.lastgroup == "end":
            break
        if match.lastgroup not in ("comment", "joined"):
            parts.append(match[0])
        at = match.end()
    return at, "".join(parts), True


def _assigned(said: str, raw: str, begins: int) -> Iterator[Assignment]:
    try:
        words = shlex.split(said)
    except ValueError:
        return  # a backslash at the very end
    found = []
    for word in words:
        name, equals, value = word.partition("=")
        if word in _AROUND:
            continue
        if not equals or not _NAME.match(name):
            return  # a command: what stands before it is for it alone
        at = max(raw.find(f"{name}="), 0)
        alone = sum("=" in one for one in words) == 1
        length = len(raw[at:].partition("\n")[0].rstrip()) if alone else len(name)
        computed = "$" in value or "`" in value
        found.append(
            Assignment(
                name,
                None if computed else value,
                begins + raw.count("\n", 0, at),
                at - raw.rfind("\n", 0, at),
                length,
                raw,
                begins,
            )
        )
    yield from found
