"""`acrscan policy try` and `compile`: one rule on one resource, and the code that the engine generates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import orjson

from scanner.cli.door import FINDINGS, INCOMPLETE, Outcome
from scanner.cli.options import pack_from, rule_options
from scanner.cli.proofs import as_json, lines, safe
from scanner.cli.show import wants_unicode
from scanner.engine.case import case_for
from scanner.engine.codegen import compile_rules
from scanner.engine.evaluate import rule_values
from scanner.engine.judge import Judgement, judge
from scanner.engine.operators.time import instant
from scanner.engine.relations import relations_for
from scanner.errors import InputError, UsageError
from scanner.json_text import read_json
from scanner.language.pack import load_rule_file
from scanner.language.parameters import value_problem
from scanner.model.finding import Verdict
from scanner.model.rule import Rule
from scanner.types import all_types, facts_for
from scanner.workbench.unit import NOW, relations_from, resource_of

_CODES = {
    Verdict.FAIL: (FINDINGS, "not compliant"),
    Verdict.UNKNOWN: (INCOMPLETE, "not decided"),
    Verdict.ERROR: (INCOMPLETE, "cannot be judged"),
    Verdict.MANUAL: (INCOMPLETE, "a person must attest"),
}


@click.command("try")
@click.argument("file", metavar="FILE", type=click.Path())
@click.option("--resource", required=True, metavar="R.json", help="The resource, as ARM returns it.")
@click.option("--related", metavar="R.json", help='Related data: {"relation or type": [elements]}.')
@click.option("--parameters", metavar="P.json", help='Parameter values: {"name": value}.')
@click.option("--rule", "rule_id", metavar="ID", help="Which rule, where the file has several.")
@click.option("--aliases", metavar="A.json", help="Azure's table of aliases, for a definition.")
@click.option("--now", default=NOW, metavar="TIME", help="The clock, RFC 3339.")
@click.option(
    "-f", "--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True
)
def try_rule(
    file: str,
    resource: str,
    related: str | None,
    parameters: str | None,
    rule_id: str | None,
    aliases: str | None,
    now: str,
    form: str,
) -> Outcome:
    """Evaluate one rule file, or one Azure Policy definition (JSON), on one resource; prints verdict and proof tree.

    Of a definition the effect is printed too; it may be about any resource type.

    Exit code: 0 compliant or not applicable, 1 not compliant, 3 not decided.

    \b
    Examples:
      acrscan policy try my-rule.yaml --resource registry.json
      acrscan policy try my-rule.yaml --resource registry.json --parameters p.json -f json
      acrscan policy try AdminAccountDisabled.json --resource registry.json
    """
    moment = instant(now)
    if moment is None:
        raise UsageError(f"--now {now!r} is no time", "", "Write it as 2026-11-25T02:00:00Z.")
    if Path(file).suffix.lower() == ".json":
        from scanner.cli.policy_try_azure import try_definition  # noqa: PLC0415

        given = _object(related) if related else {}
        values = _object(parameters) if parameters else {}
        where = (related or "", parameters or "")
        body = _object(resource)
        return _ended(try_definition(file, body, given, values, moment, form, aliases, where))
    pack, rules = load_rule_file(Path(file))
    rule = _chosen(rules, rule_id, file)
    body = _object(resource)
    kind = body.get("type")
    if isinstance(kind, str) and kind.lower() != rule.target.lower():
        raise UsageError(f"the resource is a {kind}, the rule's target is {rule.target}", resource)
    values = {**rule_values(pack, rule, pack.values), **_parameters(rule, pack.parameters, parameters)}
    relations = {relation.name: relation for relation in relations_for(rule.target)}
    elements = {name: relation.element for name, relation in relations.items()}
    given = _object(related) if related else {}
    for name in given:
        if name not in relations:
            raise UsageError(
                f"unknown relation {name!r}", related or "", f"Known: {', '.join(sorted(relations))}."
            )
    source = "saved" if isinstance(body.get("apiVersion"), str) else "test"
    target = resource_of(rule.target, body, source=source)
    case = case_for(target, relations_from(rule, given), elements, values, moment)
    judgement = judge(rule, case, {name: relation.key for name, relation in relations.items()})
    if form == "json":
        click.echo(orjson.dumps(as_json(judgement, rule.id, target.id), option=orjson.OPT_INDENT_2))
    else:
        click.echo(f"{rule.id} {rule.title}")
        click.echo(f"{judgement.verdict.value}{': ' + safe(judgement.message) if judgement.message else ''}")
        for line in lines(judgement, unicode=wants_unicode()):
            click.echo(f"  {line}")
    return _ended(judgement)


def _ended(judgement: Judgement) -> Outcome:
    outcome = Outcome()
    if judgement.verdict in _CODES:
        outcome.add(*_CODES[judgement.verdict])
    return outcome


def _chosen(rules: tuple[Rule, ...], wanted: str | None, file: str) -> Rule:
    found = [rule for rule in rules if not wanted or rule.id == wanted.upper()]
    if len(found) != 1:
        names = ", ".join(rule.id for rule in rules)
        raise UsageError(
            "the file has several rules" if found else f"no rule {wanted!r}", file, f"--rule one of {names}."
        )
    return found[0]


def _object(path: str) -> dict[str, Any]:
    value = read_json(Path(path))
    if not isinstance(value, dict):
        raise InputError("holds no JSON object", path)
    return value


def _parameters(rule: Rule, shared: Any, path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    declared = {**shared, **rule.parameters}
    found = {}
    for name, value in _object(path).items():
        if name not in declared:
            raise UsageError(f"unknown parameter {name!r}", path, f"Known: {', '.join(sorted(declared))}.")
        frozen = tuple(value) if isinstance(value, list) else value
        problem = value_problem(declared[name], frozen)
        if problem:
            raise UsageError(f"the parameter {name} {problem}", path)
        found[name] = frozen
    return found


@click.command("compile")
@click.argument("target", default="Microsoft.ContainerRegistry/registries", metavar="[TYPE]")
@rule_options
def compile_target(
    target: str,
    pack: str | None,
    profile: tuple[str, ...],
    param: tuple[str, ...],
    rule: tuple[str, ...],
    skip_rule: tuple[str, ...],
) -> None:
    """Print the Python that the engine generates for the rules of a target type.

    \b
    Example:
      acrscan policy compile Microsoft.ContainerRegistry/registries --rule ACR101
    """
    facts = facts_for(target)
    if facts is None:
        raise UsageError(f"unknown type {target!r}", "", f"One of {', '.join(all_types())}.")
    rules = [
        item
        for item in pack_from(pack, profile, param, rule, skip_rule).rules
        if item.enabled and item.target.lower() == facts.type.lower()
    ]
    compiled = compile_rules(
        facts.type, rules, {item.name: item.element for item in relations_for(facts.type)}
    )
    click.echo(compiled.source, nl=False)
    for number, constant in enumerate(compiled.constants):
        shown = sorted(constant) if isinstance(constant, frozenset) else constant
        click.echo(f"# C[{number}] = {shown!r}")


COMMANDS = {"try": try_rule, "compile": compile_target}
