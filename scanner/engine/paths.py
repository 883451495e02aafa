"""Property paths: a path and what it starts from come in, a value or ABSENT, Unknown, Hidden, Wrong comes out.

Each lane needs the same facts about a path (where a missing key is UNKNOWN, which parts are maps with keys of any
casing); `plan` works them out once per path.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from scanner import types
from scanner.engine.operators.row import Wrong, kind
from scanner.model.condition import Path, Related
from scanner.model.values import ABSENT, Alternatives, Hidden, Partial, Unknown, UnreadTail


class Step(NamedTuple):
    """One key on the way: `at` is its path in the type facts, `folded` its key where the parent is a map, else ""."""

    key: str
    at: str
    folded: str


class Plan(NamedTuple):
    """How to walk one path. `location`: the value is an Azure region and compares without blanks."""

    steps: tuple[Step, ...]
    location: bool
    fact: types.Fact | None
    known: bool
    """Whether the type facts list the path, or leave it open."""


class Variable(NamedTuple):
    """What is known of an element variable before any element is seen.

    `type`: the resource type its facts come from ("" = none); `prefix`: where in that type the element stands
    ("" = it is the whole resource or row); `map`: the elements are `{key, value}` pairs of a map.
    """

    type: str
    prefix: str
    map: bool = False
    related: str = ""


TARGET = ""
"""The name under which the target stands among the variables."""


def below(prefix: str, key: str) -> str:
    """The path of a key under a prefix, as the type facts write it."""
    if key in (types.ELEMENT, types.VALUE):
        return prefix + key
    return f"{prefix}.{key}" if prefix else key


@lru_cache(maxsize=65_536)
def plan(variable: Variable, keys: tuple[str, ...]) -> Plan:
    """How to read `keys` from a value that `variable` describes."""
    facts = types.facts_for(variable.type) if variable.type else None
    at = variable.prefix
    if variable.map:
        if keys[:1] != ("value",):
            text = types.Fact("key", ("key",), "string")
            return Plan(tuple(Step(key, "", "") for key in keys), False, text, keys == ("key",))
        at += types.VALUE
    steps = []
    known = facts is not None
    for number, key in enumerate(keys):
        if variable.map and number == 0:
            steps.append(Step(key, at, ""))
            continue
        parent = facts.facts.get(at) if facts else None
        if parent is not None and parent.kind == "map":
            at = below(at, types.VALUE)
            steps.append(Step(key, at, key.casefold()))
        else:
            at = below(at, key)
            steps.append(Step(key, at, ""))
    fact = (facts.facts.get(at) or facts.fact(_keys_of(at))) if facts and at else None
    if facts and fact is None and at:
        known = facts.is_open(_keys_of(at))
    return Plan(tuple(steps), bool(keys) and keys[-1] == "location", fact, known)


def secret(way: Plan) -> bool:
    """Whether a secret can stand there, even if this one is declared as none: its text is told to nobody."""
    return way.fact is not None and bool(way.fact.secret)


def _keys_of(at: str) -> tuple[str, ...]:
    return tuple(at.replace("[]", ".[]").replace("{}", ".{}").lstrip(".").split("."))


@lru_cache(maxsize=65_536)
def can_be_unknown(resource_type: str, at: str) -> bool:
    """Whether a missing key at this path of the type facts is UNKNOWN for some version or source."""
    facts = types.facts_for(resource_type) if resource_type else None
    fact = facts.facts.get(at) if facts else None
    return fact is not None and bool(fact.required or fact.since or fact.preview or fact.until)


def walk(way: Plan, start: Any, missing: Mapping[str, str]) -> Any:
    """The value at the end of a path: JSON, or ABSENT, Unknown, Hidden, or Wrong for a path through a scalar or list.

    `missing` says at which paths a missing key is UNKNOWN, and why.
    """
    node = start
    for number, step in enumerate(way.steps):
        if isinstance(node, dict):
            found = node.get(step.key)
            if found is None and step.folded:
                found = next((node[key] for key in node if key.casefold() == step.folded), None)
            if found is None:
                return _missing(way.steps[number:], missing, given=step.key in node)
            node = found
        elif isinstance(node, (Unknown, Hidden)):
            return node
        elif isinstance(node, (UnreadTail, Alternatives)):
            return Unknown(node.reason)
        else:
            node = "" if isinstance(node, Partial) else node
            place = ".".join(step.key for step in way.steps[:number]) or "the element"
            article = "an" if kind(node)[0] in "aeiou" else "a"
            return Wrong(f"{place} is {article} {kind(node)}, not an object")
    if isinstance(node, (UnreadTail, Alternatives)):
        return Unknown(node.reason)
    return ABSENT if node is None else node


def _missing(rest: tuple[Step, ...], missing: Mapping[str, str], *, given: bool) -> Any:
    """What a missing key is. A key that was `given` as null is known to this api-version, so it is ABSENT."""
    for step in rest:
        reason = missing.get(step.at)
        if reason is None:
            continue
        if reason.startswith("always"):
            return Unknown(reason, "required")
        if not given:
            return Unknown(reason, "api-version")
    return ABSENT


def element_of(
    outer: Mapping[str, Variable], of: Path | Related, relation_types: Mapping[str, str]
) -> Variable:
    """What is known of the elements of a list; `relation_types` maps a relation to its element type."""
    if isinstance(of, Related):
        return Variable(relation_types.get(of.name, ""), "", related=of.name)
    holder = outer[of.var]
    way = plan(holder, of.keys)
    at = way.steps[-1].at if way.steps else holder.prefix
    if way.fact is not None and way.fact.kind == "map":
        return Variable(holder.type, at, map=True)
    return Variable(holder.type, at + types.ELEMENT if holder.type else "")
