"""YAML as it is met in repositories: a text comes in, a tree of nodes with places comes out, one per document.

Anchors, aliases, merge keys and custom tags are read here. An alias is the same node once more; what it stands for counts each
time, so that no tree is much larger when it is walked than the limits below. What a custom tag stands for is not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

from scanner.errors import InputError
from scanner.inventory.workload.source import Fragment, Text, scalar_fragment

MAX_DEPTH = 64
ODD_KEY = "\x00"
"""The name of a key that is a list or a mapping: `{{ x }}`, which a tool fills in before it is YAML, is read as one."""
MAX_NODES = 300_000
MAX_EXPANDED = 500_000
"""Values of a file when every alias is written out."""
MAX_EXPANDED_DEPTH = 100
_LOADER: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
_FRAMES = (yaml.StreamStartEvent, yaml.DocumentStartEvent)
_STANDARD = "tag:yaml.org,2002:"
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


class Leaf:
    """A scalar. `text`: as YAML reads it; `plain`: written without quotes; `tag`: a custom tag, or ""."""

    __slots__ = ("end", "plain", "start", "style", "tag", "text")
    size = 1
    depth = 0

    def __init__(self, text: str, style: str | None, plain: bool, tag: str, start: int, end: int) -> None:
        self.text = text
        self.style = style
        self.plain = plain
        self.tag = tag
        self.start = start
        self.end = end

    @property
    def null(self) -> bool:
        """Whether it says that there is no value."""
        return self.plain and not self.tag and self.text in _NULLS


class Listing:
    """A list."""

    __slots__ = ("depth", "end", "items", "size", "start", "tag")

    def __init__(self, tag: str, start: int) -> None:
        self.items: list[Node] = []
        self.tag = tag
        self.start = start
        self.end = start
        self.size = 1
        self.depth = 1


class Table:
    """A mapping; keys are text. `keys`: the leaf of each key."""

    __slots__ = ("depth", "end", "items", "keys", "size", "start", "tag")

    def __init__(self, tag: str, start: int) -> None:
        self.items: dict[str, Node] = {}
        self.keys: dict[str, Leaf] = {}
        self.tag = tag
        self.start = start
        self.end = start
        self.size = 1
        self.depth = 1

    def get(self, *names: str) -> Node | None:
        """What lies below keys, or None where one is missing."""
        found: Node | None = self
        for name in names:
            found = found.items.get(name) if isinstance(found, Table) else None
        return found


Node: TypeAlias = Leaf | Listing | Table


@dataclass
class Tree:
    """The documents of a file that hold something, and what was odd in them."""

    source: Text
    documents: list[Node] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def fragment(self, leaf: Leaf) -> Fragment:
        """The text of a scalar with its places."""
        return scalar_fragment(self.source, leaf.text, leaf.style, leaf.start, leaf.end)


def load_tree(source: Text) -> Tree:
    """Read all documents. Raises `InputError` with line and column for what is no YAML, too deep or too large."""
    tree = Tree(source)
    builder = _Builder(tree)
    try:
        builder.documents()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{source.name}:{mark.line + 1}:{mark.column + 1}" if mark else source.name
        words = error.problem or error.context or "does not parse"
        advice = "Indent with spaces." if "cannot start any token" in words else ""
        raise InputError(f"is no YAML: {words}", where, advice) from error
    except yaml.reader.ReaderError as error:
        raise InputError(f"is no YAML: {error.reason}", source.name) from error
    return tree


class _Builder:
    """Builds nodes from events, without recursion."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._nodes = 0
        self._anchors: dict[str, Node] = {}
        self._expanded = 0

    def documents(self) -> None:
        loader = _LOADER(self._tree.source.text)
        try:
            while not isinstance(event := loader.get_event(), yaml.StreamEndEvent):
                if isinstance(event, _FRAMES):
                    self._anchors = {}
                elif not isinstance(event, yaml.DocumentEndEvent):
                    node = self._node(loader, event)
                    self._expanded += node.size
                    if self._expanded > MAX_EXPANDED:
                        raise self._refused(
                            f"holds more than {MAX_EXPANDED:,} values once its aliases are written out", event
                        )
                    if not (isinstance(node, Leaf) and node.null):
                        self._tree.documents.append(node)
        finally:
            loader.dispose()

    def _node(self, loader: Any, first: Any) -> Node:
        stack: list[tuple[Listing | Table, str, Leaf | None]] = []
        event: Any = first
        while True:
            node: Node | None = None
            if isinstance(event, yaml.ScalarEvent):
                node = self._leaf(event)
                if event.anchor:
                    self._anchors[event.anchor] = node
            elif isinstance(event, yaml.AliasEvent):
                node = self._alias(event)
            elif isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
                self._count(event)
                if len(stack) >= MAX_DEPTH:
                    raise self._refused(f"is nested deeper than {MAX_DEPTH} levels", event)
                stack.append((_opened(event), event.anchor or "", None))
            else:
                node, anchor, _ = stack.pop()
                node.end = event.end_mark.index
                if anchor:
                    self._anchors[anchor] = node
                if isinstance(node, Table):
                    self._merge(node)
                self._measure(node, event)
            if node is not None:
                if not stack:
                    return node
                holder, anchor, key = stack[-1]
                if isinstance(holder, Listing):
                    holder.items.append(node)
                elif key is None:
                    stack[-1] = (holder, anchor, self._key(node))
                else:
                    self._put(holder, key, node)
                    stack[-1] = (holder, anchor, None)
            event = loader.get_event()

    def _leaf(self, event: Any) -> Leaf:
        self._count(event)
        start, end = event.start_mark.index, event.end_mark.index
        return Leaf(event.value, event.style, not event.style, _tag(event), start, end)

    def _alias(self, event: Any) -> Node:
        self._count(event)
        found = self._anchors.get(event.anchor)
        if found is None:
            raise self._refused(f"the alias *{event.anchor} stands for nothing before it", event)
        return found

    def _key(self, node: Node) -> Leaf:
        """The leaf of a key; a list or mapping as a key gets a name that nobody asks for."""
        if isinstance(node, Leaf):
            return node
        return Leaf(ODD_KEY, None, False, "", node.start, node.end)

    def _put(self, holder: Table, key: Leaf, node: Node) -> None:
        if key.text == "<<" and key.plain:
            holder.items[f"\x00<<{len(holder.items)}"] = node
            return
        if key.text in holder.keys and key.text != ODD_KEY:
            line, column = self._tree.source.lines.at(key.start)
            self._tree.notes.append(
                f"{self._tree.source.name}:{line}:{column}: the key {key.text!r} stands there twice; the last one counts"
            )
        holder.items[key.text] = node
        holder.keys[key.text] = key

    def _merge(self, table: Table) -> None:
        """Take in what merge keys name; own keys win, then earlier ones."""
        merged = [key for key in table.items if key.startswith("\x00<<")]
        for key in merged:
            value = table.items.pop(key)
            for one in value.items if isinstance(value, Listing) else [value]:
                if not isinstance(one, Table):
                    continue
                for name, item in one.items.items():
                    self._nodes += 1
                    if self._nodes > MAX_NODES:
                        raise InputError(f"holds more than {MAX_NODES:,} values", self._tree.source.name)
                    if name not in table.items:
                        table.items[name] = item
                        if name in one.keys:
                            table.keys[name] = one.keys[name]

    def _measure(self, node: Listing | Table, event: Any) -> None:
        """Sum up what a list or mapping holds with its aliases written out."""
        below = node.items if isinstance(node, Listing) else node.items.values()
        node.size += sum(one.size for one in below)
        node.depth += max((one.depth for one in below), default=0)
        if node.size > MAX_EXPANDED:
            raise self._refused(
                f"holds more than {MAX_EXPANDED:,} values once its aliases are written out", event
            )
        if node.depth > MAX_EXPANDED_DEPTH:
            raise self._refused(
                f"is nested deeper than {MAX_EXPANDED_DEPTH} levels once its aliases are written out", event
            )

    def _count(self, event: Any) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise self._refused(f"holds more than {MAX_NODES:,} values", event)

    def _refused(self, words: str, event: Any) -> InputError:
        line, column = self._tree.source.lines.at(event.start_mark.index)
        return InputError(words, f"{self._tree.source.name}:{line}:{column}", "Split it, or leave it out.")


def _opened(event: Any) -> Listing | Table:
    made = Listing if isinstance(event, yaml.SequenceStartEvent) else Table
    return made(_tag(event), event.start_mark.index)


def _tag(event: Any) -> str:
    tag: str | None = event.tag
    return "" if not tag or tag.startswith(_STANDARD) or tag == "!" else tag


def tables(node: Node | None) -> Iterator[Table]:
    """The tables in a list."""
    if isinstance(node, Listing):
        for item in node.items:
            if isinstance(item, Table):
                yield item


def text_of(node: Node | None) -> str | None:
    """The text of a scalar that stands there and is not null; None for everything else, also under a custom tag."""
    return node.text if isinstance(node, Leaf) and not node.null and not node.tag else None
