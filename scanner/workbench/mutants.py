"""Mutants of a rule: a rule comes in, the same rule with one small mistake at a time comes out.

Twelve kinds of mistakes: an operator becomes its negation or its boundary twin; allOf and anyOf change places; none, some
and every change places; a branch, a `not`, a `default`, a member of a list, `when` or `where` is dropped; a text, a boolean
or a number (also a parameter's) changes. A definition is changed for the one rule that uses it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from scanner.engine.operators import OPERATORS
from scanner.engine.operators.row import kind
from scanner.language.digest import shape
from scanner.model.condition import Condition, Count, Leaf, Logic, Mark, Param, Path, Quantifier, Ref
from scanner.model.rule import Rule
from scanner.model.values import ABSENT
from scanner.workbench.coverage import children
from scanner.workbench.flow import in_short, value_text

TWINS: Mapping[str, str] = {
    "less": "lessOrEquals",
    "lessOrEquals": "less",
    "greater": "greaterOrEquals",
    "greaterOrEquals": "greater",
}
"""Operators that differ at the boundary only."""
_OPPOSITES: Mapping[str, str] = {
    "equals": "notEquals",
    "notEquals": "equals",
    "less": "greaterOrEquals",
    "greaterOrEquals": "less",
    "greater": "lessOrEquals",
    "lessOrEquals": "greater",
}
"""The negations of what a count is compared with."""
_GROUPS: Mapping[str, str] = {"allOf": "anyOf", "anyOf": "allOf"}
MOST_MEMBERS = 200
"""A list gives at most so many mutants; the members of a longer one are dropped in runs."""
CHANGED = "-changed"
"""What is added to a text to change it."""
_CHANGEABLE = ("equals", "in", "like", "likeAny", "contains", "containsKey", "idWithin")
"""Operators whose text is a value; that of `matches` and `format` is a program, which would not load."""
_LISTS = ("in", "likeAny", "idWithin", "cidrWithin")
"""Operators whose list holds alternatives; the two numbers of `cidrPrefixLess` are one for IPv4 and one for IPv6."""


_Values = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def _as_it_is(values: Mapping[str, Any]) -> Mapping[str, Any]:
    return values


@dataclass(frozen=True, slots=True)
class Misread:
    """Effective values come in; the same with one parameter misread come out, where its value has the kind `sort`.

    A number is `step` off, a boolean is its opposite, a list lacks `step` members from `start` on (or its last one).
    """

    name: str
    sort: str
    step: int = 1
    start: int = -1

    def __call__(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The misread values."""
        value: Any = values.get(self.name)
        if kind(value) != self.sort:
            return values
        match self.sort:
            case "number":
                return {**values, self.name: value + self.step}
            case "boolean":
                return {**values, self.name: not value}
            case _:
                start = self.start if self.start >= 0 else max(len(value) - 1, 0)
                return {**values, self.name: (*value[:start], *value[start + self.step :])}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake. `operator`: its kind; `before` and `after`: the mutated condition as rule text."""

    rule: Rule
    operator: str
    what: str
    mark: Mark
    before: str
    after: str
    values: _Values = _as_it_is
    """What the mistake makes of the effective parameter values."""
    closed: tuple[Condition, Condition] | None = None
    """The smallest part around the mistake that reads no element of a list around it, before and after."""
    given: Mapping[str, Any] = field(default_factory=dict)
    """Values to compare with where the pack's own would hide the mistake (a list that nobody declared yet)."""

    @property
    def diff(self) -> str:
        """The mutated condition before and after, as the lines of a diff."""
        return f"- {self.before}\n+ {self.after}"


def mutants(rule: Rule, values: Mapping[str, Any]) -> Iterator[Mutant]:
    """Every mutant of a rule that decides something, each once. `values`: the effective values of its parameters."""
    if rule.check is None:
        return
    met = {_shapes(rule.when, rule.check)}
    if rule.when is not None:
        yield Mutant(
            replace(rule, when=None),
            "drop when",
            "`when` dropped: the rule applies everywhere",
            rule.when.mark,
            f"when: {in_short(rule.when)}",
            "",
        )
    for part in (rule.when, rule.check):
        for condition, parent in _nodes(part):
            for operator, what, changed in _changes(condition, parent):
                when = _swapped(rule.when, condition, changed)
                check = _swapped(rule.check, condition, changed)
                found = _shapes(when, check)
                if found not in met:
                    met.add(found)
                    around = _closed(part, condition)
                    yield Mutant(
                        replace(rule, when=when, check=check),
                        operator,
                        what,
                        condition.mark,
                        in_short(condition),
                        in_short(changed),
                        closed=(around, _swapped(around, condition, changed)),
                    )
    yield from _of_parameters(rule, values)


def _shapes(when: Condition | None, check: Condition | None) -> str:
    return repr((shape(when), shape(check)))


def _nodes(part: Condition | None) -> Iterator[tuple[Condition, Condition | None]]:
    """Every condition once with the one above it, from the outside in."""
    waiting: list[tuple[Condition, Condition | None]] = [(part, None)] if part is not None else []
    met: set[int] = set()
    while waiting:
        condition, parent = waiting.pop()
        if id(condition) in met:
            continue
        met.add(id(condition))
        yield condition, parent
        waiting += reversed([(child, condition) for child in children(condition)])


def _closed(part: Condition | None, inner: Condition) -> Condition:
    """The outermost list around a condition, or the condition itself: what reads no element of a list around it."""
    for condition, _ in _nodes(part):
        if isinstance(condition, (Quantifier, Count)) and any(one is inner for one, _ in _nodes(condition)):
            return condition
    return inner


def _swapped(part: Any, old: Condition, new: Condition) -> Any:
    """A tree with one condition in the place of another, wherever that one (not its equal) stands."""
    if part is None or part is old:
        return part if part is None else new
    match part:
        case Logic():
            parts = tuple(_swapped(child, old, new) for child in part.children)
            same = all(map(_is, parts, part.children))
            return part if same else replace(part, children=parts)
        case Ref():
            inner = _swapped(part.condition, old, new)
            return part if inner is part.condition else replace(part, condition=inner)
        case Quantifier() | Count():
            inner = _swapped(part.where, old, new)
            return part if inner is part.where else replace(part, where=inner)
        case _:
            return part


def _is(one: object, other: object) -> bool:
    return one is other


_Change = tuple[str, str, Condition]
"""Kind of mistake, what it is in words, and what stands there now."""


def _changes(condition: Condition, parent: Condition | None) -> Iterator[_Change]:
    match condition:
        case Leaf():
            yield from _of_leaf(condition, parent)
        case Logic(kind="not"):
            yield "remove not", "`not` removed", condition.children[0]
        case Logic():
            yield from _of_group(condition)
        case Quantifier():
            yield from _of_quantifier(condition)
        case Count():
            yield from _of_count(condition)
        case Ref():
            return


def _of_group(group: Logic) -> Iterator[_Change]:
    if len(group.children) < 2:
        return
    other = _GROUPS[group.kind]
    yield "swap allOf and anyOf", f"{group.kind} became {other}", replace(group, kind=other)  # type: ignore[arg-type]
    for number, child in enumerate(group.children):
        rest = group.children[:number] + group.children[number + 1 :]
        what = f"branch {number + 1} of {group.kind} dropped: {in_short(child)}"
        yield "drop branch", what, replace(group, children=rest)


def _of_quantifier(quantifier: Quantifier) -> Iterator[_Change]:
    for other in ("none", "some", "every"):
        if other != quantifier.kind:
            what = f"{quantifier.kind} became {other}"
            yield "swap none, some, every", what, replace(quantifier, kind=other)
    any_element = Leaf(Path(quantifier.var, ()), "exists", True, ABSENT, False, quantifier.where.mark)
    yield "drop where", f"`where` of {quantifier.kind} dropped", replace(quantifier, where=any_element)


def _of_count(count: Count) -> Iterator[_Change]:
    yield from (
        ("swap operator", f"{count.operator} became {other}", replace(count, operator=other))
        for other in (_OPPOSITES[count.operator], TWINS.get(count.operator))
        if other
    )
    if kind(count.operand) == "number":
        for changed in (count.operand - 1, count.operand + 1):
            if changed >= 0:
                yield "change number", f"{count.operand} became {changed}", replace(count, operand=changed)
    if count.where is not None:
        yield "drop where", "`where` of count dropped", replace(count, where=None)


def _of_leaf(leaf: Leaf, parent: Condition | None) -> Iterator[_Change]:
    under_not = isinstance(parent, Logic) and parent.kind == "not"
    if (
        not under_not and kind(leaf.operand) != "boolean"
    ):  # else the same as a removed `not`, as a flipped boolean
        yield "swap operator", f"{leaf.operator} negated", Logic("not", (leaf,), leaf.mark)
    if leaf.operator in TWINS:
        other = TWINS[leaf.operator]
        yield "swap operator", f"{leaf.operator} became {other}", replace(leaf, operator=other)
    if leaf.default is not ABSENT:
        yield "drop default", f"default {value_text(leaf.default)} dropped", replace(leaf, default=ABSENT)
        yield from (
            (name, f"default {what}", replace(leaf, default=changed))
            for name, what, changed in _of_value(leaf.default)
            if name != "change text"  # no value of the API is what a dropped default is as well
        )
    if not isinstance(leaf.operand, (Param, Path)):
        for name, what, changed in _of_operand(leaf):
            check = OPERATORS[leaf.operator].check
            if check is None or not check(changed):
                yield name, what, replace(leaf, operand=changed)


def _of_operand(leaf: Leaf) -> Iterator[tuple[str, str, Any]]:
    if not isinstance(leaf.operand, tuple):
        for name, what, changed in _of_value(leaf.operand):
            if name != "change text" or leaf.operator in _CHANGEABLE:
                yield name, what, changed
        return
    if leaf.operator in _LISTS:
        yield from _lacking(leaf)
    for number, member in enumerate(leaf.operand):
        if kind(member) == "number" and leaf.operator not in _LISTS:
            for name, what, changed in _of_value(member):
                yield name, what, (*leaf.operand[:number], changed, *leaf.operand[number + 1 :])


def _lacking(leaf: Leaf) -> Iterator[tuple[str, str, Any]]:
    for start, gone in _runs(leaf.operand):
        rest = leaf.operand[:start] + leaf.operand[start + len(gone) :]
        if rest:
            yield "drop in", f"{_members(gone)} dropped from {leaf.operator}", rest


def _runs(members: Sequence[Any]) -> Iterator[tuple[int, Sequence[Any]]]:
    """What a list can lack: each member with its position; of a very long list each run of members."""
    step = -(-len(members) // MOST_MEMBERS)
    for start in range(0, len(members), step or 1):
        yield start, members[start : start + step]


def _members(gone: Sequence[Any]) -> str:
    return value_text(gone[0]) + (f" and {len(gone) - 1} more" if len(gone) > 1 else "")


def _of_value(value: Any) -> Iterator[tuple[str, str, Any]]:
    match kind(value):
        case "boolean":
            yield "flip boolean", f"{value_text(value)} became {value_text(not value)}", not value
        case "number":
            for changed in (value - 1, value + 1):
                yield "change number", f"{value_text(value)} became {value_text(changed)}", changed
        case "string":
            changed = _changed(value)
            yield "change text", f"{value_text(value)} became {value_text(changed)}", changed
        case _:
            return


def _changed(text: str) -> str:
    """Another text; a pattern stays one that can be met."""
    return f"{text[:-1]}{CHANGED}*" if text.endswith("*") and len(text) > 1 else text + CHANGED


def _of_parameters(rule: Rule, values: Mapping[str, Any]) -> Iterator[Mutant]:
    """Numbers one off and lists that lack a member, wherever the rule reads the parameter."""
    places: dict[str, Condition] = {}
    for part in (rule.when, rule.check):
        for condition, _ in _nodes(part):
            for name in reads(condition):
                places.setdefault(name, condition)
    for name, place in places.items():
        default = values.get(name)
        tried = [test.params[name] for test in rule.tests if name in test.params]
        sample = next((value for value in (default, *tried) if value is not None), None)
        given = {} if default is not None else {name: sample}
        for operator, what, after, change in _of_sample(name, sample, declared=default is not None):
            yield Mutant(rule, operator, what, place.mark, in_short(place), after, change, given=given)


def _of_sample(name: str, sample: Any, *, declared: bool) -> Iterator[tuple[str, str, str, _Values]]:
    """The mistakes that fit the kind of a parameter: kind of mistake, in words, what stands there now, what it does.

    A list that is `declared` lacks each of its members in turn; one that only tests give lacks its last, in every test.
    """
    match kind(sample):
        case "number":
            for sign, step in (("-", -1), ("+", 1)):
                what = f"parameter {name} is one {'more' if step > 0 else 'less'} than it says"
                yield "change number", what, f"{name} {sign} 1", Misread(name, "number", step)
        case "boolean":
            yield "flip boolean", f"parameter {name} is the opposite", f"not {name}", Misread(name, "boolean")
        case "array":
            for start, gone in _runs(sample) if declared else _runs(sample[-1:]):
                words = _members(gone)
                change = Misread(name, "array", len(gone), start if declared else -1)
                yield "drop in", f"parameter {name} lacks {words}", f"{name} without {words}", change
        case _:
            return


def asks_each(rule: Rule, name: str) -> bool:
    """Whether a rule asks of each member of a list parameter something about the elements of another list."""
    conditions = [condition for part in (rule.when, rule.check) for condition, _ in _nodes(part)]
    return any(
        isinstance(one, (Quantifier, Count))
        and isinstance(one.of, Param)
        and one.of.name == name
        and any(isinstance(inner, (Quantifier, Count)) for inner, _ in _nodes(one.where))
        for one in conditions
    )


def reads(condition: Condition) -> Iterator[str]:
    """The parameters that a condition itself reads (not those of conditions below it)."""
    parts: tuple[Any, ...] = ()
    match condition:
        case Leaf():
            parts = (condition.subject, condition.operand)
        case Quantifier():
            parts = (condition.of,)
        case Count():
            parts = (condition.of, condition.operand)
    for part in parts:
        if isinstance(part, Param):
            yield part.name
