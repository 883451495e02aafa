"""GitLab Code Quality: open failures as degradations, for merge requests; nothing that is waived or undecided.

Code Quality knows problems at lines of files, nothing else. What is declared in a file points there; a cloud resource
gets the address that its inventory file would have, the same as in SARIF.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, BinaryIO

from scanner.formats._settings import DEFAULT, Settings
from scanner.formats._text import visible
from scanner.formats.sarif.place import in_file, inventory_uri
from scanner.model.codec import encode

if TYPE_CHECKING:
    from scanner.model.finding import Finding
    from scanner.model.scan import Scan

EXTENSION = ".gitlab.json"
SEVERITIES = {"critical": "blocker", "high": "critical", "medium": "major", "low": "minor", "info": "info"}
"""Both scales have five steps, so none of ours is lost."""
_DRIVE = re.compile(r"[A-Za-z]:/")


def render(scan: Scan, out: BinaryIO, settings: Settings = DEFAULT) -> None:  # noqa: ARG001 - this format has none
    """Write a list with one object for each open failure, as they come."""
    titles = {card.id: card.title for card in scan.header.rules}
    out.write(b"[")
    between = b"\n"
    for row in scan.findings:
        if row.gating:
            out.write(between + encode(_degradation(row, titles.get(row.rule, ""))))
            between = b",\n"
    out.write(b"\n]\n")


def _degradation(row: Finding, title: str) -> dict[str, Any]:
    path, line = inventory_uri(row.resource), 1
    if in_file(row):
        path, line = _relative(row.origin.where), max(row.origin.line or 1, 1)
    return {
        "description": _description(row, title),
        "check_name": row.rule,
        "fingerprint": row.fingerprint,
        "severity": SEVERITIES.get(row.severity, "major"),
        "location": {"path": path, "lines": {"begin": line}},
    }


def _description(row: Finding, title: str) -> str:
    """Rule, resource and message; GitLab shows it as plain text."""
    name = visible(row.resource_name or row.resource, 200)
    others = f"{len(row.affected):,} more resource{'s' if len(row.affected) > 1 else ''}"
    also = f" (and {others} with the same cause)" if row.affected else ""
    what = f"{row.rule} {title}" if title else row.rule
    return f"{visible(what)}: {name}{also}: {visible(row.message)}"


def _relative(where: str) -> str:
    """A file's path from the checkout: no drive, no way up, no empty parts."""
    path = _DRIVE.sub("", where.replace("\\", "/"), count=1)
    parts = [part for part in path.split("/") if part not in {"", "."}]
    return visible("/".join(f"_{part}" if part == ".." else part for part in parts))
