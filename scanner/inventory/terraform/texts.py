"""Texts with holes: nodes of quoted texts and heredocs come in, literals and templates come out.

The literal text is taken from the bytes between the holes, because the grammar drops whitespace at its rims.
"""

from __future__ import annotations

import re
from typing import Any, Protocol

from scanner.errors import InputError
from scanner.inventory.terraform.syntax import Expression, Literal, Repeat, Source, Span, Template, When

MAX_PIECES = 4000
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)|\$\$\{|%%\{", re.DOTALL)
_DOUBLED = re.compile(r"\$\$\{|%%\{")
_SIMPLE = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_HOLES = frozenset(
    {
        "template_interpolation",
        "template_if_intro",
        "template_else_intro",
        "template_if_end",
        "template_for_start",
        "template_for_end",
    }
)


class Reader(Protocol):
    """What is needed of the reader of expressions."""

    source: Source

    def text(self, node: Any) -> str:
        """What is written in a node."""
        ...

    def expression(self, node: Any, depth: int) -> Expression:
        """The expression of a node."""
        ...

    def error(self, what: str, node: Any, advice: str = "") -> InputError:
        """An error at a node."""
        ...


def quoted(reader: Reader, node: Any, span: Span, depth: int) -> Expression:
    """The expression of `"..."`; a text that is one hole is what the hole gives."""
    pieces = _pieces(reader, node, node.start_byte + 1, node.end_byte - 1)
    parts = [_unescaped(reader, node, piece) if isinstance(piece, str) else piece for piece in pieces]
    return _template(reader, parts, span, depth)


def heredoc(reader: Reader, node: Any, span: Span, depth: int) -> Expression:
    """The expression of `<<EOT ... EOT`."""
    content = reader.source.content
    named = [child for child in node.children if child.type == "heredoc_identifier"]
    start = content.find(b"\n", named[0].end_byte) + 1
    end = content.rfind(b"\n", 0, named[-1].start_byte) + 1
    parts = _pieces(reader, node, start, max(start, end))
    if node.children[0].type == "heredoc_start" and reader.text(node.children[0]) == "<<-":
        parts = _flushed(parts)
    parts = [_DOUBLED.sub(lambda m: m[0][1:], part) if isinstance(part, str) else part for part in parts]
    return _template(reader, parts, span, depth)


def _pieces(reader: Reader, node: Any, start: int, end: int) -> list[Any]:
    """Literal texts (raw) and holes (nodes) in order, with strip markers applied."""
    found: list[Any] = []
    at, trim = start, False
    for hole in _holes(node):
        text = reader.source.content[at : hole.start_byte].decode("utf-8", "replace")
        found += [_trimmed(text, trim, _strips(hole, first=True)), hole]
        at, trim = hole.end_byte, _strips(hole, first=False)
    text = reader.source.content[at:end].decode("utf-8", "replace")
    found.append(_trimmed(text, trim, False))
    if len(found) > MAX_PIECES:
        raise reader.error(f"the text has more than {MAX_PIECES:,} pieces", node)
    return [piece for piece in found if piece != ""]


def _holes(node: Any) -> list[Any]:
    found = []
    for child in node.named_children:
        if child.type in _HOLES:
            found.append(child)
        elif child.type in ("template_directive", "template_if", "template_for"):
            found += _holes(child)
    return found


def _strips(hole: Any, *, first: bool) -> bool:
    """Whether the hole has `~` at its start or end."""
    near = hole.children[1:2] if first else hole.children[-2:-1]
    return bool(near) and near[0].type == "strip_marker"


def _trimmed(text: str, left: bool, right: bool) -> str:
    if left:
        line, newline, rest = text.partition("\n")
        text = rest if not line.strip() and newline else line.lstrip() + newline + rest
    if right:
        text = text.rstrip(" \t")
    return text


def _flushed(parts: list[Any]) -> list[Any]:
    """The common indentation of all lines taken away."""
    depths = []
    for at, part in enumerate(parts):
        if not isinstance(part, str):
            if at == 0:
                depths.append(0)
            continue
        lines = part.split("\n")
        for number, line in enumerate(lines):
            begins = number > 0 or at == 0
            ends = number < len(lines) - 1 or at == len(parts) - 1
            if begins and (line.strip() or not ends):
                depths.append(len(line) - len(line.lstrip(" \t")))
    cut = min(depths, default=0)
    found: list[Any] = []
    for at, part in enumerate(parts):
        if isinstance(part, str) and cut:
            lines = part.split("\n")
            part = "\n".join(  # noqa: PLW2901 - the flushed text takes its place
                line[cut:] if (number > 0 or at == 0) and not line[:cut].strip() else line
                for number, line in enumerate(lines)
            )
        found.append(part)
    return found


def _unescaped(reader: Reader, node: Any, text: str) -> str:
    def one(match: re.Match[str]) -> str:
        found = match[1]
        if found is None:
            return match[0][1:]
        if found in _SIMPLE:
            return _SIMPLE[found]
        code = int(found[1:], 16) if found[0] in "uU" and len(found) > 1 else -1
        if not 0 <= code <= 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise reader.error(f"the text holds the unknown escape \\{found[:10]}", node)
        return chr(code)

    return _ESCAPE.sub(one, text)


def _template(reader: Reader, pieces: list[Any], span: Span, depth: int) -> Expression:
    if all(isinstance(piece, str) for piece in pieces):
        return Literal("".join(pieces), span)
    parts, rest = _nested(reader, pieces, depth, ())
    if rest:
        raise reader.error("the directive has no beginning", rest[0])
    if len(parts) == 1 and not isinstance(parts[0], (str, When, Repeat)):
        only: Expression = parts[0]
        return only
    return Template(tuple(parts), span)


def _nested(
    reader: Reader, pieces: list[Any], depth: int, until: tuple[str, ...]
) -> tuple[list[Any], list[Any]]:
    """Parts up to a hole of a kind in `until`, and what is left (beginning with that hole)."""
    found: list[Any] = []
    while pieces:
        piece, *rest = pieces
        if isinstance(piece, str):
            found.append(piece)
        elif piece.type in until:
            return found, pieces
        elif piece.type == "template_interpolation":
            inner = next((child for child in piece.named_children if child.type == "expression"), None)
            if inner is None:
                raise reader.error("the interpolation is empty", piece)
            found.append(reader.expression(inner, depth + 1))
        elif piece.type == "template_if_intro":
            condition = reader.expression(_inner(piece), depth + 1)
            then, rest = _nested(reader, rest, depth + 1, ("template_else_intro", "template_if_end"))
            other: list[Any] = []
            if rest and rest[0].type == "template_else_intro":
                other, rest = _nested(reader, rest[1:], depth + 1, ("template_if_end",))
            found.append(When(condition, tuple(then), tuple(other)))
            rest = rest[1:]
        elif piece.type == "template_for_start":
            names = [reader.text(child) for child in piece.named_children if child.type == "identifier"]
            parts, rest = _nested(reader, rest, depth + 1, ("template_for_end",))
            items = reader.expression(_inner(piece), depth + 1)
            found.append(Repeat(names[0] if len(names) > 1 else "", names[-1], items, tuple(parts)))
            rest = rest[1:]
        else:
            return found, pieces
        pieces = rest
    return found, []


def _inner(node: Any) -> Any:
    return next(child for child in node.named_children if child.type == "expression")
