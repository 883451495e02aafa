"""How each kind of relation is worked out: a target and what lies near it come in, rows with their completeness come out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from scanner.engine import relations as table
from scanner.engine.access import joined
from scanner.engine.assignments import Schedules, assigned, content_of, deny_of
from scanner.engine.capabilities import Role, permissions_of
from scanner.engine.enforcement import members
from scanner.engine.relations import REGISTRIES, Relation
from scanner.engine.scopes import level_of, scope_of
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
            rows = near.rows(relation.collections[0])
            given = _with_percent(rows) if relation.name == "usages" else rows
            return complete(given, near.home, relation.collections)
        case "pipelines":
            return complete(
                [row for kind in relation.collections for row in near.rows(kind)],
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
            return complete(near.own[kind], place, relation.collections)
        case "extension":
            return complete(_here(relation.collections[0], target, near), target.id, relation.collections)
        case "inherited":
            return _inherited(estate, relation, target, near)
        case "pricings":
            rows = estate.by_subscription.get(ids.subscription_of(target.id), [])
            return complete(rows, f"/subscriptions/{ids.subscription_of(target.id)}", relation.collections)
        case "all":
            kind = relation.collections[0]
            rows = estate.registries if kind == REGISTRIES else list(estate.part(kind))
            return complete(rows, "/", relation.collections)
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
        case "storage":
            gap = estate.completeness.gap(table.MANIFESTS, target.id)
            return [estate.storage_of(near).row(target, gap.reason if gap else "")]
        case "subnetRules":
            return estate.network.rules_of(target)
        case _:
            raise AssertionError(relation.kind)


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


def _here(kind: str, target: Resource, near: Near) -> list[Resource]:
    """The rows of an extension type that apply to the target itself."""
    rows = near.rows(kind)
    if not rows:
        return rows
    here = ids.normalise(target.id)
    return [row for row in rows if ids.normalise(scope_of(row)) == here]


def _inherited(estate: Estate, relation: Relation, target: Resource, near: Near) -> Any:
    kind = relation.collections[0]
    chain = estate.chains.over_parent(ids.normalise(target.id))
    own = [marked(row, inherited=False) for row in _here(kind, target, near)]
    rows = [*own, *estate.inherited(kind, chain)]
    found = estate.completeness.rows(rows, target.id, relation.collections, chain)
    return _with_chain_gap(estate, target, found, kind)


def marked(row: Resource, *, inherited: bool) -> Resource:
    """A copy of a row that says whether it comes from above."""
    return replace(row, body={**row.body, "inherited": inherited})


def _with_chain_gap(estate: Estate, target: Resource, rows: Any, kind: str) -> Any:
    """The rows, open where some stand at management groups and it is not known which of these are above the target."""
    if not estate.index(kind).management_groups or not isinstance(rows, list):
        return rows
    subscription = ids.subscription_of(target.id)
    if estate.chains.known(subscription):
        return rows
    reason = f"management groups above subscription {subscription} not read"
    known = (("door", "role"),) if kind == table.ROLE_ASSIGNMENTS else ()
    return joined(rows, [UnreadTail(reason, known)])


def _access(estate: Estate, target: Resource, near: Near) -> Any:
    chain = estate.chains.over_parent(ids.normalise(target.id))
    gap = estate.completeness.gap(table.ROLE_ASSIGNMENTS, target.id, chain)
    own = [
        given
        for kind, flag in ((table.ROLE_ASSIGNMENTS, False), (table.ELIGIBILITIES, True))
        if near.rows(kind)
        for given in assigned(_here(kind, target, near), estate.clock, eligible=flag, at=target.id)
    ]
    denies = [deny_of(row) for row in _here(table.DENY_ASSIGNMENTS, target, near)]
    tokens, maps = (
        estate.completeness.rows(near.rows(kind), target.id, (kind,))
        for kind in (table.CHILDREN["tokens"], table.CHILDREN["scopeMaps"])
    )
    rows = estate.access.rows(target, estate.access_above(chain), own, denies, tokens, maps)
    if gap is not None:
        tail = UnreadTail(gap.reason, (("door", "role"),))
        return joined([tail], rows) if any(isinstance(row, dict) for row in rows) else gap
    return _with_chain_gap(estate, target, rows, table.ROLE_ASSIGNMENTS)


def _enforcement(estate: Estate, target: Resource, near: Near) -> Any:
    chain = estate.chain(target.id)
    over = estate.chains.over_parent(chain[0])
    exemptions = _all(estate, table.POLICY_EXEMPTIONS, over, target, near)
    unread = estate.completeness.gap(table.POLICY_EXEMPTIONS, target.id, over)
    states = estate.completeness.gap(table.POLICY_STATES, target.id) or dict(
        _states(_here(table.POLICY_STATES, target, near))
    )
    assignments = _all(estate, table.POLICY_ASSIGNMENTS, over, target, near)
    rows = estate.enforcement.rows(target, chain, assignments, exemptions, unread, states)
    gap = estate.completeness.gap(table.POLICY_ASSIGNMENTS, target.id, over)
    if gap is not None:
        kept = [row for row in rows if isinstance(row, dict)]
        return [*kept, UnreadTail(gap.reason)] if kept else gap
    return _with_chain_gap(estate, target, rows, table.POLICY_ASSIGNMENTS)


def _all(estate: Estate, kind: str, over: tuple[str, ...], target: Resource, near: Near) -> list[Resource]:
    """The rows of an extension type at the target and above it."""
    return [*_here(kind, target, near), *estate.index(kind).above(over)]


def _states(rows: Iterable[Resource]) -> Iterator[tuple[tuple[str, str], str]]:
    for row in rows:
        assignment, definition = row.body.get("policyAssignmentId"), row.body.get("policyDefinitionId")
        state = row.body.get("complianceState")
        if isinstance(assignment, str) and isinstance(definition, str) and isinstance(state, str):
            yield (ids.normalise(assignment), ids.name_of(definition).lower()), state


def _exempted(estate: Estate, exemption: Resource) -> Any:
    """The assignment that an exemption is about, with the definitions it is exempted from; [] where it is gone."""
    properties = exemption.body.get("properties")
    wanted = properties.get("policyAssignmentId") if isinstance(properties, Mapping) else None
    if not isinstance(properties, Mapping) or not isinstance(wanted, str):
        return Unknown("the exemption's policyAssignmentId was not read")
    found = estate.policy_assignments.get(ids.normalise(wanted))
    if found is None:
        return estate.completeness.gap(table.POLICY_ASSIGNMENTS, ids.parent_of(wanted)) or []
    given = found.body.get("properties")
    brought = members(given, estate.policy_sets) if isinstance(given, Mapping) else None
    if brought is None:
        unknown = Unknown(f"initiative of policy assignment {found.name} not read", "not-collected")
        return [{"assignmentId": found.id, "definitionIds": unknown, "coversAcr": unknown}]
    references = properties.get("policyDefinitionReferenceIds")
    if isinstance(references, list) and references:
        named = {item.lower() for item in references if isinstance(item, str)}
        brought = [member for member in brought if member.reference.lower() in named]
    definitions = [member.definition for member in brought]
    covers = any(name in built_in.policies() for name in definitions)
    return [{"assignmentId": found.id, "definitionIds": definitions, "coversAcr": covers}]


def identities_of(resource: Resource) -> Iterator[str]:
    """The object ids of a resource's managed identities in lower case; "" for each that was not read."""
    identity = resource.body.get("identity")
    if not isinstance(identity, Mapping):
        if identity is not None:
            yield ""
        return
    principal = identity.get("principalId")
    if principal is not None:
        yield principal.lower() if isinstance(principal, str) else ""
    assigned_ones = identity.get("userAssignedIdentities")
    for item in assigned_ones.values() if isinstance(assigned_ones, Mapping) else ():
        principal = item.get("principalId") if isinstance(item, Mapping) else None
        yield principal.lower() if isinstance(principal, str) else ""


def task_roles(estate: Estate) -> Mapping[str, list[dict[str, Any]]]:
    """Role assignments of the identities of tasks, by principal."""
    wanted = {principal for task in estate.part(table.TASKS) for principal in identities_of(task)} - {""}
    found: dict[str, list[dict[str, Any]]] = {}
    for row in estate.part(table.ROLE_ASSIGNMENTS) if wanted else ():
        properties = row.body.get("properties")
        given = properties if isinstance(properties, Mapping) else {}
        principal, role_id = given.get("principalId"), given.get("roleDefinitionId")
        if not isinstance(principal, str) or principal.lower() not in wanted:
            continue
        role = ids.name_of(role_id).lower() if isinstance(role_id, str) else ""
        scope = scope_of(row)
        found.setdefault(principal.lower(), []).append(
            {
                "principalId": principal,
                "roleDefinitionId": role,
                "role": estate.roles[role].name if role in estate.roles else "",
                "scope": scope,
                "level": level_of(scope),
            }
        )
    return found


def _task_access(estate: Estate, task: Resource) -> Any:
    principals = list(identities_of(task))
    rows: list[Any] = [row for one in principals for row in estate.task_roles.get(one, ())]
    found = estate.completeness.rows(rows, "/", (table.ROLE_ASSIGNMENTS,))
    if "" in principals and isinstance(found, list):
        return joined(found, [UnreadTail("the object id of an identity of the task was not read")])
    return found


def kubelet_of(cluster: Resource) -> str:
    """The object id of a cluster's kubelet identity in lower case, or ""."""
    node: Any = cluster.body.get("properties")
    node = node.get("identityProfile") if isinstance(node, Mapping) else None
    for key in node if isinstance(node, Mapping) else ():
        found = node[key].get("objectId") if isinstance(node[key], Mapping) else None
        if key.lower() == "kubeletidentity" and isinstance(found, str):
            return found.lower()
    return ""


def kubelet_rows(estate: Estate) -> Mapping[str, list[Any]]:
    """Access rows of kubelet identities on every registry, by principal; "" holds why some may be missing."""
    wanted = {kubelet_of(cluster) for cluster in estate.part(table.CLUSTERS)} - {""}
    found: dict[str, list[Any]] = {}
    for linked in estate.targets(REGISTRIES, frozenset({"access"})) if wanted else ():
        rows = linked.related("access")
        properties = linked.resource.body.get("properties")
        server = properties.get("loginServer") if isinstance(properties, Mapping) else properties
        for row in rows if isinstance(rows, list) else [UnreadTail(rows.reason)]:
            if isinstance(row, UnreadTail):
                door = dict(row.known).get("door", "role")
                if door == "role" and "" not in found:
                    found[""] = [UnreadTail(row.reason)]
            elif row["door"] == "role" and row["principalId"].lower() in wanted:
                rows_of = found.setdefault(row["principalId"].lower(), [])
                rows_of.append(_kubelet_row(row, linked.resource.id, server))
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
    rows = [*estate.kubelet_rows.get(principal, ()), *estate.kubelet_rows.get("", ())]
    if any(isinstance(row, UnreadTail) for row in rows):
        return rows if len(rows) > 1 else Unknown(rows[0].reason)
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


def schedules(part: Iterable[Resource]) -> Schedules:
    """Which assignments end by themselves: activated ones, and those with an end."""
    by_id: dict[str, str] = {}
    by_content: dict[tuple[str, str, str], str] = {}
    for row in part:
        properties = row.body.get("properties")
        given = properties if isinstance(properties, Mapping) else {}
        end, origin = given.get("endDateTime"), given.get("originRoleAssignmentId")
        until = end if isinstance(end, str) else ""
        activated = str(given.get("assignmentType")).lower() == "activated"
        if not until and not activated:
            continue
        if isinstance(origin, str):
            by_id[ids.normalise(origin)] = until
        else:
            by_content[content_of(row)] = until
    return Schedules(by_id, by_content)


def spares_children(row: Resource) -> bool:
    """Whether a deny assignment says that it does not apply below its scope."""
    properties = row.body.get("properties")
    return isinstance(properties, Mapping) and properties.get("doNotApplyToChildScopes") is True
