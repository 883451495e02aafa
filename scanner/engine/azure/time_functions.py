"""Template functions on points in time: arguments come in, text comes out. The clock is an argument."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from scanner.engine.azure.failing import EvaluationFailed
from scanner.engine.azure.text_functions import Table, text, whole
from scanner.engine.operators.time import instant

_TOKENS = {
    "yyyy": "%Y",
    "MM": "%m",
    "dd": "%d",
    "HH": "%H",
    "mm": "%M",
    "ss": "%S",
}
_PART = re.compile(r"'[^']*'|([A-Za-z])\1*|[^A-Za-z']+")


def universal(moment: datetime) -> str:
    """The form that Azure writes: 2026-11-25T02:00:00.0000000Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{moment.microsecond:06d}0Z"


def utc_now(now: float, form: str | None = None) -> str:
    """The clock as text, in Azure's form or one made of yyyy, MM, dd, HH, mm, ss and f."""
    moment = datetime.fromtimestamp(now, UTC)
    if form is None or form in ("o", "O"):
        return universal(moment)
    if form in ("d", "u"):
        return moment.strftime("%m/%d/%Y" if form == "d" else "%Y-%m-%d %H:%M:%SZ")
    parts = []
    for found in _PART.finditer(form):
        part = found.group()
        if part.startswith("'"):
            parts.append(part[1:-1])
        elif part in _TOKENS:
            parts.append(moment.strftime(_TOKENS[part]))
        elif set(part) == {"f"} and len(part) <= 7:
            parts.append(f"{moment.microsecond:06d}0"[: len(part)])
        elif part in ("T", "Z") or not part.isalpha():
            parts.append(part)
        else:
            raise EvaluationFailed(f"utcNow() in the form {form[:40]!r} is not supported")
    return "".join(parts)


def _add_days(value: Any, days: Any) -> str:
    moment = instant(text(value, "addDays"))
    if moment is None:
        raise EvaluationFailed("addDays() needs a time such as 2026-11-25T02:00:00Z")
    try:
        return universal(datetime.fromtimestamp(moment, UTC) + timedelta(days=whole(days, "addDays")))
    except OverflowError as error:
        raise EvaluationFailed("addDays() leaves the calendar") from error


TABLE: Table = {"adddays": (2, 2, _add_days)}
