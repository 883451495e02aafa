"""Counting without findings: the lines of a sorted part come in, verdict letters with their numbers come out.

Most registries of a large estate are configured alike. Where nothing but the registry's own body, its api-version and
what it inherits can decide, only the properties that rules read are decoded (typed), and the verdicts of a configuration
that was seen before are looked up. Anything else - a value of an unexpected type, something unread, a name or tag that
rules read - is decoded and judged in full, so both ways give the same counts (kept by a property test).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import GenericAlias
from typing import Any, NamedTuple, Protocol, runtime_checkable

import msgspec

from scanner import types
from scanner.engine import paths
from scanner.engine import relations as table
from scanner.engine.codegen import Lane, compile_rules
from scanner.engine.estate import Estate
from scanner.engine.evaluate import Options as Evaluation
from scanner.engine.evaluate import (
    TypePlan,
    decide,
    lane_for,
    letters_of,
    plan,
    rule_values,
    unread_places,
)
from scanner.engine.operators import OPERATORS, Options
from scanner.engine.operators.time import instant
from scanner.model import ids
from scanner.model.condition import (
    Condition,
    Count,
    Leaf,
    ListSource,
    Logic,
    Param,
    Path,
    Quantifier,
    Ref,
    relations_of,
)
from scanner.model.resource import Resource
from scanner.model.rule import Rule, RulePack

_LEAVES = {"string": str, "boolean": bool, "integer": int, "number": float}
_VOLATILE = frozenset({"id", "name"})
"""Properties that differ from resource to resource; rules that read them are judged apart.

The inventory sees to it that they stand in a body as they stand in its stored line.
"""
MAX_KNOWN = 200_000
"""Configurations remembered at most; beyond that further ones are judged in full."""


_KINDS = frozenset(
    {
        "children",
        "pipelines",
        "inherited",
        "extension",
        "enforcement",
        "access",
        "pricings",
        "all",
        "endpoints",
    }
)
"""Kinds of relations that are the same for all resources which inherit the same, when nothing lies at or below any."""
_INHERITED = (
    table.ROLE_ASSIGNMENTS,
    table.ELIGIBILITIES,
    table.DENY_ASSIGNMENTS,
    table.LOCKS,
    table.POLICY_ASSIGNMENTS,
    table.POLICY_EXEMPTIONS,
)
_OPTIONS = Evaluation(check_every=0, details=False)
_NONE: Mapping[str, str] = {}


@runtime_checkable
class Streamed(Protocol):
    """A part that can give its stored lines, and the resource of one."""

    def lines(self) -> Iterator[bytes]:
        """The stored lines, in order."""
        ...

    def resource(self, line: bytes) -> Resource:
        """The resource of a line."""
        ...


def folded(condition: Condition | None, values: Mapping[str, Any]) -> Condition | bool | None:
    """A condition with what parameters alone decide worked out; a truth where nothing else is left."""
    match condition:
        case Leaf(subject=Param() as subject) if not isinstance(condition.operand, Param):
            row, value = OPERATORS[condition.operator], values.get(subject.name)
            answer = (
                row.absent(condition.operand)
                if value is None
                else row.decide(value, condition.operand, Options(0.0))
            )
            return answer if isinstance(answer, bool) else condition
        case Logic(kind="not"):
            inner = folded(condition.children[0], values)
            return (not inner) if isinstance(inner, bool) else condition
        case Logic():
            absorbing = condition.kind == "anyOf"
            parts = [folded(child, values) for child in condition.children]
            if absorbing in parts:
                return absorbing
            left = tuple(part for part in parts if part is not None and not isinstance(part, bool))
            return Logic(condition.kind, left, condition.mark) if left else not absorbing
        case Ref():
            inner = folded(condition.condition, values)
            return inner if isinstance(inner, bool) else condition
        case _:
            return condition


class _Reads:
    """The paths of the target that conditions read, as a tree: key -> subtree; `[]` stands for the elements of a list."""

    def __init__(self, target: str, relations: Mapping[str, str]) -> None:
        self._target = paths.Variable(target, "")
        self._relations = relations
        self.tree: dict[str, Any] = {}

    def visit(self, condition: Condition, env: Mapping[str, tuple[paths.Variable, Any]]) -> None:
        """Note every path; `env` maps a variable to what is known of it and its place in the tree (None: elsewhere)."""
        match condition:
            case Leaf():
                for part in (condition.subject, condition.operand):
                    if isinstance(part, Path):
                        self._place(part, env)
            case Logic():
                for child in condition.children:
                    self.visit(child, env)
            case Ref():
                self.visit(condition.condition, {paths.TARGET: env[paths.TARGET]})
            case Quantifier() | Count():
                place = self._list(condition.of, env)
                known = {name: variable for name, (variable, _) in env.items()}
                variable = (
                    paths.Variable("", "")
                    if isinstance(condition.of, Param)
                    else paths.element_of(known, condition.of, self._relations)
                )
                if condition.where is not None:
                    self.visit(condition.where, {**env, condition.var: (variable, place)})

    def _list(self, of: ListSource, env: Mapping[str, tuple[paths.Variable, Any]]) -> Any:
        place = self._place(of, env) if isinstance(of, Path) else None
        return None if place is None else place.setdefault(types.ELEMENT, {})

    def _place(self, path: Path, env: Mapping[str, tuple[paths.Variable, Any]]) -> Any:
        node = env[path.var][1]
        for key in path.keys if node is not None else ():
            node = node.setdefault(key, {})
        return node


def reads(
    rules: Iterable[tuple[Rule, Mapping[str, Any]]], target: str, relations: Mapping[str, str]
) -> dict[str, Any]:
    """The tree of target paths that rules with these parameter values can read."""
    found = _Reads(target, relations)
    env = {paths.TARGET: (paths.Variable(target, ""), found.tree)}
    for rule, values in rules:
        when = folded(rule.when, values)
        for condition in (when, folded(rule.check, values) if when is not False else None):
            if condition is not None and not isinstance(condition, bool):
                found.visit(condition, env)
    return found.tree


def _type(tree: Mapping[str, Any], facts: types.TypeFacts, keys: tuple[str, ...], name: str) -> Any:
    """A frozen, hashable struct with just the keys of a tree. Maps and open values become Raw, which does not hash."""
    fields: list[tuple[str, Any, Any]] = []
    for number, (key, below) in enumerate(sorted(tree.items())):
        fact = facts.fact((*keys, key))
        kind = fact.kind if fact else "any"
        inner: Any
        if kind in _LEAVES and not below:
            inner = _LEAVES[kind]
        elif kind == "object" and below:
            inner = _type(below, facts, (*keys, key), f"{name}_{number}")
        elif kind == "array" and below.get(types.ELEMENT):
            item = _type(below[types.ELEMENT], facts, (*keys, key, types.ELEMENT), f"{name}_{number}")
            inner = GenericAlias(tuple, (item, ...))
        else:
            inner = msgspec.Raw
        fields.append(
            (f"f{number}", inner | None | msgspec.UnsetType, msgspec.field(default=msgspec.UNSET, name=key))
        )
    return msgspec.defstruct(name, fields, frozen=True, gc=False)


def decoder(tree: Mapping[str, Any], facts: types.TypeFacts) -> msgspec.json.Decoder[Any]:
    """A decoder of stored lines: `id`, `apiVersion`, `source`, whether anything is unread or hidden, and the body's tree."""
    origin = msgspec.defstruct("Origin", [("source", str)], frozen=True, gc=False)
    fields: list[str | tuple[str, Any] | tuple[str, Any, Any]] = [
        ("id", str),
        ("name", str),
        ("api_version", str | None, msgspec.field(name="apiVersion")),
        ("origin", origin),
        ("unread", dict[str, str]),
        ("hidden", dict[str, str]),
        ("body", _type(tree, facts, (), "Body")),
    ]
    return msgspec.json.Decoder(msgspec.defstruct("Line", fields, gc=False))


def volatile(rule: Rule, values: Mapping[str, Any], target: str, relations: Mapping[str, str]) -> bool:
    """Whether a rule with these values reads something that differs from resource to resource."""
    return bool(_VOLATILE & reads([(rule, values)], target, relations).keys())


class Counted(NamedTuple):
    """How many resources of a type and subscription have these letters, for these rules.

    `first`: these are all resources of the type (the rules of a type may be counted in two groups).
    """

    type: str
    rules: tuple[str, ...]
    subscription: str
    letters: str
    number: int
    first: bool


def count(pack: RulePack, estate: Estate, now: str) -> Iterator[Counted]:
    """Verdict letters with their numbers, for every type; the same as counting what `evaluate` gives."""
    clock = instant(now) or 0.0
    for planned in plan(pack, estate):
        counter = _Counter(pack, planned, estate, clock)
        part = estate.part(planned.type)
        rules = tuple(rule.id for rule in planned.rules)
        for place in unread_places(planned, estate):
            yield Counted(planned.type, rules, place.subscription, place.letters, 1, first=False)
        if isinstance(part, Streamed) and counter.alike():
            yield from counter.quick(part)
            continue
        found: Counter[tuple[str, str]] = Counter()
        for resource in part:
            found[ids.subscription_of(resource.id), counter.judge(resource)] += 1
        yield from (Counted(planned.type, rules, *key, number, True) for key, number in sorted(found.items()))


class _Counter:
    """Counts the resources of one type."""

    def __init__(self, pack: RulePack, planned: TypePlan, estate: Estate, clock: float) -> None:
        self._pack = pack
        self._planned = planned
        self._estate = estate
        self._clock = clock
        self._link = estate.linker(planned.type, planned.needed)
        self._values = {rule.id: rule_values(pack, rule, pack.values) for rule in planned.rules}
        asked = [rule for rule in planned.rules if rule.id not in planned.not_asked]
        self._apart = [
            rule for rule in asked if volatile(rule, self._values[rule.id], planned.type, planned.elements)
        ]

    def judge(self, resource: Resource) -> str:
        """The letters of all rules of the type, in full."""
        linked = self._link(resource)
        values, lane = lane_for(self._pack, self._planned, self._estate, linked, self._clock, _OPTIONS)
        letters = letters_of(self._planned, linked, lane)
        return "".join(decide(self._planned, linked, letters, values, self._clock, _OPTIONS, 0)[1])

    def _kinds(self) -> set[str]:
        """The collections that the needed relations are made of."""
        needed = [
            relation for name, relation in self._planned.relations.items() if name in self._planned.needed
        ]
        found = {kind for relation in needed for kind in relation.collections}
        if any(relation.kind == "access" for relation in needed):
            found |= {table.ELIGIBILITIES, table.DENY_ASSIGNMENTS}
        if any(relation.kind == "enforcement" for relation in needed):
            found |= {table.POLICY_EXEMPTIONS, table.POLICY_STATES}
        return found

    def alike(self) -> bool:
        """Whether only a resource's own body and what it inherits can decide: nothing related lies at or below any."""
        relations = self._planned.relations
        if any(rule.semantics != "native" for rule in self._planned.rules):
            return False  # imported conditions read what no tree of paths names
        if self._pack.scoped or any(relations[name].kind not in _KINDS for name in self._planned.needed):
            return False
        for rule in self._apart:
            tree = reads([(rule, self._values[rule.id])], self._planned.type, self._planned.elements)
            if tree.keys() - _VOLATILE or {*relations_of(rule.when), *relations_of(rule.check)}:
                return False
        return all(self._estate.completeness.even(kind) and self._above_only(kind) for kind in self._kinds())

    def _above_only(self, kind: str) -> bool:
        if kind in (table.PRICINGS, table.SUBSCRIPTIONS) or not any(True for _ in self._estate.part(kind)):
            return True
        return kind in _INHERITED and not self._estate.index(kind).below

    def _context(self, resource_id: str) -> tuple[Any, ...]:
        """What decides beside the body: the subscription, and the lists of rows that are inherited."""
        chain = self._estate.chains.over_parent(ids.normalise(resource_id))
        lists = tuple(id(self._estate.index(kind).above(chain)) for kind in _INHERITED)
        return (
            ids.subscription_of(resource_id),
            self._estate.chains.known(ids.subscription_of(resource_id)),
            *lists,
        )

    def quick(self, part: Streamed) -> Iterator[Counted]:
        """Count by configuration: each distinct one is judged once."""
        planned = self._planned
        facts = types.facts_for(planned.type)
        apart = {rule.id for rule in self._apart}
        asked = [(rule, self._values[rule.id]) for rule in planned.rules if rule.id not in planned.not_asked]
        tree = reads([item for item in asked if item[0].id not in apart], planned.type, planned.elements)
        if facts is None:
            return
        places = [number for number, rule in enumerate(planned.rules) if rule.id not in apart]
        names = compile_rules(planned.type, self._apart, planned.elements).build(self._values, self._clock)
        main, by_name = self._lines(part, decoder(tree, facts), places, names if self._apart else None)
        rules = tuple(planned.rules[number].id for number in places)
        yield from (Counted(planned.type, rules, *key, number, True) for key, number in sorted(main.items()))
        rest = tuple(rule.id for rule in self._apart)
        yield from (
            Counted(planned.type, rest, *key, number, False) for key, number in sorted(by_name.items())
        )

    def _lines(
        self, part: Streamed, lines: msgspec.json.Decoder[Any], places: list[int], names: Lane | None
    ) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
        known: dict[Any, str] = {}
        groups: dict[str, tuple[str, Any]] = {}
        main: Counter[tuple[str, str]] = Counter()
        by_name: Counter[tuple[str, str]] = Counter()
        others = [number for number in range(len(self._planned.rules)) if number not in set(places)]
        decode, look_up, group_of = lines.decode, known.get, groups.get
        for line in part.lines():
            try:
                given = decode(line)
                group = given.id.rsplit("/", 4)[0]
                held = group_of(group)
                if held is None:
                    held = groups[group] = (ids.subscription_of(given.id), self._context(given.id))
                key = (
                    None
                    if given.unread or given.hidden
                    else (given.body, given.api_version, given.origin, held[1])
                )
                letters = look_up(key) if key is not None else None
            except (msgspec.ValidationError, TypeError):
                key = letters = held = None
            if letters is not None and held is not None:
                told = names({"id": given.id, "name": given.name}, _NONE, _nothing) if names else ()
                if "?" not in told:
                    main[held[0], letters] += 1
                    by_name[held[0], "".join(told)] += 1
                    continue
            resource = part.resource(line)
            every = self.judge(resource)
            subscription = ids.subscription_of(resource.id)
            letters = "".join(every[number] for number in places)
            main[subscription, letters] += 1
            by_name[subscription, "".join(every[number] for number in others)] += 1
            if key is not None and len(known) < MAX_KNOWN:
                known[key] = letters
        return main, by_name


def _nothing(_: str) -> Any:
    raise AssertionError("rules that are judged by name ask for no relation")
