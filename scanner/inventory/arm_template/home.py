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
        return f"{self.subscription}/resourceGroups/{self.group}" if self.level == GROUP else self.subscription

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
        return Hole(f"the location of the resource group {_CHOSEN}", "parameter", "[resourceGroup().location]")


def home_of(file: str, evaluation: str, schema: Any) -> Home:
    """The scope of a template file, from its `$schema`."""
    base = ids.file_scope(file, "", evaluation)
    name = str(schema).rpartition("/")[2].rstrip("#").lower() if isinstance(schema, str) else ""
    return Home(LEVELS.get(name, GROUP), base.split("/")[2])


def segment(value: Any) -> str:
    """A name as a part of an id."""
    parts = parts_of(value) if not isinstance(value, (dict, list)) else ["?"]
    return "".join(quote(part, safe=SAFE + "%") if isinstance(part, str) else part.text for part in parts)


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
    return [whole] * count if count < 2 or len(names) == 1 else [*names[: count - 1], mixed(_joined(names[count - 1 :]))] if len(names) > count else [*names, *[whole] * (count - len(names))]


def _joined(names: list[Any]) -> list[str | Hole]:
    parts: list[str | Hole] = []
    for at, name in enumerate(names):
        parts += ["~"] if at else []
        parts += parts_of(name)
    return parts


def scope_text(value: Any) -> str:
    """A scope given as text: a full id, or `Namespace/type/name`."""
    return render(value).strip()
