"""What can vary, each with the values worth trying: scopes come in, axes come out.

A value that no condition can tell from an earlier one is left out; a list is tried empty, with one element and with two.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from scanner.engine import paths
from scanner.engine.case import Bound
from scanner.engine.proof import Truth
from scanner.model.condition import Leaf, Param, Path
from scanner.model.rule import Parameter
from scanner.model.values import ABSENT, Unknown
from scanner.workbench.bounded.directed import Director
from scanner.workbench.bounded.oracle import Oracle, key_of, planted, with_parents
from scanner.workbench.bounded.scopes import Keys, Scope, Use
from scanner.workbench.bounded.values import around, something_else

MAX_VALUES = 12
_PATTERNS = frozenset({"matches", "like", "likeAny", "format"})
UUIDS = ("11111111-0000-0000-0000-00000000000a", "11111111-0000-0000-0000-00000000000b")
SCOPES = (
    "/subscriptions/00000000-0000-0000-0000-00000000000a",
    "/subscriptions/00000000-0000-0000-0000-00000000000b",
)
TEXTS = ("alpha", "beta")
UNREAD = Unknown("403")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is tried before a sample has to do: elements of one list, lists of two of them, rows in all."""

    elements: int = 600
    pairs: int = 4_000
    rows: int = 50_000
    whole: bool = False
    """A sample is of no use: `Sampled` is raised as soon as there are too many."""


class Sampled(Exception):
    """There are too many combinations to try them all."""


USUAL = Limits()
_NOTHING_KNOWN = paths.Variable("", "")


class Listed(NamedTuple):
    """A list as it is tried: what a test would write, and its elements as the engine binds them."""

    raw: Any
    bounds: tuple[Bound, ...]
    unread: bool = False


@dataclass(slots=True)
class Axis:
    """One thing that varies. `place`: target, related or param; `keys`: where; `reps`: values, or `Listed` for lists."""

    place: str
    keys: Keys
    reps: list[Any] = field(default_factory=list)
    variable: paths.Variable = _NOTHING_KNOWN

    @property
    def is_list(self) -> bool:
        """Whether its values are lists of bound elements."""
        return bool(self.reps) and isinstance(self.reps[0], Listed)


Harvest: TypeAlias = Mapping[int, list[Any]]
"""id of a `Use` -> values that the rule's own tests have there."""


@dataclass(slots=True)
class Chooser:
    """Chooses values. `unread`: also try what could not be read; `short`: places whose values were sampled."""

    oracle: Oracle
    declared: Mapping[str, Parameter]
    harvest: Harvest
    param_values: Mapping[str, list[Any]]
    """Parameter -> the values that are tried for it."""
    names: Mapping[int, str]
    """id of a parameter's `Use` -> its name."""
    members: Mapping[int, str]
    """id of the `Use` of a list parameter's elements -> the parameter's name."""
    unread: bool = False
    limits: Limits = USUAL
    short: list[str] = field(default_factory=list)

    def sampled(self, name: str) -> None:
        """Note that a place is only sampled."""
        if self.limits.whole:
            raise Sampled
        self.short.append(name)

    def values(self, use: Use, variable: paths.Variable, keys: Keys) -> list[Any]:
        """The values of one path, ABSENT first where the path can be absent."""
        way = paths.plan(variable, keys)
        literals = [leaf for leaf in use.leaves if not isinstance(leaf.operand, (Param, Path))]
        found: list[Any] = [] if (way.fact is not None and way.fact.required) or not keys else [ABSENT]
        given = [value for leaf in literals for value in around(leaf.operator, leaf.operand, self.oracle.now)]
        given += _both_like(literals)
        for operator, other in use.partners:
            given += self._linked(operator, other, way.fact.kind if way.fact else "")
        given += self.harvest.get(id(use), [])
        given += [leaf.default for leaf in literals if leaf.default is not ABSENT]
        found += given
        found += something_else(way.fact, given)
        if self.unread:
            found.append(UNREAD)
        return self._told_apart(found, use, variable, ".".join(keys))

    def _told_apart(self, values: Iterable[Any], use: Use, variable: paths.Variable, name: str) -> list[Any]:
        """The first of all values that the leaves answer alike; those that no leaf can judge are left out."""
        asked = [(leaf, operand) for leaf in use.leaves for operand in self.tried_with(leaf)]
        by_itself = any(id(other) not in self.names for _, other in use.partners)
        kept: dict[Any, Any] = {}
        for value in values:
            answers = tuple(self.oracle.decide(leaf, variable, value, operand) for leaf, operand in asked)
            if asked and all(answer is Truth.ERROR for answer in answers):
                continue
            known = key_of(value) if by_itself else value is ABSENT and not asked
            if (answers, known) not in kept and len(kept) >= MAX_VALUES:
                self.sampled(name)
                break
            kept.setdefault((answers, known), value)
        if _overlapping(asked, [answers for answers, _ in kept]):
            self.sampled(name)
        return list(kept.values()) or [ABSENT]

    def _linked(self, operator: str, other: Use, sort: str) -> Iterator[Any]:
        """Values that agree, and that do not agree, with what a path is compared with."""
        own = operator.removeprefix("of ")
        known = [value for value in self.operands(other) if value is not None]
        if known:
            for value in known:
                yield from around(own, value, self.oracle.now)
            return
        if sort in ("integer", "number"):
            yield from (1, 2)
        elif sort == "boolean":
            yield from (True, False)
        elif own == "containsKey":
            yield from ({text: "x"} for text in TEXTS)
        elif own == "idWithin":
            yield from SCOPES if operator.startswith("of ") else (f"{SCOPES[0]}/x", f"{SCOPES[1]}/x")
        else:
            yield from TEXTS
        for leaf in other.leaves:
            if leaf.operator in ("equals", "in") and not isinstance(leaf.operand, (Param, Path)):
                yield from around(leaf.operator, leaf.operand, self.oracle.now)
        yield from self.harvest.get(id(other), [])[:4]

    def operands(self, use: Use) -> list[Any]:
        """The values tried for a parameter or for the elements of a list parameter; [] for any other place."""
        name = self.names.get(id(use))
        if name is not None:
            return self.param_values.get(name, [])
        lists = self.param_values.get(self.members.get(id(use), ""), [])
        return [item for value in lists if isinstance(value, (list, tuple)) for item in value]

    def elements(self, scope: Scope, name: str) -> tuple[list[Any], int]:
        """Different elements of a list, as a test writes them; the first so many of them were chosen on purpose."""
        parts: list[tuple[Keys, list[Any]]] = []
        mixed = () in scope.uses and len(scope.uses) + len(scope.lists) > 1
        if mixed and any(leaf.operator != "exists" for leaf in scope.uses[()].leaves):
            self.sampled(name)  # elements that have the properties are tried, others (texts, say) are not
        for keys, use in sorted(scope.uses.items()):
            if keys not in scope.lists and not (mixed and not keys):
                parts.append((keys, self.values(use, scope.variable, keys)))
        for keys, inner in sorted(scope.lists.items()):
            parts.append((keys, list(self._inner_lists(scope, keys, inner))))
        chosen, first = self._combinations(scope, parts, name)
        return [_element(scope, parts, values) for values in chosen], first

    def _inner_lists(self, scope: Scope, keys: Keys, inner: Scope) -> Iterator[Any]:
        own = scope.uses.get(keys)
        if own is not None:
            yield ABSENT
        yield []
        elements, _ = self.elements(inner, ".".join(keys))
        is_map = inner.variable.map
        for element in elements:
            yield _as_map([element]) if is_map else [element]
        for pair in itertools.combinations(elements[:6], 2):
            yield _as_map(pair) if is_map else list(pair)

    def _combinations(
        self, scope: Scope, parts: list[tuple[Keys, list[Any]]], name: str
    ) -> tuple[list[tuple[Any, ...]], int]:
        """Every combination, or, where there are too many, a sample that holds every pair of values; those on purpose first."""
        choices = [reps for _, reps in parts]
        director = Director(self.oracle, scope.variable, parts, self.tried_with)
        chosen = dict.fromkeys(director.combinations(scope.wheres))
        first = len(chosen)
        if math.prod(map(len, choices)) <= self.limits.elements:
            chosen.update(dict.fromkeys(itertools.product(*(range(len(reps)) for reps in choices))))
        else:
            self.sampled(name)
            chosen.update(dict.fromkeys(pairs(choices, self.limits.elements - first)))
        return [tuple(reps[at] for reps, at in zip(choices, one, strict=True)) for one in chosen], first

    def tried_with(self, leaf: Leaf) -> list[Any]:
        """The operands that a leaf is tried with: its literal, or the values of its parameter."""
        if isinstance(leaf.operand, Param):
            return self.param_values.get(leaf.operand.name, [])
        return [] if isinstance(leaf.operand, Path) else [leaf.operand]


def pairs(choices: Sequence[Sequence[Any]], at_least: int, most: int = 0) -> Iterator[tuple[int, ...]]:
    """Combinations (positions) that hold every pair of values of two places, and others at random, always the same ones.

    Where the pairs alone are more than `most` (0: never), only random ones.
    """
    draw = random.Random(20_261_125).random  # noqa: S311 - a sample, not a secret
    sizes = [len(reps) for reps in choices]
    seen: set[tuple[int, ...]] = set()
    if most and (sum(sizes) ** 2 - sum(size * size for size in sizes)) // 2 > most:
        at_least = most
    else:
        for one, other in itertools.combinations(range(len(choices)), 2):
            for first, second in itertools.product(range(sizes[one]), range(sizes[other])):
                chosen = [int(draw() * number) for number in sizes]
                chosen[one], chosen[other] = first, second
                seen.add(tuple(chosen))
    for _ in range(4 * at_least):
        if len(seen) >= at_least:
            break
        seen.add(tuple(int(draw() * number) for number in sizes))
    yield from sorted(seen)


def _both_like(leaves: Iterable[Leaf]) -> Iterator[str]:
    """Texts that may fit two patterns with * at once."""
    patterns = dict.fromkeys(leaf.operand for leaf in leaves if leaf.operator == "like")
    bare = [pattern.replace("*", "") for pattern in patterns if isinstance(pattern, str)][:MAX_VALUES]
    yield from (one + other for one, other in itertools.permutations(bare, 2))


def _overlapping(asked: Sequence[tuple[Leaf, Any]], answers: Sequence[tuple[Truth, ...]]) -> bool:
    """Whether a text may fit one regular expression and not another condition on it, and none such is among the values.

    Which texts fit two expressions is not worked out: examples of each are tried.
    """
    for (at, (leaf, operand)), (to, (other, its)) in itertools.combinations(enumerate(asked), 2):
        if "matches" not in (leaf.operator, other.operator) or leaf is other:
            continue
        one_value = isinstance(leaf.operand, Param) and leaf.operand == other.operand  # at a time
        if (
            one_value
            or (leaf.operator, operand) == (other.operator, its)
            or not {
                leaf.operator,
                other.operator,
            }
            <= _PATTERNS
        ):
            continue
        met = {(found[at], found[to]) for found in answers}
        if not met >= set(itertools.product((Truth.TRUE, Truth.FALSE), repeat=2)):
            return True
    return False


def _element(scope: Scope, parts: list[tuple[Keys, list[Any]]], chosen: tuple[Any, ...]) -> Any:
    if [keys for keys, _ in parts] == [()]:
        return chosen[0]
    body: dict[str, Any] = {}
    for (keys, _), value in sorted(zip(parts, chosen, strict=True), key=lambda part: -len(part[0][0])):
        if value is not ABSENT:
            planted(body, keys, value)
    for keys, _ in parts:
        with_parents(body, scope.variable, keys)
    return body


def _as_map(elements: Iterable[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, element in enumerate(elements):
        found[element.get("key") or f"key{number}"] = element.get("value", {})
    return found
