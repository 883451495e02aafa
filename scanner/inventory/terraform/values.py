"""What an expression can give: JSON values, and what is not known yet. Out: the markers that bodies hold.

Unlike the markers of a body these remember *what* they are (`key`: the expression that would give the value), so that two
places that use the same unknown name stand for the same name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from scanner.model.values import ABSENT, Alternatives, Hidden, Partial, Unknown, UnreadTail

MAX_CHOICES = 16
MAX_TEXT = 4_000_000
MAX_ITEMS = 100_000
MAX_NODES = 300_000


@dataclass(frozen=True, slots=True)
class Sym:
    """A value that is not known. `key` is equal for equal values, "" where nothing can be said."""

    reason: str
    kind: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Encoded(Sym):
    """The JSON text of a value of which parts are not known; decoding gives the value back."""

    value: Any = None


@dataclass(frozen=True, slots=True)
class Impossible(Sym):
    """A way of a choice that would be an error: it is not taken, unless `try` or `can` ask for just that."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text of known and unknown parts."""

    parts: tuple[str | Sym, ...]


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that is known and marked as sensitive: present, never shown."""

    kind: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of these values, by something that is not known (`cause`)."""

    values: tuple[Any, ...]
    reason: str
    cause: str


@dataclass(frozen=True, slots=True)
class SetOf:
    """A set: unordered, no duplicates."""

    items: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Tail:
    """Last item of a list that goes on in a way that is not known."""

    reason: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Symbolic:
    """All instances of a block whose number is not known: each of them is the symbolic one."""

    one: Any

    @property
    def key(self) -> str:
        """The address of the symbolic one."""
        found: str = self.one.key
        return found

    def get(self, _: str) -> Any:
        """The instance of a key, which ever."""
        return self.one


class EvaluationError(Exception):
    """An expression cannot be worked out: it is wrong."""


UNCERTAIN = (Sym, Text, Secret, Choice, Tail)


def is_handle(value: Any) -> bool:
    """Whether a value is something that a reference leads to."""
    return not isinstance(value, (*UNCERTAIN, str, int, float, bool, list, dict, SetOf, type(None)))


def known(value: Any) -> bool:
    """Whether a value is known to its leaves."""
    if isinstance(value, UNCERTAIN) or is_handle(value):
        return False
    if isinstance(value, dict):
        return all(known(item) for item in value.values())
    if isinstance(value, (list, SetOf)):
        return all(known(item) for item in items_of(value))
    return True


def fits(value: Any) -> bool:
    """Whether a value can be handled: parts that are shared many times count each time."""
    stack = [value]
    nodes, size = MAX_NODES, 4 * MAX_TEXT
    while stack:
        node = stack.pop()
        nodes -= 1
        if isinstance(node, str):
            size -= len(node)
        elif isinstance(node, dict):
            stack += node.values()
        elif isinstance(node, (list, SetOf)):
            stack += items_of(node)
        elif isinstance(node, Choice):
            stack += node.values
        elif isinstance(node, Text):
            stack += [part for part in node.parts if isinstance(part, str)]
        if nodes < len(stack) or size < 0:
            return False
    return True


def items_of(value: list[Any] | SetOf) -> Iterable[Any]:
    """The elements of a list or set."""
    return value.items if isinstance(value, SetOf) else value


def key_of(value: Any) -> str:
    """A text that is equal for equal values, "" where equality cannot be told."""
    if isinstance(value, (Sym, Secret)):
        return value.key
    if isinstance(value, Text):
        keys = [json.dumps(part) if isinstance(part, str) else part.key for part in value.parts]
        return "~".join(keys) if all(keys) else ""
    if isinstance(value, Choice):
        return (
            f"{value.cause}?{len(value.values)}:{'|'.join(map(key_of, value.values))}" if value.cause else ""
        )
    if isinstance(value, (list, SetOf)):
        keys = [key_of(item) for item in items_of(value)]
        return f"[{','.join(keys)}]" if all(keys) else ""
    if isinstance(value, dict):
        keys = [f"{json.dumps(name)}:{key_of(item)}" for name, item in value.items()]
        return "{" + ",".join(keys) + "}" if not any(key.endswith(":") for key in keys) else ""
    if isinstance(value, Tail):
        return value.key
    return json.dumps(value) if not is_handle(value) else value.key


def made_key(name: str, *values: Any) -> str:
    """The key of what `name` makes of values; long ones are shortened without becoming equal."""
    keys = [key_of(value) for value in values]
    if not all(keys):
        return ""
    whole = f"{name}({', '.join(keys)})"
    return whole if len(whole) < 300 else f"{name}(#{hashlib.sha256(whole.encode()).hexdigest()[:24]})"


def first_unknown(values: Iterable[Any]) -> Sym | None:
    """Why something below these values is not known, or None."""
    for value in _walk(values):
        if isinstance(value, Sym):
            return value
        if isinstance(value, Text):
            return next(part for part in value.parts if isinstance(part, Sym))
        if isinstance(value, Secret):
            return Sym("comes from a sensitive value", "secret", value.key)
        if isinstance(value, Choice):
            return Sym(value.reason, "parameter", value.cause)
        if isinstance(value, Tail):
            return Sym(value.reason, "runtime", value.key)
        if is_handle(value):
            return Sym(f"{value.key} is known after deployment", "runtime", value.key)
    return None


def _walk(values: Iterable[Any]) -> Iterator[Any]:
    stack = list(values)[::-1]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            stack += list(value.values())[::-1]
        elif isinstance(value, (list, SetOf)):
            stack += list(items_of(value))[::-1]
        else:
            yield value


def lift(work: Callable[[Any], Any], value: Any) -> Any:
    """What `work` makes of a value; of each where it is one of several; what is not known stays so."""
    if isinstance(value, Choice):
        return choice([lift(work, one) for one in value.values], value.reason, value.cause)
    if isinstance(value, (Sym, Text, Secret, Tail)):
        return value
    return work(value)


def spread(values: list[Any]) -> tuple[Choice | None, list[list[Any]]]:
    """(the choice that decides, one list of values per way). Choices of one cause go together; too many ways: None, []."""
    choices = [value for value in values if isinstance(value, Choice)]
    if not choices:
        return None, [values]
    lead = choices[0]
    ways = [
        [
            value.values[at] if isinstance(value, Choice) and _together(value, lead) else value
            for value in values
        ]
        for at in range(len(lead.values))
    ]
    found: list[list[Any]] = []
    for way in ways:
        _, below = spread(way)
        found += below
        if not below or len(found) > MAX_CHOICES:
            return lead, []
    return lead, found


def taken(value: Any) -> Any:
    """A value without the ways that would be an error: a configuration that is applied takes none of them."""
    if not isinstance(value, Choice):
        return value
    kept = [one for one in value.values if not isinstance(one, Impossible)]
    if not kept or len(kept) == len(value.values):
        return value
    return choice(kept, value.reason, "")


def _together(one: Choice, lead: Choice) -> bool:
    return one is lead or (
        bool(lead.cause) and one.cause == lead.cause and len(one.values) == len(lead.values)
    )


def choice(values: list[Any], reason: str, cause: str) -> Any:
    """One of these values; the value itself where all are the same; not known at all where there are too many."""
    if all(same(value, values[0]) for value in values[1:]):
        return values[0]
    if any(isinstance(value, Choice) for value in values):
        flat: list[Any] = []
        for value in values:
            flat += value.values if isinstance(value, Choice) else (value,)
        values, cause = flat, ""  # Ways of several causes no longer go together with ways of one.
    if len(values) > MAX_CHOICES:
        return Sym(f"{reason} (more than {MAX_CHOICES} ways)", "limit")
    return Choice(tuple(values), reason, cause)


def same(left: Any, right: Any) -> bool:
    """Whether two values are certainly the same."""
    if left is right:
        return True
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, UNCERTAIN) or isinstance(right, UNCERTAIN) or is_handle(left) or is_handle(right):
        found = key_of(left)
        return bool(found) and type(left) is type(right) and found == key_of(right)
    return bool(left == right)


def text(parts: Iterable[Any]) -> Any:
    """A text of parts (texts, unknowns, partly known texts), joined where both neighbours are known."""
    found: list[str | Sym] = []
    size = 0
    for part in parts:
        if isinstance(part, Impossible):
            return part
        for one in part.parts if isinstance(part, Text) else (part,):
            if isinstance(one, str):
                size += len(one)
                if size > MAX_TEXT:
                    return Sym(f"the text grows beyond {MAX_TEXT:,} characters", "limit")
                if found and isinstance(found[-1], str):
                    found[-1] += one
                elif one:
                    found.append(one)
            elif isinstance(one, Sym):
                found.append(one)
            elif isinstance(one, Secret):
                found.append(Sym("comes from a sensitive value", "secret", one.key))
            elif isinstance(one, Choice):
                found.append(Sym(one.reason, "parameter", key_of(one)))
            else:
                found.append(shown(one) or Sym("a list or object stands in a text", "error"))
    if not found:
        return ""
    if len(found) == 1:
        return found[0]
    return Text(tuple(found))


def shown(value: Any) -> str:
    """A value as a name: texts as they are, unknown parts as `${expression}`. "" where it has no name."""
    if isinstance(value, str):
        return value
    if isinstance(value, Text):
        parts = [part if isinstance(part, str) else part.key and f"${{{part.key}}}" for part in value.parts]
        return "".join(parts) if all(parts) else ""
    if isinstance(value, (Sym, Secret)):
        return f"${{{value.key}}}" if value.key else ""
    if isinstance(value, Choice):
        return f"${{{value.cause}}}" if value.cause else ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, float)) else ""


def export(value: Any) -> Any:
    """A value as a body holds it; `ABSENT` stands for null inside alternatives only."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e15 else value
    if isinstance(value, dict):
        return {key: export(item) for key, item in value.items()}
    if isinstance(value, (list, SetOf)):
        return [export(item) for item in items_of(value)]
    if isinstance(value, Sym):
        return Unknown(value.reason, value.kind)
    if isinstance(value, Text):
        hole = next(part for part in value.parts if isinstance(part, Sym))
        if hole.kind == "secret":
            return Unknown(hole.reason, "secret")
        return Partial(tuple(part if isinstance(part, str) else None for part in value.parts), hole.reason)
    if isinstance(value, Secret):
        return Hidden(value.kind)
    if isinstance(value, Choice):
        found = tuple(ABSENT if one is None else export(one) for one in value.values)
        bad = next((one for one in found if isinstance(one, Unknown)), None)
        if all(isinstance(one, Unknown) for one in found) and bad is not None:
            return bad
        return Alternatives(found, value.reason, value.cause)
    if isinstance(value, Tail):
        return UnreadTail(value.reason)
    return Unknown(f"{value.key} is known after deployment", "runtime")
