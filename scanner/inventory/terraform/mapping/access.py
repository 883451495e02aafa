"""Roles, locks, policy assignments and Defender plans: who may do what, and what keeps a registry as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from scanner.inventory.terraform.home import Home, role_id, under
from scanner.inventory.terraform.instance import Instance
from scanner.inventory.terraform.mapping.children import listed
from scanner.inventory.terraform.mapping.draft import Draft, each
from scanner.inventory.terraform.values import EvaluationError, Sym, lift

A = "Microsoft.Authorization"
_KINDS = (
    (re.compile(r"\bazuread_group\b"), "Group"),
    (re.compile(r"\bazuread_user\b"), "User"),
    (
        re.compile(
            r"\bazuread_service_principal\b|\bazurerm_user_assigned_identity\b|\.identity\[|\bkubelet_identity\b"
            r"|\.principal_id$|msi_"
        ),
        "ServicePrincipal",
    ),
)
"""What a reference to a principal tells of its kind."""


def _named(instance: Instance) -> Any:
    name = instance.value("name")
    return name if name is not None else f"[{instance.address}]"


def role_assignment(instance: Instance, home: Home) -> Iterator[Draft]:
    """`azurerm_role_assignment`."""
    scope = instance.value("scope", home.subscription)
    draft = Draft(
        instance,
        f"{A}/roleAssignments",
        under(scope, f"{A}/roleAssignments", _named(instance)),
        _named(instance),
    )
    draft.put("properties/scope", scope, "scope")
    role, name = instance.value("role_definition_id"), instance.value("role_definition_name")
    if role is None or (isinstance(role, Sym) and name is not None and not isinstance(name, Sym)):
        # In a plan the id of a role that is given by its name is known after apply only.
        draft.put("properties/roleDefinitionId", lift(_role, name), "role_definition_name")
    else:
        draft.put("properties/roleDefinitionId", role, "role_definition_id")
    principal = instance.value("principal_id")
    draft.put("properties/principalId", principal, "principal_id")
    kind = instance.value("principal_type") or _principal_kind(principal)
    draft.put(
        "properties/principalType",
        kind,
        "principal_type" if instance.has("principal_type") else "principal_id",
    )
    for argument, name in (
        ("description", "description"),
        ("condition", "condition"),
        ("condition_version", "conditionVersion"),
        ("delegated_managed_identity_resource_id", "delegatedManagedIdentityResourceId"),
    ):
        draft.put(f"properties/{name}", instance.value(argument), argument)
    yield draft


def _role(name: Any) -> Any:
    if not isinstance(name, str):
        return name
    return role_id(name) or under("", f"{A}/roleDefinitions", name)


def _principal_kind(principal: Any) -> Any:
    """The kind of a principal, where the reference to it tells it."""
    if isinstance(principal, Sym):
        for shape, kind in _KINDS:
            if shape.search(principal.key):
                return kind
        return Sym(f"the kind of the principal is not known: {principal.reason}", principal.kind)
    return (
        Sym("the kind of the principal is known after deployment", "runtime")
        if principal is not None
        else None
    )


def role_definition(instance: Instance, home: Home) -> Iterator[Draft]:
    """`azurerm_role_definition`."""
    del home
    draft = Draft(instance, f"{A}/roleDefinitions", instance.get("id"), instance.value("name"))
    draft.put("properties/roleName", instance.value("name"), "name")
    draft.put("properties/type", "CustomRole")
    draft.put("properties/description", instance.value("description"), "description")
    scopes = instance.value("assignable_scopes")
    draft.put(
        "properties/assignableScopes",
        listed(scopes) if scopes is not None else [instance.value("scope")],
        "scope",
    )
    permissions = each(
        instance.blocks("permissions"),
        lambda block: {
            name: listed(block.get(argument) if block.get(argument) is not None else [])
            for argument, name in (
                ("actions", "actions"),
                ("not_actions", "notActions"),
                ("data_actions", "dataActions"),
                ("not_data_actions", "notDataActions"),
            )
        },
    )
    draft.put("properties/permissions", permissions, "permissions")
    yield draft


def lock(instance: Instance, home: Home) -> Iterator[Draft]:
    """`azurerm_management_lock`."""
    scope = instance.value("scope", home.subscription)
    draft = Draft(
        instance, f"{A}/locks", under(scope, f"{A}/locks", instance.value("name")), instance.value("name")
    )
    draft.put("properties/level", instance.value("lock_level"), "lock_level")
    draft.put("properties/notes", instance.value("notes"), "notes")
    yield draft


_SCOPES = {
    "azurerm_resource_policy_assignment": "resource_id",
    "azurerm_resource_group_policy_assignment": "resource_group_id",
    "azurerm_subscription_policy_assignment": "subscription_id",
    "azurerm_management_group_policy_assignment": "management_group_id",
}


def policy_assignment(instance: Instance, home: Home) -> Iterator[Draft]:
    """`azurerm_*_policy_assignment`."""
    argument = _SCOPES[instance.kind]
    scope = instance.value(argument, home.subscription)
    kind = f"{A}/policyAssignments"
    draft = Draft(instance, kind, under(scope, kind, instance.value("name")), instance.value("name"))
    draft.put("properties/scope", scope, argument)
    draft.put("properties/policyDefinitionId", instance.value("policy_definition_id"), "policy_definition_id")
    draft.put("properties/displayName", instance.value("display_name"), "display_name")
    draft.put("properties/notScopes", listed(instance.value("not_scopes", [])), "not_scopes")
    mode = lift(
        lambda one: {True: "Default", False: "DoNotEnforce"}.get(one, one), instance.value("enforce", True)
    )
    draft.put("properties/enforcementMode", mode, "enforce")
    draft.put("properties/parameters", lift(_parameters, instance.value("parameters")), "parameters")
    selectors = each(
        instance.blocks("resource_selectors"),
        lambda block: {
            "name": block.get("name"),
            "selectors": each(
                block.get("selectors"),
                lambda one: {
                    "kind": one.get("kind"),
                    "in": listed(one.get("in")),
                    "notIn": listed(one.get("not_in")),
                },
            ),
        },
    )
    draft.put("properties/resourceSelectors", selectors or None, "resource_selectors")
    yield draft


def _parameters(value: Any) -> Any:
    """The parameters are JSON in a text."""
    from scanner.inventory.terraform.functions import DEEP  # noqa: PLC0415 - only where a policy is assigned

    if not isinstance(value, str):
        return value
    try:
        return DEEP["jsondecode"](value)
    except EvaluationError:
        return Sym("the parameters are no JSON", "error")


def pricing(instance: Instance, home: Home) -> Iterator[Draft]:
    """`azurerm_security_center_subscription_pricing`: a Defender plan."""
    kind = "Microsoft.Security/pricings"
    name = instance.value("resource_type", "VirtualMachines")
    draft = Draft(instance, kind, under(home.subscription, kind, name), name)
    draft.put("properties/pricingTier", instance.value("tier"), "tier")
    draft.put("properties/subPlan", instance.value("subplan"), "subplan")
    extensions = each(
        instance.blocks("extension"), lambda block: {"name": block.get("name"), "isEnabled": "True"}
    )
    draft.put("properties/extensions", extensions or None, "extension")
    yield draft
