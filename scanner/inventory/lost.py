"""An estate that shrinks: an earlier inventory and this one come in, what vanished without having been deleted comes out.

A registry that Azure says is gone (404) was deleted. One that can no longer be seen, because its subscription or the right to
read it was lost, is kept as a resource of which nothing is known: its findings are neither open nor resolved.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from scanner.inventory import arm, live
from scanner.inventory._azure.client import NotRead
from scanner.inventory.attempt import GRAPH
from scanner.inventory.collecting import Collector
from scanner.model import ids
from scanner.model.resource import Inventory, Origin, Problem, Resource

_PARTS = ("/location", "/sku", "/identity", "/tags", "/properties")


@dataclass(frozen=True, slots=True)
class Predecessor:
    """What an earlier inventory held: when it was collected, ids of its registries and subscriptions."""

    when: str
    registries: tuple[str, ...]
    subscriptions: tuple[str, ...]

    @classmethod
    def of(cls, inventory: Inventory) -> Predecessor:
        """The scopes of an inventory."""

        def named(kind: str) -> tuple[str, ...]:
            part = inventory.parts.get(kind.lower())
            return tuple(resource.id for resource in part) if part is not None else ()

        return cls(inventory.collected_at, named(live.REGISTRIES), named(live.SUBSCRIPTIONS))


@dataclass(slots=True)
class Losses:
    """Problems that hold for every collection at their scope, and what the reader should know."""

    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


async def compare(collector: Collector, previous: Predecessor | None) -> Losses:
    """Find out what is no longer there, and store a resource without content for each registry that was lost."""
    losses = Losses()
    scope = collector.scope
    for name in scope.missing:
        place = f"/subscriptions/{name.lower()}"
        losses.problems.append(
            Problem(place, "scope lost: scopes.expect names it, this identity does not see it", None, "", collector.books.grant(place, ""))
        )  # fmt: skip
    if previous is None:
        return losses
    visible = {one.id for one in scope.visible}
    scanned = {one.id for one in scope.subscriptions}
    for subscription in previous.subscriptions:
        name = ids.subscription_of(subscription)
        if name and name not in visible and scope.takes(subscription):
            place = f"/subscriptions/{name}"
            reason = f"scope lost: seen on {previous.when}, no longer visible to this identity"
            losses.problems.append(Problem(place, reason, None, "", collector.books.grant(place, "")))
    left = {ids.normalise(one): one for one in previous.registries}
    for found, _ in collector.books.journal.ids(live.REGISTRIES):
        left.pop(ids.normalise(found), None)
    for registry in left.values():
        subscription = ids.subscription_of(registry)
        if not scope.takes(registry):
            continue
        if subscription in visible and subscription not in scanned:
            continue  # the user asks for less than last time
        await _missing(collector, registry, previous.when, losses, known=subscription in visible)
    return losses


async def _missing(collector: Collector, registry: str, when: str, losses: Losses, *, known: bool) -> None:
    reason = f"scope lost: seen on {when}, no longer visible to this identity"
    if known:
        try:
            await arm.one(collector.client, registry, live.STABLE, ids.subscription_of(registry))
            reason = f"scope lost: seen on {when}, left out by the list of its subscription"
        except NotRead as error:
            if error.status == 404 and error.code != "SubscriptionNotFound":
                losses.notes.append(f"{registry}: deleted since {when}")
                return
            reason = f"scope lost: seen on {when}, now {error.reason}"
    name = f"lost/{registry}"
    journal = collector.books.journal
    if journal.done(name) is None:
        number = journal.begin()
        journal.row(number, _unseen(registry, reason), GRAPH)
        journal.commit(number, name, facts=[registry])
    losses.problems.append(Problem(registry, reason, None, "", collector.books.grant(registry, "")))


def _unseen(registry: str, reason: str) -> Resource:
    name = ids.name_of(registry)
    body = {"id": registry, "name": name, "type": live.REGISTRIES}
    origin = Origin("azure", "an earlier snapshot", collected_at=None)
    return Resource(
        registry, live.REGISTRIES, name, body, unread=dict.fromkeys(_PARTS, reason), origin=origin
    )
