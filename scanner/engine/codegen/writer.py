"""Conditions to Python text: a condition and a frame come in, an expression comes out; constants are kept apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scanner.engine import paths
from scanner.engine.codegen.frame import Frame
from scanner.engine.codegen.runtime import absent_truth
from scanner.engine.operators import Options
from scanner.engine.operators.compare import folded
from scanner.engine.operators.row import kind
from scanner.model.azure import Policy
from scanner.model.condition import Condition, Count, Leaf, Logic, Param, Path, Quantifier, Ref, Related
from scanner.model.values import ABSENT

_INLINE = frozenset({"equals", "in", "less", "lessOrEquals", "greater", "greaterOrEquals", "exists"})
_SIGNS = {
    "less": "<",
    "lessOrEquals": "<=",
    "greater": ">",
    "greaterOrEquals": ">=",
    "equals": "==",
    "notEquals": "!=",
}


class Writer:
    """Collects constants, prepared operands, functions and definitions, and hands out names."""

    def __init__(self, relations: Mapping[str, str]) -> None:
        self.relations = relations
        self.constants: list[Any] = []
        self.prepared: list[str] = []
        self.functions: list[str] = []
        self.definition_lines: list[str] = []
        self.rule = ""
        self._names: dict[Any, str] = {}
        self._number = 0
        self._definitions: dict[str, str] = {}

    def fresh(self, letter: str) -> str:
        """A name that was not used before."""
        self._number += 1
        return f"{letter}{self._number}"

    def constant(self, value: Any) -> str:
        """The name of a constant; equal ones of one type share it."""
        key = (type(value), value, repr(value) if isinstance(value, tuple) else "")
        if key not in self._names:
            name = f"k{len(self.constants)}"
            self._names[key] = name
            self.prepared.append(f"{name} = C[{len(self.constants)}]")
            self.constants.append(value)
        return self._names[key]

    def prepare(self, expression: str) -> str:
        """The name of something that is worked out once per build."""
        name = self.fresh("p")
        self.prepared.append(f"{name} = {expression}  # {self.rule}")
        return name

    def parameter(self, param: Param) -> str:
        """Text that reads a parameter's value at build time."""
        return f"P[{self.constant(self.rule)}].get({self.constant(param.name)})"

    def expression(self, condition: Condition, frame: Frame) -> str:
        """Text that is True or False, or raises Odd."""
        match condition:
            case Leaf():
                return self._leaf(condition, frame)
            case Logic(kind="not"):
                return f"(not {self.expression(condition.children[0], frame)})"
            case Logic():
                word = " and " if condition.kind == "allOf" else " or "
                return "(" + word.join(self.expression(child, frame) for child in condition.children) + ")"
            case Ref():
                return self._reference(condition, frame)
            case Quantifier():
                return self._quantifier(condition, frame)
            case Count():
                return self._count(condition, frame)
            case Policy():
                return "odd()"

    def _reference(self, ref: Ref, frame: Frame) -> str:
        """Definitions see the target only, so each is worked out once per resource, before the rules.

        One that reads parameters is written out instead: a rule may see other values than its neighbour.
        """
        top = frame.top()
        if reads_parameters(ref.condition):
            return self.expression(ref.condition, frame)
        name = self._definitions.get(ref.name)
        if name is None:
            text = self.expression(ref.condition, top)
            name = self._definitions[ref.name] = self.fresh("d")
            self.definition_lines += ["try:", f"    {name} = {text}", "except Odd:", f"    {name} = None"]
        return f"sure({frame.take(name, top)})"

    def _leaf(self, leaf: Leaf, frame: Frame) -> str:
        operand = leaf.operand
        if isinstance(leaf.subject, Param):
            value = self._operand(operand)
            name = self.prepare(
                f"param_truth({self.constant(leaf.operator)}, {self.parameter(leaf.subject)}, {value}, now)"
            )
            return f"sure({name})"
        owner = frame.owner(leaf.subject.var)
        location = paths.plan(owner.variable, leaf.subject.keys).location
        local = frame.local(leaf.subject)
        if isinstance(operand, Path):
            tester = f"pair_tester({self.constant(leaf.operator)}, {self._rest(leaf, location)})"
            return f"{self.prepare(tester)}({local}, {frame.local(operand)})"
        strings_only = leaf.operator != "in" or isinstance(operand, Param) or _all_strings(operand)
        if isinstance(operand, Param) or location or leaf.operator not in _INLINE or not strings_only:
            value = self._operand(operand)
            tester = f"tester({self.constant(leaf.operator)}, {value}, {self._rest(leaf, location)})"
            return f"{self.prepare(tester)}({local})"
        return self._inline(leaf, local)

    def _operand(self, operand: Any) -> str:
        return (
            f"declared({self.parameter(operand)})" if isinstance(operand, Param) else self.constant(operand)
        )

    def _rest(self, leaf: Leaf, location: bool) -> str:
        default = "None" if leaf.default is ABSENT else self.constant(_hashable(leaf.default))
        return f"{default}, now, {leaf.case_sensitive}, {location}"

    def _inline(self, leaf: Leaf, v: str) -> str:
        """The frequent operators on literals, written out."""
        options = Options(0.0, leaf.case_sensitive)
        operand = leaf.operand
        other = f"odd_or({v}, {absent_truth(leaf.operator, operand, leaf.default, options)})"
        if leaf.operator == "exists":
            return f"({operand is True} if {v}.__class__ in JSON else {other})"
        if leaf.operator == "in":
            texts = self.constant(frozenset(folded(item, options) for item in operand if item is not None))
            found = v if leaf.case_sensitive else f"{v}.casefold()"
            return f"({found} in {texts} if {v}.__class__ is str else {other})"
        if leaf.operator == "equals":
            match kind(operand):
                case "string":
                    text = self.constant(folded(operand, options))
                    test = f"{v} == {text}" if leaf.case_sensitive else f"{v}.casefold() == {text}"
                    return f"({test} if {v}.__class__ is str else {other})"
                case "boolean":
                    return f"({v} is {operand is True} if {v}.__class__ is bool else {other})"
                case "null":
                    return f"(False if {v}.__class__ in JSON else {other})"
        return (
            f"({v} {_SIGNS[leaf.operator]} {self.constant(operand)} if {v}.__class__ in NUMBERS else {other})"
        )

    def _items(self, condition: Quantifier | Count, frame: Frame) -> tuple[str, paths.Variable]:
        """Text for the list to go through, and what is known of its elements."""
        of = condition.of
        if isinstance(of, Related):
            relations = frame.take("R", frame.top())
            return f"rows({relations}({self.constant(of.name)}))", paths.element_of({}, of, self.relations)
        if isinstance(of, Param):
            return f"rows({self.prepare(f'param_list({self.parameter(of)})')})", paths.Variable("", "")
        variable = paths.element_of(frame.variables(), of, self.relations)
        return f"{'pairs' if variable.map else 'rows'}({frame.local(of)})", variable

    def _loop(
        self, condition: Quantifier | Count, frame: Frame, before: list[str], hit: str, after: str
    ) -> str:
        """Write the function of a quantifier or count; returns the text of its call.

        `hit` is what happens for an element for which `where` holds (`{where}` stands for it), `after` the last line.
        """
        items, variable = self._items(condition, frame)
        inner = Frame(self, condition.var or self.fresh("w"), variable, frame, self.fresh("b"))
        if variable.related:
            inner.missing = self.fresh("m")
        elif isinstance(condition.of, Path):
            owner = frame.owner(condition.of.var)
            inner.missing, inner.missing_owner = owner.missing, owner.missing_owner
        where = self.expression(condition.where, inner) if condition.where is not None else "True"
        body = [*before, "for e in items:", "    if e.__class__ in MARKS:", "        odd()"]
        root = inner.tree.name
        body.append(
            f"    {root} = e.body if e.__class__ is Resource else e"
            if variable.related
            else f"    {root} = e"
        )
        missing = inner.take_missing() if inner.suspicious() else inner.missing
        if variable.related and inner.missing_used:
            body.append(f"    {missing} = absences(e)")
        body += ["    " + line for line in inner.loads(missing)]
        body += ["    " + line for line in hit.format(where=where).splitlines()]
        body.append(after)
        name = self.fresh("q")
        self.functions.append(f"def {name}({', '.join(['items', *inner.given])}):  # {self.rule}")
        self.functions += ["    " + line for line in body]
        return f"{name}({', '.join([items, *inner.given])})"

    def _quantifier(self, condition: Quantifier, frame: Frame) -> str:
        if condition.kind == "every":
            empty = condition.when_empty != "fail"
            before = [] if empty else ["if not items:", "    return False"]
            return self._loop(condition, frame, before, "if not {where}:\n    return False", "return True")
        holds = condition.when_empty == "pass" if condition.when_empty else condition.kind == "none"
        found_when_empty = holds != (condition.kind == "none")
        before = ["if not items:", "    return True"] if found_when_empty else []
        call = self._loop(condition, frame, before, "if {where}:\n    return True", "return False")
        return f"(not {call})" if condition.kind == "none" else call

    def _count(self, condition: Count, frame: Frame) -> str:
        operand = condition.operand
        if isinstance(operand, Path):
            bound = f"number({frame.local(operand)})"
        else:
            value = self.parameter(operand) if isinstance(operand, Param) else self.constant(operand)
            bound = self.prepare(f"number_or_none({value})") if isinstance(operand, Param) else value
            bound = f"sure({bound})" if isinstance(operand, Param) else bound
        call = self._loop(condition, frame, ["n = 0"], "if {where}:\n    n += 1", "return n")
        return f"({call} {_SIGNS[condition.operator]} {bound})"


def reads_parameters(condition: Condition) -> bool:
    """Whether a condition's answer depends on parameters."""
    match condition:
        case Leaf():
            return isinstance(condition.subject, Param) or isinstance(condition.operand, Param)
        case Logic():
            return any(reads_parameters(child) for child in condition.children)
        case Ref():
            return reads_parameters(condition.condition)
        case Quantifier() | Count():
            inner = condition.where is not None and reads_parameters(condition.where)
            bound = isinstance(condition, Count) and isinstance(condition.operand, Param)
            return inner or bound or isinstance(condition.of, Param)
        case Policy():
            return True


def _all_strings(operand: Any) -> bool:
    return (
        bool(operand)
        and all(isinstance(item, str) or item is None for item in operand)
        and any(isinstance(item, str) for item in operand)
    )


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
