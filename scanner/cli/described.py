"""Sources that describe resources in files (`scan --from arm`): their options, and the lazy module that reads each.

A source is one row of `READERS`: a module with `read(tree, described, cloud=..., now=...)` that gives a `Reading`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import click

from scanner.cli.bundle import bundled
from scanner.cli.door import USAGE, Outcome
from scanner.errors import ScannerError
from scanner.inventory.described import unjudged
from scanner.inventory.merge import merged
from scanner.inventory.tree import Tree
from scanner.model.resource import Inventory

READERS: Mapping[str, str] = MappingProxyType(
    {
        "arm": "scanner.cli.described_arm",
        "terraform": "scanner.cli.described_terraform",
        "workload": "scanner.cli.described_workload",
    }
)
"""Name of the source -> the module that reads it."""

_OPTIONS = (
    click.option("--allow-outside-root", is_flag=True, help="Read modules and files of Terraform outside of PATH too."),
    click.option("--var-file", multiple=True, metavar="FILE", help="Values of Terraform's variables. Repeatable, in order."),
    click.option("--var", multiple=True, metavar="NAME=VALUE", help="Value of one of Terraform's variables. Repeatable."),
    click.option("--bicep-cli", metavar="PATH", help="Installed bicep program that compiles .bicep files; nothing is downloaded."),
    click.option("--parameters", multiple=True, metavar="FILE", help="Parameter file of a template; each is one evaluation. Repeatable."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Described:
    """What the options of these sources say, as given."""

    parameters: tuple[str, ...] = ()
    bicep_cli: str | None = None
    var: tuple[str, ...] = ()
    var_file: tuple[str, ...] = ()
    allow_outside_root: bool = False

    @property
    def given(self) -> bool:
        """Whether any of them was used."""
        return bool(self.parameters or self.bicep_cli or self.var or self.var_file or self.allow_outside_root)


class Reading(Protocol):
    """What a reader gives: the inventory, and the files that could not be used although the rest could."""

    @property
    def inventory(self) -> Inventory:
        """Everything that was read."""
        ...

    @property
    def errors(self) -> Sequence[ScannerError]:
        """One error per file that could not be used."""
        ...


def described_options(command: Callable[..., Any]) -> Any:
    """The options of sources that describe resources; they arrive as `described`."""
    return bundled(command, _OPTIONS, tuple(Described.__dataclass_fields__), Described, "described")


def tree_of(paths: Sequence[str]) -> Tree:
    """Files and folders of one kind, as named. Raises `InputError` for one that is not there."""
    return Tree.of([Path(path) for path in paths])


@dataclass(frozen=True, slots=True)
class Read:
    """What was read: the inventory over all sources, and an error for each file and folder that could not be used."""

    inventory: Inventory
    errors: tuple[ScannerError, ...]


def read(sources: Sequence[str], tree: Tree, described: Described, *, cloud: str = "", now: str) -> Read:
    """Read files with the readers of one or more sources."""
    readings: list[Reading] = [
        import_module(READERS[source]).read(tree, described, cloud=cloud, now=now) for source in sources
    ]
    errors = [error for one in readings for error in one.errors]
    inventory = merged([one.inventory for one in readings])
    notes = dict.fromkeys((*inventory.diagnostics, *unjudged(inventory.parts)))
    return Read(replace(inventory, diagnostics=tuple(notes)), (*tree.unread.values(), *errors))


def tell(errors: Sequence[ScannerError], outcome: Outcome) -> None:
    """Print the files that could not be used, and let them decide the exit code."""
    for error in errors:
        click.echo(str(error), err=True)
    number = len(errors)
    if number:
        outcome.add(USAGE, f"{number} file{'s' if number != 1 else ''} could not be used")
