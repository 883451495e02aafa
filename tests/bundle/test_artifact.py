"""The OCI manifest: what is written has the form of OCI 1.1, and what is none of ours is refused for what it is."""

from __future__ import annotations

import hashlib
import json

import jsonschema
import oras.schemas
import pytest

from scanner.bundle.archive import packed
from scanner.bundle.artifact import EMPTY, layer_of, manifest_of
from scanner.bundle.manifest import PackFacts
from scanner.bundle.opening import MOST_BYTES
from scanner.errors import InputError

PACK = PackFacts("tiny", "1.4.0", "TNY", "d" * 64, ">=0.1", "acrscan/v1", 2)
ARCHIVE = packed({"a": b"x"}, compressed=True)


def record(**changed):
    return {**json.loads(manifest_of(ARCHIVE, PACK)), **changed}


def test_the_manifest_says_what_it_is():
    """Artifact type, the empty config of OCI 1.1, one layer with its title, no time: the same bytes each time."""
    content = manifest_of(ARCHIVE, PACK)
    assert content == manifest_of(ARCHIVE, PACK)
    found = json.loads(content)
    assert found["artifactType"] == "application/vnd.acrscan.pack.v1"
    assert found["config"]["mediaType"] == "application/vnd.oci.empty.v1+json"
    assert found["config"]["digest"] == f"sha256:{hashlib.sha256(EMPTY).hexdigest()}"
    (layer,) = found["layers"]
    assert layer["mediaType"] == "application/vnd.acrscan.pack.v1.tar+gzip"
    assert layer["annotations"] == {"org.opencontainers.image.title": "tiny-1.4.0.tar.gz"}
    assert found["annotations"] == {
        "org.opencontainers.image.title": "tiny",
        "org.opencontainers.image.version": "1.4.0",
        "dev.acrscan.pack.sha256": "d" * 64,
    }
    jsonschema.validate(found, oras.schemas.manifest)
    assert layer_of(content, "x").digest == f"sha256:{hashlib.sha256(ARCHIVE).hexdigest()}"


def test_what_is_given_is_annotated():
    """A time and annotations of the user; what tells of the pack cannot be overwritten."""
    given = {"org.opencontainers.image.source": "https://x", "org.opencontainers.image.version": "9"}
    found = json.loads(manifest_of(ARCHIVE, PACK, created="2026-11-25T02:00:00Z", annotations=given))
    assert found["annotations"]["org.opencontainers.image.created"] == "2026-11-25T02:00:00Z"
    assert found["annotations"]["org.opencontainers.image.source"] == "https://x"
    assert found["annotations"]["org.opencontainers.image.version"] == "1.4.0"


def test_a_plain_tar_has_its_own_type():
    """An archive that is not compressed says so."""
    found = json.loads(manifest_of(packed({"a": b"x"}, compressed=False), PACK))["layers"][0]
    assert found["mediaType"] == "application/vnd.acrscan.pack.v1+tar"
    assert found["annotations"]["org.opencontainers.image.title"] == "tiny-1.4.0.tar"


LAYER = record()["layers"][0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff", "is not UTF-8 text"),
        (b"<html>", "is not valid JSON"),
        (b"[]", "is no pack"),
        (record(mediaType="application/vnd.oci.image.index.v1+json"), "its manifest is a 'application/vnd.oci.image.index"),
        (record(schemaVersion=1), "is no pack"),
        (record(artifactType="application/vnd.example"), "its artifact type is 'application/vnd.example'"),
        (record(artifactType=None, config={"mediaType": "application/vnd.oci.image.config.v1+json"}), "its artifact type is 'application/vnd.oci.image.config"),
        (record(artifactType=None, config=None), "its artifact type is nothing"),
        (record(layers=[]), "not exactly one layer"),
        (record(layers=[LAYER, LAYER]), "not exactly one layer"),
        (record(layers=[{**LAYER, "mediaType": "text/plain"}]), "its layer is a 'text/plain'"),
        (record(layers=[{**LAYER, "digest": "sha512:abc"}]), "no sha256 digest"),
        (record(layers=[{**LAYER, "size": MOST_BYTES + 1}]), "a bundle has at most"),
        (record(layers=[{**LAYER, "size": True}]), "a bundle has at most"),
        (record(layers=[{**LAYER, "size": -1}]), "a bundle has at most"),
        (record(layers=["x"]), "its layer is a nothing"),
    ],
)  # fmt: skip
def test_what_is_no_pack(content, words):
    """An image, an index, another artifact, a layer of another kind or size: refused before anything is downloaded."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    with pytest.raises(InputError, match=words):
        layer_of(raw, "r.io/a:1")
