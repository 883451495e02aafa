"""What checks look at: a reading of a pack comes in, its rules with their texts go to the checks, and their findings become problems."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.language.pack import Reading, RuleFile
from scanner.model.condition import Mark
from scanner.model.rule import Rule, RulePack
from scanner.text import Mapping as MappingNode
from scanner.text import Node, Scalar, Sequence, Source
from scanner.workbench.lint.memory import Memory
from scanner.workbench.problem import Fix, Problem

if TYPE_CHECKING:
    from scanner.workbench.lint.check import Check

_TOKEN = re.compile(r"""[^\s,\[\]{}:#"']+(?::[^\s,\[\]{}]+)*""")
_CLOSING = {"{": "}", "[": "]"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a live collection reads: lower-case type -> the api-versions it is read with, and every type it reads."""

    versions: Mapping[str, tuple[str, ...]]
    types: frozenset[str]


@dataclass(frozen=True, slots=True)
class Beside:
    """Files that are checked with a pack: waivers, profiles, and what a stored scan said of the waivers.

    `unused`: ids of waivers that cover nothing in the stored scan; None where no scan was given.
    """

    waivers: tuple[Path, ...] = ()
    profiles: tuple[Path, ...] = ()
    unused: frozenset[str] | None = None


@dataclass(frozen=True)
class PackContext:
    """A pack as checks see it. `whole`: all of its rules are here, so that what nobody uses is known to be unused.

    `today`: the clock of checks that know dates; `asked`: what a live collection reads, where that is known.
    """

    reading: Reading
    pack: RulePack
    today: date
    whole: bool = True
    asked: Asked | None = None
    beside: Beside = field(default_factory=Beside)
    memory: Memory = field(default_factory=Memory)
    """What long looks at unchanged files found before."""

    @cached_property
    def rules(self) -> tuple[RuleContext, ...]:
        """The rules that are right, by id."""
        return tuple(
            RuleContext(rule, *self.reading.places[rule.id], self)
            for rule in self.pack.rules
            if rule.id in self.reading.places
        )

    @cached_property
    def main(self) -> RuleFile | None:
        """`pack.yaml`, where it could be read."""
        file = next(iter(self.reading.files), None)
        return file if file is not None and file.path.name == "pack.yaml" else None

    def part(self, name: str) -> MappingNode | None:
        """A mapping of `pack.yaml` by its key (`parameters`, `definitions`)."""
        body = self.main.documents[0] if self.main is not None and self.main.documents else None
        found = body.items.get(name) if isinstance(body, MappingNode) else None
        return found if isinstance(found, MappingNode) else None

    def shared(self, check: Check, what: str, at: Node | Mark, advice: str = "") -> Problem:
        """A problem in `pack.yaml`."""
        return problem(check, what, at, self.main.source if self.main else None, advice)


@dataclass(frozen=True)
class RuleContext:
    """A rule, the document it stands in, and its pack."""

    rule: Rule
    file: RuleFile
    node: MappingNode
    pack: PackContext

    def part(self, *keys: str) -> Node | None:
        """A node of the rule by its keys, or None."""
        found: Node | None = self.node
        for key in keys:
            found = found.items.get(key) if isinstance(found, MappingNode) else None
        return found

    def key(self, name: str) -> Mark:
        """The place of a key of the rule; of the rule itself where it has none of that name."""
        return self.node.keys[name].mark if name in self.node.keys else self.node.mark

    @cached_property
    def written(self) -> Mapping[Mark, MappingNode]:
        """Every mapping of the rule's conditions, and of its pack's definitions, by its place: what was really written."""
        roots = [self.node.items[key] for key in ("when", "assert", "failIf") if key in self.node.items]
        shared = self.pack.part("definitions")
        roots += shared.items.values() if shared is not None else ()
        return {node.mark: node for root in roots for node in mappings(root)}

    def problem(
        self,
        check: Check,
        what: str,
        at: Node | Mark,
        advice: str = "",
        *,
        level: str = "",
        fix: Fix | None = None,
    ) -> Problem:
        """A problem of this rule; places in `pack.yaml` are told with that file's lines."""
        mark = at if isinstance(at, Mark) else at.mark
        source = self.file.source
        main = self.pack.main
        if mark.file != source.file and main is not None and mark.file == main.source.file:
            source = main.source
        return problem(check, what, at, source, advice, rule=self.rule.id, level=level, fix=fix)


def mappings(node: Node) -> Iterator[MappingNode]:
    """Every mapping in a node, itself too."""
    stack = [node]
    while stack:
        one = stack.pop()
        if isinstance(one, MappingNode):
            yield one
            stack.extend(one.items.values())
        elif isinstance(one, Sequence):
            stack.extend(one.items)


def scalars(node: Node) -> Iterator[Scalar]:
    """Every value in a node in the order of the file; keys are none."""
    stack = [node]
    while stack:
        one = stack.pop()
        if isinstance(one, MappingNode):
            stack.extend(reversed(one.items.values()))
        elif isinstance(one, Sequence):
            stack.extend(reversed(one.items))
        else:
            yield one


def problem(
    check: Check,
    what: str,
    at: Node | Mark,
    source: Source | None,
    advice: str = "",
    *,
    rule: str = "",
    level: str = "",
    fix: Fix | None = None,
) -> Problem:
    """A check's finding as a problem, with the line it is about and where on it the region ends."""
    mark = at if isinstance(at, Mark) else at.mark
    made = Problem(check.code, level or check.level, what, mark, advice, rule, fix=fix)
    end = at.end.column + 1 if isinstance(at, Scalar) and at.end.line == at.start.line else 0
    return placed(made, source, end)


def placed(made: Problem, source: Source | None, end: int = 0) -> Problem:
    """The problem with its excerpt and the end of its region, in characters and in UTF-16 units."""
    from dataclasses import replace  # noqa: PLC0415 - only where there is a problem

    mark = made.mark
    if source is None or not 1 <= mark.line <= len(source.lines):
        return made
    line = source.lines[mark.line - 1]
    end = end or region_end(line, mark.column)
    before, within = line[: mark.column - 1], line[mark.column - 1 : end - 1]
    start = mark.column + _wide(before)
    units = (start, start + len(within) + _wide(within)) if _wide(before + within) else (0, 0)
    return replace(made, excerpt=made.excerpt or source.excerpt(mark), end_column=end, units=units)


def region_end(line: str, column: int) -> int:
    """The 1-based column after what starts at a column: a quoted text, a flow collection, or a word."""
    at = column - 1
    first = line[at : at + 1]
    if first in ('"', "'"):
        closed = line.find(first, at + 1)
        return closed + 2 if closed > 0 else len(line.rstrip()) + 1
    if first in _CLOSING:
        closed = _closing(line, at)
        return closed + 2 if closed >= 0 else len(line.rstrip()) + 1
    found = _TOKEN.match(line, at)
    return found.end() + 1 if found else column + 1


def _closing(line: str, at: int) -> int:
    """Where the bracket at `at` is closed on this line, or -1."""
    depth, quote = 0, ""
    for place in range(at, len(line)):
        char = line[place]
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in "{[":
            depth += 1
        elif char in "}]":
            depth -= 1
            if depth == 0:
                return place
    return -1


def _wide(text: str) -> int:
    """How many characters take two UTF-16 units."""
    return 0 if text.isascii() else sum(ord(char) > 0xFFFF for char in text)
