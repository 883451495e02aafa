"""Pacing: who may send when. A bucket per subscription as Azure keeps it, and a number in flight that adapts.

Azure Resource Manager keeps a token bucket per subscription, principal and region (documented as 250 with 25 a second for
reads) and says in headers what is left; Resource Graph and Policy Insights have quotas of their own. What the headers say counts.
Sources: https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling,
https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

READS, READS_PER_SECOND = 250.0, 25.0
GRAPH, GRAPH_PER_SECOND = 15.0, 3.0
REGISTRY, REGISTRY_PER_SECOND = 1000.0, 80.0
"""For a login server; its data plane takes at least 5,000 reads a minute of one identity.

Source: https://learn.microsoft.com/azure/container-registry/container-registry-skus
"""
MOST, FIRST, LEAST = 64, 16, 2
"""Requests in flight: at most, at the start, at least."""
LONGEST_WAIT = 60.0
"""Seconds that one Retry-After may make us wait; a longer one is waited for in steps, up to the deadlines."""
_REMAINING = (
    "x-ms-ratelimit-remaining-subscription-reads",
    "x-ms-ratelimit-remaining-subscription-resource-requests",
    "x-ms-ratelimit-remaining-tenant-reads",
)


class Clock:
    """Time, so that tests need not wait."""

    def monotonic(self) -> float:
        """Seconds since any fixed moment."""
        return time.monotonic()

    def now(self) -> datetime:
        """The time of day, UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


@dataclass(slots=True)
class _Bucket:
    tokens: float
    capacity: float
    rate: float
    filled: float
    paused_until: float = 0.0
    in_flight: int = 0


@dataclass(slots=True)
class Told:
    """What pacing saw, for the report. Seconds are summed over all requests that waited."""

    requests: int = 0
    retries: int = 0
    throttled: int = 0
    waited: float = 0.0
    lowest: dict[str, int] = field(default_factory=dict)
    """Header -> lowest value seen."""


class Pacing:
    """Lets requests out. `hear` learns from each answer."""

    def __init__(self, clock: Clock, first: int = FIRST) -> None:
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}
        self._limit = float(first)
        self._active = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.told = Told()

    def _bucket(self, name: str) -> _Bucket:
        found = self._buckets.get(name)
        if found is None:
            capacity, rate = READS, READS_PER_SECOND
            if name == "graph":
                capacity, rate = GRAPH, GRAPH_PER_SECOND
            elif "." in name:
                capacity, rate = REGISTRY, REGISTRY_PER_SECOND
            found = _Bucket(capacity, capacity, rate, self._clock.monotonic())
            self._buckets[name] = found
        return found

    async def enter(self, name: str) -> None:
        """Wait until a request of this bucket may be sent."""
        bucket = self._bucket(name)
        while True:
            now = self._clock.monotonic()
            bucket.tokens = min(bucket.capacity, bucket.tokens + (now - bucket.filled) * bucket.rate)
            bucket.filled = now
            wait = bucket.paused_until - now
            if wait <= 0 and bucket.tokens >= 1:
                break
            wait = max(wait, (1 - bucket.tokens) / bucket.rate if bucket.tokens < 1 else 0.0, 0.001)
            self.told.waited += wait
            await self._clock.sleep(wait)
        bucket.tokens -= 1
        bucket.in_flight += 1
        self.told.requests += 1
        while self._active >= int(self._limit):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                bucket.in_flight -= 1
                raise
        self._active += 1

    def leave(self, name: str) -> None:
        """A request has ended, however."""
        self._bucket(name).in_flight -= 1
        self._active -= 1
        self._wake()

    def _wake(self) -> None:
        free = int(self._limit) - self._active
        while free > 0 and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                free -= 1

    def hear(self, name: str, status: int, headers: Mapping[str, str]) -> None:
        """Learn from an answer: what is left, and whether more at once is too much."""
        bucket = self._bucket(name)
        for header in _REMAINING:
            if (text := headers.get(header)) is not None and text.isdigit():
                left = int(text)
                self.told.lowest[header] = min(left, self.told.lowest.get(header, left))
                bucket.capacity = max(bucket.capacity, float(left))
                bucket.tokens = max(0.0, min(bucket.capacity, float(left) - bucket.in_flight + 1))
        if (text := headers.get("x-ms-user-quota-remaining")) is not None and text.isdigit():
            left = int(text)
            self.told.lowest["x-ms-user-quota-remaining"] = min(
                left, self.told.lowest.get("x-ms-user-quota-remaining", left)
            )
            if left <= 0:
                self.pause(name, span(headers.get("x-ms-user-quota-resets-after", "")) or 1.0)
        if status in {429, 503}:
            self._limit = max(LEAST, self._limit / 2)
        else:
            self._limit = min(MOST, self._limit + 1 / self._limit)

    def pause(self, name: str, seconds: float) -> None:
        """Nobody of this bucket sends for so long."""
        bucket = self._bucket(name)
        bucket.paused_until = max(bucket.paused_until, self._clock.monotonic() + min(seconds, LONGEST_WAIT))


def span(text: str) -> float:
    """Seconds of an `hh:mm:ss`; 0 for anything else."""
    parts = text.split(":")
    if len(parts) != 3:
        return 0.0
    try:
        hours, minutes, seconds = (float(part) for part in parts)
    except ValueError:
        return 0.0
    return hours * 3600 + minutes * 60 + seconds


def asked_to_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that an answer asks us to wait, or None: milliseconds, seconds, an HTTP date, or a quota that resets."""
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        if (text := headers.get(name, "")).isdigit():
            return int(text) / 1000
    text = headers.get("retry-after", "")
    if text.isdigit():
        return float(text)
    if text:
        try:
            return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
        except (ValueError, TypeError):
            return None
    return span(headers.get("x-ms-user-quota-resets-after", "")) or None
