"""A git reference and a folder come in; a temporary copy of the folder as it was there comes out, and the pack in it.

Nothing is checked out and the work tree is not touched: the objects are read by `git cat-file`. Only YAML files are copied,
symbolic links are not followed, and sizes are bounded. A folder instead of a reference is written as a path (`./old`): a
plain word is always a reference, so that nobody can put a folder of that name in its place.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from scanner.errors import InputError, Problems, RuleError, ScannerError, UsageError
from scanner.language.pack import MAX_FILES, load_pack, shown
from scanner.model.rule import RulePack
from scanner.text import MAX_BYTES, nearest
from scanner.workbench import _git
from scanner.workbench._git import Blob

MAX_TOTAL = 200_000_000
_PATH = re.compile(r"\.{1,2}(?:[/\\]|\Z)|[/\\]|~[/\\]|[A-Za-z]:[/\\]")
_BAD = re.compile(r"[\x00-\x1f\x7f~:?*\[\\]")
"""What no name of a branch, tag or commit holds; `~` only with a number (`HEAD~2`)."""
_STEPS = re.compile(r"(?:~[0-9]*|\^[0-9]*|@\{[^{}\x00-\x1f]*\}|\^\{commit\})+\Z")


class PackAbsentError(InputError):
    """The folder, or its pack.yaml, is not there at the reference: the pack is new since then."""


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit of the repository that holds a folder.

    `asked`: the reference as given; `commit`: full hash; `top`: the work tree; `prefix`: the folder's path in the
    repository, posix, "" for its root; `words`: how reports name it.
    """

    asked: str
    commit: str
    top: Path
    prefix: str
    words: str

    @property
    def short(self) -> str:
        """The commit as people write it."""
        return self.commit[:12]


def is_folder(base: str) -> bool:
    """Whether a `--base` is written as a path (`./old`, `../old`, `/tmp/old`) and not as a reference."""
    return _PATH.match(base) is not None


def revision(ref: str, folder: Path, *, exact: bool = False) -> Revision:
    """The commit that a reference stands for, in the repository that holds `folder`.

    That is the merge base of the reference and HEAD (what pull requests compare with), or with `exact` the reference
    itself. A branch that only a remote has is found there. Raises `UsageError` for what is no reference or is not known,
    `InputError` where there is no git, no repository, or not enough history.
    """
    _check(ref)
    place = _existing(folder)
    top, inside = _git.work_tree(place)
    rest = folder.resolve().relative_to(place.resolve()).as_posix()
    prefix = "/".join(part for part in (*inside.split("/"), *rest.split("/")) if part not in ("", "."))
    commit, found = _resolved(top, ref)
    words = f"{found} ({commit[:12]})" if found != commit else commit[:12]
    if not exact:
        met = _met(top, ref, commit)
        if met and met != commit:
            commit, words = met, f"{met[:12]}, where this branch left {found}"
    return Revision(ref, commit, top, prefix, words)


@contextmanager
def pack_at(ref: str | Revision, folder: Path, *, exact: bool = False) -> Iterator[Path]:
    """A temporary folder with the YAML files of `folder` as they are at the reference; it is gone afterwards.

    Raises what `revision` raises, `PackAbsentError` where the folder is not there, `RuleError` for links and submodules
    among the rules.
    """
    at = ref if isinstance(ref, Revision) else revision(ref, folder, exact=exact)
    with tempfile.TemporaryDirectory(prefix="acrscan-") as place:
        copy = Path(place) / (PurePosixPath(at.prefix).name or "pack")
        copy.mkdir()
        _copy(at, copy)
        yield copy


def load_at(base: str, folder: Path, name: str = "", *, exact: bool = False) -> RulePack:
    """The pack at a reference, or in another folder that is written as a path.

    `name`: how places in its files are written; by default as those of `folder` itself. Errors in files say `at REF`.
    """
    if is_folder(base):
        return load_pack(Path(base).expanduser(), name=name)
    at = revision(base, folder, exact=exact)
    with pack_at(at, folder) as copy:
        return load_copy(copy, name or shown(folder), at.asked)


def load_copy(copy: Path, name: str, ref: str) -> RulePack:
    """The pack in a copy; places in errors are those of the files that were copied, marked with the reference."""
    try:
        return load_pack(copy, name=name)
    except ScannerError as error:
        raise told(error, copy, name, ref) from error


def told(error: ScannerError, copy: Path, name: str, ref: str) -> ScannerError:
    """The error with the places of a copy turned into those of what was copied, `at ref` where that is not ""."""
    if isinstance(error, Problems):
        return Problems([told(one, copy, name, ref) for one in error.errors])
    where = error.where
    if where.startswith(str(copy)):
        where = name + where.removeprefix(str(copy)).replace("\\", "/")
    what = f"{error.what} (at {ref}, not in the work tree)" if ref else error.what
    return RuleError(what, where, error.advice, excerpt=error.excerpt, code=error.code)


def file_at(at: Revision, path: Path, *, limit: int = MAX_BYTES) -> bytes | None:
    """The bytes of a file of the same repository at a revision, or None where it is not there.

    Raises `InputError` for a file outside the repository, a link, or one that is too large.
    """
    try:
        inside = path.resolve().relative_to(at.top.resolve()).as_posix()
    except ValueError as error:
        raise InputError(
            "is not in the repository of the pack", str(path), "Name a file for the base side."
        ) from error
    for blob in _git.entries(at.top, at.commit, inside):
        if blob.path == inside:
            _plain(blob, inside, at.asked)
            _small(blob, inside, at.asked, limit)
            return next(_git.contents(at.top, [blob]))
    return None


def _check(ref: str) -> None:
    """Refuse what could be an option, a range or a path for git."""
    base = _STEPS.sub("", ref)
    if ".." in ref:
        raise UsageError(
            f"{ref[:100]!r} is a range, not one reference", "", "Name the base alone, such as main."
        )
    if not ref or ref.startswith("-") or len(ref) > 250 or _BAD.search(base) or base.strip() != base:
        raise UsageError(
            f"{ref[:100]!r} is no git reference",
            "",
            "Name a branch, a tag or a commit; write a folder as a path, such as ./old-pack.",
        )


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    place = folder.resolve()
    while not place.is_dir():
        place = place.parent
    return place


def _resolved(top: Path, ref: str) -> tuple[str, str]:
    """The commit, and the reference that it was found under."""
    commit = _git.commit(top, ref)
    if commit:
        return commit, ref
    names = _git.references(top)
    elsewhere = [name for name in names if name.endswith(f"/{ref}") and name.count("/") == ref.count("/") + 1]
    remote = f"origin/{ref}" if f"origin/{ref}" in elsewhere else elsewhere[0] if len(elsewhere) == 1 else ""
    commit = _git.commit(top, f"refs/remotes/{remote}") if remote else ""
    if commit:
        return commit, remote
    if len(elsewhere) > 1:
        raise UsageError(
            f"several remotes have {ref!r}", "", f"Name one of {', '.join(sorted(elsewhere)[:5])}."
        )
    if _git.shallow(top):
        raise InputError(
            f"{ref!r} is not in this shallow clone",
            "",
            f"Fetch it: git fetch origin {ref}, or clone with the whole history (actions/checkout: fetch-depth: 0; git fetch --unshallow).",
        )
    folder = f" A folder is written as a path: ./{ref}." if Path(ref).is_dir() else ""
    known = nearest(ref, [*names, *(name.partition("/")[2] for name in names if "/" in name)])
    raise UsageError(
        f"the repository has no branch, tag or commit {ref!r}",
        "",
        (known or "`git branch -a` lists branches; fetch the base if it is only at the remote.") + folder,
    )


def _met(top: Path, ref: str, commit: str) -> str:
    """The merge base of a commit and HEAD; "" where HEAD has no commit or the histories never met."""
    head = _git.commit(top, "HEAD")
    if not head:
        return ""
    met = _git.merge_base(top, commit, head)
    if not met and _git.shallow(top):
        raise InputError(
            f"this shallow clone does not reach back to where the branch left {ref!r}",
            "",
            "Clone with the whole history (actions/checkout: fetch-depth: 0; git fetch --unshallow), or compare with the reference itself (--exact).",
        )
    return met


def _copy(at: Revision, copy: Path) -> None:
    blobs = []
    total = 0
    for blob in _git.entries(at.top, at.commit, at.prefix):
        inside = blob.path[len(at.prefix) + 1 :] if at.prefix else blob.path
        if blob.path == at.prefix:
            raise PackAbsentError(f"is no folder at {at.asked}", at.prefix)
        if not blob.submodule and not inside.endswith((".yaml", ".yml")):
            continue
        _plain(blob, blob.path, at.asked)
        _small(blob, blob.path, at.asked, MAX_BYTES)
        _within(inside, blob.path, at.asked)
        blobs.append(blob)
        total += blob.size
        if len(blobs) > 2 * MAX_FILES or total > MAX_TOTAL:
            raise RuleError(
                f"more than {2 * MAX_FILES:,} files or {MAX_TOTAL:,} bytes at {at.asked}", at.prefix or "."
            )
    for blob, content in zip(blobs, _git.contents(at.top, blobs), strict=True):
        target = copy / (blob.path[len(at.prefix) + 1 :] if at.prefix else blob.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with target.open("xb") as out:
                out.write(content)
        except OSError as error:
            raise RuleError(
                f"cannot be copied from {at.asked}: {error.strerror or error}",
                blob.path,
                "Two names that differ in case only do not fit on this disk.",
            ) from error
    if not (copy / "pack.yaml").is_file():
        raise PackAbsentError(
            f"there is no pack at {at.words}",
            at.prefix or ".",
            "The pack is new, or it stood in another folder.",
        )


def _plain(blob: Blob, path: str, ref: str) -> None:
    if blob.link:
        raise RuleError(
            f"is a symbolic link at {ref}, which is not followed", path, "Put the file itself there."
        )
    if blob.submodule:
        raise RuleError(f"is a submodule at {ref}, which is not read", path, "Give --base a folder.")


def _small(blob: Blob, path: str, ref: str, limit: int) -> None:
    if blob.size > limit:
        raise RuleError(
            f"has {blob.size:,} bytes at {ref}, more than the {limit:,} allowed", path, "Split the file."
        )


def _within(inside: str, path: str, ref: str) -> None:
    """Refuse names that would leave the copy: a tree may hold anything."""
    parts = inside.split("/")
    if any(part in ("", ".", "..") or re.search(r"[\x00-\x1f\x7f\\:]", part) for part in parts):
        raise RuleError(f"has a name at {ref} that no pack may have", repr(path))


def lay_out(folder: Path, copy: Path) -> None:
    """Copy the YAML files of a folder of this machine, for changes that must not touch it; links are not followed."""
    for path in sorted((*folder.rglob("*.yaml"), *folder.rglob("*.yml"))):
        if path.is_file() and not path.is_symlink():
            target = copy / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
