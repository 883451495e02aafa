"""The grammar of property paths: text comes in, a `Path` comes out, or what is wrong with it.

path := prop(.prop)* of the target | $var(.prop)* | a['x.y'] for odd keys
"""

from __future__ import annotations

import re

from scanner.model.condition import Path

_VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_KEY = re.compile(r"\.?([A-Za-z_@][A-Za-z0-9_-]*)|\['((?:[^'\\\x00-\x1f]){1,256})'\]")
MAX_KEYS = 32


def parse_path(text: str) -> Path | str:
    """The path, or a sentence that says why it is none."""
    if "[*]" in text or "[]" in text:
        return "a path names one value; use none, some, every or count with `of:` for the elements of a list"
    start = _VARIABLE.match(text)
    at = start.end() if start else 0
    keys = []
    first = not start
    while at < len(text):
        found = _KEY.match(text, at)
        if not found or (found.group(1) and (text[at] == ".") == first):
            return f"{text!r} is no property path (properties.a.b, $var.a, tags['odd key'])"
        keys.append(found.group(1) or found.group(2))
        at = found.end()
        first = False
    if not keys and not start:
        return "a path is empty"
    if len(keys) > MAX_KEYS:
        return f"a path has at most {MAX_KEYS} parts"
    return Path(start.group(1) if start else "", tuple(keys))
