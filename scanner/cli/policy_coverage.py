"""`acrscan policy coverage`: which controls of a framework have rules, which are manual, and which nothing touches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

import click
import orjson

from scanner.cli.options import pack_from
from scanner.errors import UsageError
from scanner.model.framework import Framework, FrameworkControl
from scanner.model.rule import Rule
from scanner.text import nearest


@dataclass(frozen=True, slots=True)
class Covered:
    """A control and what covers it. `state`: rules, manual, scanner, untouched or open (nobody says anything about it)."""

    id: str
    title: str
    state: str
    rules: tuple[str, ...]
    why: str


@click.command("coverage")
@click.option("--faq", is_flag=True, help="The FAQ, row by row.")
@click.option("--framework", metavar="ID", help="Another framework, row by row.")
@click.option("--all", "everything", is_flag=True, help="Counts for every framework.")
@click.option("--pack", metavar="DIR", help="Folder of the pack (default: the shipped ACR pack).")
@click.option(
    "-f", "--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True
)
def coverage(faq: bool, framework: str | None, everything: bool, pack: str | None, form: str) -> None:
    """Show which FAQ entries and controls have rules, which are manual, and which are not touched, with the reason.

    \b
    Examples:
      acrscan policy coverage --faq
      acrscan policy coverage --framework mcsb-v2
      acrscan policy coverage --all -f json
    """
    loaded = pack_from(pack)
    known = {one.id: one for one in loaded.frameworks}
    wanted = "faq" if faq else framework
    if bool(faq) + bool(framework) + bool(everything) != 1:
        raise UsageError(
            "coverage needs --faq, --framework ID or --all", "", f"Frameworks: {', '.join(known)}."
        )
    if not everything and wanted not in known:
        raise UsageError(f"there is no framework {wanted!r}", "", nearest(wanted or "", known))
    chosen = list(known.values()) if everything else [known[wanted or ""]]
    found = {one.id: list(covered(one, loaded.rules)) for one in chosen}
    if form == "json":
        record = [
            {
                "id": one.id,
                "title": one.title,
                "version": one.version,
                "source": one.source,
                "mapping": one.mapping,
                "note": one.note,
                "complete": one.complete,
                "controls": [asdict(row) for row in found[one.id]],
            }
            for one in chosen
        ]
        click.echo(orjson.dumps(record, option=orjson.OPT_INDENT_2).decode())
        return
    for one in chosen:
        rows = found[one.id]
        if not everything:
            for row in rows:
                parts = [", ".join(row.rules), row.why if row.state != "open" else "open"]
                click.echo(f"{row.id:<12} {row.title:<56} {'; '.join(part for part in parts if part)}")
        click.echo(_counts(one, rows))


def _counts(framework: Framework, rows: list[Covered]) -> str:
    states = ("rules", "manual", "scanner", "untouched", "open")
    split = ", ".join(f"{sum(row.state == state for row in rows)} {state}" for state in states)
    extent = "" if framework.complete else " (those that a source or a rule names)"
    return f"{framework.id}: {len(rows)} entries{extent}: {split}"


def covered(framework: Framework, rules: Iterable[Rule]) -> Iterator[Covered]:
    """Each control of a framework with what covers it."""
    by_control: dict[str, list[tuple[Rule, str]]] = {}
    for rule in rules:
        for control in rule.controls:
            if control.framework == framework.id:
                by_control.setdefault(control.id, []).append((rule, control.basis))
    for one in framework.controls:
        named = by_control.get(one.id, [])
        yield Covered(
            one.id, one.title, _state(one, named), tuple(_shown(*pair) for pair in named), _why(one)
        )


def _state(control: FrameworkControl, named: list[tuple[Rule, str]]) -> str:
    if any(rule.check is not None for rule, _ in named):
        return "rules"
    if named:
        return "manual"
    return "scanner" if control.scanner else "untouched" if control.untouched else "open"


def _why(control: FrameworkControl) -> str:
    return f"scanner: {control.scanner}" if control.scanner else control.untouched


def _shown(rule: Rule, basis: str) -> str:
    on = {"off": not rule.enabled, "manual": rule.check is None, basis: basis != "stated"}
    marks = [mark for mark, holds in on.items() if holds]
    return f"{rule.id} ({', '.join(marks)})" if marks else rule.id


COMMANDS = {"coverage": coverage}
