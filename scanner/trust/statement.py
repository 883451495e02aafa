"""The manifest as an in-toto statement: subjects are the outputs, the predicate says what they were made of.

Source: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
"""

from __future__ import annotations

from typing import Any

import orjson

from scanner.model.codec import to_record
from scanner.trust.manifest import NAME as MANIFEST
from scanner.trust.manifest import Manifest

NAME = "acrscan.intoto.json"
TYPE = "https://in-toto.io/Statement/v1"
PREDICATE = "https://acrscan.dev/attestation/scan/v1"


def statement_of(manifest: Manifest, manifest_digest: str) -> dict[str, Any]:
    """The statement about a manifest; `manifest_digest` is the sha256 of its file."""
    subjects = [{"name": one.path, "digest": {"sha256": one.sha256}} for one in manifest.outputs]
    subjects.append({"name": MANIFEST, "digest": {"sha256": manifest_digest}})
    before = manifest.predecessor
    return {
        "_type": TYPE,
        "subject": sorted(subjects, key=lambda one: str(one["name"])),
        "predicateType": PREDICATE,
        "predicate": {
            "tool": {"name": "acrscan", "version": manifest.tool_version},
            "now": manifest.now,
            "inventory": {
                "sha256": manifest.inventory_digest,
                "source": manifest.inventory,
                "snapshotManifestSha256": manifest.snapshot_sha256,
            },
            "pack": {
                "id": manifest.pack_id,
                "version": manifest.pack_version,
                "sha256": manifest.pack_digest,
            },
            "profile": {"name": manifest.profile, "sha256": manifest.profile_digest},
            "waivers": {"file": manifest.waiver_file, "sha256": manifest.waiver_digest},
            "summary": manifest.summary,
            "materials": [
                {"name": one.path, "role": one.role, "digest": {"sha256": one.sha256}}
                for one in manifest.inputs
            ],
            "predecessor": to_record(before) if before else None,
        },
    }


def written(manifest: Manifest, manifest_digest: str) -> bytes:
    """The file's bytes."""
    record = statement_of(manifest, manifest_digest)
    return orjson.dumps(record, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
