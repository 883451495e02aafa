"""Dockerfiles: a text comes in, its base images, what it copies from and what its commands do go to `Facts`.

Instructions are told apart by dockerfile-parse; texts inside the file (`<<EOF`) are taken out before, as it does not know them.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dockerfile_parse import DockerfileParser

from scanner.inventory.workload.calls import one_call, read_calls
from scanner.inventory.workload.docker_calls import At
from scanner.inventory.workload.facts import Facts
from scanner.inventory.workload.images import Filled
from scanner.inventory.workload.shell import Variables
from scanner.inventory.workload.shell_words import POWERSHELL, SH, Command, Scanner, Word
from scanner.inventory.workload.source import HOLE, Fragment, Text
from scanner.model.resource import Place

_DOCUMENT = re.compile(r"<<(-?)([\"']?)([A-Za-z_][A-Za-z0-9_]*)\2")
_WITH_DOCUMENTS = re.compile(r"(?i)\s*(?:RUN|COPY|ADD)\s")
_ESCAPE = re.compile(r"(?i)\A(?:\s*#\s*\w+\s*=.*\n)*?\s*#\s*escape\s*=\s*`\s*$", re.MULTILINE)
_USED = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")
_JSON_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"')
_NAMED = re.compile(r"(?im)^[ \t]*FROM[ \t]")


@dataclass
class _Stage:
    """What is known inside one stage."""

    known: dict[str, Filled] = field(default_factory=dict)
    declared: dict[str, Place] = field(default_factory=dict)


def is_dockerfile(source: Text) -> bool:
    """Whether a text has a `FROM` at all."""
    return _NAMED.search(source.text) is not None


def read_dockerfile(facts: Facts) -> None:
    """Take in a Dockerfile."""
    _Reader(facts).read()


class _Reader:
    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._source = facts.source
        self._dialect = POWERSHELL if _ESCAPE.search(facts.source.text) else SH
        self._global = _Stage()
        self._stage: _Stage | None = None
        self._stages: set[str] = set()
        self._number = 0

    def read(self) -> None:
        lines = self._source.text.split("\n")
        documents = _take_documents(lines)
        stream: Any = io.BytesIO("\n".join(lines).encode())  # the library takes bytes, its stubs say text
        parser = DockerfileParser(fileobj=stream, env_replace=False)
        for one in parser.structure:
            start = self._source.line_start(one["startline"])
            fragment = Fragment(self._source, one["content"].rstrip("\n"), (start,))
            match one["instruction"]:
                case "FROM":
                    self._from(fragment)
                case "ARG":
                    self._declare(fragment, argument=True)
                case "ENV":
                    self._declare(fragment, argument=False)
                case "COPY" | "ADD":
                    self._copy(fragment)
                case "RUN":
                    self._run(fragment, documents.get(one["endline"], ()))
                case _:
                    pass

    def _words(self, fragment: Fragment) -> list[Word]:
        """The words of an instruction, without its name, with arguments filled in."""
        known = (self._stage or self._global).known
        commands = Scanner(fragment.text, self._dialect, known, None).run()
        return [word for command in commands for word in command.words][1:]

    def _chain(self, fragment: Fragment, word: Word) -> list[Place]:
        """The place of a word, then of the arguments that it uses."""
        found = [fragment.place(word.start, word.end)]
        declared = {**self._global.declared, **(self._stage.declared if self._stage else {})}
        for name in dict.fromkeys(_USED.findall(fragment.text[word.start : word.end])):
            if name in declared and len(found) < 8:
                found.append(declared[name])
        return found

    def _from(self, fragment: Fragment) -> None:
        self._stage = None
        words = [word for word in self._words(fragment) if not word.text.startswith("--")]
        if not words:
            return
        name = words[2].text.lower() if len(words) > 2 and words[1].text.lower() == "as" else ""
        base = _argument_words(words[0].filled)
        self._number += 1
        at = f"FROM {name or self._number}"
        if base.text.lower() not in self._stages and base.text.lower() != "scratch":
            self._facts.image(base, "base", at, *self._chain(fragment, words[0]))
        self._facts.recognised = True
        if name:
            self._stages.add(name)
        self._stage = _Stage()

    def _declare(self, fragment: Fragment, *, argument: bool) -> None:
        stage = self._stage or self._global
        words = self._words(fragment)
        if not argument and words and "=" not in words[0].text:
            if len(words) > 1:  # ENV NAME value
                stage.known[words[0].text] = words[1].filled
            return
        for word in words:
            name, equals, value = word.text.partition("=")
            if equals:
                stage.known[name] = Filled(value, word.names)
                stage.declared[name] = fragment.place(
                    word.start, word.end, "build argument default" if argument else "variable"
                )
            elif argument and self._stage is not None and name in self._global.known:
                stage.known[name] = self._global.known[name]

    def _copy(self, fragment: Fragment) -> None:
        for word in self._words(fragment):
            if word.text.startswith("--from="):
                self._other(fragment, word, "--from=", "COPY --from")

    def _other(self, fragment: Fragment, word: Word, option: str, at: str) -> None:
        """An image that is read without being the base."""
        text = word.text.removeprefix(option)
        if text.lower() in self._stages or text.isdigit() or not text:
            return
        begun = word.end - len(text) if HOLE not in text else word.start
        inner = Word(text, max(begun, word.start), word.end, word.names)
        self._facts.image(
            _argument_words(inner.filled),
            "copy",
            f"{at} in stage {self._number}",
            *self._chain(fragment, inner),
        )

    def _run(self, fragment: Fragment, documents: Sequence[tuple[int, int]]) -> None:
        rest = fragment.text
        begun = re.match(r"\s*\S+\s*", rest)
        at = begun.end() if begun else 0
        while (option := re.compile(r"(--\w+=\S+)(?:\s|\\\n)*").match(rest, at)) is not None:
            mounted = re.search(r"(?:^--mount=|,)from=([^,\s]+)", option[1])
            if mounted is not None:
                begin = at + mounted.start(1)
                word = Word(mounted[1], begin, begin + len(mounted[1]))
                self._other(fragment, word, "", "RUN --mount")
            at = option.end()
        path = f"RUN in stage {self._number}"
        known: Mapping[str, Filled] = self._stage.known if self._stage else {}
        inner = Fragment(self._source, rest[at:], (fragment.starts[0] + at,))
        if inner.text.startswith("[") and _is_json(inner.text):
            words = [Word(match[1], match.start(), match.end()) for match in _JSON_WORD.finditer(inner.text)]
            one_call(Command(words, "", 0, ()), Variables(), At(self._facts, inner, path))
            return
        read_calls(self._facts, inner, path, self._dialect, known)
        for first, last in documents:
            start, end = self._source.line_start(first), self._source.line_start(last)
            document = Fragment(self._source, self._source.text[start:end], (start,))
            read_calls(self._facts, document, path, SH, known)


def _argument_words(reference: Filled) -> Filled:
    return Filled(reference.text, tuple(f"build argument {name.lstrip('$')}" for name in reference.names))


def _is_json(text: str) -> bool:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, list)


def _take_documents(lines: list[str]) -> dict[int, list[tuple[int, int]]]:
    """Blank out the texts inside a file; (first, one after last) lines of each, by the line that names it."""
    found: dict[int, list[tuple[int, int]]] = {}
    endless: set[tuple[str, bool]] = set()
    at = 0
    while at < len(lines):
        if not (_WITH_DOCUMENTS.match(lines[at]) or at in found) or lines[at].lstrip().startswith("#"):
            at += 1
            continue
        holder = at
        while lines[holder].rstrip().endswith(("\\", "`")) and holder + 1 < len(lines):
            holder += 1
        names = [
            (match[3], match[1] == "-")
            for line in lines[at : holder + 1]
            for match in _DOCUMENT.finditer(line)
        ]
        line = holder + 1
        for name, indented in names:
            first = line
            if (name, indented) in endless:
                continue
            while (
                line < len(lines)
                and (lines[line].lstrip("\t") if indented else lines[line]).rstrip("\r") != name
            ):
                line += 1
            if line >= len(lines):  # it never ends: nothing of it is known to be a text
                line = first
                endless.add((name, indented))
                continue
            found.setdefault(holder, []).append((first, line))
            for inner in range(first, line + 1):
                lines[inner] = ""
            line += 1
        at = max(line, at + 1)
    return found
