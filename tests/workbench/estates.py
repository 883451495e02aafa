"""Small estates for tests: registries by name with the properties that matter; the same ones as a snapshot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scanner.inventory import saved, snapshot
from scanner.model.resource import Inventory

HOME = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries"
NOW = "2026-11-25T02:00:00Z"


def inventory(place: Path, registries: dict[str, dict[str, Any]]) -> Inventory:
    """An inventory of registries; `sku` among the properties is the tier, `tags` are tags."""
    rows = []
    for name, given in registries.items():
        properties = {
            "loginServer": f"{name}.azurecr.io",
            "provisioningState": "Succeeded",
            "adminUserEnabled": False,
            **given,
        }
        tier = properties.pop("sku", "Premium")
        tags = properties.pop("tags", {})
        rows.append(
            {
                "id": f"{HOME}/{name}",
                "name": name,
                "type": "Microsoft.ContainerRegistry/registries",
                "location": "westeurope",
                "sku": {"name": tier, "tier": tier},
                "tags": tags,
                "properties": properties,
            }
        )
    place.mkdir(parents=True, exist_ok=True)
    (place / "registries.json").write_text(json.dumps({"value": rows}))
    return saved.collect([place], now=NOW, api_version="2025-11-01")


def stored(place: Path, registries: dict[str, dict[str, Any]]) -> Path:
    """The same as a snapshot folder."""
    found = inventory(place.parent / f"{place.name}-answers", registries)
    snapshot.write(found, place, tool_version="0", started=NOW, ended=NOW)
    return place
