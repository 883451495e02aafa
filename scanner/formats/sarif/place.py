"""Where a finding is: the file and line that declare the resource, or the inventory file it would have in a repository.

A cloud resource has no source file. Services refuse results without one, so each registry gets a stable, relative,
lower-case address (`inventory/<subscription>/<resource group>/<registry>.json`) beside its real id.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from scanner.formats._text import visible
from scanner.formats.sarif.texts import plain
from scanner.model import ids

if TYPE_CHECKING:
    from scanner.model.finding import Finding
    from scanner.model.resource import Place

BASE = "SRCROOT"
FILE_SOURCES = frozenset({"arm", "terraform", "host", "workload", "waivers"})
"""Sources whose resources are declared in files of a repository."""
OUTSIDE = "outside"
_LONGEST_NAME = 200

PORTAL = "https://portal.azure.com/#@/resource"
_REGISTRIES = "/providers/microsoft.containerregistry/registries/"
_START = {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 2}
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_SPOT = re.compile(r"(.+):(\d{1,9}):(\d{1,9})", re.DOTALL)


def in_file(row: Finding) -> bool:
    """Whether the resource is declared in a file."""
    return row.origin.source in FILE_SOURCES and bool(row.origin.where)


@dataclass(frozen=True, slots=True)
class Places:
    """How files are addressed: `root` is the checkout's folder, `folder` the one in it that paths start from ("" = root).

    `relative`: an absolute address would make the reader refuse the whole log, so what lies outside the checkout is
    named by its file name below `outside/`.
    """

    root: str = ""
    folder: str = ""
    relative: bool = False

    def artifact(self, row: Finding) -> dict[str, str]:
        """Where the finding's file is, or would be."""
        if in_file(row):
            return self.file(row.origin.where)
        return {"uri": inventory_uri(row.resource), "uriBaseId": BASE}

    def checked_out(self, row: Finding) -> bool:
        """Whether the finding's file should be found in the checkout, so that an uploader can read its lines."""
        return in_file(row) and not self.file(row.origin.where)["uri"].startswith(
            ("file:", f"{OUTSIDE}/", "_../")
        )

    def file(self, where: str) -> dict[str, str]:
        """The address of a file as it was given on the command line."""
        path = where.replace("\\", "/")
        absolute = path.startswith("/") or bool(_DRIVE.match(where))
        root = self.root.replace("\\", "/").rstrip("/")
        if absolute and root and path.startswith(f"{root}/"):
            absolute, path = False, path[len(root) + 1 :]
        elif not absolute and self.folder:
            path = f"{self.folder}/{path}"
        if not absolute:
            inside = posixpath.normpath(path) if self.folder or self.root else path
            return {
                "uri": _encoded([part for part in inside.split("/") if part not in {"", "."}]) or "_",
                "uriBaseId": BASE,
            }
        if self.relative:
            return {"uri": f"{OUTSIDE}/{_encoded([path.rsplit('/', 1)[-1]])}", "uriBaseId": BASE}
        if path.startswith("/"):
            return {"uri": "file://" + _encoded(path.split("/"))}
        return {"uri": f"file:///{path[:2]}{_encoded(path[2:].split('/'))}"}

    def spot(self, place: str) -> dict[str, Any]:
        """A physical location from `file:line:column`, or from a file alone."""
        match = _SPOT.fullmatch(place)
        if match is None:
            return {"artifactLocation": self.file(place)}
        return {"artifactLocation": self.file(match[1]), "region": _point(int(match[2]), int(match[3]))}

    def physical(self, row: Finding, *, snippet: bool = False) -> dict[str, Any]:
        """The artifact and the region of a finding; `snippet` adds what viewers show of it without the file.

        Every inventory file starts with a brace. A format reads no files, and lines of a repository may hold secrets:
        of those it is said what stands there (SARIF's `rendered`), and no text of the file is claimed.
        """
        declared = in_file(row)
        region = _region(row) if declared else _START
        found: dict[str, Any] = {"artifactLocation": self.artifact(row), "region": region}
        if snippet:
            name = plain(row.resource_name or row.resource, _LONGEST_NAME)
            shown = {"rendered": {"text": f"Declares '{name}'."}} if declared else {"text": "{"}
            lines = {key: region[key] for key in ("startLine", "endLine")}
            found["region"] = {**region, "snippet": shown}
            found["contextRegion"] = {**lines, "snippet": shown}
        return found

    def related(self, row: Finding) -> list[dict[str, Any]]:
        """Where the value comes from (parameter default, parameter file, variable, module argument), nearest first."""
        return [
            {
                "id": number,
                "message": {"text": plain(f"Comes from this {place.what}.", _LONGEST_NAME)},
                "physicalLocation": {"artifactLocation": self.file(place.file), "region": _span(place)},
            }
            for number, place in enumerate(row.places[1:], 1)
        ]


def _region(row: Finding) -> dict[str, int]:
    return _span(row.places[0]) if row.places else _point(row.origin.line or 1, row.origin.column or 1)


def _span(place: Place) -> dict[str, int]:
    """From its first to behind its last character, one character where the end is not known."""
    start = _point(place.line, place.column)
    if (place.end_line, place.end_column) <= (place.line, place.column):
        return start
    return {**start, "endLine": place.end_line, "endColumn": place.end_column}


def _point(line: int, column: int) -> dict[str, int]:
    line, column = max(line, 1), max(column, 1)
    return {"startLine": line, "startColumn": column, "endLine": line, "endColumn": column + 1}


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
    if row.resource.lower().startswith("/subscriptions/") and not ids.file_of(row.resource):
        address = quote(row.resource.encode("utf-8", "replace"), safe="/")
        found["properties"] = {"acrscan/type": row.resource_type, "acrscan/portal": PORTAL + address}
    else:
        found["properties"] = {"acrscan/type": row.resource_type}
    return found
