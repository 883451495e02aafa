"""Agreement with Azure Policy: from the rows to a matrix of registries and built-in definitions, and to what differs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.formats.html.worst import Worst
from scanner.model.ids import name_of, resource_group_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scanner.model.scan import AgreementRow, AgreementTally, Scan

CELLS_SHOWN = 2_400
DIFFERENCES_SHOWN = 300
ASSIGNMENTS_SHOWN = 100
DIFFERENT = ("differs", "settling")

SIGNS = {
    "enforced": {"yes": ("■", "P"), "no": ("□", "N"), "unknown": ("?", "U")},
    "exempt": {"yes": ("⊖", "U"), "no": ("·", "N"), "unknown": ("?", "U")},
    "agrees": {
        "agrees": ("=", "P"),
        "differs": ("≠", "F"),
        "settling": ("≈", "U"),
        "notComparable": ("\u2013", "N"),
    },
}
"""For each part of a cell and each answer a sign and the class of its colours; the sign alone tells them apart."""
CONFIGURED = {
    "pass": "P",
    "fail": "F",
    "unknown": "U",
    "error": "E",
    "notApplicable": "N",
    "manual": "M",
    "off": "N",
}
"""The verdicts of the first part with the class of their colours; the signs are those of the verdicts."""


@dataclass(frozen=True, slots=True)
class Column:
    """One built-in definition and the rule about the same."""

    definition: str
    name: str
    rule: str


@dataclass(frozen=True, slots=True)
class Line:
    """One registry: a row of the scan for each column, None where the scan did not keep it."""

    registry: str
    name: str
    group: str
    cells: tuple[AgreementRow | None, ...]


@dataclass(slots=True)
class Acting:
    """One assignment of one definition with its effect, and how many of the listed registries it covers."""

    assignment: str
    definition: str
    rule: str
    effect: str
    mode: str
    registries: int = 0
    enforced: int = 0
    exempt: int = 0
    until: set[str] = field(default_factory=set)

    @property
    def ends(self) -> tuple[str, ...]:
        """When the exemptions end, "" for never: first the soonest."""
        return tuple(sorted(self.until, key=lambda end: (not end, end)))


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the part shows, and how much is left out of each list."""

    tally: AgreementTally
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    lines_left_out: int
    differences: tuple[AgreementRow, ...]
    differences_left_out: int
    acting: tuple[Acting, ...]
    acting_left_out: int
    kept: int


def compare(scan: Scan) -> Agreement:
    """Read the rows; list registries with an assignment or a state, those that differ first."""
    columns: dict[str, Column] = {}
    registries: dict[str, dict[str, AgreementRow]] = {}
    acting: dict[tuple[str, ...], Acting] = {}
    for row in scan.agreement:
        columns.setdefault(row.definition, Column(row.definition, row.definition_name, row.rule))
        registries.setdefault(row.registry, {})[row.definition] = row
        _count(acting, row)
    kept: Worst[tuple[str, Mapping[str, AgreementRow]]] = Worst(CELLS_SHOWN // max(1, len(columns)))
    for registry, rows in registries.items():
        if any(row.stated or row.assigned for row in rows.values()):
            kept.offer(_rank(rows.values()), (registry, rows))
    lines = tuple(
        Line(
            registry,
            name_of(registry) or registry,
            resource_group_of(registry),
            tuple(rows.get(definition) for definition in columns),
        )
        for registry, rows in kept.worst_first()
    )
    differing = sorted(
        (row for row in scan.agreement if row.agrees in DIFFERENT),
        key=lambda row: DIFFERENT.index(row.agrees),
    )
    strongest = sorted(acting.values(), key=lambda one: (-one.enforced, -one.registries))
    tally = scan.agreed
    return Agreement(
        tally=tally,
        columns=tuple(columns.values()),
        lines=lines,
        lines_left_out=max(0, tally.assigned - len(lines)),
        differences=tuple(differing[:DIFFERENCES_SHOWN]),
        differences_left_out=max(0, tally.differs + tally.settling - min(len(differing), DIFFERENCES_SHOWN)),
        acting=tuple(strongest[:ASSIGNMENTS_SHOWN]),
        acting_left_out=max(0, len(strongest) - ASSIGNMENTS_SHOWN),
        kept=len(scan.agreement),
    )


def _rank(rows: Iterable[AgreementRow]) -> tuple[int, ...]:
    said = [row.agrees for row in rows]
    return tuple(said.count(answer) for answer in (*DIFFERENT, "agrees"))


def _count(acting: dict[tuple[str, ...], Acting], row: AgreementRow) -> None:
    for one in row.assigned:
        key = (one.assignment.lower(), one.definition, one.effect.lower(), one.mode.lower())
        known = acting.get(key)
        if known is None:
            known = acting[key] = Acting(one.assignment, one.definition, row.rule, one.effect, one.mode)
        known.registries += 1
        known.enforced += one.enforces == "yes"
        if one.exempt == "yes":
            known.exempt += 1
            known.until.add(one.until)
