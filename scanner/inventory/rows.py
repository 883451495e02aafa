"""Rows of answers: one row comes in, its type, id and raw body come out, in whatever form Azure or `az` wrote it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from scanner.inventory.requests import Listed
from scanner.model import ids
from scanner.types import facts_for

USAGES = "Microsoft.ContainerRegistry/registries/usages"
STATES = "Microsoft.PolicyInsights/policyStates"
SUBSCRIPTIONS = "Microsoft.Resources/subscriptions"
ROLES = "Microsoft.Authorization/roleDefinitions"


def identify(row: dict[str, Any], request: Listed | None) -> tuple[str, str, dict[str, Any]] | None:
    """(type, id, body), or None for a row nobody can place. A usage without a registry has the id ""."""
    keys = {key.lower(): key for key in row}
    if {"currentvalue", "limit", "name"} <= keys.keys() and "id" not in keys:
        home = request.scope if request is not None and request.type == USAGES else ""
        return USAGES, f"{home}/usages/{row[keys['name']]}" if home else "", row
    if {"policyassignmentid", "compliancestate"} <= keys.keys():
        return STATES, _state_id(row, keys), row
    identifier = row.get(keys.get("id", "id"))
    if not isinstance(identifier, str) or not identifier:
        return None
    if "/" not in identifier:
        return _account(row, identifier)
    if not identifier.startswith("/"):
        identifier = f"/{identifier}"
    named = row.get(keys.get("type", "type"))
    kind = ids.type_of(identifier)
    if isinstance(named, str) and facts_for(named) is not None and "/" in named:
        kind = named
    if kind.lower() == ROLES.lower() and "roletype" in keys and "properties" not in keys:
        # `az role definition list` calls the role's own type `roleType` and lifts everything out of `properties`.
        rest = {
            key: value for key, value in row.items() if key.lower() not in ("id", "name", "type", "roletype")
        }
        row = {
            "id": identifier,
            "name": row.get("name"),
            "properties": {**rest, "type": row[keys["roletype"]]},
        }
    return (kind, identifier, row) if kind else None


def _state_id(row: dict[str, Any], keys: dict[str, str]) -> str:
    """Policy states have no id; one is made of what they are about, so that the latest ones tell apart."""
    parts = [
        row.get(keys.get(key, ""))
        for key in ("resourceid", "policyassignmentid", "policydefinitionreferenceid", "policydefinitionid")
    ]
    about = json.dumps(parts).lower()
    target = parts[0] if isinstance(parts[0], str) else ""
    return f"{target}/providers/{STATES}/{hashlib.sha256(about.encode()).hexdigest()[:32]}"


def _account(row: dict[str, Any], identifier: str) -> tuple[str, str, dict[str, Any]] | None:
    """A row of `az account list`: the id is the bare subscription id, the name the display name."""
    if "tenantId" not in row and "cloudName" not in row:
        return None
    path = f"/subscriptions/{identifier}"
    return (
        SUBSCRIPTIONS,
        path,
        {**row, "id": path, "subscriptionId": identifier, "displayName": row.get("name")},
    )
