"""The manifest of a run: outputs and inputs with their digests, what decided the result, and how to do it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from scanner.errors import InputError
from scanner.json_text import read_json
from scanner.model.codec import RecordError, from_record, to_record
from scanner.model.scan import Scan
from scanner.model.summary import summary_record
from scanner.trust.files import Sealed

NAME = "manifest.json"
FAMILY = "acrscan/manifest/"
SCHEMA = f"{FAMILY}v1"


@dataclass(frozen=True, slots=True)
class Replay:
    """What a run was asked for. Paths are relative to the manifest's folder where they lie in it.

    `source`: snapshot, saved, stored, or "" where the run cannot be repeated (`why` says so). `names`: file names as the
    reports print them, by role, where the copy lies elsewhere. `history`: marks came from a history, which is no input.
    """

    source: str
    why: str = ""
    now: str = ""
    words: str = ""
    paths: tuple[str, ...] = ()
    principals: str = ""
    api_version: str = ""
    pack: str = ""
    profiles: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    keep_passes: bool = False
    waivers: str = ""
    baseline: str = ""
    history: bool = False
    organisation: str = ""
    pack_name: str = ""
    waivers_name: str = ""
    baseline_name: str = ""
    formats: tuple[str, ...] = ()
    """Reports that were asked for, written or not."""
    file: str = ""
    """The name of the only report, where it was given."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The settings of the formats, among them what the environment told of the checkout and the build."""


@dataclass(frozen=True, slots=True)
class Predecessor:
    """The run before: the digest of its manifest and its clock."""

    sha256: str
    now: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a run was made of. `summary`: the counts, as every JSON report has them.

    `snapshot_sha256`: of the snapshot's own manifest, which names each of its files with a digest; "" without one.
    """

    schema: str
    tool_version: str
    now: str
    inventory_digest: str
    inventory: str
    pack_id: str
    pack_version: str
    pack_digest: str
    profile: str
    profile_digest: str
    waiver_file: str
    waiver_digest: str
    summary: Any
    outputs: tuple[Sealed, ...]
    inputs: tuple[Sealed, ...]
    replay: Replay
    predecessor: Predecessor | None = None
    snapshot_sha256: str = ""


def manifest_of(
    scan: Scan,
    outputs: tuple[Sealed, ...],
    inputs: tuple[Sealed, ...],
    replay: Replay,
    predecessor: Predecessor | None,
) -> Manifest:
    """The manifest of a scan and its files."""
    head = scan.header
    return Manifest(
        schema=SCHEMA,
        tool_version=head.tool_version,
        now=head.now,
        inventory_digest=head.inventory_digest,
        inventory=head.inventory,
        pack_id=head.pack_id,
        pack_version=head.pack_version,
        pack_digest=head.pack_digest,
        profile=head.profile,
        profile_digest=head.profile_digest,
        waiver_file=head.waiver_file,
        waiver_digest=head.waiver_digest,
        summary=summary_record(scan),
        outputs=outputs,
        inputs=inputs,
        replay=replay,
        predecessor=predecessor,
    )


def written(manifest: Manifest) -> bytes:
    """The file's bytes."""
    record = {**to_record(manifest), "predecessor": None}
    if manifest.predecessor is not None:
        record["predecessor"] = to_record(manifest.predecessor)
    return orjson.dumps(record, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def read(path: Path) -> Manifest:
    """The manifest in a file. Raises `InputError` for anything that is none of this version."""
    record = read_json(path)
    schema = record.get("schema") if isinstance(record, dict) else None
    if not isinstance(schema, str) or not schema.startswith(FAMILY):
        raise InputError("is no manifest of a run", str(path), "`acrscan scan ... --manifest` writes one.")
    if schema != SCHEMA:
        raise InputError(
            f"has the schema {schema[:60]}, this version reads {SCHEMA}", str(path), "Update acrscan."
        )
    try:
        return from_record(Manifest, record)
    except RecordError as error:
        raise InputError(f"is no manifest of this version: {error}", str(path), "Was it edited?") from error
