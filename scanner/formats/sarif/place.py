"""Where a finding is: the file and line that declare the resource, or the inventory file it would have in a repository.

A cloud resource has no source file. Services refuse results without one, so each registry gets a stable, relative,
lower-case address (`inventory/<subscription>/<resource group>/<registry>.json`) beside its real id.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from scanner.formats._text import visible
from scanner.model import ids

if TYPE_CHECKING:
    from scanner.model.finding import Finding

BASE = "SRCROOT"
FILE_SOURCES = frozenset({"arm", "terraform", "host", "waivers"})
"""Sources whose resources are declared in files of a repository."""

PORTAL = "https://portal.azure.com/#@/resource"
_REGISTRIES = "/providers/microsoft.containerregistry/registries/"
_START = {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 2}
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def in_file(row: Finding) -> bool:
    """Whether the resource is declared in a file."""
    return row.origin.source in FILE_SOURCES and bool(row.origin.where)


def physical(row: Finding, *, snippet: bool = False) -> dict[str, Any]:
    """The artifact and the region of a finding; `snippet` adds what stands at the start of every inventory file."""
    if not in_file(row):
        artifact = {"uri": inventory_uri(row.resource), "uriBaseId": BASE}
        if not snippet:
            return {"artifactLocation": artifact, "region": _START}
        first = {"snippet": {"text": "{"}}
        context = {"startLine": 1, "endLine": 1, **first}
        return {"artifactLocation": artifact, "region": {**_START, **first}, "contextRegion": context}
    line, column = max(row.origin.line or 1, 1), max(row.origin.column or 1, 1)
    region = {"startLine": line, "startColumn": column, "endLine": line, "endColumn": column + 1}
    return {"artifactLocation": _file(row.origin.where), "region": region}


def at_place(place: str) -> dict[str, Any]:
    """The artifact and region of a `file:line:column`."""
    parts = place.rsplit(":", 2)
    where, line, column = parts if len(parts) == 3 else (place, "1", "1")
    start = int(line) if line.isdigit() else 1
    first = int(column) if column.isdigit() else 1
    region = {"startLine": start, "startColumn": first, "endLine": start, "endColumn": first + 1}
    return {"artifactLocation": _file(where), "region": region}


def _file(where: str) -> dict[str, str]:
    path = where.replace("\\", "/")
    if path.startswith("/"):
        return {"uri": "file://" + _encoded(path.split("/"))}
    if _DRIVE.match(where):
        return {"uri": f"file:///{path[:2]}{_encoded(path[2:].split('/'))}"}
    return {"uri": _encoded([part for part in path.split("/") if part not in {"", "."}]), "uriBaseId": BASE}


def inventory_uri(resource: str) -> str:
    """The address of the registry that the resource is or lies in; of the resource itself where there is none."""
    lowered = ids.normalise(resource)
    at = lowered.find(_REGISTRIES)
    if at >= 0 and lowered.startswith("/subscriptions/"):
        parts = ids.segments(lowered[:at])
        name = lowered[at + len(_REGISTRIES) :].split("/")[0]
        return _encoded(["inventory", *parts[1:2], *parts[3:4], f"{name}.json"])
    *head, last = ids.segments(lowered) or ("tenant",)
    return _encoded(["inventory", *head, f"{last}.json"])


def _encoded(parts: list[str]) -> str:
    """Path segments percent-encoded; segments that would climb are defused."""
    safe = (f"_{part}" if part in {".", ".."} else part for part in parts)
    return "/".join(quote(part.encode("utf-8", "replace"), safe="") for part in safe)


def logical(row: Finding) -> dict[str, Any]:
    """The resource as a logical location of the run."""
    found: dict[str, Any] = {
        "name": visible(row.resource_name) or visible(row.resource),
        "fullyQualifiedName": visible(row.resource),
        "kind": "resource",
    }
    if row.resource.lower().startswith("/subscriptions/"):
        address = quote(row.resource.encode("utf-8", "replace"), safe="/")
        found["properties"] = {"acrscan/type": row.resource_type, "acrscan/portal": PORTAL + address}
    else:
        found["properties"] = {"acrscan/type": row.resource_type}
    return found
