"""Several inventories as one: what each source read comes in, one inventory over all of it comes out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import chain

from scanner.inventory.record import ListPart
from scanner.model.resource import Inventory, Part, Resource, SourceRun


def merged(inventories: Sequence[Inventory]) -> Inventory:
    """One inventory. A resource that two sources describe alike, by id, is taken from the first of them.

    A collection that one source read and another was never asked for counts as read: each speaks for its own files, whose
    ids tell them apart.
    """
    if len(inventories) == 1:
        return inventories[0]
    rows: dict[str, dict[str, Resource]] = {}
    for inventory in inventories:
        for kind, part in inventory.parts.items():
            known = rows.setdefault(kind, {})
            for row in part:
                known.setdefault(row.id.lower(), row)
    parts: dict[str, Part] = {
        kind: ListPart(next(iter(found.values())).type, found.values())
        for kind, found in rows.items()
        if found
    }
    digests = "\n".join(inventory.digest for inventory in inventories)
    return Inventory(
        parts=parts,
        runs=_runs([run for inventory in inventories for run in inventory.runs]),
        digest=hashlib.sha256(digests.encode()).hexdigest(),
        collected_at=max(inventory.collected_at for inventory in inventories),
        principals={key: one for inventory in inventories for key, one in inventory.principals.items()},
        diagnostics=tuple(dict.fromkeys(chain.from_iterable(one.diagnostics for one in inventories))),
    )


def _runs(runs: Sequence[SourceRun]) -> tuple[SourceRun, ...]:
    """Every run that was one, and one that was not for what nobody read; the order stays."""
    read = {run.collection.lower() for run in runs if run.state != "not-asked"}
    seen: set[str] = set()
    found = []
    for run in runs:
        kind = run.collection.lower()
        if run.state == "not-asked" and (kind in read or kind in seen):
            continue
        seen.add(kind)
        found.append(run)
    return tuple(found)
