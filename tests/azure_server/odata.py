"""The small part of OData filters that is understood: text comes in, a test of rows comes out, or `ValueError`.

`name eq 'text'` joined by `and` or by `or`, without parentheses; names and texts are compared without regard to case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Test = Callable[[Mapping[str, Any]], bool]
_ONE = re.compile(r"\s*(\w+) eq '([^']*)'\s*", re.IGNORECASE)


def parse(text: str) -> Test:
    """The test that a filter means; an empty one lets everything through."""
    if not text.strip():
        return lambda _: True
    groups = [
        [_one(part) for part in re.split(r" and ", group, flags=re.IGNORECASE)]
        for group in re.split(r" or ", text, flags=re.IGNORECASE)
    ]
    return lambda row: any(all(test(row) for test in group) for group in groups)


def _one(text: str) -> Test:
    match = _ONE.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is not understood")
    name, wanted = match.group(1).lower(), match.group(2).lower().lstrip("/")
    # Policy Insights writes some resource types with a slash in front and finds them without.
    return lambda row: any(
        key.lower() == name and str(value).lower().lstrip("/") == wanted for key, value in row.items()
    )
