"""META012: commands and snippets of remediations are ones that their tools take, as far as that can be told without the tools."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scanner import types
from scanner.model.rule import Message
from scanner.text import Mapping, Node, nearest
from scanner.workbench.lint.check import Check
from scanner.workbench.lint.context import PackContext, RuleContext
from scanner.workbench.lint.known import known
from scanner.workbench.problem import Problem

META012 = Check(
    "META012",
    "warning",
    "Commands and snippets are ones that their tools take",
    "An `az` command or option that the Azure CLI does not have, a Bicep or Terraform snippet with brackets or quotes that do not close, a "
    "Bicep property that the target does not have, a Terraform attribute that azurerm does not have. A command that does not split into words "
    "keeps the rule from loading. Commands of groups that are not known here are not judged.",
    "People copy these lines at night. One that fails costs more than none.",
    'remediation: {effort: low, az: "az acr update --name {{ name }} --admin-enable false"}',
    'remediation: {effort: low, az: "az acr update --name {{ name }} --admin-enabled false"}',
)
CHECKS = (META012,)

_PAIRS = {")": "(", "]": "[", "}": "{"}
_KEY = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*|'[^'\n]*')\s*:")
_ATTRIBUTE = re.compile(r"(?:^|[{\n])[ \t]*([a-z][a-z0-9_]*)[ \t]*(=(?!=)|\{)")
_RESOURCE = re.compile(r'(?:resource|data)\s+"([a-z0-9_]+)"')


def check(pack: PackContext) -> Iterator[Problem]:
    """The remediation of each rule."""
    for rule in pack.rules:
        remediation = rule.rule.remediation
        holder = rule.part("remediation")
        nodes = holder.items if isinstance(holder, Mapping) else {}
        for command in remediation.az:
            yield from _az(rule, command, nodes["az"])
        for name, text in (("bicep", remediation.bicep), ("terraform", remediation.terraform)):
            broken = _unbalanced(text, bicep=name == "bicep")
            if broken:
                yield rule.problem(META012, f"the {name} snippet does not parse: {broken}", nodes[name])
            elif text:
                yield from (_bicep if name == "bicep" else _terraform)(rule, text, nodes[name])


def _az(rule: RuleContext, command: tuple[Message, ...], at: Node) -> Iterator[Problem]:
    """Each option of a command that the table knows; a command below `az acr` must be in it."""
    words = ["".join(part if isinstance(part, str) else "x" for part in word) for word in command]
    if words[:1] != ["az"]:
        return
    names: list[str] = []
    for word in words[1:]:
        if word.startswith("-"):
            break
        names.append(word)
    commands = known().commands
    # Words before the first option may be arguments (`az acr run /dev/null`): the longest command counts.
    heads = (" ".join(names[:end]) for end in range(len(names), 0, -1))
    found = next((head for head in heads if head in commands), "")
    if not found:
        if names[:1] == ["acr"]:
            given = " ".join(names)
            advice = nearest(given, commands) or "See https://learn.microsoft.com/cli/azure/acr."
            yield rule.problem(META012, f"there is no command az {given}", at, advice)
        return
    options = commands[found]
    for word in words[1:]:
        option = word.split("=")[0]
        if re.fullmatch(r"--[a-z][a-z0-9-]*|-[a-z]", option) and option not in options:
            advice = nearest(option, options)
            yield rule.problem(META012, f"az {found} has no option {option}", at, advice)


def _unbalanced(text: str, *, bicep: bool) -> str:
    """What does not close, or "". Bicep quotes with ' (and '''), Terraform with "; both know //, Terraform # as well."""
    opened: list[str] = []
    at = 0
    quote = "'" if bicep else '"'
    while at < len(text):
        char = text[at]
        if bicep and text.startswith("'''", at):
            closed = text.find("'''", at + 3)
            if closed < 0:
                return "a quote is not closed"
            at = closed + 3
            continue
        if char == quote:
            end = _string_end(text, at, quote)
            if end < 0:
                return "a quote is not closed"
            at = end
            continue
        if text.startswith("//", at) or (char == "#" and not bicep):
            newline = text.find("\n", at)
            at = newline if newline >= 0 else len(text)
            continue
        if char in "([{":
            opened.append(char)
        elif char in _PAIRS and (not opened or opened.pop() != _PAIRS[char]):
            return f"a {char} closes nothing"
        at += 1
    return f"a {opened[-1]} is not closed" if opened else ""


def _string_end(text: str, at: int, quote: str) -> int:
    """The place behind a string, whose `${...}` may hold strings again; -1 where it does not end on its line."""
    depth = 0
    place = at + 1
    while place < len(text):
        char = text[place]
        if char == "\\":
            place += 2
            continue
        if char == "\n":
            return -1
        if text.startswith("${", place):
            depth += 1
            place += 2
            continue
        if depth and char == quote:
            place = _string_end(text, place, quote)
            if place < 0:
                return -1
            continue
        if depth and char in "{}":
            depth += 1 if char == "{" else -1
        elif char == quote:
            return place + 1
        place += 1
    return -1


def _bicep(rule: RuleContext, text: str, at: Node) -> Iterator[Problem]:
    """A snippet of properties: each key is one of the target's."""
    facts = types.facts_for(rule.rule.target)
    if facts is None or not text.startswith("properties:"):
        return
    for keys in _keys(text):
        # Array elements and values of maps are entered by what the facts call them.
        if keys[0] != "properties" or any(not key for key in keys):
            continue
        if facts.fact(keys) is None and not facts.is_open(keys):
            spelled = ".".join(keys).replace(f".{types.ELEMENT}", types.ELEMENT)
            yield rule.problem(
                META012,
                f"the bicep snippet sets {spelled}, which {rule.rule.target} does not have",
                at,
                nearest(spelled, facts.facts),
            )
            return


def _keys(text: str) -> Iterator[tuple[str, ...]]:
    """The path of every key of a Bicep object; the elements of arrays are `[]`."""
    path: list[str] = []
    stack: list[int] = []
    at = 0
    while at < len(text):
        if text.startswith("//", at):
            newline = text.find("\n", at)
            at = newline if newline >= 0 else len(text)
            continue
        found = _KEY.match(text, at)
        if found and (at == 0 or text[at - 1] in "{,\n \t"):
            del path[stack[-1] if stack else 0 :]
            path.append(found[1].strip("'"))
            yield tuple(path)
            at = found.end()
            continue
        char = text[at]
        if char == "'":
            at = max(_string_end(text, at, "'"), at + 1)
            continue
        if char in "{[":
            if char == "[":
                path.append(types.ELEMENT)
            stack.append(len(path))
        elif char in "}]" and stack:
            del path[stack.pop() :]
            if char == "]" and path and path[-1] == types.ELEMENT:
                path.pop()
        at += 1


def _terraform(rule: RuleContext, text: str, at: Node) -> Iterator[Problem]:
    """Attributes and blocks that azurerm has; a resource of another provider is not judged."""
    named = _RESOURCE.findall(text)
    if any(not name.startswith("azurerm_") for name in named):
        return
    bare = re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', text)
    bare = re.sub(r"(?:#|//).*", "", bare)
    for found in _ATTRIBUTE.finditer(_outside_values(bare)):
        name = found[1]
        if name not in known().azurerm and not name.startswith("azurerm_"):
            yield rule.problem(
                META012, f"azurerm has no attribute {name}", at, nearest(name, known().azurerm)
            )
            return


def _outside_values(text: str) -> str:
    """The text without values in braces (`tags = { owner = ... }`) and arguments of functions."""
    kept: list[str] = []
    depth = 0
    for at, char in enumerate(text):
        if depth == 0 and char in "{(" and (char == "(" or text[:at].rstrip().endswith("=")):
            depth = 1
            continue
        if depth:
            depth += (char in "{(") - (char in "})")
            continue
        kept.append(char)
    return "".join(kept)
