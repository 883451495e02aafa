"""Waivers as SARIF suppressions: accepted where one is in force, rejected where it lapsed; and what a person reads of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scanner.formats._text import visible
from scanner.formats.sarif.texts import identifier, plain
from scanner.model.finding import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.formats.sarif.place import Places
    from scanner.formats.sarif.selection import Picked
    from scanner.model.waiver import AttestationLine, WaiverLine


def suppressions(
    picked: Picked, run: str, waivers: Mapping[str, WaiverLine], places: Places
) -> list[dict[str, Any]]:
    """The suppressions of a result: none, the waiver in force, or the one that would cover it but does not count."""
    row = picked.row
    if picked.waived and row.waiver:
        return [_suppression(row.waiver, "accepted", f"{run}\x1f{row.fingerprint}", waivers, places)]
    lapsed = row.lapsed or (row.waiver if picked.earlier else "")
    if row.verdict is Verdict.FAIL and lapsed:
        return [_suppression(lapsed, "rejected", f"{run}\x1f{row.fingerprint}", waivers, places)]
    return []


def standing(line: WaiverLine | AttestationLine) -> str:
    """What an entry is, in words: `expired, ended 8 days ago`."""
    if line.state == "expired":
        words = f"ended {-line.days_left} days ago"
    elif line.state == "not-yet":
        words = "has not begun"
    else:
        words = f"{line.days_left} days left"
    return ", ".join(part for part in (line.state.replace("-", " "), line.why or words) if part)


def _suppression(
    name: str, status: str, subject: str, waivers: Mapping[str, WaiverLine], places: Places
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "kind": "external",
        "status": status,
        "guid": identifier(subject, "waiver", name),
    }
    line = waivers.get(name)
    if line is None:
        return {**found, "justification": f"Waiver '{plain(name)}'."}
    entry = line.waiver
    parts = [
        f"{plain(entry.id)}: {plain(entry.reason)}",
        f"kind {plain(entry.kind)}",
        f"owner {plain(entry.owner)}",
    ]
    parts += [f"approved by {plain(entry.approver)}"] if entry.approver else []
    parts += [f"expires {plain(entry.expires)}"]
    parts += [f"ticket {plain(entry.ticket)}"] if entry.ticket else []
    parts += [f"does not count: {plain(standing(line))}"] if status == "rejected" else []
    found["justification"] = f"{'; '.join(part.rstrip('.') for part in parts)}."
    if entry.place:
        found["location"] = {"physicalLocation": places.spot(entry.place)}
    said = {
        "waiver": entry.id,
        "kind": entry.kind,
        "owner": entry.owner,
        "approver": entry.approver,
        "created": entry.created,
        "expires": entry.expires,
        "ticket": entry.ticket,
        "source": entry.source,
        "state": line.state,
    }
    found["properties"] = {f"acrscan/{key}": visible(value) for key, value in said.items() if value}
    return found
