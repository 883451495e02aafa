"""The same twenty property rules twice: for our generated lane, and for Cloud Custodian's value filters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scanner.engine.codegen import compile_rules
from scanner.model.condition import NOWHERE, Leaf, Path
from scanner.model.rule import Remediation, Rule
from scanner.model.values import ABSENT

REGISTRIES = "Microsoft.ContainerRegistry/registries"
# (path, our operator, value, Custodian's operator); each says what violates
RULES: list[tuple[str, str, Any, str]] = [
    ("properties.adminUserEnabled", "equals", True, "eq"),
    ("properties.anonymousPullEnabled", "equals", True, "eq"),
    ("properties.publicNetworkAccess", "equals", "Enabled", "eq"),
    ("properties.networkRuleSet.defaultAction", "equals", "Allow", "eq"),
    ("properties.networkRuleBypassOptions", "equals", "None", "eq"),
    ("properties.networkRuleBypassAllowedForTasks", "equals", True, "eq"),
    ("properties.dataEndpointEnabled", "equals", False, "eq"),
    ("properties.roleAssignmentMode", "equals", "LegacyRegistryPermissions", "eq"),
    ("properties.encryption.status", "equals", "disabled", "eq"),
    ("properties.policies.quarantinePolicy.status", "equals", "enabled", "eq"),
    ("properties.policies.trustPolicy.status", "equals", "enabled", "eq"),
    ("properties.policies.retentionPolicy.status", "equals", "disabled", "eq"),
    ("properties.policies.retentionPolicy.days", "greater", 90, "gt"),
    ("properties.policies.exportPolicy.status", "equals", "enabled", "eq"),
    ("properties.policies.azureADAuthenticationAsArmPolicy.status", "equals", "enabled", "eq"),
    ("properties.provisioningState", "in", ["Failed", "Canceled"], "in"),
    ("sku.name", "in", ["Classic", "Basic"], "in"),
    ("location", "in", ["eastus", "westus"], "in"),
    ("identity.type", "equals", "None", "eq"),
    ("tags.owner", "like", "team-1*", "glob"),
]


def ours(bodies: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Our lane over decoded bodies."""
    return [_LANE(body, {}, lambda _: []) for body in bodies]


def _rule(number: int, path: str, operator: str, value: Any) -> Rule:
    operand = tuple(value) if isinstance(value, list) else value
    leaf = Leaf(Path("", tuple(path.split("."))), operator, operand, ABSENT, False, NOWHERE)
    return Rule(
        id=f"BEN{number + 100}", name="b", title="b", severity="low", target=REGISTRIES, when=None, check=leaf, manual="", message=("m",),
        not_applicable_message=(), parameters={}, rationale="", remediation=Remediation("low"), references=(), reviewed="", controls=(),
    )  # fmt: skip


_ALL = [_rule(number, path, operator, value) for number, (path, operator, value, _) in enumerate(RULES)]
_LANE = compile_rules(REGISTRIES, _ALL, {}).build({rule.id: {} for rule in _ALL}, 0.0)


def theirs(bodies: list[dict[str, Any]]) -> Callable[[], Any] | None:
    """Custodian's own filter classes over the same bodies, or None when it is not installed."""
    try:
        from c7n.filters.core import ValueFilter  # noqa: PLC0415
    except ImportError:
        return None
    filters = [
        ValueFilter({"type": "value", "key": path, "op": operator, "value": value}, None)
        for path, _, value, operator in RULES
    ]

    def run() -> list[list[bool]]:
        return [[bool(item(body)) for item in filters] for body in bodies]

    return run
