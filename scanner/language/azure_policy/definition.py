"""One definition: the nodes of its JSON come in, its parts come out, bare or below `properties`, escaped or not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scanner.language.azure_policy.nodes import entry, word
from scanner.language.form import Form
from scanner.model.condition import Mark
from scanner.model.rule import Parameter
from scanner.text import Mapping as MappingNode
from scanner.text import Node, Scalar, Sequence, plain

GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
TYPES = {
    "string": "string",
    "array": "array",
    "object": "object",
    "boolean": "boolean",
    "integer": "integer",
    "float": "number",
    "datetime": "string",
}
RESOURCE_MODES = ("all", "indexed")
_ESCAPED = re.compile(r"\[\[\s*[A-Za-z]+\s*\(")


@dataclass(frozen=True, slots=True)
class Definition:
    """The parts of a definition. `name` is a GUID for built-ins; `rule` is the node of `policyRule`, or None."""

    node: MappingNode
    id: str
    name: str
    display_name: str
    description: str
    mode: str
    policy_type: str
    version: str
    category: str
    parameters: Mapping[str, Node]
    rule: Node | None
    mark: Mark

    @property
    def guid(self) -> str:
        """The definition's GUID in lower case, or ""."""
        found = GUID.search(self.name) or GUID.search(self.id)
        return found.group().lower() if found else ""


def kind_of(node: Node) -> str:
    """What a JSON file is: definition, initiative, template, definitions (a list of them), or ""."""
    if isinstance(node, Sequence):
        found = {kind_of(item) for item in node.items}
        return "definitions" if found and found <= {"definition", "initiative"} else ""
    if not isinstance(node, MappingNode):
        return ""
    body = entry(node, "properties") or node
    if entry(body, "policyDefinitions") is not None:
        return "initiative"
    if entry(body, "policyRule") is not None:
        return "definition"
    if entry(node, "resources") is not None and word(entry(node, "contentVersion")):
        return "template"
    if word(entry(body, "policyType")).lower() in ("static", "builtin", "custom"):
        return "definition"  # only metadata: a placeholder of a regulation
    if entry(node, "if") is not None and entry(node, "then") is not None:
        return "definition"  # only the rule
    return ""


def definitions_in(node: Node) -> Iterator[Node]:
    """The definitions in a file: itself, the items of a list (or of `value`), or those that a template deploys."""
    kind = kind_of(node)
    if kind == "definitions" and isinstance(node, Sequence):
        for item in node.items:
            yield from definitions_in(item)
    elif kind == "template":
        held = entry(node, "resources")
        items: list[Node] = []
        if isinstance(held, MappingNode):
            items = list(held.items.values())
        elif isinstance(held, Sequence):
            items = held.items
        for item in items:
            if word(entry(item, "type")).lower().endswith("/policydefinitions"):
                yield unescaped(item)
    elif kind in ("definition", "initiative"):
        yield node
    elif isinstance(node, MappingNode) and isinstance(entry(node, "value"), Sequence):
        yield from definitions_in(entry(node, "value") or node)


def read_definition(node: Node) -> Definition:
    """The parts of a definition's node; what is missing is ""."""
    body = entry(node, "properties") or node
    rule = entry(body, "policyRule")
    if rule is None and entry(body, "if") is not None:
        rule = body
    effect = word(entry(entry(rule, "then"), "effect"))
    if _ESCAPED.match(effect):
        return read_definition(unescaped(node))
    metadata = entry(body, "metadata")
    declared = entry(body, "parameters")
    holder = node if isinstance(node, MappingNode) else MappingNode({}, node.file, node.start)
    return Definition(
        node=holder,
        id=word(entry(node, "id")) or word(entry(body, "id")),
        name=word(entry(node, "name")) or word(entry(body, "name")),
        display_name=word(entry(body, "displayName")).strip(),
        description=word(entry(body, "description")).strip(),
        mode=word(entry(body, "mode")),
        policy_type=word(entry(body, "policyType")),
        version=word(entry(body, "version")) or word(entry(metadata, "version")),
        category=word(entry(metadata, "category")),
        parameters=dict(declared.items) if isinstance(declared, MappingNode) else {},
        rule=rule,
        mark=holder.mark,
    )


def unescaped(node: Node) -> Node:
    """A node of a template, where `[[` stands for the `[` that begins an expression."""
    if isinstance(node, Scalar):
        if isinstance(node.value, str) and node.value.startswith("[["):
            return Scalar(node.value[1:], node.plain, node.text, node.file, node.start, node.end)
        return node
    if isinstance(node, Sequence):
        return Sequence([unescaped(item) for item in node.items], node.file, node.start)
    found = MappingNode({key: unescaped(item) for key, item in node.items.items()}, node.file, node.start)
    found.keys.update(node.keys)
    return found


def frozen(value: Any) -> Any:
    """A JSON value with tuples for lists."""
    if isinstance(value, list):
        return tuple(frozen(item) for item in value)
    return {key: frozen(item) for key, item in value.items()} if isinstance(value, dict) else value


def read_parameters(form: Form, declared: Mapping[str, Node]) -> dict[str, Parameter]:
    """The declared parameters; one without a default value is null until somebody sets it."""
    found: dict[str, Parameter] = {}
    for name, node in declared.items():
        if not isinstance(node, MappingNode):
            form.report(f"the parameter {name!r} must be an object", node.mark)
            continue
        given = word(entry(node, "type")).lower()
        kind = TYPES.get(given)
        if kind is None:
            form.report(
                f"the parameter {name!r} has the unknown type {given or 'none'!r}",
                node.mark,
                f"One of {', '.join(TYPES)}.",
            )
            continue
        default = entry(node, "defaultValue")
        allowed = entry(node, "allowedValues")
        metadata = entry(node, "metadata")
        kinds = (kind,) if default is not None else (kind, "null")
        enum = (
            tuple(plain(item) for item in allowed.items)
            if isinstance(allowed, Sequence) and kind not in ("array", "object")
            else ()
        )
        if default is None and enum:
            enum = (*enum, None)
        found[name] = Parameter(
            name=name,
            types=kinds,
            default=None if default is None else frozen(plain(default)),
            description=word(entry(metadata, "description")) or word(entry(metadata, "displayName")),
            enum=enum,
            mark=node.mark,
        )
    return found
