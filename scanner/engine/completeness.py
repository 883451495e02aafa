"""What was read: source runs come in, for a collection and a place the answer "all of it", or why not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scanner.engine.relations import MANIFESTS, REPOSITORIES, TAGS
from scanner.model import ids
from scanner.model.resource import Problem, SourceRun
from scanner.model.values import Unknown, UnreadTail

OPT_IN = {
    name.lower(): "data plane not asked for" for name in (REPOSITORIES, MANIFESTS, TAGS, "acrscan/storage")
}
"""Collections that a user asks for; without that, rules about them do not apply."""


class Completeness:
    """Answers from the runs of an inventory."""

    def __init__(self, runs: Iterable[SourceRun]) -> None:
        self._runs: dict[str, list[SourceRun]] = {}
        for run in runs:
            self._runs.setdefault(run.collection.lower(), []).append(run)

    def not_asked(self, collection: str) -> str:
        """Why an opt-in collection was not asked for, or ""."""
        lowered = collection.lower()
        runs = self._runs.get(lowered, [])
        if runs and all(run.state == "not-asked" for run in runs):
            return OPT_IN.get(lowered, f"{collection} not asked for")
        return OPT_IN.get(lowered, "") if not runs else ""

    def collected(self, collection: str) -> bool:
        """Whether anybody tried to read the collection."""
        return any(run.state != "not-asked" for run in self._runs.get(collection.lower(), []))

    def gap(self, collection: str, place: str) -> Unknown | None:
        """Why rows of a collection may be missing at or around `place` (an id), or None when all were read."""
        runs = [run for run in self._runs.get(collection.lower(), []) if run.state != "not-asked"]
        if not runs:
            return Unknown(f"{collection} not collected", "not-collected")
        problems = [problem for run in runs for problem in run.problems if _touches(problem, place)]
        if problems:
            return Unknown(problems[0].reason, "unread")
        failed = [run for run in runs if run.state == "failed" and not run.problems]
        return Unknown(f"{collection} could not be read", "unread") if failed else None

    def rows(self, rows: list[Any], place: str, collections: Iterable[str]) -> list[Any] | Unknown:
        """A relation's rows with what is known of their completeness."""
        gaps = [gap for collection in collections if (gap := self.gap(collection, place)) is not None]
        if not gaps:
            return rows
        return [*rows, UnreadTail(gaps[0].reason)] if rows else gaps[0]


def _touches(problem: Problem, place: str) -> bool:
    """Whether a problem's scope is the place, lies above it or lies below it."""
    if not problem.scope or problem.scope == "/":
        return True
    return ids.within(place, problem.scope) or ids.within(problem.scope, place)
