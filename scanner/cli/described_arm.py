"""The source `arm`: paths and options come in, what ARM templates and compiled Bicep describe comes out."""

from __future__ import annotations

from pathlib import Path

from scanner.cli.described import Described
from scanner.inventory.arm_template.functions_resources import CLOUDS
from scanner.inventory.arm_template.reading import Reading, Wanted, read_arm
from scanner.inventory.tree import Tree


def read(tree: Tree, described: Described, *, cloud: str, now: str) -> Reading:
    """Read templates. `cloud`: what `environment()` means, "" for the public one."""
    known = next((name for name in CLOUDS if name.lower() == cloud.lower()), CLOUDS[0])
    wanted = Wanted(tuple(Path(name) for name in described.parameters), described.bicep_cli, known)
    return read_arm(tree, wanted, now=now)
