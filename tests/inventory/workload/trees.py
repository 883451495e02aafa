"""What the tests of workloads share: a tree of files comes in, what was read of it comes out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scanner.inventory.tree import Tree
from scanner.inventory.workload.facts import FILES, IMAGES, Facts
from scanner.inventory.workload.reading import Reading, read_workload
from scanner.inventory.workload.source import Text
from scanner.model.resource import Resource
from scanner.model.values import Partial, Unknown

NOW = "2026-11-26T00:00:00Z"


def written(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """A folder with these files."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def read(folder: Path, files: Mapping[str, str | bytes]) -> Reading:
    """What is read of a folder with these files."""
    return read_workload(Tree.of([written(folder, files)]), now=NOW)


def resources(reading: Reading, kind: str) -> list[Resource]:
    """All resources of a type."""
    return list(reading.inventory.parts.get(kind.lower(), ()))


def images(reading: Reading) -> dict[str, dict[str, Any]]:
    """Properties of image references by the words for their place."""
    return {one.body["properties"]["at"]: one.body["properties"] for one in resources(reading, IMAGES)}


def references(reading: Reading) -> dict[str, str]:
    """References by the words for their place; `…` for what is not known."""
    return {at: plain(one["reference"]) for at, one in images(reading).items()}


def plain(value: Any) -> str:
    """A value as text, with `…` for what is not known."""
    if isinstance(value, Partial):
        return "".join("…" if part is None else part for part in value.parts)
    return "…" if isinstance(value, Unknown) else str(value)


def rows(reading: Reading, group: str) -> list[dict[str, Any]]:
    """The rows of a list, of all files."""
    return [row for one in resources(reading, FILES) for row in one.body["properties"].get(group, ())]


def position(reading: Reading, at: str) -> tuple[str, int, int]:
    """File, line and column of an image reference."""
    one = next(one for one in resources(reading, IMAGES) if one.body["properties"]["at"] == at)
    place = one.places[""][0]
    return place.file, place.line, place.column


def row_position(reading: Reading, group: str, number: int = 0) -> tuple[str, int, int]:
    """File, line and column of a row."""
    for one in resources(reading, FILES):
        found = one.places.get(f"/properties/{group}/{number}")
        if found:
            return found[0].file, found[0].line, found[0].column
    raise AssertionError(f"no row {number} of {group}")


def facts(text: str, kind: str, name: str = "file") -> Facts:
    """Empty facts of a text."""
    return Facts(Text(name, text), kind)
