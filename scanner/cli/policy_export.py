"""`acrscan policy export --azure-policy`: rules become Azure Policy definitions; rules without one are listed with the reason."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from scanner.cli.door import USAGE, Outcome
from scanner.cli.options import pack_from, rule_options
from scanner.cli.proofs import safe
from scanner.cli.show import say
from scanner.errors import OutputError, UsageError

if TYPE_CHECKING:
    from scanner.language.azure_policy.exporting import Exported, Kept

_SCOPE = re.compile(
    r"/subscriptions/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/?"
    r"|/providers/Microsoft\.Management/managementGroups/[A-Za-z0-9_.()-]{1,90}/?",
    re.IGNORECASE | re.ASCII,
)
NOWHERE = "/subscriptions/00000000-0000-0000-0000-000000000000"


@click.command("export")
@rule_options
@click.option("--azure-policy", is_flag=True, help="The form to write: Azure Policy definitions (JSON).")
@click.option(
    "--out", metavar="DIR", help="Write one file a definition, and initiative.json, there (default: print)."
)
@click.option("--aliases", metavar="FILE", help="Azure's table of aliases: only those in it are used.")
@click.option(
    "--scope", default="", metavar="ID", help="Where the definitions will be made, for the initiative."
)
@click.option(
    "--reasons", metavar="FILE", help="Write the rules without a definition, with reasons, as JSON."
)
def export_policies(
    pack: str | None,
    profile: tuple[str, ...],
    param: tuple[str, ...],
    rule: tuple[str, ...],
    skip_rule: tuple[str, ...],
    azure_policy: bool,
    out: str | None,
    aliases: str | None,
    scope: str,
    reasons: str | None,
) -> Outcome:
    """Write rules as Azure Policy definitions with an initiative; nothing is sent to Azure.

    A definition says non-compliant where the rule fails and compliant where it passes. Rules that Azure's language cannot
    express (related data, access, operators without a counterpart) are listed with the reason.

    \b
    Examples:
      acrscan policy export --azure-policy --out policies-for-azure/ --scope /subscriptions/ID
      acrscan policy export --azure-policy --rule ACR101
      acrscan policy export --azure-policy --aliases aliases.json --out out/ --reasons left.json
    """
    if not azure_policy:
        raise UsageError("no form is named", "", "Azure Policy is the one that exists: --azure-policy.")
    if scope and not _SCOPE.fullmatch(scope):
        advice = (
            "A definition lies in /subscriptions/ID or /providers/Microsoft.Management/managementGroups/NAME."
        )
        raise UsageError(f"--scope {scope!r} is no place for definitions", "", advice)
    from scanner.language.azure_policy.exporting import Kept, export_rule, initiative  # noqa: PLC0415
    from scanner.language.azure_policy.initiatives import fixed_aliases, read_aliases  # noqa: PLC0415

    loaded = pack_from(pack, profile, param, rule, skip_rule)
    table = read_aliases(Path(aliases)) if aliases else {}
    fixed = fixed_aliases(Path(aliases)) if aliases else frozenset()
    made: list[Exported] = []
    kept: list[Kept] = []
    for one in loaded.rules:
        if not one.enabled:
            continue
        found, reason = export_rule(one, loaded, table, fixed)
        made += found
        if reason:
            kept.append(Kept(one.id, one.title, reason))
    whole = initiative(loaded, tuple(made), scope or NOWHERE) if made else None
    if out:
        _write_all(Path(out), made, whole)
    else:
        click.echo(_json([one.content for one in made] if len(made) != 1 else made[0].content))
    for note in (written.note for written in made if written.note):
        say(safe(note))
    for without in kept:
        say(safe(f"no definition of {without.rule}: {without.reason}"))
    if reasons:
        rows = [{"rule": one.rule, "title": one.title, "reason": one.reason} for one in kept]
        _write(Path(reasons), _json(rows))
    if made and out and not scope:
        say(f"--scope was not given: the initiative names definitions below {NOWHERE}")
    if made and not aliases:
        say("aliases are of the regular form and were not checked: --aliases FILE names those that Azure has")
    rules = len({one.rule for one in made})
    say(f"{rules} rules as {len(made)} definitions, {len(kept)} rules without one")
    outcome = Outcome()
    if not made:
        outcome.add(USAGE, "no rule could be exported")
    return outcome


def _write_all(folder: Path, made: list[Exported], whole: dict[str, Any] | None) -> None:
    """Write what was made; definitions of an earlier export stay, and are named."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot be made: {error.strerror or error}", str(folder)) from error
    for one in made:
        _write(folder / f"{one.file}.json", _json(one.content))
    if whole is not None:
        _write(folder / "initiative.json", _json(whole))
    ours = {*(f"{one.file}.json" for one in made), "initiative.json"}
    others = sorted(path.name for path in folder.glob("*.json") if path.name not in ours)
    if others:
        shown = ", ".join(others[:5]) + (" ..." if len(others) > 5 else "")
        say(safe(f"not of this export, left as they are: {shown}"))


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror or error}", str(path)) from error


COMMANDS = {"export": export_policies}
