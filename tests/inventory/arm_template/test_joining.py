"""Private endpoints in templates: which connections a registry gets from them."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.model.values import UnreadTail
from tests.inventory.arm_template.expanding import REGISTRY, expanded, nested, registry, template

OWN = f"[resourceId('{REGISTRY}', 'acr1')]"


def _endpoint(target: Any = OWN, *, manual: bool = False, **more: Any) -> dict[str, Any]:
    key = "manualPrivateLinkServiceConnections" if manual else "privateLinkServiceConnections"
    return {
        "type": "Microsoft.Network/privateEndpoints",
        "apiVersion": "2023-11-01",
        "name": "pe1",
        "location": "westeurope",
        "properties": {key: [{"name": "c", "properties": {"privateLinkServiceId": target, "groupIds": ["registry"]}}]},
        **more,
    }  # fmt: skip


def _connections(*resources: Any, **more: Any) -> list[Any]:
    found = expanded(template([registry(), *resources], **more))
    rows = [one for one in found.resources if one.type == REGISTRY]
    listed: list[Any] = rows[0].body["properties"]["privateEndpointConnections"]
    return listed


@pytest.mark.parametrize(("manual", "status"), [(False, "Approved"), (True, "Pending")])
def test_an_endpoint_of_the_same_template_connects(manual: bool, status: str):
    """One that asks is approved by who deploys both, a manual one waits; the connection is a resource too."""
    rows = _connections(_endpoint(manual=manual))
    assert len(rows) == 1
    assert rows[0]["properties"]["privateLinkServiceConnectionState"]["status"] == status
    assert rows[0]["properties"]["privateEndpoint"]["id"].endswith("/privateEndpoints/pe1")
    found = expanded(template([registry(), _endpoint(manual=manual)]))
    one = next(one for one in found.resources if one.type == f"{REGISTRY}/privateEndpointConnections")
    assert one.id.endswith("/registries/acr1/privateEndpointConnections/pe1")
    assert one.places[""][0].what == "resource"


def test_an_endpoint_in_a_nested_deployment_connects():
    """A module that makes the endpoint is followed, with the id handed over."""
    inner = nested(
        [_endpoint("[parameters('target')]")],
        parameters={"target": {"type": "string"}},
        values={"target": OWN},
    )
    assert len(_connections(inner)) == 1


@pytest.mark.parametrize(
    "endpoint",
    [
        _endpoint(f"[resourceId('{REGISTRY}', 'other')]"),
        _endpoint("[resourceId('Microsoft.KeyVault/vaults', 'v')]"),
        _endpoint(condition=False),
        _endpoint(properties=None),
        _endpoint(properties={"privateLinkServiceConnections": [3, {}, {"properties": {}}]}),
    ],
)
def test_endpoints_of_something_else(endpoint: dict[str, Any]):
    """What leads elsewhere, is not deployed or leads nowhere, connects nothing."""
    assert _connections(endpoint) == []


@pytest.mark.parametrize(
    "endpoint",
    [
        _endpoint("[parameters('target')]"),
        _endpoint("[concat('x', parameters('target'))]"),
        _endpoint("[parameters('either')]"),
        _endpoint(condition="[parameters('on')]"),
        _endpoint(properties="[parameters('all')]"),
        _endpoint(properties={"privateLinkServiceConnections": "[parameters('all').rows]"}),
    ],
)
def test_endpoints_that_may_lead_to_the_registry(endpoint: dict[str, Any]):
    """Where that is not known the list stays open: more connections may be there."""
    rows = _connections(
        endpoint,
        parameters={
            "target": {"type": "string"},
            "either": {"type": "string", "allowedValues": ["a", "b"]},
            "on": {"type": "bool"},
            "all": {"type": "object"},
        },
    )
    assert len(rows) == 1
    assert isinstance(rows[0], UnreadTail)
