"""`acrscan policy try` for an Azure Policy definition: verdict, proof, and what the effect would do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import orjson

from scanner.cli.proofs import as_json, lines, safe
from scanner.cli.show import say, wants_unicode
from scanner.engine.case import case_for
from scanner.engine.judge import Judgement, judge
from scanner.engine.relations import relations_for
from scanner.engine.telling import words
from scanner.errors import UsageError
from scanner.language.azure_policy.clauses import constant
from scanner.language.azure_policy.initiatives import read_aliases
from scanner.language.azure_policy.trying import Tried, parameter_values, read_tried
from scanner.model.finding import Verdict
from scanner.model.resource import Resource
from scanner.model.values import Unknown
from scanner.workbench.unit import resource_of

EXTENSIONS = ("microsoft.insights/diagnosticsettings", "microsoft.authorization/locks")
"""Types whose resources lie on the resource that they are about."""
DOES = {
    "audit": "Azure marks the resource as non-compliant",
    "deny": "Azure refuses the request, and marks what exists as non-compliant",
    "modify": "Azure changes the request, and marks what exists as non-compliant",
    "append": "Azure adds to the request, and marks what exists as non-compliant",
    "denyaction": "Azure refuses to delete the resource",
    "auditifnotexists": "Azure marks the resource as non-compliant",
    "deployifnotexists": "Azure deploys what is missing after the next change, or by a remediation task",
    "addtonetworkgroup": "Azure puts the resource into a network group",
    "disabled": "nothing happens: the policy is disabled",
    "manual": "a person attests",
}


def try_definition(
    file: str,
    body: dict[str, Any],
    related: dict[str, Any],
    parameters: dict[str, Any],
    moment: float,
    form: str,
    aliases: str | None,
    where: tuple[str, str],
) -> Judgement:
    """Print what a definition says of one resource; returns the judgement.

    `where`: the files of the related resources and of the parameters, for messages.
    """
    kind = body.get("type")
    tried = read_tried(
        Path(file), kind if isinstance(kind, str) else "", read_aliases(Path(aliases)) if aliases else {}
    )
    rule = tried.rule
    values = {name: item.default for name, item in rule.parameters.items()}
    values |= parameter_values(rule, parameters, where[1])
    source = "saved" if isinstance(body.get("apiVersion"), str) else "test"
    target = resource_of(rule.target, body, source=source)
    elements = {row.name: row.element for row in relations_for(rule.target)}
    case = case_for(target, _related(target, related, elements, where[0]), elements, values, moment)
    judgement = judge(rule, case)
    effect = _effect(tried, values)
    if form == "json":
        found = as_json(judgement, rule.id, target.id) | {"effect": effect, "notes": list(tried.notes)}
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
        return judgement
    click.echo(safe(f"{rule.id} {rule.title}"))
    told = f": {safe(judgement.message)}" if judgement.message else ""
    click.echo(f"{judgement.verdict.value}{told}")
    click.echo(
        safe(f"effect {effect or '(depends on the assignment)'}{_does(tried, effect, judgement.verdict)}")
    )
    for line in lines(judgement, unicode=wants_unicode()):
        click.echo(f"  {line}")
    for note in tried.notes:
        say(safe(f"note {note}"))
    return judgement


def _effect(tried: Tried, values: dict[str, Any]) -> str:
    if tried.judged is None:
        return "manual"
    found = constant(tried.judged.effect, values)
    return found if isinstance(found, str) else ""


def _does(tried: Tried, effect: str, verdict: Verdict) -> str:
    """What would happen; nothing does where the condition is not met."""
    if verdict is not Verdict.FAIL:
        return "" if effect.lower() != "disabled" else f": {DOES['disabled']}"
    does = DOES.get(effect.lower(), "")
    operations = tried.details.get("operations") if isinstance(tried.details, dict) else None
    changes = [
        f"{item.get('operation')} {item.get('field')} = {words(item.get('value'))}"
        for item in operations or ()
        if isinstance(item, dict)
    ]
    return f": {does}" + (f" ({'; '.join(changes)})" if changes and effect.lower() == "modify" else "")


def _related(
    owner: Resource, given: dict[str, Any], elements: dict[str, str], where: str
) -> Callable[[str], Any]:
    """Related resources as given, by relation or by resource type; what is not given is unknown."""
    known = {*(name.lower() for name in elements), *(kind.lower() for kind in elements.values())}
    by_name: dict[str, list[dict[str, Any]]] = {}
    for name, rows in given.items():
        if name.lower() not in known and "/" not in name:
            raise UsageError(
                f"unknown relation {name!r}",
                where,
                f"A resource type, or one of {', '.join(sorted(elements))}.",
            )
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise UsageError(f"the related resources of {name!r} must be a list of objects", where)
        by_name[name.lower()] = rows

    def related(name: str) -> Any:
        kind = elements.get(name, name)
        rows = by_name.get(name.lower(), by_name.get(kind.lower()))
        if rows is None:
            return Unknown(f"{kind} not given (--related)", "not-collected")
        return [resource_of(kind, _placed(owner, kind, row)) for row in rows]

    return related


def _placed(owner: Resource, kind: str, row: dict[str, Any]) -> dict[str, Any]:
    """A related resource with an id: one that is given without lies below the resource, or beside it in its group."""
    if isinstance(row.get("id"), str):
        return row
    name = row["name"] if isinstance(row.get("name"), str) else "example"
    if kind.lower().startswith(owner.type.lower() + "/"):
        return {**row, "id": f"{owner.id}/{kind.rpartition('/')[2]}/{name}"}
    if kind.lower() in EXTENSIONS:
        return {**row, "id": f"{owner.id}/providers/{kind}/{name}"}
    group = owner.id.lower().find("/providers/")
    return {**row, "id": f"{owner.id[:group] if group > 0 else owner.id}/providers/{kind}/{name}"}
