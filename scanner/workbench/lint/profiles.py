"""Profiles beside a pack: what tailoring refuses, and what it loosens without saying why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from scanner.errors import ScannerError
from scanner.language.pack import shown
from scanner.language.tailor import tailor
from scanner.model.rule import SEVERITIES, RulePack
from scanner.text import Mapping, Node, Scalar, Sequence, Source, load_yaml, plain, read_text
from scanner.workbench.lint.check import Check
from scanner.workbench.lint.context import PackContext, placed, problem
from scanner.workbench.problem import Problem, as_problems

_HEAD = "apiVersion: acrscan/v1\nprofile: {id: mine}\n"
PROF001 = Check(
    "PROF001",
    "error",
    "Profiles set what exists",
    "A profile selects, deselects or grades a rule that the pack does not have, or sets a parameter that nothing declares.",
    "The setting has no effect, and its author believes that it has.",
    f"{_HEAD}deselect: [ACME999]",
    f"{_HEAD}deselect: []",
    file="profile",
)
PROF002 = Check(
    "PROF002",
    "warning",
    "Loosening a critical rule has a reason",
    "A profile switches a critical rule off without a reason (`deselect: [{id: ACR101, reason: ...}]`), or lowers its severity with a reason that "
    "says nothing (TODO, n/a).",
    "What was critical to whoever wrote the rule is not critical here: readers of the report must learn why.",
    f"{_HEAD}deselect: [ACME101]",
    f"{_HEAD}deselect:\n  - {{id: ACME101, reason: The registry is shut down in March}}",
    file="profile",
)
PROF003 = Check(
    "PROF003",
    "error",
    "Values of parameters are within their bounds",
    "A profile (or a test) gives a parameter a value of another type, or beyond its minimum, maximum or enum.",
    "The pack's author excluded the value, usually because the rule means nothing with it.",
    f"{_HEAD}parameters: {{limit: 99}}",
    f"{_HEAD}parameters: {{limit: 3}}",
    file="profile",
)
CHECKS = (PROF001, PROF002, PROF003)
_SAYS_NOTHING = re.compile(
    r"(?i)\W*(?:todo|tbd|fixme|n/?a|none|reason|because|see above|x+|\.+|-+|\?+)?\W*\Z"
)


def check(pack: PackContext) -> Iterator[Problem]:
    """Every profile that stands beside the pack, each on what the ones before it made of the pack."""
    tailored = pack.pack
    for path in pack.beside.profiles:
        name = shown(path)
        source = None
        try:
            text = read_text(path, shown=name)
            source = Source(name, tuple(text.splitlines()))
            before, tailored = tailored, tailor(tailored, [path])
        except ScannerError as error:
            yield from (placed(one, source) for one in as_problems(error))
            continue
        yield from _loosened(before, tailored, path, source)


def _loosened(before: RulePack, after: RulePack, path: Path, source: Source) -> Iterator[Problem]:
    """PROF002."""
    (body,) = load_yaml(read_text(path), source.file)[0]
    items = body.items if isinstance(body, Mapping) else {}
    for old, new in zip(before.rules, after.rules, strict=True):
        if old.severity != "critical":
            continue
        if old.enabled and not new.enabled and isinstance(items.get("deselect"), Sequence):
            node, reason = _deselected(items["deselect"], old.id)
            if _SAYS_NOTHING.match(reason):
                what = f"switches off {old.id}, which is critical, and does not say why"
                advice = f"Write {{id: {old.id}, reason: ...}}."
                yield problem(PROF002, what, node, source, advice, rule=old.id)
        if SEVERITIES.index(new.severity) > SEVERITIES.index(old.severity):
            given = items.get("severity")
            one = given.items.get(old.id) if isinstance(given, Mapping) else None
            reason = plain(one).get("reason", "") if isinstance(one, Mapping) else ""
            if one is not None and _SAYS_NOTHING.match(str(reason)):
                what = f"makes {old.id} {new.severity} instead of critical, and does not say why"
                yield problem(
                    PROF002, what, one, source, "Give a reason that a reader understands.", rule=old.id
                )


def _deselected(nodes: Node, identifier: str) -> tuple[Node, str]:
    """Where the profile deselects a rule, and the reason that it gives."""
    for node in nodes.items if isinstance(nodes, Sequence) else ():
        if isinstance(node, Scalar) and node.value == identifier:
            return node, ""
        if isinstance(node, Mapping) and plain(node).get("id") == identifier:
            return node, str(plain(node).get("reason", ""))
    return nodes, ""
