"""What was found in the world: resources, where each came from, and what could not be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from scanner.model.values import Hidden, Unknown, UnreadTail

LIVE_SOURCES = frozenset({"azure", "saved", "snapshot"})
"""Sources that hold answers of the API itself: a key missing there may be a key that the api-version lacks."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a resource came from.

    `source`: azure, saved, snapshot, arm, terraform, workload, host, test. `where`: the request path or the file.
    `line` and `column` (1-based) for files that have positions. `collected_at`: RFC 3339, UTC, or None.
    """

    source: str
    where: str = ""
    line: int | None = None
    column: int | None = None
    collected_at: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file (1-based; columns in UTF-16 units, as SARIF counts). `what`: what stands there.

    `what`: property, resource, parameter default, parameter file, variable, module argument, local, template link ...
    """

    file: str
    line: int
    column: int
    end_line: int = 0
    end_column: int = 0
    what: str = "property"


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource. `body` is the ARM-shaped JSON of the whole resource (with id, name, type, properties ...).

    `body` is never edited after collection; markers (`scanner.model.values`) are planted in it where `unread` and
    `hidden` say so. Both map a JSON pointer (RFC 6901) to a reason or kind; `/list/-` marks an unread tail.
    `type` is in the casing of the type facts; `api_version` is None where unknown.
    """

    id: str
    type: str
    name: str
    body: Mapping[str, Any]
    location: str = ""
    api_version: str | None = None
    unread: Mapping[str, str] = field(default_factory=dict)
    hidden: Mapping[str, str] = field(default_factory=dict)
    origin: Origin = Origin("test")
    places: Mapping[str, tuple[Place, ...]] = field(default_factory=dict)
    """For what was written in files: JSON pointer -> its place, then where its value came from; "" is the resource's head."""
    optional: str = ""
    """Why it may not be deployed at all (a condition or count that is not known), or ""."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something was not read. `scope`: the id below which it is missing ("" = everywhere)."""

    scope: str
    reason: str
    status: int | None = None
    action: str = ""
    """The Azure action that is missing, e.g. `Microsoft.Authorization/roleAssignments/read`."""
    fix: str = ""
    """The exact command that would grant it."""
    chosen: bool = False
    """Left out because the user asked for less: nobody need be told that it is unknown."""


@dataclass(frozen=True, slots=True)
class SourceRun:
    """What one collection (one resource type) gave.

    `state`: `complete`, `partial` (see problems), `failed` (nothing read; see problems) or `not-asked`
    (an opt-in source nobody asked for). A type without a run was not collected.
    """

    source: str
    collection: str
    state: str
    count: int = 0
    problems: tuple[Problem, ...] = ()
    collected_at: str | None = None


class Part(Protocol):
    """All resources of one type, sorted by `ids.order_key(anchor)`; can be iterated again and again."""

    @property
    def type(self) -> str:
        """The ARM type."""
        ...

    def __iter__(self) -> Iterator[Resource]: ...

    def __len__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Principal:
    """A name for an object id, and the groups (object ids) it is a transitive member of."""

    id: str
    name: str
    type: str = ""
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What a collection knows of itself; "" where nobody noted it. Ids only, no names of people.

    `started`: RFC 3339. `identity`: `application <id>`, `user <id>` or `managed identity <id>`. `excluded`: subscription
    ids that are visible but were left out on purpose -> their names.
    """

    started: str = ""
    tenant: str = ""
    identity: str = ""
    excluded: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything collected: parts by lower-case type, runs, digest, names of principals, end time.

    `digest` (sha256 hex) covers ids, bodies, api-versions and unread, no times.
    """

    parts: Mapping[str, Part]
    runs: tuple[SourceRun, ...]
    digest: str
    collected_at: str
    principals: Mapping[str, Principal] = field(default_factory=dict)
    diagnostics: tuple[str, ...] = ()
    """Things the reader noticed and the user should know (ignored files, unknown types ...)."""
    facts: Facts = Facts()


def pointer(keys: tuple[str, ...]) -> str:
    """A JSON pointer (RFC 6901) from path keys."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)


def plant(body: Any, unread: Mapping[str, str], hidden: Mapping[str, str]) -> Any:
    """Put markers into a freshly decoded body at the given JSON pointers; returns the same body.

    Missing parents on the way are created as objects; pointers through a scalar are ignored (the scalar stands).
    """
    for where, reason in unread.items():
        if where == "":
            return Unknown(reason)
        _place(body, where, UnreadTail(reason) if where.endswith("/-") else Unknown(reason))
    for where, kind in hidden.items():
        _place(body, where, Hidden(kind))
    return body


def _place(body: Any, where: str, marker: object) -> None:
    keys = [key.replace("~1", "/").replace("~0", "~") for key in where.split("/")[1:]]
    node = body
    for key in keys[:-1]:
        if isinstance(node, list):
            if not key.isdigit() or int(key) >= len(node):
                return
            node = node[int(key)]
            continue
        if not isinstance(node, dict):
            return
        if node.get(key) is None:
            node[key] = [] if keys[-1] == "-" and key == keys[-2] else {}
        node = node[key]
    last = keys[-1]
    if isinstance(node, list):
        if last == "-":
            node.append(marker)
        elif last.isdigit() and int(last) < len(node):
            node[int(last)] = marker
    elif isinstance(node, dict):
        node[last] = marker
