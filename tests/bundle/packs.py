"""A tiny pack with one of each kind of file, for the tests of bundles: always the same bytes."""

from __future__ import annotations

from pathlib import Path

from scanner.bundle.archive import packed
from scanner.bundle.check import load
from scanner.bundle.gather import gather
from scanner.bundle.manifest import NAME, manifest_of, written
from scanner.bundle.opening import Opened, unpack

MAIN = """\
apiVersion: acrscan/v1
pack: {id: tiny, prefix: TNY, version: 1.4.0, requires: ">=0.1,<1"}
parameters:
  limit: {type: integer, minimum: 1, maximum: 9, default: 5, description: a limit}
"""
RULE = """\
id: TNY101
name: admin-off
title: The admin user is off
severity: high
target: Microsoft.ContainerRegistry/registries
assert: {field: properties.adminUserEnabled, equals: false}
message: "Admin user is {{ properties.adminUserEnabled }}"
rationale: It is shared.
remediation: {effort: low, az: "az acr update --name {{ name }} --admin-enabled false"}
references: [https://learn.microsoft.com/azure/container-registry/]
reviewed: 2026-11-25
controls: {house: [H1]}
tests:
  - {name: switched off, resource: {properties: {adminUserEnabled: false}}, expect: pass}
  - {name: not set, resource: {properties: {}}, expect: fail, messageContains: is (not set)}
  - {name: switched on, resource: {properties: {adminUserEnabled: true}}, expect: fail, messageContains: is true}
  - {name: not read, resource: {properties: {adminUserEnabled: !unknown "403"}}, expect: unknown}
"""
FRAMEWORK = """\
apiVersion: acrscan/v1
framework: {id: house, title: House rules, version: "1", source: https://example.com/, mapping: ours}
controls:
  - {id: H1, title: No shared passwords}
"""
PROFILE = """\
apiVersion: acrscan/v1
profile: {id: strict, description: A lower limit}
parameters: {limit: 2}
"""
FILES = {
    "pack.yaml": MAIN,
    "TNY101-admin-off.yaml": RULE,
    "more/TNY102-limit.yaml": RULE.replace("TNY101", "TNY102").replace("admin-off", "admin-still-off"),
    "TNY101.test.yaml": "# a fixture\n",
    "frameworks/house.yaml": FRAMEWORK,
}


def write_pack(folder: Path, **changed: str | None) -> Path:
    """The pack in a folder; `changed`: other texts by path (with __ for a slash and a dot as it is), None to leave one out."""
    for name, text in {**FILES, **changed}.items():
        if text is None:
            continue
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return folder


def write_profile(folder: Path, name: str = "strict") -> Path:
    """A profile's file."""
    path = folder / f"{name}.yaml"
    path.write_bytes(PROFILE.replace("strict", name).encode())
    return path


def files_of(folder: Path, scratch: Path, *profiles: Path, version: str = "0.1.0") -> dict[str, bytes]:
    """What lies in the bundle of a pack, the manifest included."""
    gathered = gather(folder, profiles)
    found = Opened("tiny", gathered.files, "tiny", "tiny")
    unpack(found, scratch)
    pack = load(found, scratch).pack
    assert pack is not None
    return {**gathered.files, NAME: written(manifest_of(pack, gathered.entries(), version))}


def write_bundle(path: Path, folder: Path, scratch: Path, *profiles: Path) -> Path:
    """The bundle of a pack, in a file."""
    path.write_bytes(packed(files_of(folder, scratch, *profiles), compressed=not path.name.endswith(".tar")))
    return path
