"""Scripts as lists of commands: a fragment in sh or PowerShell comes in, commands of words with holes and places come out.

This is no shell: nothing is run, and what cannot be worked out is a hole. Substitutions are read as commands of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from scanner.errors import InputError
from scanner.inventory.workload.images import Filled
from scanner.inventory.workload.shell_words import (
    MAX_WORDS,
    POWERSHELL,
    SH,
    Command,
    Expressions,
    Scanner,
    Word,
)
from scanner.inventory.workload.source import HOLE, Fragment

_ASSIGNED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
_DECLARE = frozenset({"export", "readonly", "local", "declare", "typeset", "set"})


@dataclass
class Variables:
    """Variables of a script. `known`: name -> value; `sources`: name -> the commands whose output it holds."""

    known: dict[str, Filled] = field(default_factory=dict)
    sources: dict[str, tuple[Command, ...]] = field(default_factory=dict)

    def sources_of(self, word: Word) -> Iterable[Command]:
        """The commands whose output is part of a word."""
        yield from word.inner
        for name in word.names:
            yield from self.sources.get(name.strip("${}").removeprefix("env:"), ())


def read_script(
    fragment: Fragment,
    dialect: str = SH,
    given: Mapping[str, Filled] | None = None,
    expressions: Expressions | None = None,
) -> tuple[list[Command], Variables]:
    """The commands of a script, with variables filled in that are set once and unconditionally. `given`: set around it."""
    variables = Variables(dict(given or {}))
    for last in (False, False, False, True):
        commands = _commands(fragment, dialect, variables.known, expressions)
        found = _assigned(commands, dialect, given or {})
        if found.known == variables.known:
            return commands, found
        if last:  # they use themselves, or each other in a ring
            certain = {
                name: value for name, value in found.known.items() if variables.known.get(name) == value
            }
            found = Variables(certain, found.sources)
        variables = found
    return _commands(fragment, dialect, variables.known, expressions), variables


def _commands(
    fragment: Fragment, dialect: str, known: Mapping[str, Filled], expressions: Expressions | None
) -> list[Command]:
    """The commands with what is known filled in. Raises `InputError` for a script that is too long."""
    scanner = Scanner(fragment.text, dialect, known, expressions)
    commands = scanner.run()
    if scanner.cut:
        where = fragment.place(0, 0)
        raise InputError(
            f"holds a script of more than {MAX_WORDS:,} words", f"{where.file}:{where.line}", "Split it."
        )
    return commands


def _assigned(commands: Iterable[Command], dialect: str, given: Mapping[str, Filled]) -> Variables:
    """What the commands set. A variable that is set twice, or only under a condition, is not known."""
    values: dict[str, set[Filled]] = {}
    sources: dict[str, tuple[Command, ...]] = {}
    for command in commands:
        for name, word in assignments(command, dialect):
            unsure = (
                command.depth > 0
                or command.before in ("&&", "||")
                or given.get(name, word.filled) != word.filled
            )
            values.setdefault(name, set()).update(
                {Filled(HOLE, (f"${name}",))} if unsure else set(), {word.filled}
            )
            if word.inner:
                sources[name] = (*sources.get(name, ()), *word.inner)
    known = dict(given)
    for name, found in values.items():
        if len(found) == 1 and (one := next(iter(found))).text.strip(HOLE):
            known[name] = one
        else:
            known.pop(name, None)
    return Variables(known, sources)


def assignments(command: Command, dialect: str) -> Iterable[tuple[str, Word]]:
    """(name, value) of each variable that a command sets for what follows."""
    words = command.words
    if dialect == POWERSHELL:
        if len(words) > 1 and words[1].text == "=" and len(words[0].names) == 1 and words[0].text == HOLE:
            rest = words[2:]
            text = " ".join(word.text for word in rest)
            names = tuple(name for word in rest for name in word.names)
            inner = tuple(one for word in rest for one in word.inner) or (
                Command(rest, "", command.depth, command.loops),
            )
            if len(rest) > 1 or not rest:
                text, names = HOLE, (words[0].names[0],)
            yield (
                words[0].names[0].lstrip("$").removeprefix("env:"),
                Word(text, words[0].start, words[-1].end, names, inner),
            )
        return
    declared = bool(words) and words[0].text in _DECLARE
    for word in words[1:] if declared else words:
        match = _ASSIGNED.match(word.text)
        if match is None:
            if declared:
                continue
            return
        if not declared and not all(_ASSIGNED.match(other.text) for other in words):
            return  # set for one command only
        yield match[1], Word(word.text[match.end() :], word.start, word.end, word.names, word.inner)
