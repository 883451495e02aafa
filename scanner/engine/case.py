"""What a condition is asked about: a resource with its relations comes in; values and list elements come out.

Each variable is bound to a value, to what is known of it, and to where in it a missing key is UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from scanner import types
from scanner.engine import paths
from scanner.engine.operators import Wrong
from scanner.engine.operators.row import kind
from scanner.model.condition import ListSource, Param, Path, Related
from scanner.model.resource import Place, Resource
from scanner.model.values import ABSENT, Hidden, Unknown, UnreadTail

NO_REASONS: Mapping[str, str] = {}
NO_PLACES: Mapping[str, tuple[Place, ...]] = {}
MAX_ELEMENTS = 300_000
"""List elements that one rule may look at on one resource; what lies beyond counts as not read (limit)."""


class Bound(NamedTuple):
    """A variable with a value: what is known of it, the value, and where in it a missing key is UNKNOWN."""

    variable: paths.Variable
    value: Any
    missing: Mapping[str, str]
    places: Mapping[str, tuple[Place, ...]] = NO_PLACES
    """Where it was written, for a resource of its own (see `Resource.places`)."""


@dataclass(frozen=True, slots=True)
class Case:
    """One resource with all that a condition may ask about. `now`: seconds since 1970."""

    resource: Resource
    related: Callable[[str], Any]
    """Relation name -> list of elements (may end in an UnreadTail) or Unknown."""
    element_types: Mapping[str, str]
    """Relation name -> type of its elements, for the target's type."""
    params: Mapping[str, Any]
    now: float
    bound: Mapping[str, Bound] = field(default_factory=dict)
    budget: list[int] = field(default_factory=lambda: [MAX_ELEMENTS])
    """How many more list elements may be looked at (one number, counted down)."""


def case_for(
    resource: Resource,
    related: Callable[[str], Any],
    element_types: Mapping[str, str],
    params: Mapping[str, Any],
    now: float,
) -> Case:
    """A case with the target bound."""
    return Case(
        resource,
        related,
        element_types,
        params,
        now,
        {paths.TARGET: Bound(paths.Variable(resource.type, ""), resource.body, absences(resource))},
    )


def absences(resource: Resource) -> Mapping[str, str]:
    """Where a missing key of this resource is UNKNOWN, and why."""
    return types.absences(resource.type, resource.api_version, resource.origin.source)


def value_of(subject: Path | Param, case: Case, env: Mapping[str, Bound]) -> Any:
    """What a path or parameter holds: JSON, ABSENT, Unknown, Hidden or Wrong."""
    if isinstance(subject, Param):
        value = case.params.get(subject.name)
        return ABSENT if value is None else value
    bound = env[subject.var]
    return paths.walk(paths.plan(bound.variable, subject.keys), bound.value, bound.missing)


class Elements(NamedTuple):
    """A list as a quantifier sees it. `problem` stands for a list that cannot be looked through at all."""

    bounds: list[Bound]
    tail: str
    """Why more elements may exist, or ""."""
    problem: Unknown | Wrong | None
    rest: Bound | None = None
    """What is known of those further elements, where anything is."""


class _Rest(dict[str, Any]):
    """An element of which only some keys are known; every other key is UNKNOWN."""

    def __init__(self, tail: UnreadTail) -> None:
        super().__init__(tail.known)
        self._other = Unknown(tail.reason)

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ARG002
        return super().get(key, self._other)


def elements(of: ListSource, case: Case, env: Mapping[str, Bound]) -> Elements:
    """The elements of a list, map, relation or list parameter, each bound to what is known of it."""
    if isinstance(of, Related):
        raw = case.related(of.name)
        variable = paths.Variable(case.element_types.get(of.name, ""), "", related=of.name)
        missing = NO_REASONS
    elif isinstance(of, Param):
        raw = case.params.get(of.name)
        if raw is None:
            return Elements([], "", Wrong(f"parameter {of.name} is not declared (null)"))
        variable, missing = paths.Variable("", ""), NO_REASONS
    else:
        raw = value_of(of, case, env)
        variable = paths.element_of(
            {name: bound.variable for name, bound in env.items()}, of, case.element_types
        )
        missing = env[of.var].missing
    if isinstance(raw, Hidden):
        return Elements([], "", Unknown(f"{raw.kind}, withheld"))
    if isinstance(raw, (Unknown, Wrong)):
        return Elements([], "", raw)
    if raw is ABSENT:
        return Elements([], "", None)
    if isinstance(raw, dict):
        raw = [{"key": key, "value": value} for key, value in raw.items()]
        variable = variable if variable.map else paths.Variable("", "", map=True)
    elif variable.map and raw:
        return Elements(
            [], "", Wrong(f"{of} is {'an' if kind(raw)[0] in 'aeiou' else 'a'} {kind(raw)}, not a map")
        )
    if not isinstance(raw, (list, tuple)):
        return Elements(
            [], "", Wrong(f"{of} is {'an' if kind(raw)[0] in 'aeiou' else 'a'} {kind(raw)}, not a list")
        )
    bounds: list[Bound] = []
    tail, rest = "", None
    for item in raw:
        if isinstance(item, UnreadTail):
            tail = item.reason
            rest = Bound(variable, _Rest(item), missing) if item.known else None
        elif isinstance(item, Resource):
            bounds.append(Bound(variable, item.body, absences(item), item.places))
        else:
            bounds.append(Bound(variable, item, missing))
    return Elements(bounds, tail, None, rest)


def list_name(of: ListSource) -> str:
    """A list as the rule names it."""
    if isinstance(of, Path):
        return str(of)
    return f"related.{of.name}" if isinstance(of, Related) else f"param {of.name}"
