"""Whether a scan looked at everything: a reader that closes what is missing must not get a file about half an estate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.errors import PartialError
from scanner.formats._text import visible
from scanner.model import ids
from scanner.model.finding import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.model.resource import Problem
    from scanner.model.scan import Scan

SHOWN = 5


def gaps(scan: Scan, subscription: str | None = None) -> list[str]:
    """What was not completely looked at, in words; only what concerns one subscription ("" = none) if it is given.

    What the user chose to leave out is no gap, and neither is a source that nobody asked for.
    """
    return list(dict.fromkeys((*_unread(scan, subscription), *_undecided(scan, subscription))))


def refuse(found: dict[str, list[str]]) -> PartialError:
    """The error for files that would close alerts: name of each -> its gaps."""
    lines = [gap for one in found.values() for gap in one]
    shown = [visible(line, 200) for line in dict.fromkeys(lines)]
    more = f"; and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    names = [visible(name, 60) for name in found if name]
    where = f" of {', '.join(names[:SHOWN])}" if names else ""
    further = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return PartialError(
        f"not everything{where}{further} was looked at, and code scanning would close the alerts of what is missing: "
        + "; ".join(shown[:SHOWN])
        + more,
        "--sarif-profile github",
        "Give the last scan (-f ndjson) with --baseline: what could not be looked at is then carried on as open.",
    )


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
        if line.reason and subscription in (None, line.subscription):
            yield f"subscription {line.subscription}: {line.reason}"


def _concerns(problem: Problem, subscription: str | None) -> bool:
    """What lies above all subscriptions concerns each of them."""
    home = ids.subscription_of(problem.scope)
    return subscription is None or not home or home == subscription


def _undecided(scan: Scan, subscription: str | None) -> Iterator[str]:
    for rule in sorted(scan.tallies.verdicts):
        number = sum(
            counts.get(verdict, 0)
            for home, counts in scan.tallies.verdicts[rule].items()
            if subscription in (None, home)
            for verdict in (Verdict.UNKNOWN, Verdict.ERROR)
        )
        if number:
            yield f"{rule}: {number:,} undecided"
