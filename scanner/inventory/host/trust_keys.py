"""Keys of Docker Content Trust: the folder `trust` of each Docker folder comes in, rows about keys and certificates come out.

Private keys: where they lie, their role and who may read them; of the file only its headers are looked at, nothing of the key is kept.
Public ones: thumbprint, role and expiry from `root.json` and, for delegations, `targets.json`.
Sources: https://learn.microsoft.com/azure/container-registry/container-registry-faq (thumbprints) and
https://docs.docker.com/engine/security/trust/trust_key_mng/
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scanner.inventory.arm_template.positions import Document
from scanner.inventory.host import rows
from scanner.inventory.host.homes import permissions
from scanner.inventory.host.root import File, Unreadable
from scanner.inventory.host.rows import Facts
from scanner.inventory.host.texts import json_of

MAX_DEPTH = 12
MAX_FILES = 2_000
_MAX_METADATA = 5_000_000
_HEADER = re.compile(rb"^(role|gun)[ \t]*:[ \t]*([^\r\n]{0,300})", re.MULTILINE | re.IGNORECASE)
_ID = re.compile(r"[0-9a-f]{64}\Z")


def read_trust(facts: Facts, folders: Iterable[str]) -> None:
    """Note the keys below each Docker folder."""
    for folder in folders:
        for path in _files(facts, f"{folder}/trust"):
            name = path.rpartition("/")[2]
            if name.endswith(".key"):
                _private(facts, path)
            elif name in ("root.json", "targets.json") or (
                "/metadata/targets/" in path and name.endswith(".json")
            ):
                _metadata(facts, path)


def _files(facts: Facts, folder: str) -> Iterator[str]:
    """Every file below a folder; links to folders are not followed."""
    stack = [(folder, 0)]
    number = 0
    while stack:
        place, depth = stack.pop()
        listed = facts.root.list(place)
        if isinstance(listed, Unreadable):
            facts.missed(listed, rows.TRUST)
            continue
        for entry in listed or ():
            path = f"{place}/{entry.name}"
            number += 1
            if number > MAX_FILES or depth >= MAX_DEPTH:
                facts.gap(f"{folder} has more than {MAX_FILES:,} files or {MAX_DEPTH} levels", rows.TRUST)
                return
            if entry.kind == "folder":
                stack.append((path, depth + 1))
            elif entry.kind != "other":
                yield path


def _private(facts: Facts, path: str) -> None:
    """Note a private key."""
    file = facts.root.read(path)
    if file is None:
        return
    role: object = "root" if "/root_keys/" in path else "repository" if "/tuf_keys/" in path else None
    row: dict[str, Any] = {
        "kind": "privateKey",
        "path": path,
        "keyId": path.rpartition("/")[2].removesuffix(".key"),
        "at": path,
    }
    if isinstance(file, Unreadable):
        seen = facts.root.look(path)
        mode = None if seen is None or isinstance(seen, Unreadable) else seen.mode
        row |= {"role": role or file, **permissions(mode)}
    else:
        headers = {key.lower(): value for key, value in _HEADER.findall(file.data[:4_096])}
        told = headers.get(b"role", b"").strip().decode("utf-8", "replace")
        gun = headers.get(b"gun", b"").strip().decode("utf-8", "replace")
        row |= {
            "role": told or role or Unreadable(path, f"{path} does not tell its role"),
            "repository": gun or None,
            **permissions(file.mode),
        }
    facts.row(rows.TRUST, row, facts.place(path, what="resource"))


def _metadata(facts: Facts, path: str) -> None:
    """Note the public keys of one file of metadata."""
    file = facts.root.read(path, _MAX_METADATA)
    if file is None:
        return
    document = json_of(facts.root, file) if isinstance(file, File) else file
    if isinstance(document, Unreadable):
        facts.missed(document, rows.TRUST)
        return
    repository = path.partition("/tuf/")[2].partition("/metadata/")[0]
    signed = document.value.get("signed") if isinstance(document.value, Mapping) else None
    if not isinstance(signed, Mapping):
        facts.gap(f"{path} is no signed metadata", rows.TRUST)
        return
    own = path.partition("/metadata/")[2].removesuffix(".json")
    at = document.place(("signed", "expires"), "property")
    expires = signed.get("expires")
    told = expires if isinstance(expires, str) else Unreadable(path, f"{path} does not say when it expires")
    row = {
        "kind": "metadata",
        "path": path,
        "role": own,
        "repository": repository,
        "expires": told,
        "at": path,
    }
    facts.row(rows.TRUST, row, at)
    if own == "root":
        _keys(facts, document, ("signed",), _roles(signed), path, repository)
    elif isinstance(signed.get("delegations"), Mapping):
        _keys(facts, document, ("signed", "delegations"), _roles(signed["delegations"]), path, repository)


def _roles(holder: Mapping[str, Any]) -> dict[str, str]:
    """Key id -> the roles that it signs for."""
    roles = holder.get("roles")
    pairs: list[tuple[Any, Any]] = []
    if isinstance(roles, Mapping):
        pairs = list(roles.items())
    elif isinstance(roles, list):
        pairs = [(one.get("name"), one) for one in roles if isinstance(one, Mapping)]
    found: dict[str, str] = {}
    for name, one in pairs:
        keys = one.get("keyids") if isinstance(one, Mapping) else None
        for key in keys if isinstance(keys, list) else ():
            found[str(key)] = f"{found[str(key)]}, {name}" if str(key) in found else str(name)
    return found


def _keys(
    facts: Facts,
    document: Document,
    base: tuple[str, ...],
    roles: Mapping[str, str],
    path: str,
    repository: str,
) -> None:
    node: Any = document.value
    for key in base:
        node = node[key]
    keys = node.get("keys")
    if not isinstance(keys, Mapping):
        facts.gap(f"{path}: {'.'.join(base)}.keys is no object", rows.TRUST)
        return
    for name, one in keys.items():
        place = document.place((*base, "keys", name), "property")
        row: dict[str, Any] = {
            "kind": "publicKey",
            "path": path,
            "repository": repository,
            "at": f"{path}: {name}",
        }
        row["keyId"] = (
            name.lower()
            if _ID.match(name.lower())
            else Unreadable(path, f"{path}: {name[:80]!r} is no thumbprint")
        )
        row["role"] = roles.get(name)
        value = one.get("keyval") if isinstance(one, Mapping) else None
        public = value.get("public") if isinstance(value, Mapping) else None
        kind = str(one.get("keytype")) if isinstance(one, Mapping) else ""
        row["keyType"] = kind
        if kind.endswith("-x509"):
            row["expires"] = _end(public) or Unreadable(
                path, f"{path}: the certificate of {name[:80]} cannot be read"
            )
        facts.row(rows.TRUST, row, place)


def _end(public: Any) -> str:
    """When the certificate in a public key ends, "" where it cannot be read."""
    from cryptography import x509  # noqa: PLC0415 - heavy, and few hosts hold such keys

    try:
        raw = base64.b64decode(public, validate=True)
        found = x509.load_pem_x509_certificate(raw)
    except (binascii.Error, TypeError, ValueError):
        return ""
    return found.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ")
