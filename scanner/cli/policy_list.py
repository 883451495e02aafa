"""`acrscan policy list` and `show`: what rules there are, and what one of them says."""

from __future__ import annotations

from typing import Any

import click
import orjson

from scanner.cli.options import pack_from, rule_options
from scanner.errors import UsageError
from scanner.model.rule import Rule
from scanner.text import nearest


@click.command("list")
@rule_options
@click.option("--types", is_flag=True, help="List the resource types that have facts instead.")
@click.option(
    "-f", "--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True
)
def list_rules(
    pack: str | None,
    profile: tuple[str, ...],
    param: tuple[str, ...],
    rule: tuple[str, ...],
    skip_rule: tuple[str, ...],
    types: bool,
    form: str,
) -> None:
    """List the rules of a pack with severity and state.

    \b
    Examples:
      acrscan policy list
      acrscan policy list --profile production -f json
    """
    if types:
        from scanner.types import all_types  # noqa: PLC0415

        click.echo("\n".join(all_types()))
        return
    rules = [
        item for item in pack_from(pack, profile, param, rule, skip_rule).rules if not rule or item.enabled
    ]
    if form == "json":
        click.echo(orjson.dumps([_record(item) for item in rules], option=orjson.OPT_INDENT_2))
        return
    for item in rules:
        state = "" if item.enabled else "  (off)"
        click.echo(f"{item.id:<8} {item.severity:<9} {item.title}{state}")
    off = sum(not item.enabled for item in rules)
    click.echo(f"{len(rules)} rules, {off} of them off")


def _record(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": rule.name,
        "title": rule.title,
        "severity": rule.severity,
        "target": rule.target,
        "enabled": rule.enabled,
        "disabledReason": rule.disabled_reason,
        "status": rule.status,
        "manual": rule.check is None,
        "reviewed": rule.reviewed,
        "digest": rule.digest,
        "controls": [
            {"framework": item.framework, "id": item.id, "basis": item.basis} for item in rule.controls
        ],
        "place": str(rule.mark),
    }


@click.command("show")
@click.argument("rule_id", metavar="RULE")
@click.option(
    "--pack", metavar="DIR|FILE", help="Folder or bundle of the pack (default: the shipped ACR pack)."
)
def show_rule(rule_id: str, pack: str | None) -> None:
    """Show one rule: why, what to do, where it comes from, which controls it serves.

    \b
    Example:
      acrscan policy show ACR201
    """
    rules = {item.id: item for item in pack_from(pack).rules}
    rule = rules.get(rule_id.upper())
    if rule is None:
        raise UsageError(
            f"unknown rule {rule_id!r}", "", nearest(rule_id.upper(), rules) or "See `acrscan policy list`."
        )
    from scanner.workbench.docs import page  # noqa: PLC0415

    click.echo(page(rule), nl=False)


COMMANDS = {"list": list_rules, "show": show_rule}
