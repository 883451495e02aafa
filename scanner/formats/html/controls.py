"""By control: from catalogues and the rules' mappings to one row for each control of each framework, with its worst status.

A catalogue names every control that the reports know of, also those that no rule speaks to: each of those has its
reason. Without a catalogue the controls that rules name are all there is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.formats.html.standing import STATUSES

if TYPE_CHECKING:
    from scanner.formats.html.standing import RuleRow
    from scanner.model.framework import Framework, FrameworkControl

KNOWN = (
    "faq",
    "acr-faq",
    "azure-policy",
    "mcsb-v2",
    "mcsb",
    "cis-azure",
    "nist-800-53",
    "iso-27001",
    "pci-dss",
    "soc-2",
)
"""The order of frameworks that come without a catalogue."""
SHARES = ("rules", "manual", "scanner", "untouched", "open")
"""What speaks to a control: rules that decide, only a person, acrscan itself, nothing with a reason, nothing without."""


@dataclass(frozen=True, slots=True)
class ControlRow:
    """One control. `share`: one of `SHARES`; `text`: what proves it or why nothing does (`scanner`, `untouched`)."""

    id: str
    title: str
    share: str
    status: str
    """The worst of its rules, or "" where it has none."""
    rules: tuple[tuple[RuleRow, str], ...]
    """Each rule with the basis of its mapping."""
    text: str


@dataclass(frozen=True, slots=True)
class FrameworkView:
    """One framework: its rows, how many of each status, how many of each share; `catalogue` None where none ships."""

    id: str
    anchor: str
    catalogue: Framework | None
    rows: tuple[ControlRow, ...]
    statuses: tuple[tuple[str, int], ...]
    shares: tuple[tuple[str, int], ...]

    @property
    def spoken(self) -> list[ControlRow]:
        """The controls that rules speak to."""
        return [row for row in self.rows if row.rules]

    @property
    def silent(self) -> list[ControlRow]:
        """The controls that no rule speaks to."""
        return [row for row in self.rows if not row.rules]


def by_framework(rules: tuple[RuleRow, ...], catalogues: Iterable[Framework] = ()) -> list[FrameworkView]:
    """Catalogues in their order, then frameworks that rules name without one."""
    found: dict[str, dict[str, list[tuple[RuleRow, str]]]] = {}
    for row in rules:
        for control in row.card.controls:
            found.setdefault(control.framework, {}).setdefault(control.id, []).append((row, control.basis))
    views: list[FrameworkView] = []
    for catalogue in catalogues:
        mapped = found.pop(catalogue.id, {})
        known = {control.id for control in catalogue.controls}
        rows = [_row(control.id, control, mapped.get(control.id, [])) for control in catalogue.controls]
        rows += [_row(name, None, mapped[name]) for name in sorted(mapped.keys() - known, key=natural)]
        views.append(_view(catalogue.id, len(views), catalogue, rows))
    rank = {name: place for place, name in enumerate(KNOWN)}
    for name in sorted(found, key=lambda name: (rank.get(name, len(rank)), name)):
        rows = [_row(control, None, found[name][control]) for control in sorted(found[name], key=natural)]
        views.append(_view(name, len(views), None, rows))
    return views


def _row(name: str, control: FrameworkControl | None, rules: list[tuple[RuleRow, str]]) -> ControlRow:
    title = control.title if control else ""
    if rules:
        share = "manual" if all(row.card.manual for row, _ in rules) else "rules"
        return ControlRow(name, title, share, worst([row.status for row, _ in rules]), tuple(rules), "")
    if control and control.scanner:
        return ControlRow(name, title, "scanner", "", (), control.scanner)
    if control and control.untouched:
        return ControlRow(name, title, "untouched", "", (), control.untouched)
    return ControlRow(name, title, "open", "", (), "")


def _view(name: str, place: int, catalogue: Framework | None, rows: list[ControlRow]) -> FrameworkView:
    statuses = tuple((status, sum(row.status == status for row in rows)) for status in STATUSES)
    shares = tuple((share, sum(row.share == share for row in rows)) for share in SHARES)
    return FrameworkView(
        name,
        f"framework-{place}",
        catalogue,
        tuple(rows),
        tuple(pair for pair in statuses if pair[1]),
        tuple(pair for pair in shares if pair[1]),
    )


def worst(statuses: list[str]) -> str:
    """The status that ranks first; a control is only as good as its weakest rule."""
    return min(statuses, key=STATUSES.index)


def natural(text: str) -> list[tuple[int, int, str]]:
    """A sort key under which RM2 comes before RM10."""
    parts = re.findall(r"[0-9]+|[^0-9]+", text)
    return [(0, int(part), "") if part.isascii() and part.isdigit() else (1, 0, part) for part in parts]
