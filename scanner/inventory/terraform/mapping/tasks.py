"""`azurerm_container_registry_task`: a task with its step, triggers and credentials in the shape of the tasks API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scanner.inventory.terraform.home import Home, R
from scanner.inventory.terraform.instance import Instance
from scanner.inventory.terraform.mapping.children import listed
from scanner.inventory.terraform.mapping.draft import Draft, each, flag, identity, inside, region, worded
from scanner.inventory.terraform.values import Sym, lift, shown

API = "2019-06-01-preview"


def task(instance: Instance, home: Home) -> Iterator[Draft]:
    """The task."""
    del home
    draft = Draft(instance, f"{R}/tasks", instance.get("id"), instance.value("name"), API)
    draft.put("location", region(instance.value("location")), "location")
    draft.put("tags", instance.value("tags"), "tags")
    draft.put("identity", identity(instance.block("identity"), instance.address), "identity")
    draft.put("properties/status", worded(instance.value("enabled", True), "Enabled", "Disabled"), "enabled")
    draft.put("properties/timeout", instance.value("timeout_in_seconds", 3600), "timeout_in_seconds")
    draft.put("properties/isSystemTask", flag(instance.value("is_system_task", False)), "is_system_task")
    draft.put("properties/logTemplate", instance.value("log_template"), "log_template")
    draft.put("properties/agentPoolName", instance.value("agent_pool_name"), "agent_pool_name")
    platform = inside(
        instance.block("platform"),
        lambda block: {name: block.get(name) for name in ("os", "architecture", "variant")},
    )
    draft.put("properties/platform", platform, "platform")
    agent = inside(instance.block("agent_setting"), lambda block: {"cpu": block.get("cpu")})
    draft.put("properties/agentConfiguration", agent, "agent_setting")
    _step(draft, instance)
    _triggers(draft, instance)
    _credentials(draft, instance)
    yield draft


def named(values: Any, secret_values: Any) -> Any:
    """Two maps as one list of names and values; those of the second are secrets."""
    found: list[Any] = []
    for given, secret in ((values, False), (secret_values, True)):
        if given is None:
            continue
        if not isinstance(given, dict):
            return lift(
                lambda one: (
                    Sym("which values there are is not known", "runtime") if isinstance(one, dict) else one
                ),
                given,
            )
        found += [{"name": name, "value": value, "isSecret": secret} for name, value in given.items()]
    return found or None


_CONTEXT = {"context_path": "contextPath", "context_access_token": "contextAccessToken"}
_STEPS = (
    ("docker_step", "Docker", {"dockerfile_path": "dockerFilePath", "target": "target"}, "arguments"),
    (
        "file_step",
        "FileTask",
        {"task_file_path": "taskFilePath", "value_file_path": "valuesFilePath"},
        "values",
    ),
    (
        "encoded_step",
        "EncodedTask",
        {"task_content": "encodedTaskContent", "value_content": "encodedValuesContent"},
        "values",
    ),
)
"""(block, type, argument -> property, what its pairs are called)."""


def _step(draft: Draft, instance: Instance) -> None:
    for block_name, kind, names, pairs in _STEPS:
        if not instance.has(block_name):
            continue
        arguments = {**_CONTEXT, **names}

        def made(
            block: dict[str, Any], kind: str = kind, arguments: dict[str, str] = arguments, pairs: str = pairs
        ) -> dict[str, Any]:
            found = {"type": kind, **{name: block.get(argument) for argument, name in arguments.items()}}
            found[pairs] = named(block.get(pairs), block.get(f"secret_{pairs}"))
            if kind == "Docker":
                found["imageNames"] = listed(block.get("image_names"))
                found["isPushEnabled"] = flag(_or(block.get("push_enabled"), default=True))
                cached = flag(_or(block.get("cache_enabled"), default=True))
                found["noCache"] = lift(lambda one: not one if isinstance(one, bool) else one, cached)
            return found

        draft.put("properties/step", inside(instance.block(block_name), made), block_name)
        for argument, name in arguments.items():
            draft.came_from(f"properties/step/{name}", f"{block_name}/0/{argument}")
        draft.came_from(f"properties/step/{pairs}", f"{block_name}/0/{pairs}")


def _triggers(draft: Draft, instance: Instance) -> None:
    if instance.has("base_image_trigger"):
        base = inside(
            instance.block("base_image_trigger"),
            lambda block: {
                "name": block.get("name"),
                "baseImageTriggerType": block.get("type"),
                "updateTriggerEndpoint": block.get("update_trigger_endpoint"),
                "updateTriggerPayloadType": block.get("update_trigger_payload_type"),
                "status": worded(_or(block.get("enabled"), default=True), "Enabled", "Disabled"),
            },
        )
        draft.put("properties/trigger/baseImageTrigger", base, "base_image_trigger")
        draft.came_from("properties/trigger/baseImageTrigger/status", "base_image_trigger/0/enabled")
    if instance.has("timer_trigger"):
        timers = each(
            instance.blocks("timer_trigger"),
            lambda block: {
                "name": block.get("name"),
                "schedule": block.get("schedule"),
                "status": worded(_or(block.get("enabled"), default=True), "Enabled", "Disabled"),
            },
        )
        draft.put("properties/trigger/timerTriggers", timers, "timer_trigger")
    if instance.has("source_trigger"):
        draft.put(
            "properties/trigger/sourceTriggers",
            each(instance.blocks("source_trigger"), _source),
            "source_trigger",
        )
        count = (
            len(instance.values["source_trigger"])
            if isinstance(instance.values["source_trigger"], list)
            else 0
        )
        names = {"source_type": "sourceRepository", "branch": "sourceRepository/branch"}
        draft.list_from("properties/trigger/sourceTriggers", "source_trigger", names, count)


def _source(block: dict[str, Any]) -> dict[str, Any]:
    login = inside(
        _only(block.get("authentication")),
        lambda one: {
            "tokenType": one.get("token_type"),
            "token": one.get("token"),
            "refreshToken": one.get("refresh_token"),
            "scope": one.get("scope"),
            "expiresIn": one.get("expire_in_seconds"),
        },
    )
    return {
        "name": block.get("name"),
        "sourceRepository": {
            "sourceControlType": block.get("source_type"),
            "repositoryUrl": block.get("repository_url"),
            "branch": block.get("branch"),
            "sourceControlAuthProperties": login,
        },
        "sourceTriggerEvents": listed(block.get("events")),
        "status": worded(_or(block.get("enabled"), default=True), "Enabled", "Disabled"),
    }


def _credentials(draft: Draft, instance: Instance) -> None:
    if not instance.has("registry_credential"):
        return
    draft.put(
        "properties/credentials",
        inside(instance.block("registry_credential"), _logins),
        "registry_credential",
    )
    draft.came_from("properties/credentials/customRegistries", "registry_credential/0/custom")


def _logins(block: dict[str, Any]) -> dict[str, Any]:
    source = inside(_only(block.get("source")), lambda one: {"loginMode": one.get("login_mode")})
    return {"sourceRegistry": source, "customRegistries": lift(_custom, block.get("custom"))}


def _custom(blocks: Any) -> Any:
    """Logins by server. What is written here is a value, never the name of a secret in a vault."""
    if not isinstance(blocks, list):
        return blocks
    found: dict[str, Any] = {}
    for block in blocks:
        if not isinstance(block, dict):
            return Sym(block.reason, "runtime")
        server = shown(block.get("login_server"))
        if not server:
            return Sym("the servers are not known", "runtime")
        login: dict[str, Any] = {"identity": block.get("identity")}
        if block.get("username") is not None:
            login["userName"] = {"type": _kind_of(block["username"]), "value": block["username"]}
        if block.get("password") is not None:
            login["password"] = {"type": _kind_of(block["password"]), "value": block["password"]}
        found[server] = login
    return found


def _kind_of(value: Any) -> str:
    """A secret of a vault is named by its address, anything else is the value itself."""
    vault = isinstance(value, str) and value.startswith("https://") and "/secrets/" in value
    return "Vaultsecret" if vault else "Opaque"


def _only(value: Any) -> Any:
    return lift(lambda one: (one[0] if one else None) if isinstance(one, list) else one, value)


def _or(value: Any, *, default: Any) -> Any:
    return default if value is None else value
