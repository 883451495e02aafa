"""The role of docs/permissions: it reads everything that a collection reads, and cannot write, pull or see a credential."""

from __future__ import annotations

import json

import pytest

from scanner.inventory import live
from scanner.inventory.collecting import may
from tests.inventory.live import ROOT

ROLE = json.loads((ROOT / "docs/permissions/acrscan-reader.json").read_text("utf-8"))
ROWS = [{"actions": ROLE["Actions"], "notActions": ROLE["NotActions"]}]
R = "Microsoft.ContainerRegistry/registries"


@pytest.mark.parametrize("kind", live.COLLECTED)
def test_every_collection_is_covered(kind):
    assert may(ROWS, live.read_action(kind))


@pytest.mark.parametrize(
    "action",
    [
        f"{R}/listCredentials/action",
        f"{R}/regenerateCredential/action",
        f"{R}/generateCredentials/action",
        f"{R}/importImage/action",
        f"{R}/scheduleRun/action",
        f"{R}/webhooks/getCallbackConfig/action",
        f"{R}/pull/read",
        f"{R}/quarantine/read",
        f"{R}/deleted/read",
        f"{R}/push/write",
        f"{R}/write",
        f"{R}/delete",
        "Microsoft.Authorization/roleAssignments/write",
        "Microsoft.Insights/diagnosticSettings/write",
        "Microsoft.PolicyInsights/policyStates/triggerEvaluation/action",
        "Microsoft.Storage/storageAccounts/listKeys/action",
    ],
)
def test_nothing_else_is(action):
    assert not may(ROWS, action)


def test_data_actions_are_none():
    assert ROLE["DataActions"] == []


@pytest.mark.parametrize(
    ("pattern", "action", "fits"),
    [
        ("*", "A/b/read", True),
        ("*/read", "A/b/read", True),
        ("*/READ", "a/B/read", True),
        ("A/*/read", "A/b/c/read", True),
        ("A/b/read", "A/b/reader", False),
        ("A.b/read", "Axb/read", False),
    ],
)
def test_wildcards(pattern, action, fits):
    assert may([{"actions": [pattern], "notActions": []}], action) is fits
    assert not may([{"actions": ["*"], "notActions": [pattern]}], action) or not fits
