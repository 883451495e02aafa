"""A regular expression comes in, one text that it matches comes out, or None where none was found."""

from __future__ import annotations

import re._constants as constants  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
import warnings
from functools import lru_cache
from typing import Any

_OF_CATEGORY = {
    constants.CATEGORY_DIGIT: "1",
    constants.CATEGORY_SPACE: " ",
    constants.CATEGORY_WORD: "a",
    constants.CATEGORY_NOT_DIGIT: "a",
    constants.CATEGORY_NOT_SPACE: "a",
    constants.CATEGORY_NOT_WORD: "-",
}
_TRIED = "a1A-_./ :"


@lru_cache(maxsize=512)
def example_of(pattern: str) -> str | None:
    """A short text for a pattern. The caller checks it with the engine that the rule language uses."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _text(parser.parse(pattern))
    except (re_error, RecursionError, OverflowError, ValueError):
        return None


re_error: Any = constants.error


def _text(parsed: Any) -> str:
    return "".join(_piece(operation, argument) for operation, argument in parsed)


def _piece(operation: Any, argument: Any) -> str:
    match operation:
        case constants.LITERAL:
            return chr(int(argument))
        case constants.NOT_LITERAL:
            return next(char for char in _TRIED if ord(char) != argument)
        case constants.ANY:
            return "a"
        case constants.IN:
            return _member(argument)
        case constants.BRANCH:
            return _text(argument[1][0])
        case constants.SUBPATTERN:
            return _text(argument[-1])
        case constants.MAX_REPEAT | constants.MIN_REPEAT | constants.POSSESSIVE_REPEAT:
            least, most, inner = argument
            if least > 64:
                raise ValueError
            return _text(inner) * int(max(least, min(1, most)))
        case constants.AT:
            return ""
        case _:
            raise ValueError


def _member(choices: Any) -> str:
    if choices and choices[0][0] is constants.NEGATE:
        taken = [(low, high) for low, high in map(_span, choices[1:])]
        return next(char for char in _TRIED if not any(low <= ord(char) <= high for low, high in taken))
    operation, argument = choices[0]
    if operation is constants.CATEGORY:
        return _OF_CATEGORY[argument]
    return chr(_span((operation, argument))[0])


def _span(choice: Any) -> tuple[int, int]:
    operation, argument = choice
    if operation is constants.LITERAL:
        return argument, argument
    if operation is constants.RANGE:
        return argument[0], argument[1]
    text = _OF_CATEGORY[argument]
    return ord(text), ord(text)
