"""Where a template is deployed to: the stand-ins for subscription and resource group, and ids below them (`model.ids`).

A file does not know its subscription; the file itself takes that place, so that everything it describes joins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from scanner.inventory.arm_template.values import SAFE, Hole, Mixed, mixed, parts_of, render
from scanner.model import ids

GROUP, SUBSCRIPTION, MANAGEMENT_GROUP, TENANT = "group", "subscription", "managementGroup", "tenant"
_CHOSEN = "is chosen when the template is deployed"
LEVELS = {
    "subscriptiondeploymenttemplate.json": SUBSCRIPTION,
    "managementgroupdeploymenttemplate.json": MANAGEMENT_GROUP,
    "tenantdeploymenttemplate.json": TENANT,
}


@dataclass(frozen=True, slots=True)
class Home:
    """A deployment's scope. `level`: group, subscription, managementGroup or tenant; `file_key`: the stand-in's id part."""

    level: str
    file_key: str
    group: str = "-"

    @property
    def subscription(self) -> str:
        """The id of the subscription."""
        return f"/subscriptions/{self.file_key}"

    @property
    def id(self) -> str:
        """The id of the scope; management groups and the tenant have the file in their place as well."""
        return (
            f"{self.subscription}/resourceGroups/{self.group}" if self.level == GROUP else self.subscription
        )

    def other(self, subscription: Any) -> str:
        """What stands for another subscription that a template names."""
        return f"{self.file_key.split('|sub=')[0]}|sub={quote(render(subscription), safe=SAFE + '%')}"

    def subscription_id(self) -> Hole:
        """What `subscription().subscriptionId` gives."""
        return Hole(f"the subscription {_CHOSEN}", "parameter", self.file_key)

    def group_name(self) -> Any:
        """What `resourceGroup().name` gives."""
        if self.group != "-" and not self.group.startswith("["):
            return self.group
        return Hole(f"the resource group {_CHOSEN}", "parameter", self.group)

    def location(self) -> Hole:
        """The location of the group or deployment."""
        return Hole(
            f"the location of the resource group {_CHOSEN}", "parameter", "[resourceGroup().location]"
        )


def home_of(file: str, evaluation: str, schema: Any) -> Home:
    """The scope of a template file, from its `$schema`."""
    base = ids.file_scope(file, "", evaluation)
    name = str(schema).rpartition("/")[2].rstrip("#").lower() if isinstance(schema, str) else ""
    return Home(LEVELS.get(name, GROUP), base.split("/")[2])


def resource_id(scope: str, kind: str, names: list[Any]) -> Any:
    """The id of a resource below a scope, as a text that keeps unknown names apart."""
    namespace, *kinds = kind.split("/")
    parts: list[str | Hole] = [f"{scope.rstrip('/')}/providers/{namespace}"]
    for name_of_kind, name in zip(kinds, names, strict=True):
        parts.append(f"/{name_of_kind}/")
        parts += [quote(part, safe=SAFE + "%") if isinstance(part, str) else part for part in parts_of(name)]
    return mixed(parts)


def split_names(value: Any, count: int) -> list[Any]:
    """The names in `parent/child`, one per type segment; unknown texts have no slash in them.

    Where the number does not fit (the whole name is one unknown value) each segment gets the whole.
    """
    if isinstance(value, Mixed):
        found: list[list[str | Hole]] = [[]]
        for part in value.parts:
            if isinstance(part, Hole):
                found[-1].append(part)
            else:
                first, *rest = part.split("/")
                found[-1].append(first)
                found += [[piece] for piece in rest]
        names: list[Any] = [mixed(pieces) for pieces in found]
    else:
        names = value.split("/") if isinstance(value, str) else [value]
    if len(names) == count and all(name != "" for name in names):
        return names
    whole = value if value != "" else "-"
    if count < 2 or len(names) == 1:
        return [whole] * count
    if len(names) > count:
        return [*names[: count - 1], mixed(_joined(names[count - 1 :]))]
    return [*names, *[whole] * (count - len(names))]


def _joined(names: list[Any]) -> list[str | Hole]:
    parts: list[str | Hole] = []
    for at, name in enumerate(names):
        parts += ["~"] if at else []
        parts += parts_of(name)
    return parts


def placed(home: Home, given: Any) -> str:
    """The id that a resource's `scope` means: a full id, `/` for the tenant, or `Namespace/type/name` in the same group."""
    if not isinstance(given, (str, Mixed, Hole)):
        return ""
    text = render(given).strip()
    if isinstance(given, Hole) or text.startswith("["):
        return f"{home.id}/providers/{text}" if text else ""
    if text.startswith("/"):
        return text.rstrip("/") or "/"
    if text.lower().startswith("subscriptions/"):
        return f"/{text}"
    return f"{home.id}/providers/{text}" if "/" in text else ""


def home_for(around: Home, *, subscription: Any, group: Any, scope: Any) -> Home:
    """Where a nested deployment deploys to: what it says itself, else where the template around it does."""
    if isinstance(scope, str) and scope.strip() == "/":
        return Home(TENANT, around.file_key)
    if isinstance(scope, (str, Mixed)) and "managementgroups" in render(scope).lower():
        return Home(MANAGEMENT_GROUP, around.file_key)
    key = around.file_key
    if _given(subscription) and not (
        isinstance(subscription, Hole) and subscription == around.subscription_id()
    ):
        key = around.other(subscription)
    if _given(group):
        return Home(
            GROUP, key, group.text if isinstance(group, Hole) else quote(render(group), safe=SAFE + "%[]'")
        )
    if _given(subscription):
        return Home(SUBSCRIPTION, key)
    return around


def _given(value: Any) -> bool:
    return isinstance(value, (str, Mixed, Hole)) and value != ""
