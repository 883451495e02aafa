"""Earlier nights of the sample estate: its inventory and what was different then come in, the inventory of that night comes out."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from scanner.inventory.record import digest
from scanner.model import ids
from scanner.model.resource import Inventory, Part, Resource


class Loaded(list[Resource]):
    """A part that is held."""

    def __init__(self, kind: str, rows: Iterator[Resource]) -> None:
        super().__init__(rows)
        self.type = kind


def nights(file: Path) -> list[dict[str, Any]]:
    """The nights, oldest first; each has `now`, `without` and `set`."""
    found: list[dict[str, Any]] = orjson.loads(file.read_bytes())["nights"]
    return found


def earlier(inventory: Inventory, night: Mapping[str, Any]) -> Inventory:
    """The inventory as it was on a night."""
    parts: dict[str, Part] = {
        name: Loaded(part.type, _rows(part, night)) for name, part in inventory.parts.items()
    }
    return replace(inventory, parts=parts, digest=digest(parts), collected_at=night["now"])


def _rows(part: Part, night: Mapping[str, Any]) -> Iterator[Resource]:
    for row in part:
        home = ids.registry_of(row.id).lower() or row.id.lower()
        if any(home.endswith(name) for name in night["without"]):
            continue
        changes = [change for change in night["set"] if row.id.lower().endswith(change["id"])]
        body: Any = copy.deepcopy(row.body) if changes else row.body
        for change in changes:
            *way, last = change["path"]
            place = body
            for key in way:
                place = place.setdefault(key, {})
            place[last] = change["value"]
        origin = replace(row.origin, collected_at=night["now"]) if row.origin.collected_at else row.origin
        yield replace(row, body=body, origin=origin)
