"""What formats do to text: outside text is made harmless by `scanner.shown`; times and shares are spelled here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.model import ids
from scanner.shown import code_span, markdown, visible

if TYPE_CHECKING:
    from scanner.model.finding import Finding
    from scanner.model.scan import RuleCard

__all__ = ["code_span", "in_file", "markdown", "moment", "percent", "visible", "written"]


def written(row: Finding) -> str:
    """Where a finding is written: `main.json:8:5, from parameter default main.json:2:3`; for Azure, the call that told it."""
    if not row.places:
        line, column = row.origin.line, row.origin.column
        return f"{row.origin.where}:{line}:{column or 1}" if line else row.origin.where
    first, *others = row.places
    words = (f"from {place.what} {place.file}:{place.line}:{place.column}" for place in others)
    return ", ".join((f"{first.file}:{first.line}:{first.column}", *words))


def in_file(row: Finding, card: RuleCard | None) -> list[str]:
    """The first lines of what to write into the file that describes a resource; none for what lies in Azure."""
    if card is None or not ids.file_of(row.resource):
        return []
    return (card.terraform if row.origin.source == "terraform" else card.bicep).splitlines()[:4]


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
