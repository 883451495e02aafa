"""What a bounded domain cannot show: the scopes of rules come in, the place where more would have to be tried comes out in words.

Lists of two elements show what two conditions on a list can be together, a list of equal elements what one count can be;
one value that a pattern takes and one that it does not show what one pattern can be. More of them need more.
"""

from __future__ import annotations

from scanner.language.digest import shape
from scanner.model.condition import Count, Param
from scanner.workbench.bounded.lists import MAX_COUNTED
from scanner.workbench.bounded.parameters import is_number
from scanner.workbench.bounded.scopes import Scope, Scopes

_PATTERNS = frozenset({"like", "likeAny", "contains", "containsKey", "matches"})
"""Operators of which two can be true of one text that neither of them would suggest."""
_TRIED = 2
"""Elements that stand together in the lists that are tried."""


def beyond(scopes: Scopes) -> str:
    """Why some case may be missing although every combination was tried, or ""."""
    for scope in scopes.all():
        needed = [_needed(count) for count in _counts(scope).values()]
        together = len(_quantifiers(scope)) + sum(needed)
        if together > _TRIED and (len(needed) != 1 or together != needed[0]):
            return f"conditions on one list may need {together} elements, and lists of {_TRIED} were tried"
        if any(number > MAX_COUNTED for number in needed):
            return f"lists of more than {MAX_COUNTED} elements were not tried"
        for keys, use in sorted(scope.uses.items()):
            patterns = {
                (leaf.operator, repr(leaf.operand)) for leaf in use.leaves if leaf.operator in _PATTERNS
            }
            if len(patterns) > 1:
                return (
                    f"texts that several patterns of {'.'.join(keys) or 'an element'} take were not all tried"
                )
    return ""


def _quantifiers(scope: Scope) -> set[str]:
    """What is asked of some, none or every element, each question once."""
    parents = [site.parent for site in scope.wheres]
    return {repr(shape(one.node)) for one in parents if one is not None and not isinstance(one.node, Count)}


def _counts(scope: Scope) -> dict[str, Count]:
    return {repr(shape(count)): count for count in scope.counted}


def _needed(count: Count) -> int:
    """The elements that a list needs for the count to be on either side of its bound."""
    if isinstance(count.operand, Param) or not is_number(count.operand):
        return 1
    return max(1, int(count.operand) + (count.operator in ("greater", "lessOrEquals", "equals", "notEquals")))
