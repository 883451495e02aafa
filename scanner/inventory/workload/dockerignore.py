"""`.dockerignore`: a text comes in, the lines that send the git history to a build in Azure go to `Facts`.

`az acr build` and `az acr run` leave `.git` out by themselves, and what is below it with it, unless a line takes it in again.
The rules are read as the command of Azure reads them, which is not quite how Docker does.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2

from scanner.inventory.workload.facts import GIT, Facts

_PROBES = (
    ".git/config",
    ".git/HEAD",
    ".git/index",
    ".git/packed-refs",
    ".git/logs/HEAD",
    ".git/refs/heads/main",
    ".git/objects/0a/1b2c3d",
    ".git/objects/pack/pack-0a1b.pack",
)
"""Files of a repository; each says something of its history or holds addresses and credentials of its remotes."""
MOST_LINES = 2_000


def read_dockerignore(facts: Facts) -> None:
    """Take in a `.dockerignore`."""
    facts.recognised = True
    rules: list[tuple[int, str, bool, Any]] = []
    offset = 0
    for number, line in enumerate(facts.source.text.split("\n")):
        written = line.rstrip()
        if written and not written.startswith("#"):
            if len(rules) >= MOST_LINES:
                facts.unread(GIT, f"more than {MOST_LINES} lines")
                break
            pattern = _pattern(written)
            if pattern is None:
                facts.notes.append(
                    f"{facts.source.name}:{number + 1}: the pattern {written[:80]!r} cannot be read; it was left out"
                )
            else:
                rules.append((offset, written, not written.startswith("!"), pattern))
        offset += len(line) + 1
    rules.reverse()
    blamed = {rule[0]: rule for probe in _PROBES if (rule := _taking(rules, probe)) is not None}
    for begun, written, *_ in sorted(blamed.values(), key=lambda rule: rule[0]):
        place = facts.source.place(begun, begun + len(written))
        facts.row(GIT, written[:200], place, pattern=written[:200])


def _taking(rules: list[tuple[int, str, bool, Any]], probe: str) -> tuple[int, str, bool, Any] | None:
    """The rule that takes a file below `.git` in; a file inherits from its folders, and `.git` itself is left out."""
    parts = probe.split("/")
    best, left_out, taking = len(rules), True, None
    for length in range(2, len(parts) + 1):
        name = "/".join(parts[:length])
        for index, rule in enumerate(rules[:best]):
            if rule[3].match(name):
                best, left_out, taking = index, rule[2], rule
                break
    return None if left_out else taking


@lru_cache(maxsize=1024)
def _pattern(rule: str) -> Any:
    """The compiled pattern of a line, or None for one that no engine takes."""
    text = rule
    if text.startswith("!"):
        text = text[1:].removeprefix("/").rstrip("/")
    segments = text.split("/")
    made = "^"
    for at, segment in enumerate(segments, 1):
        if segment == "**":
            made += ".*"
        else:
            made += segment.replace("*", "[^/]*").replace("?", "[^/]").replace(".", "\\.") + (
                "/" if at < len(segments) else ""
            )
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        return re2.compile(made + "$", options)
    except re2.error:
        return None
