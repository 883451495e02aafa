"""Bounded JSON files: a path comes in, a value comes out, or an `InputError` that names file, line and column.

Refused: what is not text, duplicate keys, NaN and Infinity, nesting deeper than 128, files over 200 MB. UTF-8 with or
without a BOM and UTF-16 with one (PowerShell writes it) are read.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

from scanner.errors import InputError
from scanner.file_text import bytes_of, decoded

MAX_BYTES = 200_000_000
MAX_DEPTH = 128


class _DuplicateKeyError(ValueError):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def read_json(path: Path) -> Any:
    """The JSON value of a file."""
    return parse_json(source_of(path), str(path))


def source_of(path: Path, limit: int = MAX_BYTES) -> str:
    """The text of a JSON file of at most `limit` bytes."""
    return _text(bytes_of(path, str(path), limit), str(path))


def _text(raw: bytes, where: str) -> str:
    text = decoded(raw, where)
    if "\x00" in text:
        at = text.index("\x00")
        raise InputError("holds NUL bytes", _place(text, at, where), "This is no JSON text file.")
    return text


def parse_json(text: str, where: str) -> Any:
    """The JSON value of a text; `where` is the file's name for messages."""
    if not text.strip():
        raise InputError("is empty", where, "Save the answer again.")
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise InputError(
            f"is not valid JSON: {error.msg}",
            f"{where}:{error.lineno}:{error.colno}",
            "Save the answer again, whole.",
        ) from error
    except _DuplicateKeyError as error:
        at = _second(text, error.key)
        raise InputError(
            f"duplicate key {error.key[:80]!r}", _place(text, at, where), "Keep one of them."
        ) from error
    except RecursionError as error:
        raise InputError(f"is nested deeper than {MAX_DEPTH} levels", where) from error
    except ValueError as error:
        raise InputError(f"is not valid JSON: {error}", where) from error
    _check_depth(value, where)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _DuplicateKeyError(key)
            seen.add(key)
    return found


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _second(text: str, key: str) -> int:
    """Where a key stands for the second time (the first place that can be meant)."""
    quoted = json.dumps(key)
    first = text.find(quoted)
    return text.find(quoted, first + 1) if first >= 0 else 0


def _place(text: str, at: int, where: str) -> str:
    line = text.count("\n", 0, at) + 1
    return f"{where}:{line}:{at - text.rfind(chr(10), 0, at)}"


def _check_depth(value: Any, where: str) -> None:
    level: list[Any] = [value] if isinstance(value, (dict, list)) else []
    for _ in range(MAX_DEPTH):
        if not level:
            return
        level = [
            item
            for node in level
            for item in (node.values() if isinstance(node, dict) else node)
            if isinstance(item, (dict, list))
        ]
    raise InputError(f"is nested deeper than {MAX_DEPTH} levels", where)
