"""An expression and the names it may use come in, a value comes out: known, or as much of it as is known before deployment.

Nothing here raises for what a person wrote: what is wrong becomes an unknown value of kind `error`, and is noted with its
place. Unknown conditions give both ways (`Choice`); conditions of one cause go together. Steps, depths and sizes are bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from scanner.errors import InputError
from scanner.inventory.terraform import calls
from scanner.inventory.terraform.access import as_flag, attribute_of, below, element_of
from scanner.inventory.terraform.context import MAX_NESTED, MAX_STEPS, Context
from scanner.inventory.terraform.loops import loop
from scanner.inventory.terraform.operators import binary, negated
from scanner.inventory.terraform.rendering import render
from scanner.inventory.terraform.syntax import (
    ELEMENT,
    Attribute,
    Binary,
    Call,
    Conditional,
    Expression,
    For,
    Get,
    Index,
    ListOf,
    Literal,
    Name,
    ObjectOf,
    Splat,
    Template,
    Unary,
)
from scanner.inventory.terraform.values import (
    Choice,
    EvaluationError,
    Impossible,
    SetOf,
    Sym,
    Tail,
    choice,
    first_unknown,
    items_of,
    key_of,
    lift,
    made_key,
    shown,
    taken,
)


def value_of(attribute: Attribute, context: Context) -> Any:
    """The value of an attribute; what is wrong with it is noted with its place."""
    try:
        return taken(evaluate(attribute.expression, context))
    except EvaluationError as error:
        place = attribute.place()
        context.budget.notes[f"{place.file}:{place.line}:{place.column}: {attribute.name}: {error}"] = None
        return Sym(f"{attribute.name} cannot be worked out: {error}", "error")
    except RecursionError:
        return Sym(f"{attribute.name} leads through too many names", "limit")
    except InputError as error:
        context.budget.notes[str(error)] = None
        return Sym(f"{attribute.name} cannot be read: {error.what}", "limit")


def evaluate(expression: Expression, context: Context) -> Any:
    """The value of an expression. Raises `EvaluationError` where it is wrong."""
    budget = context.budget
    budget.steps -= 1
    if budget.steps < 0:
        return Sym(f"working it out takes more than {MAX_STEPS:,} steps", "limit")
    if budget.nested > MAX_NESTED:
        return Sym(f"it leads through more than {MAX_NESTED} expressions", "limit")
    budget.nested += 1
    try:
        return _WORK[type(expression)](expression, context)
    finally:
        budget.nested -= 1


def _literal(expression: Literal, _: Context) -> Any:
    return expression.value


def _name(expression: Name, context: Context) -> Any:
    if expression.name in context.bound:
        return context.bound[expression.name]
    return context.names.lookup(expression.name, context)


def _get(expression: Get, context: Context) -> Any:
    return attribute_of(evaluate(expression.of, context), expression.name)


def _index(expression: Index, context: Context) -> Any:
    return element_of(evaluate(expression.of, context), evaluate(expression.key, context))


def _splat(expression: Splat, context: Context) -> Any:
    of = evaluate(expression.of, context)

    def each(value: Any) -> Any:
        if value is None:
            return []
        if isinstance(value, Sym):
            found = evaluate(expression.each, context.with_bound({ELEMENT: below(value, "[*]")}))
            return below(value, "[*]") if not isinstance(found, Sym) else found
        many = list(items_of(value)) if isinstance(value, (list, SetOf)) else [value]
        return [
            item if isinstance(item, Tail) else evaluate(expression.each, context.with_bound({ELEMENT: item}))
            for item in many
        ]

    return lift(each, of) if isinstance(of, Choice) else each(of)


def _call(expression: Call, context: Context) -> Any:
    return calls.call(expression, context, evaluate)


def _unary(expression: Unary, context: Context) -> Any:
    return negated(expression.operator, evaluate(expression.of, context))


def _binary(expression: Binary, context: Context) -> Any:
    left = evaluate(expression.left, context)
    operator = expression.operator
    if (operator == "&&" and left is False) or (operator == "||" and left is True):
        return left
    return binary(operator, left, evaluate(expression.right, context))


def _conditional(expression: Conditional, context: Context) -> Any:
    condition = as_flag(evaluate(expression.condition, context))
    if isinstance(condition, bool):
        return evaluate(expression.then if condition else expression.other, context)
    then, other = _tried(expression.then, context), _tried(expression.other, context)
    if isinstance(condition, Choice):
        ways: list[Any] = []
        for at, one in enumerate(condition.values):
            if isinstance(one, Impossible):
                ways.append(one)
                continue
            way = then if one is True else other if one is False else None
            if way is None:
                return Sym(condition.reason, "parameter", made_key("if", condition, then, other))
            fits = (
                isinstance(way, Choice)
                and way.cause == condition.cause
                and len(way.values) == len(condition.values)
            )
            ways.append(way.values[at] if fits and condition.cause else way)
        return choice(ways, condition.reason, condition.cause)
    unknown = first_unknown([condition]) or Sym("the condition is not known", "error")
    return choice([then, other], f"the condition is not known: {unknown.reason}", key_of(condition))


def _tried(expression: Expression, context: Context) -> Any:
    """One way of a condition that is not known: it may be wrong where it is not taken."""
    try:
        return evaluate(expression, context)
    except EvaluationError as error:
        return Sym(f"this way cannot be worked out: {error}", "error")


def _list(expression: ListOf, context: Context) -> Any:
    return [evaluate(item, context) for item in expression.items]


def _object(expression: ObjectOf, context: Context) -> Any:
    found: dict[str, Any] = {}
    for key, value, _ in expression.pairs:
        name = key.value if isinstance(key, Literal) else evaluate(key, context)
        if not isinstance(name, (str, int, float)):
            unknown = first_unknown([name])
            if unknown is None:
                raise EvaluationError("a key of an object is no text")
            # It could be any key, also one that is looked for later on, so nothing is known of the object.
            return Sym(f"a key of the object is not known: {unknown.reason}", unknown.kind)
        found[shown(name)] = evaluate(value, context)
    return found


def _for(expression: For, context: Context) -> Any:
    return loop(expression, context, evaluate)


def _template(expression: Template, context: Context) -> Any:
    return render(expression.parts, context, evaluate)


_WORK: Mapping[type, Callable[[Any, Context], Any]] = {
    Literal: _literal,
    Template: _template,
    Name: _name,
    Get: _get,
    Index: _index,
    Splat: _splat,
    Call: _call,
    Unary: _unary,
    Binary: _binary,
    Conditional: _conditional,
    ListOf: _list,
    ObjectOf: _object,
    For: _for,
}
