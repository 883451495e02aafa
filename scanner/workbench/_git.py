"""The few questions that are put to git: argument lists come in, checked answers come out; nothing is written.

Objects are read as they are stored (no filters, no attributes), with none of the variables that a hook sets for itself.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from scanner.errors import InputError

SECONDS = 120
MAX_NAMES = 20_000
_OF_HOOKS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_NAMESPACE", "GIT_COMMON_DIR")
_HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_ENTRY = re.compile(rb"(\d{6}) (blob|commit|tree) ([0-9a-f]{40,64}) +(-|\d+)\t(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Blob:
    """A file in a tree. `path`: from the repository's root; `size` in bytes (0 for submodules)."""

    mode: str
    name: str
    size: int
    path: str

    @property
    def link(self) -> bool:
        """Whether it is a symbolic link."""
        return self.mode == "120000"

    @property
    def submodule(self) -> bool:
        """Whether it is the commit of another repository."""
        return self.mode == "160000"


def work_tree(folder: Path) -> tuple[Path, str]:
    """The top of the work tree that holds a folder, and the folder's path in it ("" or with a slash at the end)."""
    done = _asked(folder, "rev-parse", "--show-toplevel", "--show-prefix")
    if done.returncode:
        said = _said(done)
        if "dubious ownership" in said:
            raise InputError(
                "git does not trust the repository: it belongs to somebody else",
                str(folder),
                f"If you trust it: git config --global --add safe.directory {folder}",
            )
        raise InputError(
            "is in no git repository" if "not a git repository" in said else f"git cannot use it: {said}",
            str(folder),
            "Run this in a clone, or compare with a folder: --base ./old-pack.",
        )
    top, _, inside = done.stdout.decode("utf-8", "surrogateescape").partition("\n")
    return Path(top), inside.rstrip("\n")


def commit(top: Path, ref: str) -> str:
    """The commit that a reference names, or "". The caller has refused what looks like an option."""
    done = _asked(top, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    found = done.stdout.decode("ascii", "replace").strip()
    return found if done.returncode == 0 and _HASH.fullmatch(found) else ""


def merge_base(top: Path, one: str, other: str) -> str:
    """The best common ancestor of two commits, or ""."""
    done = _asked(top, "merge-base", one, other)
    found = done.stdout.decode("ascii", "replace").partition("\n")[0]
    return found if done.returncode == 0 and _HASH.fullmatch(found) else ""


def shallow(top: Path) -> bool:
    """Whether the clone lacks older history."""
    return _asked(top, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true"


def references(top: Path) -> list[str]:
    """Short names of branches, branches of remotes, and tags; the latest first."""
    done = _asked(
        top,
        "for-each-ref",
        f"--count={MAX_NAMES}",
        "--sort=-creatordate",
        "--format=%(refname:short)",
        "refs/heads",
        "refs/remotes",
        "refs/tags",
    )
    return done.stdout.decode("utf-8", "replace").splitlines()


def entries(top: Path, tree: str, prefix: str) -> Iterator[Blob]:
    """Every file below a path (or the file itself) in a commit, one by one."""
    arguments = ["ls-tree", "-r", "-l", "-z", "--full-tree", tree, "--", *([prefix] if prefix else [])]
    with subprocess.Popen(  # noqa: S603 - an argument list, no shell
        _command(top, arguments), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment()
    ) as running:
        if running.stdout is None:
            raise InputError("git gives no output", str(top))
        try:
            for record in _records(running.stdout):
                found = _ENTRY.fullmatch(record)
                if found:
                    mode, kind, name, size, path = found.groups()
                    if kind != b"tree":
                        yield Blob(
                            mode.decode(),
                            name.decode(),
                            int(size) if size.isdigit() else 0,
                            path.decode("utf-8", "surrogateescape"),
                        )
            if running.wait(SECONDS):
                raise InputError(
                    f"git cannot list the files of {tree[:12]}", str(top), "Check the clone with git fsck."
                )
        finally:
            running.kill()


def _records(stream: IO[bytes]) -> Iterator[bytes]:
    left = b""
    while block := stream.read(1 << 16):
        *whole, left = (left + block).split(b"\0")
        yield from whole


def contents(top: Path, blobs: Sequence[Blob]) -> Iterator[bytes]:
    """The bytes of each file, in order; `InputError` for one that the clone does not have."""
    with subprocess.Popen(  # noqa: S603 - an argument list, no shell
        _command(top, ["cat-file", "--batch"]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
    ) as running:
        if running.stdin is None or running.stdout is None:
            raise InputError("git takes no input", str(top))
        try:
            for blob in blobs:
                running.stdin.write(f"{blob.name}\n".encode())
                running.stdin.flush()
                head = running.stdout.readline().split()
                if len(head) != 3 or head[1] != b"blob" or int(head[2]) != blob.size:
                    raise InputError(
                        "the clone does not have the content of this file",
                        blob.path,
                        "Fetch it: git fetch --refetch, or clone without --filter.",
                    )
                content = running.stdout.read(blob.size + 1)
                if len(content) != blob.size + 1:
                    raise InputError("git ended too early", blob.path)
                yield content[:-1]
        finally:
            running.kill()


def _asked(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603 - an argument list, no shell
            _command(folder, arguments), capture_output=True, check=False, timeout=SECONDS, env=_environment()
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(f"git {arguments[0]} did not end within {SECONDS} s", str(folder)) from error


def _command(folder: Path, arguments: Sequence[str]) -> list[str]:
    program = shutil.which("git")
    if program is None:
        raise InputError(
            "git is not installed", "", "Install git, or compare with a folder: --base ./old-pack."
        )
    return [program, "--no-pager", "--literal-pathspecs", "-C", str(folder), *arguments]


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _OF_HOOKS}
    return {**kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[0].removeprefix("fatal: ")[:200] if lines else f"exit {done.returncode}"
