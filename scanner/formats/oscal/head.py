"""What holds for the whole document: who, when, with what, how completely, and the digests of what it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scanner.formats.oscal.ids import TOOL, organisation, person
from scanner.formats.oscal.texts import NAMESPACE, line, moment, props, prose, token
from scanner.model.finding import CHANGES, Verdict
from scanner.model.summary import incomplete, not_evaluated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.formats.oscal.ids import Ids
    from scanner.model.scan import Scan, ScanHeader

VERSION = "1.1.2"
_EPOCH = "1970-01-01T00:00:00Z"
"""For a scan that does not say when it was; every time in OSCAL needs a zone."""
_NAMED = 30
"""Collections that are named one by one; the rest is counted."""


def metadata(scan: Scan) -> dict[str, Any]:
    """Roles and people."""
    head = scan.header
    owner = organisation(head.organisation)
    people = {one.attestation.owner for one in scan.attestations}
    people |= {one.attestation.approver for one in scan.attestations}
    responsible = [{"role-id": "owner", "party-uuids": [owner]}]
    if head.identity.startswith("user "):
        people.add(head.identity)
        responsible.append({"role-id": "assessor", "party-uuids": [person(head.identity)]})
    name = line(head.organisation or "The owner of the registries")
    return {
        "title": "acrscan assessment results",
        "last-modified": span(scan)[1],
        "version": line(f"{head.pack_id} {head.pack_version}"),
        "oscal-version": VERSION,
        "roles": [
            {"id": "owner", "title": "Owner of the registries"},
            {"id": "assessor", "title": "Ran the scan"},
            {"id": "attestor", "title": "Vouches for manual controls"},
            {"id": "approver", "title": "Approves what others vouch for"},
        ],
        "parties": [
            {"uuid": owner, "type": "organization", "name": name},
            *(
                {"uuid": person(name), "type": "person", "name": line(name)}
                for name in sorted(people)
                if name
            ),
        ],
        "responsible-parties": responsible,
    }


def plan(ids: Ids) -> dict[str, str]:
    """The plan that was followed."""
    return {
        "href": f"#{ids.run('plan')}",
        "remarks": "No assessment plan was written; the rule pack says what is assessed.",
    }


def span(scan: Scan) -> tuple[str, str]:
    """When the collection began and when it ended."""
    end = moment(scan.header.now, _EPOCH)
    return moment(scan.header.started, end), end


def assets(scan: Scan, ids: Ids) -> dict[str, Any]:
    """The tool, and the run of it: as whom, in which tenant, on what."""
    head = scan.header
    tool = {
        "uuid": TOOL,
        "type": "software",
        "title": "acrscan",
        "description": "Policy-as-code compliance scanner for Azure Container Registry.",
        "props": [{"name": "version", "value": line(head.tool_version)}],
        "status": {"state": "operational"},
    }
    platform = {
        "uuid": ids.run("platform"),
        "title": "acrscan",
        "props": props(
            identity=head.identity,
            tenant=head.tenant,
            inventory=head.inventory,
            profile=head.profile,
            profile_sha256=head.profile_digest,
        )
        or props(tool="acrscan"),
        "uses-components": [{"component-uuid": TOOL}],
    }
    return {"components": [tool], "assessment-platforms": [platform]}


def words(scan: Scan) -> str:
    """What was assessed, and how completely."""
    head = scan.header
    total = scan.tallies.total()
    undecided = total[Verdict.UNKNOWN] + total[Verdict.ERROR]
    return prose(
        f"acrscan {head.tool_version} made {sum(total.values())} evaluations of {len(scan.tallies.verdicts)} rules "
        f"on resources of: {head.inventory}; {undecided} of them could not be decided."
    )


def counts(scan: Scan) -> list[dict[str, str]]:
    """The scan's counts as properties."""
    named = {f"evaluations-{verdict.value}": number for verdict, number in scan.tallies.total().items()}
    named["evaluations-waived"] = scan.tallies.accepted()
    named["evaluations-attested"] = scan.tallies.attested_total()
    named |= {f"findings-{severity}": number for severity, number in scan.tallies.findings.items()}
    named["findings-waived"] = sum(scan.tallies.waived.values())
    named["rules-not-evaluated"] = len(not_evaluated(scan.header))
    named["collections-incomplete"] = len(incomplete(scan.header))
    if scan.drift is not None:
        named |= {f"findings-{change}": scan.drift.changes.get(change, 0) for change in CHANGES}
        named["findings-carried"] = scan.drift.carried
    return [{"name": token(name), "ns": NAMESPACE, "value": str(number)} for name, number in named.items()]


def remarks(scan: Scan) -> str:
    """What is missing, first; then what changed."""
    said = [_collections(scan.header), _scope(scan.header)]
    skipped = not_evaluated(scan.header)
    if skipped:
        said.append(f"{len(skipped)} rules were not evaluated; their observations say why.")
    drift = scan.drift
    if drift is not None:
        changed = ", ".join(f"{drift.changes.get(change, 0)} {change}" for change in CHANGES)
        said.append(
            f"Compared with {drift.words} of {drift.now}: {changed}; {drift.carried} findings of then could not be "
            "looked at this time and stay open."
        )
        said += [f"Of this comparison: {note}." for note in drift.notes]
    return prose(" ".join(text for text in said if text), 8_000)


def _collections(head: ScanHeader) -> str:
    missing = incomplete(head)
    if not missing:
        return "Every collection was read completely."
    named = ", ".join(f"{run.collection} ({run.state})" for run in missing[:_NAMED])
    more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    return f"{len(missing)} collections are not complete: {named}{more}."


def _scope(head: ScanHeader) -> str:
    if not head.scope:
        return ""
    dark = [line for line in head.scope if line.reason]
    named = "; ".join(f"{line.name or line.subscription}: {line.reason}" for line in dark[:_NAMED])
    more = f"; and {len(dark) - _NAMED} more" if len(dark) > _NAMED else ""
    return f"{len(head.scope)} subscriptions are in scope, {len(dark)} of them not wholly looked at{f' ({named}{more})' if dark else ''}."


def resources(scan: Scan, ids: Ids) -> Iterator[dict[str, Any]]:
    """What the results rest on, with digests."""
    head = scan.header
    pack = f"Rule pack {head.pack_id} {head.pack_version}, profile {head.profile or 'none'}."
    yield _resource(ids.run("plan"), "Assessment plan", pack, head.pack_digest)
    yield _resource(ids.run("inventory"), "Inventory", head.inventory, head.inventory_digest)
    if head.waiver_digest:
        yield _resource(ids.run("waivers"), "Waivers and attestations", head.waiver_file, head.waiver_digest)
    if scan.drift is not None:
        text = f"{scan.drift.words} of {scan.drift.now}"
        yield _resource(ids.run("baseline"), "Inventory of the baseline", text, scan.drift.inventory_digest)


def _resource(identity: str, title: str, text: str, digest: str) -> dict[str, Any]:
    found: dict[str, Any] = {"uuid": identity, "title": title, "description": prose(text)}
    if len(digest) == 64 and digest.isalnum():
        link = {
            "href": f"urn:sha256:{digest}",
            "media-type": "application/octet-stream",
            "hashes": [{"algorithm": "SHA-256", "value": digest}],
        }
        found["rlinks"] = [link]
    return found
