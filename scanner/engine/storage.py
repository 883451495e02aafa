"""Storage of a repository: the manifests of its registry come in, what they take and what a clean-up frees comes out.

Layers and configurations are stored once per registry, however many manifests name them. Deleting untagged manifests frees
only what no remaining manifest names. Kept are tagged manifests, the platforms of a kept index, what refers to a kept
manifest (signatures, bills of materials), and what refers to a manifest that is gone: a clean-up takes no manifest with a
subject by itself, it goes with its subject. What was not read makes the figures that depend on it unknown.
Sources: https://learn.microsoft.com/azure/container-registry/container-registry-concepts (layers are shared),
https://learn.microsoft.com/azure/container-registry/container-registry-delete (what deletion frees),
https://github.com/Azure/acr-cli/pull/188 (manifests with a subject)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from scanner.model import ids
from scanner.model.resource import Resource
from scanner.model.values import Unknown, UnreadTail


@dataclass(slots=True)
class _Repository:
    """Blobs of a repository with their sizes: all of them, those of kept manifests; why something is not known."""

    blobs: dict[str, int] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    waste: dict[str, int] = field(default_factory=dict)
    unknown: str = ""


class Storage:
    """The figures of all repositories of one registry. `gap`: why manifests of the registry may be missing, or ""."""

    def __init__(self, manifests: Iterable[Resource], gap: str = "") -> None:
        groups: dict[str, list[Resource]] = {}
        for row in manifests:
            groups.setdefault(ids.normalise(ids.parent_of(row.id)), []).append(row)
        self._repositories = {key: _weighed(rows) for key, rows in groups.items()}
        self._unknown = gap or next((one.unknown for one in self._repositories.values() if one.unknown), "")
        self._holders: dict[str, int] = {}
        self._kept: set[str] = set()
        for one in self._repositories.values():
            self._kept |= one.kept
            for digest in one.blobs:
                self._holders[digest] = self._holders.get(digest, 0) + 1

    def row(self, repository: Resource, gap: str = "") -> dict[str, Any]:
        """The row of acrscan/storage for a repository. `gap`: why manifests of its own may be missing, or ""."""
        one = self._repositories.get(ids.normalise(repository.id), _Repository())
        own = gap or one.unknown
        unique = sum(size for digest, size in one.blobs.items() if self._holders[digest] == 1)
        shared = sum(size for digest, size in one.blobs.items() if self._holders[digest] > 1)
        freed = sum(size for digest, size in one.waste.items() if digest not in self._kept)
        return {
            "repository": repository.name,
            "uniqueBytes": self._known(unique),
            "sharedBytes": self._known(shared),
            "untaggedBytes": Unknown(own, "unread") if own else sum(one.waste.values()),
            "freeableBytes": self._known(freed),
        }

    def _known(self, figure: int) -> Any:
        """A figure that depends on every manifest of the registry."""
        return Unknown(self._unknown, "unread") if self._unknown else figure


def _weighed(rows: list[Resource]) -> _Repository:
    found = _Repository()
    bodies = {row.body.get("digest"): row.body for row in rows}
    kept = _kept(bodies)
    for digest, body in bodies.items():
        blobs, trouble = _blobs(body)
        found.unknown = found.unknown or trouble
        found.blobs |= blobs
        if digest in kept:
            found.kept |= blobs.keys()
        else:
            found.waste |= blobs
    return found


def _kept(bodies: Mapping[Any, Mapping[str, Any]]) -> set[Any]:
    """Digests that a deletion of untagged manifests leaves: tagged ones, orphans, and whatever hangs on them."""
    kept: set[Any] = set()
    waiting = [digest for digest, body in bodies.items() if body.get("tags")]
    hanging: dict[Any, list[Any]] = {}
    for digest, body in bodies.items():
        subject = body.get("subject")
        if isinstance(subject, Mapping):
            hanging.setdefault(subject.get("digest"), []).append(digest)
    waiting += [one for subject in hanging.keys() - bodies.keys() for one in hanging[subject]]
    while waiting:
        digest = waiting.pop()
        if digest in kept or digest not in bodies:
            continue
        kept.add(digest)
        waiting += hanging.get(digest, ())
        waiting += [item.get("digest") for item in _objects(bodies[digest].get("references"))]
    return kept


def _blobs(body: Mapping[str, Any]) -> tuple[dict[str, int], str]:
    """(size by digest of a manifest's layers and configuration, why they are not all known)."""
    layers, config = body.get("layers"), body.get("config")
    parts = (layers, config, body.get("subject"), body.get("references"), body.get("tags"))
    for part in parts:
        if isinstance(part, Unknown):
            return {}, part.reason
    if layers is None and body.get("references") is None:
        return {}, f"the content of manifest {str(body.get('digest'))[:19]} was not read"
    found: dict[str, int] = {}
    for blob in (*_objects(layers), *([config] if isinstance(config, Mapping) else ())):
        digest, size = blob.get("digest"), blob.get("size")
        if blob.get("urls"):
            continue  # a foreign layer lies elsewhere
        if not isinstance(digest, str) or type(size) is not int or size < 0:
            return found, "a layer without a digest or size"
        found[digest] = size
    return found, ""


def _objects(value: Any) -> list[Mapping[str, Any]]:
    if not isinstance(value, (list, tuple)):
        return []
    return [item for item in value if isinstance(item, Mapping) and not isinstance(item, UnreadTail)]
