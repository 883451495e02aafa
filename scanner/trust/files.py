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
_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")


@dataclass(frozen=True, slots=True)
class Sealed:
    """A file of a run. `path` is relative to the folder, with slashes; `role`: output, or what input it is."""

    role: str
    path: str
    sha256: str
    size: int


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
    """Lines for `sha256sum -c`, sorted by path. Paths come from us and hold no line's end."""
    return "".join(f"{one.sha256}  {one.path}\n" for one in sorted(files, key=lambda one: one.path)).encode()


def read_sums(path: Path) -> Iterator[tuple[str, str]]:
    """(path, sha256) of each line; `InputError` with the line for one that is none, or leads out of the folder."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {error}", str(path)) from error
    for number, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line)
        if match is None or not inside(match[2]):
            raise InputError("is no line of sha256sum", f"{path}:{number}", "Was the file edited?")
        yield match[2], match[1]


def inside(path: str) -> bool:
    """Whether a relative path stays below its folder, on every platform."""
    parts = path.replace("\\", "/").split("/")
    return not path.startswith(("/", "\\")) and ":" not in parts[0] and ".." not in parts and "" not in parts
