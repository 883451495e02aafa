"""Typed parameters: declarations are read and values are checked against them."""

from __future__ import annotations

import re
from typing import Any

from scanner.language.form import Form
from scanner.model.rule import Parameter
from scanner.text import Mapping, Node, Scalar, plain

TYPES = ("string", "integer", "number", "boolean", "array", "null")
FORMATS = ("uuid", "region", "scope")
_KEYS = ("type", "items", "minimum", "maximum", "enum", "default", "description")
_NAME = re.compile(r"[a-z][A-Za-z0-9]{0,63}\Z")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\Z")


def parse_parameters(form: Form, node: Node | None, what: str) -> dict[str, Parameter]:
    """The declared parameters by name."""
    if node is None:
        return {}
    if not isinstance(node, Mapping):
        form.report(f"{what} must be a mapping of names", node.mark)
        return {}
    found = {}
    for name, body in node.items.items():
        if not _NAME.match(name):
            form.report(
                f"the parameter name {name!r} must start in lower case and hold letters and digits",
                node.marks[name],
            )
            continue
        found[name] = _parameter(form, name, body)
    return found


def _parameter(form: Form, name: str, node: Node) -> Parameter:
    body = form.mapping(node, f"parameter {name}", _KEYS, ("type", "default", "description"))
    types = _types(form, body, name)
    items = (
        form.mapping(body.items["items"], f"items of {name}", ("type", "format"))
        if "items" in body.items
        else None
    )
    item_type = (
        form.choice(items.items.get("type"), f"items.type of {name}", TYPES, "string") if items else None
    )
    has_format = items is not None and "format" in items.items
    item_format = (
        form.choice(items.items["format"], f"items.format of {name}", FORMATS, "")
        if items and has_format
        else None
    )
    enum = tuple(plain(item) for item in form.items(body.items.get("enum"), f"enum of {name}"))
    parameter = Parameter(
        name=name,
        types=types,
        default=_frozen(plain(body.items["default"])) if "default" in body.items else None,
        description=form.text(body.items.get("description"), f"description of {name}"),
        minimum=_bound(form, body.items.get("minimum"), f"minimum of {name}"),
        maximum=_bound(form, body.items.get("maximum"), f"maximum of {name}"),
        enum=enum,
        item_type=item_type,
        item_format=item_format or None,
        mark=node.mark,
    )
    problem = value_problem(parameter, parameter.default) if "default" in body.items else ""
    if problem:
        form.report(f"the default of {name} {problem}", body.items["default"].mark, "", "META011")
    return parameter


def _types(form: Form, body: Mapping, name: str) -> tuple[str, ...]:
    node = body.items.get("type")
    if node is None:
        return ("string",)
    if isinstance(node, Scalar):
        return (form.choice(node, f"type of {name}", TYPES, "string"),)
    return tuple(
        form.choice(item, f"type of {name}", TYPES, "string") for item in form.items(node, f"type of {name}")
    )


def _bound(form: Form, node: Node | None, what: str) -> float | None:
    if node is None:
        return None
    if isinstance(node, Scalar) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        return node.value
    form.report(f"{what} must be a number", node.mark)
    return None


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def json_type(value: Any) -> str:
    """The JSON type name of a parameter value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    return "array" if isinstance(value, (list, tuple)) else "string" if isinstance(value, str) else "object"


def value_problem(parameter: Parameter, value: Any) -> str:
    """Why a value does not fit a parameter ("must be ..."), or ""."""
    found = json_type(value)
    if found not in parameter.types and not (found == "integer" and "number" in parameter.types):
        return f"must be {' or '.join(parameter.types)}, not {found}"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if parameter.minimum is not None and value < parameter.minimum:
            return f"must be at least {parameter.minimum:g}"
        if parameter.maximum is not None and value > parameter.maximum:
            return f"must be at most {parameter.maximum:g}"
    if parameter.enum and value not in parameter.enum:
        return f"must be one of {', '.join(map(str, parameter.enum))}"
    if isinstance(value, (list, tuple)) and parameter.item_type:
        for item in value:
            if json_type(item) != parameter.item_type:
                return f"must hold {parameter.item_type} items, not {json_type(item)}"
            if parameter.item_format == "uuid" and not _UUID.match(item):
                return f"must hold object ids (GUIDs), not {item!r}"
    return ""
