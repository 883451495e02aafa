"""Phrases of Azure Policy's language: names, literals and expressions come in, expressions and JSON conditions come out.

Azure has no operator for ranges, but template functions (`ipRangeContains`, `split`); dates are ordered by `less` and
`greater`. Source: https://learn.microsoft.com/azure/governance/policy/concepts/definition-structure-policy-rule
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scanner.engine.azure.aliases import EACH

Json = dict[str, Any]
DATED = {"olderThanDays": "less", "newerThanDays": "greater"}
"""Which operator on the date says the same: older means that it lies before the day."""


def quoted(text: str) -> str:
    """A text as it stands in an expression."""
    return "'" + text.replace("'", "''") + "'"


def read(name: str) -> str:
    """The expression that gives a field's value; an element's where a count goes through a list."""
    return f"{'current' if EACH in name else 'field'}({quoted(name)})"


def negated(test: Json) -> Json:
    """`not`, without doubling it."""
    return test["not"] if set(test) == {"not"} else {"not": test}


def escaped(value: Any) -> Any:
    """A literal as Azure reads it: text that begins with a bracket would be an expression."""
    if isinstance(value, tuple | list):
        return [escaped(item) for item in value]
    return f"[{value}" if isinstance(value, str) and value.startswith("[") else value


def prefix_less(value: str, bounds: Sequence[str]) -> Json:
    """Whether a range is wider than /n; an address without a prefix is a range of one.

    With one bound, which is for IPv4, an IPv6 range counts as wider: the rule cannot judge it, and nothing passes unjudged.
    """
    if len(bounds) == 1:
        wide = f"if(contains({value}, ':'), true(), {_less(value, '32', bounds[0])})"
    else:
        full, bound = (
            f"if(contains({value}, ':'), {six}, {four})" for six, four in (("128", "32"), bounds[::-1])
        )
        wide = _less(value, full, bound)
    return _told(value, wide)


def _less(value: str, full: str, bound: str) -> str:
    return f"less(if(contains({value}, '/'), int(last(split({value}, '/'))), {full}), {bound})"


def within(value: str, ranges: Sequence[str]) -> Json:
    """Whether a range lies in one of others (at least one)."""
    parts = [_in(value, one) for one in ranges]
    return _told(value, f"or({', '.join(parts)})" if len(parts) > 1 else parts[0])


def within_any(value: str, ranges: str) -> Json:
    """Whether a range lies in one of a list that an expression gives."""
    where = _told(value, _in(value, "current('range')"))
    return {"count": {"value": f"[{ranges}]", "name": "range", "where": where}, "greater": 0}


def _in(value: str, outer: str) -> str:
    """IPv4 and IPv6 are not compared: Azure would fail the evaluation."""
    alike = f"equals(contains({value}, ':'), contains({outer}, ':'))"
    return f"if({alike}, ipRangeContains({outer}, {value}), false())"


def _told(value: str, expression: str) -> Json:
    """False where there is no value."""
    return {"value": f"[if(equals(coalesce({value}, ''), ''), false(), {expression})]", "equals": True}


def days_back(name: str, operator: str, days: str) -> Json:
    """Whether a date lies before, or after, the moment some days back."""
    return {"field": name, DATED[operator]: f"[addDays(utcNow(), {days})]"}
