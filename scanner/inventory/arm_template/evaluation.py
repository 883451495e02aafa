"""Running expressions: a node and a scope come in, a value (`values`) comes out; what cannot be worked out is Unknown.

Nothing raises out of `evaluate`: a wrong call makes that one value Unknown(error), an unsupported function Unknown(function).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from scanner.inventory.arm_template.syntax import Call, Literal, Member, Node, is_expression, parse, unescaped
from scanner.inventory.arm_template.values import (
    MAX_ITEMS,
    SAFE,
    ExpressionError,
    Hole,
    LimitError,
    Mixed,
    Open,
    distribute,
    first_unknown,
    lookup,
    unknown_of,
)
from scanner.model.values import ABSENT, Alternatives, Unknown

if TYPE_CHECKING:
    from scanner.inventory.arm_template.scope import Scope

MAX_STEPS = 200_000
MAX_ALL_STEPS = 2_000_000
"""Calls within one text of a template, and within all of them."""
MANY = 10_000
"""Arguments without a limit of their own."""


@dataclass(frozen=True, slots=True)
class Function:
    """A template function. `lazy`: gets nodes instead of values; `aware`: can use unknown values (alternatives never reach it)."""

    work: Callable[[Scope, list[Any]], Any]
    least: int = 1
    most: int = 1
    lazy: bool = False
    aware: bool = False


@dataclass(frozen=True, slots=True)
class Lambda:
    """A function value: `lambda('x', body)` in its scope."""

    names: tuple[str, ...]
    body: Node
    scope: Scope

    def call(self, *arguments: Any) -> Any:
        """The value of the body with its variables set; surplus arguments are left out."""
        self.scope.run.budget.spend()
        held = self.scope.lambdas
        self.scope.lambdas = {**held, **dict(zip(self.names, arguments, strict=False))}
        try:
            return run(self.body, self.scope)
        finally:
            self.scope.lambdas = held


class Budget:
    """What one evaluation of a file may still do: `steps` within the text being worked out, `all_steps` in the whole."""

    __slots__ = ("all_steps", "inside", "steps")

    def __init__(self) -> None:
        self.steps = MAX_STEPS
        self.all_steps = MAX_ALL_STEPS
        self.inside = False

    def round(self) -> None:
        """Take one round of a loop. Raises `LimitError` when there is none left."""
        self.all_steps -= 1
        if self.all_steps < 0:
            raise LimitError(f"loops and expressions that need more than {MAX_ALL_STEPS:,} steps")

    def spend(self) -> None:
        """Take one step. Raises `LimitError` when there is none left."""
        self.steps -= 1
        if self.steps < 0:
            raise LimitError(f"an expression that needs more than {MAX_STEPS:,} steps")


def evaluate(raw: Any, scope: Scope) -> Any:
    """The value of a raw JSON value of a template: expressions anywhere inside are run, `copy` in objects is expanded."""
    if isinstance(raw, str):
        return evaluate_text(raw, scope)
    if isinstance(raw, dict):
        return _object(raw, scope)
    if isinstance(raw, list):
        held = scope.at
        found = []
        for at, item in enumerate(raw):
            scope.at = (*held, str(at))
            found.append(evaluate(item, scope))
        scope.at = held
        return found
    return raw


def evaluate_text(raw: str, scope: Scope) -> Any:
    """The value of a text of a template."""
    if not is_expression(raw):
        return unescaped(raw)
    budget = scope.run.budget
    outermost, budget.inside = not budget.inside, True
    if outermost:
        budget.steps = given = min(MAX_STEPS, budget.all_steps)
    try:
        return run(parse(raw), scope)
    except LimitError as error:
        if not outermost:
            raise
        return Unknown(str(error), "limit")
    except ExpressionError as error:
        return scope.wrong(str(error))
    except RecursionError:
        if not outermost:
            raise
        return Unknown("the expressions refer to each other too deeply", "limit")
    finally:
        if outermost:
            budget.inside = False
            budget.all_steps -= given - budget.steps


def _object(raw: dict[str, Any], scope: Scope) -> Any:
    held = scope.at
    found: dict[str, Any] = {}
    for key, item in raw.items():
        scope.at = (*held, key)
        if key.lower() == "copy" and loops(item):
            for at, loop in enumerate(item):
                scope.at = (*held, key, str(at))
                found[str(loop["name"])] = looped(loop, scope)
            continue
        name = evaluate_text(key, scope) if key.startswith("[") else key
        if not isinstance(name, str):
            name = scope.key_of(name)
        found[name] = evaluate(item, scope)
    scope.at = held
    return found


def loops(items: Any) -> bool:
    """Whether the value of a key `copy` is a list of property or variable loops."""
    return (
        isinstance(items, list)
        and bool(items)
        and all(
            isinstance(item, dict)
            and isinstance(item.get("name"), str)
            and "count" in item
            and "input" in item
            for item in items
        )
    )


def looped(loop: dict[str, Any], scope: Scope) -> Any:
    """The list of a property, variable or output loop `{name, count, input}`; Unknown where the count is."""
    return rounds(loop, scope, lambda _: evaluate(loop["input"], scope))


def rounds(loop: dict[str, Any], scope: Scope, work: Callable[[int], Any]) -> Any:
    """Run a loop; `work` does one round at the current place."""
    with scope.framed((*scope.at, "count"), scope.copies, scope.lambdas):
        count = evaluate(loop["count"], scope)
    name = loop["name"].lower()
    if isinstance(count, Alternatives):
        return Unknown(count.reason, "parameter")
    unknown = unknown_of(count)
    if unknown is not None:
        return Unknown(unknown.reason, unknown.kind)
    if isinstance(count, float) and count.is_integer():
        count = int(count)
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        return scope.wrong(f"the count of the loop {loop['name'][:80]} is no number")
    if count > MAX_ITEMS:
        return Unknown(f"a loop of {count:,} rounds", "limit")
    held = scope.at
    found = []
    for index in range(count):
        scope.run.budget.round()
        scope.at = (*held, "input")
        with scope.copying(name, index):
            found.append(work(index))
    scope.at = held
    return found


def run(node: Node, scope: Scope) -> Any:
    """The value of a node. Raises `ExpressionError` for what is wrong in it."""
    if type(node) is Call:
        scope.run.budget.spend()
        return _call(node, scope)
    if type(node) is Literal:
        return node.value
    if type(node) is Member:
        return member(run(node.base, scope), run(node.key, scope), safe=node.safe)
    raise AssertionError(type(node))


def _call(node: Call, scope: Scope) -> Any:
    name = node.name
    function = scope.run.functions.get(name)
    if function is None:
        if "." in name:
            return scope.call_user(node)
        if name.startswith("list"):
            return scope.run.listed(scope, node)
        for argument in node.arguments:
            run(argument, scope)
        return Unknown(f"the template function {node.written} is not supported", "function")
    if not function.least <= len(node.arguments) <= function.most:
        raise ExpressionError(f"{node.written} with {len(node.arguments)} arguments")
    if function.lazy:
        return function.work(scope, list(node.arguments))
    return apply(node.written, function, [run(argument, scope) for argument in node.arguments], scope)


def apply(name: str, function: Function, arguments: list[Any], scope: Scope) -> Any:
    """Call a function with values."""
    if any(isinstance(item, Alternatives) for item in arguments):
        return distribute(arguments, lambda chosen: apply(name, function, chosen, scope))
    if not function.aware:
        for item in arguments:
            unknown = unknown_of(item)
            if unknown is not None:
                return derived(name, arguments, unknown)
    return function.work(scope, arguments)


def derived(name: str, arguments: Iterable[Any], unknown: Unknown) -> Hole:
    """The unknown result of a call: the same call of the same unknown things is the same thing."""
    words = f"{name}({','.join(_words(item) for item in arguments)})"
    if len(words) > 200:
        words = f"{name}({hashlib.sha256(words.encode('utf-8', 'replace')).hexdigest()[:16]})"
    return Hole(unknown.reason, unknown.kind, f"[{quote(unquote(words), safe=SAFE)}]")


def _words(value: Any) -> str:
    if isinstance(value, Hole):
        return value.text.removeprefix("[").removesuffix("]")
    if isinstance(value, Mixed):
        return "".join(part if isinstance(part, str) else part.text for part in value.parts)
    if isinstance(value, str):
        return f"'{value[:2000]}'"
    if isinstance(value, (dict, list)):
        unknown = first_unknown(value)
        return unknown.reason if unknown else json.dumps(value, sort_keys=True)
    if isinstance(value, Lambda):
        return str(value.body)
    unknown = unknown_of(value)
    return unknown.reason if unknown else str(value)


def member(base: Any, key: Any, *, safe: bool = False) -> Any:
    """`base[key]`. Raises `ExpressionError` where there is none, unless `safe`: then null."""
    if isinstance(base, Alternatives) or isinstance(key, Alternatives):
        return distribute([base, key], lambda chosen: member(chosen[0], chosen[1], safe=safe))
    if isinstance(base, Open) and isinstance(key, str):
        return base.at(key)
    unknown = unknown_of(base) or unknown_of(key)
    if unknown is not None:
        if isinstance(base, Hole) and isinstance(key, (str, int)):
            inner = base.text.removeprefix("[").removesuffix("]")
            return Hole(base.reason, base.kind, f"[{inner}.{quote(str(key)[:200], safe=SAFE)}]")
        return derived("member", [base, key], unknown)
    if isinstance(base, dict) and isinstance(key, str):
        found = lookup(base, key)
        if found is not ABSENT:
            return found
        if safe:
            return None
        raise ExpressionError(f"there is no {key[:80]!r} in the object")
    if isinstance(base, list) and isinstance(key, int) and not isinstance(key, bool):
        if 0 <= key < len(base):
            return base[key]
        if safe:
            return None
        raise ExpressionError(f"index {key} in a list of {len(base)}")
    if safe and base is None:
        return None
    raise ExpressionError(f"{_kind(base)} has no {str(key)[:80]!r}")


def _kind(value: Any) -> str:
    return {dict: "an object", list: "a list", str: "a text", type(None): "null"}.get(type(value), "a value")
