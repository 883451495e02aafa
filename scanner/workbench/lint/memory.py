"""What a long look at unchanged files found: a key made of everything it depends on comes in, the findings come out.

Only a shortcut: a memory that is missing, foreign or broken is one that remembers nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from scanner import __version__

MOST = 5_000
"""Entries that are kept; more are forgotten all together."""
_SOURCES = ("workbench/bounded", "workbench/lint", "engine", "engine/operators", "types", "language")
_ROOT = Path(__file__).resolve().parent.parent.parent


class Said(NamedTuple):
    """A finding in a form that can be remembered."""

    code: str
    what: str
    advice: str
    file: str
    line: int
    column: int


@dataclass(slots=True)
class Memory:
    """Findings by key. `file`: where they are kept, None to keep nothing."""

    file: Path | None = None
    _known: dict[str, list[list[Any]]] = field(default_factory=dict)
    _fresh: bool = False

    def load(self) -> None:
        """Read what was kept."""
        if self.file is not None:
            self._known.update(_read(self.file))

    def key(self, what: str, *texts: str) -> str:
        """A key for a question about texts; another version of the program asks another question."""
        digest = hashlib.sha256()
        for text in (what, __version__, _code(), *texts):
            digest.update(f"{len(text)}:".encode())
            digest.update(text.encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def recall(self, key: str, find: Callable[[], Iterable[Said]]) -> list[Said]:
        """What is known for a key; else what `find` finds, which is known from now on."""
        if key not in self._known:
            self._known[key] = [list(one) for one in find()]
            self._fresh = True
        return [Said._make(one) for one in self._known[key]]

    def keep(self) -> None:
        """Write what is new; a folder that cannot be written keeps nothing."""
        if self.file is None or not self._fresh:
            return
        kept = self._known if len(self._known) <= MOST else {}
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            fresh = self.file.with_suffix(".new")
            fresh.write_text(json.dumps(kept), "utf-8")
            fresh.replace(self.file)
        except OSError:
            return


def _read(file: Path) -> dict[str, list[list[Any]]]:
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, list) and all(map(_fits, value))}


def _fits(one: Any) -> bool:
    kinds = (str, str, str, str, int, int)
    return isinstance(one, list) and len(one) == len(kinds) and all(map(isinstance, one, kinds))


@cache
def _code() -> str:
    """A digest of the code that answers."""
    digest = hashlib.sha256()
    for folder in _SOURCES:
        for path in sorted((_ROOT / folder).glob("*.py")) + sorted((_ROOT / folder).glob("*.json")):
            digest.update(path.read_bytes())
    return digest.hexdigest()
