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


def _read(name: str, key: str) -> Mapping[str, Mapping[str, Any]]:
    content: dict[str, Any] = json.loads((_FOLDER / name).read_text("utf-8"))
    found: Mapping[str, Mapping[str, Any]] = content[key]
    return found
