"""One side of a comparison: a folder comes in; the rules in it that parse come out, with every error of those that do not.

A comparison goes on when one file is broken: its rules are named as not compared, and never told as removed or new.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from scanner.errors import Problems, RuleError, ScannerError, UsageError
from scanner.language.pack import load_pack, shown
from scanner.model.condition import Mark
from scanner.model.rule import RulePack
from scanner.workbench.problem import mark_of
from scanner.workbench.revision import (
    PackAbsentError,
    Revision,
    is_folder,
    lay_out,
    pack_at,
    revision,
    told,
)

_ID = re.compile(r"""^["']?id["']?\s*:\s*["']?([A-Z]{2,8}[0-9]{3,10})\b""", re.MULTILINE)
_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that did not parse: `ids` are those of the rules that seem to stand in it."""

    file: str
    ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Side:
    """A pack as one side has it. `words`: how reports name the side; `name`: how places in it are written.

    `folder`: where its files lie now (a copy, for a reference); `at`: the commit, or None for a folder of this machine.
    `absent`: there is no pack on this side, which `pack` tells as one without rules.
    """

    pack: RulePack
    words: str
    name: str
    folder: Path
    at: Revision | None = None
    errors: tuple[ScannerError, ...] = ()
    unread: tuple[Unread, ...] = ()
    absent: bool = False

    @property
    def unread_ids(self) -> frozenset[str]:
        """Ids of rules that stand in files that did not parse."""
        return frozenset(name for one in self.unread for name in one.ids)

    @property
    def unread_files(self) -> frozenset[str]:
        """Those files, as places name them."""
        return frozenset(one.file for one in self.unread)

    @property
    def main(self) -> Mark:
        """The start of pack.yaml."""
        return Mark(f"{self.name}/pack.yaml", 1, 1)

    def file(self, mark: Mark) -> Path:
        """Where the file of a place lies now."""
        inside = mark.file.removeprefix(f"{self.name}/")
        return self.folder / inside if inside != mark.file else Path(mark.file)


@dataclass(slots=True)
class Sides:
    """Opens both sides; copies live as long as the context."""

    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def room(self) -> Path:
        """A new folder that lives as long as the context."""
        return Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="acrscan-")))

    def head(self, folder: Path, name: str = "") -> Side:
        """The side under check: the work tree, or a bundle's copy, whose `name` places begin with.

        Raises what makes the whole pack unreadable.
        """
        name = name or shown(folder)
        pack, at, errors, unread = self._readable(folder, name, "")
        return Side(pack, "the work tree", name, at, None, errors, unread)

    def base(
        self, base: str, folder: Path, head: Side, *, exact: bool = False, broken_ok: bool = False
    ) -> Side:
        """What the work tree is compared with: a reference, or a folder that is written as a path.

        A pack that is not there is an empty one. Rules that do not parse there raise, unless `broken_ok`.
        """
        if is_folder(base):
            place = Path(base).expanduser()
            if not place.is_dir():
                raise UsageError("there is no such folder", base, "Name the folder of the older pack.")
            return self._old(place, shown(place), f"folder {shown(place)}", None, head, broken_ok)
        at = revision(base, folder, exact=exact)
        try:
            copy = self._stack.enter_context(pack_at(at, folder))
        except PackAbsentError:
            return Side(empty(head.pack), at.words, head.name, folder, at, absent=True)
        return self._old(copy, head.name, at.words, at, head, broken_ok)

    def _old(
        self, folder: Path, name: str, words: str, at: Revision | None, head: Side, broken_ok: bool
    ) -> Side:
        ref = at.asked if at else ""
        try:
            pack, place, errors, unread = self._readable(folder, name, ref)
        except ScannerError as error:
            wrong = told(error, folder, name, ref)
            if not broken_ok:
                raise _advised(wrong) from error
            errors = tuple(wrong.errors) if isinstance(wrong, Problems) else (wrong,)
            every = Unread(name, frozenset(rule.id for rule in head.pack.rules))
            return Side(empty(head.pack), words, name, folder, at, errors, (every,))
        if errors and not broken_ok:
            raise _advised(Problems(list(errors)))
        return Side(pack, words, name, place, at, errors, unread)

    def _readable(
        self, folder: Path, name: str, ref: str
    ) -> tuple[RulePack, Path, tuple[ScannerError, ...], tuple[Unread, ...]]:
        """What parses of a pack, where it lies, the errors of the rest, and the files they are in."""
        try:
            return load_pack(folder, name=name), folder, (), ()
        except ScannerError as error:
            first = told(error, folder, name, ref)
        errors = list(first.errors) if isinstance(first, Problems) else [first]
        copy = self.room() / "pack"
        copy.mkdir()
        lay_out(folder, copy)
        unread: list[Unread] = []
        latest = errors
        for _ in range(_ATTEMPTS):
            left_out = list(_leave_out(latest, copy, name))
            if not left_out:
                break
            unread += left_out
            try:
                return load_pack(copy, name=name), copy, tuple(errors), tuple(unread)
            except ScannerError as error:
                further = told(error, copy, name, ref)
                latest = list(further.errors) if isinstance(further, Problems) else [further]
        raise first


def _leave_out(errors: list[ScannerError], copy: Path, name: str) -> Iterator[Unread]:
    """Remove the rule files that errors name from the copy."""
    for file in dict.fromkeys(mark_of(error.where).file for error in errors):
        path = copy / file.removeprefix(f"{name}/")
        if path.name != "pack.yaml" and path.is_file():
            text = path.read_bytes().decode("utf-8", "replace")
            path.unlink()
            yield Unread(file, frozenset(_ID.findall(text)))


def _advised(error: ScannerError) -> ScannerError:
    advice = "Mend it at the base first, or compare what parses there: --base-broken ok."
    if isinstance(error, Problems):
        *others, last = error.errors
        return Problems([*others, _advised(last)])
    joined = f"{error.advice}\n  {advice}" if error.advice else advice
    return RuleError(error.what, error.where, joined, excerpt=error.excerpt, code=error.code)


def empty(pack: RulePack) -> RulePack:
    """A pack without rules, for a side that has none: everything in the other one is new."""
    return replace(
        pack,
        version="0.0.0",
        parameters={},
        definitions={},
        rules=(),
        digest="",
        values={},
        value_origins={},
        profile="",
        profile_digest="",
        scoped=(),
        merged={},
    )
