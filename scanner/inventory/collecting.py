"""The work of a live collection: a client, a scope and a journal come in; rows and finished units go into the journal.

Resource Graph first, in bulk; then each subscription and each registry for what Graph lacks. A unit is one query, one list, or
all lists of one registry; what is finished is not asked for again.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, NamedTuple

from scanner.inventory import arm, live, policy_states, resource_graph
from scanner.inventory._azure.client import Client, NotRead
from scanner.inventory.attempt import ARM, ARM_PREVIEW, GRAPH, Attempt, Books
from scanner.inventory.journal import Unit
from scanner.inventory.live import List, Query
from scanner.inventory.making import make
from scanner.inventory.scopes import VERSION, Scope, Subscription
from scanner.model import ids
from scanner.model.resource import Origin, Problem, Resource

AT_ONCE = 32
"""Pieces of work of one kind that are under way at once."""


class Brief(NamedTuple):
    """What later steps need of a registry: its id, its tier in lower case, some of its properties."""

    id: str
    tier: str
    properties: dict[str, Any] = {}  # noqa: RUF012 - never changed


Extra = Callable[[Brief, Attempt], Awaitable[None]]
"""What else is done for each registry (data plane, probe), within its unit."""


class Collector:
    """Collects one scope."""

    def __init__(self, client: Client, scope: Scope, books: Books, extra: Extra | None = None) -> None:
        self.client = client
        self.scope = scope
        self.books = books
        self.extra = extra
        self.gone: set[str] = set()
        """Normalised ids of registries that were deleted while or before they were read."""
        self.seen = 0
        """Registries that were read."""

    # -- Resource Graph ------------------------------------------------------------------------------------------

    async def graph(self) -> None:
        """All queries over all batches of subscriptions."""
        scanned = [one.id for one in self.scope.subscriptions]
        visible = [one.id for one in self.scope.visible]
        jobs = [
            (query, batch)
            for query in (live.CHAIN_QUERY, *live.QUERIES)
            for batch in batches(visible if query.everywhere else scanned)
        ]
        await bounded((self.permissions(one, "before") for one in self.scope.subscriptions), AT_ONCE)
        for done, (query, batch) in enumerate(jobs, 1):
            await self.query(query, batch)
            self.books.tell("graph", done=done, total=len(jobs), query=query.name)

    async def query(self, query: Query, batch: Sequence[str]) -> Unit:
        """One query over one batch. What was not read is missing in each of its subscriptions.

        Of registries themselves Graph is a check only; without it their own lists must do.
        """
        asked = "\n".join((query.text, *batch)).encode()
        name = f"graph/{query.name}/{hashlib.blake2b(asked, digest_size=8).hexdigest()}"
        done = self.books.journal.done(name)
        if done is not None:
            return done
        kind = query.types[0]
        attempt = self.books.attempt()
        await attempt.read(
            kind,
            [f"/subscriptions/{one}" for one in batch],
            resource_graph.pages(self.client, query, batch),
            rank=GRAPH,
            seen=_FACTS.get(kind),
            graph=True,
        )
        if attempt.problems and kind == live.REGISTRIES:
            attempt.notes.append(
                f"registries were not checked against Resource Graph: {attempt.problems[0][1].reason}"
            )
            attempt.problems.clear()
        return attempt.commit(name)

    def facts(self, query: str) -> Iterable[Any]:
        """What the units of a query found out."""
        for unit in self.books.journal.units:
            if unit.name.startswith(f"graph/{query}/"):
                yield from unit.facts

    def brief(self, resource: Resource) -> list[Any]:
        """What is remembered of a registry; properties only where a later step needs them."""
        sku, properties = resource.body.get("sku"), resource.body.get("properties")
        tier = sku.get("name") if isinstance(sku, dict) else ""
        found: list[Any] = [resource.id, tier.lower() if isinstance(tier, str) else ""]
        if self.extra is not None and isinstance(properties, dict):
            found.append({key: properties[key] for key in PROBED if key in properties})
        return found

    # -- subscriptions -------------------------------------------------------------------------------------------

    async def subscriptions(self) -> None:
        """Everything that is listed per subscription and per registry."""
        journal = self.books.journal
        asked = hashlib.blake2b("\n".join(one.id for one in self.scope.subscriptions).encode(), digest_size=8)
        name = f"subscriptions/{asked.hexdigest()}"
        if journal.done(name) is None:
            number, now = journal.begin(), self.client.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
            for one in self.scope.subscriptions:
                identifier = f"/subscriptions/{one.id}"
                origin = Origin("azure", "/subscriptions", collected_at=now)
                journal.row(
                    number, make(live.SUBSCRIPTIONS, identifier, {**one.row, "id": identifier}, origin, VERSION), ARM
                )  # fmt: skip
            journal.commit(number, name)
        total, finished = len(self.scope.subscriptions), 0

        async def work(one: Subscription) -> None:
            nonlocal finished
            await self.subscription(one)
            finished += 1
            self.books.tell(
                "subscription", done=finished, total=total, name=one.name or one.id, registries=self.seen
            )

        await bounded([work(one) for one in self.scope.subscriptions], AT_ONCE)
        await self.left_out()

    async def left_out(self) -> None:
        """Registries that only Resource Graph names: gone since, or left out by the list of their subscription."""
        only = [found for found, ranks in self.books.journal.ids(live.REGISTRIES) if ARM not in ranks]
        for registry in only:
            one = await self.single(registry, ids.subscription_of(registry))
            if ids.normalise(registry) not in self.gone:
                await self.around(ids.subscription_of(registry))
            if one is not None:
                await self.registry(one)

    async def subscription(self, one: Subscription) -> None:
        """One subscription."""
        await self.permissions(one, "after")
        registries = await self.registries(one)
        if registries:
            await self.around(one.id)
            await bounded((self.registry(Brief(*item)) for item in registries), AT_ONCE)

    async def around(self, subscription: str) -> None:
        """What a subscription lists for the registries in it."""
        place = f"/subscriptions/{subscription}"
        await bounded([self.listing(item, place, subscription) for item in live.PER_SUBSCRIPTION], AT_ONCE)
        name = f"states/{subscription}"
        if self.books.journal.done(name) is None:
            attempt = self.books.attempt()
            pages = policy_states.states(self.client, subscription)
            await attempt.read(live.STATES, [place], pages, rank=ARM)
            attempt.commit(name)

    async def permissions(self, one: Subscription, when: str) -> None:
        """Find out what Resource Graph keeps from us: it leaves out, without a word, what may not be read.

        Before it is asked and after: a role may be assigned in between.

        Source: https://learn.microsoft.com/rest/api/authorization/permissions/list-for-resource-group
        """
        place, name = f"/subscriptions/{one.id}", f"permissions/{when}/{one.id}"
        if self.books.journal.done(name) is not None:
            return
        attempt = self.books.attempt()
        kinds = [kind for query in live.QUERIES for kind in query.types if kind != live.MANAGEMENT_GROUPS]
        kinds += [live.SETS, live.DEFINITIONS]
        path = f"{place}/providers/Microsoft.Authorization/permissions"
        try:
            pages = arm.pages(self.client, path, "2022-04-01", one.id)
            rows = [row async for page in pages for row in page.rows]
        except NotRead as error:
            attempt.missed("Microsoft.Authorization/permissions", [place], error)
            _, denied = attempt.problems.pop()
            reason = f"own permissions unknown ({error.reason}): Resource Graph may have left something out"
            attempt.problems += [
                (kind, Problem(place, reason, denied.status, denied.action, denied.fix)) for kind in kinds
            ]
        else:
            for kind in kinds:
                action = live.read_action(kind)
                if not may(rows, action):
                    reason = f"no permission {action}: Resource Graph leaves out what may not be read"
                    lack = Problem(place, reason, 403, action, self.books.grant(place, action))
                    below = self.books.below if kind == live.REGISTRIES else ()
                    attempt.problems += [(item, lack) for item in (kind, *below)]
        attempt.commit(name)

    async def registries(self, one: Subscription) -> list[list[Any]]:
        """The registries of a subscription (what makes a `Brief`), from its own list in two api-versions."""
        place = f"/subscriptions/{one.id}"
        path = f"{place}/providers/{live.REGISTRIES}"
        name = f"registries/{one.id}"
        stable = self.books.journal.done(name)
        if stable is None:
            attempt = self.books.attempt()
            pages = arm.pages(self.client, path, live.STABLE, one.id)
            await attempt.read(
                live.REGISTRIES, [place], pages, rank=ARM, version=live.STABLE, seen=self.brief
            )
            stable = attempt.commit(name)
        self.books.journal.forget(name)
        found: list[list[Any]] = stable.facts
        if found:
            await self.previews(one, path)
        found.sort()
        return found

    async def previews(self, one: Subscription, path: str) -> None:
        """The same registries with the keys that only a preview has; without them those keys are unknown, no more."""
        name = f"previews/{one.id}"
        if self.books.journal.done(name) is not None:
            return
        attempt = self.books.attempt()
        pages = arm.pages(self.client, path, live.PREVIEW, one.id)
        await attempt.read(
            live.REGISTRIES, [f"/subscriptions/{one.id}"], pages, rank=ARM_PREVIEW, version=live.PREVIEW
        )
        if attempt.problems:
            reason = attempt.problems[0][1].reason
            attempt.problems.clear()
            attempt.notes.append(
                f"{one.name or one.id}: keys that only previews have were not read: {reason}"
            )
        attempt.commit(name)

    async def single(self, registry: str, subscription: str) -> Brief | None:
        """Read one registry by itself; None where it is gone or cannot be read."""
        name = f"single/{registry}"
        done = self.books.journal.done(name)
        if done is None:
            attempt = self.books.attempt()
            try:
                reply = await arm.one(self.client, registry, live.STABLE, subscription)
            except NotRead as error:
                if error.deleted:
                    attempt.notes.append(f"{registry}: deleted; Resource Graph still names it")
                    attempt.facts.append("gone")
                else:  # Graph's row stays, but nothing below it was asked for
                    attempt.missed(live.REGISTRIES, [registry], error)
            else:
                origin = Origin("azure", f"{registry}?api-version={live.STABLE}", collected_at=reply.at)
                row = make(live.REGISTRIES, registry, reply.body, origin, live.STABLE)
                attempt.row(row, ARM)
                attempt.notes.append(f"{registry}: left out by the list of its subscription, read by itself")
                attempt.facts.append(self.brief(row))
            done = attempt.commit(name)
        if done.facts == ["gone"]:
            self.gone.add(ids.normalise(registry))
            return None
        return Brief(*done.facts[0]) if done.facts else None

    def unlooked(self) -> list[str]:
        """Registries of which nothing below was read, for whatever reason; there must be no silence about them."""
        journal = self.books.journal
        return [
            found
            for found, _ in journal.ids(live.REGISTRIES)
            if ids.normalise(found) not in self.gone
            and journal.done(f"registry/{ids.normalise(found)}") is None
        ]

    # -- registries ----------------------------------------------------------------------------------------------

    async def listing(self, item: List, scope: str, bucket: str) -> Unit:
        """One list below a scope, as a unit of its own."""
        name = f"list/{scope}/{item.leaf}"
        done = self.books.journal.done(name)
        if done is None:
            attempt = self.books.attempt()
            await self.listed(attempt, item, scope, bucket)
            done = attempt.commit(name)
        return done

    async def listed(self, attempt: Attempt, item: List, scope: str, bucket: str) -> None:
        """One list below a scope."""
        pages = arm.pages(self.client, f"{scope}/{item.leaf}", item.version, bucket, where=item.filter)
        await attempt.read(item.type, [scope], pages, rank=ARM, version=item.version)

    async def registry(self, one: Brief) -> None:
        """What a registry lists, as far as its tier can have it, and what else was asked for."""
        name = f"registry/{ids.normalise(one.id)}"
        if self.books.journal.done(name) is not None:
            self.seen += 1
            return
        attempt = self.books.attempt()
        bucket = ids.subscription_of(one.id)
        for item in live.PER_REGISTRY:
            if one.tier in live.TIERS and one.tier not in item.tiers:
                continue
            before = len(attempt.problems)
            await self.listed(attempt, item, one.id, bucket)
            trouble = attempt.problems[before:]
            if any(problem.status == 404 for _, problem in trouble) and await self.vanished(one.id):
                attempt.problems.clear()
                attempt.notes.append(f"{one.id}: deleted while it was read; left out")
                attempt.commit(f"vanished/{one.id}")
                return
        if self.extra is not None:
            await self.extra(one, attempt)  # noqa: S610 - nobody's database
        attempt.commit(name)
        self.seen += 1

    async def vanished(self, registry: str) -> bool:
        """Whether a registry was deleted while we were reading."""
        try:
            await arm.one(self.client, registry, live.STABLE, ids.subscription_of(registry))
        except NotRead as error:
            if error.deleted:
                self.gone.add(ids.normalise(registry))
                return True
        return False


PROBED = (
    "loginServer",
    "publicNetworkAccess",
    "networkRuleSet",
    "dataEndpointEnabled",
    "dataEndpointHostNames",
    "regionalEndpointHostNames",
    "roleAssignmentMode",
    "anonymousPullEnabled",
    "privateEndpointConnections",
)
"""Properties of a registry that the data plane and the probe need."""


def _text(resource: Resource, key: str, start: str = "") -> str | None:
    properties = resource.body.get("properties")
    found = properties.get(key) if isinstance(properties, dict) else None
    return found if isinstance(found, str) and found.startswith(start) else None


_FACTS: dict[str, Callable[[Resource], Any]] = {
    live.ENDPOINTS: lambda resource: resource.id,
    live.AGENT_POOLS: lambda resource: _text(resource, "virtualNetworkSubnetResourceId", "/subscriptions/"),
}


def may(permissions: Iterable[dict[str, Any]], action: str) -> bool:
    """Whether permission rows (`actions`, `notActions`) allow an action."""
    return any(
        any(_fits(one, action) for one in row.get("actions") or ())
        and not any(_fits(one, action) for one in row.get("notActions") or ())
        for row in permissions
    )


def _fits(pattern: Any, action: str) -> bool:
    if not isinstance(pattern, str):
        return False
    words = (re.escape(part) for part in pattern.lower().split("*"))
    return re.fullmatch(".*".join(words), action.lower()) is not None


def batches(items: Sequence[str]) -> list[Sequence[str]]:
    """Subscriptions in the sizes that Resource Graph recommends."""
    return [items[at : at + resource_graph.BATCH] for at in range(0, len(items), resource_graph.BATCH)]


async def bounded(jobs: Iterable[Coroutine[Any, Any, Any]], limit: int) -> None:
    """Run jobs, at most `limit` at once; the first one that fails ends all."""
    waiting = iter(jobs)
    running: set[asyncio.Task[Any]] = set()
    try:
        for job in waiting:
            running.add(asyncio.create_task(job))
            if len(running) >= limit:
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        while running:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        for task in running:
            task.cancel()
        for job in waiting:
            job.close()
        if running:
            await asyncio.gather(*running, return_exceptions=True)
