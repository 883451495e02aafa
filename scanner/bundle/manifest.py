"""The manifest of a bundle: which pack it holds, what it needs, and every file with its digest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from scanner.errors import InputError
from scanner.json_text import parse_json
from scanner.language.pack import API_VERSION
from scanner.model.codec import RecordError, from_record, to_record
from scanner.model.rule import RulePack
from scanner.trust.files import Sealed

NAME = "manifest.json"
FAMILY = "acrscan/bundle/"
SCHEMA = f"{FAMILY}v1"
ARTIFACT_TYPE = "application/vnd.acrscan.pack.v1"
TAR, TAR_GZIP = "application/vnd.acrscan.pack.v1+tar", "application/vnd.acrscan.pack.v1.tar+gzip"
"""Media types of the archive. `.tar+gzip` as OCI writes it for its own layers.

Source: https://github.com/opencontainers/image-spec/blob/main/media-types.md
"""
LARGEST = 2_000_000
"""Bytes of a manifest."""


@dataclass(frozen=True, slots=True)
class PackFacts:
    """What is known about a pack without loading it. `requires`: the range of engine versions, as `pack.yaml` states it."""

    id: str
    version: str
    prefix: str
    digest: str
    requires: str
    api_version: str
    rules: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle holds. `artifact_type`: what the bundle is in a registry. Files are sorted by path."""

    schema: str
    artifact_type: str
    tool_version: str
    pack: PackFacts
    files: tuple[Sealed, ...]


def facts_of(pack: RulePack) -> PackFacts:
    """The facts of a pack that was loaded."""
    return PackFacts(
        pack.id, pack.version, pack.prefix, pack.digest, pack.requires, API_VERSION, len(pack.rules)
    )


def manifest_of(pack: RulePack, files: Iterable[Sealed], tool_version: str) -> Manifest:
    """The manifest of a pack and its files."""
    listed = tuple(sorted(files, key=lambda one: one.path))
    return Manifest(SCHEMA, ARTIFACT_TYPE, tool_version, facts_of(pack), listed)


def written(manifest: Manifest) -> bytes:
    """The file's bytes; the same for the same manifest everywhere."""
    record = to_record(manifest)
    for one in record["files"]:
        del one["format"]  # of a report of a run, which no file of a bundle is
    return orjson.dumps(record, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def read(content: bytes, where: str) -> Manifest:
    """The manifest in a file's bytes. Raises `InputError` for anything that is none of this version."""
    if len(content) > LARGEST:
        raise InputError(f"has more than {LARGEST:,} bytes", where)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise InputError("is not UTF-8 text", where, "Was it edited?") from error
    record = parse_json(text, where)
    schema = record.get("schema") if isinstance(record, dict) else None
    if not isinstance(schema, str) or not schema.startswith(FAMILY):
        raise InputError("is no manifest of a bundle", where, "`acrscan policy bundle` writes one.")
    if schema != SCHEMA:
        raise InputError(
            f"has the schema {schema[:60]!r}, this version reads {SCHEMA}", where, "Update acrscan."
        )
    files = record.get("files")
    if isinstance(files, list):
        record["files"] = [{"format": "", **one} if isinstance(one, dict) else one for one in files]
    try:
        found = from_record(Manifest, record)
        # What cannot be written again (a number beyond 64 bits, half a character) was never written here.
        written(found)
    except (RecordError, orjson.JSONEncodeError) as error:
        raise InputError(
            f"is no manifest of this version: {str(error)[:200]}", where, "Was it edited?"
        ) from error
    return found
