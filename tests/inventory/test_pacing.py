"""Pacing by what Azure says: buckets, quotas, Retry-After in every form, and a number in flight that adapts."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from scanner.inventory._azure.pacing import LEAST, Clock, Pacing, asked_to_wait, span

NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)


class Still(Clock):
    """A clock that moves only when somebody sleeps."""

    def __init__(self):
        self.at = 0.0

    def monotonic(self):
        return self.at

    def now(self):
        return NOW

    async def sleep(self, seconds):
        self.at += seconds
        await asyncio.sleep(0)


def run(pacing, name, number, headers=None, status=200):
    async def go():
        for _ in range(number):
            await pacing.enter(name)
            pacing.hear(name, status, headers or {})
            pacing.leave(name)

    asyncio.run(go())


def test_a_subscription_has_a_bucket_of_250_that_fills_with_25_a_second():
    clock = Still()
    run(Pacing(clock), "sub", 350)
    assert clock.at == pytest.approx(4.0, abs=0.1)


def test_subscriptions_do_not_share_a_bucket():
    clock = Still()
    pacing = Pacing(clock)
    for name in ("a", "b", "c"):
        run(pacing, name, 250)
    assert clock.at == 0


def test_what_the_header_says_counts():
    clock = Still()
    pacing = Pacing(clock)
    run(pacing, "sub", 1, {"x-ms-ratelimit-remaining-subscription-reads": "0"})
    run(pacing, "sub", 1)
    assert clock.at == pytest.approx(1 / 25, abs=0.01)
    assert pacing.told.lowest == {"x-ms-ratelimit-remaining-subscription-reads": 0}


def test_a_larger_bucket_is_believed():
    clock = Still()
    pacing = Pacing(clock)
    run(pacing, "sub", 1, {"x-ms-ratelimit-remaining-subscription-reads": "16499"})
    run(pacing, "sub", 5000)
    assert clock.at == 0


def test_the_quota_of_resource_graph_that_is_used_up_is_waited_for():
    clock = Still()
    pacing = Pacing(clock)
    run(pacing, "graph", 1, {"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": "00:00:03"})
    run(pacing, "graph", 1)
    assert clock.at == pytest.approx(3.0, abs=0.1)


def test_fifteen_queries_in_five_seconds():
    clock = Still()
    run(Pacing(clock), "graph", 30)
    assert clock.at == pytest.approx(5.0, abs=0.1)


def test_a_paused_bucket_holds_back_all_who_share_it_and_nobody_else():
    clock = Still()
    pacing = Pacing(clock)
    pacing.pause("sub", 5)
    run(pacing, "other", 1)
    assert clock.at == 0
    run(pacing, "sub", 3)
    assert clock.at == pytest.approx(5, abs=0.1)


def test_a_pause_is_never_longer_than_a_minute():
    clock = Still()
    pacing = Pacing(clock)
    pacing.pause("sub", 3600)
    run(pacing, "sub", 1)
    assert clock.at <= 61


def test_fewer_at_once_after_429_and_more_after_success():
    clock = Still()
    pacing = Pacing(clock)

    async def most():
        going = asyncio.Event()
        inside = 0

        async def one():
            nonlocal inside
            await pacing.enter("sub")
            inside += 1
            await going.wait()
            pacing.leave("sub")

        tasks = [asyncio.create_task(one()) for _ in range(100)]
        for _ in range(50):
            await asyncio.sleep(0)
        found = inside
        going.set()
        await asyncio.gather(*tasks)
        return found

    assert asyncio.run(most()) == 16
    for _ in range(10):
        pacing.hear("sub", 429, {})
    assert asyncio.run(most()) == LEAST
    for _ in range(400):
        pacing.hear("sub", 200, {})
    assert asyncio.run(most()) > 16


def test_a_waiter_that_is_cancelled_frees_its_place():
    pacing = Pacing(Still(), first=1)

    async def go():
        await pacing.enter("sub")
        waiting = asyncio.create_task(pacing.enter("sub"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        pacing.leave("sub")
        await asyncio.wait_for(pacing.enter("sub"), 1)

    asyncio.run(go())


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "3600"}, 3600),
        ({"retry-after-ms": "250"}, 0.25),
        ({"x-ms-retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "Wed, 25 Nov 2026 02:00:30 GMT"}, 30),
        ({"retry-after": "Wed, 25 Nov 2026 01:00:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"x-ms-user-quota-resets-after": "00:00:05"}, 5),
        ({}, None),
    ],
)
def test_how_long_an_answer_asks_us_to_wait(headers, seconds):
    assert asked_to_wait(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"), [("01:02:03", 3723), ("00:00:05.5", 5.5), ("5", 0), ("a:b:c", 0)]
)
def test_spans(text, seconds):
    assert span(text) == seconds
