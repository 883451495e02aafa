"""What a bounded domain cannot show: the scopes of rules come in, the place where more would have to be tried comes out in words.

One text that a pattern takes and one that it does not show what one pattern can be; texts for pairs of `like` are made too.
More patterns of one place may all take a text that none of them suggests.
"""

from __future__ import annotations

from scanner.workbench.bounded.scopes import Scopes

_PATTERNS = frozenset({"like", "likeAny", "contains", "containsKey", "matches"})
_IN_PAIRS = frozenset({"like", "matches"})
"""Of two of these a text for both is made, or it is noted that there is none."""


def beyond(scopes: Scopes) -> str:
    """Why some case may be missing although every combination was tried, or ""."""
    for scope in scopes.all():
        for keys, use in sorted(scope.uses.items()):
            patterns = {
                (leaf.operator, repr(leaf.operand)) for leaf in use.leaves if leaf.operator in _PATTERNS
            }
            paired = len(patterns) == 2 and {operator for operator, _ in patterns} <= _IN_PAIRS
            if len(patterns) > 1 and not paired:
                return (
                    f"texts that several patterns of {'.'.join(keys) or 'an element'} take were not all tried"
                )
    return ""
