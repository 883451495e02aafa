"""A scan in, one SARIF log with one run out, written as it comes: two passes over the findings, constant memory.

The first pass names the resources (`logicalLocations`) and learns what holds for all results; the second writes the
results. Both rely on the order of a scan, in which the rows of one resource stand together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from scanner.formats.sarif import notification
from scanner.formats.sarif.place import BASE, logical
from scanner.formats.sarif.result import BASELINE, Traits, harmless, result
from scanner.formats.sarif.texts import identifier, rule_descriptor
from scanner.model.codec import encode, to_record
from scanner.model.summary import summary_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.formats.sarif.profile import Profile
    from scanner.model.finding import Finding
    from scanner.model.scan import Scan, ScanHeader

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
SNIPPETS_UP_TO = 5_000
INFORMATION = "https://learn.microsoft.com/azure/container-registry/container-registry-faq"


def write(scan: Scan, out: BinaryIO, profile: Profile) -> None:
    """Write the log."""
    head = scan.header
    run = identifier(head.inventory_digest, head.pack_digest, head.profile, head.now, _parameters(head))
    out.write(b'{\n"$schema":' + encode(SCHEMA) + b',\n"version":"2.1.0",\n"runs":[{')
    taxonomies = _taxonomies(head)
    _entry("tool", {"driver": _driver(head, taxonomies)}, out, first=True)
    _entry("automationDetails", _automation(head, profile, run), out)
    _entry(
        "originalUriBaseIds",
        {BASE: {"description": {"text": "The repository that the log is uploaded to."}}},
        out,
    )
    _entry("invocations", [notification.invocation(scan)], out)
    if taxonomies:
        _entry("taxonomies", taxonomies, out)
    _entry("columnKind", "unicodeCodePoints", out)
    _entry("redactionTokens", ["***"], out)
    _entry("properties", _run_properties(scan, profile), out)
    seen = _Seen()
    _list("logicalLocations", (logical(row) for row in _first_of_each(scan, profile, seen)), out)
    rules = {card.id: at for at, card in enumerate(head.rules)}
    traits = Traits(run, rules, seen.waiver, seen.baseline, snippets=seen.rows <= SNIPPETS_UP_TO)
    _list("results", _results(scan, profile, traits), out)
    out.write(b"}]\n}\n")


@dataclass(slots=True)
class _Seen:
    """What the first pass learns: whether any row is waived, and whether all rows carry a baseline state."""

    rows: int = 0
    waiver: bool = False
    baseline: bool = True


def _first_of_each(scan: Scan, profile: Profile, seen: _Seen) -> Iterator[Finding]:
    last = None
    for row in scan.findings:
        if not profile.keeps(row):
            continue
        seen.rows += 1
        seen.waiver = seen.waiver or bool(row.waiver)
        seen.baseline = seen.baseline and row.change in BASELINE
        if row.resource != last:
            last = row.resource
            yield row


def _results(scan: Scan, profile: Profile, traits: Traits) -> Iterator[dict[str, Any]]:
    at, last = -1, None
    for row in scan.findings:
        if not profile.keeps(row):
            continue
        if row.resource != last:
            at, last = at + 1, row.resource
        yield result(row, at, traits)


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
            rule_descriptor(card, _relationships(head, at, taxonomies)) for at, card in enumerate(head.rules)
        ],
        "notifications": notification.DESCRIPTORS,
    }
    if taxonomies:
        driver["supportedTaxonomies"] = [
            {"name": one["name"], "index": at, "guid": one["guid"]} for at, one in enumerate(taxonomies)
        ]
    return driver


def _taxonomies(head: ScanHeader) -> list[dict[str, Any]]:
    """One component for each framework that a rule refers to, with the controls that are referred to."""
    controls: dict[str, set[str]] = {}
    for card in head.rules:
        for control in card.controls:
            controls.setdefault(control.framework, set()).add(control.id)
    return [
        {
            "name": framework,
            "guid": identifier("framework", framework),
            "shortDescription": {"text": f"Controls of '{framework}' that the rules refer to."},
            "isComprehensive": False,
            "contents": ["localizedData", "nonLocalizedData"],
            "taxa": [{"id": control} for control in sorted(controls[framework])],
        }
        for framework in sorted(controls)
    ]


def _relationships(head: ScanHeader, rule: int, taxonomies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    places = {one["name"]: at for at, one in enumerate(taxonomies)}
    found = []
    for control in head.rules[rule].controls:
        place = places[control.framework]
        taxa = [taxon["id"] for taxon in taxonomies[place]["taxa"]]
        component = {"name": control.framework, "index": place, "guid": taxonomies[place]["guid"]}
        target = {"id": control.id, "index": taxa.index(control.id), "toolComponent": component}
        found.append(
            {"target": target, "kinds": ["relevant"], "properties": {"acrscan/basis": control.basis}}
        )
    return found


def _automation(head: ScanHeader, profile: Profile, run: str) -> dict[str, Any]:
    category = profile.category(head)
    return {
        "id": f"{category}/{head.now}",
        "guid": run,
        "correlationGuid": identifier("category", category),
        "description": {"text": "Compliance scan of Azure container registries."},
    }


def _run_properties(scan: Scan, profile: Profile) -> dict[str, Any]:
    head = scan.header
    return {
        "acrscan/sarifProfile": profile.name,
        "acrscan/pack": {"id": head.pack_id, "version": head.pack_version, "sha256": head.pack_digest},
        "acrscan/profile": harmless(head.profile),
        "acrscan/parameters": harmless([to_record(one) for one in head.parameters]),
        "acrscan/inventory": {"source": harmless(head.inventory), "sha256": head.inventory_digest},
        "acrscan/subscriptions": harmless(dict(sorted(head.subscriptions.items()))),
        "acrscan/summary": harmless(summary_record(scan)),
    }
