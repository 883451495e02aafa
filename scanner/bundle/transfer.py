"""Push and pull: a checked bundle goes to a registry or a layout's folder under a tag; what comes back is checked before it lands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from scanner.bundle.artifact import EMPTY, Blob, digest_of, layer_of, manifest_of
from scanner.bundle.check import Examined, examine
from scanner.bundle.opening import from_bytes
from scanner.bundle.reference import Reference
from scanner.errors import InputError, UsageError


class Store(Protocol):
    """Where manifests and blobs lie."""

    place: Reference

    def manifest(self, wanted: str) -> bytes:
        """The manifest of a tag or digest."""
        ...

    def tagged(self, tag: str) -> str:
        """The digest of a tag, or ""."""
        ...

    def blob(self, wanted: Blob) -> bytes:
        """A blob's content, at most as long as stated."""
        ...

    def put_blob(self, content: bytes) -> None:
        """Keep a blob."""
        ...

    def put_manifest(self, content: bytes, wanted: str) -> None:
        """Keep a manifest under a tag."""
        ...


@dataclass(frozen=True, slots=True)
class Pulled:
    """What came: the archive's bytes, the digest of the manifest that named it, and what was found in it."""

    content: bytes
    digest: str
    title: str
    examined: Examined


def push(
    store: Store,
    archive: bytes,
    examined: Examined,
    *,
    created: str = "",
    annotations: Mapping[str, str] | None = None,
    move: bool = False,
) -> tuple[str, bool]:
    """(digest of the manifest, whether anything had to be written). A tag that holds another pack is moved only on demand."""
    examined.refuse()
    content = manifest_of(archive, examined.manifest.pack, created=created, annotations=annotations)
    digest, tag = digest_of(content), store.place.tag
    if store.place.digest:
        raise UsageError("a pack is pushed to a tag, not to a digest", str(store.place), "Leave out @sha256:...")  # fmt: skip
    there = store.tagged(tag)
    if there == digest:
        return digest, False
    if there and not move:
        raise UsageError(
            f"the tag holds something else already: {there}", str(store.place), "Raise pack.version and push to a new tag, or say --move-tag."
        )  # fmt: skip
    store.put_blob(EMPTY)
    store.put_blob(archive)
    store.put_manifest(content, tag)
    return digest, True


def pull(store: Store) -> Pulled:
    """The bundle at a place. Raises `InputError` where a digest does not fit, `Problems` where the bundle does not hold."""
    place = str(store.place)
    content = store.manifest(store.place.wanted)
    digest = digest_of(content)
    if store.place.digest and digest != store.place.digest:
        raise InputError(f"the manifest has the digest {digest}", place, "It is not the one that was asked for.")  # fmt: skip
    layer = layer_of(content, place)
    archive = store.blob(layer)
    if len(archive) != layer.size or digest_of(archive) != layer.digest:
        raise InputError(
            f"the archive has the digest {digest_of(archive)}, its manifest says {layer.digest}", place, "What arrived is not what was pushed: a proxy, or somebody, changed it."
        )  # fmt: skip
    examined = examine(from_bytes(archive, place))
    examined.refuse()
    return Pulled(archive, digest, layer.title, examined)
