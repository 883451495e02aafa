"""Built-in roles and policy definitions that Azure documents, by lower-case GUID: facts for inventories that lack them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent


@lru_cache(maxsize=1)
def roles() -> Mapping[str, Mapping[str, Any]]:
    """GUID -> `name` and `permissions` (as a role definition's body has them)."""
    return _read("roles.json", "roles")


@lru_cache(maxsize=1)
def policies() -> Mapping[str, Mapping[str, Any]]:
    """GUID -> `name`, `effects` (allowed ones) and `default` effect of the definitions about container registries."""
    return _read("policies.json", "definitions")


@lru_cache(maxsize=1)
def mirrors() -> Mapping[str, Mapping[str, Any]]:
    """GUID of an audit definition that the acr pack mirrors -> `rule`, `condition` and `mended_by`, in the order of the rules.

    It stands here and not in the pack: two rules compare with Azure (ACR501, ACR503) and name the same GUIDs, so the
    rules' own `controls` do not tell which of them asks for the same, and a pack has no place for GUIDs. `condition` is
    the name of the pack's definition that holds where Azure says NonCompliant, or "" where registries alone do not tell.
    """
    return _read("mirrors.json", "definitions")


def _read(name: str, key: str) -> Mapping[str, Mapping[str, Any]]:
    content: dict[str, Any] = json.loads((_FOLDER / name).read_text("utf-8"))
    found: Mapping[str, Mapping[str, Any]] = content[key]
    return found
