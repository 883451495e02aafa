"""Instances come in, resources in Azure's shape come out: one small function per family, then what belongs together is joined."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from scanner.inventory.terraform.home import Home
from scanner.inventory.terraform.instance import Instance
from scanner.inventory.terraform.mapping import access, azapi, children, network, registry, tasks
from scanner.inventory.terraform.mapping.draft import Draft

Mapped = Callable[[Instance, Home], Iterator[Draft]]

TABLE: Final[Mapping[str, Mapped]] = MappingProxyType(
    {
        "azurerm_container_registry": registry.registry,
        "azurerm_container_registry_scope_map": children.scope_map,
        "azurerm_container_registry_token": children.token,
        "azurerm_container_registry_webhook": children.webhook,
        "azurerm_container_registry_cache_rule": children.cache_rule,
        "azurerm_container_registry_credential_set": children.credential_set,
        "azurerm_container_registry_agent_pool": children.agent_pool,
        "azurerm_container_connected_registry": children.connected_registry,
        "azurerm_container_registry_task": tasks.task,
        "azurerm_role_assignment": access.role_assignment,
        "azurerm_role_definition": access.role_definition,
        "azurerm_management_lock": access.lock,
        "azurerm_resource_policy_assignment": access.policy_assignment,
        "azurerm_resource_group_policy_assignment": access.policy_assignment,
        "azurerm_subscription_policy_assignment": access.policy_assignment,
        "azurerm_management_group_policy_assignment": access.policy_assignment,
        "azurerm_security_center_subscription_pricing": access.pricing,
        "azurerm_private_endpoint": network.private_endpoint,
        "azurerm_monitor_diagnostic_setting": network.diagnostic_setting,
        "azapi_resource": azapi.azapi_resource,
    }
)
"""Terraform type -> what maps it."""

JOINED: Final = frozenset({"azurerm_container_registry_token_password", "azapi_update_resource"})
"""Types that change what others make; see `joining`."""

SILENT: Final = frozenset({"azurerm_container_registry_task_schedule_run_now"})
"""Types of registries that describe nothing by themselves."""


TEMPLATES: Final = frozenset(
    f"azurerm_{scope}_template_deployment"
    for scope in ("resource_group", "subscription", "management_group", "tenant")
)
"""Types that deploy an ARM template, which may hold registries."""


def is_registry_kind(kind: str) -> bool:
    """Whether a Terraform type is about registries."""
    return kind.startswith(("azurerm_container_registry", "azurerm_container_connected_registry"))


def wanted(kind: str) -> bool:
    """Whether instances of a Terraform type are looked at."""
    return kind in TABLE or kind in JOINED


def drafts_of(instance: Instance, home: Home) -> Iterator[Draft]:
    """The resources of one instance."""
    found = TABLE.get(instance.kind)
    if found is not None:
        yield from found(instance, home)
