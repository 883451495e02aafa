"""Template functions on lists and objects.

Sources: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-array and ...-object
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scanner.inventory.arm_template import checks
from scanner.inventory.arm_template.evaluation import MANY, Function, derived, member
from scanner.inventory.arm_template.values import (
    MAX_NODES,
    LimitError,
    Mixed,
    Open,
    fail,
    first_unknown,
    lookup,
    same,
    unknown_of,
)
from scanner.model.values import ABSENT

if TYPE_CHECKING:
    from scanner.inventory.arm_template.scope import Scope

MAX_RANGE = 10_000


def contains(_: Scope, items: list[Any]) -> Any:
    """Whether a list has an item, an object a key, a text a part."""
    held, wanted = items
    known = held.parts if isinstance(held, Mixed) and isinstance(wanted, str) else ()
    if any(isinstance(part, str) and wanted in part for part in known):
        return True
    unknown = unknown_of(held)
    if unknown:
        return derived("contains", items, unknown)
    if isinstance(held, list):
        if any(same(item, wanted) for item in held):
            return True
        unknown = first_unknown(held) or first_unknown(wanted)
        return derived("contains", items, unknown) if unknown else False
    unknown = unknown_of(wanted)
    if unknown:
        return derived("contains", items, unknown)
    if isinstance(held, dict):
        return lookup(held, checks.text(wanted)) is not ABSENT
    return checks.text(str(wanted) if isinstance(wanted, int) else wanted) in checks.text(held)


def empty(_: Scope, items: list[Any]) -> Any:
    """Whether nothing is in it; null is empty."""
    value = items[0]
    if isinstance(value, Open) or (
        isinstance(value, Mixed) and any(isinstance(part, str) for part in value.parts)
    ):
        return False
    unknown = unknown_of(value)
    if unknown:
        return derived("empty", items, unknown)
    if value is None:
        return True
    if isinstance(value, (str, list, dict)):
        return len(value) == 0
    return fail("a text, list or object expected")


def length(_: Scope, items: list[Any]) -> int:
    """Characters, items or keys."""
    value = items[0]
    return (
        len(value) if isinstance(value, (str, list, dict)) else fail(f"{checks.named(value)} has no length")
    )


def first(_: Scope, items: list[Any]) -> Any:
    """The first item or character."""
    value = items[0]
    if isinstance(value, str):
        return value[:1]
    return value[0] if checks.array(value) else None


def last(_: Scope, items: list[Any]) -> Any:
    """The last item or character."""
    value = items[0]
    if isinstance(value, str):
        return value[-1:]
    return value[-1] if checks.array(value) else None


def take(_: Scope, items: list[Any]) -> Any:
    """The first items or characters."""
    value = items[0]
    if unknown_of(items[1]):
        return derived("take", items, unknown_of(items[1]) or fail(""))
    count = max(0, checks.whole(items[1]))
    if isinstance(value, Mixed):
        head = value.parts[0]
        return (
            head[:count]
            if isinstance(head, str) and count <= len(head)
            else derived("take", items, unknown_of(value) or fail(""))
        )
    if unknown := unknown_of(value):
        return derived("take", items, unknown)
    return value[:count] if isinstance(value, (str, list)) else fail("a text or list expected")


def skip(_: Scope, items: list[Any]) -> Any:
    """What follows the first items or characters."""
    value, count = items[0], max(0, checks.whole(items[1]))
    return value[count:] if isinstance(value, (str, list)) else fail("a text or list expected")


def index_of(_: Scope, items: list[Any]) -> int:
    """Where an item or text stands, -1 for nowhere; texts are compared without regard to case."""
    held, wanted = items
    if isinstance(held, list):
        return next((at for at, item in enumerate(held) if same(item, wanted)), -1)
    return checks.text(held).lower().find(checks.text(wanted).lower())


def last_index_of(_: Scope, items: list[Any]) -> int:
    """Where it stands for the last time."""
    held, wanted = items
    if isinstance(held, list):
        return next((at for at in range(len(held) - 1, -1, -1) if same(held[at], wanted)), -1)
    return checks.text(held).lower().rfind(checks.text(wanted).lower())


def from_end(_: Scope, items: list[Any]) -> Any:
    """The item at a place counted from the end, 1 being the last."""
    held, at = checks.array(items[0]), checks.whole(items[1])
    return held[-at] if 1 <= at <= len(held) else fail(f"index {at} from the end of a list of {len(held)}")


def try_from_end(scope: Scope, items: list[Any]) -> Any:
    """The same, null where there is none."""
    return (
        from_end(scope, items)
        if items[0] is not None and 1 <= checks.whole(items[1]) <= len(checks.array(items[0]))
        else None
    )


def try_get(_: Scope, items: list[Any]) -> Any:
    """The value behind keys and indexes, null where there is none."""
    found = items[0]
    for key in items[1:]:
        if found is None:
            return None
        found = member(found, key, safe=True)
    return found


def union(_: Scope, items: list[Any]) -> Any:
    """Lists without repetition, or objects merged at every depth (the last one wins)."""
    if all(isinstance(item, list) for item in items):
        found: list[Any] = []
        seen: set[Any] = set()
        for item in (one for held in items for one in held):
            if isinstance(item, str):
                if item not in seen:
                    seen.add(item)
                    found.append(item)
            elif not any(same(item, other) for other in found if not isinstance(other, str)):
                if len(found) > MAX_RANGE:
                    raise LimitError(f"a union of more than {MAX_RANGE:,} items")
                found.append(item)
        return found
    given = [{} if item is None else checks.mapping(item) for item in items]
    return _merged(given, _Left())


class _Left:
    def __init__(self) -> None:
        self.nodes = MAX_NODES


def _merged(items: list[dict[str, Any]], left: _Left) -> dict[str, Any]:
    found: dict[str, Any] = {}
    names: dict[str, str] = {}
    for item in items:
        left.nodes -= len(item) + 1
        if left.nodes < 0:
            raise LimitError(f"more than {MAX_NODES:,} values")
        for key, value in item.items():
            name = names.setdefault(key.lower(), key)
            held = found.get(name)
            found[name] = (
                _merged([held, value], left) if isinstance(held, dict) and isinstance(value, dict) else value
            )
    return found


def shallow_merge(_: Scope, items: list[Any]) -> dict[str, Any]:
    """A list of objects merged at the top only."""
    found: dict[str, Any] = {}
    names: dict[str, str] = {}
    for item in checks.array(items[0]):
        unknown = unknown_of(item)
        if unknown:
            return derived("shallowMerge", items, unknown)  # type: ignore[return-value]
        for key, value in checks.mapping(item).items():
            found[names.setdefault(key.lower(), key)] = value
    return found


def intersection(_: Scope, items: list[Any]) -> Any:
    """What is in all lists or objects."""
    unknown = first_unknown(items)
    if unknown:
        return derived("intersection", items, unknown)
    head, *rest = items
    if isinstance(head, list):
        return [
            item
            for item in head
            if all(any(same(item, one) for one in checks.array(other)) for other in rest)
        ]
    return {
        key: value
        for key, value in checks.mapping(head).items()
        if all(
            (found := lookup(checks.mapping(other), key)) is not ABSENT and same(found, value)
            for other in rest
        )
    }


def numbers_range(_: Scope, items: list[Any]) -> list[int]:
    """Numbers one after the other."""
    start, count = checks.whole(items[0]), checks.whole(items[1])
    if count > MAX_RANGE:
        raise LimitError(f"a range of {count:,} numbers")
    return list(range(start, start + count)) if count >= 0 else fail("a range of less than nothing")


def to_array(_: Scope, items: list[Any]) -> list[Any]:
    """A list of one, unless it is a list."""
    return items[0] if isinstance(items[0], list) else [items[0]]


def create_object(_: Scope, items: list[Any]) -> dict[str, Any]:
    """Keys and values in turn."""
    if len(items) % 2:
        fail("a key without a value")
    found = {}
    for key, value in zip(items[::2], items[1::2], strict=True):
        unknown = unknown_of(key)
        if unknown:
            return derived("createObject", items, unknown)  # type: ignore[return-value]
        found[checks.text(key)] = value
    return found


def pairs(_: Scope, items: list[Any]) -> list[dict[str, Any]]:
    """Keys and values of an object, by key."""
    held = checks.mapping(items[0])
    return [{"key": key, "value": held[key]} for key in sorted(held, key=str.lower)]


def object_keys(_: Scope, items: list[Any]) -> list[str]:
    """The keys of an object."""
    return sorted(checks.mapping(items[0]), key=str.lower)


TABLE = {
    "array": Function(to_array),
    "contains": Function(contains, 2, 2, aware=True),
    "createarray": Function(lambda _, items: items, 0, MANY, aware=True),
    "createobject": Function(create_object, 0, MANY, aware=True),
    "empty": Function(empty, aware=True),
    "first": Function(first),
    "indexfromend": Function(from_end, 2, 2),
    "indexof": Function(index_of, 2, 2),
    "intersection": Function(intersection, 2, MANY),
    "items": Function(pairs),
    "last": Function(last),
    "lastindexof": Function(last_index_of, 2, 2),
    "length": Function(length),
    "objectkeys": Function(object_keys),
    "range": Function(numbers_range, 2, 2),
    "shallowmerge": Function(shallow_merge),
    "skip": Function(skip, 2, 2),
    "take": Function(take, 2, 2, aware=True),
    "tryget": Function(try_get, 2, MANY, aware=True),
    "tryindexfromend": Function(try_from_end, 2, 2),
    "union": Function(union, 1, MANY),
}
