"""Files below folders: paths come in, the files of one kind come out, each with the name that reports show.

Folders are walked in order of their names, without following links, and without what tools keep for themselves.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scanner.errors import InputError
from scanner.inventory.ignored import Ignored

MAX_FILES = 20_000
TOOLS = frozenset({".git", ".hg", ".svn", ".terraform", "node_modules", ".venv", "__pycache__"})
"""Folders whose files nobody of the repository wrote."""


@dataclass(frozen=True, slots=True)
class File:
    """A file with the name that reports show: relative to the working folder, with slashes.

    Of what lies outside of it, relative to the folder that was given: names of a machine's folders stay there.
    """

    path: Path
    name: str
    given: bool
    """Named by the user for this kind, so that it has to be of this kind."""


@dataclass(frozen=True, slots=True)
class Tree:
    """What was given: files and folders. `mixed`: files of any kind, so none has to be of one; `ignored`: by folder."""

    paths: Sequence[Path]
    mixed: bool = False
    ignored: dict[Path, Ignored] | None = None

    @classmethod
    def of(cls, paths: Sequence[Path], *, mixed: bool = False, ignore: bool = False) -> Tree:
        """A tree; `ignore`: leave out what the repository ignores. Raises `InputError` for a path that is not there."""
        for path in paths:
            if not path.exists():
                raise InputError(
                    "no such file or folder", str(path), "Look at the spelling, and at the working folder."
                )
        return cls(paths, mixed, {path: Ignored(path) for path in paths if path.is_dir()} if ignore else None)

    def files(self, wanted: Callable[[str], bool]) -> Iterator[File]:
        """The files whose lower-case name is wanted. Raises `InputError` where there are too many to be meant."""
        number = 0
        for path in self.paths:
            if not path.is_dir():
                if not self.mixed or wanted(path.name.lower()):
                    yield File(path, _name(path, path.parent), not self.mixed)
                continue
            ignored = self.ignored.get(path) if self.ignored is not None else None
            for file in self._below(path, ignored, wanted):
                number += 1
                if number > MAX_FILES:
                    raise InputError(
                        f"more than {MAX_FILES:,} files", str(path), "Name the folders that matter."
                    )
                yield File(file, _name(file, path), given=False)

    def _below(self, folder: Path, ignored: Ignored | None, wanted: Callable[[str], bool]) -> Iterator[Path]:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        for entry in entries:
            path = Path(entry.path)
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in TOOLS and not (ignored and ignored(path.absolute(), folder=True)):
                    yield from self._below(path, ignored, wanted)
            elif (
                entry.is_file(follow_symlinks=False)
                and wanted(entry.name.lower())
                and not (ignored and ignored(path.absolute(), folder=False))
            ):
                yield path

    def notes(self) -> list[str]:
        """Patterns that could not be used."""
        return [note for one in (self.ignored or {}).values() for note in one.notes]


def _name(file: Path, folder: Path) -> str:
    whole, here = file.absolute(), Path.cwd()
    if ".." in whole.parts:
        whole = Path(os.path.normpath(whole))
    return (whole.relative_to(here) if whole.is_relative_to(here) else file.relative_to(folder)).as_posix()
