"""Values while a template is worked out: JSON, and what stands for parts of it that nobody knows before deployment.

Inside, an unknown text keeps its identity (`Hole`, `Mixed`), so that ids made of the same parameter are the same id; on
its way into a resource (`outward`) it becomes a marker of `scanner.model.values`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, NoReturn
from urllib.parse import quote

from scanner.model.values import ABSENT, Alternatives, Hidden, Partial, Unknown

MAX_TEXT = 4_000_000
MAX_ITEMS = 100_000
MAX_NODES = 200_000
"""Largest text, longest list, and values looked at in one comparison or copy."""
MAX_LEVELS = 128
"""How deep a value of a body may be nested."""
MAX_COMBINATIONS = 32
SAFE = " !$()*,-.:;=@[]_~+"


class ExpressionError(Exception):
    """A function got what it cannot use; the value becomes unknown, the rest of the template does not."""


class LimitError(ExpressionError):
    """Something grew beyond a bound."""


@dataclass(frozen=True, slots=True)
class Hole(Unknown):
    """An unknown value with an identity: `text` stands for it in ids (percent-encoded where an id needs it)."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class Mixed:
    """A text with unknown parts."""

    parts: tuple[str | Hole, ...]

    @property
    def reason(self) -> str:
        """Why it is not known: the reason of its first unknown part."""
        return next(part.reason for part in self.parts if isinstance(part, Hole))

    @property
    def kind(self) -> str:
        """The kind of that part."""
        return next(part.kind for part in self.parts if isinstance(part, Hole))


class Open:
    """An object of which more exists than is known: what `reference` gives. Keys that are missing or null are unknown."""

    __slots__ = ("_key", "label")

    def __init__(self, label: str, key: Callable[[str], Any]) -> None:
        self.label = label
        self._key = key

    def at(self, key: str) -> Any:
        """The value of a key: as far as it is known, else Unknown."""
        found = self._key(key)
        if found is None or found is ABSENT:
            return runtime(f"{self.label}.{key}")
        return opened(found, f"{self.label}.{key}")


def opened(value: Any, label: str) -> Any:
    """A known value as part of something that exists in Azure: objects are open, at every depth."""
    if isinstance(value, dict):
        return Open(label, lambda key: lookup(value, key))
    if isinstance(value, list):
        return [opened(item, f"{label}[{at}]") for at, item in enumerate(value)]
    return value


def runtime(label: str) -> Hole:
    """What only Azure knows."""
    return Hole(f"{label} is known after deployment only", "runtime", f"[{quote(label, safe=SAFE)}]")


def fail(text: str) -> NoReturn:
    """Refuse what a function got."""
    raise ExpressionError(text)


def lookup(value: Mapping[str, Any], key: str) -> Any:
    """The value of a key in any casing, or ABSENT."""
    if key in value:
        return value[key]
    lowered = key.lower()
    return next((item for name, item in value.items() if name.lower() == lowered), ABSENT)


def unknown_of(value: Any) -> Unknown | None:
    """The Unknown that a value is, or that makes a text or object not known; None for plain JSON and alternatives."""
    if isinstance(value, Unknown):
        return value
    if isinstance(value, Mixed):
        return Unknown(value.reason, value.kind)
    if isinstance(value, Open):
        return runtime(value.label)
    return None


def walk(value: Any) -> Iterator[Any]:
    """Every value in a value, itself first; LimitError for too many."""
    left = MAX_NODES
    stack = [value]
    while stack:
        node = stack.pop()
        left -= 1
        if left < 0:
            raise LimitError(f"more than {MAX_NODES:,} values")
        yield node
        if isinstance(node, dict):
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


def first_unknown(value: Any) -> Unknown | None:
    """What keeps a value from being plain JSON, anywhere in it, or None."""
    for node in walk(value):
        found = unknown_of(node)
        if found is not None:
            return found
        if isinstance(node, Alternatives):
            return Unknown(node.reason, "parameter")
    return None


def first_secret(value: Any) -> Unknown | None:
    """A secret anywhere in a value, or None."""
    stack = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, Alternatives):
            stack.extend(node.values)
        elif isinstance(node, dict):
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
        elif isinstance(node, Mixed):
            stack.extend(part for part in node.parts if isinstance(part, Hole))
        elif isinstance(node, Unknown) and node.kind == "secret":
            return node
    return None


def mixed(parts: list[str | Hole]) -> Any:
    """Parts joined: a str where all are known, one Hole where there is nothing else, else a Mixed."""
    joined: list[str | Hole] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part != "":
            joined.append(part)
    if len(joined) == 1:
        return joined[0]
    if sum(len(part) for part in joined if isinstance(part, str)) > MAX_TEXT or len(joined) > MAX_ITEMS:
        raise LimitError(f"the text grows beyond {MAX_TEXT:,} characters")
    return Mixed(tuple(joined)) if joined else ""


def parts_of(value: Any) -> list[str | Hole]:
    """The parts of a value within a text, as the function `string` writes it."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mixed):
        return list(value.parts)
    if isinstance(value, Hole):
        return [value]
    if isinstance(value, bool):
        return ["True" if value else "False"]
    if isinstance(value, (int, float)):
        return [number_text(value)]
    if value is None:
        return [""]
    found = unknown_of(value) or fail("an object or list within a text")
    return [Hole(found.reason, found.kind, f"[{quote(found.reason, safe=SAFE)}]")]


def number_text(value: Any) -> str:
    """A number as Resource Manager writes it."""
    return (
        str(int(value))
        if isinstance(value, float) and value.is_integer() and abs(value) < 1e15
        else str(value)
    )


def render(value: Any) -> str:
    """A text for ids and keys: unknown parts as what stands for them."""
    if isinstance(value, str):
        return value
    return "".join(part if isinstance(part, str) else part.text for part in parts_of(value))


def distribute(arguments: list[Any], work: Callable[[list[Any]], Any]) -> Any:
    """Do the work for every combination of the alternatives among the arguments; those of one cause go together."""
    groups: dict[tuple[str, int], None] = {}
    for item in arguments:
        if isinstance(item, Alternatives):
            groups[(item.cause, len(item.values))] = None
    total = 1
    for _, size in groups:
        total *= size
    reason = next(item.reason for item in arguments if isinstance(item, Alternatives))
    if total > MAX_COMBINATIONS:
        return Unknown(reason, "parameter")
    found = []
    for choice in product(*(range(size) for _, size in groups)):
        at = dict(zip(groups, choice, strict=True))
        found.append(
            work(
                [
                    plain(item.values[at[(item.cause, len(item.values))]])
                    if isinstance(item, Alternatives)
                    else item
                    for item in arguments
                ]
            )
        )
    return alternatives(found, reason, " and ".join(cause for cause, _ in groups))


def plain(value: Any) -> Any:
    """A value of an Alternatives as a template sees it: null for ABSENT."""
    return None if value is ABSENT else value


def alternatives(values: list[Any], reason: str, cause: str) -> Any:
    """Values of which one holds; the value itself where all are the same. Alternatives within are flattened away."""
    if any(isinstance(value, Alternatives) for value in values):
        flat = [
            one for value in values for one in (value.values if isinstance(value, Alternatives) else (value,))
        ]
        kept = [one for at, one in enumerate(flat) if not any(same(one, other) for other in flat[:at])]
        causes = dict.fromkeys([cause, *(value.cause for value in values if isinstance(value, Alternatives))])
        values, cause = kept, " and ".join(causes)
        if len(values) > MAX_COMBINATIONS:
            return Unknown(reason, "parameter")
    if all(same(value, values[0]) for value in values[1:]):
        return plain(values[0])
    return Alternatives(tuple(ABSENT if value is None else value for value in values), reason, cause)


def same(left: Any, right: Any) -> bool:
    """Whether two values are identical, kinds and unknown parts included."""
    left_stack, right_stack = [left], [right]
    steps = MAX_NODES
    while left_stack:
        one, other = left_stack.pop(), right_stack.pop()
        steps -= 1
        if one is other:
            continue
        if steps < 0:
            raise LimitError(f"more than {MAX_NODES:,} values")
        if isinstance(one, dict) and isinstance(other, dict):
            if one.keys() != other.keys():
                return False
            left_stack.extend(one.values())
            right_stack.extend(other[key] for key in one)
        elif isinstance(one, list) and isinstance(other, list):
            if len(one) != len(other):
                return False
            left_stack.extend(one)
            right_stack.extend(other)
        elif isinstance(one, bool) != isinstance(other, bool) or one != other:
            return False
    return True


def outward(value: Any) -> Any:
    """A value as it stands in a resource's body, with the markers of the model; LimitError when it is too large."""
    return _Outward().of(value)


class _Outward:
    def __init__(self) -> None:
        self.left = MAX_NODES

    def of(self, value: Any, depth: int = 0) -> Any:
        self.left -= 1
        if self.left < 0:
            raise LimitError(f"more than {MAX_NODES:,} values")
        if depth > MAX_LEVELS:
            raise LimitError(f"values nested deeper than {MAX_LEVELS} levels")
        if value is None or isinstance(value, (str, bool, int, float)):
            return value
        if isinstance(value, dict):
            return {key: self.of(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list):
            return [self.of(item, depth + 1) for item in value]
        if isinstance(value, Mixed):
            return _text_outward(value)
        if isinstance(value, Alternatives):
            return Alternatives(
                tuple(item if item is ABSENT else self.of(item, depth + 1) for item in value.values),
                value.reason,
                value.cause,
            )
        found = unknown_of(value)
        if found is not None:
            return Unknown(found.reason, found.kind)
        if isinstance(value, Hidden):
            return value
        return Unknown("a function where a value should stand", "error")


def _text_outward(value: Mixed) -> Any:
    """Ids keep their form, so that they join; other texts are partly known."""
    if any(isinstance(part, Hole) and part.kind == "secret" for part in value.parts):
        return Unknown(value.reason, "secret")
    first = value.parts[0]
    if isinstance(first, str) and first.lower().startswith(("/subscriptions/", "/providers/")):
        return render(value)
    return Partial(tuple(part if isinstance(part, str) else None for part in value.parts), value.reason)
