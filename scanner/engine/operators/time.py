"""Operators on points in time (RFC 3339): olderThanDays, newerThanDays. The clock is an argument.

A negative number of days looks ahead: `olderThanDays: -30` is "before 30 days from now".
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from scanner.engine.operators.row import Answer, Operator, Options, Wrong, kind, never, wrong

_FORM = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|z|[+-]\d{2}:?\d{2})?)?\Z", re.ASCII
)
DAY = 86_400.0


@lru_cache(maxsize=65_536)
def instant(text: str) -> float | None:
    """Seconds since 1970 of an RFC 3339 text (Azure writes up to seven decimals; no zone means UTC), or None."""
    found = _FORM.match(text.strip())
    if not found:
        return None
    date, clock, fraction, zone = found.groups()
    zone = "+00:00" if zone in (None, "Z", "z") else zone
    try:
        moment = datetime.fromisoformat(f"{date}T{clock or '00:00:00'}{zone}")
    except ValueError:
        return None
    if moment.year < 2:
        return (datetime(2, 1, 1, tzinfo=UTC)).timestamp()  # "0001-01-01" is Azure's "never"
    return moment.timestamp() + (float(f"0.{fraction}") if fraction else 0.0)


def _age(value: Any, operand: Any, options: Options) -> float | Wrong:
    """Days by which the value lies before `now - operand days` (negative: after)."""
    if not isinstance(value, str):
        return wrong(value, "a date")
    if kind(operand) != "number":
        return wrong(operand, "a number of days")
    moment = instant(value)
    if moment is None:
        return Wrong(f"{value[:40]!r} is no date")
    return float((options.now - moment) / DAY - operand)


def _older(value: Any, operand: Any, options: Options) -> Answer:
    age = _age(value, operand, options)
    return age if isinstance(age, Wrong) else age > 0


def _newer(value: Any, operand: Any, options: Options) -> Answer:
    age = _age(value, operand, options)
    return age if isinstance(age, Wrong) else age < 0


_TEXT = frozenset({"string"})
_NUMBER = frozenset({"number"})

ROWS = (
    Operator("olderThanDays", _older, never, _TEXT, _NUMBER, "the date lies more than this many days back"),
    Operator("newerThanDays", _newer, never, _TEXT, _NUMBER, "the date lies less than this many days back"),
)
