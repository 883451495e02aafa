"""`acrscan explain RULE`: the proof tree of one rule on the resources of an inventory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import click
import orjson

from scanner.cli.described import READERS, Described, described_options, read, tell, tree_of
from scanner.cli.door import INCOMPLETE, Outcome
from scanner.cli.options import clock, inventory_from, inventory_options, pack_from, rule_options
from scanner.cli.proofs import as_json, lines, safe
from scanner.cli.show import wants_unicode
from scanner.engine.case import case_for
from scanner.engine.estate import Linked
from scanner.engine.evaluate import plan, rule_values
from scanner.engine.judge import Judgement, judge
from scanner.engine.operators.time import instant
from scanner.engine.tailored import values_for
from scanner.errors import UsageError
from scanner.model import ids
from scanner.model.resource import Inventory
from scanner.model.rule import RulePack


def _sources(command: Callable[..., Any]) -> Callable[..., Any]:
    return inventory_options(command, *READERS)


@click.command("explain")
@click.argument("rule_id", metavar="RULE")
@_sources
@described_options
@rule_options
@click.option("--resource", metavar="ID|NAME", help="Only this resource (default: all of the rule's type).")
@click.option(
    "-f", "--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True
)
def explain(
    rule_id: str,
    paths: tuple[str, ...],
    source: str,
    principals: str | None,
    api_version: str | None,
    now: str | None,
    described: Described,
    pack: str | None,
    profile: tuple[str, ...],
    param: tuple[str, ...],
    rule: tuple[str, ...],
    skip_rule: tuple[str, ...],
    resource: str | None,
    form: str,
) -> Outcome:
    """Show why a rule decides as it does: which condition, which value, which line of the rule.

    \b
    Examples:
      acrscan explain ACR101 answers/
      acrscan explain ACR201 snapshot/ --resource contosoprod -f json
      acrscan explain ACR101 --from arm infra/main.json --parameters prod.parameters.json
    """
    if rule or skip_rule:
        raise UsageError(
            "--rule and --skip-rule do nothing here", "", "The rule is named by the first argument."
        )
    rules = pack_from(pack, profile, param, (rule_id,))
    outcome = Outcome()
    if source in READERS:
        moment = clock(now) or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        reading = read((source,), tree_of(paths), described, now=moment)
        tell(reading.errors, outcome)
        inventory = reading.inventory
    elif described.given:
        raise UsageError("these options are for templates", "", f"Add --from {' or --from '.join(READERS)}.")
    else:
        inventory = inventory_from(paths, source, principals, api_version, now)
    time = clock(now) or inventory.collected_at
    found = 0
    for linked, judgement in _judged(rules, inventory, time, resource):
        found += 1
        if form == "json":
            click.echo(
                orjson.dumps(
                    as_json(judgement, rule_id.upper(), linked.resource.id), option=orjson.OPT_INDENT_2
                )
            )
        else:
            _print(rules, linked, judgement)
    if not found:
        outcome.add(INCOMPLETE, f"no such resource for {rule_id.upper()} in the inventory")
    return outcome


def _judged(
    pack: RulePack, inventory: Inventory, now: str, wanted: str | None
) -> Iterator[tuple[Linked, Judgement]]:
    from scanner.engine.estate import Estate  # noqa: PLC0415

    estate = Estate(inventory, now=now)
    for planned in plan(pack, estate):
        for linked in estate.targets(planned.type, planned.needed):
            resource = linked.resource
            if wanted and ids.normalise(wanted) not in (
                ids.normalise(resource.id),
                ids.normalise(resource.name),
            ):
                continue
            for rule in planned.rules:
                values = rule_values(pack, rule, values_for(pack, resource, estate))
                case = case_for(resource, linked.related, planned.elements, values, instant(now) or 0.0)
                yield linked, judge(rule, case, planned.keys)


def _print(pack: RulePack, linked: Linked, judgement: Judgement) -> None:
    rule = next(rule for rule in pack.rules if rule.enabled)
    click.echo(f"{rule.id} {rule.title}")
    click.echo(f"{safe(ids.shown(linked.resource.id))}")
    click.echo(f"{judgement.verdict.value}{': ' + safe(judgement.message) if judgement.message else ''}")
    for line in lines(judgement, unicode=wants_unicode()):
        click.echo(f"  {line}")
    click.echo()


COMMANDS = {"explain": explain}
