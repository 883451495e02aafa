"""The order of a rule's keys: a document comes in, the edit that puts its keys in order comes out, comments and all."""

from __future__ import annotations

from scanner.language.pack import RuleFile
from scanner.language.rules import RANKS
from scanner.text import Mapping
from scanner.workbench.problem import Fix


def moved(file: RuleFile, node: Mapping) -> Fix | None:
    """The document's keys in the usual order, each with the comment lines right above it; None where lines are shared.

    Keys of one rank stay as they stand. What cannot be moved line by line is left alone: a document in braces, or a key
    that begins in the middle of a line.
    """
    lines = file.text.splitlines(keepends=True)
    starts = [scalar.start for scalar in node.keys.values()]
    if any(start.column for start in starts) or not lines:
        return None
    offsets = [0]
    for line in lines:
        offsets.append(offsets[-1] + len(line))
    if any(offsets[start.line] != start.index for start in starts):
        return None  # lines are counted otherwise than by the parser
    last = next(
        (at for at in range(starts[-1].line, len(lines)) if lines[at].startswith(("---", "..."))), len(lines)
    )
    tops = [starts[0].line, *(_top(lines, start.line) for start in starts[1:])]
    ends = [*tops[1:], last]
    blocks = ["".join(lines[top:end]) for top, end in zip(tops, ends, strict=True)]
    newline = "\r\n" if "\r\n" in file.text else "\n"
    blocks = [block if block.endswith(("\n", "\r")) else block + newline for block in blocks]
    ranks = [RANKS.get(key, len(RANKS)) for key in node.keys]
    ordered = [block for _, block in sorted(zip(ranks, blocks, strict=True), key=lambda pair: pair[0])]
    return Fix(file.source.file, offsets[tops[0]], offsets[last], "".join(ordered))


def _top(lines: list[str], line: int) -> int:
    """The first of the comment lines right above a line."""
    while line and lines[line - 1].startswith("#"):
        line -= 1
    return line
