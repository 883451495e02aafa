"""Small inventories for tests of the engine, built from a few words."""

from __future__ import annotations

from scanner.engine.estate import Estate
from scanner.inventory.record import ListPart
from scanner.model.resource import Inventory, Origin, Principal, Problem, Resource, SourceRun
from scanner.types import facts_for

NOW = "2026-11-25T02:00:00Z"
SUB = "/subscriptions/11111111-1111-4111-8111-111111111111"
GROUP = f"{SUB}/resourceGroups/rg"
APP = f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/app"
REGISTRIES = "Microsoft.ContainerRegistry/registries"
ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"
PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
PUSH = "8311e382-0749-4cb8-b61a-304f252e45ec"
DELETE = "c2f4ef07-c644-48eb-af81-4b1b4947fb11"
OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
ACCESS_ADMIN = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"
REPOSITORY_READER = "b93aa761-3e63-49ed-ac28-beffa264f7ac"
REPOSITORY_WRITER = "2a1e307c-b015-4ebd-883e-5b7698a07328"
CATALOG_LISTER = "bfdb9389-c9a5-478a-bb2f-ba9ca092c3c7"
ANN = "aaaaaaaa-0000-4000-8000-000000000001"
BOB = "aaaaaaaa-0000-4000-8000-000000000002"
TEAM = "aaaaaaaa-0000-4000-8000-00000000000f"


def resource(kind, identifier, **body):
    """A resource of a type, as the newest preview would return it."""
    name = identifier.rsplit("/", 1)[-1]
    facts = facts_for(kind)
    return Resource(
        identifier,
        facts.type if facts else kind,
        name,
        {"id": identifier, "name": name, **body},
        api_version=body.pop("apiVersion", None),
        origin=Origin("arm"),
    )


def registry(identifier=APP, **properties):
    """A registry with some properties."""
    return resource(
        REGISTRIES,
        identifier,
        properties={"loginServer": "app.azurecr.io", **properties},
        sku={"name": "Premium"},
    )


def assignment(role, scope, principal=ANN, number=1, kind="ServicePrincipal", **more):
    """A role assignment."""
    properties = {
        "roleDefinitionId": f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/{role}",
        "principalId": principal,
        "principalType": kind,
        "scope": scope,
        **more,
    }
    return resource(
        ASSIGNMENTS, f"{scope.rstrip('/')}/providers/{ASSIGNMENTS}/{number:08d}", properties=properties
    )


def role(guid, actions=(), not_actions=(), data=(), kind="CustomRole", name="Custom"):
    """A role definition."""
    block = {
        "actions": list(actions),
        "notActions": list(not_actions),
        "dataActions": list(data),
        "notDataActions": [],
    }
    identifier = f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/{guid}"
    properties = {"roleName": name, "type": kind, "permissions": [block]}
    return resource("Microsoft.Authorization/roleDefinitions", identifier, properties=properties)


def inventory(*resources, collected=(), problems=None, principals=()):
    """An inventory of these resources; every type that occurs, and those in `collected`, were read completely.

    `problems`: type -> list of (scope, reason) that were not read.
    """
    by_type: dict[str, list[Resource]] = {}
    for item in resources:
        by_type.setdefault(item.type, []).append(item)
    kinds = {*by_type, *collected, *(problems or {})}
    runs = tuple(
        SourceRun(
            "saved",
            kind,
            "partial" if (problems or {}).get(kind) else "complete",
            problems=tuple(Problem(scope, reason) for scope, reason in (problems or {}).get(kind, ())),
        )
        for kind in sorted(kinds)
    )
    parts = {kind.lower(): ListPart(kind, rows) for kind, rows in by_type.items()}
    people = {item.id.lower(): item for item in principals}
    return Inventory(parts, runs, "0" * 64, NOW, people)


def estate(*resources, **more):
    """The estate of an inventory; tokens and scope maps count as read."""
    collected = {ASSIGNMENTS, f"{REGISTRIES}/tokens", f"{REGISTRIES}/scopeMaps", *more.pop("collected", ())}
    return Estate(inventory(*resources, collected=collected, **more), now=NOW)


def related(built, name, identifier=APP, kind=REGISTRIES):
    """One relation of one target."""
    for linked in built.targets(kind, frozenset({name})):
        if linked.resource.id == identifier:
            return linked.related(name)
    raise AssertionError(identifier)


def person(identifier, name="", kind="User", groups=()):
    """A principal of a principals file."""
    return Principal(identifier, name, kind, tuple(groups))
