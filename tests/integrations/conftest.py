"""Fixtures of the tests of hosts: a machine, and a registry whose answers were saved on it."""

from __future__ import annotations

import json

import pytest

from tests.integrations.runner import Runner


@pytest.fixture
def machine(tmp_path):
    """A runner with nothing on it."""
    return Runner(tmp_path)


@pytest.fixture
def registry(machine):
    """Saved answers with one registry that has its admin user on."""
    folder = machine.workspace / "saved answers"
    folder.mkdir()
    body = {
        "id": "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/oneacr",
        "name": "oneacr",
        "type": "Microsoft.ContainerRegistry/registries",
        "sku": {"name": "Basic", "tier": "Basic"},
        "properties": {"loginServer": "oneacr.azurecr.io", "adminUserEnabled": True},
    }
    (folder / "registries.json").write_text(json.dumps({"value": [body]}))
    return folder.name
