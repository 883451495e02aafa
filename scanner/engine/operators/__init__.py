"""The operators of the rule language, one row each: how it decides, what it says of ABSENT, which types it takes.

A value reaches `decide` only when it is present (not ABSENT, UNKNOWN or HIDDEN); the answer is True, False,
`Wrong(text)` for a type the operator cannot judge, or UNSURE when an unread list tail could change it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from scanner.engine.operators import compare, lists, network, text, time, version
from scanner.engine.operators.row import UNSURE, Operator, Options, Wrong

_FAMILIES = (compare, text, lists, network, time, version)

OPERATORS: Final[Mapping[str, Operator]] = MappingProxyType(
    {row.name: row for family in _FAMILIES for row in family.ROWS}
)
"""Every positive operator by name."""

NEGATED: Final = MappingProxyType(
    {
        "notEquals": "equals",
        "notIn": "in",
        "notLike": "like",
        "notContains": "contains",
        "notContainsKey": "containsKey",
        "notMatches": "matches",
    }
)
"""Spellings that parse to `not` of a positive operator."""

ORDERED: Final = frozenset({"less", "lessOrEquals", "greater", "greaterOrEquals"})
"""Operators that a `count` may use besides equals and notEquals."""

__all__ = ["NEGATED", "OPERATORS", "ORDERED", "UNSURE", "Operator", "Options", "Wrong"]
