"""Reading below one folder: paths of the host come in, bytes, names and modes come out, or why they cannot be had.

A root is a running host's `/`, a mounted disk or the folder of an unpacked image. Links are followed as that host would
follow them (`/etc/x` starts at the root again, `..` stops there), so nothing outside is ever read. Only regular files are
opened; sizes, lists and links are bounded.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeAlias

from scanner.errors import InputError
from scanner.text import encodable

MAX_BYTES = 1_000_000
"""Of a file with settings; package databases and bundles of certificates have limits of their own."""
MAX_ENTRIES = 5_000
MAX_LINKS = 40
"""As many as Linux follows in one path."""
MAX_DEPTH = 100

MISSING = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EINVAL, errno.ENAMETOOLONG})
_ANY_NAME = "-"
_ADVICE = "scan with the rights to read it"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something is there and cannot be read. `reason`: words for people; `device`: it is a character device (/dev/null)."""

    path: str
    reason: str
    device: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """A regular file. `path`: as it was asked for; `mode`: permission bits, None where the system has none of that kind."""

    path: str
    data: bytes
    mode: int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """What one name stands for. `kind`: file, folder, socket, link or other; links only in lists."""

    name: str
    kind: str
    mode: int | None
    owner: int = 0
    group: int = 0


Gap: TypeAlias = Unreadable | None
"""Why there is nothing: it cannot be read, or (None) it is not there."""


class _Steps(Protocol):
    """How one folder is reached from another; a place is a descriptor or a path."""

    def begin(self, root: Path) -> int | str: ...

    def enter(self, place: int | str, name: str) -> int | str: ...

    def leave(self, place: int | str) -> None: ...

    def look(self, place: int | str, name: str) -> os.stat_result: ...

    def link(self, place: int | str, name: str) -> str: ...

    def open(self, place: int | str, name: str, flags: int) -> int: ...

    def names(self, place: int | str, name: str) -> Iterator[str]: ...


class ByDescriptor:
    """Steps that hold each folder open, so that one renamed or linked in between leads nowhere else (Linux)."""

    if sys.platform == "linux":
        _FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC

        def begin(self, root: Path) -> int | str:
            """The root itself, which may be a link: the user named it."""
            return os.open(root, self._FOLDER)

        def enter(self, place: int | str, name: str) -> int | str:
            """A folder below; a link is refused."""
            return os.open(name, self._FOLDER | os.O_NOFOLLOW, dir_fd=int(place))

        def leave(self, place: int | str) -> None:
            """Close it."""
            os.close(int(place))

        def look(self, place: int | str, name: str) -> os.stat_result:
            """What a name stands for, without following it."""
            return os.lstat(name, dir_fd=int(place))

        def link(self, place: int | str, name: str) -> str:
            """Where a link leads."""
            return os.readlink(name, dir_fd=int(place))

        def open(self, place: int | str, name: str, flags: int) -> int:
            """A descriptor for reading."""
            return os.open(name, flags, dir_fd=int(place))

        def names(self, place: int | str, name: str) -> Iterator[str]:
            """The names in a folder."""
            held = os.open(
                name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=int(place)
            )
            try:
                with os.scandir(held) as entries:
                    for entry in entries:
                        yield entry.name
            finally:
                os.close(held)


class ByPath:
    """Steps by path, where folders cannot be held open. What is renamed while it is read may be missed."""

    def begin(self, root: Path) -> int | str:
        """The root as a path; OSError where it is no folder."""
        found = os.path.realpath(root, strict=True)
        if not stat.S_ISDIR(os.lstat(found).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        return found

    def enter(self, place: int | str, name: str) -> int | str:
        """The path of a folder below."""
        return str(Path(str(place), name))

    def leave(self, place: int | str) -> None:
        """Nothing is held."""

    def look(self, place: int | str, name: str) -> os.stat_result:
        """What a name stands for, without following it."""
        return os.lstat(Path(str(place), name))

    def link(self, place: int | str, name: str) -> str:
        """Where a link leads."""
        return str(Path(str(place), name).readlink())

    def open(self, place: int | str, name: str, flags: int) -> int:
        """A descriptor for reading."""
        return os.open(Path(str(place), name), flags)

    def names(self, place: int | str, name: str) -> Iterator[str]:
        """The names in a folder."""
        with os.scandir(Path(str(place), name)) as entries:
            for entry in entries:
                yield entry.name


_BY_DESCRIPTOR = sys.platform == "linux"
_HAS_MODES = sys.platform != "win32"
if sys.platform == "win32":
    _READ = os.O_RDONLY | os.O_BINARY
else:
    _READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Root:
    """Everything below one folder. `live`: it is the running host's own; `shown`: how reports name the folder."""

    def __init__(self, folder: Path, *, steps: _Steps | None = None) -> None:
        self._folder = folder
        self._steps: _Steps = steps or (ByDescriptor() if _BY_DESCRIPTOR else ByPath())
        try:
            self._begin = self._steps.begin(folder)
        except OSError as error:
            raise InputError(
                f"cannot be used as a root: {error.strerror or error}",
                folder.as_posix(),
                "Name a folder: /, a mounted disk or an unpacked image.",
            ) from error
        self.live = folder.is_absolute() and folder == Path(folder.anchor)
        self.shown = encodable(folder.as_posix())

    def close(self) -> None:
        """Let go of the folder."""
        self._steps.leave(self._begin)

    def name(self, path: str) -> str:
        """The path as a report shows it: what the reader of the report can open."""
        return f"{self.shown.rstrip('/')}{encodable(path)}"

    @contextmanager
    def _at(self, path: str) -> Iterator[tuple[int | str, str, os.stat_result]]:
        """The folder, the name and the state of what a path leads to. Raises OSError."""
        steps = self._steps
        held: list[int | str] = []
        links = 0
        left = deque(part for part in path.split("/") if part not in ("", "."))
        try:
            while left:
                part = left.popleft()
                place = held[-1] if held else self._begin
                if part == "..":
                    if held:
                        steps.leave(held.pop())
                    continue
                state = steps.look(place, part)
                if stat.S_ISLNK(state.st_mode):
                    links += 1
                    if links > MAX_LINKS:
                        raise OSError(errno.ELOOP, "links lead to each other")
                    target = (
                        steps.link(place, part).replace("\\", "/")
                        if not _HAS_MODES
                        else steps.link(place, part)
                    )
                    if target.startswith("/"):
                        while held:
                            steps.leave(held.pop())
                    left.extendleft(reversed([one for one in target.split("/") if one not in ("", ".")]))
                    continue
                if not left:
                    yield place, part, state
                    return
                if not stat.S_ISDIR(state.st_mode):
                    raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
                if len(held) >= MAX_DEPTH:
                    raise OSError(errno.ELOOP, f"more than {MAX_DEPTH} folders deep")
                held.append(steps.enter(place, part))
            place = held[-1] if held else self._begin
            yield place, ".", steps.look(place, ".")
        finally:
            for one in reversed(held):
                steps.leave(one)

    def read(self, path: str, limit: int = MAX_BYTES) -> File | Gap:
        """A regular file; more bytes than `limit` are unreadable."""
        try:
            with self._at(path) as (place, name, state):
                if not stat.S_ISREG(state.st_mode):
                    return Unreadable(path, f"{path} is no regular file", stat.S_ISCHR(state.st_mode))
                held = self._steps.open(place, name, _READ)
                try:
                    opened = os.fstat(held)
                    if not stat.S_ISREG(opened.st_mode):
                        return Unreadable(path, f"{path} is no regular file", stat.S_ISCHR(opened.st_mode))
                    if opened.st_size > limit:
                        return Unreadable(
                            path, f"{path} has {opened.st_size:,} bytes, more than the {limit:,} allowed"
                        )
                    data = _bytes(held, limit + 1)
                finally:
                    os.close(held)
        except OSError as error:
            return _gap(path, error)
        except ValueError:
            return Unreadable(path, f"{path!r} is no path")
        if len(data) > limit:
            return Unreadable(path, f"{path} has more than the {limit:,} bytes allowed")
        return File(path, data, _mode(opened))

    def look(self, path: str) -> Entry | Gap:
        """What a path leads to."""
        try:
            with self._at(path) as (_, _, state):
                return _entry(path.rpartition("/")[2], state)
        except OSError as error:
            return _gap(path, error)
        except ValueError:
            return Unreadable(path, f"{path!r} is no path")

    def closed(self, folder: str) -> Unreadable | None:
        """Why nothing in a folder can be looked at; None where it can, or where it is no folder."""
        try:
            with self._at(f"{folder}/{_ANY_NAME}"):
                return None
        except OSError as error:
            found = _gap(folder, error)
            return found and replace(
                found, reason=f"{found.reason}, or name the homes that matter with --home"
            )
        except ValueError:
            return Unreadable(folder, f"{folder!r} is no path")

    def list(self, path: str) -> list[Entry] | Gap:
        """What is in a folder, by name; more than `MAX_ENTRIES` names are unreadable."""
        found: list[Entry] = []
        try:
            with self._at(path) as (place, name, state):
                if not stat.S_ISDIR(state.st_mode):
                    return None
                inside = self._steps.enter(place, name)
                try:
                    for number, one in enumerate(self._steps.names(place, name)):
                        if number >= MAX_ENTRIES:
                            return Unreadable(path, f"{path} has more than the {MAX_ENTRIES:,} names allowed")
                        found.append(_entry(one, self._steps.look(inside, one)))
                finally:
                    self._steps.leave(inside)
        except OSError as error:
            return _gap(path, error)
        except ValueError:
            return Unreadable(path, f"{path!r} is no path")
        return sorted(found, key=lambda entry: entry.name)


def _bytes(held: int, limit: int) -> bytes:
    """Everything that a descriptor gives, up to `limit` bytes."""
    parts = []
    while limit > 0:
        part = os.read(held, min(limit, 1 << 20))
        if not part:
            break
        parts.append(part)
        limit -= len(part)
    return b"".join(parts)


def _gap(path: str, error: OSError) -> Gap:
    if error.errno in MISSING:
        return None
    words = error.strerror or str(error)
    advice = f"; {_ADVICE}" if error.errno in (errno.EACCES, errno.EPERM) else ""
    return Unreadable(path, f"{path} cannot be read: {words}{advice}")


def _mode(state: os.stat_result) -> int | None:
    return stat.S_IMODE(state.st_mode) if _HAS_MODES else None


def _entry(name: str, state: os.stat_result) -> Entry:
    kinds = (
        (stat.S_ISREG, "file"),
        (stat.S_ISDIR, "folder"),
        (stat.S_ISSOCK, "socket"),
        (stat.S_ISLNK, "link"),
    )
    kind = next((word for fits, word in kinds if fits(state.st_mode)), "other")
    return Entry(name, kind, _mode(state), state.st_uid, state.st_gid)
