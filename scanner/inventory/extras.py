"""What else is read of each registry when a user asks for it: the data plane, and a probe of its endpoints."""

from __future__ import annotations

from collections.abc import Callable

from scanner.inventory._azure.client import Client
from scanner.inventory.attempt import Attempt
from scanner.inventory.collecting import Brief, Extra


def extras_for(
    *,
    data_plane: bool,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    max_repositories: int,
    max_manifests: int,
    probe: bool,
) -> tuple[Callable[[Client], Extra] | None, tuple[str, ...]]:
    """(what makes the work for an open client, the collections it answers for)."""
    return None, ()
