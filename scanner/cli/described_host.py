"""The source `host`: options come in, what the roots of Docker hosts hold comes out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scanner.cli.described import Described
from scanner.errors import UsageError
from scanner.inventory.host.reading import Reading, Wanted, read_hosts


def read(paths: Sequence[Path], described: Described, *, cloud: str, now: str) -> Reading:
    """Read hosts. `cloud` changes nothing; roots are named by an option, as without one the running host is meant."""
    del cloud
    if paths:
        raise UsageError(
            "--from host reads no PATH",
            "",
            f"Write --root {paths[0].as_posix()} if that folder is a host's root.",
        )
    if described.given:
        raise UsageError(
            "--parameters and --bicep-cli are for templates", "", "Leave them out, or --from host."
        )
    return read_hosts(Wanted(tuple(Path(root) for root in described.root), described.home), now=now)
