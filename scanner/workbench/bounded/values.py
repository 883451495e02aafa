"""Values worth trying: an operator and what it compares with come in, values on both sides of its borders come out.

Every value stands for all values that the same conditions cannot tell apart from it: {each literal, its neighbours,
something else, ABSENT}.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from scanner.engine.operators.network import network
from scanner.engine.operators.row import kind
from scanner.engine.operators.text import compiled
from scanner.model.condition import Param, Path
from scanner.model.values import ABSENT
from scanner.types import Fact
from scanner.workbench.bounded.patterns import example_of

MAX_MEMBERS = 1_000
"""Members of a list operand that are tried one by one; a longer list gives its first ones."""
OTHER = "other"
FORMATS = {
    "registryName": ("contoso", "no-name"),
    "repositoryName": ("team/app", "Team/App"),
    "imageReference": ("contoso.azurecr.io/app:v1", "Contoso/App"),
    "uuid": ("11111111-0000-0000-0000-000000000001", "no-uuid"),
    "url": ("https://example.com/x", "example"),
}


def around(operator: str, operand: Any, now: float) -> Iterator[Any]:
    """Values that make an operator with a literal operand true, false, and just about either."""
    if isinstance(operand, (Param, Path)):
        return
    members = operand[:MAX_MEMBERS] if isinstance(operand, (list, tuple)) else (operand,)
    match operator:
        case "equals" | "in":
            for member in members:
                yield from _near(member)
        case "less" | "lessOrEquals" | "greater" | "greaterOrEquals":
            yield from (operand - 1, operand, operand + 1)
        case "empty":
            yield ""
        case "like" | "likeAny":
            for member in members:
                yield from _liked(member)
        case "contains":
            yield from (operand, f"x{operand}y", [operand]) if isinstance(operand, str) else ([operand],)
        case "containsKey":
            yield from ({operand: "x"}, {OTHER: "x"})
        case "matches":
            yield from _matching(operand)
        case "format":
            yield from FORMATS.get(operand, ())
        case "idWithin":
            for member in members:
                yield from (member, f"{member.rstrip('/')}/x/y", f"{member.rstrip('/')}x")
        case "cidrWithin":
            for member in members:
                yield from _ranges(member)
        case "cidrPrefixLess":
            yield from _prefixes(members)
        case "olderThanDays" | "newerThanDays":
            yield from _moments(operand, now)
        case "versionLess" | "versionGreaterOrEquals":
            yield from ("0.0.1", operand, "9999")


def _near(member: Any) -> Iterator[Any]:
    yield member
    if isinstance(member, bool):
        yield not member
    elif isinstance(member, (int, float)):
        yield from (member - 1, member + 1)


def _liked(pattern: str) -> Iterator[str]:
    yield pattern.replace("*", "")
    yield pattern.replace("*", "x")
    stripped = pattern.strip("*")
    if stripped:
        yield from (f"x{stripped}", f"{stripped}x", stripped[1:] or "x")


def _matching(pattern: Any) -> Iterator[str]:
    if not isinstance(pattern, str):
        return
    found = example_of(pattern)
    if found is not None and compiled(pattern).search(found) is not None:
        yield from (found, f"{found}x", f"x{found}")
    yield "?"


def _ranges(member: Any) -> Iterator[str]:
    found = network(member) if isinstance(member, str) else None
    if found is None:
        return
    yield member
    outer = ipaddress.ip_network(member, strict=False)
    if outer.prefixlen:
        yield str(outer.supernet())
    yield "203.0.113.0/24" if found.version == 4 else "2001:db8::/32"
    yield "198.51.100.7" if found.version == 4 else "2001:db8::7"


def _prefixes(bounds: Sequence[Any]) -> Iterator[str]:
    for bound, base in zip(bounds, ("10.0.0.0", "2001:db8::"), strict=False):
        for prefix in (bound - 1, bound, bound + 1):
            if 0 <= prefix <= (32 if base == "10.0.0.0" else 128):
                yield f"{base}/{prefix}"


def _moments(days: Any, now: float) -> Iterator[str]:
    if kind(days) != "number":
        return
    for number in (days - 0.5, days, days + 0.5):
        try:
            moment = datetime.fromtimestamp(now, UTC) - timedelta(days=number)
        except OverflowError:  # no calendar goes so far: the ends of it stand for that
            moment = datetime(1, 1, 1, tzinfo=UTC) if number > 0 else datetime(9999, 12, 31, tzinfo=UTC)
        yield moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def something_else(fact: Fact | None, taken: Sequence[Any]) -> Iterator[Any]:
    """A value that no literal is, of the kind that the facts tell."""
    found = fact.kind if fact is not None else ""
    known = {value.casefold() for value in taken if isinstance(value, str)}
    if fact is not None and fact.enum:
        yield from [value for value in fact.enum if str(value).casefold() not in known][:1]
    match found:
        case "boolean":
            yield from (True, False)
        case "integer" | "number":
            yield 1_000_003
        case "array":
            yield from ([], [OTHER])
        case "object" | "map":
            yield {}
        case "string":
            yield from _other_text(fact)
        case _:
            kinds = {kind(value) for value in taken if value is not ABSENT}
            if kinds <= {"string", "array", "object"}:
                yield OTHER


def _other_text(fact: Fact | None) -> Iterator[str]:
    keys = fact.keys if fact is not None else ()
    if keys and re.search(r"(^id|Id)$", keys[-1]):
        yield "/other"
    yield "northeurope" if keys and keys[-1] == "location" else OTHER
