"""OSCAL assessment results for governance tools: observations, risks, and a finding for each control of each framework.

A control is satisfied only when every rule about it that is switched on was asked, decided and held; what was not
evaluated, or is accepted by a waiver, is not satisfied, and says why.
Source: https://pages.nist.gov/OSCAL/reference/1.1.2/assessment-results/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from scanner.formats._settings import DEFAULT, Settings
from scanner.formats._stream import array, entry
from scanner.formats.oscal import controls, head, rows, subjects
from scanner.formats.oscal.ids import Ids

if TYPE_CHECKING:
    from scanner.model.scan import Scan

EXTENSION = ".oscal.json"


def render(scan: Scan, out: BinaryIO, settings: Settings = DEFAULT) -> None:  # noqa: ARG001 - this format has none
    """Write the document; the rows are read three times, memory is constant."""
    ids = Ids.of(scan)
    out.write(b'{"assessment-results":{')
    entry(out, "uuid", ids.run("document"), first=True)
    entry(out, "metadata", head.metadata(scan))
    entry(out, "import-ap", head.plan(ids))
    out.write(b',\n"results":[{')
    entry(out, "uuid", ids.run("result"), first=True)
    entry(out, "title", "Compliance scan of Azure container registries")
    entry(out, "description", head.words(scan))
    start, end = head.span(scan)
    entry(out, "start", start)
    entry(out, "end", end)
    entry(out, "props", head.counts(scan))
    out.write(b',\n"local-definitions":{')
    entry(out, "assessment-assets", head.assets(scan, ids), first=True)
    array(out, "inventory-items", subjects.items(scan), empty=False)
    out.write(b"\n}")
    entry(out, "reviewed-controls", controls.reviewed(scan))
    array(out, "attestations", controls.attestations(scan, ids), empty=False)
    array(out, "observations", rows.observations(scan, ids), empty=False)
    array(out, "risks", rows.risks(scan, ids), empty=False)
    array(out, "findings", controls.findings(scan, ids), empty=False)
    entry(out, "remarks", head.remarks(scan))
    out.write(b"\n}]")
    entry(out, "back-matter", {"resources": list(head.resources(scan, ids))})
    out.write(b"\n}}\n")
