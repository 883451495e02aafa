"""Whether a scan looked at everything; what it did not, in words. From the header and the tallies alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.model import ids
from scanner.model.finding import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.model.resource import Problem
    from scanner.model.scan import Scan


def gaps(scan: Scan, subscription: str | None = None) -> list[str]:
    """What was not completely looked at, in words; only what concerns one subscription ("" = none) if it is given.

    What the user chose to leave out is no gap, and neither is a source that nobody asked for. A subscription that was
    looked at has a reason where some of it was not; one that was left out on purpose is not among those looked at.
    """
    return list(dict.fromkeys((*_unread(scan, subscription), *_undecided(scan, subscription))))


def _unread(scan: Scan, subscription: str | None) -> Iterator[str]:
    for run in scan.header.runs:
        if run.state == "not-asked":
            continue
        if run.state != "complete" and not run.problems:
            yield f"{run.collection}: {run.state}"
        for problem in run.problems:
            if not problem.chosen and _concerns(problem, subscription):
                yield f"{run.collection}: {problem.reason}"
    for line in scan.header.scope:
        looked_at = line.subscription in scan.header.subscriptions
        if line.reason and looked_at and subscription in (None, line.subscription):
            yield f"subscription {line.subscription}: {line.reason}"


def _concerns(problem: Problem, subscription: str | None) -> bool:
    """What lies above all subscriptions concerns each of them."""
    home = ids.subscription_of(problem.scope)
    return subscription is None or not home or home == subscription


def _undecided(scan: Scan, subscription: str | None) -> Iterator[str]:
    for rule in sorted(scan.tallies.verdicts):
        by_home = scan.tallies.verdicts[rule]
        homes = by_home.values() if subscription is None else (by_home.get(subscription, {}),)
        number = sum(counts.get(one, 0) for counts in homes for one in (Verdict.UNKNOWN, Verdict.ERROR))
        if number:
            yield f"{rule}: {number:,} undecided"
