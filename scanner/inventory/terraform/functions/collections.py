"""Functions of lists, sets and maps.

The shallow ones may meet elements that are not known; lists may end in a `Tail` (more elements, nobody knows which).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

from scanner.inventory.terraform.functions.numbers import number, tidy, whole
from scanner.inventory.terraform.functions.texts import items, text
from scanner.inventory.terraform.values import (
    MAX_ITEMS,
    UNCERTAIN,
    EvaluationError,
    SetOf,
    Sym,
    Tail,
    first_unknown,
    is_handle,
    known,
    made_key,
    same,
)


def mapping(value: Any) -> dict[str, Any]:
    """A map or object."""
    if isinstance(value, dict):
        return value
    raise EvaluationError("a map is needed")


def tail_of(value: Any) -> Tail | None:
    """The tail of a list, or None."""
    last = items(value)[-1:] if isinstance(value, (list, SetOf)) else []
    return last[0] if last and isinstance(last[0], Tail) else None


def without_tail(value: Any) -> list[Any]:
    """The elements that are there for certain."""
    return [item for item in items(value) if not isinstance(item, Tail)]


def _whole(value: Any, name: str) -> list[Any]:
    """The elements of a list that is there to its end. Raises `_UnknownError` otherwise."""
    tail = tail_of(value)
    if tail is not None:
        raise UnknownError(Sym(tail.reason, "runtime", made_key(name, value)))
    return items(value)


class UnknownError(Exception):
    """The result is not known, though nothing is wrong."""

    def __init__(self, value: Sym) -> None:
        super().__init__(value.reason)
        self.value = value


def unique(values: list[Any]) -> list[Any]:
    """Each value once. Those that are not known stay."""
    found: list[Any] = []
    seen: set[str] = set()
    for value in values:
        if isinstance(value, str):
            if value not in seen:
                seen.add(value)
                found.append(value)
        elif not any(same(value, other) for other in found if not isinstance(other, str)):
            if len(found) > 2000:
                raise EvaluationError("too many elements that are no texts")
            found.append(value)
    return found


def _concat(*lists: Any) -> list[Any]:
    tails = [tail for one in lists if (tail := tail_of(one)) is not None]
    found = [item for one in lists for item in without_tail(one)]
    if len(found) > MAX_ITEMS:
        raise EvaluationError("too many elements")
    return [*found, *tails[:1]]


def _merge(*maps: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in maps:
        found.update(mapping(one) if one is not None else {})
    return found


def _flattened(value: Any) -> list[Any]:
    found: list[Any] = []
    tails: list[Tail] = []
    stack = [iter(items(value))]
    while stack:
        item = next(stack[-1], stack)
        if item is stack:
            stack.pop()
        elif isinstance(item, (list, SetOf)):
            stack.append(iter(items(item)))
        elif isinstance(item, Tail):
            tails.append(item)
        elif isinstance(item, Sym):  # It may be a list itself.
            tails.append(Tail(item.reason, item.key))
        else:
            found.append(item)
        if len(found) > MAX_ITEMS or len(stack) > 50:
            raise EvaluationError("too many elements")
    return [*found, *tails[:1]]


def _length(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return len(value)
    if isinstance(value, SetOf) and not known(value) and len(value.items) > 1:
        raise UnknownError(Sym("two elements may be the same", "runtime", made_key("length", value)))
    return len(_whole(value, "length"))


def _element(value: Any, index: Any) -> Any:
    found = _whole(value, "element")
    if not found:
        raise EvaluationError("element: the list is empty")
    return found[whole(index) % len(found)]


def _lookup(of: Any, key: Any, *default: Any) -> Any:
    found = mapping(of)
    if text(key) in found:
        return found[text(key)]
    if default:
        return default[0]
    raise EvaluationError("lookup: the map has no such key")


def _one(value: Any) -> Any:
    found = _whole(value, "one")
    if len(found) > 1:
        raise EvaluationError("one: the list has more than one element")
    return found[0] if found else None


def _slice(value: Any, start: Any, end: Any) -> list[Any]:
    found, first, last = _whole(value, "slice"), whole(start), whole(end)
    if not 0 <= first <= last <= len(found):
        raise EvaluationError("slice: out of range")
    return found[first:last]


def _chunks(value: Any, size: Any) -> list[Any]:
    found, width = _whole(value, "chunklist"), whole(size)
    if width < 0:
        raise EvaluationError("chunklist: no size")
    return [found[at : at + width] for at in range(0, len(found), width)] if width else [found]


def _zipped(keys: Any, values: Any) -> dict[str, Any]:
    names, found = _whole(keys, "zipmap"), _whole(values, "zipmap")
    if len(names) != len(found):
        raise EvaluationError("zipmap: the lists differ in length")
    return dict(zip(map(text, names), found, strict=True))


def _to_list(value: Any) -> Any:
    return None if value is None else list(items(value))


def _to_set(value: Any) -> Any:
    if value is None:
        return None
    found = unique(items(value))
    if all(isinstance(item, str) for item in found):
        found.sort()
    return SetOf(tuple(found))


def _to_map(value: Any) -> Any:
    return None if value is None else mapping(value)


def _of(doubtful: Any, key: str) -> Sym:
    """What hangs on an element that is not known."""
    unknown = first_unknown([doubtful]) or Sym("an element is not known", "runtime")
    return Sym(unknown.reason, unknown.kind, key)


def _contains(value: Any, wanted: Any) -> bool:
    if wanted is None or isinstance(wanted, (*UNCERTAIN, dict, list)) or is_handle(wanted):
        if not known(value) or not known(wanted):
            raise UnknownError(
                Sym("what it looks for is not known", "runtime", made_key("contains", value, wanted))
            )
        return any(same(item, wanted) for item in items(value))
    found = items(value)
    if any(_equal(item, wanted) for item in found):
        return True
    doubtful = next((item for item in found if not known(item)), None)
    if doubtful is not None:
        raise UnknownError(_of(doubtful, made_key("contains", value, wanted)))
    return False


def _equal(left: Any, right: Any) -> bool:
    """Elements of a list have one type: a number and its text are the same."""
    if isinstance(left, (str, int, float)) and isinstance(right, (str, int, float)):
        return text(left) == text(right)
    return same(left, right)


def _coalesce_list(*lists: Any) -> Any:
    for one in lists:
        if one is not None and len(items(one)):
            return one
    raise EvaluationError("coalescelist: all lists are empty")


def _truths(value: Any, name: str, decides: bool) -> bool:
    found = items(value)
    flags = [
        {"true": True, "false": False}.get(item, item) if isinstance(item, str) else item for item in found
    ]
    if any(flag is decides for flag in flags):
        return decides
    doubtful = next((flag for flag in flags if not isinstance(flag, bool) and flag is not None), None)
    if doubtful is not None:
        raise UnknownError(_of(doubtful, made_key(name, value)))
    return not decides


SHALLOW: dict[str, Callable[..., Any]] = {
    "alltrue": lambda value: _truths(value, "alltrue", False),
    "anytrue": lambda value: _truths(value, "anytrue", True),
    "chunklist": _chunks,
    "coalescelist": _coalesce_list,
    "concat": _concat,
    "contains": _contains,
    "distinct": lambda value: [*unique(without_tail(value)), *([tail] if (tail := tail_of(value)) else [])],
    "element": _element,
    "flatten": _flattened,
    "keys": lambda value: sorted(mapping(value)),
    "length": _length,
    "lookup": _lookup,
    "merge": _merge,
    "one": _one,
    "reverse": lambda value: _whole(value, "reverse")[::-1],
    "slice": _slice,
    "tolist": _to_list,
    "tomap": _to_map,
    "toset": _to_set,
    "values": lambda value: [mapping(value)[key] for key in sorted(mapping(value))],
    "zipmap": _zipped,
}


def _index(value: Any, wanted: Any) -> int:
    for at, item in enumerate(items(value)):
        if _equal(item, wanted):
            return at
    raise EvaluationError("index: the list has no such element")


def _range(*bounds: Any) -> list[int | float]:
    numbers = [number(bound) for bound in bounds]
    if not 1 <= len(numbers) <= 3:
        raise EvaluationError("range needs one to three numbers")
    start = numbers[0] if len(numbers) > 1 else 0
    end = numbers[1] if len(numbers) > 1 else numbers[0]
    step = numbers[2] if len(numbers) == 3 else (1 if start <= end else -1)
    if step == 0 or (end - start) * step < 0:
        raise EvaluationError("range: the step leads away from the end")
    if math.ceil((end - start) / step) > MAX_ITEMS:
        raise EvaluationError("range: too many elements")
    return [tidy(start + at * step) for at in range(math.ceil((end - start) / step))]


def _product(*sets: Any) -> Any:
    lists = [items(one) for one in sets]
    if math.prod(len(one) for one in lists) > MAX_ITEMS:
        raise EvaluationError("setproduct: too many elements")
    found = [list(one) for one in itertools.product(*lists)]
    return found if any(isinstance(one, list) for one in sets) else SetOf(tuple(found))


def _set(values: list[Any]) -> SetOf:
    found: SetOf = _to_set(values)
    return found


def _intersection(first: Any, *rest: Any) -> SetOf:
    return _set(
        [
            item
            for item in items(first)
            if all(any(_equal(item, one) for one in items(other)) for other in rest)
        ]
    )


def _subtracted(left: Any, right: Any) -> SetOf:
    return _set([item for item in items(left) if not any(_equal(item, one) for one in items(right))])


def _transposed(value: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key in sorted(mapping(value)):
        for item in items(value[key]):
            found.setdefault(text(item), []).append(key)
    return dict(sorted(found.items()))


def _total(value: Any) -> int | float:
    found = [number(item) for item in items(value)]
    if not found:
        raise EvaluationError("sum: the list is empty")
    return tidy(sum(found))


DEEP: dict[str, Callable[..., Any]] = {
    "compact": lambda value: [item for item in items(value) if item is not None and text(item)],
    "index": _index,
    "matchkeys": lambda values, keys, search: [
        value
        for value, key in zip(items(values), items(keys), strict=False)
        if any(_equal(key, one) for one in items(search))
    ],
    "range": _range,
    "setintersection": _intersection,
    "setproduct": _product,
    "setsubtract": _subtracted,
    "setsymmetricdifference": lambda left, right: _set(
        [*_subtracted(left, right).items, *_subtracted(right, left).items]
    ),
    "setunion": lambda *sets: _set([item for one in sets for item in items(one)]),
    "sort": lambda value: sorted(text(item) for item in items(value)),
    "sum": _total,
    "transpose": _transposed,
}
