"""What an evaluation carries along: the names that may be used, what may still be spent, where values came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from scanner.inventory.terraform.syntax import Expression
from scanner.model.resource import Place

MAX_STEPS = 400_000
MAX_NESTED = 120
MAX_TRACE = 6


class Names(Protocol):
    """What names mean in one module."""

    path: str

    def lookup(self, name: str, context: Context) -> Any:
        """What the first word of a reference means; raises `EvaluationError` for a word that means nothing."""
        ...

    def read(self, function: str, arguments: list[Any], context: Context) -> Any:
        """What a function of files gives."""
        ...


@dataclass(slots=True)
class Budget:
    """What one evaluation of a root may still spend; `notes` collects what is wrong, each once."""

    steps: int = MAX_STEPS
    nested: int = 0
    notes: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True)
class Context:
    """One use of names: variables of `for`, `each`, `count` and iterators by name; `trace`: where values came from."""

    names: Names
    budget: Budget
    bound: Mapping[str, Any] = field(default_factory=dict)
    trace: list[Place] = field(default_factory=list)

    def with_bound(self, bound: Mapping[str, Any]) -> Context:
        """The same with more names."""
        return Context(self.names, self.budget, {**self.bound, **bound}, self.trace)

    def came_from(self, places: Iterable[Place]) -> None:
        """Note where a value came from."""
        for place in places:
            if len(self.trace) < MAX_TRACE and place not in self.trace:
                self.trace.append(place)


Evaluate: TypeAlias = Callable[[Expression, Context], Any]
"""`evaluate.evaluate`, handed to the modules that it is made of."""
