"""The estate: an inventory comes in; the resources of a type come out one by one, each able to give its related data.

Each pass streams the target part and merge-joins the parts that the named relations need; only what is inherited (roles,
locks, policies) and small (subscriptions, plans, role definitions) is held.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from scanner.engine import networks, sources
from scanner.engine import relations as table
from scanner.engine.access import Access, joined
from scanner.engine.assignments import Above, assigned, deny_of
from scanner.engine.capabilities import Role
from scanner.engine.completeness import Completeness
from scanner.engine.enforcement import Enforcement
from scanner.engine.join import Follower, Grouper
from scanner.engine.operators.time import instant
from scanner.engine.relations import REGISTRIES, Relation, relations_for
from scanner.engine.scopes import Chains, ScopeIndex
from scanner.engine.storage import Storage
from scanner.engine.unread import places
from scanner.model import ids
from scanner.model.resource import LIVE_SOURCES, Inventory, Resource
from scanner.model.values import Unknown, UnreadTail


class Linked:
    """A resource with its relations, each worked out when first asked for; `fixed` ones are the same for all."""

    __slots__ = ("_fixed", "_found", "_work", "resource")

    def __init__(self, resource: Resource, work: Callable[[str], Any], fixed: Mapping[str, Any]) -> None:
        self.resource = resource
        self._work = work
        self._fixed = fixed
        self._found: dict[str, Any] = {}

    def related(self, name: str) -> Any:
        """The rows of a relation (a list that may end in an UnreadTail), or Unknown."""
        found = self._fixed.get(name)
        if found is None:
            found = self._found.get(name)
        if found is None:
            found = self._work(name)
            if self.resource.origin.source not in LIVE_SOURCES:
                found = certain(found, self.resource.optional)
            self._found[name] = found
        return found


def certain(rows: Any, optional: str) -> Any:
    """Rows without those that may never be deployed: they leave the list open.

    What depends on the same unknown as the target itself (`optional`) is there whenever the target is.
    """
    if not isinstance(rows, list):
        return rows
    doubtful = [row for row in rows if isinstance(row, Resource) and row.optional not in ("", optional)]
    if not doubtful:
        return rows
    kept = [row for row in rows if not any(row is one for one in doubtful)]
    return joined(kept, [UnreadTail(doubtful[0].optional)])


class Estate:
    """An inventory with everything linked. `now`: RFC 3339, for what expires."""

    def __init__(self, inventory: Inventory, *, now: str) -> None:
        self.inventory = inventory
        self.now = now
        self.clock = instant(now) or 0.0
        self.completeness = Completeness(inventory.runs)
        self._indexes: dict[str, ScopeIndex] = {}
        self._above: dict[tuple[int, int, int], Above] = {}
        self._marked: dict[int, list[Resource]] = {}
        self._storage_home = ""
        self._storage = Storage(())

    def part(self, kind: str) -> Iterable[Resource]:
        """All resources of a type, in order; nothing where none was read."""
        return self.inventory.parts.get(kind.lower(), ())

    @cached_property
    def chains(self) -> Chains:
        """The scopes above each resource."""
        return Chains(self.part(table.SUBSCRIPTIONS), self.part(table.MANAGEMENT_GROUPS))

    def chain(self, resource_id: str) -> tuple[str, ...]:
        """The normalised scopes of a resource, itself first, root last."""
        return self.chains.above(resource_id)

    def subscriptions(self) -> Mapping[str, str]:
        """Subscription id -> display name, for every subscription that anything was read from."""
        return self._subscriptions

    @cached_property
    def _subscriptions(self) -> Mapping[str, str]:
        return self.subscriptions_with(ids.subscription_of(row.id) for row in self.part(REGISTRIES))

    def subscriptions_with(self, homes: Iterable[str]) -> Mapping[str, str]:
        """The same, where it is known already in which subscriptions registries are: there may be very many."""
        found = dict(self.chains.names)
        for home in homes:
            found.setdefault(home, "")
        for kind in (table.PRICINGS, table.CLUSTERS):
            for row in self.part(kind):
                found.setdefault(ids.subscription_of(row.id), "")
        return {key: found[key] for key in sorted(found) if key}

    def index(self, kind: str) -> ScopeIndex:
        """The rows of an extension type at scopes above registries."""
        if kind not in self._indexes:
            self._indexes[kind] = ScopeIndex(self.part(kind))
        return self._indexes[kind]

    def not_asked(self, what: Relation | str) -> str:
        """Why an opt-in source of a relation (or a target type) was not asked for, or ""."""
        names = (what,) if isinstance(what, str) else what.collections
        return next((reason for name in names if (reason := self.completeness.not_asked(name))), "")

    def not_evaluated(self, target: str, names: set[str]) -> str:
        """Why rules of a target type with these relations are asked of no resource at all, or ""."""
        reason = self.not_asked(target)
        for relation in relations_for(target):
            if relation.name in names and not reason:
                reason = self.not_asked(relation)
        if reason:
            return reason
        if not self.completeness.collected(target):
            return f"{target} not collected"
        if any(True for _ in self.part(target)) or places(self.completeness, target, ""):
            return ""
        return f"no {target} in the inventory"

    def notes(self) -> tuple[str, ...]:
        """What a reader of access results should know: sources whose absence only widens the picture."""
        missing = [
            kind
            for kind in (table.DENY_ASSIGNMENTS, table.ELIGIBILITIES, table.SCHEDULES)
            if not self.completeness.collected(kind)
        ]
        if not missing or not self.completeness.collected(table.ROLE_ASSIGNMENTS):
            return ()
        names = ", ".join(kind.rpartition("/")[2] for kind in missing)
        return (f"effective access was worked out without {names}: not collected",)

    def targets(self, kind: str, names: frozenset[str]) -> Iterator[Linked]:
        """Every resource of a type with the named relations, in order."""
        link = self.linker(kind, names)
        for resource in self.part(kind):
            yield link(resource)

    def linker(self, kind: str, names: frozenset[str]) -> Callable[[Resource], Linked]:
        """What links resources of a type with the named relations; they must come in order."""
        wanted = {relation.name: relation for relation in relations_for(kind) if relation.name in names}
        joins = _Pass(self, wanted.values())
        return lambda resource: Linked(resource, joins.at(resource, wanted), joins.fixed)

    @cached_property
    def roles(self) -> Mapping[str, Role]:
        """Role definitions by lower-case GUID."""
        return sources.roles(self.part(table.ROLE_DEFINITIONS))

    @cached_property
    def access(self) -> Access:
        """The worker for effective access."""
        schedules = sources.schedules(self.part(table.SCHEDULES))
        return Access(self.roles, self.inventory.principals, schedules, self.clock)

    def access_above(self, chain: tuple[str, ...]) -> Above:
        """What registries below these scopes inherit; one object for all that inherit the same.

        Deny assignments that spare child scopes are left out.
        """
        standing = self.index(table.ROLE_ASSIGNMENTS).above(chain)
        eligible = self.index(table.ELIGIBILITIES).above(chain)
        denies = self.index(table.DENY_ASSIGNMENTS).above(chain)
        key = (id(standing), id(eligible), id(denies))
        if key not in self._above:
            rows = [
                *assigned(standing, self.clock, eligible=False),
                *assigned(eligible, self.clock, eligible=True),
            ]
            applying = [deny_of(row) for row in denies if not sources.spares_children(row)]
            self._above[key] = Above(rows, applying)
        return self._above[key]

    def inherited(self, kind: str, chain: tuple[str, ...]) -> list[Resource]:
        """The rows of an extension type at these scopes, marked as inherited."""
        rows = self.index(kind).above(chain)
        if id(rows) not in self._marked:
            self._marked[id(rows)] = [sources.marked(row, inherited=True) for row in rows]
        return self._marked[id(rows)]

    @cached_property
    def enforcement(self) -> Enforcement:
        """The worker for policy coverage."""
        return Enforcement(self.policy_sets, self.now)

    @cached_property
    def policy_sets(self) -> Mapping[str, Resource]:
        """Policy set definitions by lower-case name."""
        return {ids.name_of(row.id).lower(): row for row in self.part(table.POLICY_SETS)}

    @cached_property
    def policy_assignments(self) -> Mapping[str, Resource]:
        """Policy assignments by normalised id."""
        return {ids.normalise(row.id): row for row in self.part(table.POLICY_ASSIGNMENTS)}

    @cached_property
    def registries(self) -> list[Resource]:
        """All registries; held only where a target that may use any of them (a cluster) asks."""
        return list(self.part(REGISTRIES))

    @cached_property
    def by_subscription(self) -> Mapping[str, list[Resource]]:
        """Defender plans by subscription."""
        found: dict[str, list[Resource]] = {}
        for row in self.part(table.PRICINGS):
            found.setdefault(ids.subscription_of(row.id), []).append(row)
        return found

    @cached_property
    def endpoints(self) -> networks.Endpoints:
        """Private endpoints with their zone groups, by what they lead to."""
        return networks.Endpoints(self)

    def storage_of(self, near: sources.Near) -> Storage:
        """The storage of the registry that a pass is at; worked out once per registry."""
        if near.home != self._storage_home:
            gap = self.completeness.gap(table.MANIFESTS, near.home) or self.completeness.gap(
                table.REPOSITORIES, near.home
            )
            self._storage = Storage(near.rows(table.MANIFESTS), gap.reason if gap else "")
            self._storage_home = near.home
        return self._storage

    @cached_property
    def task_roles(self) -> Mapping[str, list[dict[str, Any]]]:
        """Role assignments by the principals of tasks' identities."""
        return sources.task_roles(self)

    @cached_property
    def kubelet_rows(self) -> Mapping[str, list[dict[str, Any]]]:
        """What each cluster's kubelet identity can do on each registry, by principal."""
        return sources.kubelet_rows(self)

    @cached_property
    def network(self) -> networks.Network:
        """Subnets, security groups and route tables."""
        return networks.Network(self)


class _Pass:
    """The merge joins of one pass over a target part."""

    def __init__(self, estate: Estate, wanted: Collection[Relation]) -> None:
        self._estate = estate
        kinds: set[str] = set()
        own: set[str] = set()
        for relation in wanted:
            if relation.kind in ("children", "pipelines", "inherited", "extension", "storage"):
                kinds.update(relation.collections)
            elif relation.kind == "access":
                kinds.update((*relation.collections, table.ELIGIBILITIES, table.DENY_ASSIGNMENTS))
            elif relation.kind == "enforcement":
                kinds.update((table.POLICY_ASSIGNMENTS, table.POLICY_EXEMPTIONS, table.POLICY_STATES))
            elif relation.kind in ("own", "registriesBelow"):
                own.update(relation.collections)
        self.fixed: dict[str, Any] = {relation.name: [] for relation in wanted if self._empty(relation)}
        """Relations that are empty for every target, because their collections were read whole and hold nothing."""
        self._home = {name: Grouper(estate.part(name)) for name in kinds if not self._nothing(name)}
        self._own = {name: Grouper(estate.part(name)) for name in own}
        needs_parent = any(relation.kind == "parent" for relation in wanted)
        self._parent = Follower(estate.part(REGISTRIES)) if needs_parent else None
        self._current = ""
        self._groups: dict[str, list[Resource]] = {}
        self._registry: Resource | None = None
        self._own_key = ""
        self._own_rows: dict[str, list[Resource]] = {}

    def _nothing(self, kind: str) -> bool:
        return not any(True for _ in self._estate.part(kind))

    def _empty(self, relation: Relation) -> bool:
        """Whether a relation of plain rows cannot have any, and is known not to."""
        if relation.kind not in ("children", "pipelines", "inherited", "extension", "enforcement"):
            return False
        complete = self._estate.completeness
        return all(
            self._nothing(kind) and complete.gap(kind, ids.ROOT) is None for kind in relation.collections
        )

    def at(self, resource: Resource, wanted: Mapping[str, Relation]) -> Callable[[str], Any]:
        """Move to a resource; what comes back works out its relations."""
        home = resource.id if resource.type == REGISTRIES else ids.registry_of(resource.id) or resource.id
        key = ids.order_key(home)
        if key != self._current:
            self._current = key
            self._groups = (
                {name: grouper.take(key) for name, grouper in self._home.items()} if self._home else {}
            )
            self._registry = self._parent.find(key) if self._parent else None
        own = self._take_own(resource)
        groups, registry, estate = self._groups, self._registry, self._estate

        def work(name: str) -> Any:
            relation = wanted.get(name)
            if relation is None:
                return Unknown(f"related.{name} was not asked for", "not-collected")
            return sources.work_out(estate, relation, resource, sources.Near(home, groups, own, registry))

        return work

    def _take_own(self, resource: Resource) -> dict[str, list[Resource]]:
        """The rows below the target itself, or for a Defender plan below its subscription."""
        if not self._own:
            return {}
        subscription = f"/subscriptions/{ids.subscription_of(resource.id)}"
        key = ids.order_key(subscription if resource.type.lower() == table.PRICINGS.lower() else resource.id)
        if key != self._own_key:
            self._own_key = key
            self._own_rows = {name: grouper.take(key) for name, grouper in self._own.items()}
        return self._own_rows
