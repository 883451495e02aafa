"""Copies of what a run reads, for its manifest: files and folders come in, `inputs/` beside the reports comes out.

Small inputs are copied before the run reads them, the inventory when the reports are ready and none is in its place:
a report may replace the very file that the run was given. Nothing is ever removed that no manifest of ours lists.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scanner.errors import InputError, OutputError, UsageError
from scanner.json_text import read_json
from scanner.text import encodable
from scanner.trust import manifest as manifests
from scanner.trust import statement as statements
from scanner.trust.files import SUMS, Sealed, inside, read_sums, sealed

INPUTS = "inputs"
_ADVICE = "Move it away, or write the reports into a folder of their own."


class Inputs:
    """The copies, in a temporary folder until `place` puts them beside the reports."""

    def __init__(self, temporary: Path) -> None:
        self._home = temporary / INPUTS
        self._kept: list[tuple[str, str]] = []
        self._placed = False

    def file(self, role: str, path: Path, name: str) -> str:
        """Copy one file; gives its path from the folder of the reports."""
        return self._copy(role, path, f"{role}/{name}")

    def yaml(self, role: str, folder: Path, name: str) -> str:
        """Copy the YAML files of a folder, as the pack reads them, and nothing else that lies there."""
        for path in _yaml(folder):
            self._copy(role, path, f"{role}/{name}/{path.relative_to(folder).as_posix()}")
        return f"{INPUTS}/{role}/{name}"

    def tree(self, role: str, path: Path, name: str) -> str:
        """Copy a file, or a folder with everything in it."""
        files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else []
        if not files:
            return self._copy(role, path, f"{role}/{name}")
        for one in files:
            self._copy(role, one, f"{role}/{name}/{one.relative_to(path).as_posix()}")
        return f"{INPUTS}/{role}/{name}"

    def _copy(self, role: str, path: Path, below: str) -> str:
        if encodable(below) != below or not inside(below):
            raise InputError(
                "has a name that a manifest cannot list", ascii(str(path)), "Rename it: UTF-8, no ..\\ in it."
            )
        target = self._home / below
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            _copied(path, target)
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror or error}", str(path)) from error
        self._kept.append((role, f"{INPUTS}/{below}"))
        return f"{INPUTS}/{below}"

    def place(self, folder: Path) -> tuple[Sealed, ...]:
        """Put the copies into a folder instead of those of the run before; gives their entries."""
        check_place(folder)
        home = folder / INPUTS
        for name in _listed(folder):
            (folder / name).unlink(missing_ok=True)
        for empty in sorted((one for one in home.rglob("*") if one.is_dir()), reverse=True):
            empty.rmdir()
        if home.is_dir():
            home.rmdir()
        self._placed = True
        if self._home.is_dir():
            shutil.copytree(self._home, home, copy_function=_copied)
        return tuple(sealed(role, folder / path, folder) for role, path in self._kept)

    def withdraw(self, folder: Path) -> None:
        """Remove the copies again, where no manifest came to list them."""
        if self._placed:
            shutil.rmtree(folder / INPUTS, ignore_errors=True)


def _copied(source: str | Path, target: str | Path) -> None:
    """Copy content and times (saved answers without a date of their own count from their file's), not permissions."""
    shutil.copyfile(source, target)
    times = os.stat(source)  # noqa: PTH116 - `copytree` hands over texts
    os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))


def check_place(folder: Path) -> None:
    """Refuse a folder in which a manifest would replace what is not ours (a snapshot has a manifest.json too)."""
    path = folder / manifests.NAME
    ours = path.is_file() and _schema(path).startswith(manifests.FAMILY)
    if path.exists() and not ours:
        raise UsageError("there is a file that is no manifest of acrscan", str(path), _ADVICE)
    if not ours:
        for name in (SUMS, statements.NAME, INPUTS):
            if (folder / name).exists():
                raise UsageError(
                    "is there already, and no manifest of acrscan beside it", str(folder / name), _ADVICE
                )
        return
    home = folder / INPUTS
    if home.is_symlink():
        raise UsageError("is a link", str(home), _ADVICE)
    known = set(_listed(folder))
    for one in sorted(home.rglob("*")):
        name = one.relative_to(folder).as_posix()
        if name not in known and (one.is_symlink() or not one.is_dir()):
            raise UsageError("is not of the run before, and would be removed", str(one), _ADVICE)


def _schema(path: Path) -> str:
    try:
        record: Any = read_json(path)
    except InputError:
        return ""
    return str(record.get("schema", "")) if isinstance(record, dict) else ""


def _listed(folder: Path) -> Iterator[str]:
    """The copies that the sums of the run before list."""
    if (folder / SUMS).is_file():
        for name, _ in read_sums(folder / SUMS):
            if name.startswith(f"{INPUTS}/") and inside(name):
                yield name


def _yaml(folder: Path) -> list[Path]:
    return sorted(one for pattern in ("*.yaml", "*.yml") for one in folder.rglob(pattern) if one.is_file())


def told(error: OSError | InputError | UsageError, folder: Path) -> OutputError:
    """Why there is no manifest."""
    if isinstance(error, OSError):
        return OutputError(f"the manifest was not written: {error.strerror or error}", str(folder))
    return OutputError(f"the manifest was not written: {error.what}", error.where, error.advice)
