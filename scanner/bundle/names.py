"""Names inside a bundle: a path comes in, why it may not be there comes out.

A bundle is unpacked on every platform, so only names that mean the same everywhere are allowed.
Source: https://learn.microsoft.com/windows/win32/fileio/naming-a-file (reserved names, trailing dots)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from scanner.trust.files import inside

PACK, PROFILES = "pack", "profiles"
"""The two folders of a bundle; beside them lies the manifest and nothing else."""
LONGEST, LONGEST_PART = 150, 96
"""Characters of a path and of each of its parts; any such path fits into a header of USTAR."""
_PART = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._+ -]*[A-Za-z0-9_+-])?")
_RESERVED = re.compile(r"(?i)(?:con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9]|lpt[0-9])(?:\..*)?")


def problem_of(path: str) -> str:
    """Why a bundle cannot hold a file of this name, or ""."""
    if not path:
        return "has no name"
    if len(path) > LONGEST:
        return f"has a name of more than {LONGEST} characters"
    if not inside(path) or "." in path.split("/"):
        return "leads out of its folder, or names a drive"
    for part in path.split("/"):
        if len(part) > LONGEST_PART:
            return f"has a name of more than {LONGEST_PART} characters"
        if _RESERVED.fullmatch(part):
            return f"is named {part!r}, which Windows keeps for a device"
        if not _PART.fullmatch(part):
            return "has a name that is not the same on every platform"
    return ""


ADVICE = "Rename it: ASCII letters, digits, . _ + - and inner spaces, not beginning or ending with a dot."


def clashes(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Pairs of paths that some platform takes for the same, or where one is the folder of the other."""
    seen: dict[str, str] = {}
    folders: dict[str, str] = {}
    for path in paths:
        key = path.casefold()
        parts = key.split("/")
        above = ["/".join(parts[:at]) for at in range(1, len(parts))]
        if key in seen:
            yield seen[key], path
        elif key in folders:
            yield folders[key], path
        yield from ((seen[one], path) for one in above if one in seen)
        seen.setdefault(key, path)
        for one in above:
            folders.setdefault(one, path)
