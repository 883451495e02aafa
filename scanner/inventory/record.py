"""Resources as stored records and back, the inventory's digest, and parts that lie in memory.

A record keeps markers out of the body: `unread` and `hidden` map JSON pointers to reasons and kinds, the body holds null
or `{"$hidden": kind}` in their place, so a body that says `{"$hidden": ...}` by itself stays plain data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from scanner.model import ids
from scanner.model.resource import Origin, Part, Resource, plant
from scanner.model.values import ABSENT, Alternatives, Hidden, Partial, Unknown, UnreadTail


def sort_key(resource: Resource) -> str:
    """What parts are sorted by."""
    return ids.order_key(ids.anchor(resource.type, resource.id, resource.body))


class ListPart:
    """A part whose resources are in memory; sorted here."""

    def __init__(self, kind: str, rows: Iterable[Resource]) -> None:
        self._type = kind
        self._rows = sorted(rows, key=sort_key)

    @property
    def type(self) -> str:
        """The ARM type."""
        return self._type

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def to_record(resource: Resource) -> dict[str, Any]:
    """The record of a resource, without anything secret."""
    origin = resource.origin
    return {
        "id": resource.id,
        "type": resource.type,
        "name": resource.name,
        "location": resource.location,
        "apiVersion": resource.api_version,
        "body": stripped(resource.body),
        "unread": dict(resource.unread),
        "hidden": dict(resource.hidden),
        "origin": {
            "source": origin.source,
            "where": origin.where,
            "line": origin.line,
            "column": origin.column,
            "collectedAt": origin.collected_at,
        },
    }


def stripped(value: Any) -> Any:
    """A body without markers: null or `{"$hidden": kind}` in their place, unread tails gone."""
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if kind is dict or isinstance(value, Mapping):
        return {key: stripped(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [stripped(item) for item in value if not isinstance(item, UnreadTail)]
    if isinstance(value, Hidden):
        return {"$hidden": value.kind}
    if isinstance(value, Alternatives):
        return {"$oneOf": [None if item is ABSENT else stripped(item) for item in value.values]}
    if isinstance(value, Partial):
        return {"$parts": list(value.parts)}
    return None if isinstance(value, Unknown) else value


def from_record(record: Mapping[str, Any]) -> Resource:
    """The resource of a record. Raises KeyError or TypeError for what is no record."""
    origin = record["origin"]
    body = record["body"]
    unread, hidden = record["unread"], record["hidden"]
    if unread or hidden:
        body = plant(body, unread, hidden)
    return Resource(
        record["id"],
        record["type"],
        record["name"],
        body,
        record["location"],
        record["apiVersion"],
        unread,
        hidden,
        Origin(origin["source"], origin["where"], origin["line"], origin["column"], origin["collectedAt"]),
    )


def digest(parts: Mapping[str, Part]) -> str:
    """sha256 (hex) over ids, bodies, api-versions, unread and hidden of everything, in order; no times."""
    found = hashlib.sha256()
    for kind in sorted(parts):
        for resource in parts[kind]:
            content = [
                resource.id,
                resource.type,
                resource.api_version,
                stripped(resource.body),
                dict(resource.unread),
                dict(resource.hidden),
            ]
            found.update(orjson.dumps(content, option=orjson.OPT_SORT_KEYS))
            found.update(b"\n")
    return found.hexdigest()
