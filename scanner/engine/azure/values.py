"""Azure Policy's operators: two values come in, true, false or `Wrong` (Azure fails the evaluation) comes out.

Text is compared without regard to case, "80" equals 80 and "true" equals true, null equals "". Sources: the operators as
Microsoft documents them (https://learn.microsoft.com/azure/governance/policy/concepts/definition-structure-policy-rule)
and, where the page is silent, the condition evaluation of microsoft/regorus.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from scanner.engine.operators.row import Wrong, kind
from scanner.engine.operators.text import like
from scanner.engine.operators.time import instant
from scanner.model.values import ABSENT

Answer: TypeAlias = bool | Wrong

NEGATED = {
    "notEquals": "equals",
    "notIn": "in",
    "notLike": "like",
    "notContains": "contains",
    "notContainsKey": "containsKey",
    "notMatch": "match",
    "notMatchInsensitively": "matchInsensitively",
}
"""Negated operators: each is the opposite of the other one, for absent values too."""
ORDERED = ("less", "lessOrEquals", "greater", "greaterOrEquals")


def decide(operator: str, left: Any, right: Any) -> Answer:
    """Whether `left` (JSON, None for null, or ABSENT) meets the operator; `right` is JSON."""
    positive = NEGATED.get(operator)
    if positive is None:
        return _DECIDE[operator](left, right)
    answer = _DECIDE[positive](left, right)
    return answer if isinstance(answer, Wrong) else not answer


def same(left: Any, right: Any) -> bool:
    """Equality with Azure's conversions between text and numbers, text and booleans, text and null."""
    kinds = {kind(left): left, kind(right): right}
    if len(kinds) == 1:
        return _alike(left, right)
    if "string" not in kinds:
        return False
    text = kinds.pop("string").casefold()
    ((sort, other),) = kinds.items()
    match sort:
        case "number":
            return bool(number(text) == other)
        case "boolean":
            return bool(text == ("true" if other else "false"))
        case "null":
            return bool(text == "")
    return False


def _alike(left: Any, right: Any) -> bool:
    """Equality of two values of one kind; text inside lists and objects folds case too."""
    if isinstance(left, str):
        return left.casefold() == str(right).casefold()
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(same(one, two) for one, two in zip(left, right, strict=True))
    if isinstance(left, Mapping):
        keys = {key.casefold(): item for key, item in left.items()}
        others = {key.casefold(): item for key, item in right.items()}
        return keys.keys() == others.keys() and all(same(item, others[key]) for key, item in keys.items())
    return bool(left == right)


def number(text: str) -> float | None:
    """The number that a text writes out, or None."""
    stripped = text.strip()
    if not stripped or not stripped.isascii() or "_" in stripped or len(stripped) > 64:
        return None
    try:
        found = float(stripped)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def spelled(value: Any) -> str | None:
    """A single value as text, or None for lists, objects and null."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value) if isinstance(value, (int, float)) else None


def truthy(value: Any) -> bool | None:
    """The boolean that a value means: true, false, or text that says so."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.strip().lower()) if isinstance(value, str) else None


def _equals(left: Any, right: Any) -> Answer:
    if left is ABSENT:
        return right is None
    return same(left, right)


def _in(left: Any, right: Any) -> Answer:
    if not isinstance(right, (list, tuple)):
        return Wrong(f"`in` needs a list, not {kind(right)}")
    if left is ABSENT:
        return any(item is None for item in right)
    if left is None:
        return False
    return any(item is not None and same(left, item) for item in right)


def _contains(left: Any, right: Any) -> Answer:
    if left is ABSENT or left is None:
        return False
    if isinstance(left, (list, tuple)):
        return any(same(item, right) for item in left)
    if isinstance(left, Mapping):
        return any(same(key, right) for key in left)
    haystack, needle = spelled(left), spelled(right)
    if haystack is None or needle is None:
        return Wrong(f"`contains` cannot look for {kind(right)} in {kind(left)}")
    return needle.casefold() in haystack.casefold()


def _contains_key(left: Any, right: Any) -> Answer:
    if not isinstance(right, str):
        return Wrong(f"`containsKey` needs a key, not {kind(right)}")
    return isinstance(left, Mapping) and any(key.casefold() == right.casefold() for key in left)


def pattern_problem(pattern: Any) -> str:
    """Why Azure refuses a pattern of `like`, or ""."""
    if not isinstance(pattern, str):
        return "a pattern of `like` is text" if spelled(pattern) is None else ""
    return "a pattern of `like` has at most one *" if pattern.count("*") > 1 else ""


def _like(left: Any, right: Any) -> Answer:
    problem = pattern_problem(right)
    if problem:
        return Wrong(problem)
    text, pattern = spelled(left), spelled(right)
    if text is None or pattern is None:
        return False
    folded, wanted = text.casefold(), pattern.casefold()
    return like(folded, wanted) if "?" not in wanted else _one_each(folded, wanted)


def _one_each(text: str, pattern: str) -> bool:
    """`like` with `?` for one character: what stands before and after the star is compared character by character."""
    head, star, tail = pattern.partition("*")
    if len(text) < len(head) + len(tail) or (not star and len(text) != len(head)):
        return False
    ends = [*zip(text, head, strict=False), *zip(text[len(text) - len(tail) :], tail, strict=False)]
    return all(wanted in ("?", found) for found, wanted in ends)


def _match(left: Any, right: Any) -> Answer:
    text, pattern = spelled(left), spelled(right)
    if pattern is None:
        return Wrong(f"`match` needs a pattern, not {kind(right)}")
    return text is not None and len(text) == len(pattern) and all(map(_fits, text, pattern))


def _match_insensitively(left: Any, right: Any) -> Answer:
    text, pattern = spelled(left), spelled(right)
    return _match(
        text if text is None else text.casefold(), pattern if pattern is None else pattern.casefold()
    )


def _fits(char: str, wanted: str) -> bool:
    match wanted:
        case "#":
            return char.isascii() and char.isdigit()
        case "?":
            return char.isascii() and char.isalpha()
        case ".":
            return True
    return char == wanted


def _ordered(test: Callable[[int], bool]) -> Callable[[Any, Any], Answer]:
    def answer(left: Any, right: Any) -> Answer:
        if left is ABSENT or left is None:
            return False
        found = compared(left, right)
        return found if isinstance(found, Wrong) else test(found)

    return answer


def compared(left: Any, right: Any) -> int | Wrong:
    """-1, 0 or 1; text that writes a number compares with numbers, dates compare as points in time.

    Other mixtures fail Azure's evaluation.
    """
    kinds = (kind(left), kind(right))
    one, two = left, right
    if kinds == ("string", "string"):
        one, two = left.casefold(), right.casefold()
        moments = instant(left), instant(right)
        if None not in moments:
            one, two = moments
    elif set(kinds) == {"string", "number"}:
        one, two = (number(side) if isinstance(side, str) else side for side in (left, right))
    elif kinds[0] != kinds[1] or kinds[0] not in ("number", "boolean"):
        one = None
    if one is None or two is None:
        return Wrong(f"{kinds[0]} cannot be ordered against {kinds[1]}; Azure fails the evaluation")
    return int(one > two) - int(one < two)


def _exists(left: Any, right: Any) -> Answer:
    wanted = truthy(right)
    if wanted is None:
        return Wrong("`exists` needs true or false")
    return (left is not ABSENT and left is not None) is wanted


_DECIDE: Mapping[str, Callable[[Any, Any], Answer]] = {
    "equals": _equals,
    "in": _in,
    "contains": _contains,
    "containsKey": _contains_key,
    "like": _like,
    "match": _match,
    "matchInsensitively": _match_insensitively,
    "less": _ordered(lambda order: order < 0),
    "lessOrEquals": _ordered(lambda order: order <= 0),
    "greater": _ordered(lambda order: order > 0),
    "greaterOrEquals": _ordered(lambda order: order >= 0),
    "exists": _exists,
}
OPERATORS = (*_DECIDE, *NEGATED)
"""Every operator as documented."""
