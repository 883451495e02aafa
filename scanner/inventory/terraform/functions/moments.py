"""Functions of moments in time (RFC 3339)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from scanner.inventory.terraform.functions.texts import text
from scanner.inventory.terraform.values import EvaluationError

_DURATION = re.compile(r"([+-]?\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
_NUMBERS = {"YYYY": "%Y", "YY": "%y", "MM": "%m", "DD": "%d", "hh": "%H", "mm": "%M", "ss": "%S", "HH": "%I"}
_WORDS = {"MMMM": "%B", "MMM": "%b", "EEEE": "%A", "EEE": "%a", "AA": "%p"}


def _instant(value: Any) -> datetime:
    given = text(value)
    try:
        found = datetime.fromisoformat(given)
    except ValueError as error:
        raise EvaluationError("no moment of RFC 3339") from error
    if found.tzinfo is None or "T" not in given.upper():
        raise EvaluationError("no moment of RFC 3339")
    return found


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _added(moment: Any, duration: Any) -> str:
    given = text(duration)
    found = _DURATION.findall(given)
    if not found or "".join(number + unit for number, unit in found) != given:
        raise EvaluationError("no duration such as 24h30m")
    sign = -1 if given.startswith("-") else 1
    seconds = sum(abs(float(number)) * _UNITS[unit] for number, unit in found)
    try:
        return _written(_instant(moment) + timedelta(seconds=sign * seconds))
    except OverflowError as error:
        raise EvaluationError("the moment is out of range") from error


def _compared(left: Any, right: Any) -> int:
    one, other = _instant(left), _instant(right)
    return (one > other) - (one < other)


def _formatted(shape: Any, moment: Any) -> str:
    at = _instant(moment)

    def one(match: re.Match[str]) -> str:
        mark = match[0]
        if mark.startswith("'"):
            return mark[1:-1].replace("''", "'")
        if mark in _NUMBERS or mark in _WORDS:
            return at.strftime({**_NUMBERS, **_WORDS}[mark])
        if mark in {"D", "M", "h", "m", "s"}:
            return str({"D": at.day, "M": at.month, "h": at.hour, "m": at.minute, "s": at.second}[mark])
        if mark in {"Z", "ZZZZ", "ZZZZZ"}:
            offset = at.strftime("%z")
            if mark == "Z" and at.utcoffset() == timedelta():
                return "Z"
            return offset if mark == "ZZZZ" else f"{offset[:3]}:{offset[3:]}"
        raise EvaluationError("formatdate does not know a part of the format")

    return re.sub(r"'(?:[^']|'')*'|([A-Za-z])\1*", one, text(shape))


TABLE: dict[str, Callable[..., Any]] = {"formatdate": _formatted, "timeadd": _added, "timecmp": _compared}
