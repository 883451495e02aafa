"""Calls: a function's name and arguments come in, its value comes out, as far as the arguments are known.

`try`, `can` and the functions of files are special; of texts with holes the functions that names are made with keep what is
known. A function that is not here, or whose value differs from run to run, gives an unknown value of kind `function`.
"""

from __future__ import annotations

import re
from typing import Any

from scanner.inventory.terraform.access import as_flag
from scanner.inventory.terraform.context import Context, Evaluate
from scanner.inventory.terraform.functions import DEEP, RANDOM, SHALLOW
from scanner.inventory.terraform.functions.collections import UnknownError
from scanner.inventory.terraform.functions.numbers import number
from scanner.inventory.terraform.functions.texts import text as as_text
from scanner.inventory.terraform.syntax import Call, Expression
from scanner.inventory.terraform.values import (
    Choice,
    Encoded,
    EvaluationError,
    Impossible,
    Secret,
    SetOf,
    Sym,
    Tail,
    Text,
    choice,
    first_unknown,
    fits,
    is_handle,
    items_of,
    known,
    made_key,
    spread,
    text,
)

FILES = frozenset(
    {
        "abspath", "basename", "dirname", "file", "filebase64", "filebase64sha256", "filebase64sha512", "fileexists",
        "filemd5", "fileset", "filesha1", "filesha256", "filesha512", "pathexpand", "templatefile", "templatestring",
    }
)  # fmt: skip
"""Functions of files and paths, which the module answers."""


def call(expression: Call, context: Context, evaluate: Evaluate) -> Any:
    """The value of a call. Raises `EvaluationError` where it is wrong."""
    name = expression.name.removeprefix("core::")
    if name == "try":
        return _try(expression, context, evaluate)
    if name == "can":
        return _can(expression, context, evaluate)
    arguments = [evaluate(argument, context) for argument in expression.arguments]
    if expression.spread:
        last = arguments.pop()
        if isinstance(last, (list, SetOf)) and not any(isinstance(item, Tail) for item in items_of(last)):
            arguments += list(items_of(last))
        else:
            unknown = first_unknown([last])
            if unknown is None:
                raise EvaluationError(f"{name}(...) needs a list")
            return Sym(unknown.reason, unknown.kind, made_key(name, *arguments, last))
    return _applied(name, arguments, context)


_WALKED = frozenset(
    {
        "alltrue",
        "anytrue",
        "coalescelist",
        "compact",
        "concat",
        "contains",
        "distinct",
        "flatten",
        "join",
        "one",
        "sort",
        "toset",
    }
)
"""Functions of lists whose result hangs on the elements: an element that is one of several makes several lists."""


def _applied(name: str, arguments: list[Any], context: Context) -> Any:
    if name in _WALKED and any(
        isinstance(one, list) and any(isinstance(item, Choice) for item in one) for one in arguments
    ):
        arguments = [_lists(one) if isinstance(one, list) else one for one in arguments]
    lead, ways = spread(arguments)
    if lead is not None:
        if not ways:
            return Sym(f"{lead.reason} (too many ways)", "limit")
        cause = lead.cause if len(ways) == len(lead.values) else ""
        return choice([_attempted(name, way, context) for way in ways], lead.reason, cause)
    if name in FILES:
        return context.names.read(name, arguments, context)
    try:
        return _known_call(name, arguments)
    except UnknownError as error:
        return error.value
    except (TypeError, AttributeError, KeyError, ValueError, OverflowError, RecursionError) as error:
        # The functions are one-liners that trust their arguments; a wrong kind or number of them ends here.
        raise EvaluationError(f"{name}() is not called as it should be") from error


def _lists(items: list[Any]) -> Any:
    """A list with elements that are one of several, as one of several lists; as it is where there are too many."""
    lead, ways = spread(items)
    if lead is None or not ways:
        return items
    return choice(ways, lead.reason, lead.cause if len(ways) == len(lead.values) else "")


def _attempted(name: str, arguments: list[Any], context: Context) -> Any:
    """One way of several: it may be wrong where it is not taken."""
    try:
        return _applied(name, arguments, context)
    except EvaluationError as error:
        return Sym(f"{name}() cannot be worked out: {error}", "error")


def _known_call(name: str, arguments: list[Any]) -> Any:
    if name in _SPECIAL:
        return _SPECIAL[name](*arguments)
    outer = next(
        (one for one in arguments if isinstance(one, (Sym, Secret, Text, Tail)) or is_handle(one)), None
    )
    if name in SHALLOW:
        if outer is None or (name in ("contains", "lookup", "element") and outer is not arguments[0]):
            return SHALLOW[name](*arguments)
        return _unknown(name, arguments, [outer])
    if name in DEEP:
        if not fits(arguments):
            return Sym(f"what {name}() is given is too large", "limit")
        if all(map(known, arguments)):
            return DEEP[name](*arguments)
        if name == "jsonencode" and len(arguments) == 1 and isinstance(arguments[0], (dict, list)):
            unknown = _unknown(name, arguments, arguments)
            return Encoded(unknown.reason, unknown.kind, unknown.key, arguments[0])
        if name == "jsondecode" and len(arguments) == 1 and isinstance(arguments[0], Encoded):
            return arguments[0].value
        partly = _partly(name, arguments)
        return partly if partly is not None else _unknown(name, arguments, arguments)
    if name in RANDOM:
        return Sym(f"{name}() gives another value in every run", "runtime")
    return Sym(f"the function {name}() is not supported", "function", made_key(name, *arguments))


def _unknown(name: str, arguments: list[Any], causes: list[Any]) -> Sym:
    impossible = next((one for one in causes if isinstance(one, Impossible)), None)
    if impossible is not None:
        return impossible
    found = first_unknown(causes)
    assert found is not None
    return Sym(found.reason, found.kind, made_key(name, *arguments))


def _partly(name: str, arguments: list[Any]) -> Any:
    """Functions that names are made with, on texts with holes; None where nothing is known of the result."""
    first = arguments[0] if arguments else None
    if name in ("lower", "upper") and isinstance(first, Text):
        return text(
            DEEP[name](part) if isinstance(part, str) else Sym(part.reason, part.kind, made_key(name, part))
            for part in first.parts
        )
    if (
        name == "replace"
        and isinstance(first, Text)
        and all(map(known, arguments[1:]))
        and len(as_text(arguments[1])) == 1
    ):
        return text(
            DEEP[name](part, *arguments[1:])
            if isinstance(part, str)
            else Sym(part.reason, part.kind, made_key(name, part, *arguments[1:]))
            for part in first.parts
        )
    if name == "format" and isinstance(first, str):
        return _format(first, arguments[1:])
    if (
        name == "join"
        and isinstance(first, str)
        and len(arguments) == 2
        and isinstance(arguments[1], (list, SetOf))
    ):
        items = list(items_of(arguments[1]))
        if any(isinstance(item, Tail) for item in items):
            return None
        parts = [part for item in items for part in (first, _piece(item))][1:]
        return text(parts)
    if name == "compact" and isinstance(first, (list, SetOf)):
        found = [item for item in items_of(first) if item not in (None, "") and not isinstance(item, Tail)]
        tail = next((item for item in items_of(first) if isinstance(item, (Sym, Tail))), None)
        return [item for item in found if not isinstance(item, Sym)] + (
            [Tail(tail.reason)] if tail is not None else []
        )
    if name in ("startswith", "endswith") and isinstance(first, Text) and isinstance(arguments[1], str):
        part = first.parts[0] if name == "startswith" else first.parts[-1]
        if isinstance(part, str) and len(part) >= len(arguments[1]):
            return part.startswith(arguments[1]) if name == "startswith" else part.endswith(arguments[1])
    return None


def _format(spec: str, values: list[Any]) -> Any:
    """A format of nothing but `%s` and `%v`."""
    pieces = re.split(r"(%[sv%])", spec)
    rest = iter(values)
    parts: list[Any] = []
    for piece in pieces:
        if piece in ("%s", "%v"):
            value = next(rest, None)
            if value is None:
                return None
            parts.append(_piece(value))
        elif piece == "%%":
            parts.append("%")
        elif "%" in piece:
            return None
        else:
            parts.append(piece)
    return text(parts)


def _piece(value: Any) -> Any:
    return value if isinstance(value, (Sym, Text, Secret)) else as_text(value)


def _try(expression: Call, context: Context, evaluate: Evaluate) -> Any:
    return _first(expression.arguments, context, evaluate)


def _first(arguments: tuple[Expression, ...], context: Context, evaluate: Evaluate) -> Any:
    """The first argument that can be worked out; of several ways each has its own first."""
    if not arguments:
        raise EvaluationError("try: no argument can be worked out")
    try:
        found = evaluate(arguments[0], context)
    except EvaluationError:
        return _first(arguments[1:], context, evaluate)
    if not isinstance(found, Choice) or not any(map(_wrong, found.values)):
        return found
    try:
        rest = _first(arguments[1:], context, evaluate)
    except EvaluationError as error:
        rest = Impossible(str(error), "error")
    aligned = isinstance(rest, Choice) and rest.cause == found.cause and len(rest.values) == len(found.values)
    ways = [
        (rest.values[at] if aligned else rest) if _wrong(one) else one for at, one in enumerate(found.values)
    ]
    return choice(ways, found.reason, found.cause)


def _wrong(value: Any) -> bool:
    """Whether working a way out is an error."""
    return isinstance(value, Sym) and value.kind == "error"


def _can(expression: Call, context: Context, evaluate: Evaluate) -> Any:
    try:
        found = evaluate(expression.arguments[0], context)
    except EvaluationError:
        return False
    if isinstance(found, Choice):
        return choice([_works(one) for one in found.values], found.reason, found.cause)
    return _works(found)


def _works(value: Any) -> Any:
    """Whether a value can be worked out: a wrong one cannot, of an unknown one nobody knows."""
    if _wrong(value):
        return False
    if isinstance(value, (Sym, Secret)):
        unknown = first_unknown([value])
        assert unknown is not None
        return Sym(unknown.reason, unknown.kind, made_key("can", value))
    return True


def _coalesced(*values: Any) -> Any:
    """The first value that is neither null nor an empty text. One that is not known may be either."""
    for at, value in enumerate(values):
        if value is None or value == "":
            continue
        if not isinstance(value, Sym):
            return value
        rest = [other for other in values[at + 1 :] if other is not None and other != ""]
        if not rest or any(isinstance(other, Sym) for other in rest):
            return Sym(value.reason, value.kind, made_key("coalesce", *values))
        return choice([value, rest[0]], value.reason, made_key("coalesce", value))
    raise EvaluationError("coalesce: all arguments are null or empty")


def _to_flag(value: Any) -> Any:
    return None if value is None else as_flag(value)


def _to_text(value: Any) -> Any:
    return value if value is None or isinstance(value, (Sym, Text, Secret)) else as_text(value)


def _to_number(value: Any) -> Any:
    return value if value is None or isinstance(value, (Sym, Text, Secret)) else number(value)


def _sensitive(value: Any) -> Any:
    if isinstance(value, (Sym, Text, Choice)):
        unknown = first_unknown([value])
        assert unknown is not None
        return Sym(f"{unknown.reason} (sensitive)", "secret", made_key("sensitive", value))
    return Secret("sensitive", made_key("sensitive", value)) if value is not None else None


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return Sym("comes from a sensitive value", "secret", value.key)
    return value


def _kind(value: Any) -> Any:
    return Sym("type() is for the console only", "function", made_key("type", value))


_SPECIAL = {
    "coalesce": _coalesced,
    "ephemeralasnull": lambda _: None,
    "issensitive": lambda value: (
        isinstance(value, Secret) or (isinstance(value, Sym) and value.kind == "secret")
    ),
    "nonsensitive": _plain,
    "sensitive": _sensitive,
    "tobool": _to_flag,
    "tonumber": _to_number,
    "tostring": _to_text,
    "type": _kind,
}
