"""What a resource is configured with: an instance comes in, its arguments and nested blocks as values come out, with places.

Nested blocks are lists of objects under their name, whether written once, many times or by `dynamic`. Places have the path
of the argument (`network_rule_set/0/default_action`); the first is where it stands, the others where its value comes from.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scanner.inventory.terraform.context import Context
from scanner.inventory.terraform.evaluate import value_of
from scanner.inventory.terraform.expand import pairs
from scanner.inventory.terraform.instance import Instance, Places
from scanner.inventory.terraform.module import Item
from scanner.inventory.terraform.syntax import Attribute, Block, Expression, Get, Index, ListOf, Literal, Name
from scanner.inventory.terraform.values import (
    Choice,
    Sym,
    Tail,
    choice,
    first_unknown,
    shown,
    spread,
)

META = frozenset({"count", "for_each", "provider", "depends_on", "lifecycle"})
_NO_ARGUMENTS = frozenset({"lifecycle", "provisioner", "connection", "timeouts"})
_FIXED = frozenset(
    {"name", "resource_group_name", "location", "container_registry_id", "container_registry_name"}
)
"""Arguments that cannot change without making the resource anew: ignoring their changes means nothing for the first time."""
MAX_BLOCKS = 2000


def instance_of(item: Item) -> Instance:
    """Everything that is configured of an instance."""
    places: Places = {"": (item.block.place(),)}
    values = _body(item.block, item.context(), "", places)
    for name in _ignored(item.block):
        _ignore(values, name)
    return Instance(
        address=item.key,
        kind=item.kind,
        values=values,
        places=places,
        when=(*item.module.when, *item.entry.when),
        module=item.module.path,
        file=item.block.source.file,
        get=item.get,
    )


def _body(block: Block, context: Context, prefix: str, places: Places) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, attribute in block.body.attributes.items():
        if prefix or name not in META:
            found[name] = _argument(attribute, context, f"{prefix}{name}", places)
    groups: dict[str, list[Block]] = {}
    for inner in block.body.blocks:
        name = inner.labels[0] if inner.kind == "dynamic" and inner.labels else inner.kind
        if name not in _NO_ARGUMENTS:
            groups.setdefault(name, []).append(inner)
    for name, blocks in groups.items():
        found[name] = _blocks(name, blocks, context, f"{prefix}{name}", places)
    return found


def _argument(attribute: Attribute, context: Context, path: str, places: Places) -> Any:
    inner = Context(context.names, context.budget, context.bound, [])
    value = value_of(attribute, inner)
    places[path] = (attribute.place(), *inner.trace)
    return value


def _blocks(name: str, blocks: list[Block], context: Context, path: str, places: Places) -> Any:
    """All blocks of a name. What is not known makes the end of the list open; a condition makes several lists."""
    groups: list[Any] = []
    number = 0
    for block in blocks:
        places.setdefault(path, (block.place("property"),))
        if block.kind == "dynamic":
            group = _dynamic(name, block, context, path, number, places)
        else:
            places[f"{path}/{number}"] = (block.place("property"),)
            group = [_body(block, context, f"{path}/{number}/", places)]
        number += len(group) if isinstance(group, list) else max(len(way) for way in group.values)
        groups.append(group)
    lead, ways = spread(groups)
    if lead is None:
        return _joined(groups)
    if not ways:
        return Sym(lead.reason, "limit")
    return choice(
        [_joined(way) for way in ways], lead.reason, lead.cause if len(ways) == len(lead.values) else ""
    )


def _joined(groups: list[Any]) -> list[Any]:
    whole = [one for group in groups for one in group]
    return [one for one in whole if not isinstance(one, Tail)] + [
        one for one in whole if isinstance(one, Tail)
    ][:1]


def _dynamic(name: str, block: Block, context: Context, path: str, number: int, places: Places) -> Any:
    """The blocks that a `dynamic` block makes: a list, or a choice of lists."""
    attribute = block.body.attributes.get("for_each")
    content = next(iter(block.body.of("content")), None)
    if attribute is None or content is None:
        return [Tail(f"the dynamic block {name} has no for_each or content")]
    inner = Context(context.names, context.budget, context.bound, [])
    walked = value_of(attribute, inner)
    iterator = _iterator(block, name)
    came = tuple(inner.trace)

    def one_way(value: Any) -> list[Any]:
        found = pairs(value)
        if value is None:
            return []
        if found is None or len(found) > MAX_BLOCKS:
            unknown = first_unknown([value]) or Sym("for_each is no map or set", "error")
            return [Tail(f"how many {name} there are is not known: {unknown.reason}", unknown.key)]
        made: list[Any] = []
        for at, (key, item) in enumerate(found, number):
            if isinstance(item, Tail):
                made.append(Tail(f"how many {name} there are is not known: {item.reason}", item.key))
                continue
            places[f"{path}/{at}"] = (content.place("property"), *came)
            bound = context.with_bound({iterator: {"key": key, "value": item}})
            made.append(_body(content, bound, f"{path}/{at}/", places))
        return made

    if isinstance(walked, Choice):
        return choice([one_way(one) for one in walked.values], walked.reason, walked.cause)
    return one_way(walked)


def _iterator(block: Block, name: str) -> str:
    attribute = block.body.attributes.get("iterator")
    expression = attribute.expression if attribute is not None else None
    if isinstance(expression, Name):
        return expression.name
    return str(expression.value) if isinstance(expression, Literal) else name


def _ignored(block: Block) -> Iterator[str]:
    """The arguments whose changes are ignored, `*` for all."""
    for lifecycle in block.body.of("lifecycle"):
        attribute = lifecycle.body.attributes.get("ignore_changes")
        expression = attribute.expression if attribute is not None else None
        if isinstance(expression, Name) and expression.name == "all":
            yield "*"
        elif isinstance(expression, ListOf):
            yield from (name for item in expression.items if (name := _first(item)))


def _first(expression: Expression) -> str:
    """The argument that an entry of `ignore_changes` is about; "" for what lies deeper in a map, such as one tag."""
    if isinstance(expression, Name):
        return expression.name
    if isinstance(expression, Literal) and isinstance(expression.value, str):
        return expression.value.partition("[")[0].partition(".")[0]
    while isinstance(expression, (Get, Index)):
        expression = expression.of
    return expression.name if isinstance(expression, Name) and expression.name != "tags" else ""


def _ignore(values: dict[str, Any], name: str) -> None:
    for one in list(values) if name == "*" else [name]:
        if one not in _FIXED:
            values[one] = Sym(f"changes of {shown(one)} are ignored (lifecycle.ignore_changes)", "runtime")
