"""Reading closed mappings: a node and the allowed keys come in, typed values come out, all errors are kept.

Nothing here raises for wrong content: each method reports to `errors` and gives back a harmless value, so that one
run shows every mistake of a file.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping as Lookup
from types import MappingProxyType

from scanner.errors import ScannerError
from scanner.model.condition import Mark
from scanner.text import START, Mapping, Node, Scalar, Sequence, Source, nearest

MAX_WORDS = 20_000
NO_CODES: Lookup[str, str] = MappingProxyType({})


def named(node: Node) -> str:
    """What a node is, in words."""
    if isinstance(node, Sequence):
        return "a list"
    if isinstance(node, Mapping):
        return "a mapping"
    value = node.value
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    return "text" if isinstance(value, str) else "a marker"


class Form:
    """One file being read: its source for excerpts and the errors found so far."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.errors: list[ScannerError] = []

    def report(self, what: str, mark: Mark, advice: str = "", code: str = "SCH001") -> None:
        """Keep an error at a place."""
        self.errors.append(self.source.error(what, mark, advice, code))

    def mapping(
        self,
        node: Node | None,
        what: str,
        allowed: Collection[str],
        required: Collection[str] = (),
        codes: Lookup[str, str] = NO_CODES,
    ) -> Mapping:
        """The node as a mapping with no key but the allowed ones and all the required ones.

        `codes`: the check that a missing key belongs to, where it is another one than SCH001.
        """
        if not isinstance(node, Mapping):
            if node is not None:
                self.report(f"{what} must be a mapping, not {named(node)}", node.mark)
            return Mapping({}, self.source.file, node.start if node is not None else START)
        for key in node.items:
            if key not in allowed:
                advice = nearest(key, allowed) or f"Known here: {', '.join(sorted(allowed))}."
                self.report(f"unknown key {key!r} in {what}", node.marks[key], advice)
        for key in required:
            if key not in node.items:
                self.report(f"{what} has no {key!r}", node.mark, "", codes.get(key, "SCH001"))
        return node

    def text(self, node: Node | None, what: str, *, empty: bool = False) -> str:
        """The node as text."""
        if node is None:
            return ""
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            advice = _quote_advice(node)
            code = "YAML003" if advice else "SCH001"
            self.report(f"{what} must be text, not {named(node)}", node.mark, advice, code)
            return ""
        value = node.value.strip()
        if not value and not empty:
            self.report(f"{what} is empty", node.mark)
        if len(value) > MAX_WORDS:
            self.report(f"{what} has more than {MAX_WORDS:,} characters", node.mark)
            return ""
        return value

    def choice(self, node: Node | None, what: str, allowed: Collection[str], fallback: str) -> str:
        """The node as one of the allowed words."""
        if node is None:
            return fallback
        value = self.text(node, what)
        if value and value not in allowed:
            advice = nearest(value, allowed) or f"One of {', '.join(allowed)}."
            self.report(f"{what} cannot be {value!r}", node.mark, advice)
            return fallback
        return value or fallback

    def flag(self, node: Node | None, what: str, fallback: bool) -> bool:
        """The node as true or false."""
        if node is None:
            return fallback
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        self.report(f"{what} must be true or false, not {named(node)}", node.mark)
        return fallback

    def whole(self, node: Node | None, what: str) -> int | None:
        """The node as a whole number of at least 0, or None when it is not there."""
        if node is None:
            return None
        if isinstance(node, Scalar) and type(node.value) is int and node.value >= 0:
            return node.value
        self.report(f"{what} must be a whole number of at least 0", node.mark)
        return None

    def items(self, node: Node | None, what: str) -> list[Node]:
        """The items of a list; [] when it is not there."""
        if node is None:
            return []
        if isinstance(node, Sequence):
            return node.items
        self.report(f"{what} must be a list, not {named(node)}", node.mark)
        return []

    def texts(self, node: Node | None, what: str) -> tuple[str, ...]:
        """The items of a list of texts."""
        return tuple(
            text for item in self.items(node, what) if (text := self.text(item, f"an item of {what}"))
        )


def _quote_advice(node: Node) -> str:
    if isinstance(node, Scalar) and node.plain and node.value is not None:
        return f'Quote it: "{node.text}"'
    return ""
