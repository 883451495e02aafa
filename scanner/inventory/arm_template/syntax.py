"""Template expressions: the text between `[` and `]` comes in, a tree of nodes that can be run comes out.

Grammar: literals ('text' with '' for a quote, numbers), calls `name(a, b)`, `namespace.name(a)`, and after any value
`.key`, `[index]`, `.?key`. Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-expressions
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from scanner.inventory.arm_template.values import ExpressionError

MAX_EXPRESSION = 100_000
MAX_NESTING = 100
_TOKEN = re.compile(
    r"\s*(?:('(?:[^']|'')*+')|(-?\d+(?:\.\d+)?)|([A-Za-z_][\w$-]*+)|(\.\?|[.,()\[\]]))", re.ASCII | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Literal:
    """A text or number."""

    value: Any


@dataclass(frozen=True, slots=True)
class Call:
    """A function call; `name` in lower case, `written` as it stands. User functions have a dot in their name."""

    name: str
    written: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """`base.key` or `base[key]`; `safe`: `.?`, null where there is none."""

    base: Node
    key: Node
    safe: bool = False


Node: TypeAlias = Literal | Call | Member


def is_expression(text: str) -> bool:
    """Whether a text of a template is an expression (`[[` is an escaped bracket)."""
    return len(text) > 2 and text[0] == "[" and text[-1] == "]" and text[1] != "["


def unescaped(text: str) -> str:
    """A literal text: `[[` at the start stands for `[`."""
    return text[1:] if text.startswith("[[") else text


@lru_cache(maxsize=16_384)
def parse(text: str) -> Node:
    """The tree of an expression, brackets included. Raises `ExpressionError`."""
    inner = text[1:-1]
    if len(inner) > MAX_EXPRESSION:
        raise ExpressionError(f"an expression of more than {MAX_EXPRESSION:,} characters")
    parser = _Parser(inner)
    node = parser.value(0)
    if parser.token != ("", ""):
        raise ExpressionError(f"unexpected {parser.token[1][:40]!r} in the expression")
    return node


def nodes(node: Node) -> Iterator[Node]:
    """The node and everything below it."""
    yield node
    below: tuple[Node, ...] = ()
    if isinstance(node, Call):
        below = node.arguments
    elif isinstance(node, Member):
        below = (node.base, node.key)
    for item in below:
        yield from nodes(item)


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.token = ("", "")
        self._next()

    def _next(self) -> str:
        """Take the current token; the next one becomes current, ("", "") at the end."""
        taken = self.token[1]
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            rest = self._text[self._at :].strip()
            if rest:
                raise ExpressionError(f"cannot read {rest[:40]!r} in the expression")
            self.token = ("", "")
            return taken
        self._at = match.end()
        kind = ("text", "number", "name", "mark")[(match.lastindex or 1) - 1]
        self.token = (kind, match[match.lastindex or 1])
        return taken

    def _expect(self, mark: str) -> None:
        if self.token != ("mark", mark):
            raise ExpressionError(f"{mark!r} expected, not {self.token[1][:40]!r}")
        self._next()

    def value(self, depth: int) -> Node:
        if depth > MAX_NESTING:
            raise ExpressionError(f"an expression nested deeper than {MAX_NESTING}")
        kind, text = self.token
        node: Node
        if kind == "text":
            self._next()
            node = Literal(text[1:-1].replace("''", "'"))
        elif kind == "number":
            self._next()
            node = Literal(float(text) if "." in text else int(text[:400]))
        elif kind == "name":
            node = self._call(depth)
        else:
            raise ExpressionError(f"a value expected, not {text[:40]!r}")
        return self._members(node, depth)

    def _call(self, depth: int) -> Node:
        name = self._next()
        while self.token == ("mark", "."):
            self._next()
            if self.token[0] != "name":
                raise ExpressionError("a function's name expected after '.'")
            name += "." + self._next()
        self._expect("(")
        arguments = []
        while self.token != ("mark", ")"):
            arguments.append(self.value(depth + 1))
            if self.token == ("mark", ","):
                self._next()
            elif self.token != ("mark", ")"):
                raise ExpressionError(f"',' or ')' expected, not {self.token[1][:40]!r}")
        self._next()
        lowered = name.lower()
        return Call(lowered.removeprefix("sys."), name, tuple(arguments))

    def _members(self, node: Node, depth: int) -> Node:
        found = node
        for _ in range(MAX_NESTING):
            kind, mark = self.token
            if kind != "mark" or mark not in (".", ".?", "["):
                return found
            self._next()
            if mark == "[":
                safe = self.token == ("mark", ".?")
                found = Member(found, self.value(depth + 1), safe)
                self._expect("]")
            else:
                if self.token[0] != "name":
                    raise ExpressionError(f"a key expected after {mark!r}")
                found = Member(found, Literal(self._next()), safe=mark == ".?")
        raise ExpressionError(f"more than {MAX_NESTING} keys in a row")
