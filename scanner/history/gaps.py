"""What became of a finding that a scan does not have: mended, asked differently, or not looked at (then it stays open)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from scanner.compare.why import Knew
from scanner.history.database import Row, clean
from scanner.model import ids
from scanner.model.finding import Finding, Verdict
from scanner.model.resource import Origin
from scanner.model.scan import Scan
from scanner.model.waiver import PREFIX

AT_ONCE = 50_000
"""Missing findings that are held at a time; for each such batch the resource lines are read once."""
GAP = "data"
_UNDECIDED = frozenset({Verdict.UNKNOWN, Verdict.ERROR})


class Judge:
    """Says why findings are missing. `changed`: rules that decide differently than in the run before, by subscription."""

    def __init__(self, scan: Scan, changed: Mapping[str, Collection[str]]) -> None:
        self._scan = scan
        self._changed = changed
        self._knew = Knew.of(scan.header)
        self._places: Mapping[tuple[str, str], list[str]] = {}

    def of(self, missing: Iterator[Row]) -> Iterator[tuple[Row, str]]:
        """Each row (fingerprint, subscription, opened_run, rule, resource, type) with resource, rule, waiver or `GAP`."""
        looked = False
        while batch := list(islice(missing, AT_ONCE)):
            if not looked:  # most nights nothing is missing, and the rows need not be read again
                self._places, looked = _unread_places(self._scan), True
            letters = self._letters({(row[5].lower(), ids.normalise(row[4])) for row in batch})
            for row in batch:
                yield row, self._why(row, letters.get((row[5].lower(), ids.normalise(row[4]))))

    def _letters(self, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
        found = {}
        for line in self._scan.resources:
            key = (line.type.lower(), ids.normalise(clean(line.id)))
            if key in wanted:
                found[key] = line.letters
        return found

    def _why(self, row: Row, letters: str | None) -> str:
        _, subscription, _, rule, resource, kind = row
        if rule.startswith(PREFIX):
            return "waiver"
        if not self._knew.asks(rule):
            return "rule"
        if self._knew.blind(_row(rule, resource, kind), letters):
            return GAP
        if letters is None and any(
            ids.within(resource, place) for place in self._places.get((rule, kind.lower()), ())
        ):
            return GAP
        return "rule" if rule in self._changed.get(subscription, ()) else "resource"

    def unread(self, resource: str, kind: str) -> str:
        """Why a resource that is missing may be there all the same, in words, or ""."""
        if not self._knew.blind(_row("", resource, kind), None):
            return ""
        subscription = ids.subscription_of(resource)
        for run in self._scan.header.runs:
            for problem in run.problems if run.collection.lower() == kind.lower() else ():
                if ids.within(resource, problem.scope):
                    return clean(problem.reason, 500)
        reason = self._knew.scope.get(subscription, "")
        return clean(reason, 500) or "its subscription or list was not read"


def _unread_places(scan: Scan) -> Mapping[tuple[str, str], list[str]]:
    """(rule, type) -> scopes below which resources of the type were not read, as rows of the scan tell."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in scan.findings:
        if row.verdict in _UNDECIDED and ids.type_of(row.resource).lower() != row.resource_type.lower():
            found.setdefault((row.rule, row.resource_type.lower()), []).append(row.resource)
    return found


def _row(rule: str, resource: str, kind: str) -> Finding:
    """As much of a row as a question about it needs."""
    return Finding(
        rule=rule,
        severity="",
        verdict=Verdict.FAIL,
        resource=resource,
        resource_type=kind,
        resource_name="",
        subscription=ids.subscription_of(resource),
        resource_group="",
        location="",
        message="",
        reason="",
        element="",
        evidence=(),
        fingerprint="",
        origin=Origin(""),
    )


def changed_rules(before: Mapping[str, Any], after: Mapping[str, Any]) -> frozenset[str]:
    """Rules of two documents that may decide differently."""
    return frozenset(
        rule
        for rule in before.keys() | after.keys()
        if rule not in before
        or rule not in after
        or any(before[rule][key] != after[rule][key] for key in ("digest", "values", "enabled"))
    )


def problems_at(scan: Scan, kind: str) -> Iterable[tuple[str, str]]:
    """(id, reason) of single resources of a type that are known and were not read."""
    for run in scan.header.runs:
        if run.collection.lower() != kind:
            continue
        for problem in run.problems:
            if ids.type_of(problem.scope).lower() == kind:
                yield ids.normalise(clean(problem.scope)), clean(problem.reason, 500)
