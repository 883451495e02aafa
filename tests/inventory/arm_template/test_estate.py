"""The synthetic estate as a template: its answers, written as one subscription template, give the verdicts of the answers."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from scanner import data, pipeline
from scanner.cli.options import inventory_from, pack_from
from scanner.engine.evaluate import Options
from scanner.inventory.record import stripped
from scanner.model import ids
from scanner.model.resource import Inventory, Resource
from tests.inventory.arm_template.expanding import REGISTRY, nested, read, template, write

NOW = "2026-11-25T02:00:00Z"
SUBSCRIPTION = "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#"
CHILDREN = ("replications", "webhooks", "tokens", "scopeMaps", "cacheRules", "credentialSets", "tasks", "agentPools", "connectedRegistries")  # fmt: skip
EXTENSIONS = ("Microsoft.Insights/diagnosticSettings", "Microsoft.Authorization/locks")
OTHERS = ("Microsoft.Network/privateEndpoints", "Microsoft.Network/privateEndpoints/privateDnsZoneGroups")
READ_ONLY = frozenset({"provisioningState", "creationDate", "loginServer", "dataEndpointHostNames", "privateEndpointConnections"})  # fmt: skip
LIVE_ONLY = frozenset({"ACR315", "ACR511"})
"""Rules about a state that only Azure reports."""
PENDING = "harbourpending"
"""A registry whose endpoint somebody still has to approve: a template cannot tell."""


def _written(value: Any) -> Any:
    """A value as a template writes it: brackets at the start of a text are escaped."""
    if isinstance(value, str):
        return f"[{value}" if value.startswith("[") else value
    if isinstance(value, dict):
        return {_written(key): _written(item) for key, item in value.items()}
    return [_written(item) for item in value] if isinstance(value, list) else value


def _row(resource: Resource, real: dict[str, str]) -> dict[str, Any]:
    body = stripped(resource.body)
    kept = {key: item for key, item in body.items() if key not in ("id", "name", "type", "systemData")}
    properties = kept.get("properties") or {}
    kept["properties"] = {key: item for key, item in properties.items() if key not in READ_ONLY}
    parent, _, tail = resource.id.rpartition("/providers/")
    row = {
        "type": resource.type,
        "apiVersion": "2025-11-01",
        "name": "/".join(tail.split("/")[2::2]),
        **_written(kept),
    }
    if resource.type in EXTENSIONS and ids.normalise(parent) in real:
        row["scope"] = real[ids.normalise(parent)]
    return row


def _estate(inventory: Inventory) -> dict[str, Any]:
    """The estate as a subscription template: one nested deployment per resource group; ids lead to what is described."""
    kinds = (REGISTRY, *(f"{REGISTRY}/{leaf}" for leaf in CHILDREN), *EXTENSIONS, *OTHERS)
    rows = [row for kind in kinds for row in inventory.parts.get(kind.lower(), ())]
    real = {}
    for row in rows:
        subscription, group = ids.subscription_of(row.id), ids.resource_group_of(row.id)
        tail = row.id.rpartition("/providers/")[2].split("/")
        kind, names = "/".join([tail[0], *tail[1::2]]), ", ".join(f"'{name}'" for name in tail[2::2])
        real[ids.normalise(row.id)] = f"[resourceId('{subscription}', '{group}', '{kind}', {names})]"
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        parent = row.id.rpartition("/providers/")[0]
        if row.type in EXTENSIONS and ids.normalise(parent) not in real and "/providers/" in parent:
            continue  # locks and settings of what is not described
        if row.type in EXTENSIONS and not ids.resource_group_of(row.id):
            continue  # on a whole subscription
        written = _row(row, real)
        for name in ("privateLinkServiceConnections", "manualPrivateLinkServiceConnections"):
            for connection in written["properties"].get(name) or ():
                target = connection["properties"]["privateLinkServiceId"]
                connection["properties"]["privateLinkServiceId"] = real.get(ids.normalise(target), target)
        groups[ids.subscription_of(row.id), ids.resource_group_of(row.id)].append(written)
    content = template(
        [
            nested(found, name=f"group{number}", subscriptionId=subscription, resourceGroup=group)
            for number, ((subscription, group), found) in enumerate(sorted(groups.items()))
        ]
    )
    return {**content, "$schema": SUBSCRIPTION}


def _verdicts(inventory: Inventory) -> dict[tuple[str, str, str], set[str]]:
    scan = pipeline.scan(pack_from(None), inventory, now=NOW, words="test", options=Options(keep_passes=True))
    found: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for one in scan.findings:
        found[one.rule, one.resource_name.lower(), one.resource_type].add(one.verdict.value)
    return found


def test_the_estate_as_a_template_gives_the_verdicts_of_its_answers(tmp_path: Path):
    """Every rule that both forms can decide, on every registry and child of the estate, says the same of both."""
    estate = data.estate()
    live = inventory_from((str(estate / "answers"),), "saved", str(estate / "principals.json"), None, NOW)
    found = read(write(tmp_path, {"estate.json": _estate(live)}))
    assert found.errors == []
    answers, described = _verdicts(live), _verdicts(found.inventory)
    decided = ({"pass"}, {"fail"})
    differing = {
        key: (answers[key], described[key])
        for key in answers.keys() & described.keys()
        if answers[key] in decided
        and described[key] in decided
        and answers[key] != described[key]
        and key[0] not in LIVE_ONLY
        and key[1] != PENDING
    }
    assert differing == {}
    same = [key for key in answers.keys() & described.keys() if answers[key] in decided and answers[key] == described[key]]  # fmt: skip
    assert len(same) >= 200
    assert len({rule for rule, _, _ in same}) >= 30
