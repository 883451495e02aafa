"""Values of variables: a declaration and what was given come in, the value comes out.

A variable that nobody gave a value is one cause for everything that needs it. Where its validation lists what is allowed, it
is one of these values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scanner.errors import InputError
from scanner.inventory.terraform.context import Context
from scanner.inventory.terraform.evaluate import evaluate, value_of
from scanner.inventory.terraform.json_syntax import expression as json_expression
from scanner.inventory.terraform.kinds import convert
from scanner.inventory.terraform.parse import parse
from scanner.inventory.terraform.syntax import (
    Attribute,
    Block,
    Call,
    Expression,
    Get,
    ListOf,
    Literal,
    Name,
    Source,
)
from scanner.inventory.terraform.tree import Files
from scanner.inventory.terraform.values import Choice, EvaluationError, Secret, Sym, known
from scanner.json_text import parse_json

COMMAND_LINE = "command line"


@dataclass(frozen=True, slots=True)
class Argument:
    """What a variable was given: an expression and the names it may use."""

    attribute: Attribute
    context: Context
    what: str
    """What its place is called: variable file, command line, module argument."""


def variable_value(block: Block, given: Argument | None, context: Context, *, root: bool) -> Any:
    """The value of a variable, converted to its type."""
    name = block.labels[0]
    attributes = block.body.attributes
    value: Any = None
    if given is not None:
        if given.what != COMMAND_LINE:  # It stands in no file that a report could lead to.
            context.came_from((given.attribute.place(given.what),))
        inner = Context(given.context.names, given.context.budget, given.context.bound, [])
        value = value_of(given.attribute, inner)
        context.came_from(inner.trace)
    default = attributes.get("default")
    nullable = attributes.get("nullable")
    if given is None or (value is None and nullable is not None and value_of(nullable, context) is False):
        if default is None:
            context.came_from((block.place("variable"),))
            return _unknown(block, name, context, root=root)
        context.came_from((default.place("variable default"),))
        value = value_of(default, context)
    return _marked(block, _typed(block, name, value, context), context)


def _typed(block: Block, name: str, value: Any, context: Context) -> Any:
    kind = block.body.attributes.get("type")
    if kind is None:
        return value
    try:
        return convert(value, kind.expression, lambda default: evaluate(default, context))
    except (EvaluationError, InputError) as error:
        place = block.place()
        what = error.what if isinstance(error, InputError) else str(error)
        context.budget.notes[f"{place.file}:{place.line}:{place.column}: variable {name}: {what}"] = None
        return Sym(f"the value of variable `{name}` does not fit its type: {what}", "error", "")


def _marked(block: Block, value: Any, context: Context) -> Any:
    sensitive = any(_is_true(block, name, context) for name in ("sensitive", "ephemeral"))
    if not sensitive or value is None:
        return value
    return Secret("sensitive", f"var.{block.labels[0]}") if known(value) else _hidden(value, block.labels[0])


def _hidden(value: Any, name: str) -> Any:
    key = value.key if isinstance(value, (Sym, Secret)) else f"var.{name}"
    return Sym(f"variable `{name}` is sensitive", "secret", key)


def _is_true(block: Block, name: str, context: Context) -> bool:
    attribute = block.body.attributes.get(name)
    return attribute is not None and value_of(attribute, context) is True


def _unknown(block: Block, name: str, context: Context, *, root: bool) -> Any:
    """A variable without a value: one of what its validation allows, else nobody knows."""
    if not root:
        return Sym(f"the module's variable `{name}` is given no value", "error", "")
    reason = f"variable `{name}` has no value; pass --var {name}=VALUE or --var-file FILE"
    if any(_is_true(block, one, context) for one in ("sensitive", "ephemeral")):
        return Sym(reason, "secret", f"var.{name}")
    for check in block.body.of("validation"):
        condition = check.body.attributes.get("condition")
        allowed = _allowed(condition.expression, name) if condition is not None else []
        if allowed:
            return allowed[0] if len(allowed) == 1 else Choice(tuple(allowed), reason, f"var.{name}")
    kind = block.body.attributes.get("type")
    if kind is not None and isinstance(kind.expression, Name) and kind.expression.name == "bool":
        return Choice((True, False), reason, f"var.{name}")
    return Sym(reason, "parameter", f"var.{name}")


def _allowed(condition: Expression, name: str) -> list[Any]:
    """The values that `contains([...], var.name)` allows; [] for any other condition."""
    if not (isinstance(condition, Call) and condition.name == "contains" and len(condition.arguments) == 2):
        return []
    options, asked = condition.arguments
    if not (
        isinstance(asked, Get)
        and asked.name == name
        and isinstance(asked.of, Name)
        and asked.of.name == "var"
    ):
        return []
    if not isinstance(options, ListOf) or not all(isinstance(one, Literal) for one in options.items):
        return []
    return [one.value for one in options.items if isinstance(one, Literal)][:16]


def read_values(files: Files, path: Path) -> Mapping[str, Attribute]:
    """The values of a `.tfvars` or `.tfvars.json` file. Raises `InputError`."""
    source = files.source(path)
    if path.name.endswith(".json"):
        value = parse_json(source.content.decode("utf-8"), source.file)
        if not isinstance(value, dict):
            raise InputError("is no object of variables", source.file)
        return {name: _attribute(name, json_expression(one, source), source) for name, one in value.items()}
    body = parse(source)
    if body.blocks:
        place = body.blocks[0].place()
        raise InputError(
            "a file of variables holds no blocks",
            f"{place.file}:{place.line}:{place.column}",
            "Write NAME = VALUE.",
        )
    return body.attributes


def _attribute(name: str, expression: Expression, source: Source) -> Attribute:
    return Attribute(name, source, (0, 0), (0, 0), lambda: expression)


def command_line_value(name: str, text: str, kind: Expression | None) -> Attribute:
    """The value of `--var NAME=VALUE`: a text as it is, anything else written as in a file of variables."""
    source = Source(f"--var {name}", text.encode())
    if kind is None or (isinstance(kind, Name) and kind.name in ("string", "number", "bool", "any")):
        return _attribute(name, Literal(text, (0, len(source.content))), source)
    try:
        found = parse(Source(f"--var {name}", b"x = " + text.encode() + b"\n")).attributes["x"].expression
    except InputError as error:
        raise InputError(
            f"the value of --var {name} does not parse", "", "Write it as in a file of variables."
        ) from error
    return _attribute(name, found, source)
