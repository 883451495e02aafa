"""Reading fields: steps and a body come in, the values they select come out, each with what is known of it.

A value is JSON, None (null is written there), ABSENT, Unknown or Hidden. Keys match in any casing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from scanner import types
from scanner.engine.azure.aliases import EACH, Alias
from scanner.engine.paths import below
from scanner.model.resource import Resource
from scanner.model.values import ABSENT, Hidden, Unknown, UnreadTail


class Spot(NamedTuple):
    """One value: where it stands in the type facts, how a person finds it, and the elements passed on the way."""

    value: Any
    at: str
    shown: str
    passed: tuple[tuple[tuple[str, ...], Spot], ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """The resource that fields are read from.

    `missing`: where a missing key is UNKNOWN; `bound`: elements that enclosing counts stand at, by their steps.
    """

    resource: Resource
    missing: Mapping[str, str]
    bound: Mapping[tuple[str, ...], Spot] = field(default_factory=dict)

    def at(self, passed: tuple[tuple[tuple[str, ...], Spot], ...]) -> Asked:
        """The same resource, seen by a count that stands at these elements."""
        return Asked(self.resource, self.missing, {**self.bound, **dict(passed)})


@dataclass(slots=True)
class Selection:
    """What a field gives. `tail`: why there may be more; `hole`: the list that is not there, or is no list, or ""."""

    spots: list[Spot] = field(default_factory=list)
    tail: str = ""
    hole: str = ""


def select(alias: Alias, asked: Asked) -> Selection:
    """The values that a field selects."""
    found = Selection()
    if alias.foreign:
        if alias.text.count(EACH):
            found.hole = alias.text
        else:
            found.spots.append(Spot(ABSENT, "", alias.text))
        return found
    if alias.full:
        name = full_name(asked.resource)
        found.spots.append(Spot(name or ABSENT, "", "fullName"))
        return found
    own = {"type": asked.resource.type, "name": asked.resource.name, "id": asked.resource.id}
    if len(alias.steps) == 1 and alias.steps[0] in own:
        found.spots.append(Spot(own[alias.steps[0]] or ABSENT, alias.steps[0], alias.steps[0]))
        return found  # every resource has these, whether or not its body repeats them
    steps = alias.steps
    start, done = Spot(asked.resource.body, "", ""), 0
    for length in range(len(steps), 0, -1):
        bound = asked.bound.get(_folded(steps[:length]))
        if bound is not None:
            start, done = bound, length
            break
    facts = types.facts_for(asked.resource.type)
    _Walk(alias, asked.missing, facts, found).go(start, done)
    return found


def full_name(resource: Resource) -> str:
    """The name with those of its parents: `registry/token`."""
    parts = [part for part in resource.id.split("/") if part]
    lowered = [part.lower() for part in parts]
    if "providers" not in lowered:
        return resource.name
    tail = parts[len(lowered) - lowered[::-1].index("providers") :]
    return "/".join(tail[2::2]) or resource.name


class _Walk:
    def __init__(
        self, alias: Alias, missing: Mapping[str, str], facts: types.TypeFacts | None, found: Selection
    ) -> None:
        self.alias = alias
        self.missing = missing
        self.facts = facts
        self.found = found

    def go(self, spot: Spot, number: int) -> None:
        """Walk on from a spot at step `number`."""
        steps = self.alias.steps
        while number < len(steps):
            value = spot.value
            if isinstance(value, (Unknown, Hidden)):
                break
            step = steps[number]
            if step == EACH:
                self.each(spot, number)
                return
            spot = self.element(spot, step) if step.startswith("#") else self.key(spot, step, number)
            number += 1
        else:
            self.found.spots.append(spot)
            return
        if EACH in steps[number:] and isinstance(spot.value, Unknown):
            self.found.tail = self.found.tail or spot.value.reason
        elif EACH in steps[number:] and isinstance(spot.value, Hidden):
            self.found.tail = self.found.tail or f"{spot.value.kind}, withheld"
        else:
            self.found.spots.append(spot)

    def each(self, spot: Spot, number: int) -> None:
        """Walk on from every element of a list."""
        if not isinstance(spot.value, (list, tuple)):
            self.found.hole = self.found.hole or spot.shown
            return
        taken = _folded(self.alias.steps[: number + 1])
        for position, item in enumerate(spot.value):
            if isinstance(item, UnreadTail):
                self.found.tail = self.found.tail or item.reason
                continue
            value = item.body if isinstance(item, Resource) else item
            element = Spot(value, spot.at + types.ELEMENT, f"{spot.shown}[{position}]", spot.passed)
            self.go(element._replace(passed=(*spot.passed, (taken, element))), number + 1)

    def element(self, spot: Spot, step: str) -> Spot:
        """One element by its position."""
        shown, position = f"{spot.shown}[{step[1:]}]", int(step[1:])
        if not isinstance(spot.value, (list, tuple)):
            return spot._replace(value=ABSENT, shown=shown)
        if position < len(spot.value):
            item = spot.value[position]
            value = Unknown(item.reason) if isinstance(item, UnreadTail) else item
            return spot._replace(value=value, at=spot.at + types.ELEMENT, shown=shown)
        tail = spot.value[-1] if spot.value else None
        value = Unknown(tail.reason) if isinstance(tail, UnreadTail) else ABSENT
        return spot._replace(value=value, shown=shown)

    def key(self, spot: Spot, step: str, number: int) -> Spot:
        """The value of a key; null, a scalar or a list in the way has none."""
        if self.alias.guessed and (number == 0 or self.alias.steps[number - 1] == EACH):
            spot = self._inside(spot, step, first=number == 0)
        at = self._at(spot.at, step)
        shown = f"{spot.shown}.{step}" if spot.shown else step
        if isinstance(spot.value, (Unknown, Hidden)):
            return spot._replace(at=at, shown=shown)
        value: Any = ABSENT
        if isinstance(spot.value, Mapping):
            value = _get(spot.value, step)
        if value is ABSENT or value is None:
            value = self._missing(at, given=value is None or spot.value is None) or value
        return spot._replace(value=value, at=at, shown=shown)

    def _inside(self, spot: Spot, step: str, *, first: bool) -> Spot:
        """Without facts: the `properties` of an object where the key stands there and not beside it."""
        if not isinstance(spot.value, Mapping):
            return spot
        inner = _get(spot.value, "properties")
        shown = f"{spot.shown}.properties" if spot.shown else "properties"
        below_it = isinstance(inner, Mapping) and _get(inner, step) is not ABSENT
        beside = _get(spot.value, step) is not ABSENT
        if isinstance(inner, (Unknown, Hidden)) and not beside:
            return spot._replace(value=inner, shown=shown)
        return spot._replace(value=inner, shown=shown) if below_it and (first or not beside) else spot

    def _at(self, at: str, step: str) -> str:
        if self.facts is None:
            return ""
        parent = self.facts.facts.get(at)
        return below(at, types.VALUE if parent is not None and parent.kind == "map" else step)

    def _missing(self, at: str, *, given: bool) -> Unknown | None:
        reason = self.missing.get(at)
        if reason is None:
            return None
        if reason.startswith("always"):
            return Unknown(reason, "required")
        return None if given else Unknown(reason, "api-version")


def _folded(steps: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(step.casefold() for step in steps)


def _get(holder: Mapping[str, Any], key: str) -> Any:
    """The value of a key in any casing, None for null, ABSENT where there is none."""
    if key in holder:
        return holder[key]
    wanted = key.casefold()
    return next((value for name, value in holder.items() if name.casefold() == wanted), ABSENT)


def incomplete(value: Any) -> Iterator[str]:
    """Why a value cannot be handed to a function whole: markers anywhere in it."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, (Unknown, UnreadTail)):
            yield item.reason
        elif isinstance(item, Hidden):
            yield f"{item.kind}, withheld"
        elif isinstance(item, Mapping):
            stack += item.values()
        elif isinstance(item, (list, tuple)):
            stack += item
