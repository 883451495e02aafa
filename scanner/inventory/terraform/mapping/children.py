"""What lies below a registry: scope maps, tokens, webhooks, cache rules, credential sets, agent pools, connected registries."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from scanner.inventory.terraform.home import Home, R
from scanner.inventory.terraform.instance import Instance
from scanner.inventory.terraform.mapping.draft import Draft, each, identity, inside, region, worded
from scanner.inventory.terraform.values import Choice, SetOf, Tail, items_of, lift


def _draft(instance: Instance, kind: str) -> Draft:
    return Draft(instance, f"{R}/{kind}", instance.get("id"), instance.value("name"))


def listed(value: Any) -> Any:
    """A list or set as a list."""
    return lift(lambda one: list(items_of(one)) if isinstance(one, SetOf) else one, value)


def scope_map(instance: Instance, home: Home) -> Iterator[Draft]:
    """`azurerm_container_registry_scope_map`."""
    del home
    draft = _draft(instance, "scopeMaps")
    draft.put("properties/type", "UserDefined")
    draft.put("properties/description", instance.value("description"), "description")
    draft.put("properties/actions", listed(instance.value("actions")), "actions")
    yield draft


def token(instance: Instance, home: Home) -> Iterator[Draft]:
    """`azurerm_container_registry_token`; its passwords are a resource of their own."""
    del home
    draft = _draft(instance, "tokens")
    draft.put("properties/scopeMapId", instance.value("scope_map_id"), "scope_map_id")
    draft.put("properties/status", worded(instance.value("enabled", True), "enabled", "disabled"), "enabled")
    yield draft


def passwords(instance: Instance) -> tuple[Any, list[tuple[str, str]]]:
    """The passwords that a `..._token_password` generates, and (argument, name) of each. No expiry: it never expires."""
    found: list[Any] = []
    sources: list[tuple[str, str]] = []
    for name in ("password1", "password2"):
        if not instance.has(name):
            continue
        block = instance.block(name)
        if isinstance(block, Choice):
            found.append(Tail(block.reason))
            continue
        made = inside(block, partial(_password, name))
        if made is not None:
            found.append(made if isinstance(made, dict) else Tail("the password is not known"))
            sources.append((name, name))
    return found, sources


def _password(name: str, block: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "expiry": block.get("expiry")}


def webhook(instance: Instance, home: Home) -> Iterator[Draft]:
    """`azurerm_container_registry_webhook`."""
    del home
    draft = _draft(instance, "webhooks")
    draft.put("location", region(instance.value("location")), "location")
    draft.put("tags", instance.value("tags"), "tags")
    draft.put("properties/serviceUri", instance.value("service_uri"), "service_uri")
    draft.put("properties/customHeaders", instance.value("custom_headers"), "custom_headers")
    draft.put("properties/status", instance.value("status", "enabled"), "status")
    draft.put("properties/scope", instance.value("scope", ""), "scope")
    draft.put("properties/actions", listed(instance.value("actions")), "actions")
    yield draft


def cache_rule(instance: Instance, home: Home) -> Iterator[Draft]:
    """`azurerm_container_registry_cache_rule`."""
    del home
    draft = _draft(instance, "cacheRules")
    draft.put("properties/sourceRepository", instance.value("source_repo"), "source_repo")
    draft.put("properties/targetRepository", instance.value("target_repo"), "target_repo")
    draft.put("properties/credentialSetResourceId", instance.value("credential_set_id"), "credential_set_id")
    yield draft


def credential_set(instance: Instance, home: Home) -> Iterator[Draft]:
    """`azurerm_container_registry_credential_set`."""
    del home
    draft = _draft(instance, "credentialSets")
    draft.put("identity", identity(instance.block("identity"), instance.address), "identity")
    draft.put("properties/loginServer", instance.value("login_server"), "login_server")
    credentials = each(
        instance.blocks("authentication_credentials"),
        lambda block: {
            "name": "Credential1",
            "usernameSecretIdentifier": block.get("username_secret_id"),
            "passwordSecretIdentifier": block.get("password_secret_id"),
        },
    )
    draft.put("properties/authCredentials", credentials, "authentication_credentials")
    names = {
        "username_secret_id": "usernameSecretIdentifier",
        "password_secret_id": "passwordSecretIdentifier",
    }
    draft.list_from("properties/authCredentials", "authentication_credentials", names, 1)
    yield draft


def agent_pool(instance: Instance, home: Home) -> Iterator[Draft]:
    """`azurerm_container_registry_agent_pool`."""
    del home
    draft = _draft(instance, "agentPools")
    draft.put("location", region(instance.value("location")), "location")
    draft.put("tags", instance.value("tags"), "tags")
    draft.put("properties/count", instance.value("instance_count", 1), "instance_count")
    draft.put("properties/tier", instance.value("tier", "S1"), "tier")
    draft.put("properties/os", "Linux")
    subnet = instance.value("virtual_network_subnet_id")
    draft.put("properties/virtualNetworkSubnetResourceId", subnet, "virtual_network_subnet_id")
    yield draft


def connected_registry(instance: Instance, home: Home) -> Iterator[Draft]:
    """`azurerm_container_connected_registry`."""
    del home
    draft = _draft(instance, "connectedRegistries")
    draft.put("properties/mode", instance.value("mode", "ReadWrite"), "mode")
    draft.put("properties/parent/id", instance.value("parent_registry_id"), "parent_registry_id")
    sync = "properties/parent/syncProperties"
    draft.put(f"{sync}/tokenId", instance.value("sync_token_id"), "sync_token_id")
    draft.put(f"{sync}/schedule", instance.value("sync_schedule", "* * * * *"), "sync_schedule")
    draft.put(f"{sync}/messageTtl", instance.value("sync_message_ttl", "P1D"), "sync_message_ttl")
    draft.put(f"{sync}/syncWindow", instance.value("sync_window"), "sync_window")
    draft.put("properties/clientTokenIds", listed(instance.value("client_token_ids")), "client_token_ids")
    draft.put("properties/logging/logLevel", instance.value("log_level", "None"), "log_level")
    audit = worded(instance.value("audit_log_enabled", False), "Enabled", "Disabled")
    draft.put("properties/logging/auditLogStatus", audit, "audit_log_enabled")
    notifications = lift(_patterns, instance.blocks("notification"))
    draft.put("properties/notificationsList", notifications, "notification")
    yield draft


def _patterns(blocks: Any) -> Any:
    """Notifications as Azure writes them: `name:tag:action`."""
    if not isinstance(blocks, list):
        return blocks
    found: list[Any] = []
    for block in blocks:
        if not isinstance(block, dict):
            found.append(block)
            continue
        name, action = block.get("name"), block.get("action")
        tag, sign = (block.get("tag"), ":") if block.get("digest") is None else (block.get("digest"), "@")
        if all(isinstance(one, str) for one in (name, action)):
            found.append(
                f"{name}{sign}{tag}:{action}" if isinstance(tag, str) and tag else f"{name}:{action}"
            )
        else:
            found.append(Tail("a notification is not known"))
    return found
