"""A folder with an OCI image layout: the same manifests and blobs as in a registry, without one.

`oras`, `skopeo` and `crane` read and write it; it carries a pack over a border that no connection crosses.
Source: https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from scanner.bundle.artifact import INDEX, LARGEST, MANIFEST, Blob, digest_of
from scanner.bundle.manifest import ARTIFACT_TYPE
from scanner.bundle.reference import DIGEST, Reference
from scanner.errors import InputError, OutputError
from scanner.json_text import read_json

MARK = b'{"imageLayoutVersion":"1.0.0"}'
NAMED = "org.opencontainers.image.ref.name"


class Layout:
    """One folder; has the methods of `registry.Registry`."""

    def __init__(self, place: Reference) -> None:
        self.place = place
        self._folder = Path(place.registry)

    def manifest(self, wanted: str) -> bytes:
        """The manifest of a tag or digest."""
        digest = wanted if DIGEST.fullmatch(wanted) else self.tagged(wanted)
        if not digest:
            raise InputError("there is no such pack in the folder", str(self.place), "Look at the tag.")
        return self._read(digest, LARGEST)

    def tagged(self, tag: str) -> str:
        """The digest that a tag stands for, or ""."""
        for one in self._index():
            if one.get("annotations", {}).get(NAMED) == tag:
                return str(one["digest"])
        return ""

    def blob(self, wanted: Blob) -> bytes:
        """The content of a blob, which has the size and the digest that its manifest states."""
        return self._read(wanted.digest, wanted.size)

    def put_blob(self, content: bytes) -> None:
        """Write a blob, unless it is there."""
        path = self._path(digest_of(content))
        self._put(path, content)

    def put_manifest(self, content: bytes, wanted: str) -> None:
        """Write a manifest and name it in the index; a tag is taken from what had it."""
        digest = digest_of(content)
        self.put_blob(content)
        entry: dict[str, Any] = {"mediaType": MANIFEST, "artifactType": ARTIFACT_TYPE, "digest": digest, "size": len(content)}  # fmt: skip
        if wanted != digest:
            entry["annotations"] = {NAMED: wanted}
        kept = [one for one in self._index() if one.get("annotations", {}).get(NAMED, one["digest"]) != wanted]  # fmt: skip
        record = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [*kept, entry]}
        path = self._folder / "index.json"
        try:
            text = orjson.dumps(record, option=orjson.OPT_SORT_KEYS)
        except orjson.JSONEncodeError as error:
            raise InputError(
                f"holds what cannot be kept: {error}", str(path), "Name another folder."
            ) from error
        self._put(self._folder / "oci-layout", MARK)
        self._put(path, text, again=True)

    def _index(self) -> list[dict[str, Any]]:
        path = self._folder / "index.json"
        if not path.is_file():
            return []
        record = read_json(path)
        found = record.get("manifests") if isinstance(record, dict) else None
        if not isinstance(found, list) or not all(_is_entry(one) for one in found):
            raise InputError("is no index of an OCI image layout", str(path), "Name another folder.")
        return found

    def _read(self, digest: str, most: int) -> bytes:
        path = self._path(digest)
        try:
            with path.open("rb") as file:
                content = file.read(most + 1)
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror or error}", str(path)) from error
        if len(content) > most or digest_of(content) != digest:
            raise InputError("is not what its name says: its digest differs", str(path), "Copy the folder again.")  # fmt: skip
        return content

    def _path(self, digest: str) -> Path:
        return self._folder / "blobs" / "sha256" / digest.removeprefix("sha256:")

    def _put(self, path: Path, content: bytes, *, again: bool = False) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if again or not path.is_file() or path.read_bytes() != content:
                beside = path.with_name(f".{path.name}.new")
                beside.write_bytes(content)
                beside.replace(path)
        except OSError as error:
            raise OutputError(f"cannot be written: {error.strerror or error}", str(path)) from error


def _is_entry(one: Any) -> bool:
    if not isinstance(one, dict) or not isinstance(one.get("annotations", {}), dict):
        return False
    digest = one.get("digest")
    return isinstance(digest, str) and DIGEST.fullmatch(digest) is not None
