"""Template functions on lists, objects and whatever has a length: arguments come in, a value comes out.

Inside templates `equals` and `contains` compare text exactly (keys of objects in any casing); only the operators of
conditions fold case.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scanner.engine.azure.failing import EvaluationFailed
from scanner.engine.azure.text_functions import Table, as_text, bounded, text, whole
from scanner.engine.operators.row import kind

MAX_ITEMS = 32_768
"""The most nodes that a function may give (Azure's own limit)."""


def identical(left: Any, right: Any) -> bool:
    """Whether two values are the same; text exactly, keys in any casing, numbers by value."""
    if kind(left) != kind(right):
        return False
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(identical, left, right))
    if isinstance(left, Mapping):
        others = {key.casefold(): item for key, item in right.items()}
        return len(left) == len(others) and all(
            key.casefold() in others and identical(item, others[key.casefold()]) for key, item in left.items()
        )
    return bool(left == right)


def _sized(value: Any, name: str) -> Any:
    if isinstance(value, (str, list, tuple, Mapping)):
        return value
    raise EvaluationFailed(f"{name}() needs text, a list or an object, not {kind(value)}")


def _sequence(value: Any, name: str) -> Any:
    if isinstance(value, (str, list, tuple)):
        return value
    raise EvaluationFailed(f"{name}() needs text or a list, not {kind(value)}")


def _list(value: Any, name: str) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return list(value)
    raise EvaluationFailed(f"{name}() needs a list, not {kind(value)}")


def _small(found: list[Any], name: str) -> list[Any]:
    if len(found) > MAX_ITEMS:
        raise EvaluationFailed(f"{name}() gives more than {MAX_ITEMS:,} elements")
    return found


def _concat(*values: Any) -> Any:
    if all(isinstance(value, (list, tuple)) for value in values):
        return _small([item for value in values for item in value], "concat")
    if any(isinstance(value, (list, tuple, Mapping)) for value in values):
        raise EvaluationFailed("concat() joins texts, or lists, not both")
    return bounded("".join(as_text(value) for value in values), "concat")


def _contains(container: Any, wanted: Any) -> bool:
    if isinstance(container, str):
        return as_text(wanted) in container
    if isinstance(container, Mapping):
        return any(key.casefold() == text(wanted, "contains").casefold() for key in container)
    return any(identical(item, wanted) for item in _list(container, "contains"))


def _index_of(container: Any, wanted: Any, name: str = "indexOf", *, last: bool = False) -> int:
    if isinstance(container, str):
        source, part = container.casefold(), text(wanted, name).casefold()
        return source.rfind(part) if last else source.find(part)
    hits = [at for at, item in enumerate(_list(container, name)) if identical(item, wanted)]
    return (hits[-1] if last else hits[0]) if hits else -1


def _empty(value: Any) -> bool:
    return value is None or not _sized(value, "empty")


def _first(value: Any, *, at: int = 0, name: str = "first") -> Any:
    found = _sequence(value, name)
    if not found:
        return "" if isinstance(found, str) else None
    return found[at]


def _take(value: Any, number: Any) -> Any:
    return _sequence(value, "take")[: max(0, whole(number, "take"))]


def _skip(value: Any, number: Any) -> Any:
    return _sequence(value, "skip")[max(0, whole(number, "skip")) :]


def _range(start: Any, number: Any) -> list[int]:
    first, size = whole(start, "range"), whole(number, "range")
    if not 0 <= size <= 10_000:
        raise EvaluationFailed("range() gives 0 to 10,000 numbers")
    return list(range(first, first + size))


def _unique(values: list[Any]) -> list[Any]:
    found: dict[Any, Any] = {}
    for value in values:
        found.setdefault(_key(value), value)
    return list(found.values())


def _key(value: Any) -> Any:
    """What values that are identical have in common."""
    if isinstance(value, (list, tuple)):
        return ("array", tuple(map(_key, value)))
    if isinstance(value, Mapping):
        return ("object", frozenset((key.casefold(), _key(item)) for key, item in value.items()))
    return (kind(value), value)


def _union(*values: Any) -> Any:
    if all(isinstance(value, Mapping) for value in values):
        merged: dict[str, Any] = {}
        for value in values:
            merged = _merged(merged, value)
        return merged
    return _unique([item for value in values for item in _list(value, "union")])


def _merged(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(left)
    names = {key.casefold(): key for key in found}
    for key, value in right.items():
        own = names.get(key.casefold(), key)
        old = found.get(own)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        found[own] = _merged(old, value) if both and isinstance(old, Mapping) else value
        names.setdefault(key.casefold(), own)
    return found


def _intersection(*values: Any) -> Any:
    if all(isinstance(value, Mapping) for value in values):
        first, *rest = values
        return {
            key: item
            for key, item in first.items()
            if all(any(key == other and identical(item, one[other]) for other in one) for one in rest)
        }
    head, *others = (_list(value, "intersection") for value in values)
    common = [set(map(_key, more)) for more in others]
    return _unique([item for item in head if all(_key(item) in held for held in common)])


def _create_object(*parts: Any) -> dict[str, Any]:
    if len(parts) % 2:
        raise EvaluationFailed("createObject() needs keys and values in turn")
    return {text(parts[at], "createObject"): parts[at + 1] for at in range(0, len(parts), 2)}


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    raise EvaluationFailed(f"{name}() needs an object, not {kind(value)}")


def _items(value: Any) -> list[Any]:
    return [{"key": key, "value": item} for key, item in sorted(_mapping(value, "items").items())]


def _from_end(value: Any, number: Any) -> Any:
    found, at = _list(value, "indexFromEnd"), whole(number, "indexFromEnd")
    if not 1 <= at <= len(found):
        raise EvaluationFailed("indexFromEnd() reaches beyond the list")
    return found[-at]


def _try_from_end(value: Any, number: Any) -> Any:
    found, at = _list(value, "tryIndexFromEnd"), whole(number, "tryIndexFromEnd")
    return found[-at] if 1 <= at <= len(found) else None


def _try_get(value: Any, *keys: Any) -> Any:
    for key in keys:
        value = reached(value, key)
        if value is MISSED:
            return None
    return value


MISSED: Any = object()
"""What `reached` gives where there is no such property or element."""


def reached(value: Any, key: Any) -> Any:
    """The property or element of a value, or `MISSED`; names of properties match in any casing."""
    if isinstance(value, Mapping) and isinstance(key, str):
        wanted = key.casefold()
        return next((item for name, item in value.items() if name.casefold() == wanted), MISSED)
    if isinstance(value, (list, tuple)) and type(key) is int and 0 <= key < len(value):
        return value[key]
    return MISSED


TABLE: Table = {
    "array": (1, 1, lambda a: list(a) if isinstance(a, (list, tuple)) else [a]),
    "concat": (1, 128, _concat),
    "contains": (2, 2, _contains),
    "createarray": (0, MAX_ITEMS, lambda *a: list(a)),
    "createobject": (0, MAX_ITEMS, _create_object),
    "empty": (1, 1, _empty),
    "equals": (2, 2, identical),
    "first": (1, 1, _first),
    "indexfromend": (2, 2, _from_end),
    "indexof": (2, 2, _index_of),
    "intersection": (2, 128, _intersection),
    "items": (1, 1, _items),
    "last": (1, 1, lambda a: _first(a, at=-1, name="last")),
    "lastindexof": (2, 2, lambda a, b: _index_of(a, b, "lastIndexOf", last=True)),
    "length": (1, 1, lambda a: len(_sized(a, "length"))),
    "null": (0, 0, lambda: None),
    "objectkeys": (1, 1, lambda a: sorted(_mapping(a, "objectKeys"))),
    "range": (2, 2, _range),
    "skip": (2, 2, _skip),
    "take": (2, 2, _take),
    "tryget": (2, 128, _try_get),
    "tryindexfromend": (2, 2, _try_from_end),
    "union": (2, 128, _union),
}
