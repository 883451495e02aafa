"""Manifests of one repository: listed rows, contents and referrers come in, each manifest with what it refers to comes out.

Source: https://github.com/opencontainers/image-spec/blob/main/manifest.md, .../image-index.md
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from scanner.inventory._azure.client import NotRead
from scanner.model.resource import Resource, plant

_INDEXES = ("image.index", "manifest.list")
_KEPT = ("mediaType", "digest", "size", "urls")


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

    An index names its platforms: these are `referencedBy` it. Without the content of an index, what it names is not
    known, so nobody's `referencedBy` is complete.
    """
    by_child: dict[str, list[str]] = {}
    lost = "" if complete else "the list of manifests is incomplete"
    for digest, content in contents.items():
        if isinstance(content, NotRead):
            lost = lost or f"manifest {digest[:19]} was not read: {content.reason}"
            continue
        for child in _objects(content.get("manifests")):
            if isinstance(child.get("digest"), str):
                by_child.setdefault(child["digest"], []).append(digest)
    for digest, row in rows.items():
        yield _one(row, contents.get(digest), sorted(by_child.get(digest, ())), lost)
    for subject, items in referrers.items():
        for item in items:
            named = item.get("digest")
            if isinstance(named, str) and named not in rows:
                described: dict[str, Any] = {
                    key: item[key] for key in ("mediaType", "artifactType", "digest") if key in item
                }
                described |= {"imageSize": item.get("size"), "subject": {"digest": subject}}
                yield Known(described, {"/layers": "named by the referrers of an image only"})


def _one(
    row: Mapping[str, Any],
    content: dict[str, Any] | NotRead | None,
    parents: list[str],
    lost: str,
) -> Known:
    found = dict(row)
    unread: dict[str, str] = {}
    if parents:
        found["referencedBy"] = parents
    if lost:
        unread["/referencedBy/-" if parents else "/referencedBy"] = lost
    if not isinstance(content, dict):
        reason = content.reason if isinstance(content, NotRead) else "not asked for"
        unread |= dict.fromkeys(("/layers", "/subject", "/references", "/artifactType", "/config"), reason)
        return Known(found, unread)
    found.setdefault("mediaType", content.get("mediaType"))
    for key in ("artifactType", "subject"):
        if key in content:
            found[key] = content[key]
    config = content.get("config")
    if isinstance(config, dict):
        found["config"] = {key: config[key] for key in _KEPT if key in config}
        found.setdefault("configMediaType", config.get("mediaType"))
    layers = content.get("layers") if "layers" in content else content.get("blobs")
    if isinstance(layers, list):
        found["layers"] = [{key: layer[key] for key in _KEPT if key in layer} for layer in _objects(layers)]
    children = content.get("manifests")
    if isinstance(children, list):
        found["references"] = [_reference(child) for child in _objects(children)]
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
