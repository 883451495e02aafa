"""A synthetic snapshot of any size: registries with the usual spread of settings, complete (mostly empty) collections.

Written straight to disk, line by line, in the snapshot's own form.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

NOW = "2026-11-25T02:00:00Z"
SUBSCRIPTIONS = [f"00000000-0000-4000-8000-{number:012d}" for number in range(20)]
REGISTRIES = "Microsoft.ContainerRegistry/registries"


def registry(number: int) -> dict[str, Any]:
    """One registry body, about 2.8 KB, the same for the same number."""
    dice = random.Random(number)
    subscription = SUBSCRIPTIONS[number % len(SUBSCRIPTIONS)]
    name = f"acr{number:08d}"
    sku = dice.choice(["Basic", "Standard", "Premium", "Premium"])
    premium = sku == "Premium"
    closed = premium and dice.random() < 0.5
    identifier = (
        f"/subscriptions/{subscription}/resourceGroups/rg-{number % 97:03d}/providers/{REGISTRIES}/{name}"
    )
    return {
        "id": identifier,
        "name": name,
        "type": REGISTRIES,
        "location": dice.choice(["westeurope", "eastus", "southeastasia"]),
        "tags": {"owner": f"team-{number % 50}", "costCenter": str(number % 9), "note": "x" * 200},
        "systemData": {"createdAt": "2024-05-01T10:00:00.0000000Z", "lastModifiedAt": "2026-01-01T10:00:00.0000000Z", "createdBy": "pipeline", "createdByType": "Application"},
        "sku": {"name": sku, "tier": sku},
        "identity": {"type": "SystemAssigned", "principalId": f"11111111-0000-4000-8000-{number:012d}", "tenantId": SUBSCRIPTIONS[0]},
        "properties": {
            "loginServer": f"{name}.azurecr.io",
            "creationDate": "2024-05-01T10:00:00.1234567Z",
            "provisioningState": "Succeeded",
            "adminUserEnabled": dice.random() < 0.15,
            "anonymousPullEnabled": False,
            "publicNetworkAccess": "Disabled" if closed else "Enabled",
            "networkRuleSet": {"defaultAction": "Deny" if closed else "Allow", "ipRules": [{"action": "Allow", "value": f"203.0.113.{host}"} for host in range(5)]} if premium else None,
            "networkRuleBypassOptions": "AzureServices",
            "networkRuleBypassAllowedForTasks": False,
            "dataEndpointEnabled": closed,
            "dataEndpointHostNames": [],
            "zoneRedundancy": "Disabled",
            "roleAssignmentMode": "LegacyRegistryPermissions",
            "encryption": {"status": "disabled"},
            "policies": {
                "quarantinePolicy": {"status": "disabled"},
                "trustPolicy": {"type": "Notary", "status": "disabled"},
                "retentionPolicy": {"days": 7, "lastUpdatedTime": "2024-05-01T10:00:00Z", "status": "disabled"},
                "exportPolicy": {"status": "disabled" if closed else "enabled"},
                "azureADAuthenticationAsArmPolicy": {"status": "enabled"},
            },
            "privateEndpointConnections": [],
        },
    }  # fmt: skip


def _records(count: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for number in range(count):
        body = registry(number)
        yield (
            body["id"].lower().replace("/", "\x01"),
            {
                "id": body["id"],
                "type": REGISTRIES,
                "name": body["name"],
                "location": body["location"],
                "apiVersion": "2026-01-01-preview" if number % 2 else "2025-11-01",
                "body": body,
                "unread": {},
                "hidden": {},
                "origin": {
                    "source": "saved",
                    "where": "benchmark",
                    "line": None,
                    "column": None,
                    "collectedAt": NOW,
                },
            },
        )


def write(folder: Path, count: int) -> None:
    """A snapshot folder with `count` registries; every other collection is complete and empty."""
    from scanner.inventory import snapshot  # noqa: PLC0415
    from scanner.model.resource import Inventory, Resource, SourceRun  # noqa: PLC0415
    from scanner.types import all_types  # noqa: PLC0415

    class Registries:
        type = REGISTRIES

        def __len__(self) -> int:
            return count

        def __iter__(self) -> Iterator[Resource]:
            lines = sorted((key, orjson.dumps(record)) for key, record in _records(count))
            for _, line in lines:
                record = orjson.loads(line)
                yield Resource(
                    record["id"],
                    REGISTRIES,
                    record["name"],
                    record["body"],
                    record["location"],
                    record["apiVersion"],
                )

    runs = tuple(
        SourceRun("saved", name, "complete", count if name == REGISTRIES else 0, collected_at=NOW)
        for name in all_types()
        if not name.startswith("acrscan/")
    )
    digest = hashlib.sha256(str(count).encode()).hexdigest()
    inventory = Inventory({REGISTRIES.lower(): Registries()}, runs, digest, NOW)
    snapshot.write(inventory, folder, tool_version="benchmark", started=NOW, ended=NOW)
