"""The fast lane: all rules of one target type come in, one Python function comes out that answers P, F, N, M or ?.

Every literal, property key and relation name goes into a table of constants; the text holds only names made here,
rule ids (which have a grammar) and fixed words. `?` means: this rule met something unread, hidden or of an
unexpected type; the reference lane decides it. Both lanes share the operators' own functions.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Any, TypeAlias

from scanner.engine.codegen import runtime
from scanner.engine.codegen.frame import Frame
from scanner.engine.codegen.writer import Writer
from scanner.engine.paths import TARGET, Variable
from scanner.model.rule import Rule

Lane: TypeAlias = Callable[[Any, Mapping[str, str], Callable[[str], Any]], tuple[str, ...]]
"""(body, where a missing key is UNKNOWN, relations by name) -> one letter per rule, in the order of the rules."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """Generated text with its constants. `build` binds parameter values and the clock."""

    type: str
    rules: tuple[str, ...]
    source: str
    constants: tuple[Any, ...]

    def build(self, values: Mapping[str, Mapping[str, Any]], now: float) -> Lane:
        """The lane for given parameter values (`values[rule id][name]`) and time (seconds since 1970)."""
        name = f"<acrscan rules for {self.type}>"
        space: dict[str, Any] = dict(runtime.NAMES)
        exec(_code(self.source, name), space)  # noqa: S102 - text made here; outside words are constants
        linecache.cache[name] = (len(self.source), None, self.source.splitlines(keepends=True), name)
        lane: Lane = space["build"](self.constants, values, now)
        return lane


@lru_cache(maxsize=256)
def _code(source: str, name: str) -> CodeType:
    """The compiled text, once in a process: an evaluation of many small files takes the same rules each time."""
    return compile(source, name, "exec")


def compile_rules(target: str, rules: Sequence[Rule], relations: Mapping[str, str]) -> Compiled:
    """Generate the lane for rules of one target type; `relations` maps a relation to its element type.

    The same rules give the same text, byte for byte.
    """
    writer = Writer(relations)
    top = Frame(writer, TARGET, Variable(target, ""), None, "b")
    verdicts: list[str] = []
    for number, rule in enumerate(rules):
        writer.rule = rule.id
        verdicts += _rule(writer, top, rule, f"r{number}")
    loads = top.loads("M")
    lines = [
        "def build(C, P, now):",
        *("    " + line for line in writer.prepared),
        *("    " + line for line in writer.functions),
        "    def evaluate(b, M, R):",
        *("        " + line for line in loads),
        *("        " + line for line in writer.definition_lines),
        *("        " + line for line in verdicts),
        f"        return ({''.join(f'r{number}, ' for number in range(len(rules)))})",
        "    return evaluate",
        "",
    ]
    return Compiled(target, tuple(rule.id for rule in rules), "\n".join(lines), tuple(writer.constants))


def _rule(writer: Writer, top: Frame, rule: Rule, name: str) -> list[str]:
    if rule.semantics != "native":
        return [f"{name} = '?'  # {rule.id}"]
    held = "'M'" if rule.check is None else f"'P' if {writer.expression(rule.check, top)} else 'F'"
    when = writer.expression(rule.when, top) if rule.when is not None else ""
    decision = f"({held}) if {when} else 'N'" if when else held
    if decision == "'M'":
        return [f"{name} = 'M'  # {rule.id}"]
    return [
        f"try:  # {rule.id}",
        f"    {name} = {decision}  # {rule.id}",
        f"except Odd:  # {rule.id}",
        f"    {name} = '?'  # {rule.id}",
    ]
