"""How long things may take: for one request, one bucket, the whole run; and what a bucket has taken so far."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds: for one request, for the time in which requests of one bucket are under way, for the whole run."""

    call: float = 60.0
    bucket: float = 3600.0
    run: float = 6 * 3600.0


@dataclass(slots=True)
class Spent:
    """The time in which at least one request of a bucket was under way; what others take in between does not count."""

    under_way: int = 0
    since: float = 0.0
    total: float = 0.0

    def enter(self, now: float) -> None:
        """A request begins."""
        if not self.under_way:
            self.since = now
        self.under_way += 1

    def leave(self, now: float) -> None:
        """A request has ended, however."""
        self.under_way -= 1
        if not self.under_way:
            self.total += now - self.since

    def seconds(self, now: float) -> float:
        """The time so far."""
        return self.total + (now - self.since if self.under_way else 0.0)
