"""Template functions that decide and calculate; `if`, `and`, `or` and `coalesce` run only what they need.

Sources: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-logical, ...-comparison, ...-numeric
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scanner.inventory.arm_template import checks
from scanner.inventory.arm_template.evaluation import MANY, Function, derived, run
from scanner.inventory.arm_template.syntax import Node
from scanner.inventory.arm_template.values import (
    ExpressionError,
    Hole,
    Mixed,
    alternatives,
    distribute,
    fail,
    first_unknown,
    same,
    unknown_of,
)
from scanner.model.values import Alternatives, Unknown

if TYPE_CHECKING:
    from scanner.inventory.arm_template.scope import Scope

_INTEGERS = 2**63


def choose(scope: Scope, nodes: list[Node]) -> Any:
    """`if`: one branch, or both as alternatives where the condition is not known."""
    condition = run(nodes[0], scope)
    if isinstance(condition, Alternatives):
        return distribute([condition], lambda chosen: _branch(scope, nodes, chosen[0]))
    unknown = unknown_of(condition)
    if unknown is None:
        return _branch(scope, nodes, condition)
    cause = f"if {condition.text}" if isinstance(condition, Hole) else f"if {unknown.reason}"
    found = [_safe(scope, nodes[1]), _safe(scope, nodes[2])]
    if any(isinstance(item, Unknown) and item.kind == "error" for item in found):
        return Unknown(unknown.reason, unknown.kind)
    return alternatives(found, unknown.reason, cause)


def _branch(scope: Scope, nodes: list[Node], condition: Any) -> Any:
    if unknown := unknown_of(condition):
        return Unknown(unknown.reason, unknown.kind)
    if isinstance(condition, str) and condition.lower() in ("true", "false"):
        condition = condition.lower() == "true"
    return run(nodes[1 if checks.boolean(condition) else 2], scope)


def _safe(scope: Scope, node: Node) -> Any:
    """The value of a branch that may not be taken; what is wrong in it is no news."""
    try:
        return run(node, scope)
    except ExpressionError as error:
        return Unknown(str(error), "error")


def _decide(stop: bool) -> Any:
    """`and` (stops at false) and `or` (stops at true): an unknown part does not matter once another one decides."""

    def of(scope: Scope, nodes: list[Node]) -> Any:
        open_ones: list[Any] = []
        for node in nodes:
            value = run(node, scope) if not open_ones else _safe(scope, node)
            if isinstance(value, Alternatives) or unknown_of(value):
                open_ones.append(value)
            elif checks.boolean(value) is stop:
                return stop
        return _combined(open_ones, stop) if open_ones else not stop

    return of


def _combined(values: list[Any], stop: bool) -> Any:
    if any(isinstance(value, Alternatives) for value in values):
        return distribute(values, lambda chosen: _combined(chosen, stop))
    if any(value is stop for value in values):
        return stop
    unknown = next((value for value in values if unknown_of(value)), None)
    if unknown is None:
        return not stop
    return derived("or" if stop else "and", values, unknown_of(unknown) or fail(""))


def coalesce(scope: Scope, nodes: list[Node]) -> Any:
    """The first value that is not null."""
    for at, node in enumerate(nodes):
        value = run(node, scope)
        if isinstance(value, Alternatives):
            rest = nodes[at + 1 :]
            return distribute(
                [value],
                lambda chosen: chosen[0] if chosen[0] is not None or not rest else coalesce(scope, rest),  # noqa: B023
            )
        if value is not None:
            return value
    return None


def negate(_: Scope, items: list[Any]) -> bool:
    """`not`."""
    return not checks.boolean(items[0])


def equal(_: Scope, items: list[Any]) -> Any:
    """Whether two values are the same; unknown ones are where they are the same unknown thing."""
    left, right = items
    if same(left, right):
        fresh = any(isinstance(item, Hole) and item.kind == "runtime" for item in (left, right))
        return derived("equals", items, left) if fresh else True
    if isinstance(left, Mixed) or isinstance(right, Mixed):
        known, text = (left, right) if isinstance(left, Mixed) else (right, left)
        if isinstance(text, str) and not _could_be(known, text):
            return False
        if text is None or isinstance(text, (bool, int, float, dict, list)):
            return False
    unknown = first_unknown(left) or first_unknown(right)
    if unknown is None:
        return False
    return derived("equals", items, unknown)


def _could_be(value: Mixed, text: str) -> bool:
    """Whether a partly known text may be this one."""
    head, tail = value.parts[0], value.parts[-1]
    if isinstance(head, str) and not text.startswith(head):
        return False
    if isinstance(tail, str) and not text.endswith(tail):
        return False
    return sum(len(part) for part in value.parts if isinstance(part, str)) <= len(text)


def _compared(decide: Any) -> Any:
    def of(_: Scope, items: list[Any]) -> bool:
        left, right = items
        if isinstance(left, str) and isinstance(right, str):
            return bool(decide(left, right))
        return bool(decide(_number(left), _number(right)))

    return of


def _number(value: Any) -> float:
    return value if isinstance(value, float) else checks.whole(value)


def _bounded(value: float) -> float:
    return value if -_INTEGERS <= value < _INTEGERS else fail("a number beyond 64 bits")


def divide(_: Scope, items: list[Any]) -> int:
    """Whole division, towards zero."""
    left, right = (checks.whole(item) for item in items)
    if right == 0:
        fail("a division by zero")
    return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)


def modulo(scope: Scope, items: list[Any]) -> int:
    """What is left over, with the sign of the dividend."""
    left, right = (checks.whole(item) for item in items)
    return left - divide(scope, [left, right]) * right


def to_int(_: Scope, items: list[Any]) -> int:
    """A number of a text."""
    value = items[0]
    if isinstance(value, str):
        stripped = value.strip()
        digits = stripped.removeprefix("-").removeprefix("+")
        return (
            int(_bounded(int(stripped)))
            if digits.isascii() and digits.isdigit() and len(digits) < 20
            else fail("no whole number")
        )
    return int(value) if isinstance(value, float) and abs(value) < _INTEGERS else checks.whole(value)


def to_float(_: Scope, items: list[Any]) -> float:
    """A floating number."""
    value = items[0]
    try:
        return float(value) if isinstance(value, str) and len(value) < 400 else float(_number(value))
    except (ValueError, OverflowError):
        return fail("no number")


def to_bool(_: Scope, items: list[Any]) -> bool:
    """A truth value of a text or number."""
    value = items[0]
    if isinstance(value, str):
        found = {"true": True, "1": True, "false": False, "0": False}.get(value.strip().lower())
        return fail("neither true nor false") if found is None else found
    return value if isinstance(value, bool) else checks.whole(value) != 0


def _extreme(pick: Any) -> Any:
    def of(_: Scope, items: list[Any]) -> Any:
        given = items[0] if len(items) == 1 and isinstance(items[0], list) else items
        unknown = first_unknown(given)
        if unknown:
            return derived("min" if pick is min else "max", items, unknown)
        return pick(_number(item) for item in given) if given else fail("nothing to choose from")

    return of


TABLE = {
    "if": Function(choose, 3, 3, lazy=True),
    "and": Function(_decide(stop=False), 1, MANY, lazy=True),
    "or": Function(_decide(stop=True), 1, MANY, lazy=True),
    "coalesce": Function(coalesce, 1, MANY, lazy=True),
    "not": Function(negate),
    "true": Function(lambda _, __: True, 0, 0),
    "false": Function(lambda _, __: False, 0, 0),
    "null": Function(lambda _, __: None, 0, 0),
    "bool": Function(to_bool),
    "equals": Function(equal, 2, 2, aware=True),
    "less": Function(_compared(lambda left, right: left < right), 2, 2),
    "lessorequals": Function(_compared(lambda left, right: left <= right), 2, 2),
    "greater": Function(_compared(lambda left, right: left > right), 2, 2),
    "greaterorequals": Function(_compared(lambda left, right: left >= right), 2, 2),
    "add": Function(lambda _, items: _bounded(checks.whole(items[0]) + checks.whole(items[1])), 2, 2),
    "sub": Function(lambda _, items: _bounded(checks.whole(items[0]) - checks.whole(items[1])), 2, 2),
    "mul": Function(lambda _, items: _bounded(checks.whole(items[0]) * checks.whole(items[1])), 2, 2),
    "div": Function(divide, 2, 2),
    "mod": Function(modulo, 2, 2),
    "int": Function(to_int),
    "float": Function(to_float),
    "min": Function(_extreme(min), 1, MANY),
    "max": Function(_extreme(max), 1, MANY),
    "minint": Function(lambda _, __: -_INTEGERS, 0, 0),
    "maxint": Function(lambda _, __: _INTEGERS - 1, 0, 0),
}
