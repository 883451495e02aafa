"""Manifests of one repository: listed rows, contents and referrers come in, each manifest with what it refers to comes out.

Source: https://github.com/opencontainers/image-spec/blob/main/manifest.md, .../image-index.md,
https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers (descriptors)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from scanner.inventory._azure.client import NotRead
from scanner.model.resource import Resource, plant

_INDEXES = ("image.index", "manifest.list")
_KEPT = ("mediaType", "digest", "size", "urls")
_LISTS = ("layers", "blobs", "manifests")
_ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json"
_CONTENT = ("layers", "subject", "references", "artifactType", "config")
_UNSAID = (
    "/layers",
    "/config",
    "/references",
    "/tags",
    "/changeableAttributes",
    "/createdTime",
    "/lastUpdateTime",
)


class Known(NamedTuple):
    """One manifest: its row, and JSON pointer -> reason of what is not known of it."""

    row: dict[str, Any]
    unread: dict[str, str]


def joined(
    rows: Mapping[str, Mapping[str, Any]],
    contents: Mapping[str, dict[str, Any] | NotRead],
    referrers: Mapping[str, list[dict[str, Any]]],
    *,
    complete: bool,
) -> Iterator[Known]:
    """Every manifest. `complete`: whether all rows of the repository are here.

    An index names its platforms: these are `referencedBy` it. Without the content of what may be an index, what it names
    is not known, so nobody's `referencedBy` is complete. What the referrers of an image say of a manifest stands in for a
    content that was not read.
    """
    by_child: dict[str, list[str]] = {}
    lost = "" if complete else "the list of manifests is incomplete"
    for digest, content in contents.items():
        if isinstance(content, NotRead):
            if not lost and _may_be_index(rows.get(digest, {})):
                lost = f"manifest {digest[:19]} was not read: {content.reason}"
            continue
        for child in _objects(content.get("manifests")):
            if isinstance(child.get("digest"), str):
                by_child.setdefault(child["digest"], []).append(digest)
    said = {item["digest"]: _said(item, subject) for subject, items in referrers.items() for item in items}
    for digest, row in rows.items():
        parents = sorted(set(by_child.get(digest, ())))
        yield _one(row, contents.get(digest), parents, lost, said.get(digest, {}))
    for digest, told in said.items():
        if digest not in rows:
            yield Known(told, dict.fromkeys(_UNSAID, "named by the referrers of an image only"))


def _may_be_index(row: Mapping[str, Any]) -> bool:
    kind = row.get("mediaType")
    return not isinstance(kind, str) or any(part in kind for part in _INDEXES)


def _said(item: Mapping[str, Any], subject: str) -> dict[str, Any]:
    """What a descriptor tells of a referrer; its artifactType is the config's type where the manifest has none.

    Its size is that of the manifest, not of the image.
    """
    kept = {key: item[key] for key in ("mediaType", "artifactType", "digest") if key in item}
    return {**kept, "subject": {"digest": subject}}


def unusable(content: Any) -> str:
    """Why an answer is no manifest that can be judged, or ""."""
    if not isinstance(content, dict):
        return "the manifest is no object"
    for key in _LISTS:
        value = content.get(key)
        if value is not None and not (
            isinstance(value, list) and all(isinstance(item, dict) for item in value)
        ):
            return f"the manifest's {key} are no list of objects"
    for key in ("config", "subject"):
        if not isinstance(content.get(key), (dict, type(None))):
            return f"the manifest's {key} is no object"
    if not any(key in content for key in _LISTS) and content.get("mediaType") != _ARTIFACT:
        return "a manifest of a form that is not known (Docker schema 1?)"
    return ""


def _one(
    row: Mapping[str, Any],
    content: dict[str, Any] | NotRead | None,
    parents: list[str],
    lost: str,
    said: Mapping[str, Any],
) -> Known:
    found = dict(row)
    unread: dict[str, str] = {}
    if parents:
        found["referencedBy"] = parents
    if lost:
        unread["/referencedBy/-" if parents else "/referencedBy"] = lost
    if not isinstance(content, dict):
        reason = content.reason if isinstance(content, NotRead) else "not asked for"
        told = {key: said[key] for key in ("artifactType", "subject") if key in said}
        open_keys = (key for key in _CONTENT if key not in told)
        return Known({**found, **told}, unread | {f"/{key}": reason for key in open_keys})
    found.setdefault("mediaType", content.get("mediaType"))
    for key in ("artifactType", "subject"):
        if key in content:
            found[key] = content[key]
    config = content.get("config")
    if isinstance(config, dict):
        found["config"] = {key: config[key] for key in _KEPT if key in config}
        found.setdefault("configMediaType", config.get("mediaType"))
    if "manifests" in content:
        found["references"] = [_reference(child) for child in _objects(content["manifests"])]
    else:
        layers = _objects(content.get("layers", content.get("blobs")))
        found["layers"] = [{key: layer[key] for key in _KEPT if key in layer} for layer in layers]
    return Known(found, unread)


def _reference(child: dict[str, Any]) -> dict[str, Any]:
    platform = child.get("platform")
    named = {key: platform[key] for key in ("architecture", "os") if key in platform} if isinstance(platform, dict) else {}  # fmt: skip
    return {**{key: child[key] for key in ("digest", "mediaType", "size") if key in child}, **named}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def marked(resource: Resource, unread: Mapping[str, str]) -> Resource:
    """The resource with what is not known of it."""
    if not unread:
        return resource
    return replace(resource, body=plant(dict(resource.body), unread, {}), unread=dict(unread))
