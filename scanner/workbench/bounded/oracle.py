"""The reference lane asked about single values: a leaf, a value and an operand come in, the engine's own answer comes out.

The domain repeats few values many times, so answers are remembered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from scanner import types
from scanner.engine import paths
from scanner.engine.case import Bound, Case, Elements, elements
from scanner.engine.explain import explain
from scanner.engine.operators.row import Wrong
from scanner.engine.proof import Truth
from scanner.model.condition import Leaf, Param, Path
from scanner.model.resource import Origin, Resource
from scanner.model.values import ABSENT, Hidden, Unknown

_NOBODY = Resource(id="/example", type="", name="example", body={}, origin=Origin("test", "bounded"))


def key_of(value: Any) -> Any:
    """What tells values apart; `1`, `1.0` and `true` differ."""
    if value is ABSENT or value is None or isinstance(value, (str, int, float, bool)):
        return type(value), value
    return repr(value)


def planted(body: dict[str, Any], keys: tuple[str, ...], value: Any) -> None:
    """Put a value into a body at a path; what stands in the way is kept."""
    node = body
    for key in keys[:-1]:
        inner = node.setdefault(key, {})
        if not isinstance(inner, dict):
            return
        node = inner
    node.setdefault(keys[-1], value)


def with_parents(body: dict[str, Any], variable: paths.Variable, keys: tuple[str, ...]) -> None:
    """Give a body the objects above a path that the API always returns: a test that has none is about something else."""
    way = paths.plan(variable, keys)
    facts = types.facts_for(variable.type) if variable.type else None
    for number, step in enumerate(way.steps[:-1], 1):
        fact = facts.facts.get(step.at) if facts else None
        if fact is not None and fact.required:
            planted(body, keys[:number], {})


class Oracle:
    """Answers for one clock."""

    def __init__(self, now: float) -> None:
        self.now = now
        self._answers: dict[Any, Truth] = {}
        self._elements: dict[tuple[int, tuple[str, ...]], tuple[Bound, Elements]] = {}

    def case(self, bound: Mapping[str, Bound], params: Mapping[str, Any]) -> Case:
        """A case that knows nothing but these variables and parameters."""
        return Case(_NOBODY, lambda _: Unknown("not asked"), {}, params, self.now, bound)

    def decide(self, leaf: Leaf, variable: paths.Variable, value: Any, operand: Any) -> Truth:
        """How the leaf's operator answers for a value (JSON, ABSENT, Unknown, Hidden or Wrong) and an operand."""
        known = (id(leaf), key_of(value), key_of(operand))
        found = self._answers.get(known)
        if found is None:
            found = self._answers[known] = self._ask(leaf, variable, value, operand)
        return found

    def _ask(self, leaf: Leaf, variable: paths.Variable, value: Any, operand: Any) -> Truth:
        if isinstance(value, Wrong) or isinstance(operand, Wrong):
            return Truth.ERROR
        if operand is None and isinstance(leaf.operand, Param):
            return Truth.ERROR
        if isinstance(operand, (Unknown, Hidden)):
            return Truth.UNKNOWN
        if operand is ABSENT:
            return Truth.UNKNOWN if isinstance(value, (Unknown, Hidden)) else Truth.FALSE
        literal = tuple(operand) if isinstance(operand, list) else operand
        if isinstance(leaf.subject, Param):
            values = {leaf.subject.name: None if value is ABSENT else value}
            return explain(replace(leaf, operand=literal), self.case({}, values)).truth
        subject = Path(paths.TARGET, leaf.subject.keys)
        body: Any = value
        if subject.keys:
            body = {}
            if value is not ABSENT:
                planted(body, subject.keys, value)
        bound = {paths.TARGET: Bound(variable, body, {})}
        return explain(replace(leaf, subject=subject, operand=literal), self.case(bound, {})).truth

    def value(self, bound: Bound, keys: tuple[str, ...]) -> Any:
        """What stands at a path of an element."""
        return paths.walk(paths.plan(bound.variable, keys), bound.value, bound.missing)

    def inner(self, bound: Bound, keys: tuple[str, ...]) -> Elements:
        """The elements of a list in an element."""
        known = (id(bound), keys)
        found = self._elements.get(known)
        if found is None:
            listed = elements(Path("e", keys), self.case({"e": bound}, {}), {"e": bound})
            found = self._elements[known] = (bound, listed)  # the bound is kept: its id must stay its own
        return found[1]
