"""One definition as a rule of its own, without a file in between: JSON comes in, a `Rule` with places in it comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scanner.errors import Problems, UsageError
from scanner.language.azure_policy.clauses import Reading
from scanner.language.azure_policy.definition import (
    Definition,
    definitions_in,
    frozen,
    kind_of,
    read_definition,
    read_parameters,
)
from scanner.language.azure_policy.importing import Options, rule_id, target_of, used_aliases
from scanner.language.azure_policy.judging import Judged, judged
from scanner.language.azure_policy.nodes import entry, read_nodes
from scanner.language.azure_policy.writing import slug, title_of
from scanner.language.digest import rule_digest
from scanner.language.form import Form
from scanner.language.pack import shown
from scanner.language.parameters import value_problem
from scanner.model.rule import Parameter, Remediation, Rule
from scanner.text import nearest, plain


@dataclass(frozen=True, slots=True)
class Tried:
    """A definition ready to be judged. `notes`: what a reader should know; `details`: what the effect would do."""

    rule: Rule
    judged: Judged | None
    notes: tuple[str, ...]
    details: Any


def read_tried(path: Path, target: str, aliases: Mapping[str, str]) -> Tried:
    """The definition in a file, for resources of type `target` ("" = as it says). Raises `Problems` or `InputError`."""
    node, source = read_nodes(path, shown(path))
    found = [item for item in definitions_in(node) if kind_of(item) == "definition"]
    if len(found) != 1:
        raise UsageError(
            "holds several definitions" if found else "holds no policy definition",
            str(path),
            "Give one definition.",
        )
    definition = read_definition(found[0])
    form = Form(source)
    parameters = read_parameters(form, definition.parameters)
    reading = Reading(form, tuple(parameters), {})
    reading.table = used_aliases(definition.rule, aliases)
    kind = target_of(reading, definition, parameters, Options("", target, aliases))
    manual = definition.rule is None or definition.policy_type.lower() == "static"
    result = None
    if not manual and kind and definition.rule is not None and not form.errors:
        result = judged(reading, definition.rule, definition.mode, parameters, kind, definition.id)
    if form.errors:
        raise Problems(list(form.errors))
    details = entry(entry(definition.rule, "then"), "details")
    notes = tuple(f"{mark}: {what}" for mark, what in reading.notes)
    rule = _rule(definition, kind, parameters, result)
    return Tried(rule, result, notes, plain(details) if details is not None else {})


def _rule(
    definition: Definition, target: str, parameters: dict[str, Parameter], found: Judged | None
) -> Rule:
    when, check = (found.when, found.check) if found is not None else (None, None)
    title = title_of(definition)
    manual = "" if check is not None else (definition.description or title)
    return Rule(
        id=rule_id(definition),
        name=slug(title),
        title=title,
        severity="medium",
        target=target,
        when=when,
        check=check,
        manual=manual,
        message=(f"{title}: not met",),
        not_applicable_message=(),
        parameters=parameters,
        rationale=definition.description,
        remediation=Remediation("medium"),
        references=(),
        reviewed="",
        controls=(),
        semantics="azure",
        mark=definition.mark,
        digest=rule_digest(target, when, check, manual, parameters),
    )


def parameter_values(rule: Rule, given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Values by name, as `{"name": value}` or as assignments write them, `{"name": {"value": value}}`."""
    found: dict[str, Any] = {}
    names = {name.lower(): name for name in rule.parameters}
    for key, value in given.items():
        name = names.get(key.lower())
        if name is None:
            advice = nearest(key, rule.parameters) or f"Known: {', '.join(sorted(rule.parameters))}."
            raise UsageError(f"unknown parameter {key!r}", where, advice)
        parameter = rule.parameters[name]
        wrapped = isinstance(value, dict) and set(value) == {"value"} and "object" not in parameter.types
        held = frozen(value["value"] if wrapped else value)
        problem = value_problem(parameter, held)
        if problem:
            raise UsageError(f"the parameter {name} {problem}", where)
        found[name] = held
    return found
