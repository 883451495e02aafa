"""ARM resource ids: taken apart, compared by segments, ordered so that children follow their parent.

An id is `/subscriptions/{s}/resourceGroups/{g}/providers/{namespace}/{type}/{name}[/{type}/{name}...]`, possibly
an extension resource `{scope}/providers/{namespace}/{type}/{name}`. Azure compares ids without regard to case.
Source: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

ROOT = "/"
MANAGEMENT_GROUP = "/providers/microsoft.management/managementgroups/"


def normalise(resource_id: str) -> str:
    """The id in lower case, one leading slash, no trailing slash (`/` for the tenant root)."""
    return "/" + resource_id.strip().strip("/").lower()


def order_key(resource_id: str) -> str:
    """A string whose order puts every id directly after its parent and before the parent's next sibling."""
    return normalise(resource_id).replace("/", "\x01")


def segments(resource_id: str) -> tuple[str, ...]:
    """The lower-case segments of an id, without the empty ones."""
    return tuple(part for part in resource_id.lower().split("/") if part)


def within(resource_id: str, scope: str) -> bool:
    """Whether `resource_id` is `scope` or lies below it, compared segment by segment."""
    inner, outer = segments(resource_id), segments(scope)
    return inner[: len(outer)] == outer


@lru_cache(maxsize=8192)
def subscription_of(resource_id: str) -> str:
    """The lower-case subscription id, or "" for ids outside a subscription."""
    parts = segments(resource_id)
    return parts[1] if len(parts) > 1 and parts[0] == "subscriptions" else ""


def resource_group_of(resource_id: str) -> str:
    """The resource group as written in the id, or "" (also where a file names none)."""
    parts = [part for part in resource_id.split("/") if part]
    group = parts[3] if len(parts) > 3 and parts[2].lower() == "resourcegroups" else ""
    return "" if group == _NO_GROUP and parts[1].startswith(_FILE) else group


def name_of(resource_id: str) -> str:
    """The last segment, as written."""
    return resource_id.rstrip("/").rsplit("/", 1)[-1]


def type_of(resource_id: str) -> str:
    """The ARM type of an id as written (`Microsoft.ContainerRegistry/registries/tokens`), or ""."""
    parts = [part for part in resource_id.split("/") if part]
    lowered = [part.lower() for part in parts]
    if "providers" in lowered:
        at = len(lowered) - 1 - lowered[::-1].index("providers")
        tail = parts[at + 1 :]
        return "/".join([tail[0], *tail[1::2]]) if tail else ""
    if lowered[:1] == ["subscriptions"]:
        return {2: "Microsoft.Resources/subscriptions", 4: "Microsoft.Resources/resourceGroups"}.get(
            len(parts), ""
        )
    return ""


def registry_of(resource_id: str) -> str:
    """The id (as written) of the container registry that a resource is or lies in, or ""."""
    parts = resource_id.split("/")
    lowered = [part.lower() for part in parts]
    for at in range(len(parts) - 2):
        if lowered[at : at + 2] == ["microsoft.containerregistry", "registries"]:
            return "/".join(parts[: at + 3])
    return ""


def parent_of(resource_id: str) -> str:
    """The id one level up: the parent resource of a child, the scope of an extension or top-level resource."""
    parts = [part for part in resource_id.strip("/").split("/") if part]
    lowered = [part.lower() for part in parts]
    if "providers" not in lowered:
        return "/" + "/".join(parts[:-2])
    at = len(lowered) - 1 - lowered[::-1].index("providers")
    tail = parts[at + 1 :]
    if len(tail) > 3:
        return "/" + "/".join(parts[:-2])
    return "/" + "/".join(parts[:at])


def ancestors(resource_id: str) -> tuple[str, ...]:
    """Normalised ids from the resource itself up to its subscription (management groups are not in an id)."""
    found = []
    current = normalise(resource_id)
    while current != ROOT:
        found.append(current)
        current = normalise(parent_of(current))
    return tuple(found)


_SCOPED = frozenset(
    {
        "microsoft.authorization/roleassignments",
        "microsoft.authorization/denyassignments",
        "microsoft.authorization/roleeligibilityscheduleinstances",
        "microsoft.authorization/roleassignmentscheduleinstances",
        "microsoft.authorization/policyassignments",
    }
)


def scope_of(resource_type: str, resource_id: str, body: Mapping[str, Any]) -> str:
    """The scope that an extension row applies to: what it says itself, else the part of its id before the last provider.

    Other resources are their own scope.
    """
    lowered = resource_type.lower()
    properties = body.get("properties")
    if lowered in _SCOPED:
        scope = properties.get("scope") if isinstance(properties, Mapping) else None
        return scope if isinstance(scope, str) and scope else parent_of(resource_id)
    if lowered == "microsoft.policyinsights/policystates":
        target = body.get("resourceId")
        return target if isinstance(target, str) else resource_id
    return resource_id


def anchor(resource_type: str, resource_id: str, body: Mapping[str, Any]) -> str:
    """The id that a row is sorted by, so that it comes directly after what it applies to."""
    scope = scope_of(resource_type, resource_id, body)
    if scope == resource_id:
        return resource_id
    return f"{scope.rstrip('/')}/providers/{resource_type}/{name_of(resource_id)}"


_FILE = "file:"
_NO_GROUP = "-"
_SAFE = " !$()*,-.:;=@[]_~+"


def file_scope(file: str, group: str = "", evaluation: str = "") -> str:
    """The resource group that stands for one evaluation of a file, so that what is in it joins as in Azure.

    `file`: relative path with slashes; `evaluation`: the parameter file or workspace, or "". The file takes the place of the
    subscription: `/subscriptions/file:infra%2Fmain.json/resourceGroups/-`.
    """
    key = quote(file, safe=_SAFE) + (f"|{quote(evaluation, safe=_SAFE)}" if evaluation else "")
    return f"/subscriptions/{_FILE}{key}/resourceGroups/{quote(group, safe=_SAFE) or _NO_GROUP}"


def file_id(scope: str, resource_type: str, names: Sequence[str]) -> str:
    """The id of a resource that a file describes. `scope`: a `file_scope`, or the id of what an extension lies on.

    `names`: one per segment of the type after the namespace; a name that is not known is its expression or symbolic name.
    """
    namespace, *kinds = resource_type.split("/")
    tail = [part for kind, name in zip(kinds, names, strict=True) for part in (kind, quote(name, safe=_SAFE))]
    return "/".join([scope.rstrip("/"), "providers", namespace, *tail])


def file_of(resource_id: str) -> str:
    """The file that describes a resource, or "" for what lies in Azure."""
    parts = resource_id.split("/")
    if len(parts) < 3 or not parts[2].startswith(_FILE):
        return ""
    return unquote(parts[2].removeprefix(_FILE).split("|")[0])


def shown(resource_id: str) -> str:
    """An id for people: `file:infra/main.json#Microsoft.ContainerRegistry/registries/acr1`; any other id as it is."""
    file = file_of(resource_id)
    if not file:
        return resource_id
    _, _, evaluation = resource_id.split("/")[2].partition("|")
    tail = resource_id.partition("/providers/")[2]
    return f"{_FILE}{file}{f' ({unquote(evaluation)})' if evaluation else ''}#{unquote(tail)}"
