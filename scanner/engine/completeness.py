"""What was read: source runs come in, for a collection and a place the answer "all of it", or why not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scanner.engine.relations import MANIFESTS, PROBED, REPOSITORIES, TAGS
from scanner.model import ids
from scanner.model.resource import Problem, SourceRun
from scanner.model.values import Unknown, UnreadTail

OPT_IN = {
    **dict.fromkeys((name.lower() for name in (REPOSITORIES, MANIFESTS, TAGS)), "data plane not asked for"),
    PROBED.lower(): "probe of endpoints not asked for",
    "acrscan/templatefiles": "no templates were scanned (scan --from arm)",
    "acrscan/hosts": "no host was scanned (scan --from host)",
    "acrscan/imagereferences": "no workloads were scanned (scan --from workload)",
    "acrscan/workloadfiles": "no workloads were scanned (scan --from workload)",
}
"""Collections that a user asks for; without that, rules about them do not apply."""


class Completeness:
    """Answers from the runs of an inventory. Problems are indexed by scope: there may be one per registry."""

    def __init__(self, runs: Iterable[SourceRun]) -> None:
        self._runs: dict[str, list[SourceRun]] = {}
        self._at: dict[tuple[str, str], Problem] = {}
        self._around: dict[tuple[str, str], Problem] = {}
        self._states: dict[str, Unknown | bool] = {}
        for run in runs:
            kind = run.collection.lower()
            self._runs.setdefault(kind, []).append(run)
            for problem in run.problems:
                scope = ids.normalise(problem.scope or ids.ROOT)
                self._at.setdefault((kind, scope), problem)
                for above in (*ids.ancestors(scope), ids.ROOT):
                    self._around.setdefault((kind, above), problem)

    def not_asked(self, collection: str) -> str:
        """Why an opt-in collection was not asked for, or ""."""
        lowered = collection.lower()
        runs = self._runs.get(lowered, [])
        if runs and all(run.state == "not-asked" for run in runs):
            told = next((problem.reason for run in runs for problem in run.problems), "")
            return told or OPT_IN.get(lowered, f"{collection} not asked for")
        return OPT_IN.get(lowered, "") if not runs else ""

    def collected(self, collection: str) -> bool:
        """Whether anybody tried to read the collection."""
        return any(run.state != "not-asked" for run in self._runs.get(collection.lower(), []))

    def problems(self, collection: str) -> list[Problem]:
        """Everything that was not read of a collection."""
        return [problem for run in self._runs.get(collection.lower(), ()) for problem in run.problems]

    def even(self, collection: str) -> bool:
        """Whether a collection is read, or not read, alike everywhere."""
        return not any(run.problems for run in self._runs.get(collection.lower(), ()))

    def gap(self, collection: str, place: str, above: Iterable[str] = ()) -> Unknown | None:
        """Why rows of a collection may be missing at or around `place` (an id), or None when all were read.

        `above`: normalised scopes that `place` inherits from although they are not in its id (management groups).
        """
        kind = collection.lower()
        if kind not in self._states:
            self._states[kind] = self._state(collection)
        state = self._states[kind]
        if not state:
            return None
        if isinstance(state, Unknown):
            return state
        found = self._around.get((kind, ids.normalise(place)))
        for scope in (*ids.ancestors(place), ids.ROOT, *above) if found is None else ():
            found = found or self._at.get((kind, scope))
        return None if found is None else Unknown(found.reason, "unread")

    def _state(self, collection: str) -> Unknown | bool:
        """Unknown where the collection was not read at all, else whether parts of it are missing somewhere."""
        runs = [run for run in self._runs.get(collection.lower(), []) if run.state != "not-asked"]
        if not runs:
            return Unknown(f"{collection} not collected", "not-collected")
        if any(run.state == "failed" and not run.problems for run in runs):
            return Unknown(f"{collection} could not be read", "unread")
        return any(run.problems for run in runs)

    def rows(
        self, rows: list[Any], place: str, collections: Iterable[str], above: Iterable[str] = ()
    ) -> list[Any] | Unknown:
        """A relation's rows with what is known of their completeness; the same list where all were read."""
        gaps = [gap for collection in collections if (gap := self.gap(collection, place, above)) is not None]
        if not gaps:
            return rows
        return [*rows, UnreadTail(gaps[0].reason)] if rows else gaps[0]
