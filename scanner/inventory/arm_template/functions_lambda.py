"""Template functions that call a lambda for each item.

Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-lambda
"""

from __future__ import annotations

from functools import cmp_to_key
from typing import TYPE_CHECKING, Any

from scanner.inventory.arm_template import checks
from scanner.inventory.arm_template.evaluation import MANY, Function, Lambda, derived, run
from scanner.inventory.arm_template.syntax import Literal, Node
from scanner.inventory.arm_template.values import Hole, distribute, fail, unknown_of
from scanner.model.values import Alternatives, Unknown

if TYPE_CHECKING:
    from scanner.inventory.arm_template.scope import Scope


def make(scope: Scope, nodes: list[Node]) -> Lambda:
    """`lambda('x', 'i', body)`."""
    names = [node.value if isinstance(node, Literal) else None for node in nodes[:-1]]
    return Lambda(tuple(checks.text(name).lower() for name in names), nodes[-1], scope)


def variable(scope: Scope, items: list[Any]) -> Any:
    """`lambdaVariables('x')`."""
    name = checks.text(items[0]).lower()
    return scope.lambdas[name] if name in scope.lambdas else fail(f"no lambda variable {name[:80]!r}")


def _over(name: str, work: Any) -> Any:
    """A function over a list and lambdas; of an unknown list the lambdas run once, so that what they use is seen."""

    def of(scope: Scope, nodes: list[Node]) -> Any:
        items = [run(node, scope) for node in nodes]
        if isinstance(items[0], Alternatives):
            return distribute(items, lambda chosen: apply(scope, chosen))
        return apply(scope, items)

    def apply(scope: Scope, items: list[Any]) -> Any:
        unknown = unknown_of(items[0])
        if unknown is not None:
            for item in items[1:]:
                if isinstance(item, Lambda):
                    item.call(*(Hole(unknown.reason, unknown.kind, "[item]") for _ in item.names))
            return derived(name, items, unknown)
        return work(scope, items)

    return of


def _function(value: Any) -> Lambda:
    return value if isinstance(value, Lambda) else fail("a lambda expected")


def _filter(_: Scope, items: list[Any]) -> Any:
    keep = _function(items[1])
    found = []
    for at, item in enumerate(checks.array(items[0])):
        wanted = keep.call(item, at)
        if isinstance(wanted, Alternatives):
            return Unknown(wanted.reason, "parameter")
        if unknown := unknown_of(wanted):
            return derived("filter", items[:1], unknown)
        if checks.boolean(wanted):
            found.append(item)
    return found


def _map(_: Scope, items: list[Any]) -> Any:
    change = _function(items[1])
    return [change.call(item, at) for at, item in enumerate(checks.array(items[0]))]


def _map_values(_: Scope, items: list[Any]) -> Any:
    change = _function(items[1])
    return {key: change.call(value) for key, value in checks.mapping(items[0]).items()}


def _reduce(_: Scope, items: list[Any]) -> Any:
    found, join = items[1], _function(items[2])
    for at, item in enumerate(checks.array(items[0])):
        found = join.call(found, item, at)
    return found


def _sort(_: Scope, items: list[Any]) -> Any:
    less = _function(items[1])

    def order(left: Any, right: Any) -> int:
        return -1 if checks.boolean(less.call(left, right)) else int(checks.boolean(less.call(right, left)))

    return sorted(checks.array(items[0]), key=cmp_to_key(order))


def _to_object(_: Scope, items: list[Any]) -> Any:
    name, value = _function(items[1]), _function(items[2]) if len(items) > 2 else None
    found = {}
    for at, item in enumerate(checks.array(items[0])):
        key = name.call(item, at)
        if unknown := unknown_of(key):
            return derived("toObject", items[:1], unknown)
        found[checks.text(key)] = value.call(item, at) if value else item
    return found


def _group_by(_: Scope, items: list[Any]) -> Any:
    name = _function(items[1])
    found: dict[str, list[Any]] = {}
    for at, item in enumerate(checks.array(items[0])):
        key = name.call(item, at)
        if unknown := unknown_of(key):
            return derived("groupBy", items[:1], unknown)
        found.setdefault(checks.text(key), []).append(item)
    return found


TABLE = {
    "lambda": Function(make, 1, MANY, lazy=True),
    "lambdavariables": Function(variable),
    "filter": Function(_over("filter", _filter), 2, 2, lazy=True),
    "map": Function(_over("map", _map), 2, 2, lazy=True),
    "mapvalues": Function(_over("mapValues", _map_values), 2, 2, lazy=True),
    "reduce": Function(_over("reduce", _reduce), 3, 3, lazy=True),
    "sort": Function(_over("sort", _sort), 2, 2, lazy=True),
    "toobject": Function(_over("toObject", _to_object), 2, 3, lazy=True),
    "groupby": Function(_over("groupBy", _group_by), 2, 2, lazy=True),
}
