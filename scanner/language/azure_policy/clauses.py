"""Conditions: the nodes of `if` and `existenceCondition` come in, clauses come out; every mistake at its place.

Operators and keys are known in any casing (`anyof`, `notequals`, `Like` occur in Microsoft's own definitions).
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from scanner import types
from scanner.engine.azure.aliases import EACH, resolve
from scanner.engine.azure.values import OPERATORS, pattern_problem, truthy
from scanner.language.azure_policy.expressions import ExpressionProblem, calls, parse_text
from scanner.language.form import Form, named
from scanner.model.azure import Call, Clause, Field, FieldCount, Group, Template, Test, Value, ValueCount
from scanner.model.condition import Mark
from scanner.text import Mapping as MappingNode
from scanner.text import Node, Scalar, Sequence, nearest

MAX_CONDITIONS = 4096
MAX_DEPTH = 100
HEADS = ("allOf", "anyOf", "not", "field", "value", "count")
_OPERATORS = {name.lower(): name for name in OPERATORS}
_HEADS = {name.lower(): name for name in HEADS}
UNSUPPORTED, UNKNOWN_NAME, UNKNOWN_ALIAS = "SCH001", "SEM002", "SEM007"
"""The lint check of a problem: a construct that is not supported (or wrong), a parameter or an alias that nobody knows."""


@dataclass(slots=True)
class Reading:
    """What the conditions of one definition are read with, and what was noticed.

    `parameters`: declared names; `table`: paths of aliases by lower-case name; `notes`: things to know that change no
    verdict, by place; `construct`: the construct that each error is about, in the order of `form.errors`.
    """

    form: Form
    parameters: Collection[str]
    table: Mapping[str, str]
    notes: list[tuple[Mark, str]] = field(default_factory=list)
    constructs: list[str] = field(default_factory=list)
    conditions: int = 0
    checking: bool = True
    """False: aliases are not looked up (a first look at what a condition is about)."""

    def report(
        self, what: str, mark: Mark, construct: str, advice: str = "", code: str = UNSUPPORTED
    ) -> None:
        """Keep an error with the construct it is about."""
        self.form.report(what, mark, advice, code)
        self.constructs.append(construct)

    def template(self, node: Node, *, counting: bool) -> Template:
        """The template of a node; lists and objects may hold expressions anywhere."""
        if isinstance(node, Scalar):
            return self._text(node, counting=counting) if isinstance(node.value, str) else node.value
        if isinstance(node, Sequence):
            items = tuple(self.template(item, counting=counting) for item in node.items)
            return Call("createarray", items) if any(map(_computed, items)) else items
        parts: list[Template] = []
        for key, item in node.items.items():
            parts += [key, self.template(item, counting=counting)]
        return Call("createobject", tuple(parts))

    def _text(self, node: Scalar, *, counting: bool) -> Template:
        try:
            found = parse_text(node.value)
        except ExpressionProblem as problem:
            self.report(problem.what, node.mark, problem.construct)
            return ""
        for call in calls(found):
            name = call.arguments[0] if call.arguments else None
            if call.name == "parameters" and isinstance(name, str):
                known = {one.lower(): one for one in self.parameters}
                if name.lower() not in known:
                    advice = nearest(name, self.parameters) or "Declare it under `parameters`."
                    self.report(
                        f"unknown parameter {name!r}", node.mark, "parameters()", advice, UNKNOWN_NAME
                    )
            elif call.name == "current" and not counting:
                self.report("current() stands outside a count", node.mark, "current()")
        return found


def _computed(template: Template) -> bool:
    return bool(calls(template)) or not isinstance(template, (str, int, float, bool, tuple, type(None)))


class ClauseParser:
    """Reads conditions on a resource of type `target`; `owner`: the type that `field()` reads."""

    def __init__(self, reading: Reading, target: str, owner: str) -> None:
        self.reading = reading
        self.target = target
        self.owner = owner

    def parse(self, node: Node | None, *, counting: bool = False, depth: int = 0) -> Clause | None:
        """The clause, or None when it could not be read (the errors are in the form)."""
        report = self.reading.report
        if not isinstance(node, MappingNode) or not node.items:
            if node is not None:
                report(f"a condition must be an object, not {named(node)}", node.mark, "condition")
            return None
        self.reading.conditions += 1
        if self.reading.conditions > MAX_CONDITIONS or depth > MAX_DEPTH:
            report(f"more than {MAX_CONDITIONS} conditions, or {MAX_DEPTH} levels", node.mark, "condition")
            return None
        keys = self._keys(node)
        if keys is None:
            return None
        heads = [name for name in keys if name in HEADS]
        if len(heads) != 1:
            first = next(iter(node.items))
            advice = nearest(first, (*HEADS, *OPERATORS)) or f"A condition has one of {', '.join(HEADS)}."
            what = (
                f"a condition has one of {' and '.join(heads)}" if heads else f"unknown condition {first!r}"
            )
            report(what, node.marks.get(first, node.mark), first, advice)
            return None
        head, body = heads[0], keys[heads[0]]
        if head in ("allOf", "anyOf", "not"):
            return self._group(head, body, keys, node, counting=counting, depth=depth)
        operators = [name for name in keys if name in OPERATORS]
        if len(operators) != 1 or len(keys) != 2:
            report(f"a condition on {head} has exactly one operator", node.mark, head)
            return None
        return self._test(head, body, operators[0], keys[operators[0]], node.mark, counting, depth)

    def _keys(self, node: MappingNode) -> dict[str, Node] | None:
        """The values by the documented spelling of their keys."""
        found: dict[str, Node] = {}
        for key, item in node.items.items():
            name = _HEADS.get(key.lower()) or _OPERATORS.get(key.lower())
            if name is None or name in found:
                what = f"{key!r} stands twice" if name else f"unknown operator or key {key!r}"
                advice = nearest(key, (*HEADS, *OPERATORS))
                if key.lower() == "source":
                    advice = 'Azure dropped "source": "action"; test the field type instead.'
                self.reading.report(what, node.marks[key], key, advice)
                return None
            found[name] = item
        return found

    def _group(
        self, head: str, body: Node, keys: dict[str, Node], node: MappingNode, *, counting: bool, depth: int
    ) -> Clause | None:
        report = self.reading.report
        if len(keys) != 1:
            report(f"nothing stands beside {head}", node.mark, head)
            return None
        kind = cast("Literal['allOf', 'anyOf', 'not']", head)
        if head == "not":
            child = self.parse(body, counting=counting, depth=depth + 1)
            return Group(kind, (child,), node.mark) if child else None
        if not isinstance(body, Sequence):
            report(f"{head} needs a list of conditions, not {named(body)}", body.mark, head)
            return None
        if not body.items:
            report(f"{head} is empty", body.mark, head)
            return None
        children = [self.parse(item, counting=counting, depth=depth + 1) for item in body.items]
        found = tuple(child for child in children if child)
        return Group(kind, found, node.mark) if len(found) == len(children) else None

    def _test(
        self, head: str, body: Node, operator: str, at: Node, mark: Mark, counting: bool, depth: int
    ) -> Clause | None:
        errors = len(self.reading.form.errors)
        subject: Field | Value | FieldCount | ValueCount | None
        if head == "field":
            subject = Field(self._field(body, counting=counting))
        elif head == "value":
            subject = Value(self.reading.template(body, counting=counting))
        else:
            subject = self._count(body, counting=counting, depth=depth)
        operand = self.reading.template(at, counting=counting)
        problem = operand_problem(operator, operand)
        if problem:
            self.reading.report(f"{operator}: {problem}", at.mark, operator)
        if subject is None or len(self.reading.form.errors) > errors:
            return None
        return Test(subject, operator, operand, mark)

    def _field(self, body: Node, *, counting: bool) -> Template:
        if not isinstance(body, Scalar) or not isinstance(body.value, str) or not body.value:
            self.reading.report(f"a field is named by text, not {named(body)}", body.mark, "field")
            return ""
        template = self.reading.template(body, counting=counting)
        if isinstance(template, str):
            self.alias(template, body.mark, counting=counting)
        return template

    def alias(self, text: str, mark: Mark, *, counting: bool) -> None:
        """Report an alias that leads nowhere; note one whose path is only worked out, or of another type."""
        if not self.reading.checking:
            return
        table = self.reading.table
        found = resolve(text, self.target, table)
        if isinstance(found, str):
            self.reading.report(found, mark, text, suggestion(text, self.target), UNKNOWN_ALIAS)
        elif found.guessed:
            self.reading.notes.append(
                (mark, f"the path of {text} is worked out from its form: {self.target} has no facts")
            )
        elif found.foreign:
            self.reading.notes.append((mark, f"{text} belongs to another type than {self.target}: not set"))
        elif found.many and not counting:
            self.reading.notes.append(
                (
                    mark,
                    f"{text}: a list that is not set does not hold (Microsoft's pages can be read otherwise)",
                )
            )

    def _count(self, body: Node, *, counting: bool, depth: int) -> FieldCount | ValueCount | None:
        report = self.reading.report
        if not isinstance(body, MappingNode):
            report(f"count needs an object, not {named(body)}", body.mark, "count")
            return None
        keys: dict[str, Node] = {}
        for key, item in body.items.items():
            lowered = key.lower()
            if lowered not in ("field", "value", "name", "where"):
                advice = (
                    "The operator stands beside `count`, not in it."
                    if lowered in _OPERATORS
                    else nearest(key, ("field", "value", "name", "where"))
                )
                report(f"unknown key {key!r} in count", body.marks[key], f"count.{key}", advice)
                return None
            keys[lowered] = item
        if ("field" in keys) == ("value" in keys):
            report("a count has one of field and value", body.mark, "count")
            return None
        where = None
        if "where" in keys:
            where = self.parse(keys["where"], counting=True, depth=depth + 1)
            if where is None:
                return None
        if "value" in keys:
            name = keys.get("name")
            text = name.value if isinstance(name, Scalar) else "default"
            if not isinstance(text, str) or not text.isalnum():
                report("the name of a count holds letters and digits", (name or body).mark, "count.name")
                return None
            return ValueCount(self.reading.template(keys["value"], counting=counting), text, where)
        given = keys["field"]
        alias = given.value if isinstance(given, Scalar) else None
        if not isinstance(alias, str) or EACH not in alias or alias.startswith("["):
            report("count.field names an array alias with [*]", given.mark, "count.field")
            return None
        errors = len(self.reading.form.errors)
        self.alias(alias, given.mark, counting=True)  # a list that is not set counts 0; nobody disputes that
        return FieldCount(alias, where) if len(self.reading.form.errors) == errors else None


def operand_problem(operator: str, operand: Template) -> str:
    """Why an operand that is written out cannot fit an operator, or ""."""
    if isinstance(operand, Call) or _computed(operand):
        return ""
    positive = operator.removeprefix("not").lower()
    if operator == "exists":
        return "" if truthy(operand) is not None else "needs true or false"
    if positive == "in":
        return "" if isinstance(operand, tuple) else "needs a list"
    if positive == "like":
        return pattern_problem(operand)
    if isinstance(operand, tuple) and positive != "equals":
        return "takes a single value, not a list"
    return ""


def suggestion(text: str, target: str) -> str:
    """A did-you-mean for an alias of a type with facts."""
    facts = types.facts_for(target)
    if facts is None:
        return ""
    rest = text[len(target) + 1 :].lower()
    known = {_rest(path).lower(): _rest(path) for path in facts.facts}
    close = difflib.get_close_matches(rest, list(known), n=1, cutoff=0.6)
    return f'Did you mean "{facts.type}/{known[close[0]]}"?' if close else ""


def _rest(path: str) -> str:
    return path.replace("[]", EACH).removeprefix("properties.").replace(".properties.", ".")


def constant(template: Template, defaults: Mapping[str, Any]) -> Any:
    """A template's value where it is a literal or a parameter with a known value; None otherwise."""
    if isinstance(template, Call):
        name = template.arguments[0] if template.arguments else None
        if template.name == "parameters" and isinstance(name, str):
            return next((value for key, value in defaults.items() if key.lower() == name.lower()), None)
        return None
    return None if _computed(template) else template
