"""The source `terraform`: paths and options come in, what folders and plans of Terraform describe comes out."""

from __future__ import annotations

from pathlib import Path

from scanner.cli.described import Described
from scanner.inventory.terraform.collecting import Reading, Wanted, read_tree
from scanner.inventory.tree import Tree


def read(tree: Tree, described: Described, *, cloud: str, now: str) -> Reading:
    """Read folders and plans. `cloud` changes nothing: ids are the same in every cloud."""
    del cloud
    wanted = Wanted(
        described.var, tuple(Path(name) for name in described.var_file), described.allow_outside_root
    )
    return read_tree(tree, wanted, now=now)
