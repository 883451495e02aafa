"""Folders and files: paths that a user names come in; folders that are root modules, and the content of files, come out.

Nothing outside of the named paths is read, links are not followed out of them, sizes and numbers are bounded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scanner.errors import InputError
from scanner.file_text import bytes_of, decoded
from scanner.inventory.terraform.syntax import Source

MAX_BYTES = 20_000_000
MAX_FILES = 20_000
MAX_FOLDERS = 20_000
MAX_LEVELS = 64
ENDINGS = (".tf", ".tf.json")
_SKIPPED = frozenset({".terraform", ".git", "node_modules", ".terragrunt-cache"})


class Files:
    """Reads files below `roots`; every file is read once. `base`: what names are relative to."""

    def __init__(self, roots: list[Path], base: Path, *, allow_outside: bool = False) -> None:
        self._roots = [_real(root if root.is_dir() else root.parent) for root in roots]
        self._base = _real(base)
        self._allow_outside = allow_outside
        self._sources: dict[Path, Source] = {}
        self.folders: dict[Path, Any] = {}
        """What was made of folders already; each is read once."""

    def name(self, path: Path) -> str:
        """The name of a path in messages and places: relative where that is possible, with slashes."""
        try:
            found = os.path.relpath(path, self._base)
        except ValueError:  # Another drive.
            return path.as_posix()
        return path.as_posix() if found.startswith(f"..{os.sep}..{os.sep}..") else Path(found).as_posix()

    def inside(self, path: Path) -> bool:
        """Whether a path may be read."""
        real = _real(path)
        return self._allow_outside or any(real.is_relative_to(root) for root in self._roots)

    def source(self, path: Path) -> Source:
        """The content of a file. Raises `InputError` for what cannot or must not be read."""
        if path not in self._sources:
            self._sources[path] = Source(self.name(path), self._content(path))
        return self._sources[path]

    def mentions(self, path: Path, words: tuple[bytes, ...]) -> bool:
        """Whether a file holds one of some words; one that cannot be read may."""
        try:
            with path.open("rb") as file:
                content = file.read(MAX_BYTES)
        except OSError:
            return True
        return any(word in content for word in words)

    def _content(self, path: Path) -> bytes:
        name = self.name(path)
        if len(self._sources) >= MAX_FILES:
            raise InputError(f"more than {MAX_FILES:,} files", name, "Name a smaller folder.")
        if not self.inside(path):
            raise InputError(
                "lies outside of the folders that were named",
                name,
                "Name its folder too, or use --allow-outside-root.",
            )
        text = decoded(bytes_of(path, name, MAX_BYTES), name)
        if "\x00" in text:
            raise InputError("holds NUL bytes", name, "This is no text file.")
        return text.encode("utf-8")


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def module_files(folder: Path) -> list[Path]:
    """The files of a module: those of the folder itself, by name. Raises `InputError` where it cannot be listed."""
    try:
        found = [
            path for path in folder.iterdir() if path.name.endswith(ENDINGS) and not path.name.startswith(".")
        ]
    except OSError as error:
        raise InputError(f"cannot be listed: {error.strerror or error}", str(folder)) from error
    return sorted(path for path in found if not path.is_dir())


def folders(root: Path) -> Iterator[Path]:
    """A folder and all folders below it that hold Terraform files, without what Terraform keeps for itself."""
    stack = [(root, 0)]
    seen = 0
    while stack:
        folder, level = stack.pop()
        seen += 1
        if seen > MAX_FOLDERS or level > MAX_LEVELS:
            raise InputError(
                f"more than {MAX_FOLDERS:,} folders or {MAX_LEVELS} levels",
                str(root),
                "Name a smaller folder.",
            )
        try:
            entries = sorted(folder.iterdir())
        except OSError as error:
            raise InputError(f"cannot be listed: {error.strerror or error}", str(folder)) from error
        if any(path.name.endswith(ENDINGS) for path in entries):
            yield folder
        stack += [
            (path, level + 1)
            for path in reversed(entries)
            if path.is_dir() and not path.is_symlink() and path.name not in _SKIPPED
        ]
