"""A pack's folder and profiles come in, the files of a bundle come out; what may not or need not be in one is told.

In it: `pack.yaml`, rules, `*.test.yaml` and catalogues of the pack (all YAML of the folder), and the profiles that were named.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from scanner.bundle.names import ADVICE, PACK, PROFILES, clashes, problem_of
from scanner.errors import InputError, Problems, ScannerError, UsageError
from scanner.language.pack import FRAMEWORKS, MAX_FILES, shown
from scanner.text import MAX_BYTES
from scanner.trust.files import Sealed

LARGEST = 50_000_000
"""Bytes of all files of a bundle together."""
_YAML = (".yaml", ".yml")
_TESTS = (".test.yaml", ".test.yml")


@dataclass(frozen=True, slots=True)
class Gathered:
    """The files of a bundle by their path in it, and what of the folder stays out (paths in the folder)."""

    files: Mapping[str, bytes]
    left_out: tuple[str, ...]

    def entries(self) -> tuple[Sealed, ...]:
        """The manifest's entries."""
        return tuple(
            Sealed(role_of(name), name, hashlib.sha256(content).hexdigest(), len(content))
            for name, content in self.files.items()
        )


def role_of(path: str) -> str:
    """What a file of a bundle is: pack, rules, tests, framework or profile."""
    parts = path.split("/")
    if parts[0] == PROFILES:
        return "profile"
    if path == f"{PACK}/pack.yaml":
        return "pack"
    if path.endswith(_TESTS):
        return "tests"
    return "framework" if parts[1:2] == [FRAMEWORKS] and len(parts) > 2 else "rules"


def gather(folder: Path, profiles: Iterable[Path] = ()) -> Gathered:
    """The files. Raises `Problems` with every file that no bundle can hold, `UsageError` for two profiles of one name."""
    found: dict[str, bytes] = {}
    left_out: list[str] = []
    errors: list[ScannerError] = []
    for path in _walk(folder, errors):
        below = path.relative_to(folder).as_posix()
        if not path.name.endswith(_YAML):
            left_out.append(below)
            continue
        _take(found, f"{PACK}/{below}", path, folder, errors)
    for path in profiles:
        name = f"{PROFILES}/{path.stem}.yaml"
        if name in found:
            raise UsageError(f"two profiles are named {path.stem!r}", "", "Rename one of the files.")
        _take(found, name, path, None, errors)
    for first, second in clashes(found):
        errors.append(InputError(f"{second!r} and {first!r} are one name on some platforms", shown(folder), "Rename one of them."))  # fmt: skip
    _bounded(found, folder, errors)
    if errors:
        raise Problems(errors)
    return Gathered(found, tuple(left_out))


def _walk(folder: Path, errors: list[ScannerError]) -> Iterable[Path]:
    """Every file below a folder, sorted; a link to a folder is an error, for nobody can tell what is behind it."""
    for place, folders, names in os.walk(folder, onerror=_raise):
        folders.sort()
        for name in list(folders):
            path = Path(place, name)
            if path.is_symlink():
                folders.remove(name)
                errors.append(InputError("is a link to a folder", shown_below(path, folder), "Copy the folder there, or remove the link."))  # fmt: skip
        for name in sorted(names):
            yield Path(place, name)


def _raise(error: OSError) -> None:
    raise InputError(f"cannot be read: {error.strerror or error}", str(error.filename)) from error


def shown_below(path: Path, folder: Path) -> str:
    """The place of a file in a folder, as errors print it; links are not followed."""
    return f"{shown(folder)}/{path.relative_to(folder).as_posix()}"


def _take(
    found: dict[str, bytes], name: str, path: Path, folder: Path | None, errors: list[ScannerError]
) -> None:
    where = shown_below(path, folder) if folder else shown(path)
    if problem := problem_of(name):
        errors.append(InputError(problem, ascii(where)[1:-1], ADVICE))
        return
    if folder and path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
        errors.append(InputError("is a link that leads out of the pack", where, "Copy the file there."))
        return
    if not path.is_file():
        errors.append(InputError("is no file", where, "Remove it."))
        return
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        errors.append(InputError(f"cannot be read: {error.strerror or error}", where))
        return
    if len(content) > MAX_BYTES:
        errors.append(InputError(f"has more than the {MAX_BYTES:,} bytes allowed", where, "Split it into smaller files."))  # fmt: skip
        return
    found[name] = content


def _bounded(found: Mapping[str, bytes], folder: Path, errors: list[ScannerError]) -> None:
    if len(found) > MAX_FILES:
        errors.append(InputError(f"holds more than {MAX_FILES:,} files", shown(folder), "Split the pack."))
    size = sum(map(len, found.values()))
    if size > LARGEST:
        errors.append(InputError(f"holds {size:,} bytes, more than the {LARGEST:,} allowed", shown(folder), "Split the pack."))  # fmt: skip
