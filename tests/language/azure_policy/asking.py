"""Definitions asked of bodies, in a few words: JSON goes in as Azure writes it, truth and verdicts come out."""

from __future__ import annotations

import json

from scanner.engine.case import case_for
from scanner.engine.explain import explain
from scanner.engine.judge import judge
from scanner.engine.relations import relations_for
from scanner.language.azure_policy.clauses import ClauseParser, Reading
from scanner.language.azure_policy.definition import frozen, read_parameters
from scanner.language.azure_policy.judging import judged
from scanner.language.azure_policy.nodes import nodes_of
from scanner.language.form import Form
from scanner.model.azure import Policy
from scanner.model.condition import NOWHERE
from scanner.model.rule import Remediation, Rule
from scanner.model.values import Unknown
from scanner.text import Mapping
from scanner.workbench.unit import relations_from, resource_of

REGISTRIES = "Microsoft.ContainerRegistry/registries"
THINGS = "Contoso.Test/things"
"""A type without facts: aliases are worked out on the body."""
NOW = 1_764_036_000.0  # 2025-11-25T02:00:00Z


def reading_of(text, parameters=None, table=None):
    """(reading, node) of JSON text."""
    node, source = nodes_of(text, "policy.json")
    form = Form(source)
    declared = {}
    if parameters:
        given, _ = nodes_of(json.dumps(parameters), "parameters.json")
        assert isinstance(given, Mapping)
        declared = read_parameters(form, dict(given.items))
    return (
        Reading(form, tuple(declared), {key.lower(): path for key, path in (table or {}).items()}),
        node,
        declared,
    )


def parsed(clause, target=THINGS, parameters=None, table=None):
    """(clause or None, the errors, the notes, declared parameters) of a condition."""
    reading, node, declared = reading_of(json.dumps(clause), parameters, table)
    found = ClauseParser(reading, target, target).parse(node)
    return found, [str(error) for error in reading.form.errors], [note for _, note in reading.notes], declared


def proof(clause, body, target=THINGS, parameters=None, values=None, table=None, source="arm"):
    """The proof of a condition on a body."""
    found, errors, _, declared = parsed(clause, target, parameters, table)
    assert not errors, errors
    given = {name: item.default for name, item in declared.items()} | {
        name: frozen(value) for name, value in (values or {}).items()
    }
    table = tuple(sorted((key.lower(), path) for key, path in (table or {}).items()))
    case = case_for(resource_of(target, body, source=source), lambda _: Unknown("not given"), {}, given, NOW)
    return explain(Policy(found, target, table, "", NOWHERE), case)


def truth(clause, body, **more):
    """T, F, U or E: what a condition is on a body."""
    return proof(clause, body, **more).truth.name[0]


def rule_of(definition, target=REGISTRIES, values=None):
    """A rule of a definition's `properties`, without a file."""
    reading, node, declared = reading_of(json.dumps(definition["policyRule"]), definition.get("parameters"))
    found = judged(reading, node, definition.get("mode", "All"), declared, target, "")
    assert not reading.form.errors, [str(error) for error in reading.form.errors]
    assert found is not None
    rule = Rule(
        id="AZP001", name="a", title="A", severity="medium", target=target, when=found.when, check=found.check,
        manual="" if found.check else "attest", message=("no",), not_applicable_message=(), parameters=declared,
        rationale="", remediation=Remediation("low"), references=(), reviewed="", controls=(), semantics="azure",
    )  # fmt: skip
    params = {name: item.default for name, item in declared.items()} | {
        name: frozen(value) for name, value in (values or {}).items()
    }
    return rule, params


def judgement(definition, body, target=REGISTRIES, values=None, related=None, source="arm"):
    """What a definition says of a body."""
    rule, params = rule_of(definition, target, values)
    elements = {row.name: row.element for row in relations_for(target)}
    case = case_for(
        resource_of(target, body, source=source), relations_from(rule, related or {}), elements, params, NOW
    )
    return judge(rule, case)


def verdict(definition, body, **more):
    """The verdict of a definition on a body, as a word."""
    return judgement(definition, body, **more).verdict.value
