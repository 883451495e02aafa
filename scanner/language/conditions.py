"""Conditions: a YAML node comes in, a condition tree comes out; every mistake is reported at its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from scanner.engine.operators import NEGATED, OPERATORS, ORDERED
from scanner.engine.operators.row import kind
from scanner.language.form import Form, named
from scanner.language.operands import operand_problem
from scanner.language.path import parse_path
from scanner.model.condition import (
    Condition,
    Count,
    Leaf,
    ListSource,
    Logic,
    Mark,
    Param,
    Path,
    Quantifier,
    Ref,
    Related,
)
from scanner.model.rule import Parameter
from scanner.model.values import ABSENT
from scanner.text import Mapping as MappingNode
from scanner.text import Node, Sequence, nearest, plain

MAX_DEPTH = 32
MAX_NODES = 500
QUANTIFIERS = ("none", "some", "every")
SPELLINGS = tuple(OPERATORS) + tuple(NEGATED)
PARAM_OPERATORS = ("empty", "equals", "exists")
_HEADS = ("allOf", "anyOf", "not", "ref", *QUANTIFIERS, "count", "field", "param")


class Definitions(Protocol):
    """The named conditions of a pack, parsed when first asked for."""

    def __contains__(self, name: object, /) -> bool: ...

    def __iter__(self) -> Iterator[str]: ...

    def condition(self, name: str, mark: Mark) -> Condition | None:
        """The condition, or None when it is broken (reported where it stands)."""
        ...

    def parameters_of(self, name: str) -> frozenset[str]:
        """The parameters it reads, directly or through other definitions."""
        ...


class ConditionParser:
    """Parses the conditions of one rule (or of a pack's definitions)."""

    def __init__(
        self,
        form: Form,
        parameters: Mapping[str, Parameter],
        definitions: Definitions,
    ) -> None:
        self.form = form
        self.parameters = parameters
        self.definitions = definitions
        self.nodes = 0
        self.variables: list[str] = []
        """Every element variable met, for the placeholders of messages."""
        self.used: set[str] = set()
        """Every parameter met."""
        self.refs: set[str] = set()
        """Every definition met."""
        self.broken = False
        """Whether a definition met is broken, which is reported where it stands."""

    def parse(self, node: Node | None, scope: tuple[str, ...] = (), depth: int = 0) -> Condition | None:
        """The condition, or None when it could not be read (the errors are in the form)."""
        if node is None:
            return None
        if not isinstance(node, MappingNode) or not node.items:
            self.form.report(f"a condition must be a mapping, not {named(node)}", node.mark)
            return None
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            if self.nodes <= MAX_NODES + 1:
                self.form.report(
                    f"a rule has at most {MAX_NODES} conditions, nested {MAX_DEPTH} deep", node.mark
                )
            return None
        heads = [key for key in node.items if key in _HEADS]
        if len(heads) != 1:
            self._wrong_heads(node, heads)
            return None
        head = heads[0]
        body = node.items[head]
        match head:
            case "allOf" | "anyOf":
                self._only(node, (head,))
                return self._group(head, body, scope, depth)
            case "not":
                self._only(node, (head,))
                child = self.parse(body, scope, depth + 1)
                return _negated(child, node.mark) if child else None
            case "ref":
                self._only(node, (head,))
                return self._ref(body)
            case "none" | "some" | "every":
                self._only(node, (head,))
                return self._quantifier(head, body, scope, depth)
            case "count":
                return self._count(node, body, scope, depth)
            case _:
                return self._leaf(node, head, scope)

    def _wrong_heads(self, node: MappingNode, heads: list[str]) -> None:
        if heads:
            self.form.report(f"a condition has one of {' and '.join(heads)}, not both", node.marks[heads[1]])
            return
        key = next(iter(node.items))
        advice = nearest(key, _HEADS) or f"A condition starts with one of {', '.join(_HEADS)}."
        self.form.report(f"unknown condition {key!r}", node.marks[key], advice)

    def _only(self, node: MappingNode, allowed: tuple[str, ...]) -> None:
        for key in node.items:
            if key not in allowed:
                self.form.report(
                    f"unknown key {key!r} beside {allowed[0]}", node.marks[key], nearest(key, allowed)
                )

    def _group(self, head: Any, body: Node, scope: tuple[str, ...], depth: int) -> Condition | None:
        if not isinstance(body, Sequence) or not body.items:
            self.form.report(f"{head} needs a list with at least one condition", body.mark)
            return None
        children = [self.parse(item, scope, depth + 1) for item in body.items]
        found = tuple(child for child in children if child)
        return Logic(head, found, body.mark) if len(found) == len(children) else None

    def _ref(self, body: Node) -> Condition | None:
        name = self.form.text(body, "ref")
        if not name:
            return None
        if name not in self.definitions:
            advice = nearest(name, self.definitions) or "Declare it under `definitions` in pack.yaml."
            self.form.report(f"unknown definition {name!r}", body.mark, advice, "SEM002")
            return None
        self.refs.add(name)
        condition = self.definitions.condition(name, body.mark)
        self.broken = self.broken or condition is None
        return Ref(name, condition, body.mark) if condition else None

    def _quantifier(self, head: Any, body: Node, scope: tuple[str, ...], depth: int) -> Condition | None:
        form = self.form.mapping(body, head, ("of", "as", "where", "whenEmpty"), ("of", "as", "where"))
        of = self._list(form.items.get("of"), scope)
        var = self._variable(form.items.get("as"), scope)
        empty: Any = None
        if "whenEmpty" in form.items:
            empty = self.form.choice(form.items["whenEmpty"], "whenEmpty", ("pass", "fail"), "") or None
        where = self.parse(form.items.get("where"), (*scope, var), depth + 1)
        return Quantifier(head, of, var, where, empty, body.mark) if of and var and where else None

    def _count(self, node: MappingNode, body: Node, scope: tuple[str, ...], depth: int) -> Condition | None:
        form = self.form.mapping(body, "count", ("of", "as", "where"), ("of",))
        of = self._list(form.items.get("of"), scope)
        var = self._variable(form.items["as"], scope) if "as" in form.items else ""
        where = None
        if "where" in form.items:
            if not var:
                self.form.report("count with `where` needs `as`", form.mark)
            where = self.parse(form.items["where"], (*scope, var), depth + 1)
            if where is None:
                return None
        allowed = (*sorted(ORDERED), "equals", "notEquals")
        operators = [key for key in node.items if key != "count"]
        if len(operators) != 1 or operators[0] not in allowed:
            wrong = next((key for key in operators if key not in allowed), "")
            advice = nearest(wrong, allowed) if wrong else ""
            self.form.report(
                f"count needs exactly one of {', '.join(allowed)}",
                node.marks.get(wrong, node.mark),
                advice,
                "SEM001",
            )
            return None
        operand = self._operand(node.items[operators[0]], scope)
        if operand is _BAD:
            return None
        if not isinstance(operand, (Param, Path)) and (
            kind(operand) != "number" or operand < 0 or operand != int(operand)
        ):
            self.form.report(
                "a count is compared with a whole number of at least 0",
                node.items[operators[0]].mark,
                "",
                "SEM005",
            )
            return None
        return Count(of, var, where, operators[0], operand, node.mark) if of else None

    def _variable(self, node: Node | None, scope: tuple[str, ...]) -> str:
        name = self.form.text(node, "as")
        if node is None or not name:
            return ""
        if not name.isidentifier() or not name.isascii():
            self.form.report(f"{name!r} is no variable name", node.mark, "Use letters and digits, without $.")
            return ""
        if name in scope:
            self.form.report(
                f"the variable {name!r} hides an outer one", node.mark, "Choose another name.", "SEM002"
            )
        self.variables.append(name)
        return name

    def _list(self, node: Node | None, scope: tuple[str, ...]) -> ListSource | None:
        if node is None:
            return None
        if isinstance(node, MappingNode):
            self.form.mapping(node, "of", ("param",), ("param",))
            return self._param(node.items["param"]) if "param" in node.items else None
        path = self._path(node, scope)
        if path is not None and not path.var and path.keys[0] == "related":
            if len(path.keys) != 2:
                self.form.report("a relation is written related.<name>", node.mark, "", "SEM002")
                return None
            return Related(path.keys[1])
        return path

    def _path(self, node: Node, scope: tuple[str, ...]) -> Path | None:
        text = self.form.text(node, "a path")
        if not text:
            return None
        path = parse_path(text)
        if isinstance(path, str):
            self.form.report(path, node.mark, "", "SEM007")
            return None
        if path.var and path.var not in scope:
            advice = nearest(path.var, scope) or ("No element variable is known here." if not scope else "")
            self.form.report(f"unknown element variable ${path.var}", node.mark, advice, "SEM002")
            return None
        return path

    def _param(self, node: Node) -> Param | None:
        name = self.form.text(node, "param")
        if not name:
            return None
        if name not in self.parameters:
            advice = nearest(name, self.parameters) or "Declare it under `parameters`."
            self.form.report(f"unknown parameter {name!r}", node.mark, advice, "SEM002")
            return None
        self.used.add(name)
        return Param(name)

    def _operand(self, node: Node, scope: tuple[str, ...]) -> Any:
        if isinstance(node, MappingNode):
            keys = set(node.items)
            if keys == {"param"}:
                return self._param(node.items["param"]) or _BAD
            if keys == {"fieldRef"}:
                return self._path(node.items["fieldRef"], scope) or _BAD
            self.form.report(
                "an operand is a literal, {param: name} or {fieldRef: path}", node.mark, "", "SEM005"
            )
            return _BAD
        value = plain(node)
        if isinstance(value, list):
            if any(isinstance(item, (list, dict)) for item in value):
                self.form.report("a list operand holds single values", node.mark, "", "SEM005")
                return _BAD
            return tuple(value)
        return value

    def _leaf(self, node: MappingNode, head: str, scope: tuple[str, ...]) -> Condition | None:
        subject: Path | Param | None
        extra: tuple[str, ...]
        spellings: tuple[str, ...]
        if head == "param":
            subject, spellings, extra = self._param(node.items[head]), PARAM_OPERATORS, ()
        else:
            subject, spellings, extra = (
                self._path(node.items[head], scope),
                SPELLINGS,
                ("default", "caseSensitive"),
            )
        operators = [key for key in node.items if key in spellings]
        known = (head, *spellings, *extra)
        strange = [key for key in node.items if key not in known]
        for key in strange:
            advice = nearest(key, known) or f"Operators: {', '.join(spellings)}."
            self.form.report(f"unknown operator or key {key!r}", node.marks[key], advice, "SEM001")
        if len(operators) != 1:
            if not strange:
                self.form.report(
                    f"a condition has exactly one operator, not {len(operators)}", node.mark, "", "SEM001"
                )
            return None
        spelling = operators[0]
        at = node.items[spelling]
        operand = self._operand(at, scope)
        if operand is _BAD or subject is None or strange:
            return None
        name = NEGATED.get(spelling, spelling)
        problem = operand_problem(name, operand, self.parameters)
        if problem:
            refused = name == "matches" and isinstance(operand, str)
            self.form.report(f"{spelling}: {problem}", at.mark, "", "LOG012" if refused else "SEM005")
            return None
        default = self._default(node.items.get("default"))
        sensitive = self.form.flag(node.items.get("caseSensitive"), "caseSensitive", fallback=False)
        leaf = Leaf(subject, name, operand, default, sensitive, node.mark)
        return Logic("not", (leaf,), node.mark) if spelling in NEGATED else leaf

    def _default(self, node: Node | None) -> Any:
        if node is None:
            return ABSENT
        value = plain(node)
        if value is None:
            self.form.report("a default of null is what ABSENT already is", node.mark, "Leave it out.")
            return ABSENT
        if isinstance(value, dict) or (isinstance(value, list) and value):
            self.form.report("a default is a single value or []", node.mark)
            return ABSENT
        return value


_BAD: Any = object()


def _negated(child: Condition, mark: Mark) -> Condition:
    """`not` of a condition; `not some` is `none`, so that each offending element gets its own finding."""
    if isinstance(child, Quantifier) and child.kind in ("some", "none"):
        return Quantifier(
            "none" if child.kind == "some" else "some",
            child.of,
            child.var,
            child.where,
            _flipped(child.when_empty),
            child.mark,
        )
    return Logic("not", (child,), mark)


def _flipped(when_empty: Any) -> Any:
    return {"pass": "fail", "fail": "pass"}.get(when_empty)


def negated(condition: Condition) -> Condition:
    """The check of a `failIf`: the condition must not hold."""
    return _negated(condition, condition.mark)
