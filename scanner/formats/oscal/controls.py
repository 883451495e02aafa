"""Controls: which were reviewed, what people vouch for, and for each whether it is satisfied."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from scanner.formats._controls import Standings, by_framework
from scanner.formats.oscal.ids import control as control_id
from scanner.formats.oscal.ids import person
from scanner.formats.oscal.texts import props, prose, token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.formats.oscal.ids import Ids
    from scanner.model.framework import Framework
    from scanner.model.scan import Scan
    from scanner.model.waiver import AttestationLine

_ADDRESS = re.compile(r"https://[!#-;=?-\[\]_a-z~]+")


def reviewed(scan: Scan) -> dict[str, Any]:
    """Every control that a rule names, by framework; how many of the catalogue none names."""
    known = {one.id: one for one in scan.header.frameworks}
    selections = [
        {
            "description": prose(_described(name, known.get(name), len(controls))),
            "include-controls": [{"control-id": _target(name, one)} for one in controls],
        }
        for name, controls in by_framework(scan.header).items()
    ]
    nothing = {"description": "The rules name no controls.", "include-all": {}}
    return {"control-selections": selections or [nothing]}


def _target(framework: str, name: str) -> str:
    return token(f"{framework}_{name}")


def _described(name: str, catalogue: Framework | None, number: int) -> str:
    if catalogue is None:
        return f"Controls of {name} that rules name."
    aside = sum(bool(one.untouched) for one in catalogue.controls)
    whole = "" if catalogue.complete else ", which holds those alone that concern a registry"
    version = f" (version {catalogue.version})" if catalogue.version else ""
    return (
        f"Controls of {catalogue.title}{version} that rules name: {number}. Our catalogue knows "
        f"{len(catalogue.controls)}{whole}; {aside} of them are about something no rule can look at."
    )


def attestations(scan: Scan, ids: Ids) -> Iterator[dict[str, Any]]:
    """What people vouch for, also where it does not count any more; each says which."""
    for line in scan.attestations:
        word = line.attestation
        parties = [{"role-id": "attestor", "party-uuids": [person(word.owner)]}]
        if word.approver:
            parties.append({"role-id": "approver", "party-uuids": [person(word.approver)]})
        part: dict[str, Any] = {
            "uuid": ids.run("attestation", word.id),
            "name": token(word.id),
            "title": prose(f"{word.covers.rule} {word.result}"),
            "props": props(
                attestation=word.id,
                rule=word.covers.rule,
                result=word.result,
                state=line.state,
                created=word.created,
                expires=word.expires,
                evidence=word.evidence,
                evaluations=str(line.evaluations),
            ),
            "prose": prose(_vouched(line), 8_000),
        }
        if _ADDRESS.fullmatch(word.evidence):
            part["links"] = [{"href": word.evidence, "rel": "evidence"}]
        yield {"responsible-parties": parties, "parts": [part]}


def _vouched(line: AttestationLine) -> str:
    word = line.attestation
    why = f" ({line.why})" if line.why else ""
    return (
        f"{word.covers.rule}: {word.result}. {word.reason} Evidence: {word.evidence}. Approved by {word.approver}; "
        f"{word.created} to {word.expires}, {line.state}{why}. It covers {line.evaluations} evaluations."
    )


def findings(scan: Scan, ids: Ids) -> Iterator[dict[str, Any]]:
    """One for each control: satisfied only where every rule about it was decided and held."""
    titles = {
        (one.id, control.id): control.title for one in scan.header.frameworks for control in one.controls
    }
    standings = Standings.of(scan)
    for framework, controls in by_framework(scan.header).items():
        for name, cards in controls.items():
            state, reason, why = standings.of_rules(cards)
            title = f"{framework} {name}"
            rules = dict.fromkeys(card.id for card in cards)
            yield {
                "uuid": control_id(framework, name),
                "title": prose(title),
                "description": prose(titles.get((framework, name), "") or title),
                "props": props(framework=framework, control=name),
                "target": {
                    "type": "objective-id",
                    "target-id": _target(framework, name),
                    "status": {"state": state, "reason": reason, "remarks": prose(why, 8_000)},
                },
                "related-observations": [{"observation-uuid": ids.rule(rule)} for rule in rules],
            }
