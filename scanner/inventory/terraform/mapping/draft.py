"""A resource of Azure in the making: arguments of an instance come in piece by piece, the model's `Resource` comes out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import unquote

from scanner.inventory.making import make
from scanner.inventory.terraform.existence import Condition, When, words
from scanner.inventory.terraform.home import Home, is_id, render
from scanner.inventory.terraform.instance import Instance, Places
from scanner.inventory.terraform.values import (
    Choice,
    SetOf,
    Sym,
    Tail,
    Text,
    choice,
    export,
    items_of,
    lift,
    shown,
)
from scanner.model import ids
from scanner.model.resource import Origin, Resource
from scanner.model.values import Alternatives, Partial


class Finished(NamedTuple):
    """A resource, and when it exists."""

    resource: Resource
    when: When


class Draft:
    """One resource of Azure. `id` and `name` may be unknown in parts; `body` holds values as they were worked out."""

    def __init__(
        self, instance: Instance, kind: str, identifier: Any, name: Any, api_version: str | None = None
    ) -> None:
        self.instance = instance
        self.kind = kind
        self.id = identifier
        self.name = name
        self.api_version = api_version
        self.body: dict[str, Any] = {}
        self.places: Places = {"": instance.places.get("", ())}
        self.when = instance.when

    def put(self, path: str, value: Any, source: str = "") -> None:
        """Set a property (`properties/adminUserEnabled`); None leaves it out. `source`: the argument it comes from."""
        if value is not None:
            node = self.body
            *above, last = path.split("/")
            for key in above:
                node = node.setdefault(key, {})
            node[last] = value
        if source:
            self.came_from(path, source)

    def came_from(self, path: str, source: str) -> None:
        """Note that a property is written where an argument stands."""
        found = self.instance.places.get(source)
        if found:
            self.places[f"/{path}"] = found

    def list_from(self, path: str, source: str, names: dict[str, str], count: int) -> None:
        """The places of a list of objects that comes from nested blocks. `names`: argument -> property."""
        self.came_from(path, source)
        for at in range(count):
            self.came_from(f"{path}/{at}", f"{source}/{at}")
            for argument, name in names.items():
                self.came_from(f"{path}/{at}/{name}", f"{source}/{at}/{argument}")

    def finished(self, home: Home) -> Iterator[Finished]:
        """The resources: one, or one per place where it is not known at which of several it will lie."""
        choice_of = self.id if isinstance(self.id, Choice) else None
        for at, identifier in enumerate(choice_of.values if choice_of is not None else (self.id,)):
            when = self.when
            if choice_of is not None:
                cause = choice_of.cause or self.instance.address
                where = Condition(cause, choice_of.reason, len(choice_of.values), frozenset({at}))
                when = (*when, where)
            found = self._made(settle_id(identifier, self.kind, self.instance.address, home), home)
            yield Finished(replace(found, places=self.places, optional=words(when)), when)

    def _made(self, identifier: str, home: Home) -> Resource:
        body = {key: exported(value, home) for key, value in self.body.items()}
        place = self.places[""][0] if self.places[""] else None
        origin = Origin(
            "terraform",
            place.file if place else self.instance.file,
            place.line if place else None,
            place.column if place else None,
        )
        name = shown(self.name) if not isinstance(self.name, dict) else ""
        if isinstance(self.name, Choice) and all(isinstance(one, str) for one in self.name.values):
            name = unquote(ids.name_of(identifier))
        body["name"] = name or f"[{self.instance.address}]"
        location = body.get("location")
        if not isinstance(location, str):
            location = ""
        made = make(self.kind, identifier, body, origin, self.api_version)
        if self.kind.lower() == _WEBHOOKS:
            _show_scheme(made.body, self.body)
        written = exported(self.name, home) if self.name is not None else made.name
        return replace(made, name=name or made.name, body={**made.body, "name": written})


_WEBHOOKS = "microsoft.containerregistry/registries/webhooks"
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def _show_scheme(made: Mapping[str, Any], written: Mapping[str, Any]) -> None:
    """Of a webhook's address, which may hold a token, the scheme stays readable: rules ask for https."""
    properties = written.get("properties")
    held = made.get("properties")
    if not isinstance(properties, dict) or not isinstance(held, dict):
        return
    for name, address in properties.items():
        if name.lower() == "serviceuri":
            ways = address.values if isinstance(address, Choice) else (address,)
            shown = [_scheme_of(one) for one in ways]
            if not all(shown):
                return
            found = tuple(Partial((scheme, None), "the rest of the address is withheld") for scheme in shown)
            held["serviceUri"] = (
                Alternatives(found, address.reason, address.cause)
                if isinstance(address, Choice)
                else found[0]
            )


def _scheme_of(address: Any) -> str:
    """The scheme of an address, "" where it is not known."""
    first = address.parts[0] if isinstance(address, Text) else address
    scheme = _SCHEME.match(first) if isinstance(first, str) else None
    return scheme[0].lower() if scheme is not None else ""


def settle_id(value: Any, kind: str, address: str, home: Home) -> str:
    """The id of a resource as it is told; one that nothing is known of is named by its address."""
    rendered = home.settled(render(value))
    if rendered.startswith("/") and "//" not in rendered:
        return rendered
    names = [f"[{address}]"] * kind.count("/")
    if rendered and kind.count("/") > 1:
        names = [rendered.rpartition(f"/{kind.rpartition('/')[2]}/")[0] or rendered, *names[1:]]
    return ids.file_id(ids.file_scope(home.file, "", home.evaluation), kind, names)


def exported(value: Any, home: Home) -> Any:
    """A value as the body has it: ids are texts even where a part of them is not known, so that they join."""
    value = home.merged(value)
    if isinstance(value, (str, Text)) and is_id(value):
        rendered = render(value)
        return home.settled(rendered) if rendered else export(value)
    if isinstance(value, dict):
        return {key: exported(item, home) for key, item in value.items() if item is not None}
    if isinstance(value, (list, SetOf)):
        return [exported(item, home) for item in items_of(value)]
    if isinstance(value, Choice):
        return export(choice([_settled(one, home) for one in value.values], value.reason, value.cause))
    return export(value)


def _settled(value: Any, home: Home) -> Any:
    if isinstance(value, (str, Text)) and is_id(value):
        return home.settled(render(value)) or value
    if isinstance(value, dict):
        return {key: _settled(item, home) for key, item in value.items() if item is not None}
    if isinstance(value, (list, SetOf)):
        return [_settled(item, home) for item in items_of(value)]
    return value


def flag(value: Any) -> Any:
    """A boolean, also from its text."""
    return lift(
        lambda one: {"true": True, "false": False}.get(one, one) if isinstance(one, str) else one, value
    )


def worded(value: Any, on: str, off: str) -> Any:
    """A boolean as one of two words."""

    def word(one: Any) -> Any:
        return on if one is True else off if one is False else one

    return lift(word, flag(value))


def each(value: Any, work: Callable[[dict[str, Any]], Any]) -> Any:
    """What `work` makes of each of nested blocks; an open end stays open."""

    def one_way(blocks: Any) -> Any:
        if blocks is None:
            return []
        many = (
            [blocks]
            if isinstance(blocks, dict)
            else list(items_of(blocks))
            if isinstance(blocks, (list, SetOf))
            else None
        )
        if many is None:
            return Sym("nested blocks are no list", "error")
        return [_one(item, work) for item in many if item is not None]

    return lift(one_way, value)


def _one(item: Any, work: Callable[[dict[str, Any]], Any]) -> Any:
    if isinstance(item, dict):
        return {key: value for key, value in work(item).items() if value is not None}
    if isinstance(item, Sym):
        return Tail(item.reason, item.key)
    return item


def inside(value: Any, work: Callable[[dict[str, Any]], Any]) -> Any:
    """What `work` makes of a nested block that stands at most once; None where it is not there."""
    return lift(
        lambda one: work(one) if isinstance(one, dict) else None if one is None else Sym("no block", "error"),
        value,
    )


def region(value: Any) -> Any:
    """A location as Azure names it: `West Europe` is `westeurope`."""
    return lift(lambda one: one.replace(" ", "").lower() if isinstance(one, str) else one, value)


def known_length(value: Any) -> int:
    """How many elements a list has for certain; 0 for what is no list."""
    return len(value) if isinstance(value, list) else 0


def identity(value: Any, address: str) -> Any:
    """An `identity` block in Azure's shape."""

    def made(block: dict[str, Any]) -> dict[str, Any]:
        kind = block.get("type")
        found: dict[str, Any] = {"type": kind}
        identities = block.get("identity_ids")
        if identities is not None:
            found["userAssignedIdentities"] = lift(_by_id, identities)
        if isinstance(kind, str) and "systemassigned" in kind.lower():
            for name in ("principalId", "tenantId"):
                found[name] = Sym(
                    f"{address}.identity[0].{name} is known after deployment", "runtime", f"{address}.{name}"
                )
        return found

    return inside(value, made)


def _by_id(value: Any) -> Any:
    if not isinstance(value, (list, SetOf)):
        return Sym("identity_ids is no list", "error")
    found: dict[str, Any] = {}
    for item in items_of(value):
        name = render(item)
        if not name:
            return Sym("the identities are known after deployment", "runtime")
        found[name] = {}
    return found
