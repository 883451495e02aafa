"""The source `workload`: a tree comes in, what Dockerfiles, manifests, pipelines and scripts say of images and logins comes out."""

from __future__ import annotations

from scanner.cli.described import Described
from scanner.errors import UsageError
from scanner.inventory.tree import Tree
from scanner.inventory.workload.reading import Reading, read_workload


def read(tree: Tree, described: Described, *, cloud: str, now: str) -> Reading:
    """Read workloads. `cloud` says nothing here: every cloud's registries are known by their names."""
    del cloud
    if described.given and not tree.mixed:
        raise UsageError(
            "--parameters and --bicep-cli are for templates", "", "Leave them out, or use --from arm."
        )
    return read_workload(tree, now=now)
