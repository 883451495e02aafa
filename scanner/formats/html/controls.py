"""By control: from the rules' mappings to one row for each control of each framework, with its worst status."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.formats.html.standing import STATUSES

if TYPE_CHECKING:
    from scanner.formats.html.standing import RuleRow

FRAMEWORK_ORDER = (
    "faq",
    "acr-faq",
    "mcsb-v2",
    "mcsb",
    "cis-azure",
    "nist-800-53",
    "iso-27001",
    "pci-dss",
    "soc-2",
    "azure-policy",
)


@dataclass(frozen=True, slots=True)
class ControlRow:
    """One control: `basis` is `stated` when at least one rule's mapping is the framework's own."""

    id: str
    status: str
    rules: tuple[tuple[RuleRow, str], ...]
    """Each rule with the basis of its mapping."""


@dataclass(frozen=True, slots=True)
class Framework:
    """One framework with its controls that rules refer to, and how many controls have each status."""

    id: str
    anchor: str
    controls: tuple[ControlRow, ...]
    statuses: tuple[tuple[str, int], ...]


def by_framework(rules: tuple[RuleRow, ...]) -> list[Framework]:
    """Group rules by framework and control, known frameworks first."""
    found: dict[str, dict[str, list[tuple[RuleRow, str]]]] = {}
    for row in rules:
        for control in row.card.controls:
            found.setdefault(control.framework, {}).setdefault(control.id, []).append((row, control.basis))
    known = {name: place for place, name in enumerate(FRAMEWORK_ORDER)}
    names = sorted(found, key=lambda name: (known.get(name, len(known)), name))
    return [_framework(name, place, found[name]) for place, name in enumerate(names)]


def _framework(name: str, place: int, controls: dict[str, list[tuple[RuleRow, str]]]) -> Framework:
    rows = tuple(
        ControlRow(control, worst([row.status for row, _ in mapped]), tuple(mapped))
        for control, mapped in sorted(controls.items(), key=lambda item: natural(item[0]))
    )
    counted = tuple((status, sum(row.status == status for row in rows)) for status in STATUSES)
    return Framework(name, f"framework-{place}", rows, tuple(pair for pair in counted if pair[1]))


def worst(statuses: list[str]) -> str:
    """The status that ranks first; a control is only as good as its weakest rule."""
    return min(statuses, key=STATUSES.index)


def natural(text: str) -> list[tuple[int, int, str]]:
    """A sort key under which RM2 comes before RM10."""
    parts = re.findall(r"[0-9]+|[^0-9]+", text)
    return [(0, int(part), "") if part.isascii() and part.isdigit() else (1, 0, part) for part in parts]
