"""Files by name come in, one archive's bytes come out: the same on every machine, by every Python.

A plain USTAR stream: the manifest first, then sorted names, mode 0644, owner 0, time 0, no folders. Compressed bytes are the
business of the zlib at hand (zlib-ng and others find different ones for the same text), so `.tar.gz` is a gzip file whose
blocks are stored: a valid gzip file for every reader, and its digest depends on its content alone.
Sources: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html (ustar), RFC 1952 (gzip), RFC 1951 3.2.4 (stored)
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

from scanner.bundle.manifest import NAME

BLOCK = 512
_STORED = 0xFFFF
_NAME, _SUM = 100, 148
_FIELDS = struct.Struct("100s8s8s8s12s12s8sc100s6s2s32s32s8s8s155s12x")
"""name, mode, uid, gid, size, mtime, checksum, type, link, magic, version, user, group, device numbers, prefix."""


def tar(files: Mapping[str, bytes]) -> bytes:
    """The tar stream. Names are at most 150 characters of ASCII, parts at most 96 (see `names`)."""
    parts: list[bytes] = []
    for name in sorted(files, key=lambda one: (one != NAME, one)):
        content = files[name]
        parts += (_header(name, len(content)), content, b"\0" * (-len(content) % BLOCK))
    parts.append(b"\0" * (2 * BLOCK))
    return b"".join(parts)


def _header(name: str, size: int) -> bytes:
    """One header, written out here: `tarfile` fills the unused fields differently from one Python to the next."""
    prefix = ""
    if len(name) > _NAME:
        ways = [at for at, char in enumerate(name) if char == "/" and len(name) - at - 1 <= _NAME]
        prefix, name = name[: ways[0]], name[ways[0] + 1 :]
    fields = _FIELDS.pack(
        name.encode("ascii"), b"%07o" % 0o644, b"%07o" % 0, b"%07o" % 0, b"%011o" % size, b"%011o" % 0, b" " * 8,
        b"0", b"", b"ustar", b"00", b"", b"", b"", b"", prefix.encode("ascii"),
    )  # fmt: skip
    return fields[:_SUM] + b"%06o\0 " % sum(fields) + fields[_SUM + 8 :]


def gzip(plain: bytes) -> bytes:
    """A gzip file of stored blocks: no name, no time, "unknown" as the system it was made on."""
    parts = [b"\x1f\x8b\x08\0\0\0\0\0\0\xff"]
    for at in range(0, max(len(plain), 1), _STORED):
        block = plain[at : at + _STORED]
        last = at + _STORED >= len(plain)
        parts += (struct.pack("<BHH", last, len(block), len(block) ^ _STORED), block)
    parts.append(struct.pack("<II", zlib.crc32(plain), len(plain) & 0xFFFFFFFF))
    return b"".join(parts)


def packed(files: Mapping[str, bytes], *, compressed: bool) -> bytes:
    """The archive: `.tar.gz` (`compressed`) or `.tar`."""
    plain = tar(files)
    return gzip(plain) if compressed else plain
