"""Where something stands: a rule and a key, a profile and a knob, or two conditions come in; places come out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from scanner.errors import ScannerError
from scanner.language.digest import shape
from scanner.model.condition import NOWHERE, Condition, Count, Leaf, Logic, Mark, Quantifier, Ref
from scanner.model.rule import Rule
from scanner.text import Mapping, Node, Scalar, load_yaml, read_text
from scanner.workbench.sides import Side


@dataclass(slots=True)
class Places:
    """Places of keys in the files of one side; each file is parsed when it is first asked for."""

    side: Side
    _rules: dict[str, dict[str, Mapping]] = field(default_factory=dict)
    _main: list[Mapping] | None = None

    def of_key(self, rule: Rule, *keys: str) -> Mark:
        """The place of the first of these keys that the rule has (its value's), else the rule's own."""
        body = self._body(rule)
        for key in keys:
            if body is not None and key in body.items:
                return _value(body, key)
        return rule.mark

    def of_id(self, rule: Rule) -> Mark:
        """The place of the rule's id."""
        return self.of_key(rule, "id")

    def of_main(self, *keys: str) -> Mark:
        """The place of a nested key of pack.yaml, such as ("pack", "version"); of its parent where it is missing."""
        if self._main is None:
            self._main = _documents(self.side.file(self.side.main), self.side.main.file)
        place = self.side.main
        node: Node | None = self._main[0] if self._main else None
        for key in keys:
            if not isinstance(node, Mapping) or key not in node.items:
                break
            place = _value(node, key)
            node = node.items[key]
        return place

    def _body(self, rule: Rule) -> Mapping | None:
        file = rule.mark.file
        if file not in self._rules:
            found = _documents(self.side.file(rule.mark), file)
            self._rules[file] = {
                node.value: body
                for body in found
                if isinstance(node := body.items.get("id"), Scalar) and isinstance(node.value, str)
            }
        return self._rules[file].get(rule.id)


def _value(body: Mapping, key: str) -> Mark:
    """A scalar's own place; for lists and mappings that of the key, which is where people look."""
    node = body.items[key]
    return node.mark if isinstance(node, Scalar) else body.marks.get(key, node.mark)


def _documents(path: Path, name: str) -> list[Mapping]:
    try:
        documents, _ = load_yaml(read_text(path, shown=name), name, tags=True)
    except ScannerError:
        return []
    return [node for node in documents if isinstance(node, Mapping)]


@dataclass(frozen=True, slots=True)
class Knobs:
    """Where the profiles of a side set what: the last of them wins, as in tailoring."""

    severities: dict[str, Mark] = field(default_factory=dict)
    selected: dict[str, Mark] = field(default_factory=dict)
    """Rules that are selected or deselected."""
    values: dict[str, Mark] = field(default_factory=dict)


def knobs(profiles: Iterable[tuple[Path, str]]) -> Knobs:
    """The places in profiles, each a file and how it is written."""
    found = Knobs()
    for path, name in profiles:
        for body in _documents(path, name):
            for key in ("select", "deselect"):
                for node in _items(body.items.get(key)):
                    if isinstance(node, Scalar):
                        found.selected[str(node.value)] = node.mark
            for key, into in (("severity", found.severities), ("parameters", found.values)):
                holder = body.items.get(key)
                if isinstance(holder, Mapping):
                    into.update(holder.marks)
    return found


def _items(node: Node | None) -> list[Node]:
    return [] if node is None or isinstance(node, Scalar | Mapping) else node.items


def difference(before: Condition | None, after: Condition | None) -> tuple[Mark, Mark]:
    """The places (older, newer) of the smallest part that holds all that differs; `NOWHERE` where a side has none."""
    if before is None or after is None:
        return _mark(before), _mark(after)
    while True:
        before, after = _plain(before), _plain(after)
        inner = [
            (one, other)
            for one, other in zip(_children(before), _children(after), strict=False)
            if shape(one) != shape(other)
        ]
        alike = _head(before) == _head(after) and len(_children(before)) == len(_children(after))
        if not alike or len(inner) != 1:
            return _mark(before), _mark(_only_new(before, after) or after)
        before, after = inner[0]


def _only_new(before: Condition, after: Condition) -> Condition | None:
    """The one child that a group got, where nothing else of it changed."""
    if not (isinstance(before, Logic) and isinstance(after, Logic) and before.kind == after.kind):
        return None
    known = [shape(child) for child in before.children]
    fresh = [child for child in after.children if shape(child) not in known]
    return fresh[0] if len(fresh) == 1 and len(after.children) > len(before.children) else None


def _plain(condition: Condition) -> Condition:
    """The condition itself; what stands in a definition is looked at there."""
    while isinstance(condition, Ref):
        condition = condition.condition
    return condition


def _head(condition: Condition) -> object:
    """What a node says by itself, without its children."""
    match condition:
        case Logic():
            return condition.kind
        case Quantifier():
            return condition.kind, shape(condition.of), condition.var, condition.when_empty
        case Count():
            operand = shape(condition.operand)
            return shape(condition.of), condition.var, condition.operator, operand
        case _:
            return shape(condition)


def _children(condition: Condition) -> tuple[Condition, ...]:
    match condition:
        case Logic():
            return condition.children
        case Quantifier():
            return (condition.where,)
        case Count(where=Logic() | Leaf() | Quantifier() | Count() | Ref() as where):
            return (where,)
        case _:
            return ()


def _mark(condition: Condition | None) -> Mark:
    return NOWHERE if condition is None else condition.mark


def used_parameters(rule: Rule) -> list[str]:
    """The names of parameters that decide in a rule, sorted."""
    return sorted(set(_named(shape(rule.when))) | set(_named(shape(rule.check))))


def _named(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        name = part.get("param")
        if isinstance(name, str):
            yield name
        for item in part.values():
            yield from _named(item)
    elif isinstance(part, list | tuple):
        for item in part:
            yield from _named(item)
