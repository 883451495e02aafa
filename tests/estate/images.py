"""What lies in the sample registries: repositories with their manifests and tags, one story each. Everything is made up.

`content(registry name)` gives repositories by name; digests are real sha256 of the manifests' bytes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
NOTARY = "application/vnd.cncf.notary.signature"
COSIGN = "application/vnd.dev.cosign.artifact.sig.v1+json"
OLD, NEW = "2026-01-05T08:00:00.0000000Z", "2026-11-20T08:00:00.0000000Z"


def sha(text: str) -> str:
    """A digest."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def layer(name: str, size: int, **more: Any) -> dict[str, Any]:
    """A layer."""
    return {"mediaType": LAYER, "digest": sha(name), "size": size, **more}


@dataclass(slots=True)
class Manifest:
    """One manifest: its content, its tags, when it changed, its attributes."""

    content: dict[str, Any]
    tags: list[str] = field(default_factory=list)
    changed: str = NEW
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def raw(self) -> bytes:
        """The bytes that the digest is of."""
        return json.dumps(self.content, sort_keys=True).encode()

    @property
    def digest(self) -> str:
        """The digest."""
        return "sha256:" + hashlib.sha256(self.raw).hexdigest()

    def row(self) -> dict[str, Any]:
        """How the registry lists it; untagged ones have no `tags`."""
        blobs = [
            *self.content.get("layers", ()),
            *([self.content["config"]] if "config" in self.content else ()),
        ]
        return {
            "digest": self.digest,
            "imageSize": sum(blob["size"] for blob in blobs),
            "createdTime": self.changed,
            "lastUpdateTime": self.changed,
            "architecture": "amd64",
            "os": "linux",
            "mediaType": self.content["mediaType"],
            **({"configMediaType": self.content["config"]["mediaType"]} if "config" in self.content else {}),
            **({"tags": self.tags} if self.tags else {}),
            "changeableAttributes": {
                "deleteEnabled": True, "writeEnabled": True, "readEnabled": True, "listEnabled": True, **self.attributes,
            },
        }  # fmt: skip


def image(name: str, *layers: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An image manifest."""
    config = {"mediaType": CONFIG, "digest": sha(f"config of {name}"), "size": 1000}
    return {"schemaVersion": 2, "mediaType": OCI, "config": config, "layers": list(layers), **more}


def index(*children: Manifest) -> dict[str, Any]:
    """An image index."""
    listed = [
        {"mediaType": OCI, "digest": child.digest, "size": len(child.raw), "platform": {"architecture": "amd64", "os": "linux"}}
        for child in children
    ]  # fmt: skip
    return {"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}


def refers(kind: str, subject: Manifest, name: str) -> Manifest:
    """An artifact that refers to an image."""
    content = image(name, layer(f"layer of {name}", 512), artifactType=kind)
    content["subject"] = {"mediaType": OCI, "digest": subject.digest, "size": len(subject.raw)}
    return Manifest(content)


Repositories = dict[str, list[Manifest]]
BASE = layer("debian", 50_000_000)


def _shop() -> Repositories:
    """Signed and unsigned images, a platform index, shared layers, old waste, a locked and a quarantined image."""
    web = Manifest(image("web", BASE, layer("web", 4_000_000)), ["v1", "latest"])
    amd, arm = (Manifest(image(f"multi-{one}", BASE, layer(one, 2_000_000))) for one in ("amd64", "arm64"))
    waste = [
        Manifest(image(f"old-{number}", BASE, layer(f"old-{number}", 1_000_000)), changed=OLD)
        for number in range(3)
    ]
    return {
        "shop/web": [web, refers(NOTARY, web, "notary"), *waste],
        "shop/multi": [amd, arm, Manifest(index(amd, arm), ["v2"])],
        "shop/unsigned": [Manifest(image("unsigned", BASE, layer("unsigned", 3_000_000)), ["v1"])],
        "shop/cosigned": [one := Manifest(image("cosigned", layer("cosigned", 5)), ["v1"]), refers(COSIGN, one, "cosign")],
        "shop/locked": [Manifest(image("locked", BASE), ["v1"], attributes={"readEnabled": False})],
        "shop/held": [Manifest(image("held", BASE), ["v1"], attributes={"quarantineState": "Failed", "quarantineDetails": '{"state":"scan failed"}'})],
    }  # fmt: skip


def _core() -> Repositories:
    """A closed registry with a foreign layer, to be seen only from inside its network."""
    foreign = {
        "mediaType": FOREIGN,
        "digest": sha("windows"),
        "size": 9_000_000,
        "urls": ["https://mcr.example.invalid/windows"],
    }
    return {"win/server": [Manifest(image("server", foreign), ["ltsc"])]}


def _many() -> Repositories:
    """More than one page of everything."""
    plain = Manifest(image("many", BASE))
    plain.tags = [f"build-{number:04d}" for number in range(2500)]
    manifests = [
        Manifest(image(f"many-{number}", layer(f"many-{number}", 10)), changed=OLD) for number in range(1199)
    ]
    return {"big/app": [plain, *manifests], **{f"small/{number:04d}": [] for number in range(1100)}}


def content(registry: str) -> Repositories:
    """The repositories of a sample registry; most hold none."""
    made = {"harbourgeo": _shop, "harbourcore": _core, "harbourbuild": _many}.get(registry)
    return made() if made else {}
