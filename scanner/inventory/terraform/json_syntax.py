"""Terraform's JSON syntax: the text of a `.tf.json` file comes in, the same blocks as of a `.tf` file come out.

Places are those of the file's first line: positions inside JSON are not kept here.
https://developer.hashicorp.com/terraform/language/syntax/json
"""

from __future__ import annotations

from functools import partial
from typing import Any

from scanner.errors import InputError
from scanner.inventory.terraform.parse import parse_expression
from scanner.inventory.terraform.syntax import (
    Attribute,
    Block,
    Body,
    Expression,
    ListOf,
    Literal,
    Name,
    ObjectOf,
    Source,
)
from scanner.json_text import parse_json

_LABELS = {
    "resource": 2,
    "data": 2,
    "variable": 1,
    "output": 1,
    "module": 1,
    "provider": 1,
    "locals": 0,
    "terraform": 0,
}
_META = frozenset(
    {
        "lifecycle",
        "provisioner",
        "connection",
        "dynamic",
        "validation",
        "required_providers",
        "backend",
        "cloud",
    }
)
_NOWHERE = (0, 0)


def parse_json_file(source: Source) -> Body:
    """The body of a file. Raises `InputError` for what is no such file."""
    value = parse_json(source.content.decode("utf-8"), source.file)
    if not isinstance(value, dict):
        raise InputError("is no object of blocks", source.file, "Run `terraform validate`.")
    found = Body()
    for kind, content in value.items():
        if kind in _LABELS:
            found.blocks += _blocks(kind, content, _LABELS[kind], (), source)
    return found


def _blocks(kind: str, content: Any, labels: int, given: tuple[str, ...], source: Source) -> list[Block]:
    if isinstance(content, list):
        return [block for one in content for block in _blocks(kind, one, labels, given, source)]
    if not isinstance(content, dict):
        raise InputError(f"{kind} {' '.join(given)} is no object", source.file, "Run `terraform validate`.")
    if labels:
        return [
            block
            for name, one in content.items()
            if name != "//"
            for block in _blocks(kind, one, labels - 1, (*given, name), source)
        ]
    return [Block(kind, given, _body(content, source), source, _NOWHERE, _NOWHERE)]


def _body(content: dict[str, Any], source: Source) -> Body:
    """What is nested may be an attribute or a block; both are kept, and who reads it knows which it is."""
    found = Body()
    for name, value in content.items():
        if name == "//":
            continue
        if name == "dynamic" and isinstance(value, dict):
            for kind, one in value.items():
                found.blocks += _blocks("dynamic", one, 0, (kind,), source)
        elif name in _META:
            found.blocks += _blocks(name, value, 0, (), source)
        else:
            found.attributes[name] = Attribute(
                name,
                source,
                _NOWHERE,
                _NOWHERE,
                partial(expression, value, source, name),
            )
            if name == "content" and isinstance(value, dict):
                found.blocks += _blocks(name, value, 0, (), source)
    return found


def expression(value: Any, source: Source, name: str = "") -> Expression:
    """The expression of a JSON value; texts are templates."""
    if isinstance(value, str):
        if name in ("depends_on", "provider") or ("${" not in value and "%{" not in value):
            return Literal(value, _NOWHERE)
        quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
        # Quotes inside of a hole belong to the expression and were not escaped in the text itself.
        return parse_expression(Source(source.file, _holes(value, quoted).encode()))
    if isinstance(value, list):
        return ListOf(tuple(expression(item, source) for item in value), _NOWHERE)
    if isinstance(value, dict):
        return ObjectOf(
            tuple(
                (Literal(key, _NOWHERE), expression(item, source), _NOWHERE) for key, item in value.items()
            ),
            _NOWHERE,
        )
    return Literal(value, _NOWHERE)


def reference(text: str, source: Source) -> Expression:
    """The expression of a text that names something, such as an entry of `ignore_changes`."""
    return parse_expression(Source(source.file, text.encode())) if text else Name("", _NOWHERE)


def _holes(value: str, quoted: str) -> str:
    """The text in quotes, escaped outside of its holes only."""
    if quoted == value:
        return f'"{value}"'
    found: list[str] = []
    depth, at, start = 0, 0, 0
    while at < len(value):
        opens = value[at : at + 2] in ("${", "%{") and value[at - 1 : at] not in ("$", "%")
        if depth == 0 and opens:
            found.append(_escaped(value[start:at]))
            start, depth, at = at, 1, at + 2
            continue
        if depth and value[at] == "{":
            depth += 1
        elif depth and value[at] == "}":
            depth -= 1
            if depth == 0:
                found.append(value[start : at + 1])
                start = at + 1
        at += 1
    found.append(value[start:] if depth else _escaped(value[start:]))
    return '"' + "".join(found) + '"'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
