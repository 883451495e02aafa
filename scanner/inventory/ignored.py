"""What a repository ignores: paths come in, whether git would leave them out comes out.

`.gitignore` files count from the root of the repository (the folder with `.git`) down to the path, deeper ones last, and
`.git/info/exclude` first. What lies in an ignored folder is ignored, whatever files say below it.
Source: https://git-scm.com/docs/gitignore
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

NAME = ".gitignore"
LARGEST = 1 << 20
"""Bytes of a `.gitignore` that are read; a larger one is left alone."""


class Ignored:
    """Answers for paths below one folder. `notes`: files with patterns that could not be used."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._root = next(
            (at for at in (self._folder, *self._folder.parents) if (at / ".git").exists()), None
        )
        self._specs: dict[Path, GitIgnoreSpec | None] = {}
        self._folders: dict[Path, bool] = {}
        self.notes: list[str] = []

    def __call__(self, path: Path, *, folder: bool) -> bool:
        """Whether git leaves the path out. Outside a repository nothing is."""
        root = self._root
        if root is None:
            return False
        path = Path(self._folder, path)
        if not path.is_relative_to(root) or path == root:
            return False
        return self._inside(path.parent, root) or self._matched(path, root, folder=folder)

    def _inside(self, folder: Path, root: Path) -> bool:
        """Whether a folder, or one around it, is ignored."""
        if folder == root:
            return False
        if folder not in self._folders:
            self._folders[folder] = self._inside(folder.parent, root) or self._matched(
                folder, root, folder=True
            )
        return self._folders[folder]

    def _matched(self, path: Path, root: Path, *, folder: bool) -> bool:
        """What the last pattern that matches says, the deepest file first."""
        slash = "/" if folder else ""
        for place in path.parents:
            for name in (NAME, ".git/info/exclude") if place == root else (NAME,):
                said = _last(self._spec(place / name), path.relative_to(place).as_posix() + slash)
                if said is not None:
                    return said
            if place == root:
                break
        return False

    def _spec(self, file: Path) -> GitIgnoreSpec | None:
        if file not in self._specs:
            self._specs[file] = self._read(file)
        return self._specs[file]

    def _read(self, file: Path) -> GitIgnoreSpec | None:
        from pathspec import GitIgnoreSpec  # noqa: PLC0415 - read when a repository is walked

        try:
            if not file.is_file() or file.is_symlink():
                return None
            if file.stat().st_size > LARGEST:
                self.notes.append(f"{file.name}: larger than 1 MiB; its patterns were not used")
                return None
            text = file.read_bytes().decode("utf-8-sig", "replace")
        except OSError as error:
            self.notes.append(f"{file.name}: {error.strerror}; its patterns were not used")
            return None
        try:
            return GitIgnoreSpec.from_lines(text.splitlines())
        except ValueError as error:
            self.notes.append(f"{file.name}: {error}; its patterns were not used")
            return None


def _last(spec: GitIgnoreSpec | None, path: str) -> bool | None:
    """What the last pattern for exactly this path says.

    The library takes a pattern for a folder as one for everything below it. That is decided here folder by folder, since
    `!folder` takes nothing back that lies in it.
    """
    for pattern in reversed(tuple(spec.patterns) if spec is not None else ()):
        hit = pattern.match_file(path) if pattern.include is not None else None
        if hit is None:
            continue
        below = hit.match.groupdict().get("ps_d")
        if below is None or hit.match.end("ps_d") == len(path):
            return pattern.include
    return None
