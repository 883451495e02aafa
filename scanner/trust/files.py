"""Digests of files, and SHA256SUMS as `sha256sum -c` reads it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from scanner.errors import InputError

SUMS = "SHA256SUMS"
_BLOCK = 1 << 20
_LINE = re.compile(r"(\\?)([0-9a-f]{64}) [ *](.+)")
_ESCAPES = {"\\\\": "\\", "\\n": "\n", "\\r": "\r"}
"""How `sha256sum` writes what would end a line; such lines begin with a backslash."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A file of a run. `path` is relative to the folder, with slashes; `role`: output, or what input it is.

    `format`: of an output, the name of the report.
    """

    role: str
    path: str
    sha256: str
    size: int
    format: str = ""


def sha256_of(path: Path) -> str:
    """The digest of a file; `InputError` where it cannot be read."""
    found = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                found.update(block)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", str(path)) from error
    return found.hexdigest()


def sealed(role: str, path: Path, folder: Path) -> Sealed:
    """The entry of a file that lies in a folder."""
    return Sealed(role, path.relative_to(folder).as_posix(), sha256_of(path), path.stat().st_size)


def sums(files: Iterable[Sealed]) -> bytes:
    """Lines for `sha256sum -c`, sorted by path."""
    return "".join(_line(one) for one in sorted(files, key=lambda one: one.path)).encode()


def _line(one: Sealed) -> str:
    path = one.path
    for escape, plain in _ESCAPES.items():
        path = path.replace(plain, escape)
    head = "\\" if path != one.path else ""
    return f"{head}{one.sha256}  {path}\n"


def read_sums(path: Path) -> Iterator[tuple[str, str]]:
    """(path, sha256) of each line; `InputError` with the line for one that is none, or leads out of the folder."""
    try:
        lines = path.read_bytes().decode().split("\n")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", str(path)) from error
    except UnicodeDecodeError as error:
        raise InputError("is not UTF-8 text", str(path), "Was the file edited?") from error
    seen = set()
    for number, line in enumerate(lines, 1):
        if not line and number == len(lines):
            return
        match = _LINE.fullmatch(line)
        name = _plain(match) if match else ""
        if match is None or not inside(name):
            raise InputError("is no line of sha256sum", f"{path}:{number}", "Was the file edited?")
        if name in seen:
            raise InputError("names a file twice", f"{path}:{number}", "Was the file edited?")
        seen.add(name)
        yield name, match[2]


def _plain(match: re.Match[str]) -> str:
    if not match[1]:
        return match[3]
    return re.sub(r"\\.", lambda found: _ESCAPES.get(found[0], ""), match[3])


def inside(path: str) -> bool:
    """Whether a relative path stays below its folder, on every platform."""
    parts = path.replace("\\", "/").split("/")
    return not path.startswith(("/", "\\")) and ":" not in parts[0] and ".." not in parts and "" not in parts
