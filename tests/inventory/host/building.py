"""What the tests of Docker hosts share: files by path come in, roots, resources and verdicts come out."""

from __future__ import annotations

import base64
import errno
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from scanner import data, pipeline
from scanner.engine.evaluate import Options
from scanner.inventory.host.packages import Answer
from scanner.inventory.host.reading import Reading, Wanted, read_hosts
from scanner.inventory.host.root import ByDescriptor
from scanner.language.pack import load_pack
from scanner.language.tailor import select
from scanner.model.finding import Finding
from scanner.model.resource import Resource

if TYPE_CHECKING:
    import pytest

NOW = "2026-11-26T00:00:00Z"
RULES = ("ACR801", "ACR802", "ACR803", "ACR804", "ACR808", "ACR809", "ACR811", "ACR813")
PACK = select(load_pack(data.policies() / "acr"), RULES, ())
DPKG = """Package: bash
Status: install ok installed
Version: 5.2

Package: docker-ce
Status: install ok installed
Version: 5:27.3.1-1~ubuntu.22.04~jammy

Package: docker-ce-cli
Status: install ok installed
Version: 5:27.3.1-1~ubuntu.22.04~jammy
"""
"""A database of dpkg with a current Docker."""
STATUS = "var/lib/dpkg/status"
CONFIG = "root/.docker/config.json"
DAEMON = "etc/docker/daemon.json"
SECRET = "tOp-5ecret-Passw0rd"


def put(root: Path, files: Mapping[str, str | bytes | object]) -> Path:
    """Write files below a root; what is neither text nor bytes is written as JSON."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2), "utf-8")
    return root


def refuse(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let the system refuse to open files and folders of these names, whoever runs the tests."""
    open_file, enter = ByDescriptor.open, ByDescriptor.enter

    def refused(name: str) -> None:
        if name in names:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    def opening(self: ByDescriptor, place: int | str, name: str, flags: int) -> int:
        refused(name)
        return open_file(self, place, name, flags)

    def entering(self: ByDescriptor, place: int | str, name: str) -> int | str:
        refused(name)
        return enter(self, place, name)

    monkeypatch.setattr(ByDescriptor, "open", opening)
    monkeypatch.setattr(ByDescriptor, "enter", entering)


def no_docker() -> Answer | None:
    """A host whose docker is not asked."""
    return None


def reading(*roots: Path, homes: tuple[str, ...] = ()) -> Reading:
    """What the roots give."""
    return read_hosts(Wanted(roots, homes, no_docker, {}), now=NOW)


def read(root: Path, *, homes: tuple[str, ...] = ()) -> Resource:
    """The resource of one root."""
    (found,) = reading(root, homes=homes).inventory.parts["acrscan/hosts"]
    return found


def properties(root: Path, *, homes: tuple[str, ...] = ()) -> Any:
    """The properties of one root's resource, markers and all."""
    return read(root, homes=homes).body["properties"]


def rows(root: Path, rule: str, *, homes: tuple[str, ...] = ()) -> list[Finding]:
    """What one rule says of a root."""
    found = pipeline.scan(
        PACK, reading(root, homes=homes).inventory, now=NOW, words="", options=Options(keep_passes=True)
    )
    return [finding for finding in found.findings if finding.rule == rule]


def verdict(root: Path, rule: str) -> str:
    """The verdict of one rule on a root."""
    return rows(root, rule)[0].verdict.value


def auth(user: str, password: str) -> str:
    """A credential as `docker login` stores it."""
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def certificate(
    name: str, *, ends: datetime = datetime(2030, 1, 1, tzinfo=UTC), organization: str = ""
) -> bytes:
    """A self-signed certificate (PEM) for a common name."""
    key = ec.generate_private_key(ec.SECP256R1())
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if organization:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    subject = x509.Name(parts)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(ends)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM)
