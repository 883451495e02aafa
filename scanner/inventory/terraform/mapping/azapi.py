"""`azapi_resource` and its kin: bodies of Azure's own API, as they are written. No provider fills anything in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scanner.inventory.terraform.functions import DEEP
from scanner.inventory.terraform.home import Home
from scanner.inventory.terraform.instance import Instance
from scanner.inventory.terraform.mapping.draft import Draft, identity, region
from scanner.inventory.terraform.values import Encoded, EvaluationError, Secret, Sym, Text, is_handle, lift


def type_of(instance: Instance) -> tuple[str, str]:
    """(type, api-version) of what an azapi resource names."""
    given = instance.value("type")
    kind, _, version = given.partition("@") if isinstance(given, str) else ("", "", "")
    return kind, version


def azapi_resource(instance: Instance, home: Home) -> Iterator[Draft]:
    """`azapi_resource`: 1:1."""
    del home
    kind, version = type_of(instance)
    name = instance.value("name")
    draft = Draft(instance, kind, instance.get("id"), name, version or None)
    if instance.has("location"):
        draft.put("location", region(instance.value("location")), "location")
    draft.put("tags", instance.value("tags"), "tags")
    draft.put("identity", identity(instance.block("identity"), instance.address), "identity")
    content = decoded(instance.value("body"))
    if not isinstance(content, (dict, type(None))):
        content = {"properties": content}
    for key, value in (content or {}).items():
        draft.put(key, value)
    draft.came_from("properties", "body")
    hidden = decoded(instance.value("sensitive_body"))
    if isinstance(hidden, dict):
        draft.body = merged(draft.body, _secret(hidden))
    draft.came_from("sku", "body")
    yield draft


def decoded(value: Any) -> Any:
    """A body: an object from 2.x on, JSON in a text before."""

    def one_way(one: Any) -> Any:
        if isinstance(one, str):
            try:
                return DEEP["jsondecode"](one)
            except EvaluationError:
                return Sym("the body is no JSON", "error")
        if isinstance(one, (Text, Secret)) or is_handle(one):
            return Sym("parts of the body's text are not known", "parameter")
        return one

    if isinstance(value, Encoded):
        return value.value
    if isinstance(value, (Text, Secret)):
        return one_way(value)
    return lift(one_way, value)


def merged(base: Any, over: Any) -> Any:
    """An object with what another one says of it; lists are replaced."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    found = dict(base)
    for key, value in over.items():
        same = next((name for name in found if name.lower() == key.lower()), key)
        found[same] = merged(found[same], value) if same in found else value
    return found


def _secret(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _secret(item) for key, item in value.items()}
    return Secret("sensitive") if value is not None else None
