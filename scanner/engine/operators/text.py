"""Operators on text: like, likeAny, matches, format."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import re2

from scanner.engine.operators.compare import folded
from scanner.engine.operators.row import Answer, Operator, Options, Wrong, kind, never, wrong

_REPOSITORY = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
FORMATS = {
    "registryName": re.compile(r"[A-Za-z0-9]{5,50}\Z"),
    "repositoryName": re.compile(_REPOSITORY + r"\Z"),
    "imageReference": re.compile(
        r"(?:[a-z0-9]+(?:[.-][a-z0-9]+)*(?::[0-9]{1,5})?/)?"
        + _REPOSITORY
        + r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[a-f0-9]{64})?\Z"
    ),
    "uuid": re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\Z"),
    "url": re.compile(r"https?://[^\s/?#]+[^\s]*\Z", re.IGNORECASE),
}
"""Forms that `format` knows; each pattern is a fixed one without nested repetition over the same characters."""

MAX_PATTERN = 1000
MAX_TEXT = 65_536


def like(text: str, pattern: str) -> bool:
    """Whether `text` is `pattern`, where each `*` stands for any run of characters; linear in the text."""
    parts = pattern.split("*")
    if len(parts) == 1:
        return text == pattern
    head, tail = parts[0], parts[-1]
    if len(text) < len(head) + len(tail) or not text.startswith(head) or not text.endswith(tail):
        return False
    at, end = len(head), len(text) - len(tail)
    for part in parts[1:-1]:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _like(value: Any, operand: Any, options: Options) -> Answer:
    for side in (value, operand):
        if not isinstance(side, str):
            return wrong(side, "text")
    return like(folded(value, options), folded(operand, options))


def _like_any(value: Any, operand: Any, options: Options) -> Answer:
    if not isinstance(operand, (list, tuple)):
        return wrong(operand, "a list of patterns")
    if not isinstance(value, str):
        return wrong(value, "text")
    for item in operand:
        if not isinstance(item, str):
            return wrong(item, "a pattern")
    return any(like(folded(value, options), folded(item, options)) for item in operand)


@lru_cache(maxsize=512)
def compiled(pattern: str) -> Any:
    """The compiled pattern of the linear-time engine; raises `re2.error` for what it refuses."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    return re2.compile(pattern, options)


def pattern_problem(pattern: Any) -> str:
    """Why a pattern cannot be used, or ""."""
    if not isinstance(pattern, str):
        return "a pattern is text"
    if len(pattern) > MAX_PATTERN:
        return f"a pattern has at most {MAX_PATTERN} characters"
    try:
        compiled(pattern)
    except re2.error as error:
        return f"the linear-time engine refuses the pattern: {_words(error)}"
    return ""


def _words(error: Exception) -> str:
    first = error.args[0] if error.args else error
    return first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first)


def _matches(value: Any, operand: Any, _: Options) -> Answer:
    if not isinstance(value, str):
        return wrong(value, "text")
    problem = pattern_problem(operand)
    if problem:
        return Wrong(problem)
    if len(value) > MAX_TEXT:
        return Wrong(f"text of {len(value):,} characters, more than {MAX_TEXT:,}")
    return compiled(operand).search(value) is not None


def _format(value: Any, operand: Any, _: Options) -> Answer:
    if not isinstance(value, str):
        return wrong(value, "text")
    pattern = FORMATS.get(operand) if isinstance(operand, str) else None
    if pattern is None:
        return Wrong(f"unknown format {operand!r}")
    return len(value) <= MAX_TEXT and pattern.match(value) is not None


def _format_problem(operand: Any) -> str:
    if kind(operand) == "string" and operand in FORMATS:
        return ""
    return f"a format is one of {', '.join(sorted(FORMATS))}"


_TEXT = frozenset({"string"})

ROWS = (
    Operator("like", _like, never, _TEXT, _TEXT, "the text fits a pattern with * for any run of characters"),
    Operator(
        "likeAny", _like_any, never, _TEXT, frozenset({"strings"}), "the text fits one of these patterns"
    ),
    Operator(
        "matches", _matches, never, _TEXT, _TEXT, "the text matches a regular expression", pattern_problem
    ),
    Operator("format", _format, never, _TEXT, _TEXT, "the text has a known form", _format_problem),
)
