"""What was assessed: each resource becomes an inventory item with its evaluations, and rows point to it by its uuid."""

from __future__ import annotations

import heapq
from collections import Counter
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from scanner.formats.oscal.ids import resource
from scanner.formats.oscal.texts import props, prose
from scanner.model import ids
from scanner.model.finding import LETTERS, Finding
from scanner.model.scan import ResourceLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from scanner.model.finding import Verdict
    from scanner.model.scan import Scan


def items(scan: Scan) -> Iterator[dict[str, Any]]:
    """Every evaluated resource, and every place that a row is about without being one (it was not read, or is gone)."""
    streams: list[Iterable[tuple[tuple[str, str], ResourceLine | Finding | None, str, str]]] = [
        ((_key(line.type, line.id), line, line.id, line.name) for line in scan.resources),
        (
            (_key(row.resource_type, row.resource), row, row.resource, row.resource_name)
            for row in scan.findings
        ),
        (
            (_key(row.resource_type, row.resource), None, row.resource, row.resource_name)
            for row in scan.earlier
            if carried(row)
        ),
    ]
    for (kind, _), group in groupby(heapq.merge(*streams, key=itemgetter(0)), key=itemgetter(0)):
        found = list(group)
        _, first, identity, name = found[0]  # of equal keys the first stream's comes first: the line, if any
        if isinstance(first, ResourceLine):
            yield _evaluated(first)
            continue
        verdicts = {row.rule: row.verdict for _, row, _, _ in found if isinstance(row, Finding)}
        yield _place(kind, identity, name, Counter(verdicts.values()))


def _key(kind: str, identity: str) -> tuple[str, str]:
    return kind, ids.order_key(identity)


def carried(row: Finding) -> bool:
    """Whether a row of the baseline is still open because it could not be looked at this time."""
    return row.change != "resolved"


def subjects(row: Finding) -> list[dict[str, Any]]:
    """References to the items that a row stands for."""
    return [
        {
            "subject-uuid": resource(row.resource_type, one),
            "type": "inventory-item",
            "title": prose((row.resource_name if one == row.resource else "") or ids.name_of(one) or one),
        }
        for one in row.resources
    ]


def _evaluated(line: ResourceLine) -> dict[str, Any]:
    letters = Counter(line.letters)
    return {
        "uuid": resource(line.type, line.id),
        "description": prose(line.name or line.id),
        "props": props(
            resource_id=line.id,
            resource_type=line.type,
            subscription=line.subscription,
            resource_group=line.resource_group,
            location=line.location,
            sku=line.sku,
            **_told({verdict: letters[letter] for letter, verdict in LETTERS.items()}),
        ),
    }


def _place(kind: str, identity: str, name: str, verdicts: Mapping[Verdict, int]) -> dict[str, Any]:
    return {
        "uuid": resource(kind, identity),
        "description": prose(name or identity),
        "props": props(resource_id=identity, resource_type=kind, **_told(verdicts)),
        "remarks": "Not read as a resource: resources of this type could not be read there, or it was not looked at.",
    }


def _told(verdicts: Mapping[Verdict, int]) -> dict[str, str]:
    return {f"evaluations_{verdict.value}": str(number) for verdict, number in verdicts.items() if number}
