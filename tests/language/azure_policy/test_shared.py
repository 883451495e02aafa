"""The 18 built-in definitions of category Container Registry, each asked of bodies whose answer was worked out by hand.

An extra check: it is left out where the shared data is not present. tests/engine/azure stands alone.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scanner.language.azure_policy.bulk import Bulk
from scanner.language.azure_policy.importing import Options
from scanner.model.values import Unknown
from tests.conftest import SHARED
from tests.language.azure_policy.asking import REGISTRIES, verdict

FOLDER = SHARED / "data" / "azure-policy"
TOKENS = f"{REGISTRIES}/tokens"
ENDPOINTS = "Microsoft.Network/privateEndpoints"
ZONES = f"{ENDPOINTS}/privateDnsZoneGroups"
needed = pytest.mark.skipif(not FOLDER.is_dir(), reason="extra check left out: ../shared is not present")

ARM = "policies", "azureADAuthenticationAsArmPolicy"


def registry(tier="Premium", **properties):
    return {"sku": {"name": tier}, "properties": {"loginServer": "x.azurecr.io", **properties}}


def connection(status):
    return {"properties": {"privateLinkServiceConnectionState": {"status": status}}}


def arm(status):
    return registry(policies={"azureADAuthenticationAsArmPolicy": {"status": status}})


def endpoint(*groups):
    return {
        "properties": {
            "privateLinkServiceConnections": [{"properties": {"groupIds": list(g)}} for g in groups]
        }
    }


AUDIENCE = [
    (registry(), "fail"),
    (arm("enabled"), "fail"),
    (arm("Enabled"), "fail"),
    (arm(None), "fail"),
    (arm("disabled"), "pass"),
    (arm(Unknown("403")), "unknown"),
]
ADMIN = [
    (registry(adminUserEnabled=True), "fail"),
    (registry(adminUserEnabled="True"), "fail"),
    (registry(adminUserEnabled=False), "pass"),
    (registry(), "pass"),
    (registry("Basic", adminUserEnabled=None), "pass"),
]
ANONYMOUS = [
    (registry(anonymousPullEnabled=True), "fail"),
    (registry(anonymousPullEnabled=False), "pass"),
    (registry(), "pass"),
]
PUBLIC = [
    (registry(publicNetworkAccess="Disabled"), "pass"),
    (registry(publicNetworkAccess="disabled"), "pass"),
    (registry(publicNetworkAccess="Enabled"), "fail"),
    (registry(), "fail"),
]
TOKEN = [
    ({"properties": {"status": "enabled"}}, "fail"),
    ({"properties": {"status": "DISABLED"}}, "pass"),
    ({"properties": {}}, "fail"),
]
EXPECTED = {
    "ACR_AADAuthenticationAsArmDisabled_Modify": (REGISTRIES, AUDIENCE),
    "ACR_AADAuthenticationAsArmPolicy_AuditDeny": (REGISTRIES, AUDIENCE),
    "ACR_AdminAccountDisabled_AuditDeny": (REGISTRIES, ADMIN),
    "ACR_AdminAccountDisabled_Modify": (REGISTRIES, ADMIN),
    "ACR_AnonymousPullDisabled_AuditDeny": (REGISTRIES, ANONYMOUS),
    "ACR_AnonymousPullDisabled_Modify": (REGISTRIES, ANONYMOUS),
    "ACR_CMKEncryptionEnabled_Audit": (
        REGISTRIES,
        [
            (registry(encryption={"status": "Enabled"}), "pass"),
            (registry(encryption={"status": "disabled"}), "fail"),
            (registry(), "fail"),
        ],
    ),
    "ACR_ExportPolicy_AuditDeny": (
        REGISTRIES,
        [
            (
                registry(publicNetworkAccess="Disabled", policies={"exportPolicy": {"status": "disabled"}}),
                "pass",
            ),
            (
                registry(publicNetworkAccess="Enabled", policies={"exportPolicy": {"status": "disabled"}}),
                "fail",
            ),
            (registry(publicNetworkAccess="Disabled"), "fail"),
        ],
    ),
    "ACR_NetworkRulesExist_AuditDeny": (
        REGISTRIES,
        [
            (registry(), "fail"),
            (registry(publicNetworkAccess="Disabled"), "pass"),
            (registry(networkRuleSet={"defaultAction": "deny"}), "pass"),
            (registry(publicNetworkAccess="Enabled", networkRuleSet={"defaultAction": "Allow"}), "fail"),
        ],
    ),
    "ACR_PTCDisabled_AuditDeny": (f"{REGISTRIES}/cacheRules", [({"properties": {}}, "fail")]),
    "ACR_PrivateDNSZone_DINE": (
        ENDPOINTS,
        [
            (endpoint(["vault"]), "notApplicable"),
            (endpoint(), "notApplicable"),
            ({"properties": {}}, "notApplicable"),
            (endpoint(["vault"], ["blob", "registry"]), "fail"),
        ],
    ),
    "ACR_PrivateEndpointEnabled_Audit": (
        REGISTRIES,
        [
            (registry(), "fail"),
            (registry(privateEndpointConnections=[]), "fail"),
            (registry(privateEndpointConnections=[connection("Pending")]), "fail"),
            (registry(privateEndpointConnections=[connection("Pending"), connection("approved")]), "pass"),
        ],
    ),
    "ACR_PrivateEndpoint_DINE": (
        REGISTRIES,
        [(registry("Basic"), "notApplicable"), (registry("premium"), "fail")],
    ),
    "ACR_PublicNetworkAccess_AuditDeny": (REGISTRIES, PUBLIC),
    "ACR_PublicNetworkAccess_Modify": (REGISTRIES, PUBLIC),
    "ACR_SkuSupportsPrivateEndpoints_AuditDeny": (
        REGISTRIES,
        [(registry(), "pass"), (registry("Standard"), "fail"), (registry("PREMIUM"), "pass")],
    ),
    "ACR_TokenDisabled_AuditDeny": (TOKENS, TOKEN),
    "ACR_TokenDisabled_Modify": (TOKENS, TOKEN),
}
RELATED: dict[str, list[object]] = {"privateEndpointConnections": [], "privateDnsZoneGroups": []}
CASES = [
    pytest.param(name, target, body, want, id=f"{name}-{number}")
    for name, (target, rows) in EXPECTED.items()
    for number, (body, want) in enumerate(rows)
]


@needed
@pytest.mark.parametrize(("name", "target", "body", "want"), CASES)
def test_each_definition_decides_as_worked_out(name, target, body, want):
    """Verdicts of real definitions, by hand."""
    definition = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))["properties"]
    assert verdict(definition, body, target=target, related=RELATED) == want


@needed
def test_existence_is_met_by_an_approved_connection():
    """The related resource decides, and its condition with it."""
    definition = json.loads((FOLDER / "ACR_PrivateEndpoint_DINE.json").read_text("utf-8"))["properties"]
    for rows, want in (
        ([connection("Approved")], "pass"),
        ([connection("Rejected")], "fail"),
        ([connection("Rejected"), Unknown("429")], "unknown"),
        (Unknown("403"), "unknown"),
    ):
        related = {"privateEndpointConnections": rows}
        assert verdict(definition, registry(), related=related) == want
    dns = json.loads((FOLDER / "ACR_PrivateDNSZone_DINE.json").read_text("utf-8"))["properties"]
    related = {"privateDnsZoneGroups": [{"name": "default", "properties": {}}]}
    assert verdict(dns, endpoint(["registry"]), target=ENDPOINTS, related=related) == "pass"


@needed
def test_every_definition_imports_and_none_is_forgotten():
    """18 files, 18 rules, nothing left; every one has expectations above."""
    bulk = Bulk(Options("2026-11-26"))
    results = list(bulk.run([FOLDER]))
    assert (bulk.files, bulk.imported, bulk.manual) == (18, 18, 0)
    assert [one.left for one in results if one.left] == []
    assert {path.stem for path in Path(FOLDER).glob("*.json")} == set(EXPECTED)


@needed
@pytest.mark.parametrize("name", EXPECTED)
def test_disabled_definitions_apply_to_nothing(name):
    """With its effect set to Disabled a definition does not apply."""
    target, rows = EXPECTED[name]
    definition = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))["properties"]
    body = rows[0][0]
    assert (
        verdict(definition, body, target=target, values={"effect": "Disabled"}, related=RELATED)
        == "notApplicable"
    )
