"""Operators on a text of which only parts are known: the text, an operator and its operand come in, a truth comes out.

A part that is not known stands for any text, so an answer is given only where every such text leads to it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from scanner.engine.operators.compare import folded
from scanner.engine.operators.row import Options
from scanner.engine.operators.text import compiled, like
from scanner.engine.proof import Truth
from scanner.model import ids
from scanner.model.values import Partial

_ALPHABETS = {"repositoryName": "[a-z0-9._/-]", "registryName": "[A-Za-z0-9]", "uuid": "[0-9A-Fa-f-]"}
"""Formats whose texts are made of few characters, and these characters."""
_ONE_CLASS = re.compile(r"\^(\[\^?[A-Za-z0-9._/ -]+\])[*+]\$")
"""Patterns that say of each character alone whether it may be there."""
HOLE = "\uffff"
"""Stands for a part that is not known; no text of the world holds it."""


def shown(partial: Partial) -> str:
    """The text for people, with an ellipsis where something is not known."""
    return (
        "".join("…" if part is None else part for part in partial.parts)
        if any(partial.parts)
        else "(not known)"
    )


def last_segment(value: Any) -> str | None:
    """The last segment of an id that is known as far as that; None where it is not."""
    known = value.parts[-1] if isinstance(value, Partial) else value
    if not isinstance(known, str) or (known is not value and "/" not in known):
        return None
    return ids.name_of(known)


def decide(operator: str, value: Partial, operand: Any, options: Options) -> Truth:
    """What an operator says of a partly known text."""
    match operator:
        case "exists":
            return Truth.TRUE if operand is True else Truth.FALSE
        case "empty":
            if not any(value.parts):
                return Truth.UNKNOWN
            return Truth.FALSE if operand is True else Truth.TRUE
        case "equals":
            return _possible(value, [operand], options)
        case "in":
            return _possible(value, operand, options)
        case "like":
            return _like(value, [operand], options)
        case "likeAny":
            return _like(value, operand, options)
        case "contains":
            known = isinstance(operand, str) and any(
                part is not None and folded(operand, options) in folded(part, options) for part in value.parts
            )
            return Truth.TRUE if known else Truth.UNKNOWN
        case "idWithin":
            return _within(value, [operand] if isinstance(operand, str) else operand)
        case "format":
            return _every_character(value, _ALPHABETS.get(operand, ""))
        case "matches":
            found = _ONE_CLASS.fullmatch(operand) if isinstance(operand, str) else None
            return _every_character(value, found[1] if found else "")
        case _:
            return Truth.UNKNOWN


def _every_character(value: Partial, wanted: str) -> Truth:
    """FALSE where a known part holds a character that the whole text may not have; no text that is filled in mends that."""
    if wanted and any(
        part is not None and not compiled(f"^(?:{wanted})*$").search(part) for part in value.parts
    ):
        return Truth.FALSE
    return Truth.UNKNOWN


def same(one: Any, other: Any) -> Truth:
    """Whether two values, of which at least one is partly known, are equal: certain where both have one cause and one form."""
    return Truth.TRUE if one == other else Truth.UNKNOWN


def _pattern(value: Partial, options: Options) -> str:
    return "".join("*" if part is None else folded(part, options).replace("*", "?") for part in value.parts)


def _possible(value: Partial, operands: Any, options: Options) -> Truth:
    """FALSE where no text of that form is any of the operands."""
    if not isinstance(operands, (list, tuple)):
        return Truth.UNKNOWN
    for operand in operands:
        if isinstance(operand, Partial):
            return Truth.UNKNOWN
        if isinstance(operand, str) and _meet(
            _pattern(value, options), folded(operand, options).replace("*", "?")
        ):
            return Truth.UNKNOWN
    return Truth.FALSE


def _like(value: Partial, patterns: Any, options: Options) -> Truth:
    """TRUE where a pattern takes every text of that form, FALSE where none takes any."""
    if not isinstance(patterns, (list, tuple)) or not all(isinstance(one, str) for one in patterns):
        return Truth.UNKNOWN
    filled = "".join(HOLE if part is None else folded(part, options) for part in value.parts)
    folds = [folded(one, options) for one in patterns]
    if any(like(filled, one) for one in folds):
        return Truth.TRUE  # only a `*` of the pattern can have taken the holes, and it takes any text
    form = _pattern(value, options)
    return Truth.UNKNOWN if any(_meet(form, one) for one in folds) else Truth.FALSE


def _within(value: Partial, scopes: Any) -> Truth:
    if not isinstance(scopes, (list, tuple)) or not value.parts or value.parts[0] is None:
        return Truth.UNKNOWN
    known = value.parts[0]
    whole = ids.segments(known if known.endswith("/") else known.rpartition("/")[0])
    for scope in scopes:
        if not isinstance(scope, str):
            return Truth.UNKNOWN
        wanted = ids.segments(scope)
        if whole[: len(wanted)] == wanted:
            return Truth.TRUE
        if wanted[: len(whole)] == whole:
            return Truth.UNKNOWN
    return Truth.FALSE


@lru_cache(maxsize=4096)
def _meet(one: str, other: str) -> bool:
    """Whether some text fits both patterns (`*` takes any text, also none)."""
    row = [True] + [False] * len(other)
    for at, char in enumerate(other, 1):
        row[at] = row[at - 1] and char == "*"
    for first in one:
        above, row = row, [row[0] and first == "*"] + [False] * len(other)
        for at, char in enumerate(other, 1):
            if first == "*" or char == "*":
                row[at] = row[at - 1] or above[at] or (first == char and above[at - 1])
            else:
                row[at] = above[at - 1] and first == char
    return row[-1]
