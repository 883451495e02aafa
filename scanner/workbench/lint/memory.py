"""What a long look at unchanged files found: a key made of the texts it depends on comes in, the findings come out.

Two memories are asked. One lies with the user and is the work of exactly this code; another code forgets it. One ships with the
program and knows the shipped pack; a test looks again and compares, as it does for everything that is generated. Both are
only shortcuts: one that is missing, foreign or broken remembers nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from scanner import __version__

MOST = 5_000
"""Entries that are kept; more are forgotten all together."""
MOST_BYTES = 8_000_000
"""A larger file is nobody's memory."""
CODES = frozenset({"LOG001", "LOG002", "LOG003", "LOG004", "LOG005", "LOG006", "LOG008"})
"""The checks whose findings are worth remembering."""
_LEVELS = ("", "warning")
SHIPPED = Path(__file__).with_name("shipped.json")
_SOURCES = ("workbench", "engine", "inventory", "types", "language", "model", "waivers", "cli")
_ROOT = Path(__file__).resolve().parent.parent.parent


class Said(NamedTuple):
    """A finding in a form that can be remembered: it names rules, not files, and so holds wherever the same files lie."""

    code: str
    what: str
    advice: str
    rule: str
    """The rule in whose file the place is; "" for `pack.yaml`."""
    line: int
    column: int
    beside: str = ""
    """The other rule of a finding about two."""
    level: str = ""
    """Where it is not the check's own."""


class Paired(NamedTuple):
    """What is known of pairs: the digests of the rules that were tried with each other, and what was found."""

    among: frozenset[str] = frozenset()
    found: tuple[Said, ...] = ()


@dataclass(slots=True)
class Memory:
    """Findings by key. `file`: where they are kept, None to keep nothing; `shipped`: what came with the program."""

    file: Path | None = None
    shipped: Path | None = None
    _rules: dict[str, tuple[Said, ...]] = field(default_factory=dict)
    _pairs: dict[str, Paired] = field(default_factory=dict)
    _fresh: bool = False

    def load(self) -> None:
        """Read what was kept; what ships yields to it."""
        for file, code in ((self.shipped, None), (self.file, digest_of_code())):
            if file is not None:
                rules, pairs = _read(file, code)
                self._rules.update(rules)
                self._pairs.update(pairs)

    def recall(self, key: str, find: Callable[[], Iterable[Said]]) -> tuple[Said, ...]:
        """What is known for a key; else what `find` finds, which is known from now on."""
        if key not in self._rules:
            self._rules[key] = tuple(find())
            self._fresh = True
        return self._rules[key]

    def recall_pairs(
        self, key: str, rules: Mapping[str, str], find: Callable[[frozenset[str]], Iterable[Said]]
    ) -> tuple[Said, ...]:
        """What is known of the pairs of rules (id -> digest). `find` gets the ids whose pairs with each other are known."""
        known = self._pairs.get(key, Paired())
        same = frozenset(rule for rule, digest in rules.items() if digest in known.among)
        found = tuple(one for one in known.found if one.rule in same and one.beside in same)
        if len(same) < len(rules) or known == Paired():
            found += tuple(find(same))
            self._pairs[key] = Paired(frozenset(rules.values()), found)
            self._fresh = True
        return found

    def keep(self) -> None:
        """Write what is new; a folder that cannot be written keeps nothing."""
        if self.file is None or not self._fresh:
            return
        many = len(self._rules) + len(self._pairs) > MOST
        write(self.file, self.text(digest_of_code()) if not many else "{}")

    def text(self, code: str | None) -> str:
        """Everything that is known, as a file. `code`: the digest of the code whose work it is, None to leave it out."""
        kept: dict[str, Any] = {"code": code} if code is not None else {}
        kept["rules"] = dict(sorted(self._rules.items()))
        kept["pairs"] = {
            key: {"among": sorted(one.among), "found": one.found} for key, one in sorted(self._pairs.items())
        }
        return json.dumps(kept, indent=None if code is not None else 0) + "\n"


def home() -> Path | None:
    """The folder in which the runs of this user remember, by the platform's custom; None where nobody has one."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", "")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")  # noqa: PTH111 - Path raises where there is no home
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 - see above
    folder = Path(base, "acrscan")
    return folder if folder.is_absolute() else None


def key(what: str, *texts: str) -> str:
    """A key for a question about texts."""
    digest = hashlib.sha256()
    for text in (what, *texts):
        digest.update(f"{len(text)}:".encode())
        digest.update(text.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:32]


def write(file: Path, text: str) -> bool:
    """Replace a file as a whole; tells whether it could be written."""
    fresh = file.with_name(f"{file.name}.{os.getpid()}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(text, "utf-8")
        fresh.replace(file)
    except OSError:
        return False
    return True


def read(file: Path) -> Any:
    """What a file of JSON holds, None where there is none, or none that can be a memory."""
    try:
        if file.stat().st_size > MOST_BYTES:
            return None
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def _read(file: Path, code: str | None) -> tuple[dict[str, tuple[Said, ...]], dict[str, Paired]]:
    body = read(file)
    if not isinstance(body, dict) or body.get("code") != code:
        return {}, {}
    rules, pairs = body.get("rules"), body.get("pairs")
    if not isinstance(rules, dict) or not isinstance(pairs, dict):
        return {}, {}
    return (
        {name: said for name, value in rules.items() if (said := _all(value)) is not None},
        {name: paired for name, value in pairs.items() if (paired := _paired(value)) is not None},
    )


def _all(value: Any) -> tuple[Said, ...] | None:
    kinds = (str, str, str, str, int, int, str, str)
    if isinstance(value, list) and all(
        isinstance(one, list)
        and len(one) == len(kinds)
        and all(map(isinstance, one, kinds))
        and one[0] in CODES
        and one[-1] in _LEVELS
        for one in value
    ):
        return tuple(Said._make(one) for one in value)
    return None


def _paired(value: Any) -> Paired | None:
    if not isinstance(value, dict) or not isinstance(value.get("among"), list):
        return None
    among, found = value["among"], _all(value.get("found"))
    if found is None or not all(isinstance(one, str) for one in among):
        return None
    return Paired(frozenset(among), found)


@cache
def digest_of_code() -> str:
    """A digest of the code and the facts that answer, by their content."""
    digest = hashlib.sha256(f"{__version__} {sys.version_info[:3]}".encode())
    for room in ("", *_SOURCES):
        for path in _files(str(_ROOT / room), below=bool(room)):
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - 200 files in each run: half the time of Path
                digest.update(file.read())
    return digest.hexdigest()


def _files(folder: str, *, below: bool) -> Iterable[str]:
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        if entry.is_dir():
            if below and entry.name != "__pycache__":
                yield from _files(entry.path, below=True)
        elif entry.name.endswith((".py", ".json")):
            yield entry.path
