"""Faults: what a request looks like and what happens to it instead of, or on top of, the right answer."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

Json = dict[str, Any]
ALWAYS = -1


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong. `match`: a pattern searched in "METHOD host/path?query". `kind`: one of these.

    status (`status`, `headers`, `body`: Azure's own words if not given), reset (the connection is closed), truncated (half
    of the body), html (200 with a page), slow (`seconds` between headers and body), loop (the next page is this one),
    duplicate (the next page repeats this one), shrink (the page is empty and the last one), body (`change` makes another
    answer), header or headers (`headers` are added). `times`: how often (`ALWAYS`); `skip`: how many are spared first.
    """

    match: str
    kind: str
    times: int = 1
    skip: int = 0
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    seconds: float = 0.0
    change: Callable[[Any], Any] | None = None
    hits: int = 0

    def strikes(self, line: str) -> bool:
        """Whether it happens to this request; counts."""
        if self.times == 0 or not re.search(self.match, line):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1 if self.times > 0 else 0
        self.hits += 1
        return True


def throttled(seconds: str | None = "1", match: str = "GET management", times: int = 3) -> Fault:
    """429 with a Retry-After, or without one."""
    headers = {"Retry-After": seconds} if seconds is not None else {}
    body = {"error": {"code": "TooManyRequests", "message": "The request is being throttled."}}
    return Fault(match, "status", times=times, status=429, headers=headers, body=body)


def date_in(seconds: float) -> str:
    """A moment from now as an HTTP date, for a Retry-After."""
    return formatdate(time.time() + seconds, usegmt=True)


NAMED: dict[str, Callable[[], list[Fault]]] = {
    "throttled": lambda: [throttled("1", times=20)],
    "throttled-silently": lambda: [
        throttled(None, times=5),
        throttled(None, "POST management.*ResourceGraph", 2),
    ],
    "errors": lambda: [Fault("management", "status", times=12, status=code) for code in (500, 502, 503, 504)],
    "resets": lambda: [Fault("management", "reset", times=10)],
    "truncated": lambda: [Fault("management", "truncated", times=10)],
    "html": lambda: [Fault("management", "html", times=5)],
    "slow": lambda: [Fault("management", "slow", times=-1, seconds=0.05)],
    "forbidden-tokens": lambda: [Fault("/tokens", "status", times=ALWAYS, status=403)],
    "expired": lambda: [Fault("GET management", "status", times=3, status=401)],
    "unregistered": lambda: [
        Fault(
            r"GET.*/subscriptions/[^/]+/providers/Microsoft.ContainerRegistry/registries\?",
            "status",
            ALWAYS,
            status=409,
        )
    ],
    "loop": lambda: [Fault("/scopeMaps", "loop", times=ALWAYS)],
    "duplicate": lambda: [Fault(r"GET management.*/registries\?", "duplicate")],
    "shrink": lambda: [Fault(r"GET management.*/registries\?.*skiptoken", "shrink")],
    "graph-short": lambda: [Fault("POST.*ResourceGraph", "shrink", times=ALWAYS, skip=1)],
    "too-many-subscriptions": lambda: [
        Fault("POST.*ResourceGraph", "header", ALWAYS, headers={"x-ms-tenant-subscription-limit-hit": "true"})
    ],
}
"""Scripts that can be named on the command line of `python -m tests.azure_server`."""
