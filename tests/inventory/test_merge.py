"""Inventories of several sources as one."""

from __future__ import annotations

from dataclasses import replace

from scanner.engine.completeness import Completeness
from scanner.inventory.merge import merged
from scanner.inventory.record import ListPart
from scanner.model.resource import Inventory, Problem, Resource, SourceRun
from tests.engine.building import APP, registry, resource

KIND = "Microsoft.ContainerRegistry/registries"
TASKS = f"{KIND}/tasks"
LOCKS = "Microsoft.Authorization/locks"


def inventory(source, *rows, runs=(), digest="a", at="2026-11-25T02:00:00Z", notes=()):
    """What one source read."""
    by_type: dict[str, list[Resource]] = {}
    for row in rows:
        by_type.setdefault(row.type, []).append(row)
    parts = {kind.lower(): ListPart(kind, found) for kind, found in by_type.items()}
    told = [SourceRun(source, kind, state, problems=problems) for kind, state, problems in runs]
    return Inventory(parts, tuple(told), digest * 64, at, diagnostics=tuple(notes))


def test_rows_of_all_sources_are_there_in_order():
    """Rows of one type lie sorted together; one that both describe comes once, from the first."""
    first = registry(f"{APP}2", adminUserEnabled=True)
    again = registry(f"{APP}2", adminUserEnabled=False)
    task = resource(TASKS, f"{APP}2/tasks/t")
    found = merged([inventory("arm", first), inventory("terraform", again, registry(f"{APP}1"), task)])
    rows = list(found.parts[KIND.lower()])
    assert [row.name for row in rows] == ["app1", "app2"]
    assert rows[1].body["properties"]["adminUserEnabled"] is True
    assert len(found.parts[TASKS.lower()]) == 1


def test_what_one_read_is_not_unasked_because_another_was_not_asked():
    """A collection is unasked only where nobody read it; problems stay with their files."""
    untold = (Problem("", "not described by these files", chosen=True),)
    gap = (Problem("/subscriptions/file:x", "module not found"),)
    one = inventory(
        "arm", runs=[(KIND, "complete", ()), (TASKS, "not-asked", untold), (LOCKS, "not-asked", untold)]
    )
    other = inventory(
        "workload", runs=[(KIND, "not-asked", untold), (TASKS, "partial", gap), (LOCKS, "not-asked", untold)]
    )
    for pair in ([one, other], [other, one]):
        runs = merged(pair).runs
        assert sorted((run.collection, run.state) for run in runs) == sorted(
            [(KIND, "complete"), (TASKS, "partial"), (LOCKS, "not-asked")]
        )
        known = Completeness(runs)
        assert known.collected(KIND)
        assert known.gap(KIND, APP) is None
        assert known.gap(TASKS, "/subscriptions/file:x/resourceGroups/-") is not None
        assert known.not_asked(LOCKS) == "not described by these files"


def test_the_rest_is_kept():
    """Notes come once each, the end is the last one's, the digest depends on every part."""
    one, other = (
        inventory("arm", notes=("a", "b")),
        inventory("terraform", digest="b", at="2026-11-26T02:00:00Z", notes=("b", "c")),
    )
    found = merged([one, other])
    assert found.diagnostics == ("a", "b", "c")
    assert found.collected_at == "2026-11-26T02:00:00Z"
    assert found.digest not in {merged([one, replace(other, digest="c" * 64)]).digest, one.digest}
    assert merged([one]) is one
