"""What formats do to text: outside text is made harmless by `scanner.shown`; times and shares are spelled here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.shown import code_span, markdown, visible

if TYPE_CHECKING:
    from scanner.model.finding import Finding

__all__ = ["code_span", "markdown", "moment", "percent", "visible", "written"]


def written(row: Finding) -> str:
    """Where a finding is written: `main.json:8:5, from parameter default main.json:2:3`; for Azure, the call that told it."""
    if not row.places:
        line, column = row.origin.line, row.origin.column
        return f"{row.origin.where}:{line}:{column or 1}" if line else row.origin.where
    first, *others = row.places
    words = (f"from {place.what} {place.file}:{place.line}:{place.column}" for place in others)
    return ", ".join((f"{first.file}:{first.line}:{first.column}", *words))


def moment(text: str) -> str:
    """An RFC 3339 UTC time as people read it."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z", text)
    return f"{match[1]} {match[2]} UTC" if match else visible(text)


def percent(part: int, whole: int) -> str:
    """A share with one decimal, rounded down so that only everything is 100 % and only nothing is 0 %."""
    if whole <= 0:
        return "-"
    tenths = part * 1000 // whole
    if part and not tenths:
        return "< 0.1 %"
    return f"{tenths // 10}.{tenths % 10} %"
