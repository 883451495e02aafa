"""Messages and commands with placeholders: text comes in, parts come out. There is no logic in them.

`{{ properties.x }}` a target path, `{{ param.x }}`, `{{ count }}`, `{{ matched.var.path }}`, and the fixed names.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator

from scanner.language.form import Form
from scanner.language.path import parse_path
from scanner.model.condition import Mark
from scanner.model.rule import Message, Placeholder
from scanner.text import nearest

FIXED = ("id", "name", "type", "registry", "resourceGroup", "subscriptionId", "location")
_PLACEHOLDER = re.compile(r"\{\{\s*(.*?)\s*\}\}", re.DOTALL)


def parse_message(
    form: Form, text: str, mark: Mark, variables: Collection[str], parameters: Collection[str]
) -> Message:
    """The parts of a message; unknown variables and parameters are reported at `mark`."""
    parts: list[str | Placeholder] = []
    at = 0
    for found in _PLACEHOLDER.finditer(text):
        if found.start() > at:
            parts.append(text[at : found.start()])
        placeholder = _placeholder(form, found.group(1), mark, variables, parameters)
        if placeholder:
            parts.append(placeholder)
        at = found.end()
    if at < len(text):
        parts.append(text[at:])
    if any(isinstance(part, str) and ("{{" in part or "}}" in part) for part in parts):
        form.report("a placeholder is not closed or not opened", mark, "Write {{ path }}.", "SEM004")
    return tuple(parts)


def _placeholder(
    form: Form, inside: str, mark: Mark, variables: Collection[str], parameters: Collection[str]
) -> Placeholder | None:
    path = parse_path(inside)
    if isinstance(path, str) or path.var:
        form.report(f"the placeholder {{{{ {inside} }}}} is no path", mark, "", "SEM004")
        return None
    head, rest = path.keys[0], path.keys[1:]
    if inside == "count":
        return Placeholder("count", (), mark)
    if head == "param":
        if len(rest) != 1 or rest[0] not in parameters:
            form.report(
                f"unknown parameter in {{{{ {inside} }}}}",
                mark,
                nearest(".".join(rest), parameters),
                "SEM004",
            )
            return None
        return Placeholder("param", rest, mark)
    if head == "matched":
        if not rest or rest[0] not in variables:
            advice = nearest(rest[0], variables) if rest else "Write {{ matched.variable.path }}."
            form.report(f"unknown element variable in {{{{ {inside} }}}}", mark, advice, "SEM004")
            return None
        return Placeholder("matched", rest, mark)
    if inside in FIXED:
        return Placeholder("fixed", (inside,), mark)
    return Placeholder("field", path.keys, mark)


def parse_commands(
    form: Form, text: str, mark: Mark, variables: Collection[str], parameters: Collection[str]
) -> tuple[tuple[Message, ...], ...]:
    """Commands, one a line, each split into words as a shell would; placeholders stay inside their word."""
    commands = []
    for line in text.splitlines():
        if not line.strip():
            continue
        found = _PLACEHOLDER.findall(line)
        numbers = iter(range(len(found)))
        held = _PLACEHOLDER.sub(lambda _, numbers=numbers: f"\x00{next(numbers)}\x00", line)  # type: ignore[misc]
        try:
            words = shlex.split(held)
        except ValueError as error:
            form.report(
                f"the command does not split into words: {error}", mark, "Balance the quotes.", "META012"
            )
            continue
        commands.append(
            tuple(parse_message(form, word, mark, variables, parameters) for word in _restored(words, found))
        )
    return tuple(commands)


def _restored(words: list[str], found: list[str]) -> Iterator[str]:
    for word in words:
        yield re.sub(r"\x00(\d+)\x00", lambda held: "{{ " + found[int(held.group(1))] + " }}", word)
