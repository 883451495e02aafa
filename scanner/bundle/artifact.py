"""A bundle as an OCI artifact: its manifest in a registry comes out of a bundle, and a manifest of a registry is read.

One layer, the archive itself; the empty config of OCI 1.1; `artifactType` says what it is. `oras pull` writes the archive
under the layer's title. The same bundle gives the same bytes, so the same digest, in every registry.
Sources: https://github.com/opencontainers/image-spec/blob/main/manifest.md (guidelines for artifacts, empty descriptor),
https://github.com/opencontainers/image-spec/blob/main/annotations.md
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from scanner.bundle.manifest import ARTIFACT_TYPE, TAR, TAR_GZIP, PackFacts
from scanner.bundle.opening import GZIP, MOST_BYTES
from scanner.bundle.reference import DIGEST
from scanner.errors import InputError
from scanner.json_text import parse_json

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
EMPTY, EMPTY_TYPE = b"{}", "application/vnd.oci.empty.v1+json"
LARGEST = 4_000_000
"""Bytes of a manifest that registries must take, and the most that is read of one."""
TITLE = "org.opencontainers.image.title"
VERSION = "org.opencontainers.image.version"
CREATED = "org.opencontainers.image.created"
PACK_DIGEST = "dev.acrscan.pack.sha256"


@dataclass(frozen=True, slots=True)
class Blob:
    """What a manifest says of one blob."""

    media_type: str
    digest: str
    size: int
    title: str = ""


def digest_of(content: bytes) -> str:
    """The digest as registries write it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def manifest_of(
    archive: bytes, pack: PackFacts, *, created: str = "", annotations: Mapping[str, str] | None = None
) -> bytes:
    """The bytes of the OCI manifest of an archive. `created`: RFC 3339; there is none unless it is given."""
    compressed = archive.startswith(GZIP)
    title = f"{pack.id}-{pack.version}{'.tar.gz' if compressed else '.tar'}"
    about = {TITLE: pack.id, VERSION: pack.version, PACK_DIGEST: pack.digest}
    if created:
        about[CREATED] = created
    record = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": ARTIFACT_TYPE,
        "config": {"mediaType": EMPTY_TYPE, "digest": digest_of(EMPTY), "size": len(EMPTY), "data": "e30="},
        "layers": [
            {
                "mediaType": TAR_GZIP if compressed else TAR,
                "digest": digest_of(archive),
                "size": len(archive),
                "annotations": {TITLE: title},
            }
        ],
        "annotations": {**(annotations or {}), **about},
    }
    return orjson.dumps(record, option=orjson.OPT_SORT_KEYS)


def layer_of(content: bytes, where: str) -> Blob:
    """The archive that a manifest names. Raises `InputError` for an image, an index, or another artifact."""
    try:
        record = parse_json(content.decode(), where)
    except UnicodeDecodeError as error:
        raise InputError("the registry's manifest is not UTF-8 text", where) from error
    record = record if isinstance(record, dict) else {}
    kind = record.get("mediaType", MANIFEST)
    if kind != MANIFEST or record.get("schemaVersion") != 2:
        raise InputError(f"is no pack: its manifest is a {_word(kind)}", where, _advice())
    if record.get("artifactType") != ARTIFACT_TYPE:
        what = record.get("artifactType") or _field(record.get("config"), "mediaType")
        raise InputError(f"is no pack: its artifact type is {_word(what)}", where, _advice())
    layers = record.get("layers")
    if not isinstance(layers, list) or len(layers) != 1:
        raise InputError("is no pack: it has not exactly one layer", where, _advice())
    layer = layers[0]
    media, digest, size = (_field(layer, key) for key in ("mediaType", "digest", "size"))
    if media not in (TAR, TAR_GZIP):
        raise InputError(f"is no pack: its layer is a {_word(media)}", where, _advice())
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise InputError("its layer has no sha256 digest", where, _advice())
    if not isinstance(size, int) or isinstance(size, bool) or not 0 < size <= MOST_BYTES:
        raise InputError(f"its layer has a size of {_word(size)}; a bundle has at most {MOST_BYTES:,} bytes", where)  # fmt: skip
    title = _field(_field(layer, "annotations"), TITLE)
    return Blob(media, digest, size, title if isinstance(title, str) else "")


def _field(record: Any, key: str) -> Any:
    return record.get(key) if isinstance(record, dict) else None


def _word(value: Any) -> str:
    return ascii(value)[:120] if value is not None else "nothing"


def _advice() -> str:
    return f"Packs are {ARTIFACT_TYPE}; `acrscan policy push` makes them."
