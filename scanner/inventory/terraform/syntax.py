"""Terraform's language as values: files, blocks, attributes and expressions, each knowing where it stands. No behaviour."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from scanner.model.resource import Place

Span: TypeAlias = tuple[int, int]
"""Byte offsets of what an expression covers."""


class Source:
    """One file: its name (relative, with slashes) and bytes; turns byte offsets into places."""

    def __init__(self, file: str, content: bytes) -> None:
        self.file = file
        self.content = content

    @cached_property
    def _starts(self) -> list[int]:
        found = [0]
        at = self.content.find(b"\n")
        while at >= 0:
            found.append(at + 1)
            at = self.content.find(b"\n", at + 1)
        return found

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column (1-based, UTF-16 units) of a byte offset."""
        line = bisect_right(self._starts, offset)
        before = self.content[self._starts[line - 1] : offset].decode("utf-8", "replace")
        return line, len(before.encode("utf-16-le")) // 2 + 1

    def place(self, span: Span, what: str = "property") -> Place:
        """The place of a span."""
        return Place(self.file, *self.position(span[0]), *self.position(span[1]), what)

    def text(self, span: Span) -> str:
        """What is written there."""
        return self.content[span[0] : span[1]].decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, text, boolean or null."""

    value: Any
    span: Span


@dataclass(frozen=True, slots=True)
class Template:
    """A text with holes; `parts` are texts, expressions, `When` and `Repeat`."""

    parts: tuple[Any, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class When:
    """`%{ if }`: parts for either side."""

    condition: Expression
    then: tuple[Any, ...]
    other: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`%{ for }`: parts once per element."""

    key: str
    value: str
    items: Expression
    parts: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Name:
    """The first word of a reference: `var`, `local`, a resource type, a variable of a `for`."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Get:
    """`of.name`."""

    of: Expression
    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Index:
    """`of[key]`."""

    of: Expression
    key: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Splat:
    """`of[*]` or `of.*`; `each` reads from one element, named `ELEMENT`."""

    of: Expression
    each: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """`name(arguments)`; `spread`: the last argument is a list of arguments."""

    name: str
    arguments: tuple[Expression, ...]
    spread: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Unary:
    """`-of` or `!of`."""

    operator: str
    of: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Binary:
    """`left operator right`."""

    operator: str
    left: Expression
    right: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Conditional:
    """`condition ? then : other`."""

    condition: Expression
    then: Expression
    other: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class ListOf:
    """`[items]`."""

    items: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class ObjectOf:
    """`{key = value}`; the spans are those of the pairs."""

    pairs: tuple[tuple[Expression, Expression, Span], ...]
    span: Span


@dataclass(frozen=True, slots=True)
class For:
    """`[for ...]` (key_of is None) or `{for ...}`; `group`: values of equal keys become lists."""

    key: str
    value: str
    items: Expression
    key_of: Expression | None
    value_of: Expression
    condition: Expression | None
    group: bool
    span: Span


Expression: TypeAlias = (
    Literal
    | Template
    | Name
    | Get
    | Index
    | Splat
    | Call
    | Unary
    | Binary
    | Conditional
    | ListOf
    | ObjectOf
    | For
)

ELEMENT = "*"
"""The name under which a splat's expression finds the element; no identifier can be called so."""


@dataclass(slots=True)
class Attribute:
    """`name = expression`; the expression is made when somebody asks for it, most are never needed."""

    name: str
    source: Source
    span: Span
    value: Span
    make: Callable[[], Expression]
    _made: Expression | None = None

    @property
    def expression(self) -> Expression:
        """The expression. Raises `InputError` where it cannot be used (nested too deep)."""
        if self._made is None:
            self._made = self.make()
        return self._made

    def place(self, what: str = "property") -> Place:
        """Where it stands, name and value."""
        return self.source.place(self.span, what)


@dataclass(slots=True)
class Block:
    """`kind "label" "label" { ... }`; `head` is its first line."""

    kind: str
    labels: tuple[str, ...]
    body: Body
    source: Source
    span: Span
    head: Span

    def place(self, what: str = "resource") -> Place:
        """Where its head stands."""
        return self.source.place(self.head, what)


@dataclass(slots=True)
class Body:
    """Attributes by name and blocks in order."""

    attributes: dict[str, Attribute] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)

    def of(self, kind: str) -> list[Block]:
        """The blocks of a kind."""
        return [block for block in self.blocks if block.kind == kind]
