"""A scan in, one SARIF log with one run out, written as it comes: passes over the findings, constant memory.

A first pass counts what holds for all results, the second names the resources (`logicalLocations`), the third writes the
results. All rely on the order of a scan, in which the rows of one resource stand together.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, BinaryIO

from scanner.formats._settings import DEFAULT, Settings
from scanner.formats.sarif import notification
from scanner.formats.sarif.place import BASE, Places, in_file, logical
from scanner.formats.sarif.result import Traits, harmless, result
from scanner.formats.sarif.selection import Selection
from scanner.formats.sarif.taxonomies import Taxonomies
from scanner.formats.sarif.texts import identifier, rule_descriptor
from scanner.model import ids
from scanner.model.codec import encode, to_record
from scanner.model.gaps import gaps
from scanner.model.summary import summary_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from scanner.formats.sarif.profile import Profile
    from scanner.formats.sarif.selection import Counts, Picked
    from scanner.model.finding import Finding
    from scanner.model.scan import Scan, ScanHeader

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
SMALL_UP_TO = 5_000
"""Results up to which a log says things twice for the comfort of viewers, and lists its artifacts."""
INFORMATION = "https://learn.microsoft.com/azure/container-registry/container-registry-faq"
_JSON = "application/json"


def write(
    scan: Scan,
    out: BinaryIO,
    profile: Profile,
    settings: Settings = DEFAULT,
    subscription: str | None = None,
) -> None:
    """Write the log; `subscription`: the one that the scan's rows are about ("" = what lies in none), or None for all."""
    head = scan.header
    category = profile.category(head, subscription)
    automation, named = profile.automation(head, category, settings.pipeline)
    subject = f"{profile.name} {category}"
    run = _run_guid(head.inventory_digest, head.pack_digest, head.profile, head.now, subject)
    rows = Selection(scan, profile, settings.sarif_limit)
    pipeline = settings.pipeline
    places = Places(pipeline.get("root", ""), pipeline.get("folder", ""), relative=profile.relative)
    taxonomies = Taxonomies(head)
    small = rows.counts.rows <= SMALL_UP_TO
    artifacts = _artifacts(head, rows if small else (), places)
    out.write(b'{\n"$schema":' + encode(SCHEMA) + b',\n"version":"2.1.0",\n"runs":[{')
    _entry("tool", {"driver": _driver(head, profile, taxonomies)}, out, first=True)
    _entry(
        "automationDetails",
        {
            "id": automation,
            "guid": run,
            "correlationGuid": identifier("category", category),
            "description": {"text": "Compliance scan of Azure container registries."},
            **({"properties": named} if named else {}),
        },
        out,
    )
    _entry(
        "originalUriBaseIds",
        {BASE: {"description": {"text": "The repository that the log is uploaded to."}}},
        out,
    )
    if provenance := _provenance(pipeline):
        _entry("versionControlProvenance", [provenance], out)
    if scan.drift is not None:
        old = scan.drift
        earlier = _run_guid(old.inventory_digest, old.pack_digest, old.profile, old.now, subject)
        _entry("baselineGuid", earlier, out)
    _entry("invocations", [notification.invocation(scan, rows.counts, settings.sarif_limit, places)], out)
    if taxonomies.components:
        _entry("taxonomies", taxonomies.components, out)
    if artifacts:
        _entry("artifacts", list(artifacts.values()), out)
    _entry("columnKind", "unicodeCodePoints", out)
    _entry("redactionTokens", ["***"], out)
    _entry("properties", _run_properties(scan, profile, rows.counts, subscription), out)
    _list("logicalLocations", (logical(picked.row) for picked in _first_of_each(rows)), out)
    traits = Traits(
        run=run,
        rules={card.id: at for at, card in enumerate(head.rules)},
        profile=profile,
        places=places,
        waivers={line.waiver.id: line for line in scan.waivers},
        suppressions=rows.counts.suppressions,
        baseline=rows.counts.baseline,
        small=small,
        artifacts={uri: at for at, uri in enumerate(artifacts)},
    )
    _list("results", _results(rows, traits), out)
    out.write(b"}]\n}\n")


def _run_guid(inventory: str, pack: str, profile: str, now: str, subject: str) -> str:
    """The guid of a run; made of what a baseline remembers, so that a later run can name it."""
    return identifier("run", inventory, pack, profile, now, subject)


def _resource(picked: Picked) -> tuple[str, str]:
    return picked.row.resource_type, ids.order_key(picked.row.resource)


def _first_of_each(rows: Iterable[Picked]) -> Iterator[Picked]:
    last = None
    for picked in rows:
        if _resource(picked) != last:
            last = _resource(picked)
            yield picked


def _results(rows: Iterable[Picked], traits: Traits) -> Iterator[dict[str, Any]]:
    at, last, spelled = -1, None, ""
    for picked in rows:
        if _resource(picked) != last:
            at, last, spelled = at + 1, _resource(picked), picked.row.resource
        yield result(picked, at, spelled, traits)


def _entry(key: str, value: Any, out: BinaryIO, *, first: bool = False) -> None:
    out.write((b"\n" if first else b",\n") + encode(key) + b":" + encode(value))


def _list(key: str, values: Iterator[dict[str, Any]], out: BinaryIO) -> None:
    out.write(b",\n" + encode(key) + b":[")
    between = b"\n"
    for value in values:
        out.write(between + encode(value))
        between = b",\n"
    out.write(b"]")


def _driver(head: ScanHeader, profile: Profile, taxonomies: Taxonomies) -> dict[str, Any]:
    driver: dict[str, Any] = {
        "name": "acrscan",
        "fullName": f"acrscan {head.tool_version} with rules {head.pack_id} {head.pack_version}",
        "semanticVersion": head.tool_version,
        "version": head.tool_version,
        "informationUri": INFORMATION,
        "language": "en-US",
        "rules": [
            rule_descriptor(card, profile.level(card.severity), taxonomies.relationships(card))
            for card in head.rules
        ],
        "notifications": notification.DESCRIPTORS,
    }
    if taxonomies.components:
        driver["supportedTaxonomies"] = taxonomies.supported()
    return driver


def _provenance(pipeline: Mapping[str, str]) -> dict[str, Any]:
    """The checkout that the log belongs to, or {} where nobody knows its repository."""
    repository = pipeline.get("repository", "")
    if not repository.startswith("https://"):
        return {}
    found: dict[str, Any] = {"repositoryUri": repository}
    if revision := pipeline.get("revision", ""):
        found["revisionId"] = revision
    if branch := pipeline.get("branch", ""):
        found["branch"] = branch
    return {**found, "mappedTo": {"uriBaseId": BASE}}


def _artifacts(head: ScanHeader, rows: Iterable[Picked], places: Places) -> dict[str, dict[str, Any]]:
    """The files of a run by address: the waiver file by its digest, and what stands for resources in the cloud.

    The latter hold who the first resource there is, so that a viewer has something to show; their hash is that of these
    contents. The inventory's own digest covers all of it at once and stands in the run's properties.
    """
    found: dict[str, dict[str, Any]] = {}
    if head.waiver_file and head.waiver_digest:
        location = places.file(head.waiver_file)
        found[location["uri"]] = {
            "location": location,
            "roles": ["userSpecifiedConfiguration"],
            "mimeType": "application/yaml",
            "hashes": {"sha-256": head.waiver_digest},
            "description": {"text": "Waivers and attestations."},
        }
    for picked in rows:
        location = places.artifact(picked.row)
        if location["uri"] in found:
            continue
        if in_file(picked.row):
            words = f"Declares what was scanned ({picked.row.origin.source})."
            found[location["uri"]] = {
                "location": location,
                "roles": ["analysisTarget"],
                "description": {"text": words},
            }
        else:
            text = _identity(picked.row)
            found[location["uri"]] = {
                "location": location,
                "roles": ["resultFile"],
                "mimeType": _JSON,
                "contents": {"text": text},
                "hashes": {"sha-256": hashlib.sha256(text.encode()).hexdigest()},
                "description": {
                    "text": "Who the resource is, as collected; no file unless the inventory is kept here."
                },
            }
    return found


def _identity(row: Finding) -> str:
    """A resource in a few lines of JSON, which begin as the region of every result says."""
    said = {
        "id": row.resource,
        "type": row.resource_type,
        "name": row.resource_name,
        "location": row.location,
        "apiVersion": row.api_version,
        "collectedAt": row.origin.collected_at,
    }
    return json.dumps(
        harmless({key: value for key, value in said.items() if value}), indent=1, ensure_ascii=False
    )


def _run_properties(scan: Scan, profile: Profile, counts: Counts, subscription: str | None) -> dict[str, Any]:
    """What SARIF has no place for. The summary is of the whole scan, also in a file about one subscription."""
    head = scan.header
    said: dict[str, Any] = {
        "sarifProfile": profile.name,
        "subscription": subscription,
        "organisation": head.organisation,
        "pack": {"id": head.pack_id, "version": head.pack_version, "sha256": head.pack_digest},
        "profile": head.profile,
        "profileSha256": head.profile_digest,
        "parameters": [to_record(one) for one in head.parameters],
        "inventory": {"source": head.inventory, "sha256": head.inventory_digest},
        "subscriptions": dict(sorted(head.subscriptions.items())),
        "summary": summary_record(scan),
        "results": counts.rows,
        "gaps": len(gaps(scan, subscription)),
        "carriedForward": counts.carried,
        "leftOut": {**dict(sorted(counts.left.items())), **({"limit": counts.cut} if counts.cut else {})},
    }
    if scan.drift is not None:
        said["drift"] = to_record(scan.drift)
    kept = {"profile", "parameters", "subscriptions", "results"}
    return {f"acrscan/{key}": harmless(value) for key, value in said.items() if value or key in kept}
