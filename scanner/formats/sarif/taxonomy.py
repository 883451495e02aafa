"""Frameworks as taxonomies: one component for each framework that a rule refers to, with the controls referred to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scanner.formats._text import visible
from scanner.formats.sarif.texts import identifier, pascal, sentence

if TYPE_CHECKING:
    from scanner.model.framework import Framework
    from scanner.model.scan import ScanHeader


def taxonomies_of(head: ScanHeader) -> list[dict[str, Any]]:
    """The components in the order of their names; titles and versions where the catalogue is known."""
    known = {one.id: one for one in head.frameworks}
    controls: dict[str, set[str]] = {}
    for card in head.rules:
        for control in card.controls:
            controls.setdefault(control.framework, set()).add(control.id)
    return [_taxonomy(name, sorted(controls[name]), known.get(name)) for name in sorted(controls)]


def _taxonomy(name: str, controls: list[str], known: Framework | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": name,
        "guid": identifier("framework", name),
        "shortDescription": {"text": f"Controls of '{name}' that the rules refer to."},
        "isComprehensive": False,
        "contents": ["localizedData", "nonLocalizedData"],
    }
    titles: dict[str, str] = {}
    if known is not None:
        titles = {control.id: control.title for control in known.controls}
        found["fullName"] = visible(known.title)
        found["fullDescription"] = {"text": sentence(known.mapping or known.title, 900)}
        if known.version:
            found["version"] = visible(known.version)
        if known.source.startswith("https://"):
            found["informationUri"] = known.source
    found["taxa"] = [_taxon(control, titles.get(control, "")) for control in controls]
    return found


def _taxon(control: str, title: str) -> dict[str, Any]:
    if not title:
        return {"id": control}
    return {"id": control, "name": pascal(title), "shortDescription": {"text": sentence(title)}}


def relationships(head: ScanHeader, rule: int, taxonomies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a rule's controls are in the components."""
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
