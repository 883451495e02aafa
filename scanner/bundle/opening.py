"""A bundle's bytes, or its folder, come in from anywhere; its files by name come out, or what is hostile in it.

The reader takes exactly what `archive` writes: USTAR headers of plain files. Links, devices, extended headers and everything
else that a tar stream can hold is refused by name, and what is unpacked never exceeds the bounds. Nothing is written here.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from scanner.bundle.archive import BLOCK, packed
from scanner.bundle.gather import LARGEST
from scanner.bundle.manifest import NAME
from scanner.bundle.names import PACK, PROFILES, clashes, problem_of
from scanner.errors import InputError
from scanner.language.pack import MAX_FILES, shown
from scanner.text import MAX_BYTES

MOST_BYTES = LARGEST + (MAX_FILES + 2) * 2 * BLOCK + 2_000_000
"""Bytes of an archive, packed or not: the files, their headers and padding, the manifest."""
GZIP = b"\x1f\x8b"
_KINDS = {
    b"1": "a hard link", b"2": "a symbolic link", b"3": "a character device", b"4": "a block device", b"5": "a folder",
    b"6": "a pipe", b"7": "a contiguous file", b"g": "a pax header", b"x": "a pax header", b"L": "a GNU long name",
    b"K": "a GNU long link", b"S": "a sparse file", b"M": "a part of another volume", b"V": "a volume label",
}  # fmt: skip
_FORM = "Bundles are written by `acrscan policy bundle`; this archive was made or changed by something else."


@dataclass(frozen=True, slots=True)
class Opened:
    """The files of a bundle by their path in it, the manifest among them.

    `exact`: the archive is, byte for byte, the one that these files are packed into (always so for a folder). `top`, `home`:
    what stands before a path in the bundle, and before one in its pack, where errors name a place.
    """

    name: str
    files: Mapping[str, bytes]
    top: str
    home: str
    exact: bool = True


def opened(path: Path) -> Opened:
    """The bundle in a file or in a folder it was unpacked into. Raises `InputError`."""
    if path.is_dir():
        return _folder(path)
    return from_bytes(read_bounded(path), shown(path))


def read_bounded(path: Path) -> bytes:
    """The bytes of an archive, no more than one may have."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", shown(path)) from error
    if len(content) > MOST_BYTES:
        raise InputError(f"has more than the {MOST_BYTES:,} bytes that a bundle may have", shown(path))
    return content


def from_bytes(content: bytes, where: str) -> Opened:
    """The bundle in an archive's bytes."""
    compressed = content.startswith(GZIP)
    plain = _unpacked(content, where) if compressed else content
    files: dict[str, bytes] = {}
    for name, member in _members(plain, where):
        if name in files:
            raise InputError("holds two files of one name", f"{where}!/{name}", _FORM)
        files[name] = member
    _checked(files, where)
    exact = packed(files, compressed=compressed) == content
    return Opened(where, files, f"{where}!", f"{where}!", exact)


def _unpacked(content: bytes, where: str) -> bytes:
    reader = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        plain = reader.decompress(content, MOST_BYTES + 1)
    except zlib.error as error:
        raise InputError(
            f"is no gzip file: {error}", where, "Was it downloaded whole, and as binary?"
        ) from error
    if len(plain) > MOST_BYTES:
        raise InputError(f"unpacks to more than the {MOST_BYTES:,} bytes that a bundle may have", where, _FORM)  # fmt: skip
    if not reader.eof:
        raise InputError("is cut off", where, "Get it again, whole.")
    return plain


def _members(plain: bytes, where: str) -> Iterator[tuple[str, bytes]]:
    """(name, content) of each file of a tar stream."""
    at, number = 0, 0
    while True:
        head = plain[at : at + BLOCK]
        if len(head) < BLOCK:
            raise InputError("is no whole tar archive: it ends too early", where, "Get it again, whole.")
        if not any(head):
            return
        number += 1
        if number > MAX_FILES + 1:
            raise InputError(f"holds more than {MAX_FILES:,} files", where, _FORM)
        name, size = _header(head, where)
        content = plain[at + BLOCK : at + BLOCK + size]
        if len(content) < size:
            raise InputError("is cut off inside this file", f"{where}!/{name}", "Get it again, whole.")
        yield name, content
        at += BLOCK + size + -size % BLOCK


def _header(head: bytes, where: str) -> tuple[str, int]:
    """Name and size of a plain file; anything else raises."""

    def refuse(what: str, name: str = "") -> NoReturn:
        raise InputError(what, f"{where}!/{_printable(name)}" if name else where, _FORM)

    if head[257:263] != b"ustar\0" and head[257:265] != b"ustar  \0":
        refuse("is no bundle: no tar archive of the form that bundles have")
    total = sum(head[:148]) + 8 * 0x20 + sum(head[156:])
    if _octal(head[148:156]) != total:
        refuse("is damaged: a header's checksum does not fit")
    raw = b"/".join(part.split(b"\0", 1)[0] for part in (head[345:500], head[:100])).lstrip(b"/")
    absolute = head[:1] == b"/" or head[345:346] == b"/"
    name = ("/" if absolute else "") + raw.decode("ascii", "backslashreplace")
    kind = head[156:157]
    if kind not in (b"0", b"\0"):
        refuse(f"is {_KINDS.get(kind, 'of an unknown kind')}; a bundle holds plain files only", name)
    if problem := problem_of(name):
        refuse(problem, name)
    size = _octal(head[124:136])
    if size is None or size > MAX_BYTES:
        refuse(f"has more than the {MAX_BYTES:,} bytes that a file of a bundle may have", name)
    return name, size


def _octal(field: bytes) -> int | None:
    """A number as tar writes it; None for what is none (negative and base-256 numbers among them)."""
    digits = field.strip(b" \0")
    return int(digits, 8) if digits and all(0x30 <= digit <= 0x37 for digit in digits) else None


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "�" for char in text[:200])


def _folder(folder: Path) -> Opened:
    """The files of a folder that a bundle was unpacked into."""
    files: dict[str, bytes] = {}
    size = 0
    for place, folders, names in os.walk(folder, onerror=_raise):
        folders.sort()
        for name in sorted((*names, *(one for one in folders if Path(place, one).is_symlink()))):
            path = Path(place, name)
            below = path.relative_to(folder).as_posix()
            where = f"{shown(folder)}/{_printable(below)}"
            if path.is_symlink() or not path.is_file():
                raise InputError("is a link or no plain file; a bundle holds plain files only", where)
            if problem := problem_of(below):
                raise InputError(problem, where)
            content = _bounded(path, where)
            size += len(content)
            if len(files) > MAX_FILES or size > MOST_BYTES:
                raise InputError(f"holds more than {MAX_FILES:,} files or {MOST_BYTES:,} bytes", shown(folder))  # fmt: skip
            files[below] = content
    _checked(files, shown(folder))
    return Opened(shown(folder), files, shown(folder), f"{shown(folder)}/{PACK}")


def _raise(error: OSError) -> None:
    raise InputError(f"cannot be read: {error.strerror or error}", str(error.filename)) from error


def _bounded(path: Path, where: str) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", where) from error
    if len(content) > MAX_BYTES:
        raise InputError(f"has more than the {MAX_BYTES:,} bytes that a file of a bundle may have", where)
    return content


def _checked(files: Mapping[str, bytes], where: str) -> None:
    for first, second in clashes(files):
        raise InputError(f"{second!r} and {first!r} are one name on some platforms", where, _FORM)
    for name in files:
        if name != NAME and name.split("/")[0] not in (PACK, PROFILES):
            raise InputError(f"lies neither in {PACK}/ nor in {PROFILES}/", f"{where}!/{name}", _FORM)
    if NAME not in files:
        raise InputError(f"holds no {NAME}, so it is no bundle", where, _FORM)
    if f"{PACK}/pack.yaml" not in files:
        raise InputError(f"holds no {PACK}/pack.yaml", where, _FORM)


def unpack(found: Opened, folder: Path) -> Path:
    """Write the files into a new, private folder; gives the folder of the pack in it."""
    for name, content in found.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / PACK
