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

LOST = "scope lost"
"""How reasons begin that tell of a scope which was there before; the next run takes them on."""
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

        lost = {
            problem.scope
            for run in inventory.runs
            for problem in run.problems
            if problem.reason.startswith(LOST) and problem.scope.count("/") == 2
        }
        subscriptions = (*named(live.SUBSCRIPTIONS), *sorted(lost))
        return cls(inventory.collected_at, named(live.REGISTRIES), tuple(dict.fromkeys(subscriptions)))


@dataclass(slots=True)
class Losses:
    """Problems that hold for every collection at their scope, and what the reader should know."""

    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


async def compare(collector: Collector, previous: Predecessor | None, *, interrupted: bool) -> Losses:
    """Find out what is no longer there, and store a resource without content for each registry that was lost.

    After an interruption nothing more is asked: every earlier registry that was not read is kept as one.
    """
    losses = Losses()
    scope = collector.scope
    for name in scope.missing:
        place = f"/subscriptions/{name.lower()}"
        losses.problems.append(
            Problem(place, f"{LOST}: scopes.expect names it, and it is not among what is scanned", None, "", collector.books.grant(place, ""))
        )  # fmt: skip
    if previous is None:
        return losses
    visible = {one.id for one in scope.visible}
    scanned = {one.id for one in scope.subscriptions}
    for subscription in previous.subscriptions:
        name = ids.subscription_of(subscription)
        if name and name not in visible and scope.takes(subscription):
            place = f"/subscriptions/{name}"
            reason = f"{LOST}: seen on {previous.when}, no longer visible to this identity"
            losses.problems.append(Problem(place, reason, None, "", collector.books.grant(place, "")))
        elif name in visible and name not in scanned and scope.wanted.management_groups:
            losses.notes.append(
                f"{subscription}: scanned on {previous.when}, now not below the management groups"
            )
    left = {ids.normalise(one): one for one in previous.registries}
    for found, _ in collector.books.journal.ids(live.REGISTRIES):
        left.pop(ids.normalise(found), None)
    for registry in left.values():
        subscription = ids.subscription_of(registry)
        if not scope.takes(registry):
            continue
        if subscription in visible and subscription not in scanned:
            continue  # the user asks for less than last time
        known = subscription in visible and not interrupted
        words = "not read before the interruption" if interrupted else "no longer visible to this identity"
        await _missing(collector, registry, previous.when, losses, words, known=known)
    return losses


async def _missing(
    collector: Collector, registry: str, when: str, losses: Losses, words: str, *, known: bool
) -> None:
    reason = f"{LOST}: seen on {when}, {words}"
    if known:
        try:
            await arm.one(collector.client, registry, live.STABLE, ids.subscription_of(registry))
            reason = f"{LOST}: seen on {when}, left out by the list of its subscription"
        except NotRead as error:
            if error.deleted:
                losses.notes.append(f"{registry}: deleted since {when}")
                return
            reason = f"{LOST}: seen on {when}, now {error.reason}"
    journal = collector.books.journal
    number = journal.begin()
    journal.row(number, _unseen(registry, reason), GRAPH)
    journal.commit(number, f"lost/{registry}", fleeting=True)
    losses.problems.append(Problem(registry, reason, None, "", collector.books.grant(registry, "")))


def _unseen(registry: str, reason: str) -> Resource:
    name = ids.name_of(registry)
    body = {"id": registry, "name": name, "type": live.REGISTRIES}
    origin = Origin("azure", "an earlier snapshot", collected_at=None)
    return Resource(
        registry, live.REGISTRIES, name, body, unread=dict.fromkeys(_PARTS, reason), origin=origin
    )
