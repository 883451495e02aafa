"""Operators on version numbers: versionLess, versionGreaterOrEquals. Compared number by number from the left."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from scanner.engine.operators.row import Answer, Operator, Options, Wrong, never, wrong

_FORM = re.compile(r"[vV]?(\d{1,9}(?:\.\d{1,9}){0,7})(?:[-+~. ][0-9A-Za-z.+~-]*)?\Z", re.ASCII)


@lru_cache(maxsize=4096)
def numbers(text: str) -> tuple[int, ...] | None:
    """The numbers of a version (`18.03.1-ce` is 18, 3, 1) without trailing zeros, or None."""
    found = _FORM.match(text.strip())
    if not found:
        return None
    parts = [int(part) for part in found.group(1).split(".")]
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def _pair(value: Any, operand: Any) -> tuple[tuple[int, ...], tuple[int, ...]] | Wrong:
    found = []
    for side in (value, operand):
        if not isinstance(side, str):
            return wrong(side, "a version")
        parts = numbers(side)
        if parts is None:
            return Wrong(f"{side[:40]!r} is no version")
        found.append(parts)
    return found[0], found[1]


def _less(value: Any, operand: Any, _: Options) -> Answer:
    pair = _pair(value, operand)
    return pair if isinstance(pair, Wrong) else pair[0] < pair[1]


def _greater_or_equals(value: Any, operand: Any, _: Options) -> Answer:
    pair = _pair(value, operand)
    return pair if isinstance(pair, Wrong) else pair[0] >= pair[1]


def _problem(operand: Any) -> str:
    return "" if isinstance(operand, str) and numbers(operand) is not None else f"{operand!r} is no version"


_TEXT = frozenset({"string"})

ROWS = (
    Operator("versionLess", _less, never, _TEXT, _TEXT, "the version is lower", _problem),
    Operator(
        "versionGreaterOrEquals",
        _greater_or_equals,
        never,
        _TEXT,
        _TEXT,
        "the version is this or higher",
        _problem,
    ),
)
