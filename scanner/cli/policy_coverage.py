"""`acrscan policy coverage`: which controls of a framework have rules, and which are still open."""

from __future__ import annotations

import click

from scanner import data
from scanner.cli.options import pack_from
from scanner.errors import UsageError
from scanner.language.frameworks import Framework, load_framework
from scanner.model.rule import Rule
from scanner.text import nearest


@click.command("coverage")
@click.option("--faq", is_flag=True, help="The FAQ, row by row.")
@click.option("--framework", metavar="ID", help="Another framework that rules name.")
@click.option("--pack", metavar="DIR", help="Folder of the pack (default: the shipped ACR pack).")
def coverage(faq: bool, framework: str | None, pack: str | None) -> None:
    """Show which FAQ entries and controls have rules.

    \b
    Examples:
      acrscan policy coverage --faq
      acrscan policy coverage --framework mcsb-v2
    """
    rules = pack_from(pack).rules
    if faq == bool(framework):
        raise UsageError(
            "coverage needs --faq or --framework ID", "", f"Frameworks: {', '.join(_frameworks(rules))}."
        )
    if faq:
        _catalogue(load_framework(data.policies() / "frameworks" / "acr-faq.yaml"), rules)
        return
    if framework not in _frameworks(rules):
        raise UsageError(f"no rule names {framework!r}", "", nearest(framework or "", _frameworks(rules)))
    _named(framework or "", rules)


def _frameworks(rules: tuple[Rule, ...]) -> list[str]:
    return sorted({control.framework for rule in rules for control in rule.controls})


def _catalogue(framework: Framework, rules: tuple[Rule, ...]) -> None:
    open_rows = 0
    for control in framework.controls:
        key = (framework.id, control.id)
        named = [
            _shown(rule) for rule in rules if any((item.framework, item.id) == key for item in rule.controls)
        ]
        parts = [", ".join(named)] if named else []
        if control.scanner:
            parts.append(f"scanner: {control.scanner}")
        open_rows += not parts
        click.echo(f"{control.id:<5} {control.title:<56} {'; '.join(parts) or 'open'}")
    click.echo(f"{len(framework.controls)} entries, {open_rows} open")


def _shown(rule: Rule) -> str:
    marks = [mark for mark, on in (("off", not rule.enabled), ("manual", rule.check is None)) if on]
    return f"{rule.id} ({', '.join(marks)})" if marks else rule.id


def _named(framework: str, rules: tuple[Rule, ...]) -> None:
    controls: dict[str, list[str]] = {}
    for rule in rules:
        for control in rule.controls:
            if control.framework == framework:
                basis = "" if control.basis == "stated" else " (derived)"
                controls.setdefault(control.id, []).append(_shown(rule) + basis)
    for identifier, named in sorted(controls.items()):
        click.echo(f"{identifier:<40} {', '.join(named)}")
    click.echo(f"{len(controls)} controls of {framework} are named by rules")


COMMANDS = {"coverage": coverage}
