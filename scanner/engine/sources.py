"""How each kind of relation is worked out: a target and what lies near it come in, rows with their completeness come out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from scanner.engine import doors
from scanner.engine import relations as table
from scanner.engine.access import Assigned, deny_of, mode_of
from scanner.engine.capabilities import Role, permissions_of
from scanner.engine.enforcement import definitions_of
from scanner.engine.relations import REGISTRIES, Relation
from scanner.engine.scopes import level_of
from scanner.model import ids
from scanner.model.resource import Resource
from scanner.model.values import Unknown, UnreadTail
from scanner.types import built_in

if TYPE_CHECKING:
    from scanner.engine.estate import Estate


_NONE: list[Resource] = []


class Near(NamedTuple):
    """What the merge joins found for a target: rows below its registry, below itself, and the registry."""

    home: str
    groups: Mapping[str, list[Resource]]
    own: Mapping[str, list[Resource]]
    registry: Resource | None

    def rows(self, kind: str) -> list[Resource]:
        """The rows of a type at or below the registry; none where the inventory holds none at all."""
        return self.groups.get(kind, _NONE)


def work_out(estate: Estate, relation: Relation, target: Resource, near: Near) -> Any:
    """The rows of one relation of one target."""
    complete = estate.completeness.rows
    match relation.kind:
        case "children":
            rows = _children(relation.collections[0], near)
            return complete(
                _with_percent(rows) if relation.name == "usages" else rows, near.home, relation.collections
            )
        case "pipelines":
            return complete(
                [row for kind in relation.collections for row in _children(kind, near)],
                near.home,
                relation.collections,
            )
        case "parent":
            if near.registry is None:
                return estate.completeness.gap(REGISTRIES, near.home) or Unknown(
                    "the registry is not in the inventory", "not-collected"
                )
            return [near.registry]
        case "own" | "registriesBelow":
            kind = relation.collections[0]
            place = (
                target.id if relation.kind == "own" else f"/subscriptions/{ids.subscription_of(target.id)}"
            )
            return complete(list(near.own[kind]), place, relation.collections)
        case "extension":
            rows = [
                row
                for row in near.rows(relation.collections[0])
                if _applies_to(row) == ids.normalise(target.id)
            ]
            return complete(rows, target.id, relation.collections)
        case "inherited":
            return _inherited(estate, relation, target, near)
        case "pricings":
            rows = estate.by_subscription.get(ids.subscription_of(target.id), [])
            return complete(
                list(rows), f"/subscriptions/{ids.subscription_of(target.id)}", relation.collections
            )
        case "all":
            return complete(list(estate.part(relation.collections[0])), "/", relation.collections)
        case "endpoints":
            return estate.endpoints.of(target)
        case "access":
            return _access(estate, target, near)
        case "enforcement":
            return _enforcement(estate, target, near)
        case "exempted":
            return _exempted(estate, target)
        case "taskIdentities":
            return _task_access(estate, target)
        case "kubelet":
            return _kubelet_access(estate, target)
        case "subnetRules":
            return estate.network.rules_of(target)
        case _:
            return Unknown(f"related.{relation.name} is not computed in this version", "not-collected")


def _children(kind: str, near: Near) -> list[Resource]:
    """Rows of a child type directly below the registry."""
    return [row for row in near.rows(kind) if row.type.lower() == kind.lower()]


def _with_percent(rows: list[Resource]) -> list[Resource]:
    """Usages with `percent`: 100 * currentValue / limit; a limit of -1 (unlimited) or 0 has none."""
    found = []
    for row in rows:
        limit: Any = row.body.get("limit")
        value: Any = row.body.get("currentValue")
        if type(limit) in (int, float) and type(value) in (int, float) and limit > 0:
            row = replace(row, body={**row.body, "percent": 100 * value / limit})  # noqa: PLW2901
        found.append(row)
    return found


def _applies_to(row: Resource) -> str:
    """The normalised id that an extension row applies to."""
    scope = ids.scope_of(row.type, row.id, row.body)
    return ids.normalise(ids.parent_of(row.id) if scope == row.id else scope)


def _inherited(estate: Estate, relation: Relation, target: Resource, near: Near) -> Any:
    kind = relation.collections[0]
    here = ids.normalise(target.id)
    rows = [_marked(row, inherited=False) for row in near.rows(kind) if _applies_to(row) == here]
    index = estate.index(kind)
    rows += [_marked(row, inherited=True) for row in index.above(estate.chains.above(here))]
    found = estate.completeness.rows(rows, target.id, relation.collections)
    return _chain_gap(estate, target, found, management_groups=index.management_groups)


def _marked(row: Resource, *, inherited: bool) -> Resource:
    return replace(row, body={**row.body, "inherited": inherited})


def _chain_gap(estate: Estate, target: Resource, rows: Any, *, management_groups: bool) -> Any:
    """Rows at management groups exist, but not which of these groups stand above the target."""
    subscription = ids.subscription_of(target.id)
    if not management_groups or estate.chains.known(subscription) or not isinstance(rows, list):
        return rows
    if any(isinstance(row, UnreadTail) for row in rows):
        return rows
    return [*rows, UnreadTail(f"management groups above subscription {subscription} not read")]


_OWN = (
    table.ROLE_ASSIGNMENTS,
    table.ELIGIBILITIES,
    table.DENY_ASSIGNMENTS,
    table.CHILDREN["tokens"],
    table.CHILDREN["scopeMaps"],
)
_SHARED = (table.ROLE_ASSIGNMENTS, table.CHILDREN["tokens"], table.CHILDREN["scopeMaps"])


def _access(estate: Estate, target: Resource, near: Near) -> Any:
    """Access rows; registries that only inherit, in the same mode and with no other door open, share one list."""
    mode = mode_of(target)
    if (
        isinstance(mode, str)
        and not any(near.groups.get(kind) for kind in _OWN)
        and doors.shut(target)
        and all(estate.completeness.gap(kind, target.id) is None for kind in _SHARED)
    ):
        key = (estate.chains.above(ids.normalise(target.id)), mode)
        if key not in estate.shared_access:
            estate.shared_access[key] = _worked_out(estate, target, near)
        return estate.shared_access[key]
    return _worked_out(estate, target, near)


def _worked_out(estate: Estate, target: Resource, near: Near) -> Any:
    gap = estate.completeness.gap(table.ROLE_ASSIGNMENTS, target.id)
    here = ids.normalise(target.id)
    above = estate.chains.above(here)
    own = [
        Assigned(row, target.id, inherited=False, eligible=flag)
        for kind, flag in ((table.ROLE_ASSIGNMENTS, False), (table.ELIGIBILITIES, True))
        for row in near.rows(kind)
        if _applies_to(row) == here
    ]
    denies = estate.denied_above(above)
    if near.rows(table.DENY_ASSIGNMENTS):
        denies = [
            *denies,
            *(deny_of(row) for row in near.rows(table.DENY_ASSIGNMENTS) if _applies_to(row) == here),
        ]
    tokens, maps = (
        estate.completeness.rows(_children(table.CHILDREN[name], near), target.id, (table.CHILDREN[name],))
        for name in ("tokens", "scopeMaps")
    )
    rows = estate.access.rows(target, estate.assigned_above(above), own, denies, tokens, maps)
    if gap is not None:
        rows = [row for row in rows if not isinstance(row, UnreadTail)]
        return [*rows, UnreadTail(gap.reason)] if rows else gap
    return _chain_gap(
        estate, target, rows, management_groups=estate.index(table.ROLE_ASSIGNMENTS).management_groups
    )


def _enforcement(estate: Estate, target: Resource, near: Near) -> Any:
    here = ids.normalise(target.id)
    chain = estate.chain(target.id)

    def applying(kind: str) -> list[Resource]:
        return [row for row in near.rows(kind) if _applies_to(row) == here] + estate.index(kind).above(
            chain[1:]
        )

    states = {}
    for row in near.rows(table.POLICY_STATES):
        assignment, definition = row.body.get("policyAssignmentId"), row.body.get("policyDefinitionId")
        if isinstance(assignment, str) and isinstance(definition, str) and _applies_to(row) == here:
            states[assignment.lower(), ids.name_of(definition).lower()] = str(row.body.get("complianceState"))
    rows = estate.enforcement.rows(
        target, chain, applying(table.POLICY_ASSIGNMENTS), applying(table.POLICY_EXEMPTIONS), states
    )
    gaps = [
        gap
        for kind in (table.POLICY_ASSIGNMENTS, table.POLICY_EXEMPTIONS)
        if (gap := estate.completeness.gap(kind, target.id))
    ]
    if gaps:
        kept = [row for row in rows if not isinstance(row, UnreadTail)]
        return [*kept, UnreadTail(gaps[0].reason)] if kept else gaps[0]
    groups = estate.index(table.POLICY_ASSIGNMENTS).management_groups
    return _chain_gap(estate, target, rows, management_groups=groups)


def _exempted(estate: Estate, exemption: Resource) -> Any:
    gap = estate.completeness.gap(table.POLICY_ASSIGNMENTS, exemption.id)
    properties = exemption.body.get("properties")
    wanted = properties.get("policyAssignmentId") if isinstance(properties, Mapping) else None
    if not isinstance(wanted, str):
        return Unknown("the exemption's policyAssignmentId was not read")
    found = next(
        (
            row
            for row in estate.part(table.POLICY_ASSIGNMENTS)
            if ids.normalise(row.id) == ids.normalise(wanted)
        ),
        None,
    )
    if found is None:
        return gap or Unknown(f"policy assignment {ids.name_of(wanted)} not read", "not-collected")
    definitions = definitions_of(found, estate.policy_sets)
    if definitions is None:
        return Unknown(f"initiative of policy assignment {found.name} not read", "not-collected")
    covers = any(name in built_in.policies() for name in definitions)
    return [{"assignmentId": found.id, "definitionIds": definitions, "coversAcr": covers}]


def identities_of(resource: Resource) -> Iterator[str]:
    """The object ids of a resource's managed identities, in lower case."""
    identity = resource.body.get("identity")
    if not isinstance(identity, Mapping):
        return
    if isinstance(identity.get("principalId"), str):
        yield identity["principalId"].lower()
    assigned = identity.get("userAssignedIdentities")
    for item in assigned.values() if isinstance(assigned, Mapping) else ():
        if isinstance(item, Mapping) and isinstance(item.get("principalId"), str):
            yield item["principalId"].lower()


def task_roles(estate: Estate) -> Mapping[str, list[dict[str, Any]]]:
    """Role assignments of the identities of tasks, by principal."""
    wanted = {principal for task in estate.part(table.TASKS) for principal in identities_of(task)}
    known = roles(estate.part(table.ROLE_DEFINITIONS))
    found: dict[str, list[dict[str, Any]]] = {}
    for row in estate.part(table.ROLE_ASSIGNMENTS) if wanted else ():
        properties = row.body.get("properties")
        principal = properties.get("principalId") if isinstance(properties, Mapping) else None
        if (
            not isinstance(principal, str)
            or principal.lower() not in wanted
            or not isinstance(properties, Mapping)
        ):
            continue
        role = ids.name_of(str(properties.get("roleDefinitionId"))).lower()
        scope = ids.scope_of(row.type, row.id, row.body)
        found.setdefault(principal.lower(), []).append(
            {
                "principalId": principal,
                "roleDefinitionId": role,
                "role": known[role].name if role in known else "",
                "scope": scope,
                "level": level_of(scope),
            }
        )
    return found


def _task_access(estate: Estate, task: Resource) -> Any:
    rows = [row for principal in identities_of(task) for row in estate.task_roles.get(principal, ())]
    return estate.completeness.rows(rows, "/", (table.ROLE_ASSIGNMENTS,))


def kubelet_of(cluster: Resource) -> str:
    """The object id of a cluster's kubelet identity in lower case, or ""."""
    node: Any = cluster.body
    for key in ("properties", "identityProfile", "kubeletidentity", "objectId"):
        node = node.get(key) if isinstance(node, Mapping) else None
    return node.lower() if isinstance(node, str) else ""


def kubelet_rows(estate: Estate) -> Mapping[str, list[Any]]:
    """Access rows of kubelet identities on every registry, by principal; "" holds what was not read."""
    wanted = {kubelet_of(cluster) for cluster in estate.part(table.CLUSTERS)} - {""}
    found: dict[str, list[Any]] = {}
    for linked in estate.targets(REGISTRIES, frozenset({"access"})) if wanted else ():
        rows = linked.related("access")
        properties = linked.resource.body.get("properties")
        server = properties.get("loginServer") if isinstance(properties, Mapping) else None
        for row in rows if isinstance(rows, list) else [UnreadTail(rows.reason)]:
            if isinstance(row, UnreadTail):
                found.setdefault("", []).append(row)
            elif row["principalId"].lower() in wanted and row["door"] == "role":
                found.setdefault(row["principalId"].lower(), []).append(
                    _kubelet_row(row, linked.resource.id, server)
                )
    return found


def _kubelet_row(row: Mapping[str, Any], registry: str, server: Any) -> dict[str, Any]:
    via = row["via"]
    return {
        "principalId": row["principalId"],
        "registry": registry,
        "loginServer": server,
        "can": row["can"],
        "role": via["role"],
        "roleDefinitionId": via["roleDefinitionId"],
        "scope": via["scope"],
        "level": via["level"],
    }


def _kubelet_access(estate: Estate, cluster: Resource) -> Any:
    principal = kubelet_of(cluster)
    if not principal:
        return Unknown("the cluster's kubelet identity was not read")
    rows = [*estate.kubelet_rows.get(principal, ()), *estate.kubelet_rows.get("", ())[:1]]
    if any(isinstance(row, UnreadTail) for row in rows):
        return rows
    return estate.completeness.rows(rows, "/", (table.ROLE_ASSIGNMENTS, REGISTRIES))


def roles(part: Iterable[Resource]) -> Mapping[str, Role]:
    """Role definitions by lower-case GUID: those of the inventory, and the documented built-in ones it lacks."""
    found: dict[str, Role] = {}
    for guid, facts in built_in.roles().items():
        found[guid] = Role(guid, facts["name"], "BuiltInRole", permissions_of(facts["permissions"]) or ())
    for row in part:
        properties = row.body.get("properties")
        blocks = permissions_of(properties.get("permissions")) if isinstance(properties, Mapping) else None
        if blocks is None or not isinstance(properties, Mapping):
            continue
        guid = ids.name_of(row.id).lower()
        name, kind = properties.get("roleName"), properties.get("type")
        found[guid] = Role(
            guid,
            str(name or guid),
            "CustomRole" if str(kind).lower() == "customrole" else "BuiltInRole",
            blocks,
        )
    return found


def temporary(part: Iterable[Resource]) -> Iterator[tuple[str, str]]:
    """(role assignment id, end) of assignments that end by themselves."""
    for row in part:
        properties = row.body.get("properties")
        if not isinstance(properties, Mapping):
            continue
        end, origin = properties.get("endDateTime"), properties.get("originRoleAssignmentId")
        if isinstance(end, str) and isinstance(origin, str):
            yield origin.lower(), end


def spares_children(row: Resource) -> bool:
    """Whether a deny assignment says that it does not apply below its scope."""
    properties = row.body.get("properties")
    return isinstance(properties, Mapping) and properties.get("doNotApplyToChildScopes") is True
