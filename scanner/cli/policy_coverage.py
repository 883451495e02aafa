"""`acrscan policy coverage`: which controls of a framework have rules, which are manual, and which nothing touches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import click
import orjson

from scanner.cli.options import pack_from
from scanner.errors import UsageError
from scanner.formats._text import visible
from scanner.model.framework import Framework, FrameworkControl
from scanner.model.rule import Rule
from scanner.text import nearest

STATES = ("rules", "manual", "scanner", "untouched", "open")
"""What a control can be: checked by rules, only attested, proved by the scanner, left alone for a reason, or none of it."""


@dataclass(frozen=True, slots=True)
class NamedRule:
    """A rule that names a control, with the basis of that mapping."""

    id: str
    basis: str
    enabled: bool
    manual: bool

    def __str__(self) -> str:
        on = {"off": not self.enabled, "manual": self.manual, self.basis: self.basis != "stated"}
        marks = [mark for mark, holds in on.items() if holds]
        return f"{self.id} ({', '.join(marks)})" if marks else self.id


@dataclass(frozen=True, slots=True)
class Covered:
    """A control and what covers it. `scanner`, `untouched`: as in the catalogue."""

    id: str
    title: str
    state: str
    rules: tuple[NamedRule, ...]
    scanner: str
    untouched: str

    def checked(self) -> bool:
        """Whether a rule that is on decides about it."""
        return any(rule.enabled and not rule.manual for rule in self.rules)

    def words(self) -> str:
        """What covers it, on one line."""
        rules = ", ".join(map(str, self.rules))
        proof = f"scanner: {self.scanner}" if self.scanner else ""
        return "; ".join(part for part in (rules, proof, self.untouched) if part) or "open"


@click.command("coverage")
@click.option("--faq", is_flag=True, help="The FAQ, row by row.")
@click.option("--framework", metavar="ID", help="Another framework, row by row.")
@click.option("--all", "everything", is_flag=True, help="Counts for every framework.")
@click.option(
    "--pack", metavar="DIR|FILE", help="Folder or bundle of the pack (default: the shipped ACR pack)."
)
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
        advice = nearest(wanted or "", known) or f"Frameworks: {', '.join(known)}."
        raise UsageError(f"there is no framework {wanted!r}", "", advice)
    chosen = list(known.values()) if everything else [known[wanted or ""]]
    found = {one.id: list(covered(one, loaded.rules)) for one in chosen}
    if form == "json":
        record = [_record(one, found[one.id]) for one in chosen]
        click.echo(orjson.dumps(record, option=orjson.OPT_INDENT_2).decode())
        return
    for one in chosen:
        rows = found[one.id]
        if not everything:
            _told(one, rows)
        click.echo(_words(one, rows))


def _record(framework: Framework, rows: list[Covered]) -> dict[str, Any]:
    record = {name: value for name, value in asdict(framework).items() if name != "controls"}
    return record | {"counts": _counts(rows), "controls": [asdict(row) for row in rows]}


def _told(framework: Framework, rows: list[Covered]) -> None:
    """One framework for a reader: where the mapping comes from, then each control."""
    named = " ".join(part for part in (framework.title, framework.version) if part)
    for line in (
        named,
        f"source: {framework.source}",
        f"mapping: {framework.mapping}",
        framework.note and f"note: {framework.note}",
    ):
        if line:
            click.echo(visible(line))
    ids = max((len(row.id) for row in rows), default=0)
    titles = max((len(row.title) for row in rows), default=0)
    for row in rows:
        click.echo(visible(f"{row.id:<{ids}}  {row.title:<{titles}}  {row.words()}"))


def _counts(rows: list[Covered]) -> dict[str, int]:
    return {state: sum(row.state == state for row in rows) for state in STATES}


def _words(framework: Framework, rows: list[Covered]) -> str:
    split = ", ".join(f"{number} {state}" for state, number in _counts(rows).items())
    off = sum(row.state == "rules" and not row.checked() for row in rows)
    if off:
        split += f"; {off} only by rules that are off by default"
    extent = "" if framework.complete else " (not the whole framework: see its note)"
    entries = "entry" if len(rows) == 1 else "entries"
    return f"{framework.id}: {len(rows)} {entries}{extent}: {split}"


def covered(framework: Framework, rules: Iterable[Rule]) -> Iterator[Covered]:
    """Each control of a framework with what covers it; controls that rules name and the catalogue lacks come last."""
    by_control: dict[str, list[NamedRule]] = {}
    for rule in rules:
        for control in rule.controls:
            if control.framework == framework.id:
                named = NamedRule(rule.id, control.basis, rule.enabled, rule.check is None)
                by_control.setdefault(control.id, []).append(named)
    held = {one.id for one in framework.controls}
    unknown = [FrameworkControl(one, "(not in the catalogue)") for one in sorted(by_control.keys() - held)]
    for one in (*framework.controls, *unknown):
        named_by = tuple(by_control.get(one.id, ()))
        yield Covered(one.id, one.title, _state(one, named_by), named_by, one.scanner, one.untouched)


def _state(control: FrameworkControl, named: tuple[NamedRule, ...]) -> str:
    if any(not rule.manual for rule in named):
        return "rules"
    if named:
        return "manual"
    return "scanner" if control.scanner else "untouched" if control.untouched else "open"


COMMANDS = {"coverage": coverage}
