"""Frameworks as SARIF taxonomies: the controls that rules refer to, with our own short titles, and the references."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from scanner.formats._text import visible
from scanner.formats.sarif.texts import identifier, sentence

if TYPE_CHECKING:
    from scanner.model.framework import Framework
    from scanner.model.scan import RuleCard, ScanHeader

_ADDRESS = re.compile(r"https://[!-;=?-~]+")
_PUBLISHERS = {
    "microsoft.com": "Microsoft",
    "cisecurity.org": "Center for Internet Security",
    "nist.gov": "National Institute of Standards and Technology",
    "iso.org": "International Organization for Standardization",
    "pcisecuritystandards.org": "PCI Security Standards Council",
    "aicpa-cima.com": "AICPA",
    "aicpa.org": "AICPA",
}
"""Who publishes what lies at a source's address."""


class Taxonomies:
    """The taxonomies of a run. Catalogues come in their own order; frameworks without one after them, by name."""

    def __init__(self, header: ScanHeader) -> None:
        used: dict[str, set[str]] = {}
        for card in header.rules:
            for control in card.controls:
                used.setdefault(control.framework, set()).add(control.id)
        known = {one.id: one for one in header.frameworks if one.id in used}
        names = [*known, *sorted(used.keys() - known.keys())]
        self.components = [_component(name, sorted(used[name]), known.get(name)) for name in names]
        self._places = {
            (name, control): (at, number)
            for at, name in enumerate(names)
            for number, control in enumerate(sorted(used[name]))
        }

    def supported(self) -> list[dict[str, Any]]:
        """References to all of them, for the driver."""
        return [
            {"name": one["name"], "index": at, "guid": one["guid"]} for at, one in enumerate(self.components)
        ]

    def relationships(self, card: RuleCard) -> list[dict[str, Any]]:
        """The rule's controls, each with its basis: stated by the framework's source, or derived by us."""
        found = []
        for control in card.controls:
            at, number = self._places[control.framework, control.id]
            component = {
                "name": self.components[at]["name"],
                "index": at,
                "guid": self.components[at]["guid"],
            }
            target = {
                "id": self.components[at]["taxa"][number]["id"],
                "index": number,
                "toolComponent": component,
            }
            found.append(
                {
                    "target": target,
                    "kinds": ["relevant"],
                    "properties": {"acrscan/basis": visible(control.basis)},
                }
            )
        return found


def _component(name: str, controls: list[str], catalogue: Framework | None) -> dict[str, Any]:
    titles = {control.id: control.title for control in catalogue.controls} if catalogue else {}
    title = catalogue.title if catalogue else ""
    found: dict[str, Any] = {"name": visible(name), "guid": identifier("framework", name)}
    if catalogue is not None:
        found |= _catalogue(catalogue)
    found["shortDescription"] = {
        "text": sentence(f"{title or name}: the controls that the rules refer to", 300)
    }
    found["isComprehensive"] = False
    found["contents"] = ["localizedData", "nonLocalizedData"]
    found["taxa"] = [_taxon(control, titles.get(control, "")) for control in controls]
    return found


def _catalogue(one: Framework) -> dict[str, Any]:
    """What the catalogue says of itself; empty values are left out."""
    found: dict[str, Any] = {"fullName": visible(" ".join(part for part in (one.title, one.version) if part))}
    if one.version:
        found["version"] = visible(one.version)
    if _ADDRESS.fullmatch(one.source):
        found["informationUri"] = one.source
        host = f".{urlsplit(one.source).hostname or ''}"
        publisher = next((name for end, name in _PUBLISHERS.items() if host.endswith(f".{end}")), "")
        if publisher:
            found["organization"] = publisher
    words = " ".join(sentence(text) for text in (one.mapping, one.note) if text)
    if words:
        found["fullDescription"] = {"text": words}
    if one.digest:
        found["properties"] = {"acrscan/sha256": visible(one.digest)}
    return found


def _taxon(control: str, title: str) -> dict[str, Any]:
    found: dict[str, Any] = {"id": visible(control)}
    if title:
        found["shortDescription"] = {"text": sentence(title)}
    return found
