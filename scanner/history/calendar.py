"""Words for a period in, its first and last night out: 2026, 2026-Q3, 2026-07, 2026-07-14, 2026-07-01..2026-09-30."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta

from scanner.errors import UsageError

_FORMS = re.compile(r"(\d{4})(?:-(?:Q([1-4])|(\d\d)(?:-(\d\d))?))?", re.IGNORECASE)
LONGEST = 3_700
"""Nights that a period may have: about ten years."""


def parse(text: str) -> tuple[date, date]:
    """The first and the last night. Raises `UsageError` for what is no period."""
    first, dots, last = text.strip().partition("..")
    try:
        start = _span(first)[0]
        end = _span(last)[1] if dots else _span(first)[1]
    except ValueError as error:
        raise _wrong(text, str(error)) from error
    if end < start:
        raise _wrong(text, "it ends before it begins")
    if (end - start).days >= LONGEST:
        raise _wrong(text, f"it has more than {LONGEST:,} nights")
    return start, end


def _wrong(text: str, why: str) -> UsageError:
    return UsageError(
        f"{text[:60]!r} is no period: {why}",
        "--period",
        "Write it as 2026, 2026-Q3, 2026-07, 2026-07-14 or 2026-07-01..2026-09-30.",
    )


def _span(text: str) -> tuple[date, date]:
    match = _FORMS.fullmatch(text.strip())
    if match is None:
        raise ValueError("its form is not known")
    year, quarter, month, day = match.groups()
    if day:
        only = date(int(year), int(month), int(day))
        return only, only
    if month:
        return _months(int(year), int(month), 1)
    return _months(int(year), 3 * int(quarter) - 2, 3) if quarter else _months(int(year), 1, 12)


def _months(year: int, month: int, number: int) -> tuple[date, date]:
    start = date(year, month, 1)
    after = month + number
    end = date(year + 1, after - 12, 1) if after > 12 else date(year, after, 1)
    return start, end - timedelta(days=1)


def nights(start: date, end: date) -> list[str]:
    """Every date from the first to the last, as texts."""
    return [(start + timedelta(days=at)).isoformat() for at in range((end - start).days + 1)]


def stretches(found: Iterable[str]) -> list[tuple[str, str]]:
    """Dates (sorted) as stretches without a hole."""
    grown: list[tuple[str, str]] = []
    for night in found:
        if grown and date.fromisoformat(grown[-1][1]) + timedelta(days=1) == date.fromisoformat(night):
            grown[-1] = (grown[-1][0], night)
        else:
            grown.append((night, night))
    return grown
