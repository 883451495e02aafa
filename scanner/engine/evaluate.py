"""Rules over an estate: verdict lines and findings come out one by one, in one order, with nothing else held.

The generated lane decides; the reference lane decides what that one leaves open, explains what fails, and checks
a share of the passes: a disagreement between the two is an ERROR finding of its own, never silent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from scanner import types
from scanner.engine.case import absences, case_for
from scanner.engine.codegen import Compiled, Lane, compile_rules
from scanner.engine.estate import Estate, Linked
from scanner.engine.findings import Caused, Maker
from scanner.engine.judge import Judgement, judge
from scanner.engine.operators.time import instant
from scanner.engine.relations import Relation, relations_for
from scanner.engine.tailored import values_for
from scanner.engine.unread import Place, places
from scanner.model import ids
from scanner.model.condition import relations_of
from scanner.model.finding import Verdict
from scanner.model.rule import Rule, RulePack
from scanner.model.scan import ResourceLine

DISAGREEMENT = "INT001"
"""The scanner's own finding: its two lanes gave different verdicts."""

Row: TypeAlias = ResourceLine | Caused | Place


@dataclass(frozen=True, slots=True)
class Options:
    """How to evaluate. `check_every`: the reference lane re-decides one in that many passes (1 = all).

    `details`: explain failures and give findings (False: verdict letters only); `keep_passes`: rows for passes too.
    `reference_only`: do without the generated lane.
    """

    check_every: int = 1000
    details: bool = True
    keep_passes: bool = False
    reference_only: bool = False


@dataclass(slots=True)
class TypePlan:
    """The rules of one target type and what they need."""

    type: str
    rules: tuple[Rule, ...]
    relations: Mapping[str, Relation]
    needed: frozenset[str]
    not_asked: Mapping[str, str]
    """Rule id -> why its source was not asked for (then every resource is notApplicable)."""
    keys: dict[str, tuple[str, ...]]
    elements: Mapping[str, str]
    makers: tuple[Maker, ...]
    compiled: Compiled
    """The generated lane of the rules whose sources were asked for."""
    lanes: dict[int, tuple[Any, Lane, Mapping[str, Mapping[str, Any]]]] = field(default_factory=dict)


def by_target(pack: RulePack) -> dict[str, tuple[Rule, ...]]:
    """The enabled rules by target type, in the order of the type names."""
    by_type: dict[str, list[Rule]] = {}
    for rule in pack.rules:
        if rule.enabled:
            facts = types.facts_for(rule.target)
            by_type.setdefault(facts.type if facts else rule.target, []).append(rule)
    return {name: tuple(rules) for name, rules in sorted(by_type.items())}


def plan(pack: RulePack, estate: Estate) -> tuple[TypePlan, ...]:
    """What each target type needs, with its rules in fast form, in the order of the type names."""
    return tuple(_plan(name, rules, estate) for name, rules in by_target(pack).items())


def _plan(name: str, rules: tuple[Rule, ...], estate: Estate) -> TypePlan:
    relations = {relation.name: relation for relation in relations_for(name)}
    not_asked: dict[str, str] = {}
    needed: set[str] = set()
    for rule in rules:
        used = {*relations_of(rule.when), *relations_of(rule.check)}
        reasons = [reason for relation in sorted(used) if (reason := estate.not_asked(relations[relation]))]
        if reasons:
            not_asked[rule.id] = reasons[0]
        else:
            needed |= used
    elements = {relation.name: relation.element for relation in relations.values()}
    return TypePlan(
        type=name,
        rules=rules,
        relations=relations,
        needed=frozenset(needed),
        not_asked=not_asked,
        keys={relation.name: relation.key for relation in relations.values()},
        elements=elements,
        makers=tuple(Maker(rule, relations) for rule in rules),
        compiled=compile_rules(name, [rule for rule in rules if rule.id not in not_asked], elements),
    )


def evaluate(pack: RulePack, estate: Estate, now: str, options: Options) -> Iterator[Row]:
    """Every verdict line and finding: sorted by target type, resource id, rule id, element key.

    `now` is RFC 3339. A `ResourceLine` comes first, then the findings of that resource. Where resources of the type were
    not read, the place comes with an unknown row per rule.
    """
    clock = instant(now) or 0.0
    seen = 0
    for planned in plan(pack, estate):
        waiting = unread_places(planned, estate)
        for linked in estate.targets(planned.type, planned.needed):
            while waiting and ids.order_key(waiting[0].id) <= ids.order_key(linked.resource.id):
                yield from _untold(planned, waiting.pop(0), options)
            values, lane = lane_for(pack, planned, estate, linked, clock, options)
            letters = letters_of(planned, linked, lane)
            rows, decided = decide(planned, linked, letters, values, clock, options, seen)
            seen += 1
            yield _line(linked, "".join(decided))
            yield from rows
        for place in waiting:
            yield from _untold(planned, place, options)


def unread_places(planned: TypePlan, estate: Estate) -> list[Place]:
    """Where targets of a plan were not read; rules whose sources nobody asked for do not apply there either."""
    letters = "".join("N" if rule.id in planned.not_asked else "U" for rule in planned.rules)
    return places(estate.completeness, planned.type, letters)


def _untold(planned: TypePlan, place: Place, options: Options) -> Iterator[Row]:
    yield place
    if options.details:
        for rule, letter in zip(planned.rules, place.letters, strict=True):
            if letter == "U":
                yield place.finding(rule)


def lane_for(
    pack: RulePack, planned: TypePlan, estate: Estate, linked: Linked, clock: float, options: Options
) -> tuple[Mapping[str, Mapping[str, Any]], Lane | None]:
    """Parameter values by rule for this resource, and the lane built with them (one per set of values)."""
    chosen = values_for(pack, linked.resource, estate)
    cached = planned.lanes.get(id(chosen))
    if cached is None:
        values = {rule.id: rule_values(pack, rule, chosen) for rule in planned.rules}
        lane = planned.compiled.build(values, clock)
        cached = planned.lanes[id(chosen)] = (chosen, lane, values)
    return cached[2], None if options.reference_only else cached[1]


def rule_values(pack: RulePack, rule: Rule, chosen: Mapping[str, Any]) -> Mapping[str, Any]:
    """The effective value of every parameter a rule can name."""
    values = {name: chosen[name] for name in pack.parameters}
    for name, parameter in rule.parameters.items():
        values[name] = chosen.get(f"{rule.id}.{name}", parameter.default)
    return values


def letters_of(planned: TypePlan, linked: Linked, lane: Lane | None) -> Sequence[str]:
    """One letter per rule: N for rules whose source was not asked for, `?` for all without the generated lane."""
    if lane is None:
        return ["N" if rule.id in planned.not_asked else "?" for rule in planned.rules]
    resource = linked.resource
    found = lane(resource.body, absences(resource), linked.related)
    if not planned.not_asked:
        return found
    given = iter(found)
    return ["N" if rule.id in planned.not_asked else next(given) for rule in planned.rules]


def decide(
    planned: TypePlan,
    linked: Linked,
    letters: Sequence[str],
    values: Mapping[str, Mapping[str, Any]],
    clock: float,
    options: Options,
    seen: int,
) -> tuple[list[Caused], Sequence[str]]:
    """The findings of one resource and its final letters; `?` is settled here. `seen`: resources before this one."""
    rows: list[Caused] = []
    if "?" not in letters and not (options.details or options.check_every or options.keep_passes):
        return rows, letters
    decided = list(letters)
    for number, letter in enumerate(letters):
        checked = letter in "PN" and options.check_every and (seen + number) % options.check_every == 0
        told = letter in "FM" and options.details
        if not (letter == "?" or checked or told or (options.keep_passes and letter in "PN")):
            continue
        rule = planned.rules[number]
        if rule.id in planned.not_asked:
            continue
        case = case_for(linked.resource, linked.related, planned.elements, values[rule.id], clock)
        judgement = judge(rule, case, planned.keys)
        found = judgement.verdict.letter
        if letter not in ("?", found):
            judgement = _disagreement(judgement, letter)
            found = judgement.verdict.letter
        decided[number] = found
        if options.details and (found in "FUEM" or options.keep_passes):
            rows += planned.makers[number].make(case, judgement)
    return rows, decided


def _disagreement(judgement: Judgement, letter: str) -> Judgement:
    text = f"{DISAGREEMENT}: the generated lane said {letter}, the reference lane {judgement.verdict.letter}; please report it"
    return replace(judgement, verdict=Verdict.ERROR, message=text, reason=DISAGREEMENT, offenders=())


def _line(linked: Linked, letters: str) -> ResourceLine:
    resource = linked.resource
    sku = resource.body.get("sku")
    name = sku.get("name") if isinstance(sku, dict) else None
    return ResourceLine(
        id=resource.id,
        type=resource.type,
        name=resource.name,
        subscription=ids.subscription_of(resource.id),
        resource_group=ids.resource_group_of(resource.id),
        location=resource.location,
        sku=name if isinstance(name, str) else "",
        letters=letters,
    )
