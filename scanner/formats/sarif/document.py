"""A scan in, one SARIF log with one run out, written as it comes: three passes over the findings, constant memory.

The first pass learns what holds for all results, the second names the resources (`logicalLocations`), the third writes
the results. All rely on the order of a scan, in which the rows of one resource stand together.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from scanner.formats._settings import DEFAULT, Settings
from scanner.formats.sarif import notification
from scanner.formats.sarif.place import BASE, logical
from scanner.formats.sarif.profile import automation, category, provenance, refuse_partial
from scanner.formats.sarif.result import BASELINE, Traits, harmless, result
from scanner.formats.sarif.taxonomy import relationships, taxonomies_of
from scanner.formats.sarif.texts import INFORMATION, identifier, rule_descriptor
from scanner.model.codec import encode, to_record
from scanner.model.finding import order
from scanner.model.rule import SEVERITIES
from scanner.model.summary import summary_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.formats.sarif.profile import Profile
    from scanner.model.finding import Finding
    from scanner.model.scan import Drift, Scan, ScanHeader

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
ABOVE = "tenant"
"""The name of the log, among those of single subscriptions, that holds what lies above them."""
SNIPPETS_UP_TO = 5_000


def write(scan: Scan, out: BinaryIO, profile: Profile, settings: Settings = DEFAULT, only: str = "") -> None:
    """Write the log; `only`: the subscription of a log of its own.

    Raises `PartialError` where the profile's reader would take what was not looked at for mended.
    """
    refuse_partial(scan, profile, first=settings.sarif_first)
    head = scan.header
    about = category(scan, only)
    run = identifier(
        about, head.inventory_digest, head.pack_digest, head.profile, head.now, _parameters(head)
    )
    seen = _look(scan, profile, settings.sarif_limit, only)
    taxonomies = taxonomies_of(head)
    automated = automation(profile, about, head, settings.pipeline, run)
    out.write(b'{\n"$schema":' + encode(SCHEMA) + b',\n"version":"2.1.0",\n"runs":[{')
    _entry("tool", {"driver": _driver(head, taxonomies)}, out, first=True)
    _entry("automationDetails", automated, out)
    if scan.drift is not None:
        _entry("baselineGuid", _baseline(about, scan.drift), out)
    _entry(
        "originalUriBaseIds",
        {BASE: {"description": {"text": "The repository that the log is uploaded to."}}},
        out,
    )
    versions = provenance(settings.pipeline, BASE)
    if versions:
        _entry("versionControlProvenance", versions, out)
    _entry("invocations", [notification.invocation(scan, seen.left_out)], out)
    if taxonomies:
        _entry("taxonomies", taxonomies, out)
    _entry("columnKind", "unicodeCodePoints", out)
    _entry("redactionTokens", ["***"], out)
    _entry("properties", _run_properties(scan, profile, seen), out)
    _list("logicalLocations", _logical(_chosen(scan, profile, seen, only)), out)
    rules = {card.id: at for at, card in enumerate(head.rules)}
    waivers = {line.waiver.id: line.waiver for line in scan.waivers}
    traits = Traits(
        run,
        rules,
        seen.suppressed,
        seen.compared,
        snippets=seen.rows <= SNIPPETS_UP_TO,
        waivers=waivers,
        failures_only=profile.closes,
    )
    _list("results", _results(_chosen(scan, profile, seen, only), traits), out)
    out.write(b"}]\n}\n")


@dataclass(slots=True)
class _Seen:
    """What the first pass learns: how many rows, whether any is waived, whether all carry a change, how many fit."""

    rows: int = 0
    suppressed: bool = False
    compared: bool = True
    rooms: dict[str, int] = field(default_factory=dict)
    """For limited profiles: severity -> results that fit, the worst severities first."""
    left_out: int = 0


def _look(scan: Scan, profile: Profile, limit: int, only: str) -> _Seen:
    seen = _Seen()
    severities: Counter[str] = Counter()
    for row in _rows(scan, profile, only):
        severities[row.severity] += 1
        seen.suppressed = seen.suppressed or bool(row.waiver or row.lapsed)
        seen.compared = seen.compared and row.change in BASELINE
    room = limit if profile.limited else severities.total()
    for name in sorted(severities, key=lambda one: SEVERITIES.index(one) if one in SEVERITIES else 99):
        seen.rooms[name] = min(room, severities[name])
        room -= seen.rooms[name]
    seen.rows = sum(seen.rooms.values())
    seen.left_out = severities.total() - seen.rows
    # A profile without waived rows still tells of waivers that do not count.
    seen.suppressed = seen.suppressed and profile.waived
    return seen


def _rows(scan: Scan, profile: Profile, only: str) -> Iterator[Finding]:
    """Rows of the scan and those of the baseline that it has not, in one order."""
    both = heapq.merge(scan.findings, scan.earlier, key=order)
    return (row for row in both if profile.keeps(row) and (not only or (row.subscription or ABOVE) == only))


def _chosen(scan: Scan, profile: Profile, seen: _Seen, only: str) -> Iterator[Finding]:
    taken: Counter[str] = Counter()
    for row in _rows(scan, profile, only):
        taken[row.severity] += 1
        if taken[row.severity] <= seen.rooms[row.severity]:
            yield row


def _logical(rows: Iterator[Finding]) -> Iterator[dict[str, Any]]:
    """The resources of the rows, each once: the rows of one stand together."""
    last = None
    for row in rows:
        if row.resource != last:
            last = row.resource
            yield logical(row)


def _results(rows: Iterator[Finding], traits: Traits) -> Iterator[dict[str, Any]]:
    at, last = -1, None
    for row in rows:
        if row.resource != last:
            at, last = at + 1, row.resource
        yield result(row, at, traits)


def _baseline(about: str, drift: Drift) -> str:
    """The guid of the run that the baseline is: the same parts as this run's own, as far as a baseline tells them."""
    return identifier("baseline", about, drift.inventory_digest, drift.pack_digest, drift.profile, drift.now)


def _entry(key: str, value: Any, out: BinaryIO, *, first: bool = False) -> None:
    out.write((b"\n" if first else b",\n") + encode(key) + b":" + encode(value))


def _list(key: str, values: Iterator[dict[str, Any]], out: BinaryIO) -> None:
    out.write(b",\n" + encode(key) + b":[")
    between = b"\n"
    for value in values:
        out.write(between + encode(value))
        between = b",\n"
    out.write(b"]")


def _parameters(head: ScanHeader) -> str:
    return encode([to_record(one) for one in head.parameters]).decode()


def _driver(head: ScanHeader, taxonomies: list[dict[str, Any]]) -> dict[str, Any]:
    driver: dict[str, Any] = {
        "name": "acrscan",
        "fullName": f"acrscan {head.tool_version} with rules {head.pack_id} {head.pack_version}",
        "semanticVersion": head.tool_version,
        "version": head.tool_version,
        "informationUri": INFORMATION,
        "language": "en-US",
        "rules": [
            rule_descriptor(card, relationships(head, at, taxonomies)) for at, card in enumerate(head.rules)
        ],
        "notifications": notification.DESCRIPTORS,
    }
    if taxonomies:
        driver["supportedTaxonomies"] = [
            {"name": one["name"], "index": at, "guid": one["guid"]} for at, one in enumerate(taxonomies)
        ]
    return driver


def _run_properties(scan: Scan, profile: Profile, seen: _Seen) -> dict[str, Any]:
    head = scan.header
    return {
        "acrscan/sarifProfile": profile.name,
        "acrscan/results": {"written": seen.rows, "leftOut": seen.left_out},
        "acrscan/pack": {"id": head.pack_id, "version": head.pack_version, "sha256": head.pack_digest},
        "acrscan/profile": harmless(head.profile),
        "acrscan/parameters": harmless([to_record(one) for one in head.parameters]),
        "acrscan/inventory": {"source": harmless(head.inventory), "sha256": head.inventory_digest},
        "acrscan/subscriptions": harmless(dict(sorted(head.subscriptions.items()))),
        "acrscan/waivers": {"file": harmless(head.waiver_file), "sha256": head.waiver_digest},
        "acrscan/drift": harmless(to_record(scan.drift)) if scan.drift else None,
        "acrscan/summary": harmless(summary_record(scan)),
    }
