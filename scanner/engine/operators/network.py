"""Operators on IP addresses and ranges: cidrWithin, cidrPrefixLess. A bare address is a range of one."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Any, NamedTuple

from scanner.engine.operators.row import Answer, Operator, Options, Wrong, kind, never, wrong


class Range(NamedTuple):
    """A range of addresses as numbers: cheap to compare."""

    version: int
    first: int
    last: int
    prefix: int


@lru_cache(maxsize=65_536)
def network(text: str) -> Range | None:
    """The range a text names (host bits are dropped), or None."""
    try:
        found = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return None
    return Range(found.version, int(found.network_address), int(found.broadcast_address), found.prefixlen)


def _range(value: Any) -> Range | Wrong:
    if not isinstance(value, str):
        return wrong(value, "an IP address or range")
    return network(value) or Wrong(f"{value[:60]!r} is no IP address or range")


def _within(value: Any, operand: Any, _: Options) -> Answer:
    inner = _range(value)
    if isinstance(inner, Wrong):
        return inner
    ranges = [operand] if isinstance(operand, str) else operand
    if not isinstance(ranges, (list, tuple)):
        return wrong(operand, "a list of ranges")
    hit = False
    for item in ranges:
        outer = _range(item)
        if isinstance(outer, Wrong):
            return outer
        hit = hit or (
            inner.version == outer.version and outer.first <= inner.first and inner.last <= outer.last
        )
    return hit


def _prefix_less(value: Any, operand: Any, _: Options) -> Answer:
    inner = _range(value)
    if isinstance(inner, Wrong):
        return inner
    bounds = operand if isinstance(operand, (list, tuple)) else [operand]
    if not bounds or len(bounds) > 2 or any(kind(bound) != "number" for bound in bounds):
        return wrong(operand, "a prefix length, or a list of two: for IPv4 and for IPv6")
    if inner.version == 6 and len(bounds) < 2:
        return Wrong("an IPv6 range, for which the rule gives no prefix length")
    return bool(inner.prefix < bounds[0 if inner.version == 4 else 1])


def _prefix_problem(operand: Any) -> str:
    bounds = operand if isinstance(operand, (list, tuple)) else [operand]
    if 1 <= len(bounds) <= 2 and all(kind(bound) == "number" and 0 <= bound <= 128 for bound in bounds):
        return ""
    return "a prefix length from 0 to 128, or a list of two: for IPv4 and for IPv6"


def _ranges_problem(operand: Any) -> str:
    ranges = operand if isinstance(operand, (list, tuple)) else [operand]
    for item in ranges:
        if not isinstance(item, str) or network(item) is None:
            return f"{item!r} is no IP address or range"
    return ""


_TEXT = frozenset({"string"})

ROWS = (
    Operator(
        "cidrWithin",
        _within,
        never,
        _TEXT,
        frozenset({"string", "strings"}),
        "the address or range lies in one of these ranges",
        _ranges_problem,
    ),
    Operator(
        "cidrPrefixLess",
        _prefix_less,
        never,
        _TEXT,
        frozenset({"number", "numbers"}),
        "the range is wider than this prefix length",
        _prefix_problem,
    ),
)
