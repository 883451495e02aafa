"""Files with settings as hosts write them: bytes come in, JSON with places or assignments of variables come out.

Shell files are read, not run: a value that would have to be computed is not known.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from scanner.errors import InputError
from scanner.inventory.arm_template.positions import Document, parse_document
from scanner.inventory.host.root import File, Root, Unreadable

_BOMS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_MOST_LINES = 50
"""That one quoted text may go over."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """`NAME=value` in a file. `value`: None where it would have to be computed; 1-based line and column of the name."""

    name: str
    value: str | None
    line: int
    column: int
    length: int


def decoded(file: File) -> str | Unreadable:
    """The text of a file: UTF-8 with or without a BOM, or UTF-16 with one."""
    encoding = next((name for bom, name in _BOMS if file.data.startswith(bom)), "utf-8")
    try:
        text = file.data.decode(encoding)
    except UnicodeDecodeError as error:
        return Unreadable(file.path, f"{file.path} is not {encoding.upper()} text (byte {error.start})")
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


def assignments(text: str) -> Iterator[Assignment]:
    """Every plain assignment of a shell file, an environment file or `/etc/environment`, in order.

    Commands, conditions and functions are passed over: what is assigned inside of them is read as if it were run.
    """
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        start = at
        logical = lines[at]
        at += 1
        while logical.endswith("\\") and at < len(lines):
            logical = f"{logical[:-1]} {lines[at]}"
            at += 1
        words = _words(logical)
        while words is None and at < len(lines) and at - start < _MOST_LINES:
            logical = f"{logical}\n{lines[at]}"
            at += 1
            words = _words(logical)
        if words is None:
            at = start + 1
            continue
        computed = "$" in logical or "`" in logical
        yield from _assigned(words, lines[start], start + 1, computed=computed)


def _words(line: str) -> list[str] | None:
    """The words of a logical line; None while a quoted text has no end."""
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        return None


def _assigned(words: list[str], first: str, line: int, *, computed: bool) -> Iterator[Assignment]:
    found = []
    for word in words:
        name, equals, value = word.partition("=")
        if word in ("export", "declare", "-x", "then", "else", "do", "{"):
            continue
        if not equals or not _NAME.match(name):
            return  # a command: what stands before it is for it alone
        unclear = computed and ("$" in value or "`" in value)
        column = first.find(f"{name}=") + 1
        length = len(first.rstrip()) - column + 1 if len(words) <= 2 else len(name)
        found.append(Assignment(name, None if unclear else value, line, max(column, 1), max(length, 0)))
    yield from found
