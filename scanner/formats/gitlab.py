"""GitLab Code Quality: the open findings that nobody accepted, for the widget of a merge request.

A registry in Azure has no source file: its findings point at the address that the SARIF report uses for it.
Source: https://docs.gitlab.com/ci/testing/code_quality/ (format)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import unquote

from scanner.formats._settings import DEFAULT, Settings
from scanner.formats._text import visible
from scanner.formats.sarif.place import Places, in_file
from scanner.model.codec import encode

if TYPE_CHECKING:
    from scanner.model.scan import Scan

EXTENSION = ".gitlab.json"
SEVERITIES = {"critical": "blocker", "high": "critical", "medium": "major", "low": "minor", "info": "info"}


def render(scan: Scan, out: BinaryIO, settings: Settings = DEFAULT) -> None:
    """Write one array; constant memory."""
    places = Places(settings.pipeline.get("root", ""), settings.pipeline.get("folder", ""), relative=True)
    out.write(b"[")
    between = b"\n"
    for row in scan.findings:
        if not row.gating:
            continue
        place = places.physical(row)
        address = place["artifactLocation"]["uri"]
        record = {
            "type": "issue",
            "check_name": row.rule,
            "description": visible(f"{row.rule} {row.resource_name}: {row.message}", 1_000),
            "categories": ["Security"],
            "severity": SEVERITIES.get(row.severity, "info"),
            "fingerprint": row.fingerprint,
            "location": {
                # A path, no address: the widget opens the file by its name as it is. Inventory files have plain names.
                "path": visible(unquote(address)) if in_file(row) else address,
                "lines": {"begin": place["region"]["startLine"]},
            },
        }
        out.write(between + encode(record))
        between = b",\n"
    out.write(b"\n]\n" if between == b",\n" else b"]\n")
