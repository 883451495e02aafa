"""An open history: an address comes in; scans are recorded, and marks, trends and figures are read back."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from types import TracebackType
from typing import Self

from scanner.errors import InputError
from scanner.history import figures, schema
from scanner.history import mark as marking
from scanner.history import period as periods
from scanner.history import prune as pruning
from scanner.history import record as recording
from scanner.history.database import WAIT, connect
from scanner.history.facts import OUTSIDE, Documents
from scanner.history.figures import AgeLine, FixLine
from scanner.history.lines import Period
from scanner.history.mark import LAST
from scanner.history.prune import Pruned
from scanner.history.record import Recorded
from scanner.model.scan import Scan, TrendPoint


@dataclass(frozen=True, slots=True)
class RunLine:
    """A recorded scan. `subscriptions`: in its scope; `identity`: who collected."""

    run: int
    now: str
    pack: str
    pack_version: str
    profile: str
    inventory: str
    identity: str
    complete: bool
    subscriptions: int
    opened: int
    reopened: int
    resolved: int
    persisting: int
    gaps: int
    digest: str


class History:
    """A history that is open; close it, or use it with `with`."""

    def __init__(self, address: str, *, write: bool = True, wait: float = WAIT) -> None:
        self._db = connect(address, write=write, wait=wait)
        with ExitStack() as undo:
            undo.callback(self._db.close)
            schema.make_ready(self._db, write=write)
            undo.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def words(self) -> str:
        """The address, without a password."""
        return self._db.words

    def close(self) -> None:
        """End the connection."""
        self._db.close()

    def record(self, scan: Scan) -> Recorded:
        """Write what changed since the last scan of the same subscriptions; the same scan again changes nothing."""
        return recording.record(self._db, scan)

    def mark(self, scan: Scan) -> Scan:
        """The scan with `first_seen` and `change` on rows without a change yet, and with its trend."""
        return marking.mark(self._db, scan)

    def packs(self) -> tuple[str, ...]:
        """The packs of which there are scans."""
        return tuple(sorted(row[0] for row in self._db.run("SELECT DISTINCT pack FROM acrscan_runs")))

    def pack(self, wanted: str = "") -> str:
        """The pack that is meant: the only one, or the one named. Raises `InputError` where that is not clear."""
        known = self.packs()
        if wanted in known or (not wanted and len(known) == 1):
            return wanted or known[0]
        if not known:
            raise InputError(
                "holds no scan yet", self.words, "Record one: acrscan history record SCAN.NDJSON"
            )
        what = f"holds no scan with the pack {wanted!r}" if wanted else "holds scans of several packs"
        raise InputError(what, self.words, f"Name one with --pack-id: {', '.join(known)}.")

    def runs(self, last: int = 1_000_000) -> tuple[RunLine, ...]:
        """The newest runs, oldest first."""
        documents = Documents(self._db)
        rows = self._db.run(
            "SELECT id, now, pack, pack_version, profile, inventory, identity, complete, scope, opened, reopened, resolved,"
            " persisting, gaps, digest FROM acrscan_runs ORDER BY id DESC LIMIT ?",
            (last,),
        )
        return tuple(
            replace(
                RunLine(*row), complete=bool(row[7]), subscriptions=_subscriptions(documents.scope(row[8]))
            )
            for row in reversed(rows)
        )

    def trend(
        self,
        subscriptions: Collection[str] = (),
        *,
        pack: str = "",
        last: int = LAST,
        nightly: bool = True,
    ) -> tuple[TrendPoint, ...]:
        """What stood of some subscriptions (none named: all) at the end of each of the last nights, or runs."""
        wanted = [name.lower() for name in subscriptions]
        with self._reading():
            return marking.trend(self._db, self.pack(pack), wanted, last=last, nightly=nightly)

    def ages(self, *, pack: str = "", now: str = "") -> tuple[AgeLine, ...]:
        """How long open findings have been open, by rule, framework control, subscription and severity."""
        with self._reading():
            return figures.ages(self._db, self.pack(pack), now)

    def time_to_fix(self, *, pack: str = "", since: str = "") -> tuple[FixLine, ...]:
        """How long it took to mend what was mended, by rule, framework control and subscription."""
        with self._reading():
            return figures.time_to_fix(self._db, self.pack(pack), since)

    def period(self, start: date, end: date, *, today: date, pack: str = "") -> Period:
        """What the scans of a span of nights show together; `today`: later nights are not over yet."""
        with self._reading():
            return periods.period(self._db, self.pack(pack), start, end, today)

    def retire(self, subscription: str, night: date, reason: str) -> int:
        """Take a subscription that is gone out of what is expected; how many findings that closes."""
        return pruning.retire(self._db, subscription.lower(), night, reason)

    def prune(self, before: date) -> Pruned:
        """Forget runs and closed findings from before a date; what is open stays."""
        return pruning.prune(self._db, before)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._db.reading():
            yield


def _subscriptions(scope: Collection[str]) -> int:
    return sum(1 for name in scope if not name.startswith(OUTSIDE))
