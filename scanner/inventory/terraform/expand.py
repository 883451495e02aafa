"""`count` and `for_each`: a block comes in, one entry per instance comes out, and what a reference to the block gives.

What is not known makes symbolic instances: they stand for any number of real ones, and may not exist at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from scanner.inventory.terraform.context import Context
from scanner.inventory.terraform.evaluate import value_of
from scanner.inventory.terraform.existence import Condition, When
from scanner.inventory.terraform.functions.collections import unique
from scanner.inventory.terraform.syntax import Block
from scanner.inventory.terraform.values import (
    Choice,
    Secret,
    SetOf,
    Sym,
    Symbolic,
    Tail,
    Text,
    choice,
    first_unknown,
    is_handle,
    items_of,
    key_of,
    shown,
)

MAX_INSTANCES = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One instance: its index as in an address, the names it may use, and when it exists."""

    index: str
    bound: Mapping[str, Any]
    when: When = ()


def expand(
    block: Block, context: Context, address: str, make: Callable[[Entry], Any]
) -> tuple[list[Any], Any]:
    """(instances, what a reference gives). `make` makes an instance from an entry."""
    count = block.body.attributes.get("count")
    for_each = block.body.attributes.get("for_each")
    if count is not None:
        return _counted(value_of(count, context), address, make)
    if for_each is not None:
        return _each(value_of(for_each, context), address, make)
    one = make(Entry("", {}))
    return [one], one


def _counted(value: Any, address: str, make: Callable[[Entry], Any]) -> tuple[list[Any], Any]:
    if isinstance(value, Choice):
        numbers = [_whole(one) for one in value.values]
        if all(number is not None for number in numbers):
            counts = [number for number in numbers if number is not None]
            made = [
                make(
                    Entry(
                        f"[{at}]",
                        {"count": {"index": at}},
                        _in_ways(value, address, [at < one for one in counts]),
                    )
                )
                for at in range(max(counts))
            ]
            return made, choice([made[:number] for number in counts], value.reason, value.cause)
    number = _whole(value)
    if number is not None and number <= MAX_INSTANCES:
        made = [make(Entry(f"[{at}]", {"count": {"index": at}})) for at in range(number)]
        return made, made
    unknown = first_unknown([value])
    if unknown is None:
        unknown = Sym(f"count is more than {MAX_INSTANCES} or no number", "limit", f"{address}.count")
    reason = f"the number of instances is not known: {unknown.reason}"
    index = Sym(unknown.reason, unknown.kind, f"{unknown.key or address}.count.index")
    one = make(Entry("[*]", {"count": {"index": index}}, (Condition(unknown.key or address, reason),)))
    return [one], [one, Tail(reason)]


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and value.isdecimal() and len(value) < 10:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _each(value: Any, address: str, make: Callable[[Entry], Any]) -> tuple[list[Any], Any]:
    if isinstance(value, Choice) and all(isinstance(one, (dict, SetOf, list)) for one in value.values):
        return _either(value, address, make)
    found = pairs(value)
    if found is None or len(found) > MAX_INSTANCES:
        unknown = first_unknown([value]) or Sym(
            f"for_each has more than {MAX_INSTANCES} elements or is no map or set",
            "limit",
            f"{address}.for_each",
        )
        one = make(_any(unknown, address))
        return [one], Symbolic(one)
    made: dict[str, Any] = {}
    for key, item in found:
        if isinstance(item, Tail):
            unknown = Sym(item.reason, "runtime", item.key)
            made["*"] = make(_any(unknown, address))
        else:
            made[shown(key)] = make(
                Entry(f"[{json.dumps(shown(key))}]", {"each": {"key": key, "value": item}})
            )
    if "*" not in made:
        return list(made.values()), made
    open_end = Sym(f"the instances of {address} are not known", "runtime", address)
    return list(made.values()), Symbolic(made["*"]) if len(made) == 1 else open_end


def _any(unknown: Sym, address: str) -> Entry:
    key = unknown.key or address
    bound = {
        "key": Sym(unknown.reason, unknown.kind, f"each.key of {key}"),
        "value": Sym(unknown.reason, unknown.kind, f"each.value of {key}"),
    }
    return Entry("[*]", {"each": bound}, (Condition(key, f"the instances are not known: {unknown.reason}"),))


def _in_ways(value: Choice, address: str, there: list[bool]) -> When:
    """When an instance exists that is there in some ways of a choice."""
    if all(there):
        return ()
    ways = frozenset(at for at, one in enumerate(there) if one)
    return (Condition(value.cause or address, value.reason, len(there), ways),)


def _either(value: Choice, address: str, make: Callable[[Entry], Any]) -> tuple[list[Any], Any]:
    ways: list[dict[str, Any]] = []
    for one in value.values:
        found = pairs(one)
        if found is None or any(isinstance(item, Tail) for _, item in found):
            unknown = Sym(value.reason, "parameter", f"{address}.for_each")
            made_one = make(_any(unknown, address))
            return [made_one], Symbolic(made_one)
        ways.append({shown(key): (key, item) for key, item in found})
    made: dict[str, Any] = {}
    for name in unique([name for way in ways for name in way]):
        given = [way[name] for way in ways if name in way]
        item = choice([one for _, one in given], value.reason, value.cause if len(given) == len(ways) else "")
        when = _in_ways(value, address, [name in way for way in ways])
        made[name] = make(Entry(f"[{json.dumps(name)}]", {"each": {"key": given[0][0], "value": item}}, when))
    return list(made.values()), choice(
        [{name: made[name] for name in way} for way in ways], value.reason, value.cause
    )


def pairs(value: Any) -> list[tuple[Any, Any]] | None:
    """(key, value) of what `for_each` walks over; None where it is not known or cannot be walked over."""
    if isinstance(value, dict):
        return sorted(value.items())
    if isinstance(value, (SetOf, list)):
        found = []
        for item in items_of(value):
            if (
                isinstance(item, (Secret, Choice))
                or is_handle(item)
                or (isinstance(item, (Sym, Text)) and not key_of(item))
            ):
                return None
            found.append((item, item))
        return found
    return None
