"""Template functions on the deployment, its scope and the resources in it.

Sources: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-resource, ...-scope, ...-deployment
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from scanner.inventory.arm_template import checks
from scanner.inventory.arm_template.evaluation import MANY, Function, derived, run
from scanner.inventory.arm_template.home import resource_id
from scanner.inventory.arm_template.syntax import Node
from scanner.inventory.arm_template.values import (
    SAFE,
    ExpressionError,
    Hole,
    Mixed,
    Open,
    fail,
    lookup,
    mixed,
    parts_of,
    render,
    runtime,
    unknown_of,
)
from scanner.model.values import ABSENT, Unknown

if TYPE_CHECKING:
    from scanner.inventory.arm_template.scope import Scope

_CLOUDS: dict[str, dict[str, Any]] = {
    "AzureCloud": {
        "name": "AzureCloud",
        "resourceManager": "https://management.azure.com/",
        "portal": "https://portal.azure.com",
        "authentication": {"loginEndpoint": "https://login.microsoftonline.com/", "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"], "tenant": "common", "identityProvider": "AAD"},
        "suffixes": {"acrLoginServer": ".azurecr.io", "azureDatalakeStoreFileSystem": "azuredatalakestore.net", "keyvaultDns": ".vault.azure.net", "sqlServerHostname": ".database.windows.net", "storage": "core.windows.net"},
    },
    "AzureChinaCloud": {
        "name": "AzureChinaCloud",
        "resourceManager": "https://management.chinacloudapi.cn/",
        "portal": "https://portal.azure.cn",
        "authentication": {"loginEndpoint": "https://login.chinacloudapi.cn/", "tenant": "common", "identityProvider": "AAD"},
        "suffixes": {"acrLoginServer": ".azurecr.cn", "keyvaultDns": ".vault.azure.cn", "sqlServerHostname": ".database.chinacloudapi.cn", "storage": "core.chinacloudapi.cn"},
    },
    "AzureUSGovernment": {
        "name": "AzureUSGovernment",
        "resourceManager": "https://management.usgovcloudapi.net/",
        "portal": "https://portal.azure.us",
        "authentication": {"loginEndpoint": "https://login.microsoftonline.us/", "tenant": "common", "identityProvider": "AAD"},
        "suffixes": {"acrLoginServer": ".azurecr.us", "keyvaultDns": ".vault.usgovcloudapi.net", "sqlServerHostname": ".database.usgovcloudapi.net", "storage": "core.usgovcloudapi.net"},
    },
}  # fmt: skip
CLOUDS = tuple(_CLOUDS)


def _names(kind: Any, rest: list[Any]) -> tuple[str, list[Any]]:
    """A type and its names; a name `a/b` counts as two."""
    text = checks.text(kind, "a resource type")
    names: list[Any] = []
    for item in rest:
        names += item.split("/") if isinstance(item, str) else [item]
    if text.count("/") != len(names):
        fail(f"{text[:120]} with {len(names)} names")
    return text, names


def _typed(items: list[Any]) -> int:
    """Where the resource type stands among the arguments."""
    return next(
        (
            at
            for at, item in enumerate(items)
            if isinstance(item, str) and "/" in item and not item.startswith("/")
        ),
        -1,
    )


def _subscription(scope: Scope, given: Any) -> str:
    if isinstance(given, Hole) and given == scope.home.subscription_id():
        return scope.home.subscription
    return f"/subscriptions/{scope.home.other(given)}"


def id_of(scope: Scope, items: list[Any]) -> Any:
    """`resourceId([subscription], [group], type, names...)`."""
    at = _typed(items)
    if at < 0:
        return _untyped("resourceId", items)
    kind, names = _names(items[at], items[at + 1 :])
    before = items[:at]
    if scope.home.level != "group" and not before:
        return resource_id(scope.home.subscription, kind, names)
    if not before:
        return resource_id(scope.home.id, kind, names)
    if len(before) == 1 and scope.home.level != "group":
        return resource_id(_subscription(scope, before[0]), kind, names)
    subscription = _subscription(scope, before[0]) if len(before) > 1 else scope.home.subscription
    group = before[-1]
    text = group.text if isinstance(group, Hole) else quote(render(group), safe=SAFE + "%[]")
    return resource_id(f"{subscription}/resourceGroups/{text}", kind, names)


def _untyped(name: str, items: list[Any]) -> Any:
    unknown = next((found for item in items if (found := unknown_of(item))), None)
    return derived(name, items, unknown) if unknown else fail("no resource type")


def subscription_resource_id(scope: Scope, items: list[Any]) -> Any:
    """`subscriptionResourceId([subscription], type, names...)`."""
    at = _typed(items)
    if at < 0:
        return _untyped("subscriptionResourceId", items)
    kind, names = _names(items[at], items[at + 1 :])
    return resource_id(_subscription(scope, items[0]) if at else scope.home.subscription, kind, names)


def tenant_resource_id(_: Scope, items: list[Any]) -> Any:
    """`tenantResourceId(type, names...)`."""
    kind, names = _names(items[0], items[1:])
    return resource_id("", kind, names)


def management_group_resource_id(_: Scope, items: list[Any]) -> Any:
    """`managementGroupResourceId([group], type, names...)`."""
    at = _typed(items)
    if at < 0:
        return _untyped("managementGroupResourceId", items)
    kind, names = _names(items[at], items[at + 1 :])
    group = render(items[0]) if at else "[managementGroup().name]"
    return resource_id(f"/providers/Microsoft.Management/managementGroups/{group}", kind, names)


def extension_resource_id(_: Scope, items: list[Any]) -> Any:
    """`extensionResourceId(base, type, names...)`."""
    kind, names = _names(items[1], items[2:])
    plain = unknown_of(items[0]) is None or isinstance(items[0], (Hole, Mixed))
    head: list[str | Hole] = parts_of(items[0]) if plain else [runtime("scope")]
    return mixed([*head, *parts_of(resource_id("", kind, names))])


def resource_group(scope: Scope, _: list[Any]) -> Any:
    """The group that is deployed to."""
    home = scope.home
    known = {
        "id": f"{home.subscription}/resourceGroups/{home.group}",
        "name": home.group_name(),
        "type": "Microsoft.Resources/resourceGroups",
        "location": home.location(),
        "properties": {"provisioningState": "Succeeded"},
    }
    return Open("resourceGroup()", lambda key: lookup(known, key))


def subscription(scope: Scope, _: list[Any]) -> Any:
    """The subscription that is deployed to."""
    known = {
        "id": scope.home.subscription,
        "subscriptionId": scope.home.subscription_id(),
        "tenantId": _tenant(),
    }
    return Open("subscription()", lambda key: lookup(known, key))


def _tenant() -> Hole:
    return Hole("the tenant is chosen when the template is deployed", "parameter", "[tenant().tenantId]")


def tenant(_: Scope, __: list[Any]) -> Any:
    """The tenant."""
    known = {"id": "/", "tenantId": _tenant()}
    return Open("tenant()", lambda key: lookup(known, key))


def management_group(_: Scope, __: list[Any]) -> Any:
    """The management group that is deployed to."""
    name = Hole(
        "the management group is chosen when the template is deployed",
        "parameter",
        "[managementGroup().name]",
    )
    known = {
        "id": mixed(["/providers/Microsoft.Management/managementGroups/", name]),
        "name": name,
        "type": "Microsoft.Management/managementGroups",
    }
    return Open("managementGroup()", lambda key: lookup(known, key))


def deployment(scope: Scope, _: list[Any]) -> Any:
    """The deployment itself; its name is not known, the template is not given again."""
    known = {
        "name": scope.deployment_name,
        "location": scope.home.location(),
        "properties": Open("deployment().properties", lambda _: ABSENT),
    }
    return Open("deployment()", lambda key: lookup(known, key))


def environment(scope: Scope, _: list[Any]) -> Any:
    """The cloud."""
    known = _CLOUDS[scope.run.cloud]
    return Open("environment()", lambda key: lookup(known, key))


def parameter(scope: Scope, items: list[Any]) -> Any:
    """`parameters('name')`."""
    return scope.parameter(checks.text(items[0]))


def variable(scope: Scope, items: list[Any]) -> Any:
    """`variables('name')`."""
    return scope.variable(checks.text(items[0]))


def copy_index(scope: Scope, items: list[Any]) -> Any:
    """`copyIndex([loop], [offset])`."""
    name = items[0].lower() if items and isinstance(items[0], str) else ""
    index = scope.copies.get(name)
    if index is None:
        return fail(f"copyIndex({name[:80]}) outside its loop")
    offset = checks.whole(items[-1]) if items and not isinstance(items[-1], str) else 0
    return index + offset if isinstance(index, int) else index


def reference(scope: Scope, nodes: list[Node]) -> Any:
    """`reference(resource, [api], ['Full'])`."""
    items = [run(node, scope) for node in nodes]
    full = len(items) > 2 and isinstance(items[2], str) and items[2].lower() == "full"
    return scope.run.reference(scope, items[0], full=full)


def references(scope: Scope, items: list[Any]) -> Any:
    """`references(loop, ['Full'])`: one object per instance."""
    if unknown := unknown_of(items[0]):
        return derived("references", items, unknown)
    full = len(items) > 1 and checks.text(items[-1]).lower() == "full"
    return scope.run.references(scope, checks.text(items[0]), full=full)


def refuse(_: Scope, items: list[Any]) -> Any:
    """`fail('message')`."""
    raise ExpressionError(f"the template refuses these values: {render(items[0])[:200]}")


def _asked(what: str, kind: str = "runtime") -> Function:
    """A function whose answer only Azure has."""

    def work(scope: Scope, items: list[Any]) -> Any:
        words = ", ".join(render(item) for item in items if isinstance(item, str))
        name = f"{what}({words[:120]})"
        if kind == "fresh":
            return scope.run.fresh(what, f"{what}() is new with each deployment")
        if kind == "policy":
            return Hole(f"{name} is known when the policy acts", "parameter", f"[{quote(name, safe=SAFE)}]")
        return Open(name, lambda _: ABSENT) if kind == "open" else runtime(name)

    return Function(work, 0, MANY, aware=True)


def _unsupported(name: str) -> Function:
    return Function(
        lambda _, __: Unknown(f"the template function {name} is not supported", "function"),
        0,
        MANY,
        aware=True,
    )


TABLE = {
    "resourceid": Function(id_of, 2, MANY, aware=True),
    "subscriptionresourceid": Function(subscription_resource_id, 2, MANY, aware=True),
    "tenantresourceid": Function(tenant_resource_id, 2, MANY, aware=True),
    "managementgroupresourceid": Function(management_group_resource_id, 2, MANY, aware=True),
    "extensionresourceid": Function(extension_resource_id, 3, MANY, aware=True),
    "resourcegroup": Function(resource_group, 0, 2, aware=True),
    "subscription": Function(subscription, 0, 1, aware=True),
    "tenant": Function(tenant, 0, 0),
    "managementgroup": Function(management_group, 0, 1, aware=True),
    "deployment": Function(deployment, 0, 0),
    "environment": Function(environment, 0, 0),
    "parameters": Function(parameter),
    "variables": Function(variable),
    "copyindex": Function(copy_index, 0, 2, aware=True),
    "reference": Function(reference, 1, 3, lazy=True),
    "references": Function(references, 1, 3, aware=True),
    "fail": Function(refuse),
    "newguid": _asked("newGuid", "fresh"),
    "deployer": _asked("deployer", "open"),
    "pickzones": _asked("pickZones"),
    "tologicalzone": _asked("toLogicalZone"),
    "tologicalzones": _asked("toLogicalZones"),
    "tophysicalzone": _asked("toPhysicalZone"),
    "tophysicalzones": _asked("toPhysicalZones"),
    "roledefinitions": _asked("roleDefinitions", "open"),
    "externalinput": _asked("externalInput"),
    "externalinputs": _asked("externalInputs"),
    "providers": _unsupported("providers"),
    "field": _asked("field", "policy"),
    "policy": _asked("policy", "policy"),
    "requestcontext": _asked("requestContext", "policy"),
    "current": _asked("current", "policy"),
    "claims": _asked("claims", "policy"),
}
