"""The condition tree of a rule: small classes, used with `match`; codegen and explain are one function each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from scanner.model.azure import Policy, relations_in


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a rule file (1-based line and column)."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


NOWHERE = Mark("", 0, 0)


@dataclass(frozen=True, slots=True)
class Path:
    """A property path. `var` is "" for the target, else the element variable's name (without `$`)."""

    var: str
    keys: tuple[str, ...]

    def __str__(self) -> str:
        dotted = ".".join(self.keys)
        return f"${self.var}.{dotted}" if self.var and dotted else (f"${self.var}" if self.var else dotted)


@dataclass(frozen=True, slots=True)
class Param:
    """A reference to a parameter's effective value."""

    name: str


@dataclass(frozen=True, slots=True)
class Related:
    """A list of related data, `related.<name>`."""

    name: str


Operand: TypeAlias = Any
"""A literal (str, int, float, bool, None, tuple of those), a `Param`, or a `Path` (from `fieldRef`)."""

ListSource: TypeAlias = Path | Param | Related


@dataclass(frozen=True, slots=True)
class Leaf:
    """One operator on one subject. Negated spellings are parsed to `not` of the positive operator."""

    subject: Path | Param
    operator: str
    operand: Operand
    default: Any
    """Replaces ABSENT before the operator; `values.ABSENT` when the rule gives none."""
    case_sensitive: bool
    mark: Mark


@dataclass(frozen=True, slots=True)
class Logic:
    """`allOf`, `anyOf` (one or more children) or `not` (exactly one)."""

    kind: Literal["allOf", "anyOf", "not"]
    children: tuple[Condition, ...]
    mark: Mark


@dataclass(frozen=True, slots=True)
class Quantifier:
    """`none`, `some` or `every` element of a list satisfies `where`."""

    kind: Literal["none", "some", "every"]
    of: ListSource
    var: str
    where: Condition
    when_empty: Literal["pass", "fail"] | None
    mark: Mark


@dataclass(frozen=True, slots=True)
class Count:
    """The number of elements that satisfy `where` (all when None), compared with a number."""

    of: ListSource
    var: str
    where: Condition | None
    operator: str
    operand: Operand
    mark: Mark


@dataclass(frozen=True, slots=True)
class Ref:
    """A named definition of the pack, resolved while parsing; it sees the target only."""

    name: str
    condition: Condition
    mark: Mark


Condition: TypeAlias = Leaf | Logic | Quantifier | Count | Ref | Policy


def relations_of(condition: Condition | None) -> Iterator[str]:
    """The names of the relations a condition asks for."""
    match condition:
        case Logic():
            for child in condition.children:
                yield from relations_of(child)
        case Ref():
            yield from relations_of(condition.condition)
        case Quantifier() | Count():
            if isinstance(condition.of, Related):
                yield condition.of.name
            if condition.where is not None:
                yield from relations_of(condition.where)
        case Policy():
            yield from relations_in(condition.clause)
        case Leaf() | None:
            return
