"""`acrscan policy new ID`: the skeleton of a rule file, with tests that fail until they are filled in."""

from __future__ import annotations

from pathlib import Path

import click

from scanner.cli.show import say
from scanner.errors import OutputError, UsageError
from scanner.language.rules import NAME, RULE_ID
from scanner.workbench.scaffold import skeleton


@click.command("new")
@click.argument("rule_id", metavar="ID")
@click.option("--name", required=True, metavar="kebab-case", help="Short name of the rule.")
@click.option("--target", default="Microsoft.ContainerRegistry/registries", show_default=True, metavar="TYPE")
@click.option(
    "--dir", "folder", default=".", show_default=True, metavar="DIR", help="Folder to write the file to."
)
def new(rule_id: str, name: str, target: str, folder: str) -> None:
    """Write the skeleton of a rule, with tests to fill in.

    \b
    Example:
      acrscan policy new ACME101 --name team-tag-set --dir my-pack/
    """
    if not RULE_ID.match(rule_id):
        raise UsageError(
            f"the id {rule_id!r} must be 2 to 8 capitals and 3 to 10 digits", "", "Such as ACME101."
        )
    if not NAME.match(name):
        raise UsageError(f"the name {name!r} must be lower-case words joined by dashes")
    path = Path(folder) / f"{rule_id}-{name}.yaml"
    if path.exists():
        raise OutputError("exists already", str(path), "Choose another id or name.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(skeleton(rule_id, name, target), encoding="utf-8")
    say(f"wrote {path}; `acrscan policy test {path}` runs its tests")


COMMANDS = {"new": new}
