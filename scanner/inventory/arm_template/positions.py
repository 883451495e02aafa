"""JSON as people and Bicep write it: a file's text comes in, its value and the place of every key in it come out.

Comments (`//`, `/* */`), trailing commas, a BOM and texts over several lines are read, as Resource Manager does. They are
blanked in a copy of the same length, so that the strict parser reads the value and every offset stays true.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

from scanner.errors import InputError
from scanner.file_text import Lines, bytes_of, decoded
from scanner.model.resource import Place

MAX_BYTES = 20_000_000
MAX_DEPTH = 64

_STRING = r'"(?:[^"\\]|\\.)*+"'
_NOISE = re.compile(
    rf"{_STRING}?|//[^\n]*|/\*(?:.*?\*/|.*)|,(?=(?:\s|//[^\n]*+\n|/\*(?:(?!\*/).)*+\*/)*+[}}\]])", re.DOTALL
)
"""What is left out of a copy; texts and comments without an end run to the end of the file, so that each is seen once."""
_STEP = re.compile(
    rf'[\s,]*+(?:({_STRING})\s*+:\s*+)?(?:({_STRING}|[^\s{{}}\[\]",:]+)|([{{\[])|([}}\]]))', re.DOTALL
)
"""One step through valid JSON: an optional key, then a scalar, an opening or a closing bracket."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where one value stands: offsets of its key (its own start where it has none), of the value, and what is below."""

    start: int
    value: int
    end: int
    below: Mapping[str, Spot]


_LEAF: Mapping[str, Spot] = {}


@dataclass(eq=False)
class Document:
    """A JSON file. `name`: its relative path with slashes, as reports show it; `warnings`: what was read leniently."""

    name: str
    text: str
    value: Any
    strict: str
    warnings: list[str] = field(default_factory=list)

    @cached_property
    def root(self) -> Spot:
        """Offsets of everything; worked out when first asked for."""
        return _spots(self)

    @cached_property
    def lines(self) -> Lines:
        """Where its lines start."""
        return Lines(self.text)

    def spot(self, path: tuple[str, ...]) -> Spot:
        """The spot at a path, or that of the nearest thing above it; keys in any casing."""
        spot = self.root
        for key in path:
            found = spot.below.get(key)
            if found is None:
                lowered = key.lower()
                found = next((item for name, item in spot.below.items() if name.lower() == lowered), None)
            if found is None:
                return spot
            spot = found
        return spot

    def place(self, path: tuple[str, ...], what: str) -> Place:
        """The place of a path: the key and, where it is a scalar, its value; of objects and lists the key alone."""
        spot = self.spot(path)
        line, column = self.lines.at(spot.start)
        end = spot.end if not spot.below and spot.end - spot.value < 10_000 else spot.value
        end_line, end_column = self.lines.at(end)
        return Place(self.name, line, column, end_line, end_column, what)


def read_document(path: Path, name: str) -> Document:
    """The document of a file. Raises `InputError` with the place for what is no JSON, too large or too deep."""
    return parse_document(decoded(bytes_of(path, name, MAX_BYTES, "Split the template."), name), name)


def parse_document(text: str, name: str) -> Document:
    """The document of a text; errors as in `read_document`."""
    if not text.strip():
        raise InputError("is empty", name, "Remove the file, or write the template into it.")
    repeated: list[str] = []
    try:
        return _checked(Document(name, text, _load(text, repeated, strict=True), text), repeated)
    except RecursionError as error:
        raise _deep(name) from error
    except ValueError:
        strict = _blanked(text)
        repeated.clear()
    try:
        value = _load(strict, repeated, strict=False)
    except RecursionError as error:
        raise _deep(name) from error
    except json.JSONDecodeError as error:
        raise InputError(
            f"is not valid JSON: {error.msg}",
            f"{name}:{error.lineno}:{error.colno}",
            "Save the file again, whole.",
        ) from error
    except ValueError as error:
        raise InputError(f"is not valid JSON: {error}", name) from error
    document = Document(name, text, value, strict)
    for match in _NOISE.finditer(text):
        if match[0].startswith(","):
            line, column = document.lines.at(match.start())
            document.warnings.append(f"{name}:{line}:{column}: a comma before a closing bracket was ignored")
            break
    return _checked(document, repeated)


def _checked(document: Document, repeated: list[str]) -> Document:
    """The document, unless it is nested too deeply; where keys are repeated their places are told."""
    level = [document.value]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for node in level
            for item in (node.values() if type(node) is dict else node if type(node) is list else ())
            if type(item) is dict or type(item) is list
        ]
        if not level:
            break
    else:
        raise _deep(document.name)
    if repeated:
        _ = document.root
    return document


def lenient(text: str) -> Any:
    """The value of JSON text inside a template (the function `json`), with comments and trailing commas; ValueError."""
    try:
        return _load(text, [], strict=True)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except ValueError:
        try:
            return _load(_blanked(text), [], strict=False)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


def _deep(name: str) -> InputError:
    return InputError(f"is nested deeper than {MAX_DEPTH} levels", name, "Split the template.")


def _load(text: str, repeated: list[str], *, strict: bool) -> Any:
    """The value; a name of each object's repeated keys goes into `repeated`."""

    def made(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            repeated.append(next(iter(found)))
        return found

    return json.loads(text, strict=strict, parse_constant=_refuse, object_pairs_hook=made)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _blanked(text: str) -> str:
    """The text with comments and trailing commas as blanks, of the same length."""
    head = " " + text[1:] if text.startswith("\ufeff") else text
    return _NOISE.sub(lambda match: match[0] if match[0][0] == '"' else re.sub(r"[^\n]", " ", match[0]), head)


def _spots(document: Document) -> Spot:
    """Walk the text once; duplicate keys become warnings (the last one counts, as for Resource Manager)."""
    text, name = document.strict, document.name
    match_at = _STEP.match
    opened: list[tuple[int, int, dict[str, Spot], str]] = []
    below: dict[str, Spot] = {}
    at = 0
    key, start = "", 0
    while True:
        match = match_at(text, at)
        if match is None:
            break
        at = match.end()
        quoted, scalar, opening, _ = match.groups()
        if quoted is not None:
            start = match.start(1)
            key = quoted[1:-1] if "\\" not in quoted else json.loads(quoted, strict=False)
            if key in below:
                line, column = document.lines.at(start)
                document.warnings.append(
                    f"{name}:{line}:{column}: duplicate key {key[:80]!r}; the last one counts"
                )
        elif scalar is not None or opening is not None:
            start = match.start(2 if scalar is not None else 3)
            key = str(len(below))
        if scalar is not None:
            below[key] = Spot(start, match.start(2), at, _LEAF)
        elif opening is not None:
            opened.append((start, match.start(3), below, key))
            if len(opened) > MAX_DEPTH:
                raise _deep(name)
            below = {}
        elif opened:
            begun, value, above, own = opened.pop()
            above[own] = Spot(begun, value, at, below)
            below = above
        else:
            break
    return next(iter(below.values()), Spot(0, 0, len(text), _LEAF))
