"""The reference lane's answer: a tree that says for every condition whether it held, and why.

Truth is strong Kleene with errors ranked above unknown: `allOf` is F if any F, else E, else U, else T.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from scanner.model.condition import Mark
from scanner.model.values import ABSENT


class Truth(IntEnum):
    """Whether a condition holds."""

    FALSE = 0
    TRUE = 1
    UNKNOWN = 2
    ERROR = 3


_SWAP = {
    Truth.FALSE: Truth.TRUE,
    Truth.TRUE: Truth.FALSE,
    Truth.UNKNOWN: Truth.UNKNOWN,
    Truth.ERROR: Truth.ERROR,
}


def inverted(truth: Truth) -> Truth:
    """`not`: swaps T and F only."""
    return _SWAP[truth]


def all_of(truths: Iterable[Truth]) -> Truth:
    """Conjunction: F, else E, else U, else T."""
    seen = set(truths)
    for ranked in (Truth.FALSE, Truth.ERROR, Truth.UNKNOWN):
        if ranked in seen:
            return ranked
    return Truth.TRUE


def any_of(truths: Iterable[Truth]) -> Truth:
    """Disjunction: T, else E, else U, else F."""
    seen = set(truths)
    for ranked in (Truth.TRUE, Truth.ERROR, Truth.UNKNOWN):
        if ranked in seen:
            return ranked
    return Truth.FALSE


@dataclass(slots=True)
class Proof:
    """One node: a leaf observed something, a branch follows from its children.

    Leaves have `path`, `state` (present, absent, unread, hidden, error), `actual`, `operator` and `expected`.
    Children of a quantifier or count are its elements: `element` is the element's value, `var` its variable.
    """

    truth: Truth
    label: str
    mark: Mark
    children: list[Proof] = field(default_factory=list)
    path: str = ""
    state: str = ""
    actual: Any = ABSENT
    operator: str = ""
    expected: Any = None
    note: str = ""
    var: str = ""
    element: Any = ABSENT
    count: int | None = None
    negated: bool = False
    """The node's truth is the opposite of its children's (`not`, `none`, `every` seen through `none`)."""

    def decisive(self) -> Iterator[Proof]:
        """The leaves that brought about this node's truth, in the order of the rule."""
        if not self.children:
            yield self
            return
        for child in self._deciders():
            yield from child.decisive()

    def _deciders(self) -> list[Proof]:
        wanted = inverted(self.truth) if self.negated else self.truth
        hits = [child for child in self.children if child.truth is wanted]
        return hits or self.children

    def matches(self) -> dict[str, Any]:
        """For each element variable the first element on the decisive way."""
        found: dict[str, Any] = {}
        self._collect(found)
        return found

    def _collect(self, found: dict[str, Any]) -> None:
        for child in self._deciders():
            if child.var and child.var not in found:
                found[child.var] = child.element
            child._collect(found)  # noqa: SLF001 - the same class

    def first_count(self) -> int | None:
        """The number that the first `count` on the way found."""
        if self.count is not None:
            return self.count
        return next((number for child in self.children if (number := child.first_count()) is not None), None)
