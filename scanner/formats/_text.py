"""What formats do to text: outside text is made harmless by `scanner.shown`; times and shares are spelled here."""

from __future__ import annotations

import re

from scanner.shown import code_span, markdown, visible

__all__ = ["code_span", "markdown", "moment", "percent", "visible"]


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
