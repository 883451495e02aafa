"""Conditions of role assignments: the text comes in, which repositories it limits access to comes out.

Understood is the documented form for registries: comparisons of
`@Request[Microsoft.ContainerRegistry/registries/repositories:name]` joined by AND/OR, guarded by
`!(ActionMatches{'...'})`. Anything else is "not understood" and never widened.
Source: https://learn.microsoft.com/azure/container-registry/container-registry-rbac-abac-repository-permissions
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from functools import lru_cache

NOT_UNDERSTOOD = "(condition not understood)"
_NAME = r"@(?:Request|Resource)\[Microsoft\.ContainerRegistry/registries/repositories:name\]"
_COMPARE = re.compile(_NAME + r"\s+(String\w+)\s+'([^']*)'", re.IGNORECASE)
_GUARD = re.compile(
    r"!?\s*\(?\s*(?:!\s*)?\(?\s*(?:Sub)?(?:Operation|Action)Matches\s*\{\s*'[^']*'\s*\}\s*\)*", re.IGNORECASE
)
_EXACT = frozenset({"stringequals", "stringequalsignorecase"})
_PREFIX = frozenset({"stringstartswith", "stringstartswithignorecase"})
_LIKE = frozenset({"stringlike", "stringlikeignorecase"})
MAX_LENGTH = 8192


@dataclass(frozen=True, slots=True)
class Limits:
    """Repositories an assignment is limited to. `prefixes`: the texts of StartsWith, as written.

    `understood` is False where the condition says more than we read; then `repositories` holds one explaining entry.
    """

    repositories: tuple[str, ...]
    prefixes: tuple[str, ...]
    understood: bool


@lru_cache(maxsize=4096)
def limits(condition: str) -> Limits:
    """What a condition limits access to."""
    unknown = Limits((NOT_UNDERSTOOD,), (), understood=False)
    if len(condition) > MAX_LENGTH:
        return unknown
    repositories: list[str] = []
    prefixes: list[str] = []
    for operator, value in _COMPARE.findall(condition):
        kind = operator.lower()
        if kind in _EXACT or kind in _LIKE:
            repositories.append(value)
        elif kind in _PREFIX:
            repositories.append(f"{value}*")
            prefixes.append(value)
        else:
            return unknown
    rest = _GUARD.sub(" ", _COMPARE.sub(" ", condition))
    if re.sub(r"[()\s]|\b(?:AND|OR)\b|&&|\|\|", "", rest, flags=re.IGNORECASE):
        return unknown
    if not repositories or _narrowed(condition):
        return unknown
    return Limits(tuple(dict.fromkeys(repositories)), tuple(dict.fromkeys(prefixes)), understood=True)


def _narrowed(condition: str) -> bool:
    """Whether two comparisons are joined by AND: then the union we would give is wider than the truth."""
    between = [condition[first.end() : second.start()] for first, second in _pairs(condition)]
    return any(re.search(r"\bAND\b|&&", text, re.IGNORECASE) and not _GUARD.search(text) for text in between)


def _pairs(condition: str) -> list[tuple[re.Match[str], re.Match[str]]]:
    found = list(_COMPARE.finditer(condition))
    return list(itertools.pairwise(found))
