"""Which files may hold a workload: paths come in, files with the names that reports show come out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scanner.errors import InputError
from scanner.inventory.workload.kinds import OTHER, by_name

MAX_FILES = 50_000
_LEFT_OUT = frozenset({".git", ".terraform", "node_modules", ".venv", "__pycache__", ".tox", ".mypy_cache"})


@dataclass(frozen=True, slots=True)
class File:
    """A file with its relative name. `given`: named by the user, so that it has to be a workload."""

    path: Path
    name: str
    given: bool


def find(paths: Sequence[Path]) -> Iterator[File]:
    """Files by their names. Folders are walked without following links. Raises `InputError`.

    Of several folders each file's name starts with its folder, so that two of them do not have one name.
    """
    number = 0
    seen: set[Path] = set()
    for path in paths:
        if not path.exists():
            raise InputError("no such file or folder", str(path), "Name a file, or a folder that holds some.")
        if not path.is_dir():
            if not path.is_file():
                raise InputError("is neither a file nor a folder", str(path))
            if (own := path.resolve()) not in seen:
                seen.add(own)
                yield File(path, path.name if path.is_absolute() else path.as_posix(), given=True)
            continue
        prefix = f"{path.name if path.is_absolute() else path.as_posix()}/" if len(paths) > 1 else ""
        for file in _below(path):
            name = prefix + file.relative_to(path).as_posix()
            if by_name(name) == OTHER or (own := file.resolve()) in seen:
                continue
            seen.add(own)
            number += 1
            if number > MAX_FILES:
                raise InputError(f"more than {MAX_FILES:,} files", str(path), "Name the folders that matter.")
            yield File(file, name, given=False)


def _below(folder: Path) -> Iterator[Path]:
    """Files below a folder, sorted; a folder that may not be read is an error."""
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            entries = sorted(os.scandir(here), key=lambda entry: entry.name)
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror or error}", str(here)) from error
        waiting += [
            Path(entry.path)
            for entry in reversed(entries)
            if entry.is_dir(follow_symlinks=False) and entry.name not in _LEFT_OUT
        ]
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                yield Path(entry.path)
