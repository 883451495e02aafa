"""Changing a waiver file without touching the rest of it: text in, text out, and what comes out was read again to be sure.

Comments, order and spelling of all other entries stay. A file that is laid out in a way that cannot be edited safely is
refused with the text that a person can put in by hand.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from pathlib import Path

from scanner.errors import InputError, ScannerError
from scanner.model.waiver import Register, Waiver
from scanner.text import Mapping, Scalar, Sequence, load_yaml
from scanner.waivers.read import parse

EMPTY = """\
# Accepted findings. Each names one rule and one exact resource, who owns and who approved it, and its last day.
apiVersion: acrscan/v1
waivers: []
attestations: []
"""


def block(waiver: Waiver, indent: int = 2) -> str:
    """A waiver as an item of a list that is indented by so many spaces; texts are quoted, whatever they hold."""
    covers = waiver.covers
    pairs = [
        ("id", waiver.id),
        ("rule", covers.rule),
        ("resource", covers.resource),
        ("resourceGlob", covers.glob),
        ("fingerprint", covers.fingerprint),
        ("element", covers.element),
        ("kind", waiver.kind),
        ("reason", waiver.reason),
        ("owner", waiver.owner),
        ("ticket", waiver.ticket),
        ("approver", waiver.approver),
        ("created", waiver.created),
        ("expires", waiver.expires),
        ("exemption", waiver.source),
    ]
    plain = {"id", "rule", "kind", "created", "expires", "fingerprint"}
    lines = [f"{key}: {value if key in plain else _quoted(value)}" for key, value in pairs if value]
    space = " " * indent
    return "".join(f"{space}{'- ' if at == 0 else '  '}{line}\n" for at, line in enumerate(lines))


def _quoted(text: str) -> str:
    """JSON's quoting is YAML's; YAML also breaks lines at three characters that JSON leaves as they are."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(f"\\u{ord(char):04x}" if char in "\x85\u2028\u2029\ufeff\x7f" else char for char in quoted)


def added(text: str, waivers: Iterable[Waiver], path: Path) -> str:
    """The text with more waivers at the end of their list. Raises `InputError` where that cannot be done safely."""
    new = list(waivers)
    lines = _lines(text)
    listed, first = _list(text, path)
    indent = max(listed.items[0].mark.column - 3, 0) if listed and listed.items else 2
    blocks = "".join(block(waiver, indent) for waiver in new)
    if listed is None:
        given = "" if not lines or lines[-1].endswith("\n") else "\n"
        changed = text + given + "waivers:\n" + blocks
    elif not listed.items:
        at = first - 1
        key, _, rest = lines[at].partition(":")
        comment = rest.partition("#")[2].rstrip("\n")
        lines[at] = f"{key}:{'  #' + comment if comment else ''}\n{blocks}"
        changed = "".join(lines)
    else:
        end = _end(lines, listed.items[-1].mark.line)
        if end and not lines[end - 1].endswith("\n"):
            lines[end - 1] += "\n"
        changed = "".join([*lines[:end], blocks, *lines[end:]])
    return _sure(text, changed, path, {waiver.id for waiver in new}, frozenset(), blocks)


def pruned(text: str, names: Collection[str], path: Path) -> str:
    """The text without the waivers of these ids."""
    lines = _lines(text)
    listed, first = _list(text, path)
    gone = []
    for item in listed.items if listed else ():
        node = item.items.get("id") if isinstance(item, Mapping) else None
        if isinstance(node, Scalar) and node.value in names:
            gone.append((item.mark.line - 1, _end(lines, item.mark.line)))
    for start, end in reversed(gone):
        del lines[start:end]
    if listed and len(gone) == len(listed.items) and gone:
        key, _, rest = lines[first - 1].partition(":")
        lines[first - 1] = f"{key}: []{rest.rstrip()}\n" if rest.strip() else f"{key}: []\n"
    return _sure(text, "".join(lines), path, frozenset(), set(names), "")


def _lines(text: str) -> list[str]:
    """Lines with their ends, as YAML counts them (not at every character that Unicode calls a line's end)."""
    return text.replace("\r\n", "\n").replace("\n", "\n\0").removesuffix("\0").split("\0")


def _list(text: str, path: Path) -> tuple[Sequence | None, int]:
    """The list of waivers and the line of its key (1-based), or None and 0."""
    documents, _ = load_yaml(text, str(path))
    body = documents[0] if documents else None
    node = body.items.get("waivers") if isinstance(body, Mapping) else None
    if not isinstance(body, Mapping) or not isinstance(node, Sequence):
        return None, 0
    return node, body.marks["waivers"].line


def _end(lines: list[str], start: int) -> int:
    """The number of lines up to the end of the item that begins in line `start` (1-based)."""
    indent = len(lines[start - 1]) - len(lines[start - 1].lstrip(" "))
    at = last = start
    while at < len(lines):
        line = lines[at]
        inside = (
            not line.strip() or line.lstrip().startswith("#") or len(line) - len(line.lstrip(" ")) > indent
        )
        if not inside:
            break
        at += 1
        if line.strip() and not line.lstrip().startswith("#"):
            last = at
    return last


def _sure(old: str, new: str, path: Path, more: Collection[str], less: Collection[str], blocks: str) -> str:
    """The new text, once it reads as the old entries with exactly the wanted change."""
    before = parse(old, str(path))
    kept = [_content(before, name) for name in _ids(before) if name not in less]
    try:
        after = parse(new, str(path))
        found = [_content(after, name) for name in _ids(after) if name not in more]
        good = kept == found and set(more) <= set(_ids(after))
    except ScannerError:
        good = False
    if not good:
        by_hand = f"Put this into the list `waivers` by hand:\n{blocks}" if blocks else "Remove them by hand."
        raise InputError("the layout of the file cannot be changed safely", str(path), by_hand)
    return new


def _ids(register: Register) -> list[str]:
    return [entry.id for entry in register.entries]


def _content(register: Register, name: str) -> str:
    """An entry without its place, to be compared."""
    entry = next(entry for entry in register.entries if entry.id == name)
    return repr(entry).replace(entry.place, "")
