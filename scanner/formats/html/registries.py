"""By registry: from the resource lines to a matrix of verdict letters, and to short lists of the other targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.formats.html.worst import Worst

if TYPE_CHECKING:
    from scanner.model.scan import ResourceLine, Scan

REGISTRIES = "microsoft.containerregistry/registries"
MATRIX_ROWS = 1_000
MATRIX_CELLS = 12_000
OTHER_ROWS = 200


@dataclass(frozen=True, slots=True)
class TargetTable:
    """The evaluated resources of one type: `rows` are the worst ones, `left_out` counts the rest."""

    type: str
    anchor: str
    rules: tuple[str, ...]
    rows: tuple[ResourceLine, ...]
    total: int
    left_out: int
    troubled: int
    """Resources with at least one fail, error or unknown."""

    def rules_with(self, line: ResourceLine, letter: str) -> list[str]:
        """The rules that gave a resource this letter."""
        return [rule for rule, given in zip(self.rules, line.letters, strict=False) if given == letter]


@dataclass(frozen=True, slots=True)
class Estate:
    """The matrix of registries (None when none was evaluated), the other types, and counts by subscription."""

    matrix: TargetTable | None
    others: tuple[TargetTable, ...]
    by_subscription: dict[str, int]


def survey(scan: Scan) -> Estate:
    """Read the resource lines once; keep what is shown."""
    kept: dict[str, Worst[ResourceLine]] = {}
    troubled: dict[str, int] = {}
    by_subscription: dict[str, int] = {}
    orders = {target.lower(): rules for target, rules in scan.header.order.items()}
    for line in scan.resources:
        kind = line.type.lower()
        if kind not in kept:
            kept[kind] = Worst(_room(kind, orders))
        fails, errors, unknowns = (line.letters.count(letter) for letter in "FEU")
        if fails or errors or unknowns:
            troubled[kind] = troubled.get(kind, 0) + 1
        kept[kind].offer((fails, errors, unknowns), line)
        by_subscription[line.subscription] = by_subscription.get(line.subscription, 0) + 1
    tables = [
        _table(place, kind, worst, orders, troubled.get(kind, 0))
        for place, (kind, worst) in enumerate(sorted(kept.items()))
    ]
    matrix = next((table for table in tables if table.type.lower() == REGISTRIES), None)
    others = tuple(table for table in tables if table is not matrix)
    return Estate(matrix, others, by_subscription)


def _room(kind: str, orders: dict[str, tuple[str, ...]]) -> int:
    if kind != REGISTRIES:
        return OTHER_ROWS
    return max(1, min(MATRIX_ROWS, MATRIX_CELLS // max(1, len(orders.get(kind, ())))))


def _table(
    place: int, kind: str, worst: Worst[ResourceLine], orders: dict[str, tuple[str, ...]], troubled: int
) -> TargetTable:
    rows = tuple(worst.worst_first())
    if kind != REGISTRIES:
        rows = tuple(row for row in rows if any(letter in row.letters for letter in "FEU"))
    return TargetTable(
        type=rows[0].type if rows else kind,
        anchor=f"target-{place}",
        rules=orders.get(kind, ()),
        rows=rows,
        total=worst.offered,
        left_out=(worst.offered if kind == REGISTRIES else troubled) - len(rows),
        troubled=troubled,
    )
