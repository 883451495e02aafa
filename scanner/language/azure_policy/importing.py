"""From a definition's node to a rule file: what was taken, what was left and why, each with place and JSON path."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scanner import types
from scanner.errors import ScannerError
from scanner.language.azure_policy.clauses import ClauseParser, Reading
from scanner.language.azure_policy.definition import Definition, read_definition, read_parameters
from scanner.language.azure_policy.judging import judged, types_of
from scanner.language.azure_policy.nodes import entry, places
from scanner.language.azure_policy.writing import rule_text
from scanner.language.form import Form
from scanner.language.parameters import value_problem
from scanner.language.rules import TARGET
from scanner.model.rule import Parameter
from scanner.text import Node, Scalar, Source

REGISTRIES = "Microsoft.ContainerRegistry/registries"
SUBSCRIPTIONS = "Microsoft.Resources/subscriptions"
MAX_LEFT = 20
"""Problems that are told of one definition."""


@dataclass(frozen=True, slots=True)
class Left:
    """Something that could not be taken (or, as a note, something to know): where, which construct, and why."""

    place: str
    path: str
    construct: str
    reason: str


@dataclass(frozen=True, slots=True)
class Options:
    """How to import.

    `target`: the resource type to import for ("" = as the definition says); `aliases`: paths by lower-case alias;
    `reviewed`: the date to note; `severity`: of every rule.
    """

    reviewed: str
    target: str = ""
    aliases: Mapping[str, str] = field(default_factory=dict)
    severity: str = "medium"


@dataclass(frozen=True, slots=True)
class Made:
    """An imported rule: its id, name, the YAML text of its file, and what it is."""

    id: str
    name: str
    guid: str
    title: str
    target: str
    text: str
    manual: bool
    enabled: bool


@dataclass(slots=True)
class Converted:
    """What one definition gave."""

    made: Made | None = None
    left: list[Left] = field(default_factory=list)
    notes: list[Left] = field(default_factory=list)


def convert(
    node: Node,
    source: Source,
    options: Options,
    values: Mapping[str, Any] | None = None,
    reference: str = "",
) -> Converted:
    """The rule of one definition. `values`: what an initiative gives its parameters; `reference`: its name there."""
    definition = read_definition(node)
    form = Form(source)
    parameters = with_values(form, read_parameters(form, definition.parameters), values or {}, definition)
    reading = Reading(form, tuple(parameters), {})
    converted = Converted()
    reading.table = used_aliases(definition.rule, options.aliases)
    target = target_of(reading, definition, parameters, options)
    manual = not definition.rule or definition.policy_type.lower() == "static"
    found = None
    if not manual and target and definition.rule is not None and not form.errors:
        found = judged(reading, definition.rule, definition.mode, parameters, target, definition.id)
        manual = found is not None and found.manual
    paths = {(mark.line, mark.column): path for mark, path in reversed(list(places(definition.node)))}
    _told(converted, reading, paths)
    if converted.left or not target or (found is None and not manual):
        return converted
    if not definition.display_name and not definition.name:
        converted.notes.append(
            Left(str(definition.mark), "displayName", "displayName", "the definition has no name")
        )
    if manual:
        converted.notes.append(
            Left(str(definition.mark), "", "manual", "nothing to evaluate: imported for a person to attest")
        )
    identifier = rule_id(definition, reference)
    name, title, text = rule_text(
        definition, identifier, target, parameters, found, reading.table, options.reviewed, options.severity
    )
    converted.made = Made(
        identifier, name, definition.guid, title, target, text, manual, found is None or not found.disabled
    )
    return converted


def _told(converted: Converted, reading: Reading, paths: Mapping[tuple[int, int], str]) -> None:
    form = reading.form
    constructs = [*reading.constructs]
    spare = len(form.errors) - len(constructs)
    for number, error in enumerate(form.errors[:MAX_LEFT]):
        construct = constructs[number - spare] if number >= spare else "parameters"
        converted.left.append(Left(error.where, _path(error, paths), construct, _reason(error)))
    for mark, what in reading.notes[:MAX_LEFT]:
        converted.notes.append(Left(str(mark), paths.get((mark.line, mark.column), ""), "note", what))


def _path(error: ScannerError, paths: Mapping[tuple[int, int], str]) -> str:
    found = re.search(r":(\d+):(\d+)\Z", error.where)
    return paths.get((int(found[1]), int(found[2])), "") if found else ""


def _reason(error: ScannerError) -> str:
    return f"{error.what}. {error.advice}".rstrip(". ") if error.advice else error.what


def with_values(
    form: Form, parameters: dict[str, Parameter], values: Mapping[str, Any], definition: Definition
) -> dict[str, Parameter]:
    """The parameters with the values that an initiative (or a person) gives as their defaults."""
    found = dict(parameters)
    names = {name.lower(): name for name in parameters}
    for key, value in values.items():
        name = names.get(key.lower())
        if name is None:
            form.report(f"a value is given for the unknown parameter {key!r}", definition.mark)
            continue
        parameter = found[name]
        problem = value_problem(parameter, value)
        if problem and value is not None:
            form.report(f"the value of the parameter {name} {problem}", definition.mark)
        found[name] = Parameter(
            name, parameter.types, value, parameter.description, enum=parameter.enum, mark=parameter.mark
        )
    return found


def used_aliases(node: Node | None, table: Mapping[str, str]) -> dict[str, str]:
    """The part of a table of aliases that a rule can ask for: those that its texts name."""
    if not table or node is None:
        return {}
    found: dict[str, str] = {}
    stack = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, Scalar):
            text = item.value.lower() if isinstance(item.value, str) else ""
            for name in (text, *re.findall(r"'([^']+)'", text)):
                if name in table:
                    found[name] = table[name]
        elif isinstance(item.items, dict):
            stack += item.items.values()
        else:
            stack += item.items
    return found


def rule_id(definition: Definition, reference: str = "") -> str:
    """`AZP` with the decimal of the GUID's first 8 hex digits; of a digest where there is no GUID, or a reference."""
    digits = definition.guid[:8]
    if not digits or reference:
        told = (
            f"{definition.guid or definition.id or definition.name or definition.display_name}\0{reference}"
        )
        digits = hashlib.sha256(told.encode()).hexdigest()[:8]
    return f"AZP{int(digits, 16):03d}"


def target_of(
    reading: Reading, definition: Definition, parameters: Mapping[str, Parameter], options: Options
) -> str:
    """The type to import for; what else the definition is about is noted. "" when there is none."""
    given = entry(definition.rule, "if")
    defaults = {name: item.default for name, item in parameters.items()}
    trial = Reading(Form(reading.form.source), tuple(parameters), {}, checking=False)
    clause = ClauseParser(trial, "", "").parse(given) if given is not None else None
    found = types_of(clause, defaults) if clause is not None else None
    wanted = options.target
    mark = given.mark if given is not None else definition.mark
    if found is None:
        if given is not None and clause is not None and not wanted:
            reading.notes.append(
                (mark, f"no test of the type: imported for {REGISTRIES} only (--type names another)")
            )
        static = given is None or definition.policy_type.lower() == "static"
        chosen = wanted or (SUBSCRIPTIONS if static else REGISTRIES)
    else:
        known = [name for name in found if types.facts_for(name) is not None]
        chosen = wanted or (known or list(found) or [""])[0]
        others = [name for name in found if name.lower() != chosen.lower()]
        if wanted and wanted.lower() not in {name.lower() for name in found}:
            reading.report(f"the policy is about {', '.join(found)}, not {wanted}", mark, "type")
            return ""
        if not found:
            reading.report("the tests of the type contradict each other", mark, "type")
            return ""
        if others:
            reading.notes.append(
                (mark, f"imported for {chosen} only; also about {', '.join(others[:5])} (--type)")
            )
    facts = types.facts_for(chosen)
    chosen = facts.type if facts is not None else chosen
    if not TARGET.match(chosen):
        reading.report(f"the type {chosen!r} cannot be a rule's target", mark, "type")
        return ""
    return chosen
