"""Parts of plans: values with their `after_unknown` and `after_sensitive` come in, what is known of them comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from scanner.inventory.terraform.values import Secret, Sym
from scanner.inventory.terraform.versions import NEWEST, Version


def object_of(value: Any) -> dict[str, Any]:
    """An object; what is none has nothing in it."""
    return value if isinstance(value, dict) else {}


def list_of(value: Any) -> list[Any]:
    """A list; what is none is empty."""
    return value if isinstance(value, list) else []


def merge(after: Any, unknown: Any, sensitive: Any, path: str) -> Any:
    """A value with what is not known and what is secret marked in it."""
    if unknown is True:
        return Sym(f"{path} is known after apply", "runtime", path)
    if sensitive is True and after not in (None, [], {}):
        return Secret("sensitive", path)
    if isinstance(after, dict) or isinstance(unknown, dict):
        base, holes, secrets = object_of(after), object_of(unknown), object_of(sensitive)
        return {
            key: merge(base.get(key), holes.get(key), secrets.get(key), f"{path}.{key}")
            for key in dict.fromkeys([*base, *holes])
        }
    if isinstance(after, list) or isinstance(unknown, list):
        base_list, hole_list, secret_list = list_of(after), list_of(unknown), list_of(sensitive)
        return [
            merge(_at(base_list, at), _at(hole_list, at), _at(secret_list, at), f"{path}[{at}]")
            for at in range(max(len(base_list), len(hole_list)))
        ]
    return after


def _at(value: list[Any], at: int) -> Any:
    return value[at] if at < len(value) else None


def join_references(values: Any, expressions: Any, find: Callable[[list[Any]], Any]) -> None:
    """Put what references lead to in the place of unknown values, in nested blocks too."""
    for name, expression in object_of(expressions).items():
        value = values.get(name)
        if isinstance(value, Sym) and isinstance(expression, dict):
            found = find(list_of(expression.get("references")))
            if found is not None:
                values[name] = found
        elif isinstance(value, list) and isinstance(expression, list):
            for one, inner in zip(value, expression, strict=False):
                if isinstance(one, dict):
                    join_references(one, inner, find)
        elif isinstance(value, list) and isinstance(expression, dict):
            references = list_of(expression.get("references"))
            for at, one in enumerate(value):
                found = find(references) if isinstance(one, Sym) and len(value) == 1 else None
                if found is not None:
                    value[at] = found


def version_of(values: Mapping[str, Any]) -> Version:
    """The version whose schema has these attributes: a plan tells all of them."""
    if "retention_policy" in values or "trust_policy" in values:
        return (3, 117, 0)
    return (4, 81, 0) if "trust_policy_enabled" in values else NEWEST
