"""Conditions of role assignments: a condition and an action come in, the repositories that the action is limited to come out.

A condition is an expression over the request. `!(ActionMatches{'a'})` guards make it true for every action but `a`, so a
condition is worked out for one action at a time: what its guards do not name is not limited at all. Understood is the
documented form for registries, comparisons of `@Request[Microsoft.ContainerRegistry/registries/repositories:name]`
joined by AND, OR and parentheses. What else it says can only narrow access; where the rest alone decides, the answer is
"not understood", never "all".
Sources: https://learn.microsoft.com/azure/role-based-access-control/conditions-format,
https://learn.microsoft.com/azure/container-registry/container-registry-rbac-abac-repository-permissions
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any, TypeAlias

from scanner.engine.capabilities import matches

NOT_UNDERSTOOD = "(condition not understood)"
MAX_LENGTH = 8192
MAX_DEPTH = 40

_TOKEN = re.compile(
    r"\s*(?:(?P<word>[A-Za-z][\w:]*)|(?P<text>'(?:[^'\\]|\\.)*')|(?P<attribute>@\w+\[[^\]]*\])|(?P<sign>&&|\|\||[!(){},]))"
)
_NAME = re.compile(
    r"@(?:request|resource)\[microsoft\.containerregistry/registries/repositories:name\]", re.IGNORECASE
)
_KINDS = {"stringequals": "{}", "stringstartswith": "{}*", "stringlike": "{}"}
"""Comparison -> the pattern of names that it lets through."""

Node: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """Repositories that an action is limited to.

    `everything`: not limited; `nothing`: never allowed. `repositories` are names and patterns with `*`, `prefixes` the
    texts before a final `*`, as written. `understood` is False where only what we cannot read decides.
    """

    repositories: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    everything: bool = False
    understood: bool = True

    @property
    def nothing(self) -> bool:
        """Whether no repository is left."""
        return self.understood and not self.everything and not self.repositories


EVERYTHING = Limits(everything=True)
NOTHING = Limits()
UNCLEAR = Limits((NOT_UNDERSTOOD,), understood=False)


@lru_cache(maxsize=8192)
def limits(condition: str, action: str) -> Limits:
    """What a condition limits an action (lower case) to."""
    tree = _parsed(condition)
    return UNCLEAR if tree is None else _work_out(tree, action)


@lru_cache(maxsize=1024)
def _parsed(condition: str) -> Node | None:
    """The expression as a tree, or None where it is not one."""
    if len(condition) > MAX_LENGTH:
        return None
    reader = _Reader(condition)
    try:
        tree = reader.expression(0)
    except _Strange:
        return None
    return tree if reader.at_end() else None


def _work_out(node: Node, action: str) -> Limits:
    match node:
        case ("and", *parts):
            return _meet([_work_out(part, action) for part in parts])
        case ("or", *parts):
            return _join([_work_out(part, action) for part in parts])
        case ("not", part):
            inner = _work_out(part, action)
            if inner.everything:
                return NOTHING
            return EVERYTHING if inner.nothing else UNCLEAR
        case ("action", pattern):
            return EVERYTHING if matches(pattern, action) else NOTHING
        case ("names", *patterns):
            return _limited(patterns)
        case _:
            return UNCLEAR


def _limited(patterns: list[str]) -> Limits:
    names = tuple(dict.fromkeys(patterns))
    prefixes = tuple(name[:-1] for name in names if name.endswith("*") and _simple(name))
    return Limits(names, prefixes)


def _simple(pattern: str) -> bool:
    """Whether a pattern is a name, or a name's beginning with one `*` at the end."""
    return not any(mark in pattern.removesuffix("*") for mark in "*?\\")


def _join(parts: list[Limits]) -> Limits:
    if EVERYTHING in parts:
        return EVERYTHING
    if any(not part.understood for part in parts):
        return UNCLEAR
    return _limited([name for part in parts for name in part.repositories])


def _meet(parts: list[Limits]) -> Limits:
    if any(part.nothing for part in parts):
        return NOTHING
    known = [part for part in parts if part.understood and not part.everything]
    if not known:
        return UNCLEAR if any(not part.understood for part in parts) else EVERYTHING
    found = known[0]
    for part in known[1:]:
        pairs = list(product(found.repositories, part.repositories))
        if not all(_simple(name) for pair in pairs for name in pair):
            return UNCLEAR
        found = _limited([both for pair in pairs if (both := _both(*pair))])
    return found


def _both(one: str, other: str) -> str:
    """The pattern of names that fit both simple patterns, or ""."""
    longer, shorter = sorted((one, other), key=lambda name: len(name.removesuffix("*")), reverse=True)
    if shorter.endswith("*"):
        return longer if longer.lower().startswith(shorter[:-1].lower()) else ""
    same = longer.removesuffix("*").lower() == shorter.lower()
    return shorter if same else ""


class _Strange(Exception):
    """The text is not in the documented form."""


class _Reader:
    """Reads an expression from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at, end = 0, len(text.rstrip())
        while at < end:
            found = _TOKEN.match(text, at)
            if found is None or not found.lastgroup:
                self._tokens = [("strange", "")]
                return
            self._tokens.append((found.lastgroup, found.group(found.lastgroup)))
            at = found.end()
        self._tokens.reverse()

    def at_end(self) -> bool:
        """Whether everything was read."""
        return not self._tokens

    def expression(self, depth: int) -> Node:
        """Terms joined by one sort of operator; AND and OR side by side are ambiguous without parentheses."""
        parts = [self._term(depth)]
        joined = ""
        while (kind := self._operator()) is not None:
            if joined and kind != joined:
                raise _Strange
            joined = kind
            self._take()
            parts.append(self._term(depth))
        return (joined, *parts) if joined else parts[0]

    def _operator(self) -> str | None:
        kind, text = self._peek()
        if kind == "word":
            return {"and": "and", "or": "or"}.get(text.lower())
        return {"&&": "and", "||": "or"}.get(text) if kind == "sign" else None

    def _term(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise _Strange
        kind, text = self._take()
        word = text.lower() if kind == "word" else ""
        if text == "!" or word == "not":
            return ("not", self._term(depth + 1))
        if text == "(":
            inner = self.expression(depth + 1)
            self._expect(")")
            return inner
        if word == "actionmatches":
            return ("or", *(("action", value.lower()) for value in self._braced()))
        if word == "suboperationmatches":
            self._braced()
            return ("unclear",)
        if word == "exists":
            self._take()
            return ("unclear",)
        if kind == "attribute":
            return self._comparison(text)
        raise _Strange

    def _comparison(self, attribute: str) -> Node:
        kind, operator = self._take()
        if kind != "word":
            raise _Strange
        values = self._values()
        quantifier, _, bare = operator.lower().rpartition(":")
        pattern = _KINDS.get(bare.removesuffix("ignorecase"))
        several = quantifier in ("foranyofallvalues", "forallofallvalues") and len(values) != 1
        if pattern is None or several or not _NAME.fullmatch(attribute):
            return ("unclear",)
        return ("names", *(pattern.format(value) for value in values))

    def _values(self) -> list[str]:
        kind, text = self._peek()
        if text == "{":
            return self._braced()
        self._take()
        if kind == "text":
            return [text[1:-1]]
        if kind in ("word", "attribute"):
            return [text]
        raise _Strange

    def _braced(self) -> list[str]:
        self._expect("{")
        found = []
        while True:
            kind, text = self._take()
            if kind != "text":
                raise _Strange
            found.append(text[1:-1])
            _, sign = self._take()
            if sign == "}":
                return found
            if sign != ",":
                raise _Strange

    def _peek(self) -> tuple[str, str]:
        return self._tokens[-1] if self._tokens else ("", "")

    def _take(self) -> tuple[str, str]:
        if not self._tokens:
            raise _Strange
        return self._tokens.pop()

    def _expect(self, sign: str) -> None:
        if self._take()[1] != sign:
            raise _Strange
