"""An Azure Policy rule as values: template expressions, tests and groups; imported rules hold one as their condition."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from scanner.model.condition import Mark


@dataclass(frozen=True, slots=True)
class Call:
    """A template function: its name in lower case and its arguments.

    A list that holds expressions, and every object, is a call of `createarray` or `createobject`.
    """

    name: str
    arguments: tuple[Template, ...]


@dataclass(frozen=True, slots=True)
class Access:
    """A property (`.name`) or element (`[0]`) of what an expression gives."""

    of: Template
    key: Template


Template: TypeAlias = Any
"""A literal (str, int, float, bool, None, tuple of literals), a `Call` or an `Access`."""


@dataclass(frozen=True, slots=True)
class Field:
    """The property of the resource that a condition asks about: a field's name or an alias, or what gives one."""

    name: Template


@dataclass(frozen=True, slots=True)
class Value:
    """What a template expression gives."""

    template: Template


@dataclass(frozen=True, slots=True)
class FieldCount:
    """How many elements of an array alias satisfy `where` (all when None)."""

    alias: str
    where: Clause | None


@dataclass(frozen=True, slots=True)
class ValueCount:
    """How many elements of an array value satisfy `where` (all when None); `name` is what `current()` calls them."""

    template: Template
    name: str
    where: Clause | None


@dataclass(frozen=True, slots=True)
class Test:
    """One condition. `operator` is spelled as documented, negated ones keep their name."""

    __test__ = False

    subject: Field | Value | FieldCount | ValueCount
    operator: str
    operand: Template
    mark: Mark


@dataclass(frozen=True, slots=True)
class Group:
    """`allOf`, `anyOf` (any number of children) or `not` (exactly one)."""

    kind: Literal["allOf", "anyOf", "not"]
    children: tuple[Clause, ...]
    mark: Mark


@dataclass(frozen=True, slots=True)
class Existence:
    """The related resource that auditIfNotExists and deployIfNotExists ask for.

    `relation`: the engine's relation that holds resources of `type` ("" = it collects none). `below`: the type lies
    underneath the resource's own, so that scope and group do not matter. `name` and `group` are templates or None.
    """

    type: str
    relation: str
    below: bool
    name: Template
    group: Template
    scope: Literal["resourceGroup", "subscription"]
    where: Clause | None
    mark: Mark


Clause: TypeAlias = Test | Group | Existence


@dataclass(frozen=True, slots=True)
class Policy:
    """One imported condition with what it needs.

    `target`: the type its aliases are read for; `aliases`: (alias in lower case, property path) where somebody gave
    them; `definition`: the definition's id for `policy()`.
    """

    clause: Clause
    target: str
    aliases: tuple[tuple[str, str], ...]
    definition: str
    mark: Mark


def relations_in(clause: Clause) -> Iterator[str]:
    """The names of the relations that an imported condition asks for."""
    match clause:
        case Group():
            for child in clause.children:
                yield from relations_in(child)
        case Existence():
            if clause.relation:
                yield clause.relation
            if clause.where is not None:
                yield from relations_in(clause.where)
        case Test():
            if isinstance(clause.subject, FieldCount | ValueCount) and clause.subject.where is not None:
                yield from relations_in(clause.subject.where)
